"""What cells compute: Yosys' own gates and the cells of a liberty file, as steps of an and-inverter graph."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from codesign.flows.aig import FALSE, TRUE, Aig
from codesign.flows.liberty import FlipFlop, Library
from codesign.flows.logic import Expression, parse_function

# Yosys manual, "Internal cell library", section on gates; every output is Y.
YOSYS_GATES = {
    "$_BUF_": "A",
    "$_NOT_": "!A",
    "$_AND_": "A&B",
    "$_NAND_": "!(A&B)",
    "$_OR_": "A|B",
    "$_NOR_": "!(A|B)",
    "$_XOR_": "A^B",
    "$_XNOR_": "!(A^B)",
    "$_ANDNOT_": "A&!B",
    "$_ORNOT_": "A|!B",
    "$_MUX_": "(S&B)|(!S&A)",
    "$_NMUX_": "!((S&B)|(!S&A))",
    "$_AOI3_": "!((A&B)|C)",
    "$_OAI3_": "!((A|B)&C)",
    "$_AOI4_": "!((A&B)|(C&D))",
    "$_OAI4_": "!((A|B)&(C|D))",
}
STATE = "q"
# Letters: clock, set, reset, enable, load; then what they are in the name of a type, polarity or value.
_FLIP_FLOPS = {
    "DFF": "C",
    "DFFE": "CE",
    "DFF_R": "CRv",
    "DFFE_R": "CRvE",
    "SDFF": "CRv",
    "SDFFE": "CRvE",
    "SDFFCE": "CRvE",
    "DFFSR": "CSR",
    "DFFSRE": "CSRE",
    "ALDFF": "CL",
    "ALDFFE": "CLE",
}
_FLIP_FLOP_TYPE = re.compile(r"\$_(DFFSRE?|ALDFFE?|SDFFCE|SDFFE?|DFFE?)_([NP01]+)_")


@dataclass(frozen=True)
class Function:
    """A function of named pins as and-gates: literals count false, then the pins, then the gates in order."""

    pins: tuple[str, ...]
    gates: tuple[tuple[int, int], ...]
    result: int

    def of(self, aig: Aig, literals: Sequence[int]) -> int:
        """Return the literal of the function where the pins have these literals."""
        values = [FALSE, *literals]
        for a, b in self.gates:
            values.append(aig.both(values[a >> 1] ^ (a & 1), values[b >> 1] ^ (b & 1)))
        return values[self.result >> 1] ^ (self.result & 1)

    @property
    def passes(self) -> int | None:
        """0 for a buffer, 1 for an inverter, None for all else."""
        return self.result & 1 if len(self.pins) == 1 and not self.gates and self.result > TRUE else None


@lru_cache(maxsize=4096)
def relevant_pins(function: Function, constants: tuple[int | None, ...]) -> tuple[bool, ...]:
    """Return for each pin whether the function depends on it where pins have these constants (None: any value)."""
    free = [k for k, value in enumerate(constants) if value is None]
    size = 1 << len(free)
    ones = (1 << size) - 1
    # The table of free pin k is 2^k zeros, 2^k ones, and so on.
    columns = {pin: ones // ((1 << (1 << k)) + 1) << (1 << k) for k, pin in enumerate(free)}
    values = [0, *(columns[k] if value is None else ones * value for k, value in enumerate(constants))]
    for pair in function.gates:
        a, b = (values[literal >> 1] ^ (ones if literal & 1 else 0) for literal in pair)
        values.append(a & b)
    table = values[function.result >> 1]
    return tuple(
        k in columns and (table & columns[k]) >> (1 << free.index(k)) != table & ~columns[k] & ones
        for k in range(len(constants))
    )


@lru_cache(maxsize=4096)
def function_of(expression: Expression) -> Function:
    """Compile a boolean function of pins."""
    pins = expression.variables
    gates: list[tuple[int, int]] = []

    def conjunction(a: int, b: int) -> int:
        gates.append((a, b))
        return 2 * (len(pins) + len(gates))

    def compiled(part: Expression) -> int:
        if part.operator == "variable":
            return 2 * (pins.index(part.name) + 1)
        if part.operator == "constant":
            return TRUE if part.name == "1" else FALSE
        operands = [compiled(operand) for operand in part.operands]
        if part.operator == "not":
            return operands[0] ^ 1
        a, b = operands
        if part.operator == "and":
            return conjunction(a, b)
        if part.operator == "or":
            return conjunction(a ^ 1, b ^ 1) ^ 1
        # One form for xor and xnor, so that equal functions become equal nodes.
        inverted, a, b = (a ^ b) & 1, a & ~1, b & ~1
        return conjunction(conjunction(a, b ^ 1) ^ 1, conjunction(a ^ 1, b) ^ 1) ^ 1 ^ inverted

    result = compiled(expression)
    return Function(pins, tuple(gates), result)


@dataclass(frozen=True)
class CellKind:
    """A cell type: functions of its output pins, and what its state loads if it is a flip-flop.

    Functions of outputs of a flip-flop read its state under the name `flip_flop.state` (or `inverse`).
    """

    outputs: Mapping[str, Expression]
    flip_flop: FlipFlop | None = None


def gate_kinds() -> dict[str, CellKind]:
    """Return Yosys' gates and flip-flops of one bit by type."""
    kinds = {name: CellKind({"Y": parse_function(text)}) for name, text in YOSYS_GATES.items()}
    for width, selects in ((4, "ST"), (8, "STU"), (16, "STUV")):
        kinds[f"$_MUX{width}_"] = CellKind({"Y": parse_function(_multiplexer(width, selects))})
    return kinds


def _multiplexer(width: int, selects: str) -> str:
    terms = []
    for states, data in zip(product("01", repeat=len(selects)), "ABCDEFGHIJKLMNOP"[:width], strict=True):
        # The first select is the lowest bit of the number of the data input.
        chosen = [name if state == "1" else f"!{name}" for name, state in zip(selects, reversed(states), strict=True)]
        terms.append("&".join([data, *chosen]))
    return "|".join(f"({term})" for term in terms)


def kind_of(name: str, gates: Mapping[str, CellKind], library: Library | None) -> CellKind | None:
    """Return what a cell of type `name` is; None for latches, words and cells that nobody describes."""
    if name in gates:
        return gates[name]
    match = _FLIP_FLOP_TYPE.fullmatch(name)
    if match:
        return _yosys_flip_flop(match.group(1), match.group(2))
    if library is None or name not in library.cells:
        return None
    cell = library.cells[name]
    outputs = {pin: cell.pins[pin].function for pin in cell.outputs}
    if cell.latch or None in outputs.values():
        return None
    return CellKind({pin: function for pin, function in outputs.items() if function is not None}, cell.flip_flop)


@lru_cache(maxsize=256)
def _yosys_flip_flop(family: str, letters: str) -> CellKind | None:
    key = f"{family}_R" if family in ("DFF", "DFFE") and len(letters) >= 3 else family
    roles = _FLIP_FLOPS[key]
    if len(roles) != len(letters):
        return None
    given = dict(zip(roles, letters, strict=True))
    active = {role: role if letter in "P1" else f"!{role}" for role, letter in given.items()}
    synchronous = family.startswith("SDFF")
    value, clear, preset = given.get("v", "0"), "", ""
    if "L" in given:
        clear, preset = f"({active['L']})&!AD", f"({active['L']})&AD"
    elif "S" in given:
        # Yosys simulates reset above set.
        clear, preset = active["R"], f"({active['S']})&!({active['R']})"
    elif "R" in given and not synchronous:
        clear, preset = (active["R"], "") if value == "0" else ("", active["R"])
    loaded = "D"
    if synchronous and family != "SDFFE":
        loaded = _reset(loaded, active["R"], value)
    if "E" in given:
        loaded = f"(({active['E']})&({loaded}))|(!({active['E']})&{STATE})"
    if family == "SDFFE":
        loaded = _reset(loaded, active["R"], value)
    condition = [parse_function(text) if text else None for text in (clear, preset)]
    loads = FlipFlop(STATE, "", parse_function(loaded), parse_function(active["C"]), condition[0], condition[1])
    return CellKind({"Q": parse_function(STATE)}, loads)


def _reset(loaded: str, reset: str, value: str) -> str:
    return f"({loaded})|({reset})" if value == "1" else f"({loaded})&!({reset})"
