"""Read what synthesis and the power estimate need of a liberty file: areas, pins, functions, energies.

Delay tables are skipped unread; Yosys and its mapper read those themselves. Liberty gives no unit for
areas; every library in use means square micrometres, so this reader does too.
"""

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from lark import Lark, Token, Transformer, UnexpectedInput
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.flows.logic import Expression, parse_function, truth_table

# A whole group is one token where nothing of it is used: tables of delay and waveforms are most of a file.
_BODY = r"\s*\([^){}]*\)\s*\{(?:[^{}\"]|\"[^\"]*\"|\{(?:[^{}\"]|\"[^\"]*\"|\{(?:[^{}\"]|\"[^\"]*\")*+\})*+\})*+\}"
_GRAMMAR = rf"""
start: group
group: head "{{" (group | simple | complex | skipped)* "}}" ";"?
head: NAME "(" (value ","?)* ")"
complex: head ";"?
simple: NAME ":" (STRING | RAW) ";"?
skipped: SKIPPED
value: STRING | WORD
SKIPPED.2: /(?:timing|test_cell|wire_load|lu_table_template|normalized_driver_waveform|ccsn_\w+){_BODY}/
NAME: /[A-Za-z_][\w]*/
WORD: /[^\s,;(){{}}"]+/
RAW: /[^\s;{{}}"][^;{{}}"\n]*/
STRING: /"[^"]*"/
%ignore /[\s\\]+/
"""
_COMMENT = re.compile(r'("[^"]*")|/\*.*?\*/|//[^\n]*', re.DOTALL)


@dataclass(frozen=True)
class Group:
    """A liberty group `kind(arguments) {...}`: the last value of each attribute and the groups inside."""

    kind: str
    arguments: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]]
    groups: tuple["Group", ...]

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of attribute `name`, or `default`."""
        return self.attributes.get(name, (default,))[0]

    def number(self, name: str, default: float = 0.0) -> float:
        """Return attribute `name` as a number; `BadInputError` if it is not one."""
        return _number(self.attributes[name][0], f"{name} of {self.kind}") if name in self.attributes else default

    def inside(self, kind: str) -> tuple["Group", ...]:
        """Return the groups of this kind directly inside."""
        return tuple(group for group in self.groups if group.kind == kind)


@dataclass(frozen=True)
class EnergyTable:
    """Energy in fJ of one transition over slew in ns and load in fF; an axis of length 1 is no dependence."""

    slew_ns: tuple[float, ...]
    load_ff: tuple[float, ...]
    energy_fj: tuple[tuple[float, ...], ...]

    def at(self, slew_ns: float, load_ff: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the energy in fJ, bilinear between the table's points, clamped to its range; same shape as loads."""
        columns = [np.interp(slew_ns, self.slew_ns, column) for column in zip(*self.energy_fj, strict=True)]
        return np.asarray(np.interp(load_ff, self.load_ff, columns), dtype=np.float64)


@dataclass(frozen=True)
class PowerArc:
    """Internal energy of a pin's transition: which pin causes it, in which state, on rise and on fall."""

    related_pins: tuple[str, ...]
    when: Expression | None
    rise: EnergyTable | None
    fall: EnergyTable | None


@dataclass(frozen=True)
class Pin:
    """A signal pin; `function` is None where the library gives none (inputs, tables of state)."""

    name: str
    direction: str
    capacitance_ff: float
    function: Expression | None
    three_state: bool
    power: tuple[PowerArc, ...]


@dataclass(frozen=True)
class FlipFlop:
    """An edge-triggered storage element: its two internal nodes and what they load."""

    state: str
    inverse: str
    next_state: Expression
    clocked_on: Expression
    clear: Expression | None
    preset: Expression | None


@dataclass(frozen=True)
class Cell:
    """One library cell; `latch` is true for cells that store without a flip-flop group (latches, clock gates)."""

    name: str
    area_um2: float
    leakage_nw: float
    pins: Mapping[str, Pin]
    flip_flop: FlipFlop | None
    latch: bool
    dont_use: bool

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input pins, sorted."""
        return tuple(sorted(name for name, pin in self.pins.items() if pin.direction == "input"))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output pins, sorted."""
        return tuple(sorted(name for name, pin in self.pins.items() if pin.direction == "output"))


@dataclass(frozen=True)
class Library:
    """A liberty file: nominal supply voltage and the cells by name."""

    name: str
    voltage_v: float
    cells: Mapping[str, Cell] = field(repr=False)


class _Builder(Transformer[Token, Any]):
    def start(self, children: list[Any]) -> Any:
        return children[0]

    def value(self, children: list[Any]) -> str:
        return str(children[0]).strip('"')

    def head(self, children: list[Any]) -> tuple[str, tuple[str, ...]]:
        return str(children[0]), tuple(children[1:])

    def complex(self, children: list[Any]) -> Any:
        return children[0]

    def simple(self, children: list[Any]) -> tuple[str, tuple[str, ...]]:
        return str(children[0]), (str(children[1]).strip().strip('"'),)

    def skipped(self, children: list[Any]) -> None:
        return None

    def group(self, children: list[Any]) -> Group:
        (kind, arguments), *items = children
        attributes: dict[str, tuple[str, ...]] = dict(item for item in items if isinstance(item, tuple))
        return Group(kind, arguments, attributes, tuple(item for item in items if isinstance(item, Group)))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder())


def read_text(path: Path) -> str:
    """Return the text of a plain or gzip-compressed liberty file; `BadInputError` if missing or damaged."""
    try:
        content = path.read_bytes()
        # The two magic bytes decide, not the name: compressed libraries travel under both.
        text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        return text.decode("utf-8")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInputError(f"{path} is a damaged or truncated gzip file: fetch the liberty file again") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not a text file: give a liberty file (.lib or .lib.gz)") from error
    except OSError as error:
        raise BadInputError(f"cannot read the liberty file {path}: {error.strerror or error}") from error


def parse_group(text: str, source: str) -> Group:
    """Parse liberty `text`; `BadInputError` naming `source` and the line where it stops being liberty."""
    bare = _COMMENT.sub(lambda match: match.group(1) or "\n" * match.group(0).count("\n"), text)
    try:
        result = _parser().parse(bare)
    except UnexpectedInput as error:
        where = f"line {error.line}" if error.line and error.line > 0 else "its end"
        raise BadInputError(f"{source} is not a whole liberty file: syntax error at {where}") from error
    assert isinstance(result, Group)
    return result


def read_liberty(path: Path) -> Library:
    """Read the liberty file at `path` (plain or .gz); `BadInputError` if it is damaged or has no cells."""
    group = parse_group(read_text(path), str(path))
    if group.kind != "library" or not group.inside("cell"):
        raise BadInputError(f"{path} holds no library with cells: give a standard-cell liberty file")
    return _library(group)


def smallest_nand2_um2(library: Library) -> float:
    """Return the area of the smallest 2-input NAND gate, found by its function."""
    areas = [cell.area_um2 for cell in library.cells.values() if _is_nand2(cell)]
    if not areas:
        raise BadInputError(f"library {library.name} has no 2-input NAND gate: NAND2 equivalents are undefined")
    return min(areas)


def _is_nand2(cell: Cell) -> bool:
    if len(cell.inputs) != 2 or len(cell.outputs) != 1 or cell.area_um2 <= 0:
        return False
    function = cell.pins[cell.outputs[0]].function
    if function is None or set(function.variables) != set(cell.inputs):
        return False
    return bool((truth_table(function, cell.inputs) == [True, True, True, False]).all())


@dataclass(frozen=True)
class _Units:
    time_ns: float
    load_ff: float
    leakage_nw: float
    voltage_v: float
    input_load: float
    load_axes: Mapping[str, tuple[str, ...]]

    @property
    def energy_fj(self) -> float:
        # Liberty gives internal energies in (capacitive load unit) x (voltage unit)^2; 1 fF V^2 is 1 fJ.
        return self.load_ff * self.voltage_v**2


def _library(group: Group) -> Library:
    units = _read_units(group)
    cells = {cell.arguments[0]: _cell(cell, units) for cell in group.inside("cell")}
    default = group.text("default_operating_conditions")
    conditions = {g.arguments[0]: g for g in group.inside("operating_conditions")}
    nominal = group.number("nom_voltage") * units.voltage_v
    voltage_v = conditions[default].number("voltage", nominal) if default in conditions else nominal
    if voltage_v <= 0:
        raise BadInputError(f"library {group.arguments[0]} states no supply voltage (nom_voltage)")
    return Library(group.arguments[0], voltage_v, cells)


def _read_units(group: Group) -> _Units:
    loads = group.attributes.get("capacitive_load_unit", ("1", "pf"))
    axes = {t.arguments[0]: _variables(t) for t in group.inside("power_lut_template")}
    return _Units(
        time_ns=_scaled(group.text("time_unit", "1ns"), "s") * 1e9,
        load_ff=_scaled(f"{loads[0]}{loads[-1]}", "f") * 1e15,
        leakage_nw=_scaled(group.text("leakage_power_unit", "1nW"), "W") * 1e9,
        voltage_v=_scaled(group.text("voltage_unit", "1V"), "V"),
        input_load=group.number("default_input_pin_cap"),
        load_axes=axes,
    )


def _variables(template: Group) -> tuple[str, ...]:
    return tuple(template.text(f"variable_{k}") for k in (1, 2, 3) if f"variable_{k}" in template.attributes)


def _scaled(text: str, unit: str) -> float:
    match = re.fullmatch(rf"([0-9.eE+-]+?)\s*([munpfk]?){unit}", text.strip(), re.IGNORECASE)
    if match is None:
        raise BadInputError(f"{text!r} is no liberty unit in {unit}: check the units of the library")
    scale = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
    return _number(match.group(1), "a unit") * scale[match.group(2).lower()]


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadInputError(f"{what} is {text!r} in the liberty file, not a number") from error


def _cell(group: Group, units: _Units) -> Cell:
    flip_flops = group.inside("ff")
    return Cell(
        name=group.arguments[0],
        area_um2=group.number("area"),
        leakage_nw=_leakage(group) * units.leakage_nw,
        pins={name: _pin(name, pin, units) for pin in group.inside("pin") for name in pin.arguments},
        flip_flop=_flip_flop(flip_flops[0]) if len(flip_flops) == 1 else None,
        latch=any(g.kind in ("latch", "statetable", "latch_bank", "ff_bank") for g in group.groups),
        dont_use=group.text("dont_use") == "true",
    )


def _leakage(group: Group) -> float:
    if "cell_leakage_power" in group.attributes:
        return group.number("cell_leakage_power")
    states = [state.number("value") for state in group.inside("leakage_power")]
    return sum(states) / len(states) if states else 0.0


def _flip_flop(group: Group) -> FlipFlop:
    names = group.arguments if len(group.arguments) == 2 else (*group.arguments, "", "")[:2]
    optional = {key: parse_function(group.text(key)) if group.text(key) else None for key in ("clear", "preset")}
    next_state, clocked_on = (parse_function(group.text(key)) for key in ("next_state", "clocked_on"))
    return FlipFlop(names[0], names[1], next_state, clocked_on, optional["clear"], optional["preset"])


def _pin(name: str, group: Group, units: _Units) -> Pin:
    function, direction = group.text("function"), group.text("direction")
    default_load = units.input_load if direction == "input" else 0.0
    return Pin(
        name=name,
        direction=direction,
        capacitance_ff=group.number("capacitance", default_load) * units.load_ff,
        function=parse_function(function) if function else None,
        three_state="three_state" in group.attributes,
        power=tuple(_power_arc(arc, units) for arc in group.inside("internal_power")),
    )


def _power_arc(group: Group, units: _Units) -> PowerArc:
    tables = {g.kind: _table(g, units) for g in group.groups}
    both = tables.get("power")
    when = group.text("when")
    related = tuple(group.text("related_pin").split())
    condition = parse_function(when) if when else None
    return PowerArc(related, condition, tables.get("rise_power", both), tables.get("fall_power", both))


def _table(group: Group, units: _Units) -> EnergyTable:
    axes = [_row(group.text(f"index_{k}"), 1.0) for k in (1, 2) if f"index_{k}" in group.attributes]
    rows = tuple(_row(row, units.energy_fj) for row in group.attributes.get("values", ()))
    if not axes:
        return EnergyTable((0.0,), (0.0,), rows)
    order = units.load_axes.get(group.arguments[0], ("input_transition_time", "total_output_net_capacitance"))
    if order[0] == "input_transition_time":
        slew, load = axes[0], axes[1] if len(axes) > 1 else (0.0,)
        values = rows if len(axes) > 1 else tuple((value,) for value in rows[0])
    else:
        slew, load = (axes[1], axes[0]) if len(axes) > 1 else ((0.0,), axes[0])
        values = tuple(zip(*rows, strict=True)) if len(axes) > 1 else rows
    if len(values) != len(slew) or any(len(row) != len(load) for row in values):
        raise BadInputError(f"{group.kind}({group.arguments[0]}) does not fit its axes: check the liberty file")
    scaled_slew, scaled_load = ([v * u for v in axis] for axis, u in ((slew, units.time_ns), (load, units.load_ff)))
    return EnergyTable(tuple(scaled_slew), tuple(scaled_load), values)


def _row(text: str, scale: float) -> tuple[float, ...]:
    return tuple(_number(item, "a table entry") * scale for item in text.replace(",", " ").split())
