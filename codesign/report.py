"""The report: one schema for every number of a design, whether predicted, measured, synthesised or estimated.

A report depends on its inputs alone: no time, user, host or absolute path is in it, and two runs give the same bytes.
"""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from codesign.errors import BadInputError
from codesign.files import read_json, write_text
from codesign.options import TmrMode
from codesign.report_text import columns, heading, number

Kind = Literal["predicted", "measured", "synthesised", "estimated"]
ConstraintName = Literal["ii", "latency", "area", "power"]
# What each constraint is counted in, and its units relative to the first.
UNITS: dict[ConstraintName, dict[str, Fraction]] = {
    "ii": {"ns": Fraction(1), "ps": Fraction(1, 1000), "us": Fraction(1000)},
    "latency": {"ns": Fraction(1), "ps": Fraction(1, 1000), "us": Fraction(1000)},
    "area": {"mm2": Fraction(1), "um2": Fraction(1, 10**6)},
    "power": {"mW": Fraction(1), "uW": Fraction(1, 1000), "W": Fraction(1000)},
}
PHYSICS_COLUMNS = {"value": "value", "error": "error", "median": "median", "16 %": "low68", "84 %": "high68"}
_CONSTRAINT = re.compile(r"\s*(\w+)\s*(<=|>=|<|>|==?)\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*(\w*)\s*")


def _relative(name: str) -> str:
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError("a report names files relative to the folder of the run")
    return name


FileName = Annotated[str, AfterValidator(_relative)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantity(_Part):
    """A number with its unit, how it was obtained, and the file it was read from (with that file's SHA-256)."""

    value: int | float
    unit: str
    kind: Kind
    source: FileName
    sha256: Sha256 | None = None


class Comparison(_Part):
    """The same number as the schedule predicts it and as simulation measures it; None if not known."""

    predicted: Quantity | None = None
    measured: Quantity | None = None

    @property
    def best(self) -> Quantity | None:
        """The measured number, or without one the predicted."""
        return self.measured or self.predicted


class Design(_Part):
    """What the report is about; `clock` is the clock period, `tmr_nodes` the modes of nodes that have another one."""

    name: str
    top: str
    tmr: TmrMode | Literal["selective"]
    tmr_nodes: dict[str, str] = {}
    single_points_of_failure: tuple[str, ...] = ()
    clock: Quantity


class Registers(_Part):
    """Register bits in the Verilog before triplication, the flip-flops they must become, and those counted."""

    declared: Quantity
    expected: Quantity
    after_synthesis: Quantity | None = None


class Resources(_Part):
    """Quantities from one tool run: `name` says for which library or device, `method` how and what is left out.

    `nodes` holds the part of each node of the dataflow graph, where the tool run can tell: node, then quantity.
    """

    name: str
    method: str
    quantities: dict[str, Quantity]
    nodes: dict[str, dict[str, Quantity]] = {}


class PhysicsRow(_Part):
    """One figure of merit of one model: `value` is the mean over the events, or the figure of the whole sample.

    `error` is its statistical uncertainty (one standard deviation). Median and central 68 % interval belong to a metric
    with one value an event. Events without a value are excluded and counted. None: nothing is left, or not defined.
    """

    name: str
    metric: str
    unit: str
    count: Count
    excluded: Count = 0
    value: float | None
    error: float | None = None
    median: float | None = None
    low68: float | None = None
    high68: float | None = None
    source: FileName
    sha256: Sha256 | None = None


class Equality(_Part):
    """How many of `total` values agree exactly between two stages."""

    name: str
    equal: Count
    total: Count
    source: FileName
    sha256: Sha256 | None = None


class Constraint(_Part):
    """A limit of the design and the value found, in the same unit; `met` is None if there is no value.

    `source` is the file that the value was read from.
    """

    name: ConstraintName
    limit: float
    unit: str
    value: float | None = None
    met: bool | None = None
    basis: str = ""
    source: FileName | None = None
    sha256: Sha256 | None = None


class Limit(_Part):
    """The parsed text of a constraint: `name` must not exceed `limit`, exactly as written, in `unit`."""

    name: ConstraintName
    limit: str
    unit: str


class Sections(_Part):
    """The sections of a report that the steps of a run fill, each its own; those that were not run are empty.

    A number names the file it was read from as seen from the folder of the run.
    """

    latency_cycles: Comparison = Comparison()
    latency: Comparison = Comparison()
    initiation_interval_cycles: Comparison = Comparison()
    initiation_interval: Comparison = Comparison()
    throughput: Quantity | None = None
    registers: Registers | None = None
    timing: tuple[Resources, ...] = ()
    area: tuple[Resources, ...] = ()
    fpga: tuple[Resources, ...] = ()
    power: tuple[Resources, ...] = ()
    physics: tuple[PhysicsRow, ...] = ()
    equality: tuple[Equality, ...] = ()


class Report(Sections):
    """All numbers of one design: the sections, its constraints, and what it was made from and with."""

    schema_version: Literal[1] = 1
    design: Design
    constraints: tuple[Constraint, ...] = ()
    tool_versions: dict[str, str] = {}
    hashes: dict[FileName, Sha256] = {}


def parse_constraint(text: str) -> Limit:
    """Parse a constraint such as "ii <= 25 ns"; `BadInputError` naming the legal names, relation and units."""
    match = _CONSTRAINT.fullmatch(text)
    if match is None:
        raise BadInputError(f"constraint {text!r} must read NAME <= NUMBER UNIT, for example 'latency <= 100 ns'")
    name, relation, limit, unit = match.groups()
    if name not in UNITS:
        raise BadInputError(f"constraint {text!r}: name must be one of {', '.join(UNITS)}, got {name!r}")
    if relation != "<=":
        raise BadInputError(f"constraint {text!r}: the relation must be <=, got {relation}")
    if unit not in UNITS[name]:
        raise BadInputError(
            f"constraint {text!r}: unit of {name} must be one of {', '.join(UNITS[name])}, got {unit!r}"
        )
    if limit.count(".") > 1 or limit.strip(".") == "" or limit.startswith("."):
        raise BadInputError(f"constraint {text!r}: {limit!r} is not a number")
    return Limit(name=name, limit=limit, unit=unit)


def parse_constraints(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Parse all constraints of a run; `BadInputError` if one is wrong or a name comes twice."""
    limits = tuple(parse_constraint(text) for text in texts)
    repeated = sorted({a.name for a in limits if sum(b.name == a.name for b in limits) > 1})
    if repeated:
        raise BadInputError(f"constraint on {', '.join(repeated)} is given more than once")
    return limits


def check_constraints(report: Report, texts: Sequence[str]) -> Report:
    """Return `report` with each constraint checked against its numbers; measured numbers go before predicted ones.

    Of several areas or powers the largest counts. A number that is not there gives met=None, never a pass.
    """
    return report.model_copy(update={"constraints": tuple(_check(report, limit) for limit in parse_constraints(texts))})


def _check(report: Report, limit: Limit) -> Constraint:
    found, basis = _basis(report, limit.name)
    scale = UNITS[limit.name]
    stated = Constraint(name=limit.name, limit=float(limit.limit), unit=limit.unit)
    if found is None:
        return stated
    if found.unit not in scale:
        raise BadInputError(f"{limit.name} is reported in {found.unit!r}, which is none of {', '.join(scale)}")
    # Fractions: a limit that is just reached must not fail by a rounding of the unit conversion.
    value = Fraction(repr(found.value)) * scale[found.unit] / scale[limit.unit]
    met = value <= Fraction(limit.limit)
    origin = {"source": found.source, "sha256": found.sha256}
    return stated.model_copy(update={"value": float(value), "met": met, "basis": basis, **origin})


def _basis(report: Report, name: ConstraintName) -> tuple[Quantity | None, str]:
    if name in ("ii", "latency"):
        found = (report.initiation_interval if name == "ii" else report.latency).best
        return found, found.kind if found else ""
    key, resources = ("cell area", report.area) if name == "area" else ("total", report.power)
    candidates = [(part.quantities[key], f"{part.name}: {part.method}") for part in resources if key in part.quantities]
    return max(candidates, key=lambda c: _in_base_unit(c[0], name), default=(None, ""))


def _in_base_unit(quantity: Quantity, name: ConstraintName) -> Fraction:
    return Fraction(repr(quantity.value)) * UNITS[name].get(quantity.unit, Fraction(1))


def write_report(report: Report, directory: Path) -> Path:
    """Write report.json and report.txt into `directory`, each whole or not at all; return the path of report.json."""
    write_text(directory / "report.txt", render_text(report))
    # The order of the fields is that of the text, so that a report read back gives the same text.
    return write_text(directory / "report.json", report.model_dump_json(indent=1) + "\n")


def read_report(path: Path) -> Report:
    """Read a report.json; `BadInputError` naming the first field that does not fit the schema."""
    try:
        return Report.model_validate(read_json(path, written_by="codesign run"), strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInputError(f"{path} is no report of this version: {where}: {first['msg']}") from error


def render_text(report: Report) -> str:
    """Return the report as aligned text, ending in a newline."""
    design = report.design
    clock = f"clock {number(design.clock.value)} {design.clock.unit}"
    first = [f"Report of {design.name} (top {design.top}, {clock}, tmr {_mode(design)})", ""]
    sections = (
        heading("Constraints", columns(_constraint_rows(report.constraints))),
        heading("Timing", columns(_timing_rows(report))),
        heading("Register bits", columns(_register_rows(report.registers))),
        heading("Single points of failure", [f"  {text}" for text in design.single_points_of_failure]),
        *(heading("Static timing", _resource_lines(part)) for part in report.timing),
        *(heading("Area", _resource_lines(part)) for part in report.area),
        *(heading("FPGA", _resource_lines(part)) for part in report.fpga),
        *(heading("Power", _resource_lines(part)) for part in report.power),
        heading("Physics", columns(_physics_rows(report.physics))),
        heading("Equality (no tolerance)", columns(_equality_rows(report.equality))),
        heading("Tools", columns([[name, version] for name, version in sorted(report.tool_versions.items())])),
        heading("SHA-256", columns([[name, digest] for name, digest in sorted(report.hashes.items())])),
    )
    return "\n".join(first + [line for section in sections for line in section])


def _mode(design: Design) -> str:
    return ", ".join([design.tmr, *(f"{node} {mode}" for node, mode in design.tmr_nodes.items())])


def _constraint_rows(constraints: Iterable[Constraint]) -> list[list[str]]:
    words = {True: "met", False: "MISSED", None: "not known"}
    return [
        [c.name, "<=", number(c.limit), c.unit, words[c.met], *_found(c)]
        for c in constraints
    ]  # fmt: skip


def _found(constraint: Constraint) -> list[str]:
    if constraint.value is None:
        return ["not measured", ""]
    return [f"{number(constraint.value)} {constraint.unit}", constraint.basis]


def _timing_rows(report: Report) -> list[list[str]]:
    pairs = [
        ("latency", report.latency_cycles),
        ("latency", report.latency),
        ("initiation interval", report.initiation_interval_cycles),
        ("initiation interval", report.initiation_interval),
        ("throughput", _as_comparison(report.throughput)),
    ]
    rows = [[n, _value(p.predicted), _value(p.measured), p.best.unit] for n, p in pairs if p.best is not None]
    return [["", "predicted", "measured", "unit"], *rows] if rows else []


def _as_comparison(quantity: Quantity | None) -> Comparison:
    if quantity is not None and quantity.kind == "measured":
        return Comparison(measured=quantity)
    return Comparison(predicted=quantity)


def _value(quantity: Quantity | None) -> str:
    return "not known" if quantity is None else number(quantity.value)


def _register_rows(registers: Registers | None) -> list[list[str]]:
    if registers is None:
        return []
    found = registers.after_synthesis
    verdict = (
        "not counted" if found is None else "as expected" if found.value == registers.expected.value else "DIFFERS"
    )
    return [
        ["declared", number(registers.declared.value), ""],
        ["expected in netlist", number(registers.expected.value), ""],
        ["after synthesis", _value(found), verdict],
    ]


def _resource_lines(part: Resources) -> list[str]:
    rows = [[name, number(q.value), q.unit, q.kind, q.source] for name, q in part.quantities.items()]
    return [f"  {part.name}: {part.method}", *columns(rows), *columns(_node_rows(part))]


def _node_rows(part: Resources) -> list[list[str]]:
    names = list(dict.fromkeys(name for quantities in part.nodes.values() for name in quantities))
    rows = [
        [node, *(number(quantities[name].value) if name in quantities else "-" for name in names)]
        for node, quantities in part.nodes.items()
    ]
    return [["node", *names], *rows] if rows else []


def _physics_rows(rows: Sequence[PhysicsRow]) -> list[list[str]]:
    """Columns that no row fills are left out."""
    if not rows:
        return []
    head = ["model", "metric", "unit", "events", "excluded"]
    table = [[r.name, r.metric, r.unit, str(r.count), str(r.excluded)] for r in rows]
    for title, name in PHYSICS_COLUMNS.items():
        numbers = [getattr(row, name) for row in rows]
        if any(number is not None for number in numbers):
            head.append(title)
            table = [[*line, _four_places(number)] for line, number in zip(table, numbers, strict=True)]
    return [head, *table]


def _four_places(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _equality_rows(rows: Iterable[Equality]) -> list[list[str]]:
    return [[r.name, f"{r.equal} of {r.total}", "equal" if r.equal == r.total > 0 else "DIFFERS"] for r in rows]
