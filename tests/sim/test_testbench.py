"""The testbench must fail where the manifest lies, and it counts upsets; the exchange directory is checked."""

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError, ToolFailedError, VerificationError
from codesign.files import write_text
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.sources import Constant, Input, Parameter
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim import exchange
from codesign.sim.exchange import (
    PHASES,
    PROGRESS,
    Plan,
    Progress,
    read_measured,
    read_plan,
    read_words,
    watched,
    write_stimulus,
)
from codesign.sim.run import simulate
from codesign.sim.verilator import lint
from codesign.verify import compare, parameter_bytes, stimulus

NODES = (
    Node("x", Input((2,), Fixed(3, 0, True))),
    Node("w", Parameter((2, 2), Fixed(3, 0, True))),
    Node("b", Constant(np.array([1, -2]))),
    Node("fc", Dense(), ("x", "w", "b")),
)
GRAPH = Graph("bench", NODES, (Port("x"),), (Port("fc"),))
RNG = np.random.default_rng(2)
VALUES = {"x": RNG.integers(-4, 4, (12, 2)), "w": RNG.integers(-4, 4, (2, 2))}
EVENTS = Plan(6, 4)
PLAN = schedule(GRAPH, {"fc": 4})


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rtl(emit(GRAPH, PLAN, tmr="registers", clock_ns=25.0), tmp_path_factory.mktemp("rtl") / "rtl")


@pytest.fixture
def changed(emitted: Path, tmp_path: Path):
    """Return a function that copies the design, with other numbers in the manifest or another text in a file."""

    def make(file: str = "", old: str = "", new: str = "", **numbers: int) -> Path:
        target = tmp_path / "rtl"
        shutil.copytree(emitted, target)
        manifest = json.loads((target / "manifest.json").read_text()) | numbers
        write_text(target / "manifest.json", json.dumps(manifest))
        if file:
            text = (target / file).read_text()
            assert old in text
            write_text(target / file, text.replace(old, new, 1))
        return target

    return make


def run(rtl_dir: Path, tmp_path: Path, cache: Path, values=VALUES, plan=EVENTS, **how):
    parameters = parameter_bytes(GRAPH, values)
    return simulate(rtl_dir, stimulus(GRAPH, values), plan, tmp_path / "run", cache, parameters, **how)


def test_an_honest_design_passes(emitted, tmp_path, build_cache):
    done = []
    response = run(emitted, tmp_path, build_cache, advance=done.append)
    assert sum(done) == 12 + 6 + 4
    assert not (tmp_path / "run" / PROGRESS).exists()
    measured = response.measured
    assert (measured.latency_cycles, measured.ii_cycles, measured.tmr_err_cycles) == (5, 4, 0)
    expected = GRAPH.evaluate(VALUES)
    sizes = [len(response.phases[phase]) for phase in PHASES]
    assert sizes == [12, 6, 4]
    for phase in PHASES:
        compare(GRAPH, expected, response.phases[phase]).require(phase)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"latency_cycles": 4}, "latency"),
        ({"latency_cycles": 6}, "latency"),
        ({"ii_cycles": 3}, "events gave|latency"),
        ({"ii_cycles": 5}, "events every 4 cycles work, manifest says 5"),
        ({"ii_cycles": 8}, "events every 7 cycles work, manifest says 8"),
    ],
)
def test_a_manifest_that_lies_is_caught(changed, tmp_path, build_cache, numbers, message):
    with pytest.raises(VerificationError, match=message):
        run(changed(**numbers), tmp_path, build_cache)


@pytest.mark.parametrize("bus", ["i2c", "apb"])
def test_parameters_come_over_the_bus_of_the_design(bus, tmp_path, build_cache):
    rtl_dir = write_rtl(emit(GRAPH, PLAN, tmr="registers", clock_ns=25.0, bus=bus), tmp_path / "rtl")
    response = run(rtl_dir, tmp_path, build_cache)
    assert response.measured.tmr_err_cycles == 0
    for phase in PHASES:
        compare(GRAPH, GRAPH.evaluate(VALUES), response.phases[phase]).require(phase)


def test_one_event_is_enough(emitted, tmp_path, build_cache):
    one = VALUES | {"x": VALUES["x"][:1]}
    response = run(emitted, tmp_path, build_cache, one, Plan(1, 1))
    compare(GRAPH, GRAPH.evaluate(one), response.phases["back_to_back"]).require("one event")


def test_a_stuck_copy_is_counted(changed, tmp_path, build_cache):
    """The results stay right, and tmr_err says so in every cycle in which the copies differ."""
    rtl_dir = changed("tmr_register.v", "qC <= next", "qC <= {WIDTH{1'b0}}")
    response = run(rtl_dir, tmp_path, build_cache)
    assert response.measured.tmr_err_cycles > 100
    compare(GRAPH, GRAPH.evaluate(VALUES), response.phases["back_to_back"]).require("one copy stuck")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("matvec_serial.v", "active = in_valid | busy", "active = in_valid & busy"),
        ("phase_counter.v", "count + 32'd1", "count + 32'd2"),
        ("bench.v", "assign out_valid = valid_5", "assign out_valid = valid_5 | valid_1"),
    ],
)
def test_a_broken_protocol_is_caught(changed, tmp_path, build_cache, file, old, new):
    with pytest.raises(VerificationError, match="testbench failed"):
        run(changed(file, old, new), tmp_path, build_cache)


def test_a_design_that_does_not_build_names_the_log(changed, tmp_path, build_cache):
    rtl_dir = changed("matvec.v", "endmodule", "wire unfinished\nendmodule")
    with pytest.raises(ToolFailedError, match=r"verilator failed .*see .*\.log"):
        run(rtl_dir, tmp_path, build_cache)
    assert not list(build_cache.glob(".verilator-bench*"))


def test_lint_refuses_a_warning(changed, tmp_path):
    rtl_dir = changed("matvec.v", "endmodule", "    wire [3:0] narrow = x[2:0];\nendmodule")
    sources = json.loads((rtl_dir / "manifest.json").read_text())["sources"]
    with pytest.raises(ToolFailedError, match="lint"):
        lint([rtl_dir / name for name in sources], "bench", tmp_path / "lint")


def test_the_exchange_directory_is_read_back_and_damage_is_refused(tmp_path):
    words = np.arange(6, dtype=np.uint8).reshape(3, 2)
    write_stimulus(tmp_path, {"top": "a"}, words, Plan(2, 1, 7), b"\x01\x02")
    assert np.array_equal(read_words(tmp_path / "events.npy"), words)
    assert read_words(tmp_path / "parameters.npy").tolist() == [1, 2]
    assert read_plan(tmp_path) == Plan(2, 1, 7)
    (tmp_path / "events.npy").write_bytes(b"\x93NUMPY")
    for path in (tmp_path / "events.npy", tmp_path / "nothing.npy"):
        with pytest.raises(BadInputError, match="cannot read"):
            read_words(path)
    with pytest.raises(BadInputError, match="cannot read"):
        read_measured(tmp_path)


def test_progress_is_seen_while_the_simulation_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "PROGRESS_PERIOD_S", 0.001)
    seen, done = threading.Event(), []

    def advance(count: int) -> None:
        done.append(count)
        if count:
            seen.set()

    with watched(tmp_path, advance):
        progress = Progress(tmp_path)
        for _ in range(5):
            progress.event()
        progress.tell()
        assert seen.wait(30)
        seen.clear()
        progress.event()
        progress.tell()
    assert sum(done) == 6 and len([count for count in done if count]) >= 2
    assert not (tmp_path / PROGRESS).exists()
