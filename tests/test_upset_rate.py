"""Failures per chip: every contribution by hand, intervals that add up, single points by mode."""

import pytest

from codesign.accumulated import Period, small_rate
from codesign.counting import clopper_pearson
from codesign.errors import BadInputError
from codesign.single_points import SINGLE_POINTS, single_points
from codesign.upset_rate import Campaign, Nodes, Radiation, Triples, upset_rate

YEAR_S = 365.25 * 86400
RADIATION = Radiation(cross_section_cm2=1e-14, flux_per_cm2_s=1e7, live_s=YEAR_S)
UPSETS_PER_BIT = 1e-14 * 1e7 * YEAR_S
PROTECTED = Campaign("registers", targets=3000, injections=100_000, wrong=0, never_healed=0, exhaustive=False)
BARE = Campaign("registers", targets=1000, injections=10_000, wrong=300, never_healed=100, exhaustive=False)


def test_accumulated_upsets_of_triples_that_heal_at_every_clock_edge():
    found = upset_rate(RADIATION, [Triples("registers", 1000, (Period(25e-9),))], [])
    expected = 1000 * float(small_rate(1e-7, 25e-9)) / 25e-9 * YEAR_S
    assert found.expected == found.low == found.high == pytest.approx(expected)
    assert found.counts == (0, 0)


def test_healing_ten_times_later_gives_ten_times_the_failures():
    short, long = (upset_rate(RADIATION, [Triples("w", 12_864, (Period(t),))], []).expected for t in (1.0, 10.0))
    assert long == pytest.approx(10 * short, rel=1e-4)


def test_unprotected_bits_fail_as_often_as_the_campaign_found():
    found = upset_rate(RADIATION, [], [BARE])
    low, high = clopper_pearson(400, 10_000, 0.95)
    upsets = 1000 * UPSETS_PER_BIT
    assert found.expected == pytest.approx(0.04 * upsets)
    assert (found.low, found.high) == pytest.approx((low * upsets, high * upsets))
    assert found.harmless == pytest.approx(0.96 * upsets) and found.healing == pytest.approx(0.03 * upsets)
    assert found.counts[0] < found.low < found.high < found.counts[1]


def test_no_failure_in_a_sampled_campaign_leaves_an_upper_end_and_none_in_an_exhaustive_one():
    sampled = upset_rate(RADIATION, [], [PROTECTED])
    assert sampled.expected == sampled.low == 0.0
    assert sampled.high == pytest.approx(clopper_pearson(0, 100_000, 0.95)[1] * 3000 * UPSETS_PER_BIT)
    whole = Campaign("registers", 3000, 100_000, wrong=0, never_healed=0, exhaustive=True)
    assert upset_rate(RADIATION, [], [whole]).high == 0.0


def test_two_sampled_campaigns_hold_together_with_the_confidence_asked_for():
    other = Campaign("memories", 50, 1000, wrong=7, never_healed=0, exhaustive=False)
    found = upset_rate(RADIATION, [], [BARE, other], confidence=0.9)
    ends = [clopper_pearson(c.failures, c.injections, 0.95)[1] * c.targets * UPSETS_PER_BIT for c in (BARE, other)]
    assert found.high == pytest.approx(sum(ends))


def test_transients_count_only_with_a_cross_section_of_the_user():
    clock = Nodes("clock", count=40, cross_section_cm2=2e-12)
    per_node = 2e-12 * 1e7 * YEAR_S
    unknown = upset_rate(RADIATION, [], [PROTECTED], [clock])
    assert unknown.expected == pytest.approx(40 * per_node) and unknown.low == 0.0
    measured = Campaign("clock", targets=40, injections=400, wrong=100, never_healed=0, exhaustive=True)
    known = upset_rate(RADIATION, [], [PROTECTED], [clock], [measured])
    assert known.expected == pytest.approx(10 * per_node)
    assert upset_rate(RADIATION, [], [PROTECTED], [], [measured]).expected == 0.0  # no cross-section was given
    assert known.upsets == unknown.upsets  # nodes are no bits


def test_more_protection_leaves_fewer_single_points():
    assert set(single_points("full_clocks")) < set(single_points("full"))
    assert all(set(single_points("full_clocks")[-1:]) < set(single_points(mode)) for mode in SINGLE_POINTS)
    assert single_points("selective:ranking.json") == single_points("selective")
    assert "bit" in single_points("none")[0]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(BadInputError, match="flux_per_cm2_s must be positive"):
        Radiation(1e-14, 0.0, 1.0)
    with pytest.raises(BadInputError, match="more failures"):
        Campaign("registers", 3, 10, wrong=8, never_healed=3, exhaustive=False)
    with pytest.raises(BadInputError, match="at least one node"):
        Nodes("clock", 0, 1e-12)
    with pytest.raises(BadInputError, match="no triplication mode"):
        single_points("quadruple")
