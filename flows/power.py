"""Power of a mapped netlist from toggle counts, pin capacitances and the energy tables of a liberty file.

switching = 1/2 C V^2 f x toggles per cycle, C the input pins on the net plus a stated wire load (Weste and Harris,
"CMOS VLSI Design", section on dynamic power); internal = energy table of each pin's transition at a stated slew and
the net's load; leakage = the library's mean leakage of each cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.flows.gate_simulation import Activity
from codesign.flows.liberty import Cell, Library, Pin
from codesign.flows.liberty_tables import EnergyTable, PowerArc
from codesign.flows.logic import Expression, truth_table
from codesign.flows.netlist import Indices, Netlist

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class PowerResult:
    """Average power in mW and how it was obtained; the clock net's own load and pins are part of the sums."""

    switching_mw: float
    internal_mw: float
    leakage_mw: float
    toggles_per_cycle: float
    method: str

    @property
    def total_mw(self) -> float:
        """Sum of switching, internal and leakage power."""
        return self.switching_mw + self.internal_mw + self.leakage_mw


def estimate_power(
    netlist: Netlist,
    library: Library,
    activity: Activity,
    *,
    clock_ns: float,
    slew_ns: float = 0.1,
    wire_load_ff: float = 0.0,
) -> PowerResult:
    """Estimate the power of `netlist` at one clock period per cycle of `activity`.

    `wire_load_ff` is added to every net that has a load (0: pins only, no wires); `slew_ns` is taken for every
    transition. Buffers of a clock tree are not in the netlist and not in the estimate.
    """
    if clock_ns <= 0 or slew_ns < 0 or wire_load_ff < 0:
        raise BadInputError("clock_ns must be positive, slew_ns and wire_load_ff must not be negative")
    if library.voltage_v <= 0:
        raise BadInputError(f"library {library.name} states no supply voltage: add nom_voltage for a power estimate")
    rates = _toggle_rates(netlist, library, activity)
    loads = _loads(netlist, library, wire_load_ff)
    internal_fj = sum(_internal_fj(library.cells[n], p, rates, loads, slew_ns) for n, p in netlist.cells.items())
    switching_fj = 0.5 * library.voltage_v**2 * float(loads @ rates)
    leakage_nw = sum(library.cells[name].leakage_nw * netlist.count(name) for name in netlist.cells)
    # fJ per ns is uW.
    watts = switching_fj / clock_ns * 1e-3, internal_fj / clock_ns * 1e-3, leakage_nw * 1e-6
    return PowerResult(*watts, float(rates.sum()), _method(activity, library, slew_ns, wire_load_ff))


def _method(activity: Activity, library: Library, slew_ns: float, wire_load_ff: float) -> str:
    bound = {
        "zero": "zero-delay simulation without glitches: a lower bound",
        "unit": "unit-delay simulation with glitches, every gate one step",
    }[activity.delay_model]
    return (
        f"{bound}; {activity.cycles} cycles; {library.name} at {library.voltage_v:g} V; slew {slew_ns:g} ns; "
        f"wire load {wire_load_ff:g} fF per net; energies averaged over a cell's input states; no clock tree"
    )


def _toggle_rates(netlist: Netlist, library: Library, activity: Activity) -> Numbers:
    rates: Numbers = activity.toggles / activity.cycles
    for name, pins in netlist.cells.items():
        flip_flop = library.cells[name].flip_flop
        for pin in flip_flop.clocked_on.variables if flip_flop is not None else ():
            # The simulation steps from edge to edge; the clock itself rises and falls once in each.
            rates[pins[pin]] = 2.0
    return rates


def _loads(netlist: Netlist, library: Library, wire_load_ff: float) -> Numbers:
    loads = np.zeros(netlist.net_count)
    for name, pins in netlist.cells.items():
        for pin in library.cells[name].inputs:
            np.add.at(loads, pins[pin], library.cells[name].pins[pin].capacitance_ff)
    loads[loads > 0] += wire_load_ff
    return loads


def _internal_fj(cell: Cell, pins: Mapping[str, Indices], rates: Numbers, loads: Numbers, slew_ns: float) -> float:
    """Return the internal energy per cycle in fJ of all instances of one cell type."""
    total = 0.0
    for name, nets in pins.items():
        pin = cell.pins[name]
        if pin.power:
            weights = _weights(cell, pin)
            total += float(rates[nets] @ _mean_energy(weights, slew_ns, loads[nets]))
    return total


def _mean_energy(weights: list[tuple[PowerArc, float]], slew_ns: float, loads: Numbers) -> Numbers:
    """Return the energy in fJ of one toggle: rise and fall are equally frequent on any net."""
    mean = np.zeros_like(loads)
    for arc, weight in weights:
        mean += weight * 0.5 * (_energy(arc.rise, slew_ns, loads) + _energy(arc.fall, slew_ns, loads))
    return mean


def _energy(table: EnergyTable | None, slew_ns: float, loads: Numbers) -> Any:
    return 0.0 if table is None else table.at(slew_ns, loads)


def _weights(cell: Cell, pin: Pin) -> list[tuple[PowerArc, float]]:
    """Return how much of a toggle's energy each arc contributes; energies from several supplies add up."""
    arcs = _relevant(cell, pin)
    supplies = sorted({arc.supply for arc in arcs})
    return [pair for supply in supplies for pair in _shares(cell, pin, [a for a in arcs if a.supply == supply])]


def _shares(cell: Cell, pin: Pin, of_supply: list[PowerArc]) -> list[tuple[PowerArc, float]]:
    """Return the weights of the arcs of one supply.

    At an output some arc caused the toggle, so the weights add to 1. At an input the weight is the share of the
    other pins' states that the arc's condition covers: energy of uncovered states is in the output's tables.
    """
    arcs = [(arc, _share(cell, arc.when)) for arc in of_supply]
    conditional = [(arc, share) for arc, share in arcs if arc.when is not None]
    if pin.direction == "output":
        total = sum(share for _, share in arcs)
        return [(arc, share / total) for arc, share in arcs] if total else []
    # An arc without condition covers what the conditions leave.
    rest = max(0.0, 1.0 - sum(share for _, share in conditional))
    return conditional + [(arc, rest) for arc, _ in arcs if arc.when is None][:1]


def _relevant(cell: Cell, pin: Pin) -> list[PowerArc]:
    """Return the arcs that occur in operation: a flip-flop's output changes by its clock, not by a reset."""
    flip_flop = cell.flip_flop
    if flip_flop is None or pin.direction != "output":
        return list(pin.power)
    clocks = set(flip_flop.clocked_on.variables)
    return [arc for arc in pin.power if not arc.related_pins or clocks & set(arc.related_pins)]


def _share(cell: Cell, when: Expression | None) -> float:
    """Return the share of pin states, with clear and preset inactive, in which `when` holds."""
    if when is None:
        return 1.0
    flip_flop = cell.flip_flop
    inactive = [c for c in (flip_flop.clear, flip_flop.preset) if c is not None] if flip_flop is not None else []
    names = tuple(sorted({*when.variables, *(name for c in inactive for name in c.variables)}))
    allowed = np.ones(1 << len(names), dtype=bool)
    for condition in inactive:
        allowed &= ~truth_table(condition, names)
    return float((truth_table(when, names) & allowed).sum() / max(1, allowed.sum()))
