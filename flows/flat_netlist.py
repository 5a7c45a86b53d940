"""A flat netlist as gates in topological order, flip-flops and ports: what the checks of triplication walk over."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError
from codesign.flows.gate_library import CellKind, Function, function_of, gate_kinds, kind_of
from codesign.flows.liberty import FlipFlop, Library
from codesign.flows.logic import parse_function

LOW, HIGH = 0, 1
Bit = int | str
_NO_HARDWARE = frozenset({"$scopeinfo", "$print", "$check"})
_LATCH = re.compile(r"\$_(?:DLATCH|DLATCHSR|SR|FF)_|\$(?:dlatch|adlatch|dlatchsr|sr|ff)\b")
_MEMORY = re.compile(r"\$mem(_v2)?|memory_macro")
_MEMORY_OUTPUT = "RD_DATA"
_MEMORY_CLOCKS = ("RD_CLK", "WR_CLK")
_INVERTER = function_of(parse_function("!A"))


@dataclass(frozen=True, slots=True)
class Gate:
    """One output of a combinational cell."""

    cell: str
    inputs: tuple[int, ...]
    output: int
    function: Function


@dataclass(frozen=True, slots=True)
class Storage:
    """A flip-flop: the net that carries its state, what it loads, and the net of each input pin."""

    cell: str
    state: int
    loads: FlipFlop
    pins: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory whose words are kept whole: name, size in bits, whether it is written, nets read and nets given.

    `clocks` are those of the ports that have one; `parameters` all that Yosys says of it but the name: edges,
    first words, what a port reads while it is written.
    """

    name: str
    bits: int
    written: bool
    outputs: tuple[int, ...]
    inputs: Mapping[str, tuple[int, ...]]
    clocks: tuple[int, ...]
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class FlatNetlist:
    """Nets are Yosys' numbers; 0 and 1 are the constants, `x` and `z` read low.

    `names` gives each public or internal name its bits as Yosys wrote them, with the index of the first one;
    `initial` the value of nets at power-up.
    """

    top: str
    gates: tuple[Gate, ...]
    flip_flops: tuple[Storage, ...]
    latches: tuple[str, ...]
    memories: tuple[Memory, ...]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    names: Mapping[str, tuple[int, tuple[Bit, ...]]]
    initial: Mapping[int, str]


def flat_netlist(module: Mapping[str, Any], path: Path, top: str, library: Library | None) -> FlatNetlist:
    """Return module `top` as it stands in the Yosys JSON at `path`.

    `BadInputError` names what is no flat netlist of one-bit gates: a cell nobody describes, a net driven twice, a loop.
    """
    parts = _Parts(_last_net(module))
    kinds, described = gate_kinds(), dict[str, CellKind | None]()
    for name, cell in module["cells"].items():
        type_ = str(cell["type"])
        if type_ in _NO_HARDWARE:
            continue
        if _MEMORY.fullmatch(type_):
            parts.memories.append(_memory(name, cell))
            continue
        if type_ not in described:
            described[type_] = kind_of(type_, kinds, library)
        kind = described[type_]
        if kind is None:
            if not (_LATCH.match(type_) or (library and type_ in library.cells and library.cells[type_].latch)):
                raise _unknown(path, name, type_, library)
            parts.latches.append(name)
        else:
            parts.add(name, kind, cell["connections"])
    names = {name: (int(net.get("offset", 0)), tuple(net["bits"])) for name, net in module["netnames"].items()}
    ports = {"input": dict[str, tuple[int, ...]](), "output": dict[str, tuple[int, ...]]()}
    for name, port in module["ports"].items():
        ports["input" if port["direction"] == "input" else "output"][name] = _nets(port["bits"])
    _check_drivers(path, parts, ports["input"])
    return FlatNetlist(
        top, _in_order(path, parts.gates), tuple(parts.flip_flops), tuple(parts.latches), tuple(parts.memories),
        ports["input"], ports["output"], names, _initial(module),
    )  # fmt: skip


def is_flat(module: Mapping[str, Any], modules: Mapping[str, Any]) -> bool:
    """Whether Yosys need not flatten `module` or map words (`$and`, `$dff`, ...) to gates first."""
    types = {str(cell["type"]) for cell in module["cells"].values()} - _NO_HARDWARE
    words = (t for t in types if t.startswith("$") and not t.startswith("$_") and not _MEMORY.fullmatch(t))
    tables = (cell for cell in module["cells"].values() if _is_table(cell))
    return not any(words) and not any(tables) and not any(is_whole(modules.get(t)) for t in types)


def _is_table(cell: Mapping[str, Any]) -> bool:
    """Whether a cell is a memory that nothing writes: logic, and to be mapped as such."""
    return bool(_MEMORY.fullmatch(str(cell["type"]))) and not int(str(cell["parameters"].get("WR_PORTS", "1")), 2)


def is_whole(module: Mapping[str, Any] | None) -> bool:
    """Whether a module of Yosys' JSON is there with what it holds, and no black box such as a cell of a library."""
    return module is not None and not int(str(module.get("attributes", {}).get("blackbox", "0")), 2)


def _unknown(path: Path, name: str, type_: str, library: Library | None) -> BadInputError:
    if type_.startswith("$") and not type_.startswith("$_"):
        return BadInputError(f"{path}: cell {name} is a word cell {type_}: map it to gates first (yosys techmap)")
    given = f"library {library.name} does not describe it" if library else "give the liberty file (--liberty)"
    return BadInputError(f"{path}: cell {name} of type {type_} is no gate of Yosys: flatten the design, or {given}")


def _last_net(module: Mapping[str, Any]) -> int:
    parts = (*module["cells"].values(), *module["netnames"].values(), *module["ports"].values())
    groups = (group for part in parts for group in part.get("connections", {"": part.get("bits", ())}).values())
    return max((bit for group in groups for bit in group if isinstance(bit, int)), default=HIGH)


class _Parts:
    """The hardware found so far; nets above `last_net` are free for states that have no net of their own."""

    def __init__(self, last_net: int) -> None:
        self.last_net = last_net
        self.gates: list[Gate] = []
        self.flip_flops: list[Storage] = []
        self.latches: list[str] = []
        self.memories: list[Memory] = []

    def new_net(self) -> int:
        self.last_net += 1
        return self.last_net

    def add(self, name: str, kind: CellKind, connections: Mapping[str, list[Bit]]) -> None:
        """Add a cell with known functions: a gate for each output, and its state if it has one."""
        pins = {pin: _net(bits[0]) for pin, bits in connections.items() if bits}
        loads, state = kind.flip_flop, None
        if loads is not None:
            direct = [pin for pin, f in kind.outputs.items() if f.operator == "variable" and f.name == loads.state]
            state = next((pins[pin] for pin in direct if pin in pins), None) or self.new_net()
            inputs = {pin: net for pin, net in pins.items() if pin not in kind.outputs}
            self.flip_flops.append(Storage(name, state, loads, inputs))
            pins = pins | {loads.state: state}
            if loads.inverse:
                pins[loads.inverse] = self.new_net()
                self.gates.append(Gate(name, (state,), pins[loads.inverse], _INVERTER))
        for pin, expression in kind.outputs.items():
            if pin in pins and pins[pin] != state:
                function = function_of(expression)
                nets = tuple(pins.get(p, LOW) for p in function.pins)
                self.gates.append(Gate(name, nets, pins[pin], function))


def _net(bit: Bit) -> int:
    return bit if isinstance(bit, int) else int(bit == "1")


def _nets(bits: Iterable[Bit]) -> tuple[int, ...]:
    return tuple(map(_net, bits))


def _memory(name: str, cell: Mapping[str, Any]) -> Memory:
    parameters, connections = cell["parameters"], cell["connections"]
    size, width, ports = (int(parameters[key], 2) for key in ("SIZE", "WIDTH", "WR_PORTS"))
    inputs = {pin: _nets(bits) for pin, bits in connections.items() if pin != _MEMORY_OUTPUT}
    outputs = _nets(connections.get(_MEMORY_OUTPUT, ()))
    clocks = tuple(net for pin in _MEMORY_CLOCKS for net in inputs.get(pin, ()) if net > HIGH)
    others = {key: str(value) for key, value in parameters.items() if key != "MEMID"}
    memory_name = str(parameters["MEMID"]).removeprefix("\\") or name
    return Memory(memory_name, size * width, ports > 0, outputs, inputs, clocks, others)


def _initial(module: Mapping[str, Any]) -> dict[int, str]:
    found = {}
    for net in module["netnames"].values():
        value = net.get("attributes", {}).get("init")
        if isinstance(value, str):
            found.update({b: v for b, v in zip(net["bits"], reversed(value), strict=False) if isinstance(b, int)})
    return {net: value for net, value in found.items() if value in "01"}


def _check_drivers(path: Path, parts: _Parts, inputs: Mapping[str, tuple[int, ...]]) -> None:
    driven: set[int] = set()
    drivers = [(gate.cell, gate.output) for gate in parts.gates] + [(f.cell, f.state) for f in parts.flip_flops]
    drivers += [(memory.name, net) for memory in parts.memories for net in memory.outputs]
    drivers += [(f"input {name}", net) for name, nets in inputs.items() for net in nets]
    for name, net in drivers:
        if net in driven or net <= HIGH:
            raise BadInputError(f"{path}: {name} drives net {net}, which has another driver: the netlist is broken")
        driven.add(net)


def _in_order(path: Path, gates: list[Gate]) -> tuple[Gate, ...]:
    driver = {gate.output: k for k, gate in enumerate(gates)}
    waiting = [0] * len(gates)
    readers: dict[int, list[int]] = {}
    for k, gate in enumerate(gates):
        for net in set(gate.inputs):
            if net in driver:
                waiting[k] += 1
                readers.setdefault(net, []).append(k)
    order = [k for k, number in enumerate(waiting) if number == 0]
    for k in order:  # grows while it is walked
        for reader in readers.get(gates[k].output, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                order.append(reader)
    if len(order) < len(gates):
        stuck = next(gate for k, gate in enumerate(gates) if waiting[k])
        raise BadInputError(f"{path}: cell {stuck.cell} is in or behind a combinational loop: break it")
    return tuple(gates[k] for k in order)
