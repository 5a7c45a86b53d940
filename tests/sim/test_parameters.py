"""Programmable parameters in a running stream: every event sees one whole set, whenever the commit comes."""

from pathlib import Path

import pytest

from codesign.files import write_text
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.add import Add
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Input, Parameter
from codesign.rtl import emit, write_rtl
from codesign.rtl_weights import swap_of
from codesign.schedule import schedule
from codesign.sim.verilator import build
from tests.sim.parameter_script import Stream

W, X = Fixed(3, 0, True), Fixed(4, 0, True)
LAYERS = (
    Node("x", Input((3,), X)),
    *(Node(f"w{k}", Parameter((3, 3), W)) for k in range(3)),
    *(Node(f"b{k}", Parameter((3,), W)) for k in range(3)),
    Node("fc0", Dense(), ("x", "w0", "b0")),
    Node("q0", Requantise(X), ("fc0",)),
    Node("fc1", Dense(), ("q0", "w1", "b1")),
    Node("q1", Requantise(X), ("fc1",)),
    Node("fc2", Dense(), ("q1", "w2", "b2")),
)
SHARED = (
    Node("x", Input((3,), X)),
    Node("w", Parameter((3, 3), W)),
    Node("b", Parameter((3,), W)),
    Node("fc0", Dense(), ("x", "w", "b")),
    Node("q0", Requantise(X), ("fc0",)),
    Node("fc1", Dense(), ("q0", "w", "b")),
    Node("q1", Requantise(X), ("fc1",)),
    Node("y", Add(), ("q1", "b")),
)


def graph_of(name, nodes):
    return Graph(name, nodes, (Port("x"),), (Port(nodes[-1].name),))


SLOW = ("serial", "shared", "shared_serial")
DESIGNS = {
    # name: nodes, reuse factors, events every so many cycles, quiet cycles of the swap
    "every_cycle": (LAYERS, {}, (1, 2, 3), 0),
    "serial": (LAYERS, {"fc0": 3, "fc1": 9, "fc2": 3}, (9, 10, 13), 8),
    "one_serial": (LAYERS, {"fc1": 3}, (3, 4, 7), 2),
    "shared": (SHARED, {}, (3, 4), 2),
    "shared_serial": (SHARED, {"fc0": 3, "fc1": 3}, (11, 12), 10),
}


def emitted(name: str, folder: Path, replaced: tuple[str, str, str] | None = None) -> tuple[Graph, object, Path]:
    nodes, reuse, _, _ = DESIGNS[name]
    graph = graph_of(name, nodes)
    plan = schedule(graph, reuse)
    rtl_dir = write_rtl(emit(graph, plan, tmr="registers", clock_ns=25.0), folder / "rtl")
    if replaced:
        file, old, new = replaced
        text = (rtl_dir / file).read_text()
        assert old in text
        write_text(rtl_dir / file, text.replace(old, new))
    return graph, plan, rtl_dir


def played(stream: Stream, rtl_dir: Path, folder: Path, cache: Path) -> list[dict[str, int]]:
    names = sorted(path.name for path in rtl_dir.glob("*.v"))
    return stream.script.play(build(rtl_dir, names, stream.graph.name, cache), stream.graph.name, folder / "run")


def every_offset(stream: Stream, intervals: tuple[int, ...]) -> None:
    """Commit at every place between two events, at every interval; then with the clock gated around the commit."""
    plan = stream.schedule
    tail = plan.latency_cycles + 3 * plan.ii_cycles + 2
    for interval in intervals:
        for offset in range(interval + 1):
            stream.swap(2 * interval + offset, tail + 2 * interval, interval)
    for interval in intervals[:2]:
        for start in range(-3, min(tail, 16)):
            for length in (1, 3):
                stream.swap(2 * interval, tail, interval, frozenset(range(start, start + length)))
    for _ in range(20):
        gated = stream.rng.integers(-8, 3 * tail, 2 * tail)
        stream.swap(2 * intervals[0], tail, intervals[0], frozenset(int(cycle) for cycle in gated))


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW)) for one in DESIGNS])
def test_every_event_sees_one_whole_set_whenever_the_commit_comes(name, tmp_path, build_cache):
    graph, plan, rtl_dir = emitted(name, tmp_path)
    _, _, intervals, quiet = DESIGNS[name]
    assert swap_of(graph, plan).quiet_cycles == quiet
    stream = Stream(graph, plan)
    every_offset(stream, intervals)
    record = played(stream, rtl_dir, tmp_path, build_cache)
    counts = stream.check(record)
    old, new = stream.expected()
    assert sum(a != b for a, b in zip(old, new, strict=True)) > 0.9 * len(old)  # the sets are told apart
    assert all(0 < count < len(swap.entered) for count, swap in zip(counts, stream.swaps, strict=True))
    assert not any(cycle["tmr_err"] for cycle in record[3:])


def test_a_stream_without_gaps_swaps_behind_the_event_of_the_next_cycle(tmp_path, build_cache):
    graph, plan, rtl_dir = emitted("every_cycle", tmp_path)
    stream = Stream(graph, plan)
    stream.swap(7, 12, 1)
    assert stream.check(played(stream, rtl_dir, tmp_path, build_cache)) == [9]


BROKEN = {
    "half of the weights early": ("every_cycle_parameters.v", "stage == 32'd1", "stage == 32'd0"),
    "the clock gate ignored": ("swap_control.v", "clk_on & busy &", "(clk_on | 1'b1) & busy &"),
    "no commit": ("every_cycle_parameters.v", "assign commit = write &", "assign commit = 1'b0 &"),
    "bytes swapped": ("register_bank.v", "address == b", "(address ^ 1) == b"),
    "bits swapped": ("register_bank.v", ".d(data[WIDTH-1:0])", ".d({data[0], data[WIDTH-1:1]})"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_swap_is_caught(fault, tmp_path, build_cache):
    graph, plan, rtl_dir = emitted("every_cycle", tmp_path, BROKEN[fault])
    stream = Stream(graph, plan)
    every_offset(stream, (1,))
    with pytest.raises(AssertionError, match="mixed"):
        stream.check(played(stream, rtl_dir, tmp_path, build_cache))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("assign may_start = ~in_valid & (rest == {WIDTH{1'b0}});", "assign may_start = 1'b1;"),
        ("in_valid ? QUIET - 1", "in_valid ? QUIET - 2"),
    ],
)
def test_a_swap_that_overtakes_an_event_of_a_serial_design_is_caught(old, new, tmp_path, build_cache):
    graph, plan, rtl_dir = emitted("serial", tmp_path, ("swap_control.v", old, new))
    stream = Stream(graph, plan)
    every_offset(stream, (9,))
    with pytest.raises(AssertionError, match="mixed"):
        stream.check(played(stream, rtl_dir, tmp_path, build_cache))
