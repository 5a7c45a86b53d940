"""Units of a liberty file, and its tables of internal energy.

Liberty gives internal energies in (capacitive load unit) x (voltage unit)^2 (Liberty user guide, "internal_power");
1 fF V^2 is 1 fJ.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.flows.liberty_text import Group, number
from codesign.flows.logic import Expression, parse_function

_SLEW = ("input_transition_time", "input_net_transition")
_LOAD = ("total_output_net_capacitance",)
_USUAL_AXES = (_SLEW[0], _LOAD[0])


@dataclass(frozen=True)
class Axes:
    """What a template says of a table: the variables of its axes, and their points where it gives them."""

    variables: tuple[str, ...] = ()
    points: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Units:
    """Units of a library in those of this package, its templates, and the load of pins that state none."""

    time_ns: float
    load_ff: float
    leakage_nw: float
    voltage_v: float
    templates: Mapping[str, Axes]

    @property
    def energy_fj(self) -> float:
        """The unit of internal energy."""
        return self.load_ff * self.voltage_v**2


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
    """Internal energy of a pin's transition: which pin causes it, in which state, on rise and on fall.

    `supply` is the supply pin that delivers it; energies of several supplies add up.
    """

    related_pins: tuple[str, ...]
    when: Expression | None
    rise: EnergyTable | None
    fall: EnergyTable | None
    supply: str = ""


def read_units(library: Group) -> Units:
    """Return the units that `library` states; where it states none 1 ns, 1 pF, 1 nW and 1 V."""
    loads = library.attributes.get("capacitive_load_unit") or ("1", "pf")
    templates = library.inside("power_lut_template", "lu_table_template")
    return Units(
        time_ns=_scaled(library.text("time_unit", "1ns"), "s") * 1e9,
        load_ff=_scaled("".join(loads), "f") * 1e15,
        leakage_nw=_scaled(library.text("leakage_power_unit", "1nW"), "W") * 1e9,
        voltage_v=_scaled(library.text("voltage_unit", "1V"), "V"),
        templates={template.name: _axes(template) for template in templates},
    )


def _axes(template: Group) -> Axes:
    numbers = [k for k in (1, 2, 3) if f"variable_{k}" in template.attributes]
    # A template may leave the points of an axis to its tables.
    points = tuple(_row(template.text(f"index_{k}"), f"index_{k} of {template.name}") for k in numbers)
    return Axes(tuple(template.text(f"variable_{k}").strip() for k in numbers), points)


def _scaled(text: str, unit: str) -> float:
    match = re.fullmatch(
        rf"([0-9.eE+-]*?)\s*([munpfk]?){unit}(?:arad|att|olt|ec|econd)?s?", text.strip(), re.IGNORECASE
    )
    if match is None:
        raise BadInputError(f"{text!r} is no liberty unit in {unit}: check the units of the library")
    scale = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
    value = number(match.group(1) or "1", "a unit") * scale[match.group(2).lower()]
    if value <= 0:
        raise BadInputError(f"{text!r} is no liberty unit in {unit}: it must be above zero")
    return value


def power_arc(group: Group, units: Units) -> PowerArc:
    """Read a group `internal_power`; `BadInputError` if a table in it does not fit its axes."""
    tables = {g.kind: _table(g, units) for g in group.inside("rise_power", "fall_power", "power")}
    both = tables.get("power")
    when = group.text("when")
    related = tuple(re.split(r"[\s,]+", group.text("related_pin").strip())) if group.text("related_pin") else ()
    return PowerArc(
        related,
        parse_function(when) if when else None,
        tables.get("rise_power", both),
        tables.get("fall_power", both),
        group.text("related_pg_pin"),
    )


def _table(group: Group, units: Units) -> EnergyTable:
    """Read a table of any number of axes; axes other than slew and load are read at their first point."""
    name = group.arguments[0] if group.arguments else "scalar"
    template = units.templates.get(name, Axes())
    flat = [value for row in group.attributes.get("values", ()) for value in _row(row, f"a value of {group.kind}")]
    axes = _points(group, template, len(flat))
    if int(np.prod([len(points) for points in axes])) != len(flat):
        raise BadInputError(
            f"{group.kind}({name}) has {len(flat)} values for axes of {[len(p) for p in axes]} points and does not fit "
            "its axes: correct its values or index_1, index_2"
        )
    values = np.array(flat).reshape([len(points) for points in axes])
    kinds = _kinds(template.variables, len(axes))
    for axis in reversed([k for k, kind in enumerate(kinds) if kind not in ("slew", "load")]):
        values = values.take(0, axis=axis)
    kept = [(kind, points) for kind, points in zip(kinds, axes, strict=True) if kind in ("slew", "load")]
    return _by_slew_and_load(kept, values, units)


def _points(group: Group, template: Axes, count: int) -> list[tuple[float, ...]]:
    axes = []
    for k in (1, 2, 3):
        own = group.text(f"index_{k}")
        given = template.points[k - 1] if k <= len(template.points) else ()
        if own or given:
            axes.append(_row(own, f"index_{k} of {group.kind}") if own else given)
    stated = any(group.text(f"index_{k}") for k in (1, 2, 3))
    # One value under a template with axes, and no axes of its own: nothing matters.
    return [] if count == 1 and not stated else axes


def _kinds(variables: Sequence[str], count: int) -> list[str]:
    """Say what each axis is; the first of a kind counts, a table without a template has slew, then load."""
    names = (tuple(variables) if len(variables) >= count else _USUAL_AXES + ("",) * count)[:count]
    kinds = ["slew" if name in _SLEW else "load" if name in _LOAD else "other" for name in names]
    return [kind if kind not in kinds[:k] else "other" for k, kind in enumerate(kinds)]


def _by_slew_and_load(
    axes: Sequence[tuple[str, tuple[float, ...]]], values: NDArray[np.float64], units: Units
) -> EnergyTable:
    found = dict(axes)
    slew = [v * units.time_ns for v in found.get("slew", (0.0,))]
    load = [v * units.load_ff for v in found.get("load", (0.0,))]
    if [kind for kind, _ in axes] == ["load", "slew"]:
        values = values.T
    matrix = values.reshape(len(slew), len(load)) * units.energy_fj
    return EnergyTable(tuple(slew), tuple(load), tuple(tuple(float(v) for v in row) for row in matrix))


def _row(text: str, what: str) -> tuple[float, ...]:
    return tuple(number(item, what) for item in text.replace(",", " ").split())
