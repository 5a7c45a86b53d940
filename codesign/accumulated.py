"""Accumulated upsets: two copies of one bit of a triple flipped before the vote corrects the first.

Model: every copy of a bit flips by itself at a constant rate (Poisson), and a flip toggles it, so that an even number
of flips restores it. At the end of every healing period all three copies are set to their majority. Multiple-bit
upsets (one particle, several copies) are not part of it: what keeps copies apart is a matter of placement.

With p = (1 - exp(-2 a)) / 2 for the probability that one copy is wrong after a = rate * time (two-state Markov
process), the majority is wrong with probability 3 p^2 - 2 p^3. The number of wrong copies is a birth-death process with
rates 0 -> 1: 3, 1 -> 0: 1, 1 -> 2: 2 (times rate); making 2 absorbing gives the probability that the majority is wrong
at any time of the period. To lowest order both are 3 a^2. Derivation: docs/radiation.md; the same model for memories
that are scrubbed: Saleh, Serrano and Patel, IEEE Trans. Reliability 39 (1990) 114.

Rates are upsets per copy and second, times are seconds; arrays broadcast.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codesign.errors import BadInputError

Reals = NDArray[np.float64]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)  # exact to rounding for what is integrated here, up to a = 1
SLOW, FAST = 3.0 - np.sqrt(3.0), 3.0 + np.sqrt(3.0)  # decay rates of the process that ends with two wrong copies


@dataclass(frozen=True)
class Period:
    """A healing period in seconds, and the fraction of the time that is spent in such periods."""

    healing_s: float
    time_fraction: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.healing_s < np.inf:
            raise BadInputError(f"a healing time must be positive and finite, not {self.healing_s} s")
        if not 0 <= self.time_fraction <= 1:
            raise BadInputError(f"a fraction of time must lie in 0..1, not {self.time_fraction}")


def copy_wrong(upsets: ArrayLike) -> Reals:
    """Return the probability that a copy is wrong after `upsets` expected flips: that their number is odd."""
    return np.asarray(-np.expm1(-2.0 * _checked(upsets)) / 2.0)


def vote_wrong(rate_per_s: ArrayLike, healing_s: ArrayLike) -> Reals:
    """Return the probability that the majority is wrong at the end of a healing period: it is then written back."""
    p = copy_wrong(_upsets(rate_per_s, healing_s))
    return np.asarray(p * p * (3.0 - 2.0 * p))


def ever_wrong(rate_per_s: ArrayLike, healing_s: ArrayLike) -> Reals:
    """Return the probability that the majority is wrong at some time of a healing period, at its end or before."""
    a = _upsets(rate_per_s, healing_s)

    def flow(s: Reals) -> Reals:
        """One copy wrong, times the rate 2 at which a second one goes wrong."""
        return np.asarray(2.0 * np.sqrt(3.0) * np.exp(-3.0 * s) * np.sinh(np.sqrt(3.0) * s))

    survival = (FAST * np.exp(-SLOW * a) - SLOW * np.exp(-FAST * a)) / (FAST - SLOW)
    # The closed form is a difference of nearly equal numbers where upsets are few: the flow is integrated there.
    return np.asarray(np.where(a < 1.0, a * _mean(flow, np.minimum(a, 1.0)), 1.0 - survival))


def wrong_time_fraction(rate_per_s: ArrayLike, healing_s: ArrayLike) -> Reals:
    """Return the fraction of the time in which the majority is wrong, within healing periods that begin right."""
    a = _upsets(rate_per_s, healing_s)

    def wrong(s: Reals) -> Reals:
        p = -np.expm1(-2.0 * s) / 2.0
        return np.asarray(p * p * (3.0 - 2.0 * p))

    large = np.maximum(a, 1.0)
    closed = 0.5 + 3.0 * np.expm1(-2.0 * large) / (8.0 * large) - np.expm1(-6.0 * large) / (24.0 * large)
    return np.asarray(np.where(a < 1.0, _mean(wrong, np.minimum(a, 1.0)), closed))


def small_rate(rate_per_s: ArrayLike, healing_s: ArrayLike) -> Reals:
    """Return 3 (rate * time)^2, the lowest order of `vote_wrong` and of `ever_wrong`."""
    a = _upsets(rate_per_s, healing_s)
    return np.asarray(3.0 * a * a)


def failures_per_s(rate_per_s: float, periods: Sequence[Period]) -> float:
    """Return the healing periods per second in which the majority of a triple is ever wrong.

    `periods` say how the time is divided: one period if a register heals at every clock edge, a second, longer one for
    the time in which its clock is gated. Raises `BadInputError` unless the fractions add up to one.
    """
    total = sum(period.time_fraction for period in periods)
    if abs(total - 1.0) > 1e-9:
        raise BadInputError(f"the fractions of time of all healing periods must add up to 1, not {total:g}")
    return sum(p.time_fraction * float(ever_wrong(rate_per_s, p.healing_s)) / p.healing_s for p in periods)


def _upsets(rate_per_s: ArrayLike, healing_s: ArrayLike) -> Reals:
    return np.asarray(_checked(rate_per_s) * _checked(healing_s))


def _checked(values: Any) -> Reals:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all() or (array < 0).any():
        raise BadInputError("rates and times must be finite and not negative")
    return array


def _mean(function: Callable[[Reals], Reals], upper: Reals) -> Reals:
    """Mean of `function` over 0..upper by Gauss-Legendre quadrature."""
    at = upper[..., None] * (NODES + 1.0) / 2.0
    return np.asarray(function(at) @ WEIGHTS / 2.0)
