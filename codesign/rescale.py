"""Exact requantisation: integer operators for y = clip(round(x * M + B), low, high) with rational M and B.

A requantisation is monotonic, so it is fixed by its thresholds t_k, the least x whose result reaches level k.
They are computed exactly. Constants (m, a, s) with floor((x * m + a) / 2**s) >= k at t_k and < k at t_k - 1, for
every level k of the reachable range, then give the same result for every reachable x: the proof is the search.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers, round_shift
from codesign.ops.requantise import Requantise
from codesign.ops.threshold import Threshold
from codesign.ranges import Interval

# Ties of half_from_zero and half_to_zero go away from zero and towards it.
RoundingMode = Literal["half_even", "floor", "ceil", "to_zero", "from_zero", "half_from_zero", "half_to_zero"]
Booleans = NDArray[np.bool_]
Decide = Callable[[int, Integers], Integers]

MAX_SHIFT = 50
MAX_HALF_EVEN_SHIFT = 24
PRODUCT_LIMIT = 1 << 59  # |x * m| + |a| below this leaves room for the rounding half in the evaluator's int64
EXACT_LIMIT = 1 << 62
APPROXIMATE_LIMIT = 2.0**50  # float64 thresholds beyond are computed exactly
NEAR_BOUNDARY = 2.0**-40  # relative distance below which float64 arithmetic may round to the other side


@dataclass(frozen=True, eq=False)
class Steps:
    """One channel: y = base + #{k : z >= thresholds[k]} for z in first .. last, where z = -x if `falling` else x."""

    falling: bool
    first: int
    last: int
    base: int
    thresholds: Integers

    @property
    def top(self) -> int:
        """The highest result reached."""
        return self.base + len(self.thresholds)

    @property
    def levels(self) -> Integers:
        """The level that each threshold reaches."""
        return self.base + 1 + np.arange(len(self.thresholds), dtype=np.int64)


@dataclass(frozen=True)
class Constants:
    """One channel of a multiply-add-shift."""

    multiplier: int
    addend: int
    shift: int
    half_even: bool = False

    def at_shift(self, shift: int, half_even: bool) -> "Constants":
        """Return the same function with another (larger) shift, and with ties-to-even rounding if asked."""
        if half_even and not self.half_even:
            # floor(v / 2**s) is the nearest integer of (2 v + 1) / 2**(s + 1) - 1/2, whose odd numerator is no tie
            addend = 2 * self.addend - (1 << self.shift) + 1
            return Constants(2 * self.multiplier, addend, self.shift + 1, True).at_shift(shift, True)
        up = shift - self.shift
        return Constants(self.multiplier << up, self.addend << up, shift, half_even)


def round_fraction(value: Fraction, rounding: RoundingMode = "half_even") -> int:
    """Return `value` rounded to an integer."""
    if rounding == "half_even":
        return round(value)
    if rounding in ("floor", "ceil"):
        return floor(value) if rounding == "floor" else ceil(value)
    size, half = abs(value), Fraction(1, 2)
    rounded = {
        "to_zero": floor(size),
        "from_zero": ceil(size),
        "half_from_zero": floor(size + half),
        "half_to_zero": ceil(size - half),
    }[rounding]
    return -rounded if value < 0 else rounded


def rescale(
    multiplier: Sequence[Fraction],
    offset: Sequence[Fraction],
    bounds: Interval,
    *,
    low: int,
    high: int,
    fixed: Fixed,
    rounding: RoundingMode = "half_even",
    decide: Decide | None = None,
) -> Requantise | Threshold:
    """Return the operator that computes clip(round(x * multiplier[c] + offset[c]), low, high) in format `fixed`.

    Exact for every integer x of bounds (channels,). A `Requantise` with the smallest shift that is exact, ties to
    even only where a reachable tie needs it; a `Threshold` where no multiply-add-shift is exact. `decide(c, x)`
    settles operands whose exact value lies within 2**-40 (relative) of a rounding boundary: a float64 model's own
    rounding decides there. Raises `BadInputError` if the clip does not fit `fixed`.
    """
    if not fixed.low <= low <= high <= fixed.high:
        raise BadInputError(f"clip {low}..{high} must lie in {fixed.low}..{fixed.high} of format {fixed}")
    ends = zip(bounds.low.ravel().tolist(), bounds.high.ravel().tolist(), strict=True)
    channels = list(zip(multiplier, offset, ends, strict=True))
    steps = [
        channel_steps(
            m, b, first, last, low=low, high=high, rounding=rounding, decide=decide and _for_channel(decide, c)
        )
        for c, (m, b, (first, last)) in enumerate(channels)
    ]
    fits = [_fit(one, abs(m), b, (low, high)) for one, (m, b, _) in zip(steps, channels, strict=True)]
    return _requantise(fits, steps, fixed, (low, high)) or _threshold(steps, fixed)


def _for_channel(decide: Decide, channel: int) -> Callable[[Integers], Integers]:
    return lambda x: decide(channel, x)


def channel_steps(
    multiplier: Fraction,
    offset: Fraction,
    first: int,
    last: int,
    *,
    low: int,
    high: int,
    rounding: RoundingMode = "half_even",
    decide: Callable[[Integers], Integers] | None = None,
) -> Steps:
    """Return the thresholds of one channel for x in first .. last; see `rescale`."""
    falling = multiplier < 0
    if falling:
        multiplier, first, last = -multiplier, -last, -first
    sign = -1 if falling else 1
    ends = [_clip(round_fraction(z * multiplier + offset, rounding), low, high) for z in (first, last)]
    # one level more at both ends, since `decide` may move an end across a boundary
    levels = np.arange(max(low + 1, ends[0]), min(high, ends[1] + 1) + 1, dtype=np.int64)
    if multiplier == 0 or not len(levels):
        return Steps(falling, first, last, ends[0], np.zeros(0, np.int64))
    thresholds = _thresholds(multiplier, offset, levels, rounding, decide and (lambda z: decide(sign * z)))
    start, stop = np.searchsorted(thresholds, [first, last], side="right")
    return Steps(falling, first, last, int(levels[0]) - 1 + int(start), thresholds[start:stop])


def _clip(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def boundaries(levels: Integers, rounding: RoundingMode) -> tuple[Integers, Booleans]:
    """Return twice the real value at which each level starts, and whether that value itself belongs to it."""
    if rounding == "half_even":
        return 2 * levels - 1, np.asarray(levels % 2 == 0)
    if rounding == "floor":
        return 2 * levels, np.ones(len(levels), np.bool_)
    if rounding == "ceil":
        return 2 * levels - 2, np.zeros(len(levels), np.bool_)
    is_positive = np.asarray(levels > 0)
    if rounding in ("half_from_zero", "half_to_zero"):
        return 2 * levels - 1, is_positive == (rounding == "half_from_zero")
    is_at_level = is_positive == (rounding == "to_zero")
    return np.where(is_at_level, 2 * levels, 2 * levels - 2), is_at_level


def _thresholds(
    multiplier: Fraction,
    offset: Fraction,
    levels: Integers,
    rounding: RoundingMode,
    decide: Callable[[Integers], Integers] | None,
) -> Integers:
    """Return the least z with round(z * multiplier + offset) >= level, for every level; multiplier > 0."""
    doubled, included = boundaries(levels, rounding)
    ratio = Fraction(multiplier.denominator, 2 * multiplier.numerator)
    shift = -2 * offset * ratio
    # z reaches the level at z = doubled * ratio + shift
    approximate = doubled * float(ratio) + float(shift)
    error = NEAR_BOUNDARY * (np.abs(doubled) * float(ratio) + abs(float(shift))) + NEAR_BOUNDARY
    nearest = np.rint(approximate)
    near = (np.abs(approximate - nearest) <= error) & (np.abs(approximate) < APPROXIMATE_LIMIT)
    unclear = np.flatnonzero(near | (np.abs(approximate) >= APPROXIMATE_LIMIT))
    result: Integers = np.ceil(np.clip(approximate, -(2.0**61), 2.0**61)).astype(np.int64)
    result[unclear] = _exact_thresholds(ratio, shift, doubled[unclear], included[unclear])
    if decide is not None and near.any():
        candidates = nearest[near].astype(np.int64)
        result[near] = np.where(decide(candidates) >= levels[near], candidates, candidates + 1)
    return result


def _exact_thresholds(ratio: Fraction, shift: Fraction, doubled: Integers, included: Booleans) -> Integers:
    """Return ceil(doubled * ratio + shift), plus one where that is an integer and not included."""
    # over the common denominator: (doubled * p + r) / common
    common = ratio.denominator * shift.denominator
    p, r = ratio.numerator * shift.denominator, shift.numerator * ratio.denominator
    span = (int(np.abs(doubled).max(initial=0)) + 1) * p + abs(r) + common
    kind = np.int64 if span < EXACT_LIMIT else object
    numerator = doubled.astype(kind) * p + r
    exact: Integers = np.where(included, -((-numerator) // common), numerator // common + 1)
    result: Integers = np.clip(exact, -EXACT_LIMIT, EXACT_LIMIT).astype(np.int64)
    return result


def _fit(steps: Steps, multiplier: Fraction, offset: Fraction, clip: tuple[int, int]) -> Constants | None:
    """Return constants for z of one channel: floor with the smallest shift, else ties to even, else None."""
    if not len(steps.thresholds):
        return Constants(0, steps.base, 0)
    dyadic = _dyadic_shift(multiplier, offset)
    limit = MAX_SHIFT if dyadic is None else min(MAX_SHIFT, dyadic + 1)
    for shift in range(limit + 1):
        for m in sorted({floor(multiplier * 2**shift), ceil(multiplier * 2**shift)}):
            addend = _floor_addend(steps, m, shift, clip) if m else None
            if addend is not None:
                return Constants(m, addend, shift)
    return _half_even_fit(steps, multiplier, offset, clip)


def _dyadic_shift(*values: Fraction) -> int | None:
    """Return the least s for which every value times 2**s is an integer, None if there is none."""
    denominator = max(value.denominator for value in values)
    powers = all(value.denominator & (value.denominator - 1) == 0 for value in values)
    return denominator.bit_length() - 1 if powers else None


def _fits_int64(steps: Steps, m: int, addend: int, shift: int) -> bool:
    reach = max(abs(steps.first), abs(steps.last)) + 1
    return (
        reach * m + abs(addend) < PRODUCT_LIMIT and (max(abs(steps.base), abs(steps.top)) + 1) << shift < PRODUCT_LIMIT
    )


def _floor_addend(steps: Steps, m: int, shift: int, clip: tuple[int, int]) -> int | None:
    """Return the addend with most trailing zeros that puts every threshold in its place, None if there is none."""
    if not _fits_int64(steps, m, 0, shift):
        return None
    starts = (steps.levels << shift) - steps.thresholds * m
    least, most = int(starts.max()), int(starts.min()) + m - 1
    if steps.base > clip[0]:
        least = max(least, (steps.base << shift) - steps.first * m)
    if steps.top < clip[1]:
        most = min(most, ((steps.top + 1) << shift) - steps.last * m - 1)
    return _roundest(least, most) if least <= most else None


def _roundest(least: int, most: int) -> int:
    """Return the integer of least .. most that is divisible by the highest power of two."""
    if least <= 0 <= most:
        return 0
    power = (most - least).bit_length()
    while (-(-least >> power)) << power > most:
        power -= 1
    return (-(-least >> power)) << power


def _half_even_fit(steps: Steps, multiplier: Fraction, offset: Fraction, clip: tuple[int, int]) -> Constants | None:
    for shift in range(MAX_HALF_EVEN_SHIFT + 1):
        m, addend = round(multiplier * 2**shift), round(offset * 2**shift)
        if m and _fits_int64(steps, m, addend, shift) and _is_half_even(steps, Constants(m, addend, shift), clip):
            return Constants(m, addend, shift, half_even=True)
    return None


def _is_half_even(steps: Steps, one: Constants, clip: tuple[int, int]) -> bool:
    """Whether nearest((z m + a) / 2**s), ties to even, has exactly the thresholds of `steps`."""

    def value(z: Integers) -> Integers:
        return round_shift(z * one.multiplier + one.addend, one.shift)

    at, below = value(steps.thresholds), value(steps.thresholds - 1)
    first, last = value(np.array([steps.first, steps.last]))
    inside = (steps.base == clip[0] or first >= steps.base) and (steps.top == clip[1] or last <= steps.top)
    return bool(inside and np.all(at >= steps.levels) and np.all(below < steps.levels))


def _requantise(
    fits: Sequence[Constants | None], steps: Sequence[Steps], fixed: Fixed, clip: tuple[int, int]
) -> Requantise | None:
    """Return one operator with the channels' constants at their largest shift, None if that is too wide."""
    known = [fit for fit in fits if fit is not None]
    if len(known) < len(fits):
        return None
    half_even = any(fit.half_even for fit in known)
    shift = max(fit.shift + int(half_even and not fit.half_even) for fit in known)
    common = [fit.at_shift(shift, half_even) for fit in known]
    if not all(_fits_int64(one, fit.multiplier, fit.addend, shift) for one, fit in zip(steps, common, strict=True)):
        return None
    signs = [-1 if one.falling else 1 for one in steps]
    return Requantise(
        fixed,
        tuple(sign * fit.multiplier for sign, fit in zip(signs, common, strict=True)),
        tuple(fit.addend for fit in common),
        shift,
        "half_even" if half_even else "floor",
        None if clip[0] == fixed.low else clip[0],
        None if clip[1] == fixed.high else clip[1],
    )


def _threshold(steps: Sequence[Steps], fixed: Fixed) -> Threshold:
    """Return the operator that compares with every channel's thresholds, padded to one number of levels."""
    base, top = min(one.base for one in steps), max(one.top for one in steps)
    rows = []
    for one in steps:
        always = np.full(one.base - base, one.first)
        never = np.full(top - one.top, one.last + 1)
        reached = np.concatenate([always, one.thresholds, never]).astype(np.int64)
        rows.append((1 - reached)[::-1] if one.falling else reached)
    return Threshold(fixed, np.stack(rows), tuple(int(one.falling) for one in steps), base)
