"""Damage of weight bits on a graph small enough to count everything one by one."""

import numpy as np
import pytest

from codesign.damage import Measured, measure, output_change, summarise
from codesign.errors import VerificationError
from codesign.weight_bits import UpsetWeights, WeightBit, flipped, programmable, weight_bits
from tests.test_weight_bits import GRAPH, X

WORK, VALUES = programmable(GRAPH)
ALL = {**X, **VALUES}
BITS = weight_bits(WORK)
TARGET = np.random.default_rng(3).integers(-20, 20, 40)


def squared(outputs, events):
    """A metric that is no function of the outputs alone; one event has none."""
    result = (outputs["y"][:, 0] - TARGET[events]) ** 2.0
    result[events == 7] = np.nan
    return result


def by_hand(bit: WeightBit) -> np.ndarray:
    wrong = flipped(VALUES[bit.parameter], WORK.types[bit.parameter].fixed, bit.element, bit.bit)
    return squared(WORK.evaluate({**ALL, bit.parameter: wrong}), np.arange(40))


def test_metric_of_every_event_and_bit_is_that_of_one_evaluation_each():
    found = measure(WORK, ALL, BITS, squared)
    base = squared(GRAPH.evaluate(X), np.arange(40))
    assert np.array_equal(found.base, base, equal_nan=True)
    for row, bit in zip(found.flipped, BITS, strict=True):
        assert np.array_equal(row, by_hand(bit), equal_nan=True)
    assert found.rows < (len(BITS) + 2) * 40 / 3  # answers in common are computed once


def test_summary_is_that_of_the_paired_differences():
    halves = [
        measure(WORK, {**VALUES, "x": X["x"][part]}, BITS, lambda o, e, s=part.start: squared(o, e + s))
        for part in (slice(0, 20), slice(20, 40))
    ]
    damage = summarise(halves)
    base = np.delete(squared(GRAPH.evaluate(X), np.arange(40)), 7)
    assert damage.events == 39 and damage.base_mean == pytest.approx(base.mean())
    for place in (0, 17, len(BITS) - 1):
        change = np.delete(by_hand(BITS[place]), 7) - base
        assert damage.mean[place] == pytest.approx(change.mean())
        assert damage.error[place] == pytest.approx(change.std(ddof=1) / np.sqrt(39))
        wrong = np.quantile(change + base, 0.9) - np.quantile(base, 0.9)
        assert damage.quantile[place] == pytest.approx(wrong)


def test_no_flip_changes_nothing_and_all_signs_change_much():
    values = {**VALUES, "x": X["x"] * [1, 1, 0]}  # nothing reads the third column of weights
    found = measure(WORK, values, BITS, output_change(WORK, values))
    damage = summarise([found])
    assert not found.base.any()
    silent = damage.changed == 0
    assert silent.any() and not damage.mean[silent].any() and not damage.quantile[silent].any()
    assert damage.all_signs > 1.5 * np.median(damage.mean[~silent])
    assert (damage.mean[~silent] > 0).all()


def test_output_change_counts_least_significant_bits():
    found = measure(WORK, ALL, [WeightBit("b2", 0, 0)], output_change(WORK, ALL))
    assert (found.flipped == 1.0).all()  # the last bias, of one bit, is added to the only output


def test_a_wrong_evaluation_of_a_flip_is_noticed(monkeypatch: pytest.MonkeyPatch):
    right = UpsetWeights.flip
    monkeypatch.setattr(UpsetWeights, "flip", lambda self, bit: {"y": right(self, bit)["y"] + 1})
    with pytest.raises(VerificationError, match="not the graph's"):
        measure(WORK, ALL, BITS, squared)


def test_parts_keep_their_order_of_events():
    one = Measured(np.array([1.0, 2.0]), np.zeros(2), np.array([[1.0, 5.0]]), np.ones((1, 2), bool), 3)
    two = Measured(np.array([4.0]), np.zeros(1), np.array([[4.0]]), np.zeros((1, 1), bool), 1)
    damage = summarise([one, two])
    assert damage.mean[0] == pytest.approx(1.0) and damage.changed[0] == pytest.approx(2 / 3)
