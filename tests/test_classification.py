"""Accuracy and area under the curve against counting over all pairs, and their errors against repeated samples."""

import numpy as np
import pytest

from codesign.classification import accuracy, one_vs_rest_auc
from codesign.errors import BadInputError


@pytest.fixture
def sample():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 200)
    return np.round(rng.normal(0, 1, (200, 3)) + np.eye(3)[labels], 1), labels  # rounded: some scores are equal


@pytest.mark.parametrize("label", range(3))
def test_the_area_is_the_fraction_of_ordered_pairs(sample, label):
    scores, labels = sample
    inside, outside = scores[labels == label, label], scores[labels != label, label]
    pairs = np.sign(inside[:, None] - outside[None])
    assert one_vs_rest_auc(scores, labels, label).value == pytest.approx((pairs + 1).mean() / 2, abs=1e-12)


def test_perfect_useless_and_reversed_scores():
    labels = np.array([0, 0, 1, 1])
    perfect = np.eye(2)[labels]
    assert one_vs_rest_auc(perfect, labels, 0) == one_vs_rest_auc(perfect, labels, 1)
    assert one_vs_rest_auc(perfect, labels, 1).value == 1.0
    assert one_vs_rest_auc(1 - perfect, labels, 1).value == 0.0
    assert one_vs_rest_auc(0 * perfect, labels, 1).value == 0.5
    assert (accuracy(perfect, labels).value, accuracy(perfect, labels).error) == (1.0, 0.0)


def test_of_equal_scores_the_first_class_wins():
    assert accuracy(np.zeros((3, 4)), np.array([0, 1, 0])).value == pytest.approx(2 / 3)


def test_the_errors_are_the_spread_of_repeated_samples():
    rng = np.random.default_rng(2)
    figures = []
    for _ in range(200):
        labels = rng.integers(0, 2, 300)
        scores = rng.normal(0, 1, (300, 2)) + np.eye(2)[labels]
        figures.append((accuracy(scores, labels), one_vs_rest_auc(scores, labels, 1)))
    for kind in zip(*figures, strict=True):
        assert np.mean([one.error for one in kind]) == pytest.approx(np.std([one.value for one in kind]), rel=0.15)


def test_a_class_that_is_not_there_has_no_area():
    figure = one_vs_rest_auc(np.zeros((4, 3)), np.array([0, 0, 1, 1]), 2)
    assert np.isnan(figure.value) and np.isnan(figure.error)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4, int), r"scores must be \(events, classes\)"),
        (np.zeros((0, 2)), np.zeros(0, int), r"scores must be"),
        (np.full((2, 2), np.nan), np.zeros(2, int), "finite"),
        (np.zeros((2, 2)), np.array([0, 2]), r"labels must lie in 0\.\.1"),
    ],
)
def test_what_does_not_fit_is_refused(scores, labels, message):
    with pytest.raises(BadInputError, match=message):
        accuracy(scores, labels)
