"""The flow end to end on a small network, its steps one by one, and its failures."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError, ToolMissingError, VerificationError
from codesign.files import read_json, sha256_of
from codesign.fixed import Fixed
from codesign.flows import run
from codesign.flows.design import Bound, Case, Design, Exactness
from codesign.flows.verification import verify_cases
from codesign.graph import Graph, Node, Port
from codesign.ops import Constant, Dense, Input, Parameter, Requantise
from codesign.options import RunOptions
from codesign.report import read_report, render_text

EVENTS = 40


def network(weights=None):
    """Dense 6 -> 3, rounded; constant weights, or programmable ones."""
    rng = np.random.default_rng(3)
    source = Parameter((3, 6), Fixed(4, signed=True)) if weights is None else Constant(weights)
    nodes = (
        Node("x", Input((6,), Fixed(5))),
        Node("w", source),
        Node("b", Constant(rng.integers(-9, 9, 3))),
        Node("dense", Dense(), ("x", "w", "b")),
        Node("y", Requantise(Fixed(6), (3,), (2,), 4), ("dense",)),
    )
    return Graph("tiny", nodes, (Port("x"),), (Port("y"),))


def design(bound):
    return Design("tiny", "a small network", 25.0, ("ii <= 25 ns", "latency <= 20 ns"), EVENTS, lambda _: bound)


def small():
    """The network with constant weights, on random events."""
    rng = np.random.default_rng(4)
    graph = network(rng.integers(-7, 8, (3, 6)))
    return Bound(graph, {"x": rng.integers(0, 32, (EVENTS, 6))})


@pytest.fixture
def bound():
    return small()


@pytest.fixture
def use(monkeypatch, tmp_path, build_cache):
    """Bind the design `tiny`; the run-time library of the simulator is built once for all tests."""
    for folder in (tmp_path, tmp_path / "folder"):
        (folder / "tiny" / "cache").mkdir(parents=True)
        (folder / "tiny" / "cache" / "simulator").symlink_to(build_cache)
    return lambda bound: monkeypatch.setattr(run, "load_design", lambda _: design(bound))


def test_compile_writes_verilog_manifest_and_graph(bound, use, tmp_path):
    use(bound)
    text = run.compile_design(RunOptions("tiny", tmp_path)).text
    assert "latency 1 cycles, initiation interval 1" in text
    assert {path.name for path in (tmp_path / "tiny" / "03-compile" / "rtl").iterdir()} >= {"tiny.v", "manifest.json"}
    assert (tmp_path / "tiny" / "01-bind" / "graph.json").is_file()


def test_compile_writes_what_other_flows_take_and_the_wrapper_that_was_asked_for(bound, use, tmp_path):
    use(bound)
    run.compile_design(RunOptions("tiny", tmp_path, wrapper="axis"))
    for folder, top in (("rtl", "tiny"), ("axis", "tiny_axis")):
        written = {path.name for path in (tmp_path / "tiny" / "03-compile" / folder).iterdir()}
        assert written >= {f"{top}.v", f"{top}.core", f"{top}.xml", "tiny.hpp", "lint.vlt", "manifest.json"}
    run.compile_design(RunOptions("tiny", tmp_path))
    assert not (tmp_path / "tiny" / "03-compile" / "axis").exists()


@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_output_may_be_a_relative_path_and_triplication_may_be_off(bound, use, tmp_path, monkeypatch, tmr):
    use(bound)
    monkeypatch.chdir(tmp_path)
    run.compile_design(RunOptions("tiny", Path("some folder"), tmr=tmr))
    assert f'"tmr": "{tmr}"' in Path("some folder/tiny/03-compile/rtl/manifest.json").read_text()


def test_an_illegal_reuse_factor_names_the_node_and_the_legal_ones(bound, use, tmp_path):
    use(bound)
    with pytest.raises(BadInputError, match=r"node 'dense': reuse factor must be one of \(1, 2, 3, 6, 18\), not 4"):
        run.compile_design(RunOptions("tiny", tmp_path, reuse=(("dense", 4),)))
    assert not (tmp_path / "tiny" / "03-compile").exists()


def test_a_design_without_a_model_cannot_be_checked(bound, use, tmp_path):
    use(bound)
    with pytest.raises(BadInputError, match="no model to check against"):
        run.check_design(RunOptions("tiny", tmp_path))


@pytest.mark.parametrize("wrong", [{"mismatches": 1}, {"float32_unexplained": 2}])
def test_a_graph_that_differs_from_the_model_fails(bound, use, tmp_path, wrong):
    exact = Exactness(10, 30, 0, 0, 0, "10 vectors")
    use(replace(bound, check=lambda _, quiet: replace(exact, **wrong)))
    with pytest.raises(VerificationError, match="integer graph and model differ"):
        run.check_design(RunOptions("tiny", tmp_path))
    use(replace(bound, check=lambda _, quiet: exact))
    assert run.check_design(RunOptions("tiny", tmp_path)).text == "10 vectors"


def test_a_failing_run_leaves_no_older_report(bound, use, tmp_path):
    folder = tmp_path / "tiny"
    (folder / "report.json").write_text("{}")
    use(replace(bound, check=lambda _, quiet: Exactness(10, 30, 1, 0, 0, "10 vectors")))
    with pytest.raises(VerificationError):
        run.run_design(RunOptions("tiny", tmp_path))
    assert not (folder / "report.json").exists()


def test_a_missing_report_is_one_line(tmp_path):
    with pytest.raises(BadInputError, match="cannot read"):
        run.show_report(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": Path("absent.json")}, "cannot read absent.json"),
        ({"vendor_reports": (Path("a/x.rpt"), Path("b/x.rpt"))}, "two vendor reports are called x.rpt"),
        ({"vendor_reports": (Path(run.__file__),)}, "run.py is no report that is read here"),
        ({"constraints": ("latency <= 5 miles",)}, "unit of latency must be one of"),
        ({"constraints": ("ii <= 1 ns", "ii <= 2 ns")}, "ii is given more than once"),
        ({"liberty": Path(__file__)}, "test_run.py"),
    ],
)
def test_what_is_needed_at_the_end_is_read_at_the_beginning(use, tmp_path, given, message):
    use(None)  # a run that went on to the design would fail otherwise
    with pytest.raises(BadInputError, match=message):
        run.run_design(RunOptions("tiny", tmp_path, **given))


def test_a_failure_beside_the_synthesis_is_all_that_is_said(bound, use, tmp_path, capfd):
    use(bound)
    with pytest.raises(BadInputError, match="make cannot build in a path with spaces: choose another output folder"):
        run.run_design(RunOptions("tiny", tmp_path / "some folder"))
    assert "Traceback" not in capfd.readouterr().err


def test_a_missing_compiler_is_a_missing_tool(bound, use, tmp_path, monkeypatch):
    use(bound)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="make is not found"):
        run.verify_design(RunOptions("tiny", tmp_path))


@pytest.mark.slow
def test_the_wrapper_is_verified_where_it_was_asked_for(bound, use, tmp_path):
    use(bound)
    answer = run.verify_design(RunOptions("tiny", tmp_path, wrapper="axis", quiet=True))
    beats = 4 * EVENTS
    assert f"AXI4-Stream: {beats} beats in, {beats} out, 0 lost, {3 * beats}/{3 * beats} values equal" in answer.text
    rows = read_json(tmp_path / "tiny" / "04-verify" / "sections.json")["equality"]
    counts = {row["name"]: (row["equal"], row["total"]) for row in rows}
    assert counts["beats out of AXI4-Stream = beats due, stalls of seed 1"] == (beats, beats)
    assert counts["AXI4-Stream = integer graph, stalls of seed 1"] == (3 * beats, 3 * beats)


@pytest.mark.slow
def test_a_stuck_copy_of_a_register_fails_though_the_results_are_right(bound, use, tmp_path):
    use(bound)
    run.compile_design(RunOptions("tiny", tmp_path))
    register = tmp_path / "tiny" / "03-compile" / "rtl" / "tmr_register.v"
    register.write_text(register.read_text().replace("qC <= next", "qC <= {WIDTH{1'b0}}"))
    with pytest.raises(VerificationError, match=r"case 'model': tmr_err is high in \d+ of \d+ cycles"):
        verify_cases(bound, register.parent, tmp_path / "simulation", tmp_path / "build")


@pytest.mark.slow
def test_the_whole_flow_in_a_relative_folder_without_triplication(bound, use, tmp_path, monkeypatch):
    use(bound)
    monkeypatch.chdir(tmp_path)
    run.run_design(RunOptions("tiny", Path("folder"), tmr="none"))
    report = read_report(Path("folder/tiny/report.json"))
    assert report.registers.after_synthesis.value == report.registers.declared.value


@pytest.mark.slow
@pytest.mark.parametrize(("reuse", "cycles"), [((), (1, 1)), ((("dense", 6),), (6, 6))])
def test_the_whole_flow_ends_in_a_report_with_measured_numbers(bound, use, tmp_path, reuse, cycles):
    use(bound)
    text = run.run_design(RunOptions("tiny", tmp_path, reuse=reuse)).text
    folder = tmp_path / "tiny"
    assert text.endswith(f"report: {folder / 'report.html'}")
    assert "tiny" in (folder / "report.html").read_text()
    assert (folder / "figures" / "dataflow.pdf").is_file()
    report = read_report(folder / "report.json")
    for comparison, expected in zip((report.latency_cycles, report.initiation_interval_cycles), cycles, strict=True):
        assert comparison.predicted.value == comparison.measured.value == expected
    assert report.registers.after_synthesis.value == 3 * report.registers.declared.value
    assert [row.equal for row in report.equality] == [row.total for row in report.equality]
    assert "C++ header = integer graph, case model" in [row.name for row in report.equality]
    limits = {constraint.name: constraint.met for constraint in report.constraints}
    assert limits == {"ii": cycles == (1, 1), "latency": False}
    assert run.show_report(folder).text in text


@pytest.mark.slow
def test_a_routed_block_and_vendors_numbers_join_the_report(bound, use, tmp_path):
    use(bound)
    metrics = tmp_path / "metrics.json"
    metrics.write_text('{"design__instance__area": 5e6, "timing__setup__ws": 1.5, "timing__hold__ws": 0.5}')
    constraints = ("area <= 4 mm2",)
    options = RunOptions("tiny", tmp_path, place="ecp5", vendor_reports=(metrics,), constraints=constraints)
    run.run_design(options)
    folder = tmp_path / "tiny"
    report = read_report(folder / "report.json")
    timing, fpga = {part.name: part for part in report.timing}, {part.name: part for part in report.fpga}
    assert timing["Lattice LFE5U-85F-6"].quantities["Fmax"].value > 0
    assert fpga["Lattice LFE5U-85F-6"].quantities["FF"].value > report.registers.expected.value
    assert timing["LibreLane, block"].quantities["setup slack"].value == 1.5
    assert [(one.name, one.value, one.met) for one in report.constraints] == [("area", 5.0, False)]
    every = [quantity for part in (*report.timing, *report.fpga, *report.area) for quantity in part.quantities.values()]
    assert {sha256_of(folder / one.source) == one.sha256 for one in every} == {True}
    assert (folder / "10-projects" / "vivado" / "run.tcl").is_file()


@pytest.mark.slow
def test_power_and_area_with_a_liberty_file(bound, use, tmp_path, shared_data):
    use(bound)
    limits = ("area <= 4 mm2", "power <= 100 mW")
    liberty = shared_data / "liberty" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
    run.run_design(RunOptions("tiny", tmp_path, liberty=liberty, constraints=limits, scale=(130, 65)))
    report = read_report(tmp_path / "tiny" / "report.json")
    assert [constraint.met for constraint in report.constraints] == [True, True]
    zero, unit = (part.quantities["total"].value for part in report.power)
    assert 0 < zero <= unit
    (whole, area, scaled), (timing,) = report.area, report.timing
    assert (whole.name, whole.nodes, area.name) == (liberty.name, {}, f"{liberty.name}, node by node")
    assert scaled.quantities["scaled area"].value == pytest.approx(0.23 * whole.quantities["cell area"].value)
    assert timing.name == liberty.name and timing.quantities["critical path"].value > 0
    sources = {q.source for part in (area, *report.power) for qs in part.nodes.values() for q in qs.values()}
    assert all((tmp_path / "tiny" / source).is_file() for source in sources) and len(sources) > 0
    for part, name in ((area, "cell area"), *((power, "total") for power in report.power)):
        assert sum(Decimal(repr(q[name].value)) for q in part.nodes.values()) == Decimal(
            repr(part.quantities[name].value)
        )
    assert "top level" in render_text(report)


@pytest.mark.slow
def test_programmable_weights_are_loaded_for_every_case(use, tmp_path):
    rng = np.random.default_rng(5)
    cases = tuple(Case(name, {"w": rng.integers(-8, 8, (3, 6))}) for name in ("one", "two"))
    bound = Bound(network(), {"x": rng.integers(0, 32, (EVENTS, 6))}, cases)
    use(bound)
    text = run.verify_design(RunOptions("tiny", tmp_path)).text
    assert [line.split(":")[0] for line in text.splitlines()] == ["one", "two"]
    wrong = bound.graph.evaluate({**bound.inputs, **cases[1].parameters})["y"].copy()
    wrong[5, 1] ^= 1
    use(replace(bound, cases=(cases[0], replace(cases[1], golden={"y": wrong}))))
    with pytest.raises(
        VerificationError, match=r"case 'two': RTL and golden y: 1 of 120 values differ; event 5, y\[1\]"
    ):
        run.verify_design(RunOptions("tiny", tmp_path, overwrite=True))


def test_every_design_of_the_package_has_its_file_name():
    for path in Path(run.__file__).parent.joinpath("designs").glob("[a-z]*.py"):
        assert run.load_design(path.stem).name == path.stem
