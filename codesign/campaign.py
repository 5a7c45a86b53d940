"""Upset campaigns in numbers: what happened to an experiment, which experiments to run, bounds of fractions.

Outcomes of one experiment, the worst that holds (`classify`); "differs" always means: from the run without a fault.

- masked: nothing of what follows; the fault was overwritten or reached nothing.
- corrected and flagged: outputs and final state are right, and the error output differed in some cycle.
- corrected and unflagged: outputs and final state are right and the error output said nothing, although one or two of
  three copies of a bit differed.
- wrong output: an output differed in a cycle in which it counts, and at the end all state is right again.
- never healed: some flip-flop still differs at the end of the observation; outputs may have been wrong too.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from codesign.counting import clopper_pearson

CONFIDENCE = 0.95
Codes = NDArray[np.uint8]


class Flag(IntFlag):
    """What the simulator saw in one experiment; the numbers are those of its kernel."""

    WRONG = 1
    FLAGGED = 2
    OUTVOTED = 4
    DIFFERS_AT_END = 8
    VISIBLE = 16


class Outcome(IntEnum):
    """Outcomes in order of severity."""

    MASKED = 0
    CORRECTED_FLAGGED = 1
    CORRECTED_UNFLAGGED = 2
    WRONG_OUTPUT = 3
    NEVER_HEALED = 4

    @property
    def label(self) -> str:
        """The name in files."""
        return self.name.lower()


@dataclass(frozen=True)
class Plan:
    """Experiments as pairs of a site (row of some list of sites) and a cycle, sorted by cycle, then site."""

    sites: NDArray[np.int64]
    cycles: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sites)


def classify(flags: Codes) -> Codes:
    """Return the `Outcome` of every experiment from its `Flag`s."""
    outcomes = np.full(flags.shape, Outcome.MASKED, np.uint8)
    outcomes[flags & Flag.OUTVOTED != 0] = Outcome.CORRECTED_UNFLAGGED
    outcomes[flags & Flag.FLAGGED != 0] = Outcome.CORRECTED_FLAGGED
    outcomes[flags & Flag.WRONG != 0] = Outcome.WRONG_OUTPUT
    outcomes[flags & Flag.DIFFERS_AT_END != 0] = Outcome.NEVER_HEALED
    return outcomes


def exhaustive(site_count: int, window: range) -> Plan:
    """Every site in every cycle of `window`."""
    cycles = np.repeat(np.arange(window.start, window.stop), site_count)
    return Plan(np.tile(np.arange(site_count), len(window)), cycles)


def sampled(site_count: int, window: range, samples: int, seed: int) -> Plan:
    """`samples` sites and cycles drawn evenly, with replacement: the same for the same seed."""
    random = np.random.default_rng(seed)
    sites = random.integers(0, site_count, samples)
    cycles = random.integers(window.start, window.stop, samples)
    order = np.lexsort((sites, cycles))
    return Plan(sites[order], cycles[order])


def failure_bound(failures: int, trials: int) -> float:
    """Return what the probability of a failure is at most, at 95 % (one-sided): 1e-6 for none in 3.0 million."""
    return clopper_pearson(failures, trials, 2 * CONFIDENCE - 1)[1]


def tally(outcomes: Codes) -> dict[str, int]:
    """Count every outcome."""
    counts = np.bincount(outcomes, minlength=len(Outcome))
    return {outcome.label: int(counts[outcome]) for outcome in Outcome}


def counts_by(groups: NDArray[np.int64], outcomes: Codes, group_count: int) -> NDArray[np.int64]:
    """Return (group_count, outcomes) how often each outcome occurred in each group."""
    flat = np.bincount(groups * len(Outcome) + outcomes, minlength=group_count * len(Outcome))
    return flat.reshape(group_count, len(Outcome))
