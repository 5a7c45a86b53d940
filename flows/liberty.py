"""Read what synthesis and the power estimate need of a liberty file: areas, pins, functions, energies.

Liberty gives no unit for areas; every library in use means square micrometres, so this reader does too. Cells that
Yosys cannot use (several bits, buses, black boxes, no area) are read and marked, not refused. An error names the file,
the cell, and what to change.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codesign.errors import BadInputError
from codesign.flows.liberty_tables import PowerArc, Units, power_arc, read_units
from codesign.flows.liberty_text import Group, parse_group, read_text
from codesign.flows.logic import Expression, parse_function, truth_table

# Cells for other purposes than logic: isolation, clock trees, pure delay, spares. Their logic function alone would
# let the mapper pick them (SkyWater's lpflow cells are the known case).
_NOT_LOGIC = re.compile(r"lpflow|clkbuf|clkinv|clkdly|dlymetal|dlygate|probe|macro_spare|tie|antenna", re.IGNORECASE)
# The same, said by attributes of the Liberty user guide.
_SPECIAL = (
    *("dont_use", "dont_touch", "is_macro_cell", "is_isolation_cell", "is_level_shifter", "is_filler_cell"),
    *("is_tap_cell", "is_decap_cell", "pad_cell", "pll_cell", "interface_timing", "always_on", "is_clock_cell"),
)
_SPECIAL_WITH_VALUE = ("clock_gating_integrated_cell", "retention_cell", "power_gating_cell", "switch_cell_type")
# Groups of storage that is no single edge-triggered bit.
_OTHER_STORAGE = ("latch", "statetable", "latch_bank", "ff_bank")


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
    """One library cell; `latch` is true for cells that store in any way but one edge-triggered bit.

    `dont_use` is true where the library says so, and for what Yosys cannot map to: buses, black boxes, no area.
    """

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
    """A liberty file: supply voltage (0 where it states none) and the cells by name."""

    name: str
    voltage_v: float
    cells: Mapping[str, Cell] = field(repr=False)


def read_liberty(path: Path) -> Library:
    """Read the liberty file at `path` (plain or .gz); `BadInputError` if it is damaged, has no cells or no areas."""
    group = parse_group(read_text(path), str(path))
    if group.kind != "library" or not group.inside("cell"):
        raise BadInputError(f"{path} holds no library with cells: give a standard-cell liberty file")
    try:
        units = read_units(group)
        voltage_v = _voltage(group) * units.voltage_v
        default_nw = group.number("default_cell_leakage_power") * units.leakage_nw
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error
    cells: dict[str, Cell] = {}
    for one in group.inside("cell"):
        cell = _cell_of(one, units, group, default_nw, path)
        if cell.name in cells:
            raise BadInputError(f"{path}: cell {cell.name} is defined twice: remove or rename one of them")
        cells[cell.name] = cell
    if not any(cell.area_um2 > 0 for cell in cells.values()):
        raise BadInputError(f"{path}: no cell states an area above zero: give the library with its areas")
    return Library(group.arguments[0] if group.arguments else path.name, voltage_v, cells)


def smallest_nand2(library: Library) -> Cell | None:
    """Return the smallest 2-input NAND gate that logic may use, found by its function; None if there is none."""
    found = [cell for cell in library.cells.values() if _is_nand2(cell) and not is_unusable(cell)]
    return min(found, key=lambda cell: (cell.area_um2, cell.name), default=None)


def _is_nand2(cell: Cell) -> bool:
    if len(cell.inputs) != 2 or len(cell.outputs) != 1:
        return False
    function = cell.pins[cell.outputs[0]].function
    if function is None or set(function.variables) != set(cell.inputs):
        return False
    return bool((truth_table(function, cell.inputs) == [True, True, True, False]).all())


def unusable_cells(library: Library) -> tuple[str, ...]:
    """Return the names of cells that logic must not be mapped to, sorted."""
    return tuple(sorted(cell.name for cell in library.cells.values() if is_unusable(cell)))


def is_unusable(cell: Cell) -> bool:
    """Return whether logic must not be mapped to `cell`."""
    tri_state = any(pin.three_state for pin in cell.pins.values())
    return cell.dont_use or cell.latch or tri_state or _NOT_LOGIC.search(cell.name) is not None


def require_mappable(library: Library, source: str) -> None:
    """`BadInputError`, naming what is missing, unless synthesis can build everything from the library's cells."""
    usable = [cell for cell in library.cells.values() if not is_unusable(cell)]
    tables = {_single_function(cell) for cell in usable if cell.flip_flop is None}
    # What the mapper of Yosys (abc) does not do without.
    lacks = {
        "an inverter": (True, False) in tables,
        "a buffer": (False, True) in tables,
        "a 2-input NAND or NOR": bool(tables & {(True, True, True, False), (True, False, False, False)}),
        "a D flip-flop": any(cell.flip_flop is not None for cell in usable),
    }
    missing = [name for name, there in lacks.items() if not there]
    if missing:
        raise BadInputError(
            f"{source}: library {library.name} has no cell that may be used as {' or '.join(missing)} "
            f"({len(library.cells) - len(usable)} of {len(library.cells)} cells are marked dont_use, special, or no "
            "single-bit logic): give a complete standard-cell library"
        )


def _single_function(cell: Cell) -> tuple[bool, ...]:
    """Return the truth table of a gate of at most two inputs, else nothing."""
    function = cell.pins[cell.outputs[0]].function if len(cell.outputs) == 1 else None
    if function is None or len(cell.inputs) > 2 or not set(function.variables) <= set(cell.inputs):
        return ()
    return tuple(bool(value) for value in truth_table(function, cell.inputs))


def _voltage(library: Group) -> float:
    """Return the supply in the library's unit: of the default conditions, nominal, of the only ones, or 0."""
    conditions = {g.name: g for g in library.inside("operating_conditions")}
    default = library.text("default_operating_conditions")
    nominal = library.number("nom_voltage")
    if default in conditions:
        return conditions[default].number("voltage", nominal)
    stated = {g.number("voltage") for g in conditions.values()}
    return nominal or (stated.pop() if len(stated) == 1 else 0.0)


def _cell_of(group: Group, units: Units, library: Group, default_nw: float, path: Path) -> Cell:
    try:
        return _cell(group, units, library, default_nw)
    except BadInputError as error:
        name = group.arguments[0] if group.arguments else "without a name"
        raise BadInputError(f"{path}: cell {name}: {error}") from error


def _cell(group: Group, units: Units, library: Group, default_nw: float) -> Cell:
    flip_flops = group.inside("ff")
    one_bit = len(flip_flops) == 1 and _is_plain(flip_flops[0])
    other = bool(group.inside(*_OTHER_STORAGE)) or (bool(flip_flops) and not one_bit)
    wide = bool(group.inside("bus", "bundle"))
    pins = dict(_pins(group, units, library))
    black_box = any(p.function is None for p in pins.values() if p.direction == "output") or not pins
    special = any(group.flag(name) for name in _SPECIAL) or any(group.text(name) for name in _SPECIAL_WITH_VALUE)
    in_out = any(pin.direction == "inout" for pin in pins.values())
    area = group.number("area")
    if area < 0:
        raise BadInputError(f"its area is {area:g}, below zero: correct it")
    return Cell(
        name=group.name,
        area_um2=area,
        leakage_nw=_leakage(group, units.leakage_nw, default_nw),
        pins=pins,
        flip_flop=_flip_flop(flip_flops[0]) if one_bit and not other else None,
        latch=other,
        dont_use=special or wide or black_box or in_out or area == 0,
    )


def _is_plain(flip_flop: Group) -> bool:
    """One clock and a next state; a second clock makes a pair of latches of it."""
    return bool(flip_flop.text("next_state") and flip_flop.text("clocked_on")) and not flip_flop.text("clocked_on_also")


def _leakage(group: Group, unit_nw: float, default_nw: float) -> float:
    """Return the stated leakage, or without one the mean over the states of its inputs, summed over the supplies."""
    if group.text("cell_leakage_power"):
        return group.number("cell_leakage_power") * unit_nw
    states = group.inside("leakage_power")
    supplies = {state.text("related_pg_pin") for state in states}
    means = [_mean_leakage([s for s in states if s.text("related_pg_pin") == supply]) for supply in sorted(supplies)]
    return sum(means) * unit_nw if states else default_nw


def _mean_leakage(states: list[Group]) -> float:
    conditions = [(state, parse_function(state.text("when"))) for state in states if state.text("when")]
    weighted = [(state.number("value"), share(when)) for state, when in conditions]
    # A group without a condition holds in the states that the conditions leave.
    left = max(0.0, 1.0 - sum(weight for _, weight in weighted))
    weighted += [(state.number("value"), left) for state in states if not state.text("when")][:1]
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total else 0.0


def share(when: Expression) -> float:
    """Return the share of the states of its variables in which `when` holds."""
    return float(truth_table(when, when.variables).mean())


def _flip_flop(group: Group) -> FlipFlop:
    names = (*group.arguments, "", "")[:2]
    optional = {key: parse_function(group.text(key)) if group.text(key) else None for key in ("clear", "preset")}
    next_state, clocked_on = (parse_function(group.text(key)) for key in ("next_state", "clocked_on"))
    return FlipFlop(names[0], names[1], next_state, clocked_on, optional["clear"], optional["preset"])


def _pins(cell: Group, units: Units, library: Group) -> Iterable[tuple[str, Pin]]:
    """Read pins, and those in buses and bundles, which take what they do not state from there."""
    for group in cell.inside("pin"):
        for name in group.arguments:
            yield name, _pin(name, group, units, library)
    for outer in cell.inside("bus", "bundle"):
        for name in (*outer.arguments, *outer.attributes.get("members", ())):
            yield name, _pin(name, outer, units, library)
        for group in outer.inside("pin"):
            joined = Group("pin", group.arguments, {**outer.attributes, **group.attributes}, group.groups)
            for name in group.arguments:
                yield name, _pin(name, joined, units, library)


def _pin(name: str, group: Group, units: Units, library: Group) -> Pin:
    function, direction = group.text("function"), group.text("direction").strip().lower()
    default = library.number(f"default_{direction}_pin_cap")
    both = [group.number(f"{edge}_capacitance", default) for edge in ("rise", "fall")]
    try:
        power = tuple(power_arc(arc, units) for arc in group.inside("internal_power"))
        return Pin(
            name=name,
            direction=direction,
            capacitance_ff=group.number("capacitance", sum(both) / 2) * units.load_ff,
            function=parse_function(function) if function else None,
            three_state="three_state" in group.attributes,
            power=power,
        )
    except BadInputError as error:
        raise BadInputError(f"pin {name}: {error}") from error
