"""Verilog of tables: sums of constant weights, addressed by data bits and the number of a group of rows.

A lane combines its tables in short chains and the chains in a tree. A table of up to five address bits and the adder
behind it are one LUT a bit, if the running sum and not the table enters the carry chain. So a table behind a running
sum holds negative sums and is subtracted: synthesis may swap the operands of a sum, but not of a difference. `keep`
stops synthesis from turning the chains into carry-save adders, which need two LUTs a bit.
"""

from dataclasses import dataclass

import numpy as np

from codesign.fixed import Fixed, Integers
from codesign.rtl_text import INDENT, header
from codesign.serial import table_data_bits
from codesign.verilog_literals import counter_bits, literal

CHAIN = 4  # tables in a chain
PER_LINE = 8


@dataclass(frozen=True, eq=False)
class _Sum:
    """A wire and the least and largest value that it takes for each group of rows."""

    wire: str
    low: Integers
    high: Integers

    @property
    def bits(self) -> int:
        return Fixed.covering(min(int(self.low.min()), -1), int(self.high.max())).width


def tables_module(name: str, weights: Integers, starts: Integers, digit_bits: int, sum_bits: int) -> str:
    """Return module `name`: y[lane] = starts[lane, row] + sum_i weights[lane, row, i] * x[i], the group on port `row`.

    weights (lanes, groups of rows, inputs); every x[i] is unsigned and has `digit_bits`, every y `sum_bits`.
    """
    lanes, groups, inputs = weights.shape
    row_bits = counter_bits(groups)
    port = [f"{INDENT}input  wire [{row_bits - 1}:0] row,"] if row_bits else []
    said = [
        f"{lanes} sums of {inputs} products with {digit_bits} data bits each, for {groups} group(s) of rows.",
        "Latency: combinational. A table holds the sums of the weights whose data bits are set.",
        f"Ports: row group of rows; x input i in bits {digit_bits}*i and up; y lane l in bits {sum_bits}*l and up",
    ]
    # The digits' bits, each with its own weight.
    bits = (weights[..., None] << np.arange(digit_bits)).reshape(lanes, groups, -1)
    body = [line for lane in range(lanes) for line in _lane(lane, bits[lane], starts[lane], sum_bits)]
    lines = [
        *header(name, said),
        f"module {name} (",
        *port,
        f"{INDENT}input  wire [{inputs * digit_bits - 1}:0] x,",
        f"{INDENT}output wire [{lanes * sum_bits - 1}:0] y",
        ");",
        *body,
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _lane(lane: int, weights: Integers, starts: Integers, sum_bits: int) -> list[str]:
    """Lines of one lane: weights (groups, bits), starts (groups,) in the first table."""
    lines: list[str] = []
    sums: list[_Sum] = []
    used = sorted(np.flatnonzero(weights.any(axis=0)).tolist(), key=lambda k: int(np.abs(weights[:, k]).max()))
    for number, chain in enumerate(_chains(used, table_data_bits(len(weights)))):
        begun = starts if number == 0 else np.zeros_like(starts)
        running = _table(f"t{lane}_{number}_0", weights[:, chain[0]], begun, chain[0], lines)
        for place, bits in enumerate(chain[1:], start=1):
            negative = _table(f"t{lane}_{number}_{place}", -weights[:, bits], np.zeros_like(starts), bits, lines)
            ends = (running.low - negative.high, running.high - negative.low)
            running = _appended(f"s{lane}_{number}_{place}", running, "-", negative, ends, lines)
        sums.append(running)
    while len(sums) > 1:
        left, right, *rest = sums
        ends = (left.low + right.low, left.high + right.high)
        sums = [*rest, _appended(f"m{lane}_{len(sums)}", left, "+", right, ends, lines)]
    value = _extended(sums[0], sum_bits)
    return [*lines, f"{INDENT}assign y[{(lane + 1) * sum_bits - 1}:{lane * sum_bits}] = {value};"]


def _chains(bits: list[int], data_bits: int) -> list[list[list[int]]]:
    """Divide data bits into tables, these into chains; the first table of a chain is not added and takes one more."""
    chains = []
    size = data_bits * CHAIN + 1
    for first in range(0, len(bits), size):
        part = bits[first : first + size]
        starts = [0, *range(data_bits + 1, len(part), data_bits)]
        chains.append([part[a:b] for a, b in zip(starts, [*starts[1:], len(part)], strict=True)])
    return chains or [[[]]]


def _table(name: str, weights: Integers, starts: Integers, bits: list[int], lines: list[str]) -> _Sum:
    """Append a table of `starts` (groups,) plus sums of `weights` (groups, bits) for every value of its data bits."""
    groups, count = weights.shape
    patterns = (np.arange(1 << count)[None] >> np.arange(count)[:, None]) & 1
    values = weights @ patterns + starts[:, None]
    table = _Sum(name, values.min(axis=1), values.max(axis=1))
    width = table.bits
    if values.size == 1:
        lines.append(f"{INDENT}wire [{width - 1}:0] {name} = {literal(int(values[0, 0]), width)};")
        return table
    address = ", ".join([*(["row"] if groups > 1 else []), *(f"x[{bit}]" for bit in reversed(bits))])
    *entries, last = values.ravel().tolist()  # numbers of groups that do not exist may read anything
    texts = [f"{k}: {name} = {literal(value, width)};" for k, value in enumerate(entries)]
    texts.append(f"default: {name} = {literal(last, width)};")
    lines += [f"{INDENT}reg [{width - 1}:0] {name};", f"{INDENT}always @*", f"{INDENT * 2}case ({{{address}}})"]
    lines += [f"{INDENT * 3}{' '.join(texts[k : k + PER_LINE])}" for k in range(0, len(texts), PER_LINE)]
    lines.append(f"{INDENT * 2}endcase")
    return table


def _appended(  # noqa: PLR0917
    name: str, left: _Sum, sign: str, right: _Sum, ends: tuple[Integers, Integers], lines: list[str]
) -> _Sum:
    """Append the sum or difference of two wires; the operands are written at its width."""
    total = _Sum(name, *ends)
    terms = f"{_extended(left, total.bits)} {sign} {_extended(right, total.bits)}"
    lines.append(f"{INDENT}(* keep *) wire [{total.bits - 1}:0] {name} = {terms};")
    return total


def _extended(value: _Sum, bits: int) -> str:
    """A wire with copies of its sign up to `bits`, or its low bits: what cancels above does not count."""
    if bits <= value.bits:
        return value.wire if bits == value.bits else f"{value.wire}[{bits - 1}:0]"
    return f"{{{{{bits - value.bits}{{{value.wire}[{value.bits - 1}]}}}}, {value.wire}}}"
