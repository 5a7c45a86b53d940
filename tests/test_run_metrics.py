"""Every number of a report has one name, its unit, step, file and digest; files of metrics read back."""

import csv
import io
import re

import pytest
from pydantic import BaseModel

from codesign.errors import BadInputError
from codesign.report import (
    Comparison,
    Constraint,
    Design,
    Equality,
    PhysicsRow,
    Quantity,
    Registers,
    Report,
    Resources,
)
from codesign.run_metrics import NAMES, by_name, metrics_csv, metrics_of, metrics_record, read_metrics, slug

DIGEST = "0" * 64
NUMBERS = iter(range(1, 10**6))


def quantity(unit="um2", value=None):
    """A number that stands nowhere else in the report."""
    found = next(NUMBERS) + 0.5 if value is None else value
    return Quantity(value=found, unit=unit, kind="measured", source="06-synthesis/a/stat.json", sha256=DIGEST)


def resources(name, *keys):
    nodes = {"conv": {key: quantity() for key in keys}}
    return Resources(name=name, method="m", quantities={key: quantity() for key in keys}, nodes=nodes)


def a_report():
    both = Comparison(predicted=quantity("cycles"), measured=quantity("cycles"))
    files = {"source": "05-physics/physics.json", "sha256": DIGEST}
    row = PhysicsRow(name="RTL response", metric="emd_shape", unit="pitch", count=3, excluded=4, value=0.125,
                     error=0.25, median=0.375, low68=0.0625, high68=0.625, **files)  # fmt: skip
    return Report(
        design=Design(name="econt", top="econt", tmr="registers", clock=quantity("ns")),
        latency_cycles=both,
        latency=Comparison(predicted=quantity("ns")),
        initiation_interval_cycles=both,
        throughput=quantity("events/us"),
        registers=Registers(declared=quantity("bit"), expected=quantity("bit"), after_synthesis=quantity("bit")),
        timing=(resources("x.lib", "setup slack", "critical path"),),
        area=(resources("x.lib", "cell area", "of it flip-flops", "cells"),),
        fpga=(resources("Xilinx", "LUT"),),
        power=(resources("x.lib, zero delay", "total"), resources("x.lib, unit delay", "total")),
        physics=(row,),
        equality=(Equality(name="RTL = graph, case a", equal=7001, total=7002, **files),),
        constraints=(Constraint(name="ii", limit=25.25, unit="ns", value=24.75, met=True),),
    )


def numbers(value):
    """All numbers in a model, however deep."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        return [n for inner in value.values() for n in numbers(inner)]
    if isinstance(value, list | tuple):
        return [n for inner in value for n in numbers(inner)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_every_number_of_a_report_is_a_metric():
    report = a_report()
    expected = set(numbers(report)) - {report.schema_version}
    assert {one.value for one in metrics_of(report)} == expected
    assert len(expected) > 30


def test_each_has_unit_step_file_and_digest():
    metrics = by_name(metrics_of(a_report(), ("09-report/report.json", "1" * 64)))
    area = metrics["design__instance__area"]
    assert (area.unit, area.step, area.file, area.sha256) == ("um2", "06-synthesis", "06-synthesis/a/stat.json", DIGEST)
    assert metrics["codesign__constraint__limit__of:ii"].step == "09-report"
    assert metrics["codesign__constraint__limit__of:ii"].sha256 == "1" * 64
    assert all(one.sha256 and one.step for one in metrics.values())


def test_names_are_those_of_the_standard_where_it_has_one():
    names = set(by_name(metrics_of(a_report())))
    assert names >= {
        "timing__setup__ws",
        "design__instance__area",
        "design__instance__area__node:conv",
        "design__instance__area__class:sequential_cell",
        "design__instance__count",
        "power__total",
        "power__total__model:x.lib_unit_delay__node:conv",
        "codesign__fpga__lut",
        "codesign__latency__cycles",
        "codesign__latency__cycles__kind:predicted",
        "codesign__register__bits__stage:after_synthesis",
        "codesign__physics__emd_shape__model:rtl_response__statistic:median",
        "codesign__equality__equal__check:rtl_graph_case_a",
    }


# Of OpenROAD-METRICS2.1-list.txt (commit 8e40efd), without the stage; "switchng" is a slip in the list itself.
LISTED = {
    *("timing__setup__ws", "timing__setup__tns", "timing__clock__period", "design__instance__area"),
    *("power__total", "power__internal__total", "power__leakage__total"),
}
# Of OpenROAD's Metrics.tcl and of its report of cell usage, by classes; areas of classes are LibreLane's.
OF_OPENROAD = {
    *("timing__hold__ws", "timing__fmax", "power__switching__total", "design__instance__count"),
    *("design__instance__count__class:sequential_cell", "design__instance__area__class:sequential_cell"),
}


def test_names_that_do_not_begin_with_ours_are_published():
    assert set(NAMES.values()) < LISTED | OF_OPENROAD
    others = {name.partition("__node:")[0] for name in by_name(metrics_of(a_report())) if "codesign__" not in name}
    plain = {name for name in others if not re.search("__(corner|library|device|model):", name)}
    assert plain <= LISTED | OF_OPENROAD and "timing__clock__period" in plain


def test_of_several_powers_the_largest_has_the_plain_name():
    metrics = by_name(metrics_of(a_report()))
    values = [metrics[f"power__total__model:x.lib_{kind}_delay"].value for kind in ("zero", "unit")]
    assert metrics["power__total"].value == max(values) != min(values)


def test_of_several_corners_the_worst_of_each_quantity_has_the_plain_name():
    def corner(name, path, setup, hold):
        numbers = {"critical path": path, "setup slack": setup, "hold slack": hold}
        found = {key: quantity("ns", value) for key, value in numbers.items()}
        return Resources(name=name, method="m", quantities=found)

    corners = (corner("slow", 9.0, -1.0, 0.5), corner("fast", 4.0, 4.0, 0.125))
    metrics = by_name(metrics_of(a_report().model_copy(update={"timing": corners})))
    worst = {
        name: metrics[name].value
        for name in ("codesign__timing__critical_path", "timing__setup__ws", "timing__hold__ws")
    }
    assert list(worst.values()) == [9.0, -1.0, 0.125]
    assert metrics["timing__hold__ws__corner:slow"].value == 0.5


def test_a_measured_number_goes_before_a_predicted_one():
    metrics = by_name(metrics_of(a_report()))
    assert metrics["codesign__latency__cycles"] != metrics["codesign__latency__cycles__kind:predicted"]
    assert metrics["codesign__latency__cycles"].value == metrics["codesign__latency__cycles__kind:measured"].value


def test_two_numbers_of_one_name_are_an_error():
    twice = (resources("x.lib", "total"), resources("X.lib", "total"))
    with pytest.raises(AssertionError, match="two numbers are called"):
        metrics_of(a_report().model_copy(update={"power": twice}))


def test_metrics_read_back_and_the_table_says_the_same():
    metrics = metrics_of(a_report())
    assert read_metrics(metrics_record(metrics), "x") == metrics
    rows = list(csv.DictReader(io.StringIO(metrics_csv(metrics))))
    assert [(row["metric"], float(row["value"]), row["file"]) for row in rows] == [
        (one.name, one.value, one.file) for one in metrics
    ]


@pytest.mark.parametrize("record", [[], {"a": 1}, {"a": {"value": 1}}, {"a": {"value": True}}, None])
def test_what_is_no_record_is_refused(record):
    with pytest.raises(BadInputError, match=r"two\.json holds no metrics"):
        read_metrics(record, "two.json")


def test_a_slug_is_one_word():
    assert slug("emd_energy, R = 6.88 half pitches") == "emd_energy_r_6.88_half_pitches"
