"""Simulation of single upsets in triples of copies, flip by flip; it knows nothing of the formulas of `accumulated`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WRONG_COPIES = np.array([bin(mask).count("1") for mask in range(8)])


@dataclass(frozen=True)
class Counted:
    """Healing periods simulated, and in how many the majority was wrong at the end, or at any time."""

    periods: int
    wrong_at_end: int
    ever_wrong: int
    wrong_time_s: float


def simulate(rate_per_s: float, healing_s: Sequence[float], rounds: int, triples: int, seed: int) -> Counted:
    """Let every copy of `triples` bits flip at random (Poisson, `rate_per_s`) and count wrong majorities.

    Healing periods of lengths `healing_s` follow one another, over and over, `rounds` times. At the end of each the
    copies are set to their majority, right or wrong: from then on that is the value which the bit has.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum(healing_s)
    flips = _Flips(rng, rate_per_s, ends, rounds, np.zeros(triples))
    counted = Counted(triples * rounds * len(ends), 0, 0, 0.0)
    while len(flips.time_s):
        counted = flips.step(counted)
    return counted


class _Flips:
    """Triples between two flips: `mask` says which copies differ from the value stored at the last healing."""

    def __init__(
        self,
        rng: np.random.Generator,
        rate_per_s: float,
        ends: NDArray[np.float64],
        rounds: int,
        time_s: NDArray[np.float64],
    ) -> None:
        self.rng, self.rate_per_s, self.ends, self.rounds = rng, rate_per_s, ends, rounds
        self.time_s = time_s
        self.period, self.end_s = self._period_at(time_s)
        self.mask = np.zeros(len(time_s), np.int64)
        self.was_wrong = np.zeros(len(time_s), bool)

    def _period_at(self, time_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return number and end of the healing period in which every triple is."""
        whole = np.floor(time_s / self.ends[-1])
        within = np.searchsorted(self.ends, time_s - whole * self.ends[-1], side="right")
        within = np.minimum(within, len(self.ends) - 1)
        return (whole * len(self.ends) + within).astype(np.int64), whole * self.ends[-1] + self.ends[within]

    def step(self, counted: Counted) -> Counted:
        """Go on to the next flip of every triple; those whose time is over leave."""
        later = self.time_s + self.rng.exponential(1.0 / (3.0 * self.rate_per_s), len(self.time_s))
        period, end_s = self._period_at(later)
        wrong, healed = WRONG_COPIES[self.mask] >= 2, period != self.period
        wrong_time_s = float(((np.minimum(later, self.end_s) - self.time_s) * wrong).sum())
        at_end = int((wrong & healed).sum())

        self.mask[healed] = 0
        self.was_wrong[healed] = False
        self.mask ^= 1 << self.rng.integers(0, 3, len(self.mask))
        alive = period < self.rounds * len(self.ends)
        newly = alive & (WRONG_COPIES[self.mask] >= 2) & ~self.was_wrong
        self.was_wrong |= newly
        self.time_s, self.period, self.end_s = later[alive], period[alive], end_s[alive]
        self.mask, self.was_wrong = self.mask[alive], self.was_wrong[alive]
        return Counted(
            counted.periods,
            counted.wrong_at_end + at_end,
            counted.ever_wrong + int(newly.sum()),
            counted.wrong_time_s + wrong_time_s,
        )
