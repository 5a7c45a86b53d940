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
from codesign.flows.gate_library import YOSYS_GATES
from codesign.flows.liberty import Cell, Library
from codesign.flows.logic import Expression, parse_function
from codesign.flows.netlist import HIGH, LOW
from codesign.sim.seu import OPERATORS, Gates

Nets = NDArray[np.int64]
Pins = Mapping[str, Nets]
# A multiplexer is a gate of the simulator, and not taken apart.
MULTIPLEXERS = ("$_MUX_", "$_NMUX_")
# $_DFF_, $_DFFE_, $_SDFF_, $_SDFFE_ and $_SDFFCE_; then the polarities of clock, reset, its value, enable.
_FLIP_FLOP = re.compile(r"\$_(?P<kind>S?DFFC?E?)_(?P<clock>[NP])(?:(?P<reset>[NP])(?P<value>[01]))?(?P<enable>[NP])?_")
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
    return kind in YOSYS_GATES or _FLIP_FLOP.fullmatch(kind) is not None


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
    elif library is not None and kind in library.cells and not library.cells[kind].latch:
        _add_library_cells(builder, library.cells[kind], pins)
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
            d = _reset(builder, d, match, pins, None)
    if asynchronous:
        _reset(builder, state, match, pins, q)
    builder.flip_flop(d, state, q, pins["C"], match["clock"] == "N")


def _reset(builder: Builder, data: Nets, match: re.Match[str], pins: Pins, output: Nets | None) -> Nets:
    forced = {"P0": "andnot", "N0": "and", "P1": "or", "N1": "ornot"}[match["reset"] + match["value"]]
    return builder.gate(forced, [data, pins["R"]], output)


def _add_library_cells(builder: Builder, cell: Cell, pins: Pins) -> None:
    count = len(next(iter(pins.values())))
    given = {name: pins.get(name, np.full(count, LOW)) for name in (*cell.inputs, *pins)}
    shown = None
    if cell.flip_flop is not None:
        shown = _shown_state(cell, pins)
        given |= _add_library_state(builder, cell, given, shown, count)
    for name in cell.outputs:
        function = cell.pins[name].function
        if name in pins and function is not None and name != shown:
            builder.expression(function, given, pins[name])


def _shown_state(cell: Cell, pins: Pins) -> str | None:
    """The output that is the flip-flop's state itself, for which no gate is needed."""
    flip_flop = cell.flip_flop
    assert flip_flop is not None
    if flip_flop.clear is not None or flip_flop.preset is not None:
        return None
    state = Expression("variable", name=flip_flop.state)
    return next((name for name in cell.outputs if name in pins and cell.pins[name].function == state), None)


def _add_library_state(builder: Builder, cell: Cell, pins: Pins, shown: str | None, count: int) -> dict[str, Nets]:
    """Add the flip-flops of a library cell; return the nets of its state and inverse state."""
    flip_flop = cell.flip_flop
    assert flip_flop is not None
    clock, falling = flip_flop.clocked_on, flip_flop.clocked_on.operator == "not"
    pin = clock.operands[0] if falling else clock
    if pin.operator != "variable":
        raise BadInputError(f"flip-flop {cell.name} loads on a function of several pins: a campaign needs one clock")
    state = builder.fresh(count) if shown is None else pins[shown]
    value, d = state, builder.expression(flip_flop.next_state, {**pins, flip_flop.state: state})
    for condition, operator in ((flip_flop.clear, "andnot"), (flip_flop.preset, "or")):
        if condition is not None:
            active = builder.expression(condition, pins)
            value, d = builder.gate(operator, [value, active]), builder.gate(operator, [d, active])
    name = next((pins[output] for output in cell.outputs if output in pins), state)
    builder.flip_flop(d, state, name, pins[pin.name], falling)
    return {flip_flop.state: value, flip_flop.inverse: builder.gate("not", [value])}


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
