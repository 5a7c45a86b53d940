"""Outcomes, bounds and the choice of experiments."""

import numpy as np
import pytest

from codesign.campaign import Flag, Outcome, classify, counts_by, exhaustive, failure_bound, sampled, tally

WORST = [
    (0, Outcome.MASKED),
    (Flag.VISIBLE, Outcome.MASKED),
    (Flag.OUTVOTED, Outcome.CORRECTED_UNFLAGGED),
    (Flag.FLAGGED, Outcome.CORRECTED_FLAGGED),
    (Flag.FLAGGED | Flag.OUTVOTED, Outcome.CORRECTED_FLAGGED),
    (Flag.WRONG | Flag.FLAGGED | Flag.OUTVOTED, Outcome.WRONG_OUTPUT),
    (Flag.DIFFERS_AT_END, Outcome.NEVER_HEALED),
    (Flag.DIFFERS_AT_END | Flag.WRONG | Flag.FLAGGED, Outcome.NEVER_HEALED),
]


@pytest.mark.parametrize(("flags", "outcome"), WORST)
def test_the_worst_that_holds_is_the_outcome(flags, outcome):
    assert classify(np.array([flags], np.uint8)) == [outcome]


def test_no_failure_in_three_million_bounds_the_probability_by_a_millionth():
    assert failure_bound(0, 3_000_000) == pytest.approx(1e-6, rel=2e-3)
    assert failure_bound(0, 2_900_000) > 1e-6
    assert failure_bound(1, 3_000_000) > 1.5e-6


def test_every_site_meets_every_cycle_once():
    plan = exhaustive(3, range(5, 7))
    assert list(zip(plan.cycles, plan.sites, strict=True)) == [(5, 0), (5, 1), (5, 2), (6, 0), (6, 1), (6, 2)]


def test_samples_are_the_same_for_the_same_seed_and_cover_the_window():
    plan, again, other = (sampled(10, range(3, 8), 2000, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(plan.sites, again.sites)
    assert (plan.sites != other.sites).any()
    assert set(plan.cycles) == set(range(3, 8)) and set(plan.sites) == set(range(10))
    assert (np.diff(plan.cycles) >= 0).all()


def test_counts_add_up_by_outcome_and_group():
    outcomes = np.array([0, 3, 3, 4], np.uint8)
    assert tally(outcomes) == {
        "masked": 1, "corrected_flagged": 0, "corrected_unflagged": 0, "wrong_output": 2, "never_healed": 1,
    }  # fmt: skip
    counts = counts_by(np.array([0, 1, 0, 1]), outcomes, 3)
    assert counts.tolist() == [[1, 0, 0, 1, 0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]
