"""Physics of a compressed detector image: energy mover's distances, energy response, centroid, width, zeros.

Images are charges of the 48 trigger cells, (events, cells), not negative. Metrics give one number an event, NaN
where an image is empty; `summarise` counts and excludes those.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import ot
from numpy.typing import NDArray

from codesign.errors import BadInputError

Reals = NDArray[np.float64]
CENTRAL_68 = (16.0, 84.0)


@dataclass(frozen=True)
class Summary:
    """Mean, median and central 68 % interval of `count` values; `excluded` events had an empty image."""

    count: int
    excluded: int
    mean: float
    median: float
    low68: float
    high68: float


def summarise(values: Reals) -> Summary:
    """Return the summary of one value an event (events,); NaN counts as excluded. All NaN if nothing is left."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return Summary(0, len(values), *[float("nan")] * 4)
    low, median, high = np.percentile(kept, [CENTRAL_68[0], 50.0, CENTRAL_68[1]])
    return Summary(len(kept), len(values) - len(kept), float(kept.mean()), float(median), float(low), float(high))


def emd_shape(reference: NDArray[Any], response: NDArray[Any], distance: Reals) -> Reals:
    """Return the ECON-T shape distance (events,): exact optimal transport between both images, each normalised to 1.

    `distance` (cells, cells) is the ground distance; NaN where either image is empty. Definition: public Ecoder code
    of the ECON-T autoencoder (`ot.emd2` on the hexagon metric of the module). Raises `BadInputError` for negative
    or not finite charges and for shapes that do not fit.
    """
    left, right = _checked(reference, response)
    _check_distance(distance, left.shape[1])
    return np.array([_transport(a, b, distance) for a, b in zip(left, right, strict=True)])


def emd_energy(reference: NDArray[Any], response: NDArray[Any], distance: Reals, radius: float) -> Reals:
    """Return the energy mover's distance of Komiske, Metodiev and Thaler, PRL 123 (2019) 041801, eq. 1, (events,).

    In units of charge: transport at distance / `radius` per unit of charge, plus the difference of the totals.
    `radius` R must be at least half of the largest distance, else it is no metric. NaN where the reference is empty.
    """
    left, right = _checked(reference, response)
    _check_distance(distance, left.shape[1])
    if not distance.max() / 2 <= radius < np.inf:
        least = f"{distance.max() / 2:.3f}"
        raise BadInputError(f"radius must be finite and at least half the largest distance, {least}, not {radius}")
    cost = np.pad(distance / radius, (0, 1), constant_values=1.0)  # the extra cell takes what has no partner
    cost[-1, -1] = 0.0
    values = [_unbalanced(a, b, cost) if a.sum() > 0 else np.nan for a, b in zip(left, right, strict=True)]
    return np.array(values)


def energy_response(reference: NDArray[Any], response: NDArray[Any]) -> Reals:
    """Return total response / total reference (events,); NaN where the reference is empty."""
    left, right = _checked(reference, response)
    return _ratio(right.sum(axis=1), left.sum(axis=1))


def centroid_shift(reference: NDArray[Any], response: NDArray[Any], positions: Reals) -> Reals:
    """Return the distance between the charge centroids (events,) in units of `positions` (cells, 2); NaN if empty."""
    left, right = _checked(reference, response)
    _check_positions(positions, left.shape[1])
    return np.asarray(np.linalg.norm(_centroid(right, positions) - _centroid(left, positions), axis=1))


def rms_difference(reference: NDArray[Any], response: NDArray[Any], positions: Reals) -> Reals:
    """Return the charge-weighted RMS radius of the response minus that of the reference (events,); NaN if empty."""
    left, right = _checked(reference, response)
    _check_positions(positions, left.shape[1])
    return np.asarray(_rms_radius(right, positions) - _rms_radius(left, positions))


def zero_fraction(response: NDArray[Any]) -> Reals:
    """Return the fraction of cells with no charge (events,)."""
    (charges,) = _checked(response)
    return np.asarray((charges == 0).mean(axis=1))


def _transport(left: Reals, right: Reals, distance: Reals) -> float:
    if left.sum() == 0 or right.sum() == 0:
        return float("nan")
    # Empty cells take no part; leaving them out makes the linear programme smaller and changes nothing.
    a, b = np.flatnonzero(left), np.flatnonzero(right)
    ground = np.ascontiguousarray(distance[np.ix_(a, b)])
    weights = left[a] / left[a].sum(), right[b] / right[b].sum()
    return float(ot.emd2(*weights, ground, check_marginals=False))


def _unbalanced(left: Reals, right: Reals, cost: Reals) -> float:
    total = max(left.sum(), right.sum())
    a = np.append(left, total - left.sum()) / total
    b = np.append(right, total - right.sum()) / total
    return float(ot.emd2(a, b, cost, check_marginals=False) * total)


def _centroid(charges: Reals, positions: Reals) -> Reals:
    total = charges.sum(axis=1)
    return np.stack([_ratio(charges @ positions[:, k], total) for k in range(positions.shape[1])], axis=1)


def _rms_radius(charges: Reals, positions: Reals) -> Reals:
    offsets = positions[None] - _centroid(charges, positions)[:, None]
    return np.asarray(np.sqrt(_ratio((charges * (offsets**2).sum(axis=2)).sum(axis=1), charges.sum(axis=1))))


def _ratio(numerator: Reals, denominator: Reals) -> Reals:
    nothing = np.full(len(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=nothing, where=denominator > 0))


def _checked(*images: NDArray[Any]) -> list[Reals]:
    """Return the images as float64; all must be (events, cells) alike, finite and not negative."""
    arrays = [np.asarray(image, dtype=np.float64) for image in images]
    for array in arrays:
        if array.ndim != 2 or array.shape != arrays[0].shape:
            raise BadInputError(
                f"images must be (events, cells) alike, not {' and '.join(str(a.shape) for a in arrays)}"
            )
        if not np.isfinite(array).all() or (array < 0).any():
            raise BadInputError("charges must be finite and not negative; remove the events that are not")
    return arrays


def _check_distance(distance: Reals, cells: int) -> None:
    if distance.shape != (cells, cells) or not np.isfinite(distance).all() or (distance < 0).any():
        raise BadInputError(f"the distance must be ({cells}, {cells}), finite and not negative, got {distance.shape}")


def _check_positions(positions: Reals, cells: int) -> None:
    if positions.shape != (cells, 2) or not np.isfinite(positions).all():
        raise BadInputError(f"the positions must be ({cells}, 2) and finite, got {positions.shape}")
