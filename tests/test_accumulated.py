"""The formulas of accumulated upsets: known limits, and a simulation of the process over rates and healing times."""

import numpy as np
import pytest
from scipy.linalg import expm

from codesign.accumulated import (
    Period,
    copy_wrong,
    ever_wrong,
    failures_per_s,
    small_rate,
    vote_wrong,
    wrong_time_fraction,
)
from codesign.errors import BadInputError
from codesign.upset_process import Counted, simulate

RATES_PER_S = (1e-3, 2e-2, 0.5)
HEALING_S = (0.5, 1.0, 4.0)
WANTED = 10_000  # failures: one standard deviation is 1 %, so that 10 % are ten of them
TOLERANCE = 0.10


def simulated(rate: float, healing: float, seed: int, wanted: int = WANTED) -> Counted:
    """Enough healing periods for about `wanted` failures; what is compared is counted, not expected."""
    periods = wanted / float(vote_wrong(rate, healing))
    triples = int(np.clip(periods, 1, 20_000))
    return simulate(rate, [healing], int(np.ceil(periods / triples)), triples, seed)


def agreements(counted: Counted, rate: float, healing: float) -> dict[str, float]:
    """Simulated over calculated, for each of the three figures."""
    return {
        "at end": counted.wrong_at_end / counted.periods / float(vote_wrong(rate, healing)),
        "ever": counted.ever_wrong / counted.periods / float(ever_wrong(rate, healing)),
        "time": counted.wrong_time_s / (counted.periods * healing) / float(wrong_time_fraction(rate, healing)),
    }


@pytest.mark.parametrize("rate", RATES_PER_S)
@pytest.mark.parametrize("healing", HEALING_S)
def test_simulated_double_upsets_agree_with_the_formulas(rate: float, healing: float):
    counted = simulated(rate, healing, seed=int(1e4 * rate + 10 * healing))
    assert counted.wrong_at_end > 0.8 * WANTED  # so many that the tolerance is over four standard deviations
    found = agreements(counted, rate, healing)
    assert all(abs(ratio - 1) < TOLERANCE for ratio in found.values()), found


def test_the_formula_for_another_healing_time_does_not_agree():
    counted = simulated(0.02, 1.0, seed=3)
    wrong = agreements(counted, 0.02, 1.25)
    assert all(abs(ratio - 1) > TOLERANCE for name, ratio in wrong.items() if name != "time"), wrong


def test_the_small_rate_formula_does_not_agree_where_flips_undo_flips():
    counted = simulated(0.5, 4.0, seed=4)
    assert counted.ever_wrong / counted.periods < 0.2 * float(small_rate(0.5, 4.0))


def test_time_with_a_gated_clock_counts_with_its_longer_healing_time():
    rate, short, long = 0.01, 1.0, 8.0
    counted = simulate(rate, [short] * 8 + [long], 60, 20_000, seed=5)  # half of the time each
    found = counted.ever_wrong / (20_000 * 60 * 16.0)
    assert counted.ever_wrong > WANTED
    assert found == pytest.approx(failures_per_s(rate, (Period(short, 0.5), Period(long, 0.5))), rel=TOLERANCE)
    assert found > 2 * failures_per_s(rate, (Period(short),))


def test_figures_are_those_of_the_markov_process():
    """Matrix exponentials of the process of the number of wrong copies, with and without a way back from two."""
    free = np.array([[-3, 3, 0, 0], [1, -3, 2, 0], [0, 2, -3, 1], [0, 0, 3, -3]], dtype=float)
    ending = free.copy()
    ending[2:] = 0.0
    for a in (0.01, 0.3, 0.999, 1.0, 1.7, 6.0):
        assert float(vote_wrong(a, 1.0)) == pytest.approx(expm(free * a)[0, 2:].sum(), rel=1e-9)
        assert float(ever_wrong(a, 1.0)) == pytest.approx(expm(ending * a)[0, 2:].sum(), rel=1e-9)
        times = np.linspace(0, a, 2001)
        mean = np.trapezoid(vote_wrong(times, 1.0), times) / a
        assert float(wrong_time_fraction(a, 1.0)) == pytest.approx(mean, rel=1e-6)


def test_limits_are_exact():
    tiny = 1e-9
    assert float(vote_wrong(tiny, 1.0) / small_rate(tiny, 1.0)) == pytest.approx(1.0, rel=1e-8)
    assert float(ever_wrong(tiny, 1.0) / small_rate(tiny, 1.0)) == pytest.approx(1.0, rel=1e-8)
    assert float(wrong_time_fraction(tiny, 1.0)) == pytest.approx(tiny**2, rel=1e-8)
    assert float(copy_wrong(50.0)) == float(vote_wrong(50.0, 1.0)) == 0.5  # nothing is left of the stored value
    assert float(ever_wrong(50.0, 1.0)) == pytest.approx(1.0)
    assert float(vote_wrong(0.0, 1.0)) == float(ever_wrong(0.0, 1.0)) == 0.0


def test_a_longer_healing_time_never_fails_less():
    times = np.geomspace(1e-6, 20, 500)
    for figure in (vote_wrong, ever_wrong, wrong_time_fraction):
        assert (np.diff(figure(1.0, times)) >= 0).all()
    assert (ever_wrong(1.0, times) >= vote_wrong(1.0, times)).all()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(BadInputError, match="not negative"):
        vote_wrong(-1.0, 1.0)
    with pytest.raises(BadInputError, match="add up to 1"):
        failures_per_s(1.0, (Period(1.0, 0.5),))
    with pytest.raises(BadInputError, match="healing time"):
        Period(0.0)
    with pytest.raises(BadInputError, match=r"0\.\.1"):
        Period(1.0, 1.5)


def test_the_simulation_is_seeded():
    assert simulate(0.1, [1.0], 50, 100, seed=1) == simulate(0.1, [1.0], 50, 100, seed=1)
    assert simulate(0.1, [1.0], 50, 100, seed=1) != simulate(0.1, [1.0], 50, 100, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1e-5, 1e-4])
def test_simulated_double_upsets_agree_at_low_rates(rate: float):
    found = agreements(simulated(rate, 1.0, seed=6), rate, 1.0)
    assert all(abs(ratio - 1) < TOLERANCE for ratio in found.values()), found
