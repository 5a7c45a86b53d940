"""Verilog literals and the width of counters: what operators and emission both write."""

from collections.abc import Sequence


def literal(value: int, width: int) -> str:
    """Return a Verilog literal of `width` bits; a negative one is written as minus a magnitude (two's complement)."""
    return f"-{width}'d{-value}" if value < 0 else f"{width}'d{value}"


def concatenation(values: Sequence[int], width: int) -> str:
    """Return a Verilog concatenation with values[0] in the lowest bits."""
    return "{" + ", ".join(literal(value, width) for value in reversed(values)) + "}"


def counter_bits(count: int) -> int:
    """Bits of a counter 0 .. count-1; none if it never moves."""
    return (count - 1).bit_length()
