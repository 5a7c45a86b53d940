"""Schedules of row programs: latency and interval as functions of rows, engines and engine plans; errors."""

from itertools import product

import pytest

from codesign.errors import BadInputError
from codesign.row_schedule import row_schedule
from codesign.rows import row_program
from codesign.schedule import schedule
from tests.row_zoo import deep_set, network


def planned(graph, engines, architecture, reuse=None):
    reuse = reuse or {}
    return row_schedule(
        row_program(graph),
        engines,
        architecture,
        lambda body: schedule(body, {name: r for name, r in reuse.items() if name in body.by_name}),
    )


@pytest.mark.parametrize("engines", list(product((1, 2, 4), (1, 2, 4, 8))))
def test_interval_and_latency_of_streaming(engines: tuple[int, int]) -> None:
    nodes, edges = 16, 32
    q, p = engines
    plan = planned(network(nodes, edges), {nodes: q, edges: p}, "streaming")
    assert plan.ii_cycles == max(nodes // q, edges // p) == plan.in_beats
    assert plan.out_beats == edges // p
    depths = [slot.read_cycles + slot.plan.latency_cycles for slot in plan.slots]
    # Nodes arrive, messages, states, scores; a sum is complete two cycles after its last message.
    bound = nodes // q + edges // p + nodes // q + edges // p
    assert plan.latency_cycles <= bound + sum(depths) + 2
    assert plan.latency_cycles >= bound


@pytest.mark.parametrize(("q", "p"), [(1, 1), (2, 4), (3, 2), (6, 8)])
def test_interval_and_latency_of_parallel(q: int, p: int) -> None:
    plan = planned(network(6, 8), {6: q, 8: p}, "parallel")
    assert plan.ii_cycles == max(6 // q, 8 // p)
    assert (plan.in_beats, plan.out_beats) == (1, 1)
    depths = [1 + slot.plan.latency_cycles for slot in plan.slots]
    assert plan.latency_cycles <= sum(slot.beats for slot in plan.slots) + sum(depths) + 3


def test_reuse_inside_engines_stretches_the_beats() -> None:
    one = planned(network(6, 8), {6: 2, 8: 2}, "parallel")
    plan = planned(network(6, 8), {6: 2, 8: 2}, "parallel", {"message": 5, "score": 7})
    assert [slot.interval_cycles for slot in plan.slots] == [5, 1, 7]
    assert plan.ii_cycles == 4 * 7
    assert plan.latency_cycles > one.latency_cycles


def test_every_word_is_read_before_it_is_written_again() -> None:
    plan = planned(network(16, 32), {16: 2, 32: 4}, "streaming")
    for (value, number), buffers in plan.buffers.items():
        assert 1 <= buffers <= plan.latency_cycles // plan.ii_cycles + 2, (value, number)
    # Senders wait for the scores; for the messages they are read as they come.
    assert plan.buffers["sender", 2] > plan.buffers["sender", 0]


@pytest.mark.parametrize(
    ("engines", "architecture", "message"),
    [
        ({6: 2}, "parallel", "say how many engines work on 8 rows: --engines 8=P"),
        ({6: 4, 8: 2}, "parallel", r"6 rows: the number of engines must be one of \(1, 2, 3, 6\), not 4"),
        ({6: 3, 8: 2}, "streaming", r"6 rows: the number of engines must be one of \(1, 2\), not 3"),
        ({6: 2, 8: 2, 9: 3}, "parallel", r"no rows to work on are 9; the graph has sets of \[6, 8\] rows"),
        ({6: 2, 8: 2}, "nodes", "architecture must be one of"),
    ],
)
def test_illegal_engines_name_the_legal_ones(engines: dict[int, int], architecture: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        planned(network(6, 8), engines, architecture)


def test_pooled_rows_wait_in_registers() -> None:
    plan = planned(deep_set(8), {8: 2}, "streaming")
    assert plan.buffers.keys() == {("x", 0)}
    assert (plan.ii_cycles, plan.in_beats, plan.out_beats) == (4, 4, 1)
