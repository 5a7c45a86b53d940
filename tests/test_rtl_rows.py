"""The Verilog of row programs: every value of every event, measured timing, registers, memories, and what must fail."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from codesign.errors import BadInputError, VerificationError
from codesign.flows.synthesis import require_registers
from codesign.flows.yosys import count_flip_flops, synthesise_asic
from codesign.graph import Graph, Node, Port
from codesign.ops.lookup import Lookup
from codesign.row_schedule import RowSchedule, row_schedule
from codesign.rows import row_program
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.exchange import PHASES, Plan
from codesign.sim.run import simulate
from codesign.verify import Beats, compare, decode_words, stimulus
from tests.ops.check_op import check_text
from tests.row_zoo import deep_set, network, random_events

EVENTS = 60


def planned(
    graph: Graph, engines: dict[int, int], architecture: str, reuse: dict[str, int] | None = None
) -> RowSchedule:
    own = reuse or {}
    return row_schedule(
        row_program(graph),
        engines,
        architecture,
        lambda body: schedule(body, {name: r for name, r in own.items() if name in body.by_name}),
    )


def emitted(graph: Graph, plan: RowSchedule, folder: Path, tmr: str = "registers") -> Path:
    return write_rtl(emit(graph, plan, tmr=tmr, clock_ns=5.0), folder)


def check(graph: Graph, plan: RowSchedule, folder: Path, cache: Path, tmr: str = "registers") -> None:
    """Lint, triplication, register bits; then latency, interval and every value in all phases of the testbench."""
    rtl_dir = emitted(graph, plan, folder / "rtl", tmr)
    check_text(graph, None, rtl_dir, folder / "lint")
    beats = Beats.of(json.loads((rtl_dir / "manifest.json").read_text()))
    values = random_events(graph, EVENTS, seed=5)
    events, expected = stimulus(graph, values, beats), graph.evaluate(values)
    response = simulate(rtl_dir, events, Plan(20, 8), folder / "run", cache)
    measured = response.measured
    assert (measured.latency_cycles, measured.ii_cycles) == (plan.latency_cycles, plan.ii_cycles)
    assert measured.tmr_err_cycles == 0
    for phase in PHASES:
        compare(graph, expected, response.phases[phase], beats).require(f"{graph.name} {phase}")
    words = response.phases[PHASES[0]]
    assert len(decode_words(graph, words, beats)[graph.outputs[0].node]) == EVENTS
    flipped = words.copy()
    flipped[len(words) // 2, 0] ^= 1
    assert compare(graph, expected, flipped, beats).mismatches == 1


CASES = {
    "parallel": (network(6, 8, name="par"), {6: 3, 8: 2}, "parallel", {}),
    "parallel_all": (network(4, 6, name="all"), {4: 4, 6: 6}, "parallel", {}),
    "parallel_reuse": (network(6, 8, name="par_r"), {6: 2, 8: 2}, "parallel", {"message": 5, "state": 5, "score": 7}),
    "streaming": (network(8, 16, name="str"), {8: 2, 16: 4}, "streaming", {}),
    "streaming_one": (network(7, 9, name="str_one"), {7: 1, 9: 1}, "streaming", {}),
    "streaming_reuse": (network(8, 8, name="str_r"), {8: 2}, "streaming", {"message": 5, "state": 10}),
    "deep_set_parallel": (deep_set(6, "ds_par"), {6: 2}, "parallel", {}),
    "deep_set_streaming": (deep_set(6, "ds_str"), {6: 2}, "streaming", {"phi": 3}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_hardware(name: str, tmp_path: Path, build_cache: Path) -> None:
    graph, engines, architecture, reuse = CASES[name]
    check(graph, planned(graph, engines, architecture, reuse), tmp_path, build_cache)


def test_hardware_without_triplication(tmp_path: Path, build_cache: Path) -> None:
    graph = network(4, 6, name="plain")
    check(graph, planned(graph, {4: 2, 6: 2}, "streaming"), tmp_path, build_cache, tmr="none")


@pytest.mark.slow
def test_a_memory_too_small_is_caught(tmp_path: Path, build_cache: Path) -> None:
    """Negative control: with one buffer less, a later event overwrites what an earlier one still needs."""
    graph = network(8, 16, name="short")
    plan = planned(graph, {8: 2, 16: 4}, "streaming")
    fewer = replace(plan, buffers={**plan.buffers, ("sender", 2): plan.buffers["sender", 2] - 2})
    with pytest.raises(VerificationError, match="values differ"):
        check(graph, fewer, tmp_path, build_cache)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["parallel", "streaming"])
def test_copies_survive_synthesis(architecture: str, tmp_path: Path) -> None:
    graph = network(4, 4, name=f"kept_{architecture}")
    rtl_dir = emitted(graph, planned(graph, {4: 2}, architecture), tmp_path / "rtl")
    require_registers(count_flip_flops(rtl_dir, tmp_path), rtl_dir, tmp_path)
    spoilt = json.loads((rtl_dir / "manifest.json").read_text())
    spoilt["memory_bits"] += 1
    (rtl_dir / "manifest.json").write_text(json.dumps(spoilt))
    with pytest.raises(VerificationError, match="bits of memory"):
        require_registers(count_flip_flops(rtl_dir, tmp_path), rtl_dir, tmp_path)


def test_emission_is_deterministic() -> None:
    graph = network(6, 8)
    texts = [emit(graph, planned(graph, {6: 2, 8: 4}, "streaming"), tmr="registers", clock_ns=5.0) for _ in range(2)]
    assert texts[0] == texts[1]


def test_memories_grow_with_the_rows_and_registers_do_not() -> None:
    found = []
    for nodes in (16, 32, 64):
        graph = network(nodes, 2 * nodes)
        manifest = emit(
            graph, planned(graph, {nodes: 2, 2 * nodes: 4}, "streaming"), tmr="registers", clock_ns=5.0
        ).manifest
        found.append((manifest["memory_bits"], manifest["register_bits"]))
    memories, registers = zip(*found, strict=True)
    assert memories[1] > 1.8 * memories[0]
    assert memories[2] > 1.8 * memories[1]
    assert registers[2] < 1.25 * registers[0]  # counters and index widths


def test_an_output_that_streams_in_no_beat_is_an_error() -> None:
    graph = network(6, 8)
    early = replace(graph, outputs=(*graph.outputs, replace(graph.outputs[0], node="message_q")))
    with pytest.raises(BadInputError, match="output 'message_q' must be given by the last phase"):
        planned(early, {6: 2, 8: 2}, "streaming")


@pytest.mark.slow
def test_tables_are_logic_and_no_memory(tmp_path: Path) -> None:
    """A table becomes logic in synthesis; only what is written is a memory."""
    graph = network(4, 4, name="tabled")
    table = Lookup(tuple((7 * k) % 64 for k in range(64)), signed=True)
    scored = replace(graph, nodes=(*graph.nodes, Node("table", table, ("score_q",))), outputs=(Port("table"),))
    rtl_dir = emitted(scored, planned(scored, {4: 2}, "streaming"), tmp_path / "rtl")
    require_registers(count_flip_flops(rtl_dir, tmp_path), rtl_dir, tmp_path)
    cells = synthesise_asic(rtl_dir, None, tmp_path, 5.0).cells
    assert cells["memory_macro"] % 3 == 0
    assert [name for name in cells if "mem" in name] == ["memory_macro"]
