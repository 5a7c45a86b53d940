"""Figures of merit of a classifier: accuracy, and the area under the ROC curve of each class against the rest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from codesign.errors import BadInputError

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure of merit of a sample, and its statistical uncertainty (one standard deviation); NaN: not defined."""

    value: float
    error: float


def accuracy(scores: NDArray[Any], labels: NDArray[np.int64]) -> Figure:
    """Return the fraction of events (n,) whose largest score (n, classes) is that of their class, binomial error.

    Of equal largest scores the first counts, as in `numpy.argmax` and in hardware that compares in order.
    """
    _check(scores, labels)
    value = float(np.mean(scores.argmax(axis=1) == labels))
    return Figure(value, float(np.sqrt(value * (1.0 - value) / len(labels))))


def one_vs_rest_auc(scores: NDArray[Any], labels: NDArray[np.int64], label: int) -> Figure:
    """Return the area under the ROC curve that the score of class `label` has for telling it from all others.

    It is the probability that an event of the class scores higher than another, equal scores counting half (Mann and
    Whitney, Ann. Math. Stat. 18 (1947) 50); error of Hanley and McNeil, Radiology 143 (1982) 29, eq. 1. NaN where the
    sample has no event of the class, or no other.
    """
    _check(scores, labels)
    is_class = labels == label
    inside, outside = int(is_class.sum()), int((~is_class).sum())
    if not inside or not outside:
        return Figure(float("nan"), float("nan"))
    ranks = rankdata(scores[:, label])
    area = float((ranks[is_class].sum() - inside * (inside + 1) / 2) / (inside * outside))
    one, two = area / (2.0 - area), 2.0 * area**2 / (1.0 + area)
    spread = area * (1 - area) + (inside - 1) * (one - area**2) + (outside - 1) * (two - area**2)
    return Figure(area, float(np.sqrt(max(spread, 0.0) / (inside * outside))))


def _check(scores: NDArray[Any], labels: NDArray[np.int64]) -> None:
    if scores.ndim != 2 or labels.shape != (len(scores),) or not len(scores):
        raise BadInputError(f"scores must be (events, classes), labels (events,), not {scores.shape}, {labels.shape}")
    if not np.isfinite(scores).all():
        raise BadInputError("scores must be finite")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise BadInputError(f"labels must lie in 0..{scores.shape[1] - 1}, not {labels.min()}..{labels.max()}")
