"""Figures of merit of an edge classifier of sector graphs: area under the ROC curve, efficiency, purity, distance.

Edges of all graphs stand one after the other: `probabilities` (edges,) in 0..1 that an edge is a track segment, `y`
(edges,) 1 where it is one. An edge that a fixed-size network truncated has probability 0 and is classified as false.
"""

from typing import Any

import numpy as np
import ot
from numpy.typing import NDArray

from codesign.classification import Figure, one_vs_rest_auc
from codesign.errors import BadInputError

Reals = NDArray[np.float64]
Whole = NDArray[np.int64]
NOT_DEFINED = Figure(float("nan"), float("nan"))


def edge_auc(probabilities: Reals, y: Whole) -> Figure:
    """Return the area under the ROC curve of all edges together; see `codesign.classification.one_vs_rest_auc`.

    Its error takes edges as independent; those of one graph are not quite.
    """
    _check(probabilities, y)
    return one_vs_rest_auc(np.column_stack([1.0 - probabilities, probabilities]), y, 1)


def efficiency(probabilities: Reals, y: Whole, threshold: float) -> Figure:
    """Return the fraction of the true edges with a probability of at least `threshold` (0 < threshold <= 1).

    Binomial error; NaN without true edges. Truncated true edges count as missed.
    """
    accepted = _accepted(probabilities, y, threshold)
    return _fraction(accepted[y == 1])


def purity(probabilities: Reals, y: Whole, threshold: float) -> Figure:
    """Return the fraction of true edges among those with a probability of at least `threshold`; as `efficiency`."""
    accepted = _accepted(probabilities, y, threshold)
    return _fraction(y[accepted] == 1)


def hit_positions_mm(x: Reals) -> Reals:
    """Return Cartesian positions (N, 3) in mm of hits x = (r / 1 m, phi / (pi/8), z / 1 m)."""
    r_mm, phi, z_mm = 1000.0 * x[:, 0], np.pi / 8 * x[:, 1], 1000.0 * x[:, 2]
    return np.column_stack([r_mm * np.cos(phi), r_mm * np.sin(phi), z_mm])


def hit_emd_mm(positions_mm: Reals, edge_index: Whole, probabilities: Reals, y: Whole) -> float:
    """Return the energy mover's distance in mm between true and predicted hit weights of one graph.

    The weight of a hit is the sum over its edges, of `y` in the one distribution and of the probability in the other;
    each distribution is normalised to 1, and the ground distance is the Euclidean distance of the hits. NaN where a
    distribution is empty. `positions_mm` (N, 3); `edge_index` (2, edges).
    """
    _check(probabilities, y)
    true, predicted = (
        np.bincount(edge_index.ravel(), np.tile(weights, 2).astype(np.float64), len(positions_mm))
        for weights in (y, probabilities)
    )
    if true.sum() == 0 or predicted.sum() == 0:
        return float("nan")
    a, b = np.flatnonzero(true), np.flatnonzero(predicted)
    ground = np.linalg.norm(positions_mm[a][:, None] - positions_mm[b][None], axis=-1)
    return float(ot.emd2(true[a] / true.sum(), predicted[b] / predicted.sum(), ground, check_marginals=False))


def _accepted(probabilities: Reals, y: Whole, threshold: float) -> NDArray[np.bool_]:
    _check(probabilities, y)
    if not 0 < threshold <= 1:
        raise BadInputError(f"the threshold of the probability must lie above 0 and up to 1, not {threshold}")
    return np.asarray(probabilities >= threshold)


def _fraction(chosen: NDArray[np.bool_]) -> Figure:
    if not len(chosen):
        return NOT_DEFINED
    value = float(chosen.mean())
    return Figure(value, float(np.sqrt(value * (1.0 - value) / len(chosen))))


def _check(probabilities: NDArray[Any], y: NDArray[Any]) -> None:
    if probabilities.ndim != 1 or probabilities.shape != y.shape or not len(y):
        raise BadInputError(f"probabilities and labels must be (edges,) alike, not {probabilities.shape}, {y.shape}")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise BadInputError("probabilities must lie in 0..1")
    if not np.isin(y, (0, 1)).all():
        raise BadInputError("labels of edges must be 0 or 1")
