"""Differences of metrics: which way is worse, and when it is too much."""

import math

import pytest

from codesign.compare_runs import Threshold, differences, more_is_worse, parse_thresholds
from codesign.errors import BadInputError
from codesign.run_metrics import Metric, by_name

AREA, SLACK, POWER = "design__instance__area", "timing__setup__ws", "power__total"


def metrics(**values):
    return by_name(
        Metric(name, value, "u", "06-synthesis", "06-synthesis/a.json", "0" * 64) for name, value in values.items()
    )


def one(first, other, *limits):
    (found,) = differences(metrics(**first), metrics(**other), limits)
    return found


def test_equal_runs_have_no_differences():
    assert differences(metrics(a=1.0), metrics(a=1.0), [Threshold("a", 0.0)]) == ()


@pytest.mark.parametrize(
    ("name", "first", "other", "regression"),
    [
        (AREA, 100.0, 104.0, False),
        (AREA, 100.0, 106.0, True),
        (AREA, 100.0, 50.0, False),
        (SLACK, 1.0, 0.9, True),
        (SLACK, 1.0, 0.96, False),
        (SLACK, 1.0, 2.0, False),
        (SLACK, -1.0, -1.1, True),
        (SLACK, -1.0, -0.5, False),
        (SLACK, 0.0, -0.1, True),
        ("codesign__unheard_of", 100.0, 106.0, True),
        ("codesign__unheard_of", 100.0, 94.0, True),
        ("codesign__unheard_of", 100.0, 96.0, False),
        ("codesign__physics__auc_g__model:rtl_response", 0.9, 0.8, True),
        ("codesign__physics__emd_shape__model:rtl_response", 0.9, 0.8, False),
        ("codesign__equality__equal__check:rtl_integer_graph_case_model", 100, 94, True),
    ],
)
def test_only_what_is_worse_by_more_than_the_threshold_is_a_regression(name, first, other, regression):
    assert one({name: first}, {name: other}, Threshold("*", 5.0)).regression is regression


def test_without_a_threshold_nothing_is_a_regression():
    found = one({AREA: 1.0}, {AREA: 9.0})
    assert found.worse and not found.regression and found.percent == 800.0


def test_a_metric_that_is_gone_is_a_regression_and_a_new_one_is_none():
    gone = one({AREA: 1.0}, {}, Threshold(AREA, 50.0))
    assert gone.regression and gone.percent is None
    assert not one({}, {AREA: 1.0}, Threshold(AREA, 0.0)).regression


def test_a_change_from_zero_is_infinite():
    assert one({POWER: 0.0}, {POWER: 0.1}, Threshold(POWER, 1e6)).percent == math.inf


def test_the_last_threshold_that_fits_counts():
    limits = [Threshold("*", 0.0), Threshold("power__*", 50.0)]
    assert not one({POWER: 1.0}, {POWER: 1.4}, *limits).regression
    assert one({POWER: 1.0}, {POWER: 1.4}, *reversed(limits)).regression


def test_a_threshold_for_no_metric_and_other_units_are_refused():
    with pytest.raises(BadInputError, match=r"--threshold pwoer\*: no such metric"):
        differences(metrics(a=1.0), metrics(a=1.0), [Threshold("pwoer*", 1.0)])
    other = by_name([Metric("a", 1.0, "mm2", "x", "x/y", None)])
    with pytest.raises(BadInputError, match="a is in mm2 in one run and u in the other"):
        differences(metrics(a=1.0), other)


@pytest.mark.parametrize("text", ["power", "power=", "=5", "power=-5", "power=5%", "power=nan"])
def test_a_threshold_that_is_none_is_refused(text):
    with pytest.raises(BadInputError, match="must be METRIC=PERCENT"):
        parse_thresholds([text])


def test_thresholds_are_read():
    assert parse_thresholds(["power__*=5", "a=0.5"]) == (Threshold("power__*", 5.0), Threshold("a", 0.5))
    assert more_is_worse("codesign__latency__cycles") is True
    assert more_is_worse("codesign__constraint__limit__of:power") is None
