"""The physics metrics: axioms, cases worked out by hand, and an independent linear programme."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from codesign.data.geometry import HEX_METRIC, LATTICE_XY
from codesign.errors import BadInputError
from codesign.metrics import (
    centroid_shift,
    emd_energy,
    emd_shape,
    energy_response,
    rms_difference,
    summarise,
    zero_fraction,
)

RADIUS = float(HEX_METRIC.max())
LINE = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))  # three cells in a row, one apart


def images(count, seed, occupied=0.5):
    rng = np.random.default_rng(seed)
    charges = np.floor(rng.exponential(100.0, (count, 48))) * (rng.random((count, 48)) < occupied)
    charges[:, 0] += 1.0
    return charges


def single(cell, charge=1.0):
    image = np.zeros((1, 48))
    image[0, cell] = charge
    return image


def shape_by_linear_programme(left, right, distance):
    """Transport of all of a normalised image to another."""
    a, b, cells = left / left.sum(), right / right.sum(), len(left)
    sums = np.vstack([np.kron(np.eye(cells), np.ones(cells)), np.kron(np.ones(cells), np.eye(cells))])
    return linprog(distance.ravel(), A_eq=sums, b_eq=np.concatenate([a, b]), method="highs").fun


def energy_by_linear_programme(left, right, distance, radius):
    """Equation 1 of PRL 123 (2019) 041801 as it stands: partial transport of the smaller total, plus the difference."""
    cells, moved = len(left), min(left.sum(), right.sum())
    limits = np.vstack([np.kron(np.eye(cells), np.ones(cells)), np.kron(np.ones(cells), np.eye(cells))])
    solution = linprog(
        distance.ravel() / radius,
        A_ub=limits,
        b_ub=np.concatenate([left, right]),
        A_eq=np.ones((1, cells * cells)),
        b_eq=[moved],
        method="highs",
    )
    return solution.fun + abs(left.sum() - right.sum())


def test_both_distances_equal_an_independent_linear_programme():
    left, right = images(6, seed=1), images(6, seed=2, occupied=0.2)
    shapes = [shape_by_linear_programme(a, b, HEX_METRIC) for a, b in zip(left, right, strict=True)]
    energies = [energy_by_linear_programme(a, b, HEX_METRIC, RADIUS) for a, b in zip(left, right, strict=True)]
    # Two solvers in float64; distances of shapes are below 14, of energies below 1e4.
    np.testing.assert_allclose(emd_shape(left, right, HEX_METRIC), shapes, rtol=0, atol=1e-9)
    np.testing.assert_allclose(emd_energy(left, right, HEX_METRIC, RADIUS), energies, rtol=0, atol=1e-9)


def test_the_linear_programme_sees_a_wrong_ground_distance():
    left, right = images(1, seed=3), images(1, seed=4)
    wrong = HEX_METRIC.copy()
    wrong[:24] *= 1.1
    assert emd_shape(left, right, wrong)[0] != pytest.approx(shape_by_linear_programme(left[0], right[0], HEX_METRIC))


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 47), (3, 35), (12, 30)])
def test_the_shape_distance_of_two_cells_is_their_distance(first, second):
    assert emd_shape(single(first, 7.0), single(second, 500.0), HEX_METRIC) == pytest.approx(HEX_METRIC[first, second])


def test_cases_worked_out_by_hand():
    left, right = np.array([[2.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 3.0]])
    # three quarters of the image move by 2
    assert emd_shape(left, right, LINE)[0] == pytest.approx(1.5)
    # of 2 units one stays, one moves by 2 at R = 2, and 2 of 4 units have no partner
    assert emd_energy(left, right, LINE, radius=2.0)[0] == pytest.approx(1.0 + 2.0)
    # nothing arrives: the whole reference is missing
    assert emd_energy(left, np.zeros((1, 3)), LINE, radius=2.0)[0] == pytest.approx(2.0)


def metrics():
    return [
        lambda a, b: emd_shape(a, b, HEX_METRIC),
        lambda a, b: emd_energy(a, b, HEX_METRIC, RADIUS),
        lambda a, b: emd_energy(a, b, HEX_METRIC, RADIUS / 2),
    ]


@pytest.mark.parametrize("metric", metrics())
@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.3, 1.0]))
def test_the_distances_are_metrics(metric, seed, occupied):
    a, b, c = (images(1, seed + k, occupied) for k in range(3))
    assert metric(a, a)[0] == pytest.approx(0.0, abs=1e-9)
    assert metric(a, b)[0] == pytest.approx(metric(b, a)[0])
    assert 0 < metric(a, b)[0] <= (metric(a, c)[0] + metric(c, b)[0]) * (1 + 1e-9)


def test_scaling():
    left, right = images(5, seed=5), images(5, seed=6)
    shape = emd_shape(left, right, HEX_METRIC)
    # Float64, as above.
    np.testing.assert_allclose(emd_shape(left * 7, right / 3, HEX_METRIC), shape, rtol=0, atol=1e-9)
    np.testing.assert_allclose(emd_shape(left, right, HEX_METRIC * 2), shape * 2, rtol=0, atol=1e-9)
    energy = emd_energy(left, right, HEX_METRIC, RADIUS)
    np.testing.assert_allclose(emd_energy(left * 7, right * 7, HEX_METRIC, RADIUS), energy * 7, rtol=0, atol=1e-9)
    assert (energy >= np.abs(left.sum(axis=1) - right.sum(axis=1)) * (1 - 1e-12)).all()


def test_energy_response_centroid_width_and_zeros_by_hand():
    positions = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]])
    left, right = np.array([[1.0, 1.0, 0.0]]), np.array([[0.0, 0.0, 3.0]])
    assert energy_response(left, right)[0] == pytest.approx(1.5)
    assert centroid_shift(left, right, positions)[0] == pytest.approx(np.hypot(2.0, 3.0))
    assert rms_difference(left, right, positions)[0] == pytest.approx(-2.0)
    assert zero_fraction(right)[0] == pytest.approx(2 / 3)


def test_empty_images_are_nan_in_the_metric_and_counted_as_excluded():
    left, right = images(4, seed=7), images(4, seed=8)
    left[1], right[2] = 0.0, 0.0
    for values in (emd_shape(left, right, HEX_METRIC), centroid_shift(left, right, LATTICE_XY)):
        assert np.isnan(values).tolist() == [False, True, True, False]
        summary = summarise(values)
        assert (summary.count, summary.excluded) == (2, 2)
        assert summary.mean == pytest.approx(np.nanmean(values))
    for values in (emd_energy(left, right, HEX_METRIC, RADIUS), energy_response(left, right)):
        assert np.isnan(values).tolist() == [False, True, False, False]


def test_summary_is_mean_median_and_central_interval():
    summary = summarise(np.append(np.arange(101.0), np.nan))
    assert (summary.count, summary.excluded, summary.mean, summary.median) == (101, 1, 50.0, 50.0)
    assert (summary.low68, summary.high68) == (16.0, 84.0)
    nothing = summarise(np.array([np.nan, np.nan]))
    assert (nothing.count, nothing.excluded) == (0, 2)
    assert np.isnan([nothing.mean, nothing.median, nothing.low68, nothing.high68]).all()


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_charges_are_errors_in_every_metric(bad):
    good, wrong = images(2, seed=9), images(2, seed=9)
    wrong[1, 5] = bad
    calls = [
        lambda a, b: emd_shape(a, b, HEX_METRIC),
        lambda a, b: emd_energy(a, b, HEX_METRIC, RADIUS),
        energy_response,
        lambda a, b: centroid_shift(a, b, LATTICE_XY),
        lambda a, b: rms_difference(a, b, LATTICE_XY),
    ]
    for call in calls:
        for pair in ((good, wrong), (wrong, good)):
            with pytest.raises(BadInputError, match="finite and not negative"):
                call(*pair)
    with pytest.raises(BadInputError, match="finite and not negative"):
        zero_fraction(wrong)


def test_shapes_that_do_not_fit_are_errors():
    image = images(2, seed=10)
    for other in (image[:1], image[:, :47], image[0]):
        with pytest.raises(BadInputError, match="alike"):
            emd_shape(image, other, HEX_METRIC)
        with pytest.raises(BadInputError, match="alike"):
            energy_response(image, other)
    for distance in (HEX_METRIC[:10], -HEX_METRIC, HEX_METRIC * np.nan):
        with pytest.raises(BadInputError, match="distance must be"):
            emd_shape(image, image, distance)
    with pytest.raises(BadInputError, match="positions must be"):
        centroid_shift(image, image, LATTICE_XY[:10])


@pytest.mark.parametrize("radius", [RADIUS / 2 - 0.01, 0.0, -1.0, np.nan, np.inf])
def test_a_radius_that_gives_no_metric_is_an_error(radius):
    with pytest.raises(BadInputError, match="radius must be"):
        emd_energy(images(1, seed=11), images(1, seed=12), HEX_METRIC, radius)
