"""Power of a mapped netlist from toggle counts, pin capacitances and the energy tables of a liberty file.

switching = 1/2 C V^2 f x toggles per cycle, C the input pins on the net plus a stated wire load (Weste and Harris,
"CMOS VLSI Design", section on dynamic power); internal = energy table of each pin's transition at a stated slew and
the net's load; leakage = the library's mean leakage of each cell. A net's switching power belongs to the cell that
drives it; where a port drives it (clock, reset, inputs), to the cells whose pins it charges.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.flows.gate_simulation import Activity
from codesign.flows.liberty import Cell, Library, Pin
from codesign.flows.liberty_tables import EnergyTable, PowerArc
from codesign.flows.logic import Expression, truth_table
from codesign.flows.netlist import Indices, Netlist
from codesign.flows.node_area import decimal
from codesign.flows.node_parts import TOP_LEVEL, owners

Numbers = NDArray[np.float64]
# Powers of nodes are rounded to 1 pW, and the whole is their sum: so the parts add up exactly.
_DIGITS = 9


@dataclass(frozen=True)
class NodePower:
    """Average power in mW of the cells of one node, or of all."""

    switching_mw: float
    internal_mw: float
    leakage_mw: float

    @property
    def total_mw(self) -> float:
        """Sum of switching, internal and leakage power."""
        return _sum((self.switching_mw, self.internal_mw, self.leakage_mw))


@dataclass(frozen=True)
class PowerResult:
    """Average power of a netlist and of the nodes in it, which sum to it exactly, and how it was obtained."""

    nodes: Mapping[str, NodePower]
    toggles_per_cycle: float
    method: str

    @property
    def whole(self) -> NodePower:
        """The power of all nodes and of what is in none."""
        parts = [(part.switching_mw, part.internal_mw, part.leakage_mw) for part in self.nodes.values()]
        return NodePower(*map(_sum, zip(*parts, strict=True)))


def _sum(values: Iterable[float]) -> float:
    return float(sum(map(decimal, values), Decimal(0)))


def estimate_power(
    netlist: Netlist,
    library: Library,
    activity: Activity,
    *,
    clock_ns: float,
    slew_ns: float = 0.1,
    wire_load_ff: float = 0.0,
    nodes: Iterable[str] = (),
) -> PowerResult:
    """Estimate the power of `netlist` at one clock period per cycle of `activity`, split by the `nodes` of its graph.

    `wire_load_ff` is added to every net that has a load (0: pins only, no wires); `slew_ns` is taken for every
    transition. Buffers of a clock tree are not in the netlist and not in the estimate.
    """
    if clock_ns <= 0 or slew_ns < 0 or wire_load_ff < 0:
        raise BadInputError("clock_ns must be positive, slew_ns and wire_load_ff must not be negative")
    if library.voltage_v <= 0:
        raise BadInputError(f"library {library.name} states no supply voltage: add nom_voltage for a power estimate")
    rates = _toggle_rates(netlist, library, activity)
    loads = _loads(netlist, library, wire_load_ff)
    powers: dict[str, Numbers] = {TOP_LEVEL: np.zeros(3)}
    names = tuple(nodes)
    switched = 0.5 * library.voltage_v**2 * rates
    from_ports = _driven_by_ports(netlist)
    # What no pin holds of the nets that ports drive is their wires.
    powers[TOP_LEVEL][0] += wire_load_ff * float((switched * (loads > 0))[from_ports].sum()) / clock_ns * 1e-3
    for kind, pins in netlist.cells.items():
        cell = library.cells[kind]
        parts = np.stack([
            # fJ per ns is uW.
            _switching_fj(cell, pins, switched, loads, from_ports) / clock_ns * 1e-3,
            _internal_fj(cell, pins, rates, loads, slew_ns) / clock_ns * 1e-3,
            np.full(netlist.count(kind), cell.leakage_nw * 1e-6),
        ])  # fmt: skip
        for node, part in _by_node(owners(netlist.instances[kind], names), parts).items():
            powers[node] = powers.get(node, np.zeros(3)) + part
    split = {node: NodePower(*(round(float(mw), _DIGITS) for mw in sums)) for node, sums in powers.items()}
    return PowerResult(split, float(rates.sum()), _method(activity, library, slew_ns, wire_load_ff))


def _by_node(nodes: tuple[str, ...], parts: Numbers) -> dict[str, Numbers]:
    """Sum (3, cells) numbers over the cells of each node."""
    names, index = np.unique(np.array(nodes, dtype=object).astype(str), return_inverse=True)
    sums = np.stack([np.bincount(index, weights=row, minlength=len(names)) for row in parts], axis=1)
    return {str(name): row for name, row in zip(names, sums, strict=True)}


def _driven_by_ports(netlist: Netlist) -> NDArray[np.bool_]:
    driven = np.zeros(netlist.net_count, dtype=bool)
    for port in netlist.ports.values():
        if port.direction == "input":
            driven[port.nets] = True
    return driven


def _switching_fj(
    cell: Cell, pins: Mapping[str, Indices], switched: Numbers, loads: Numbers, from_ports: NDArray[np.bool_]
) -> Numbers:
    """Return for each instance the energy per cycle in fJ of the nets it drives, and of its pins on nets of ports."""
    energy = np.zeros(len(next(iter(pins.values()))))
    for name, nets in pins.items():
        if cell.pins[name].direction == "output":
            energy += (switched * loads)[nets]
        else:
            energy += switched[nets] * from_ports[nets] * cell.pins[name].capacitance_ff
    return energy


def _method(activity: Activity, library: Library, slew_ns: float, wire_load_ff: float) -> str:
    bound = {
        "zero": "zero-delay simulation without glitches: a lower bound",
        "unit": "unit-delay simulation with glitches, every gate one step",
    }[activity.delay_model]
    return (
        f"{bound}; simulated by {activity.simulator}; {activity.cycles} cycles; "
        f"{library.name} at {library.voltage_v:g} V; slew {slew_ns:g} ns; wire load {wire_load_ff:g} fF per net; "
        "energies averaged over a cell's input states; no clock tree"
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


def _internal_fj(cell: Cell, pins: Mapping[str, Indices], rates: Numbers, loads: Numbers, slew_ns: float) -> Numbers:
    """Return for each instance the internal energy per cycle in fJ."""
    energy = np.zeros(len(next(iter(pins.values()))))
    for name, nets in pins.items():
        pin = cell.pins[name]
        if pin.power:
            energy += rates[nets] * _mean_energy(_weights(cell, pin), slew_ns, loads[nets])
    return energy


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
    if pin.direction == "output":
        causes = sorted({arc.related_pins for arc in of_supply})
        arcs = [pair for cause in causes for pair in _covered(cell, [a for a in of_supply if a.related_pins == cause])]
        total = sum(share for _, share in arcs)
        return [(arc, share / total) for arc, share in arcs] if total else []
    shares = _covered(cell, of_supply)
    conditional = [(arc, share) for arc, share in shares if arc.when is not None]
    return conditional + [(arc, share) for arc, share in shares if arc.when is None][:1]


def _covered(cell: Cell, arcs: list[PowerArc]) -> list[tuple[PowerArc, float]]:
    """Return the share of states of each arc; one without condition covers what the conditions of the others leave."""
    shares = [None if arc.when is None else _share(cell, arc.when) for arc in arcs]
    rest = max(0.0, 1.0 - sum(share for share in shares if share is not None))
    return [(arc, rest if share is None else share) for arc, share in zip(arcs, shares, strict=True)]


def _relevant(cell: Cell, pin: Pin) -> list[PowerArc]:
    """Return the arcs that occur in operation: a flip-flop's output changes by its clock, not by a reset."""
    flip_flop = cell.flip_flop
    if flip_flop is None or pin.direction != "output":
        return list(pin.power)
    clocks = set(flip_flop.clocked_on.variables)
    return [arc for arc in pin.power if not arc.related_pins or clocks & set(arc.related_pins)]


def _share(cell: Cell, when: Expression) -> float:
    """Return the share of pin states, with clear and preset inactive, in which `when` holds."""
    flip_flop = cell.flip_flop
    inactive = [c for c in (flip_flop.clear, flip_flop.preset) if c is not None] if flip_flop is not None else []
    names = tuple(sorted({*when.variables, *(name for c in inactive for name in c.variables)}))
    allowed = np.ones(1 << len(names), dtype=bool)
    for condition in inactive:
        allowed &= ~truth_table(condition, names)
    return float((truth_table(when, names) & allowed).sum() / max(1, allowed.sum()))
