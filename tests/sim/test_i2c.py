"""Registers over I2C against the emitted RTL; and templates with a fault that the same tests must find."""

import json
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import VerificationError
from codesign.files import replace_directory, write_json, write_text
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Input, Parameter
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.run import run_bench
from codesign.sim.verilator import build
from codesign.verify import parameter_bytes, stimulus
from tests.sim.parameter_script import packed_results

W, X = Fixed(6, 0, True), Fixed(6, 0, True)
NODES = (
    Node("x", Input((16,), X)),
    Node("w0", Parameter((10, 16), W)),
    Node("b0", Parameter((10,), W)),
    Node("w1", Parameter((4, 10), W)),
    Node("b1", Parameter((4,), W)),
    Node("fc0", Dense(), ("x", "w0", "b0")),
    Node("q0", Requantise(X), ("fc0",)),
    Node("fc1", Dense(), ("q0", "w1", "b1")),
)
GRAPH = Graph("weights", NODES, (Port("x"),), (Port("fc1"),))  # 161 bytes in two blocks
EVENTS = 97


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator's Python finds the bench."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def emitted(folder: Path, replaced: tuple[str, str, str] | None = None) -> Path:
    """Emit the design with a short bus timeout and public copies, and with a fault."""
    rtl_dir = write_rtl(emit(GRAPH, schedule(GRAPH), tmr="registers", clock_ns=25.0, bus="i2c"), folder / "rtl")
    changes = [("weights.v", ".TIMEOUT_BITS (20)", ".TIMEOUT_BITS (12)")]
    for copy in "ABC":
        reg = f"reg [WIDTH-1:0] q{copy}"
        changes.append(("tmr_register.v", f"{reg};", f"{reg} /*verilator public*/;"))
    for file, old, new in [*changes, *([replaced] if replaced else [])]:
        text = (rtl_dir / file).read_text()
        assert old in text
        write_text(rtl_dir / file, text.replace(old, new))
    return rtl_dir


def run(rtl_dir: Path, folder: Path, cache: Path, tests: str = "") -> None:
    rng = np.random.default_rng(8)
    sets = [
        {n.name: rng.integers(n.op.fixed.low, n.op.fixed.high + 1, n.op.shape) for n in GRAPH.sources("parameter")}
        for _ in range(2)
    ]
    inputs = {"x": rng.integers(X.low, X.high + 1, (EVENTS, 16))}
    words = [int.from_bytes(row.tobytes(), "little") for row in stimulus(GRAPH, inputs)]
    given = {
        "words": words,
        "results": [packed_results(GRAPH, {**inputs, **one}) for one in sets],
        "sets": [list(parameter_bytes(GRAPH, one)) for one in sets],
    }
    manifest = json.loads((rtl_dir / "manifest.json").read_text())

    def fill(fresh: Path) -> None:
        write_json(fresh / "bench.json", given)
        write_json(fresh / "manifest.json", manifest)

    replace_directory(folder / "run", fill)
    program = build(rtl_dir, manifest["sources"], "weights", cache)
    run_bench(program, "weights", "i2c_bench", folder / "run", tests=tests)


def test_registers_over_i2c(tmp_path, build_cache):
    run(emitted(tmp_path), tmp_path, build_cache)


WRITE, UPSETS = "is_cut_off_anywhere_in_a_write", "counts_upsets_of_weights"
LOADS, REFUSES = "loads_commits_and_streams", "refuses_addresses_without_a_byte"
BROKEN = {
    # A fault, and the test of the bench that finds it.
    "address bytes swapped": (
        *("i2c_slave.v", "{held, shift[6:0], ~sda_is_low}", "{shift[6:0], ~sda_is_low, held}"),
        LOADS,
    ),
    "bits the other way round": (
        *("i2c_slave.v", "{shift[6:0], takes & ~sda_is_low}", "{takes & ~sda_is_low, shift[7:1]}"),
        LOADS,
    ),
    "no commit": ("weights_parameters.v", "assign commit = write &", "assign commit = 1'b0 &", LOADS),
    "no shadow": ("weights_parameters.v", "(load_0)", "(load_0 | 1'b1)", LOADS),
    "any device": (
        "i2c_slave.v",
        "shift[7:1] == own_address",
        "(shift[7:1] | 7'd7) == (own_address | 7'd7)",
        "answers_",
    ),
    "any register": ("i2c_slave.v", "(state == LOW)    ? read_ok", "(state == LOW)    ? 1'b1", REFUSES),
    "written while busy": ("weights_parameters.v", "(holding & ~busy)", "holding", "refuses_weights"),
    "nine clocks write": ("i2c_slave.v", "& ~is_reset)", "& (~is_reset | 1'b1))", WRITE),
    "the byte before STOP is lost": ("i2c_slave.v", "((start | stop) & ~is_reset)", "(start & ~is_reset)", LOADS),
    "no timeout": ("i2c_slave.v", "assign quiet = &still;", "assign quiet = (&still) & rise;", "forgets"),
    "reset by the data path": ("weights.v", ".rst        (cfg_rst)", ".rst        (cfg_rst | rst)", "goes_on"),
    "counter wraps": ("error_counter.v", "(differ & ~(&count))", "differ", UPSETS),
    "counter not cleared": ("error_counter.v", "clear ? {WIDTH{1'b0}} : count", "count", UPSETS),
    "a copy that stays wrong": ("tmr_register.v", "else qA <= next", "else qA <= en ? d : qA", UPSETS),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_is_found(fault, tmp_path, build_cache):
    *replaced, found_by = BROKEN[fault]
    with pytest.raises(VerificationError, match="testbench failed"):
        run(emitted(tmp_path, tuple(replaced)), tmp_path, build_cache, found_by)
