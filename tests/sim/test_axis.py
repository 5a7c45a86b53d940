"""The AXI4-Stream wrapper: no beat lost, doubled or out of order whatever both sides do; full rate if nobody waits."""

import itertools
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError, VerificationError
from codesign.files import replace_directory, write_json, write_text
from codesign.fixed import Fixed
from codesign.flows.synthesis import require_registers
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.flows.yosys import count_flip_flops
from codesign.graph import Graph, Node, Port
from codesign.ops import Constant, Dense, Input, Requantise
from codesign.protection import Protection
from codesign.register_map import CONFIG_BUSES
from codesign.rtl import Rtl, emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.run import run_bench
from codesign.sim.verilator import build, lint
from codesign.verify import Beats, compare, stimulus
from tests.ops.check_op import elaborated_register_bits
from tests.row_zoo import network, random_events
from tests.sim.test_i2c import GRAPH as WEIGHTS
from tests.test_rtl_rows import planned

NODES = (
    Node("x", Input((3,), Fixed(5, 0, True))),
    Node("w", Constant(np.arange(12).reshape(4, 3) - 5)),
    Node("b", Constant(np.array([3, -4, 0, 9]))),
    Node("d", Dense(), ("x", "w", "b")),
    Node("y", Requantise(Fixed(5, 0, True), (5,), (1,), 4), ("d",)),
)
GRAPH = Graph("stream", NODES, (Port("x"),), (Port("y"),))
pytestmark = pytest.mark.skipif(
    find_spec("cocotbext.axi") is None, reason="pip install --no-deps -r requirements-axi.txt"
)
MODES = ("none", "registers", "triplicated_voters", "full", "full_clocks")
EVENTS = 60


def emitted(reuse: int, tmr: str) -> Rtl:
    wrapped = emit(GRAPH, schedule(GRAPH, {"d": reuse}), tmr=tmr, clock_ns=5.0, wrapper="axis").wrapped
    assert wrapped is not None
    return wrapped


def run(graph: Graph, rtl_dir: Path, folder: Path, cache: Path, tests: str = "") -> dict[str, dict]:
    """Run the bench and compare every beat; return what was measured, by test."""
    manifest = json.loads((rtl_dir / "manifest.json").read_text())
    beats = Beats.of(manifest)
    values = random_events(graph, EVENTS, seed=4)
    words = stimulus(graph, values, beats)
    size = manifest["wrapper"]["s_axis_tdata_bits"] // 8
    rows = np.pad(words, [(0, 0), (0, size - words.shape[1])]).reshape(-1, size * beats.inputs)

    def fill(fresh: Path) -> None:
        write_json(fresh / "manifest.json", manifest)
        np.save(fresh / "events.npy", rows)

    replace_directory(folder / "run", fill)
    program = build(rtl_dir, manifest["sources"], manifest["top"], cache)
    run_bench(program, manifest["top"], "axis_bench", folder / "run", tests=tests)
    expected, measured = graph.evaluate(values), {}
    for file in sorted((folder / "run").glob("*_*.npy")):
        got = np.load(file, allow_pickle=False)
        got = got.reshape(len(got) * beats.outputs, -1)[:, : (manifest["out_width"] + 7) // 8]
        times = len(got) // (len(rows) * beats.outputs)
        wanted = {name: np.concatenate([array] * times) for name, array in expected.items()}
        assert compare(graph, wanted, got, beats).require(file.stem).events == times * len(rows) > 0
        measured[file.stem] = json.loads(file.with_suffix(".json").read_text())
    assert tests or len(measured) == 4
    return measured


def check_rate(manifest: dict, measured: dict[str, dict]) -> None:
    """Events come out as the interval says, from the first to the last, and the stall stops exactly at the store."""
    last = measured["full_rate"]["given"][manifest.get("out_beats", 1) - 1 :: manifest.get("out_beats", 1)]
    assert {b - a for a, b in itertools.pairwise(last)} == {manifest["ii_cycles"]}
    assert measured["full_rate"]["given"][0] - measured["full_rate"]["taken"][0] >= manifest["latency_cycles"] + 2 - 1
    stalled = measured["long_stall"]["taken_while_stalled"]
    wrapper = manifest["wrapper"]
    assert stalled == wrapper["events"] * manifest.get("in_beats", 1) + wrapper["collect_words"]


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator's Python finds the bench."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.mark.parametrize(
    ("reuse", "tmr"),
    [(1, "registers"), *(pytest.param(3, tmr, marks=pytest.mark.slow) for tmr in ("none", "full_clocks"))],
)
def test_no_beat_is_lost(reuse: int, tmr: str, tmp_path: Path, build_cache: Path) -> None:
    rtl = emitted(reuse, tmr)
    rtl_dir = write_rtl(rtl, tmp_path / "rtl")
    check_rate(rtl.manifest, run(GRAPH, rtl_dir, tmp_path, build_cache))


@pytest.mark.parametrize("tmr", MODES)
def test_text_in_every_mode(tmr: str, tmp_path: Path) -> None:
    """Lint, declared registers and the proof of triplication."""
    for reuse in (1, 3):
        rtl = emitted(reuse, tmr)
        rtl_dir = write_rtl(rtl, tmp_path / f"rtl_{reuse}")
        lint([rtl_dir / name for name in rtl.manifest["sources"]], rtl.manifest["top"], tmp_path / "lint")
        assert elaborated_register_bits(rtl_dir, rtl.manifest["sources"]) == rtl.manifest["register_bits"]
        if tmr != "none":
            assert rtl.manifest["protected_bits"] == rtl.manifest["register_bits"]
            assert len(prove_all_state_is_triplicated(rtl_dir).copies) == 3


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "full"])
def test_copies_survive_synthesis(tmr: str, tmp_path: Path) -> None:
    rtl = emitted(3, tmr)
    rtl_dir = write_rtl(rtl, tmp_path / "rtl")
    count = count_flip_flops(rtl_dir, tmp_path / "synthesis")
    require_registers(count, rtl_dir, tmp_path / "synthesis")
    assert count.flip_flop_bits == 3 * rtl.manifest["register_bits"]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["parallel", "streaming"])
def test_events_of_several_beats(architecture: str, tmp_path: Path, build_cache: Path) -> None:
    """Rows on engines; streaming takes and gives an event in beats, through stores in memories."""
    graph = network(8, 16, name=f"{architecture}_stream")
    plan = planned(graph, {8: 2, 16: 4}, architecture)
    rtl = emit(graph, plan, tmr="registers", clock_ns=5.0, wrapper="axis").wrapped
    assert rtl is not None
    rtl_dir = write_rtl(rtl, tmp_path / "rtl")
    lint([rtl_dir / name for name in rtl.manifest["sources"]], rtl.manifest["top"], tmp_path / "lint")
    assert elaborated_register_bits(rtl_dir, rtl.manifest["sources"]) == rtl.manifest["register_bits"]
    assert len(prove_all_state_is_triplicated(rtl_dir).copies) == 3
    assert (rtl.manifest["in_beats"] > 1) == (architecture == "streaming")
    check_rate(rtl.manifest, run(graph, rtl_dir, tmp_path, build_cache))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "test"),
    [
        ("stream_axis.v", ".WORDS      ({words})", ".WORDS      ({fewer})", "long_stall"),
        ("axis_fifo.v", "(~tvalid | tready)", "(~tvalid | 1'b1)", "random_stalls"),
        ("axis_gate.v", "(taken != PLACES[C_WIDTH-1:0]) & ", "", "long_stall"),
        ("axis_gate.v", " & ~is_resting", " | is_resting", "full_rate"),
    ],
)
def test_a_faulty_wrapper_is_caught(
    file: str, old: str, new: str, test: str, tmp_path: Path, build_cache: Path
) -> None:
    """Negative control: a store one word short, a sink or a full store ignored, an interval that is not kept."""
    rtl = emitted(3, "registers")
    rtl_dir, words = write_rtl(rtl, tmp_path / "rtl"), rtl.manifest["wrapper"]["store_words"]
    text = (rtl_dir / file).read_text()
    old, new = (one.format(words=words, fewer=words - 1) for one in (old, new))
    assert old in text
    write_text(rtl_dir / file, text.replace(old, new))
    with pytest.raises(VerificationError):
        run(GRAPH, rtl_dir, tmp_path, build_cache, tests=test)


def test_the_store_holds_what_the_latency_asks_for() -> None:
    manifest = emitted(3, "registers").manifest
    events = -(-(manifest["latency_cycles"] + 3) // manifest["ii_cycles"])
    assert manifest["wrapper"]["events"] == events
    assert manifest["wrapper"]["store_words"] == max(1, events - 1)


def test_configuration_ports_are_handed_through(tmp_path: Path) -> None:
    for bus in CONFIG_BUSES:
        rtl = emit(WEIGHTS, schedule(WEIGHTS), tmr="registers", clock_ns=5.0, bus=bus, wrapper="axis").wrapped
        assert rtl is not None
        rtl_dir = write_rtl(rtl, tmp_path / bus)
        lint([rtl_dir / name for name in rtl.manifest["sources"]], rtl.manifest["top"], tmp_path / "lint")


@pytest.mark.parametrize("protection", [Protection("registers", {"y": "full"}), Protection("full", {"y": "none"})])
def test_modes_of_single_nodes_are_refused(protection: Protection) -> None:
    with pytest.raises(BadInputError, match="--wrapper axis needs one mode of triplication"):
        emit(GRAPH, schedule(GRAPH), tmr=protection, clock_ns=5.0, wrapper="axis")
