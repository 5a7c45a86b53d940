"""Intervals of counts: known values, coverage, and counts that cannot be."""

import numpy as np
import pytest
from scipy.stats import binom

from codesign.counting import clopper_pearson, poisson_counts
from codesign.errors import BadInputError


def test_known_intervals():
    assert clopper_pearson(0, 3_000_000, 0.9)[1] == pytest.approx(-np.log(0.05) / 3e6, rel=1e-5)  # the rule of three
    assert clopper_pearson(5, 10, 0.95) == pytest.approx((0.18708603, 0.81291397), abs=1e-8)
    assert clopper_pearson(10, 10, 0.95) == pytest.approx((0.6915029, 1.0), abs=1e-7)
    assert poisson_counts(0.0, 0.0, 0.95) == (0, 0)
    assert poisson_counts(100.0, 100.0, 0.95) == (81, 120)


@pytest.mark.parametrize("p", [0.01, 0.2, 0.5])
def test_the_interval_holds_the_probability_as_often_as_it_says(p: float):
    trials, confidence = 60, 0.9
    inside = [low <= p <= high for low, high in (clopper_pearson(k, trials, confidence) for k in range(trials + 1))]
    covered = binom.pmf(np.arange(trials + 1), trials, p)[np.array(inside)].sum()
    assert confidence <= covered < 1.0


@pytest.mark.parametrize(("failures", "trials", "confidence"), [(3, 2, 0.9), (-1, 5, 0.9), (0, 0, 0.9), (0, 5, 1.0)])
def test_impossible_counts_are_refused(failures: int, trials: int, confidence: float):
    with pytest.raises(BadInputError, match=r"impossible|between 0 and 1"):
        clopper_pearson(failures, trials, confidence)
