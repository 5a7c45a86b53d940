"""Interval analysis: what every element of a value can be. Widths follow, so nothing overflows.

Bounds are int64 arrays; what would need more than `fixed.MAX_WIDTH` bits is refused before int64 can wrap.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Fixed, Integers, floor_shift


def frozen(values: object) -> Integers:
    """Return `values` as a read-only int64 array."""
    array = np.array(values, dtype=np.int64)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Interval:
    """Elementwise bounds: every element e lies in low[e] .. high[e], both included, and is a multiple of 2**zeros[e].

    `zeros` counts low bits that are always zero (`MAX_WIDTH` for the constant 0); where it is not given it is 0, or
    what a constant element has.
    """

    low: Integers
    high: Integers
    zeros: Integers | None = None

    def __post_init__(self) -> None:
        if self.low.shape != self.high.shape or np.any(self.low > self.high):
            raise ValueError("an interval needs low <= high elementwise")
        if self.low.size and (self.low.min() < -(1 << (MAX_WIDTH - 1)) or self.high.max() >= 1 << MAX_WIDTH):
            raise _too_wide()
        object.__setattr__(self, "low", frozen(self.low))
        object.__setattr__(self, "high", frozen(self.high))
        known = np.zeros(self.low.shape, np.int64) if self.zeros is None else self.zeros
        object.__setattr__(self, "zeros", frozen(np.where(self.low == self.high, _trailing_zeros(self.low), known)))

    @property
    def trailing(self) -> Integers:
        """`zeros` as the array that it is after construction."""
        assert self.zeros is not None
        return self.zeros

    def mapped(self, arrange: Callable[[Integers], Integers]) -> "Interval":
        """Return the interval of the elements in another arrangement (reshape, transpose, selection)."""
        return Interval(arrange(self.low), arrange(self.high), arrange(self.trailing))

    @classmethod
    def of(cls, fixed: Fixed, shape: tuple[int, ...]) -> "Interval":
        """Return the full range of `fixed` for every element of `shape`."""
        return cls(np.full(shape, fixed.low, np.int64), np.full(shape, fixed.high, np.int64))

    def fixed(self, frac: int = 0) -> Fixed:
        """Return the narrowest format for every element."""
        return Fixed.covering(int(self.low.min()), int(self.high.max()), frac)

    @property
    def element_bits(self) -> tuple[int, ...]:
        """Bits of every element (row-major) that can change, without copies of the sign: what a register holds."""
        elements = zip(
            self.low.ravel().tolist(), self.high.ravel().tolist(), self.trailing.ravel().tolist(), strict=True
        )
        return tuple(0 if low == high else Fixed.covering(low, high).width - zeros for low, high, zeros in elements)

    @property
    def live_bits(self) -> int:
        """Bits of all elements that can change."""
        return sum(self.element_bits)

    @cached_property
    def _low_bits(self) -> Integers | None:
        """The bits that must be zero, None if there are none."""
        bits = np.where(self.low == self.high, 0, (np.int64(1) << self.trailing) - 1)
        return bits if bits.any() else None

    def contains(self, values: NDArray[Any]) -> bool:
        """Return whether every element of every batch entry, (batch, *shape) or (*shape), lies in its bounds."""
        if not values.size:
            return True
        entries = values.reshape(-1, self.low.size)
        lowest, highest = _over_entries(np.minimum, entries), _over_entries(np.maximum, entries)
        if np.any(lowest < self.low.ravel()) or np.any(highest > self.high.ravel()):
            return False
        return self._low_bits is None or not np.any(values.astype(np.int64, copy=False) & self._low_bits)


def _over_entries(extreme: np.ufunc, entries: NDArray[Any]) -> NDArray[Any]:
    """Reduce (entries, elements) over entries; joined entries make rows that vector instructions are worth for."""
    joined = 32
    whole = len(entries) // joined * joined
    if not whole:
        return np.asarray(extreme.reduce(entries, axis=0))
    rows = extreme.reduce(entries[:whole].reshape(-1, joined * entries.shape[1]), axis=0)
    return np.asarray(extreme.reduce(np.concatenate([rows.reshape(joined, -1), entries[whole:]]), axis=0))


def _too_wide() -> BadInputError:
    return BadInputError(f"a value needs more than {MAX_WIDTH} bits; reduce bit widths or split the sum")


def _trailing_zeros(values: Integers) -> Integers:
    lowest = (values & -values).astype(np.float64)  # a power of two, exact
    return np.where(values == 0, MAX_WIDTH, np.frexp(lowest)[1] - 1).astype(np.int64)


def _magnitude(interval: Interval) -> int:
    return max(abs(int(interval.low.min(initial=0))), abs(int(interval.high.max(initial=0))))


def product(left: Interval, right: Interval, truncate: int = 0) -> Interval:
    """Bounds of floor(left * right / 2**truncate), broadcasting."""
    if _magnitude(left) * _magnitude(right) >> MAX_WIDTH:
        raise _too_wide()
    corners = [floor_shift(a * b, truncate) for a in (left.low, left.high) for b in (right.low, right.high)]
    zeros = np.clip(left.trailing + right.trailing - truncate, 0, MAX_WIDTH)
    return Interval(np.minimum.reduce(corners), np.maximum.reduce(corners), zeros)


def total(terms: Interval, axis: int) -> Interval:
    """Bounds of the sum over `axis`."""
    if _magnitude(terms) * terms.low.shape[axis] >> MAX_WIDTH:
        raise _too_wide()
    return Interval(
        terms.low.sum(axis=axis), terms.high.sum(axis=axis), terms.trailing.min(axis=axis, initial=MAX_WIDTH)
    )


def plus(left: Interval, right: Interval) -> Interval:
    """Bounds of left + right, broadcasting."""
    return Interval(left.low + right.low, left.high + right.high, np.minimum(left.trailing, right.trailing))


def shifted(value: Interval, bits: int) -> Interval:
    """Bounds of value * 2**bits."""
    if _magnitude(value) << bits >> MAX_WIDTH:
        raise _too_wide()
    return Interval(value.low << bits, value.high << bits, np.minimum(value.trailing + bits, MAX_WIDTH))
