"""The numbers of a report under the names of METRICS2.1, flat: what scripts and comparisons of runs read.

Names follow Jung et al., "METRICS2.1 and flow tuning in the IEEE CEDA robust design flow and OpenROAD" (ICCAD 2021):
`category__name__more__modifier:value`. They are those of the list that its authors publish
(ieee-ceda-datc/datc-rdf-Metrics4ML, OpenROAD-METRICS2.1-list.txt), without the stage in front, and where that has none
those that OpenROAD writes itself (src/Metrics.tcl, report of cell usage). Numbers that neither knows are of the
category `codesign`; modifiers other than `class` and `corner` are ours. Of several libraries or models the largest
total counts under the plain name, as in constraints, and of several corners the worst of each quantity; each is there
with its modifier too.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from codesign.errors import BadInputError
from codesign.report import Comparison, Constraint, Equality, PhysicsRow, Quantity, Report, Resources, Sections

# Section -> what tells its entries apart, and the quantity of which the largest counts.
MODIFIERS = {
    "timing": ("corner", "critical path"),
    "area": ("library", "cell area"),
    "fpga": ("device", "LUT"),
    "power": ("model", "total"),
}
# Section and quantity of the report -> name in METRICS2.1 or OpenROAD; docs/runs.md says which is whose.
NAMES = {
    ("timing", "setup slack"): "timing__setup__ws",
    ("timing", "hold slack"): "timing__hold__ws",
    ("timing", "total negative slack"): "timing__setup__tns",
    ("timing", "Fmax"): "timing__fmax",
    ("area", "cell area"): "design__instance__area",
    ("area", "of it flip-flops"): "design__instance__area__class:sequential_cell",
    ("area", "cells"): "design__instance__count",
    ("area", "flip-flops"): "design__instance__count__class:sequential_cell",
    ("power", "total"): "power__total",
    ("power", "switching"): "power__switching__total",
    ("power", "internal"): "power__internal__total",
    ("power", "leakage"): "power__leakage__total",
}
STATISTICS = ("error", "median", "low68", "high68", "count", "excluded")
COLUMNS = ("metric", "value", "unit", "step", "file", "sha256")


@dataclass(frozen=True)
class Metric:
    """One number: its name, value and unit, the step and the file (seen from the run's folder) that it comes from."""

    name: str
    value: float
    unit: str
    step: str
    file: str
    sha256: str | None


def metrics_of(sections: Sections, report_file: tuple[str, str | None] = ("", None)) -> tuple[Metric, ...]:
    """Return every number of a report, or of the part of one step, sorted by name.

    `report_file` (name, SHA-256) is where the constraints of a whole report stand.
    """
    found = [
        *_comparisons(sections),
        *_registers(sections),
        *(one for name in MODIFIERS for one in _resources(name, getattr(sections, name))),
        *(one for row in sections.physics for one in _physics(row)),
        *(one for row in sections.equality for one in _equality(row)),
    ]
    if isinstance(sections, Report):
        found.append(_number("timing__clock__period", sections.design.clock))
        found += [one for row in sections.constraints for one in _constraint(row, report_file)]
    names = [one.name for one in found]
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    assert not repeated, f"two numbers are called {repeated}"
    return tuple(sorted(found, key=lambda one: one.name))


def metrics_record(metrics: Iterable[Metric]) -> dict[str, dict[str, Any]]:
    """Return metrics by name as JSON can hold them."""
    return {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in metrics}


def read_metrics(record: Any, what: str) -> tuple[Metric, ...]:
    """Read what `metrics_record` gave; `BadInputError`, naming `what`, for anything else."""
    try:
        found = tuple(Metric(name, **fields) for name, fields in record.items())
    except (AttributeError, TypeError) as error:
        raise BadInputError(f"{what} holds no metrics: {error}; run the design again") from error
    for one in found:
        if isinstance(one.value, bool) or not isinstance(one.value, int | float):
            raise BadInputError(f"{what}: {one.name} is {one.value!r}, which is no number; run the design again")
    return found


def metrics_csv(metrics: Iterable[Metric]) -> str:
    """Return metrics as a table, one a line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        [repr(value) if isinstance(value, float) else value for value in asdict(one).values()] for one in metrics
    )
    return text.getvalue()


def slug(text: str) -> str:
    """Return `text` with all but letters, digits, points and hyphens as one underscore, lower case."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("_").lower()


def _number(name: str, quantity: Quantity) -> Metric:
    return _metric(name, quantity.value, quantity.unit, quantity.source, quantity.sha256)


def _metric(name: str, value: float, unit: str, file: str, sha256: str | None) -> Metric:
    return Metric(name, value, unit, file.partition("/")[0], file, sha256)


def _comparisons(sections: Sections) -> Iterator[Metric]:
    named = {
        "codesign__latency__cycles": sections.latency_cycles,
        "codesign__latency__time": sections.latency,
        "codesign__initiation_interval__cycles": sections.initiation_interval_cycles,
        "codesign__initiation_interval__time": sections.initiation_interval,
        "codesign__throughput": Comparison(predicted=sections.throughput),
    }
    for name, comparison in named.items():
        if comparison.best is not None:
            yield _number(name, comparison.best)
        for kind in ("predicted", "measured"):
            quantity = getattr(comparison, kind)
            if quantity is not None:
                yield _number(f"{name}__kind:{kind}", quantity)


def _registers(sections: Sections) -> Iterator[Metric]:
    if sections.registers is not None:
        for stage in ("declared", "expected", "after_synthesis"):
            quantity = getattr(sections.registers, stage)
            if quantity is not None:
                yield _number(f"codesign__register__bits__stage:{stage}", quantity)


def _resources(section: str, parts: Sequence[Resources]) -> Iterator[Metric]:
    modifier, key = MODIFIERS[section]
    if len(parts) > 1 and section == "timing":
        yield from _worst_of_corners(parts)
    elif parts:
        yield from _quantities(section, max(parts, key=lambda part: _size(part, key)), "")
    if len(parts) > 1:
        for part in parts:
            yield from _quantities(section, part, f"__{modifier}:{slug(part.name)}")


def _worst_of_corners(parts: Sequence[Resources]) -> Iterator[Metric]:
    """Of every quantity the worst: the setup of a slow corner, the hold of a fast one."""
    for name in dict.fromkeys(name for part in parts for name in part.quantities):
        found = [part.quantities[name] for part in parts if name in part.quantities]
        worst = max if name == "critical path" else min
        yield _number(_name("timing", name), worst(found, key=lambda quantity: quantity.value))


def _size(part: Resources, key: str) -> float:
    return part.quantities[key].value if key in part.quantities else float("-inf")


def _quantities(section: str, part: Resources, suffix: str) -> Iterator[Metric]:
    for name, quantity in part.quantities.items():
        yield _number(f"{_name(section, name)}{suffix}", quantity)
    for node, quantities in part.nodes.items():
        for name, quantity in quantities.items():
            yield _number(f"{_name(section, name)}{suffix}__node:{'_'.join(node.split())}", quantity)


def _name(section: str, quantity: str) -> str:
    return NAMES.get((section, quantity), f"codesign__{section}__{slug(quantity)}")


def _physics(row: PhysicsRow) -> Iterator[Metric]:
    name = f"codesign__physics__{slug(row.metric)}__model:{slug(row.name)}"
    if row.value is not None:
        yield _metric(name, row.value, row.unit, row.source, row.sha256)
    for statistic in STATISTICS:
        value = getattr(row, statistic)
        if value is not None:
            unit = "events" if statistic in ("count", "excluded") else row.unit
            yield _metric(f"{name}__statistic:{statistic}", value, unit, row.source, row.sha256)


def _equality(row: Equality) -> Iterator[Metric]:
    for what in ("equal", "total"):
        name = f"codesign__equality__{what}__check:{slug(row.name)}"
        yield _metric(name, getattr(row, what), "values", row.source, row.sha256)


def _constraint(row: Constraint, report_file: tuple[str, str | None]) -> Iterator[Metric]:
    for what in ("limit", "value"):
        number = getattr(row, what)
        if number is not None:
            yield _metric(f"codesign__constraint__{what}__of:{row.name}", number, row.unit, *report_file)


def by_name(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    """Return metrics by name."""
    return {one.name: one for one in metrics}
