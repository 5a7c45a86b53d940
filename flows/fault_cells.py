"""Cells of a flat netlist as gates and flip-flops of the fault simulator.

Yosys' own gates and the cells of a liberty file are boolean functions; both are taken apart the same way. What a cell
needs inside (the enable of a flip-flop, the middle of an and-or-invert) gets nets of its own, which are no nodes of the
netlist and so no place for a fault.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.flows.gate_library import YOSYS_GATES, CellKind, gate_kinds, kind_of
from codesign.flows.liberty import FlipFlop, Library
from codesign.flows.logic import Expression, parse_function
from codesign.flows.netlist import HIGH, LOW
from codesign.sim.seu import OPERATORS, Gates

Nets = NDArray[np.int64]
Pins = Mapping[str, Nets]
# A multiplexer is a gate of the simulator, and not taken apart.
MULTIPLEXERS = ("$_MUX_", "$_NMUX_")
# $_DFF_, $_DFFE_, $_SDFF_, $_SDFFE_ and $_SDFFCE_; then the polarities of clock, reset, its value, enable.
_FLIP_FLOP = re.compile(r"\$_(?P<kind>S?DFFC?E?)_(?P<clock>[NP])(?:(?P<reset>[NP])(?P<value>[01]))?(?P<enable>[NP])?_")
_FORCED = {"P0": "andnot", "N0": "and", "P1": "or", "N1": "ornot"}
_GATES = gate_kinds()
_INVERTED = {"and": "nand", "or": "nor", "xor": "xnor", "buf": "not", "mux": "not"}


@dataclass
class Builder:
    """Collects gates and flip-flops; `net_count` grows by the nets inside cells."""

    net_count: int
    operators: list[NDArray[np.uint8]] = field(default_factory=list)
    inputs: list[Nets] = field(default_factory=list)
    outputs: list[Nets] = field(default_factory=list)
    d: list[Nets] = field(default_factory=list)
    q: list[Nets] = field(default_factory=list)
    names: list[Nets] = field(default_factory=list)
    clocks: list[Nets] = field(default_factory=list)
    falling: list[NDArray[np.bool_]] = field(default_factory=list)
    forcing: list[Nets] = field(default_factory=list)

    def fresh(self, count: int) -> Nets:
        """Return `count` new nets."""
        first, self.net_count = self.net_count, self.net_count + count
        return np.arange(first, self.net_count)

    def gate(self, operator: str, inputs: list[Nets], output: Nets | None = None) -> Nets:
        """Add one gate for each element of the arrays; return its output nets, new ones unless given."""
        count = len(inputs[0])
        out = self.fresh(count) if output is None else output
        columns = [*inputs, *[np.full(count, LOW)] * (3 - len(inputs))]
        self.operators.append(np.full(count, OPERATORS.index(operator), np.uint8))
        self.inputs.append(np.stack(columns, axis=1))
        self.outputs.append(out)
        return out

    def force(self, operator: str, value: Nets, by: Nets, output: Nets | None = None) -> Nets:
        """Add gates with which an asynchronous set or reset acts on what a flip-flop shows."""
        first = sum(map(len, self.operators))
        self.forcing.append(np.arange(first, first + len(value)))
        return self.gate(operator, [value, by], output)

    def expression(self, function: Expression, pins: Pins, output: Nets | None = None) -> Nets:
        """Add the gates of a boolean function of `pins`; return its output nets."""
        if function.operator == "variable":
            return pins[function.name] if output is None else self.gate("buf", [pins[function.name]], output)
        if function.operator == "constant":
            nets = np.full(len(next(iter(pins.values()))), HIGH if function.name == "1" else LOW)
            return nets if output is None else self.gate("buf", [nets], output)
        if function.operator == "not":
            return self._negated(function.operands[0], pins, output)
        first, second = function.operands
        if function.operator in ("and", "or") and second.operator == "not":
            operands = [self.expression(first, pins), self.expression(second.operands[0], pins)]
            return self.gate(f"{function.operator}not", operands, output)
        return self.gate(function.operator, [self.expression(one, pins) for one in function.operands], output)

    def _negated(self, operand: Expression, pins: Pins, output: Nets | None) -> Nets:
        if operand.operator in ("and", "or", "xor"):
            inputs = [self.expression(one, pins) for one in operand.operands]
            return self.gate(_INVERTED[operand.operator], inputs, output)
        return self.gate("not", [self.expression(operand, pins)], output)

    def flip_flop(self, d: Nets, q: Nets, name: Nets, clock: Nets, falling: bool) -> None:
        """Add flip-flops: `name` is the net of the netlist that shows the state `q`."""
        self.d.append(d)
        self.q.append(q)
        self.names.append(name)
        self.clocks.append(clock)
        self.falling.append(np.full(len(d), falling))

    def gates(self) -> Gates:
        """All gates so far."""
        return Gates(
            np.concatenate([*self.operators, np.zeros(0, np.uint8)]),
            np.concatenate([*self.inputs, np.zeros((0, 3), np.int64)]).astype(np.int32),
            np.concatenate([*self.outputs, np.zeros(0, np.int64)]).astype(np.int32),
        )


def is_yosys_gate(kind: str) -> bool:
    """Whether `add_cells` knows Yosys' own cell type `kind`."""
    return kind_of(kind, _GATES, None) is not None


def add_cells(builder: Builder, kind: str, pins: Pins, library: Library | None) -> None:
    """Add all instances of a cell type; `BadInputError` for one that is neither Yosys' nor the library's."""
    if kind in MULTIPLEXERS:
        chosen = builder.gate("mux", [pins["A"], pins["B"], pins["S"]], pins["Y"] if kind == "$_MUX_" else None)
        if kind == "$_NMUX_":
            builder.gate("not", [chosen], pins["Y"])
    elif kind in YOSYS_GATES:
        builder.expression(parse_function(YOSYS_GATES[kind]), pins, pins["Y"])
    elif match := _FLIP_FLOP.fullmatch(kind):
        _add_flip_flops(builder, match, pins)
    elif (described := _described(kind, library)) is not None:
        _add_described(builder, kind, described, pins)
    else:
        where = f"nor one of library {library.name}" if library else "and no liberty file is given (--liberty)"
        raise BadInputError(f"cell {kind} of the netlist is no gate or flip-flop of Yosys, {where}")


def _add_flip_flops(builder: Builder, match: re.Match[str], pins: Pins) -> None:
    """Yosys' flip-flops; an asynchronous reset acts on the output at once and is loaded at the next edge."""
    kind, q = match["kind"], pins["Q"]
    asynchronous = match["reset"] is not None and not kind.startswith("S")
    state = builder.fresh(len(q)) if asynchronous else q
    d = pins["D"]
    steps = ["enable", "reset"] if not kind.endswith("CE") else ["reset", "enable"]
    for step in steps:
        if step == "enable" and match["enable"]:
            low, high = (q, d) if match["enable"] == "P" else (d, q)
            d = builder.gate("mux", [low, high, pins["E"]])
        elif step == "reset" and match["reset"]:
            d = builder.gate(_FORCED[match["reset"] + match["value"]], [d, pins["R"]])
    if asynchronous:
        builder.force(_FORCED[match["reset"] + match["value"]], state, pins["R"], q)
    builder.flip_flop(d, state, q, pins["C"], match["clock"] == "N")


def _described(name: str, library: Library | None) -> CellKind | None:
    """Return what a cell does, outputs without a function left out; None for a latch and what nobody describes."""
    if library is None or name not in library.cells:
        return kind_of(name, _GATES, None)
    cell = library.cells[name]
    functions = {pin: cell.pins[pin].function for pin in cell.outputs}
    known = {pin: function for pin, function in functions.items() if function is not None}
    return None if cell.latch else CellKind(known, cell.flip_flop)


def _add_described(builder: Builder, name: str, kind: CellKind, pins: Pins) -> None:
    count = len(next(iter(pins.values())))
    loads = kind.flip_flop
    states = () if loads is None else (loads.next_state, loads.clocked_on, loads.clear, loads.preset)
    read = {pin for one in (*kind.outputs.values(), *states) if one is not None for pin in one.variables}
    given = {pin: np.full(count, LOW) for pin in read} | dict(pins)
    shown = None
    if loads is not None:
        shown = _shown_state(kind, loads, pins)
        given |= _add_state(builder, name, loads, given, shown, next((o for o in kind.outputs if o in pins), None))
    for output, function in kind.outputs.items():
        if output in pins and output != shown:
            builder.expression(function, given, pins[output])


def _shown_state(kind: CellKind, loads: FlipFlop, pins: Pins) -> str | None:
    """The output that is the flip-flop's state itself, for which no gate is needed."""
    if loads.clear is not None or loads.preset is not None:
        return None
    state = Expression("variable", name=loads.state)
    return next((name for name, function in kind.outputs.items() if name in pins and function == state), None)


def _add_state(  # noqa: PLR0917
    builder: Builder, cell: str, loads: FlipFlop, pins: Pins, shown: str | None, named: str | None
) -> dict[str, Nets]:
    """Add the flip-flops of a cell, called as output `named`; return the nets of their state and inverse state."""
    falling = loads.clocked_on.operator == "not"
    pin = loads.clocked_on.operands[0] if falling else loads.clocked_on
    if pin.operator != "variable":
        raise BadInputError(f"flip-flop {cell} loads on a function of several pins: a campaign needs one clock")
    state = builder.fresh(len(pins[pin.name])) if shown is None else pins[shown]
    value, d = state, builder.expression(loads.next_state, {**pins, loads.state: state})
    for condition, operator in ((loads.clear, "andnot"), (loads.preset, "or")):
        if condition is not None:
            active = builder.expression(condition, pins)
            value, d = builder.force(operator, value, active), builder.gate(operator, [d, active])
    builder.flip_flop(d, state, state if named is None else pins[named], pins[pin.name], falling)
    inverse = {loads.inverse: builder.gate("not", [value])} if loads.inverse else {}
    return {loads.state: value, **inverse}


def group_cells(cells: Mapping[str, Any], unconnected: int) -> dict[str, Pins]:
    """Return the pins of all cells by type, each an array of nets; a pin left open reads net `unconnected`."""
    by_type: dict[str, list[Mapping[str, list[Any]]]] = {}
    for cell in cells.values():
        if cell["type"] != "$scopeinfo":
            by_type.setdefault(cell["type"], []).append(cell["connections"])
    return {kind: _pins(instances, unconnected) for kind, instances in sorted(by_type.items())}


def _pins(instances: list[Mapping[str, list[Any]]], unconnected: int) -> Pins:
    names = sorted({pin for connections in instances for pin in connections})
    return {
        name: np.array([net_of((one.get(name) or [unconnected])[0]) for one in instances], np.int64) for name in names
    }


def net_of(bit: int | str) -> int:
    """Net of a bit in Yosys' JSON; "x" and "z", free choices of synthesis, read low."""
    return bit if isinstance(bit, int) else HIGH if bit == "1" else LOW


def clock_path(start: int, drivers: Mapping[int, tuple[str, int]]) -> tuple[list[int], bool]:
    """Follow buffers and inverters back from a clock net; return the nets passed and whether they invert."""
    nets, inverted = [start], False
    while nets[-1] in drivers and drivers[nets[-1]][0] in ("buf", "not"):
        operator, source = drivers[nets[-1]]
        inverted ^= operator == "not"
        nets.append(source)
    return nets, inverted
