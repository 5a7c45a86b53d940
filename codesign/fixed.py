"""Fixed-point formats, and the only rounding and saturation code of the project.

Values are integers; a format says how many bits hold them and where the binary point lies.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError

Integers = NDArray[np.int64]
MAX_WIDTH = 62  # two guard bits below int64, so that every sum in the evaluator is exact


@dataclass(frozen=True)
class Fixed:
    """A two's complement or unsigned format of `width` bits, `frac` of them behind the binary point."""

    width: int
    frac: int = 0
    signed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise BadInputError(f"width must be 1 to {MAX_WIDTH} bits, not {self.width}")

    @property
    def low(self) -> int:
        """The smallest integer of the format."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The largest integer of the format."""
        return (1 << (self.width - int(self.signed))) - 1

    @classmethod
    def covering(cls, low: int, high: int, frac: int = 0) -> "Fixed":
        """Return the narrowest format that holds every integer from `low` to `high`."""
        if low >= 0:
            return cls(max(1, int(high).bit_length()), frac, signed=False)
        return cls(max(max(int(high), 0).bit_length(), (-int(low) - 1).bit_length()) + 1, frac, signed=True)

    @classmethod
    def parse(cls, text: str) -> "Fixed":
        """Read a format such as "u8.7" (unsigned, 8 bits, 7 behind the binary point), "s11" or "s6.-2" (steps of 4)."""
        match = re.fullmatch(r"([us])(\d{1,3})(?:\.(-?\d{1,3}))?", text.strip())
        if not match:
            raise BadInputError(f"format {text!r} must be like u8.7 (unsigned, 8 bits, 7 fraction bits) or s11")
        sign, width, frac = match.groups()
        return cls(int(width), int(frac or 0), signed=sign == "s")

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.width}" + (f".{self.frac}" if self.frac else "")


def floor_shift(values: Integers, shift: int | Integers) -> Integers:
    """Return floor(values / 2**shift)."""
    return np.right_shift(values, shift)


def round_shift(values: Integers, shift: int) -> Integers:
    """Return values / 2**shift, rounded to the nearest integer, ties to even."""
    if shift == 0:
        return values
    half = 1 << (shift - 1)
    rounded = (values + half) >> shift
    is_tie = (values & ((1 << shift) - 1)) == half
    return np.asarray(rounded - (is_tie & (rounded & 1).astype(bool)), dtype=np.int64)


def saturate(values: Integers, low: int, high: int) -> Integers:
    """Return `values` with everything below `low` or above `high` replaced by that bound."""
    return np.minimum(np.maximum(values, low), high)


def quantise(real: NDArray[np.float64], fixed: Fixed) -> Integers:
    """Return the integers of `fixed` nearest to `real` (ties to even, saturating); NaN is an error."""
    if not np.isfinite(real).all():
        raise BadInputError("cannot quantise NaN or infinite values; clean the data first")
    scaled = np.clip(np.rint(np.ldexp(real, fixed.frac)), fixed.low, fixed.high)
    return saturate(scaled.astype(np.int64), fixed.low, fixed.high)  # float64 may round the bound itself up
