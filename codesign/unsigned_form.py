"""Adders over unsigned codes: every value stands in its wires as value = sign * code + offset with code >= 0.

An unsigned operand has no sign to extend, so an adder works only where the bits of its operands overlap: below, one
operand passes; above, the carry alone ripples on. A subtraction adds the complement of the code's own bits, and one
more where it is written as a subtraction (`Fabric`). All offsets meet in the constant that each output adds anyway.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from codesign.adders import Adder, AdderGraph, Term
from codesign.ranges import Interval

# What the adders are mapped to. "cells": standard cells, where synthesis may merge sums into carry-save adders.
# "lut": look-up tables beside carry chains, one chain for every adder; there a carry chain wants its second operand
# subtracted, since a complement that stands before it costs an inverter a bit.
Fabric = Literal["cells", "lut"]


@dataclass(frozen=True)
class Code:
    """value = sign * code + offset; the code lies in 0 .. high."""

    sign: int
    offset: int
    high: int

    @property
    def width(self) -> int:
        """Bits of the code."""
        return max(1, self.high.bit_length())


@dataclass(frozen=True)
class Encoding:
    """The code of every value of an adder graph, and for each adder which of its operands are complemented."""

    codes: tuple[Code, ...]
    complemented: tuple[tuple[bool, bool], ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Bits of every value."""
        return tuple(code.width for code in self.codes)


@dataclass(frozen=True)
class Cells:
    """What one adder is made of: full adders where the operands overlap, half adders above, inverters beside them."""

    full: int
    half: int
    inverters: int

    def cost(self, fabric: Fabric) -> int:
        """Look-up tables (beside a carry chain a half adder needs none), or tenths of a NAND2 gate (NanGate45)."""
        return self.full + self.inverters if fabric == "lut" else 67 * self.full + 33 * self.half + 7 * self.inverters


def input_codes(bounds: Interval) -> tuple[Code, ...]:
    """Return the codes of two's complement or unsigned inputs: a signed one has its sign bit inverted."""
    codes = []
    for low, high in zip(bounds.low.ravel().tolist(), bounds.high.ravel().tolist(), strict=True):
        half = 1 << max((-low - 1).bit_length(), high.bit_length()) if low < 0 else 0
        codes.append(Code(1, -half, high + half))
    return tuple(codes)


def encode(
    graph: AdderGraph,
    bounds: Interval,
    inputs: Sequence[Code],
    fabric: Fabric = "cells",
    *,
    start: Sequence[int] | None = None,
) -> Encoding:
    """Return codes for every value of `graph`, whose inputs lie in `bounds` and stand as `inputs`.

    The sign of each adder's code is free; the one with the fewest inverters and the fewest bits is taken. `start`: the
    constant of every output, whose bits cost inverters too where a carry chain adds it.
    """
    ends = _ends(graph, start) if start is not None and fabric == "lut" else {}
    reach = graph.bounds(bounds)
    lows, highs = reach.low.tolist(), reach.high.tolist()
    codes = list(inputs)
    complemented = []
    for number, adder in enumerate(graph.adders, start=graph.inputs):
        reached = (lows[number], highs[number])
        both = [_option(adder, codes, sign, reached, fabric) for sign in (1, -1)]
        # An adder complements one operand at most; where a sign asks for two, the other asks for none.
        options = [(code, inverted) for code, inverted in both if not all(inverted)]
        end = ends.get(number)
        burdens = [_burden(adder, codes, code, inverted, end) for code, inverted in options]
        code, inverted = options[burdens.index(min(burdens))]
        codes.append(code)
        complemented.append(inverted)
    return Encoding(tuple(codes), tuple(complemented))


def _option(
    adder: Adder, codes: Sequence[Code], sign: int, reached: tuple[int, int], fabric: Fabric
) -> tuple[Code, tuple[bool, bool]]:
    """Return the code of an adder whose value lies in `reached` if its code counts `sign` times."""
    offset = 0
    carry_in = 1 if fabric == "lut" else 0
    inverted = []
    for term in adder.terms:
        code = codes[term.value]
        minus = -1 if term.negative else 1
        is_inverted = minus * code.sign != sign
        inverted.append(is_inverted)
        # minus * value = minus * (code.sign * code + offset), and -code = (~code + carry_in) - complement
        complement = (1 << code.width) - 1 + carry_in
        offset += (minus * code.offset - (sign * complement if is_inverted else 0)) << term.shift
    low, high = reached
    top = high - offset if sign > 0 else offset - low
    return Code(sign, offset, top), (inverted[0], inverted[1])


def _burden(
    adder: Adder, codes: Sequence[Code], code: Code, inverted: tuple[bool, bool], end: tuple[Term, int] | None
) -> tuple[int, int]:
    """Inverters and bits of an option, and its own sign last, so that a tie keeps the plain sum."""
    beside = _constant_inverters(code, *end) if end else 0
    return cells(adder, codes, inverted).inverters + code.width + beside, -code.sign


def _ends(graph: AdderGraph, start: Sequence[int]) -> dict[int, tuple[Term, int]]:
    """Values that one output and nothing else reads: its term and its constant."""
    readers = Counter(term.value for adder in graph.adders for term in adder.terms)
    readers.update(term.value for term in graph.outputs if term)
    outputs = zip(graph.outputs, start, strict=True)
    return {term.value: (term, int(one)) for term, one in outputs if term and readers[term.value] == 1}


def _constant_inverters(code: Code, term: Term, start: int) -> int:
    """Inverters of constant + code or constant - code: bits of the code that stand alone meet a one, or a zero."""
    sign, offset = term_code(term, {term.value: code})
    ones = ((start + offset) >> term.shift & ((1 << code.width) - 1)).bit_count()
    return ones if sign > 0 else code.width - ones


def cells(adder: Adder, codes: Sequence[Code], inverted: tuple[bool, bool]) -> Cells:
    """Return the cells of one adder; complemented bits that meet no other bit need an inverter of their own."""
    spans = [(term.shift, term.shift + codes[term.value].width) for term in adder.terms]
    start, stop = max(low for low, _ in spans), min(high for _, high in spans)
    if stop <= start:  # the operands do not meet: wires alone
        return Cells(0, 0, sum(high - low for (low, high), flip in zip(spans, inverted, strict=True) if flip))
    below = [start - low if flip else 0 for (low, _), flip in zip(spans, inverted, strict=True)]
    above = [high - stop if flip else 0 for (_, high), flip in zip(spans, inverted, strict=True)]
    return Cells(stop - start, max(high for _, high in spans) - stop, sum(below) + sum(above))


def cost(graph: AdderGraph, bounds: Interval, fabric: Fabric) -> int:
    """Return the cost of all adders of a graph whose inputs lie in `bounds`; comparable within one fabric."""
    encoding = encode(graph, bounds, input_codes(bounds), fabric)
    pairs = zip(graph.adders, encoding.complemented, strict=True)
    return sum(cells(adder, encoding.codes, inverted).cost(fabric) for adder, inverted in pairs)


def term_code(term: Term, codes: Sequence[Code] | Mapping[int, Code]) -> tuple[int, int]:
    """Return (sign, offset) of an output: its value is sign * (code << shift) + offset."""
    code = codes[term.value]
    minus = -1 if term.negative else 1
    return minus * code.sign, (minus * code.offset) << term.shift
