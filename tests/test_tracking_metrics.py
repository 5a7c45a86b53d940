"""Edge figures against counting, the distance of hit weights against known answers, truncated edges as missed."""

import numpy as np
import pytest

from codesign.data.tracking import generated_graphs, pad
from codesign.data.tracks import generate
from codesign.errors import BadInputError
from codesign.tracking_metrics import edge_auc, efficiency, hit_emd_mm, hit_positions_mm, purity

P = np.array([0.9, 0.5, 0.4, 0.8, 0.1])
Y = np.array([1, 1, 1, 0, 0])


def test_efficiency_and_purity_are_those_of_counting():
    assert efficiency(P, Y, 0.5).value == pytest.approx(2 / 3)  # a probability of just the threshold counts
    assert efficiency(P, Y, 0.5).error == pytest.approx(np.sqrt(2 / 27))
    assert purity(P, Y, 0.5).value == pytest.approx(2 / 3)
    assert purity(P, Y, 0.85).value == 1.0
    assert np.isnan(purity(P, Y, 0.95).value) and np.isnan(efficiency(P, 0 * Y, 0.5).value)


def test_the_area_is_the_fraction_of_ordered_pairs():
    assert edge_auc(P, Y).value == pytest.approx(4 / 6)
    assert edge_auc(Y * 1.0, Y).value == 1.0 and edge_auc(0 * P, Y).value == 0.5


def test_truncated_true_edges_are_missed_and_cost_area_and_efficiency():
    graphs = generated_graphs(20, seed=4)
    padded = pad(graphs, 40, 40)
    found = padded.unpad(padded.y.astype(float))  # perfect where there is a place
    lost = graphs.y.sum() - padded.y.sum()
    assert lost > 0
    assert efficiency(found, graphs.y, 0.5).value == pytest.approx(1 - lost / graphs.y.sum())
    assert purity(found, graphs.y, 0.5).value == 1.0
    assert edge_auc(found, graphs.y).value == pytest.approx(1 - lost / graphs.y.sum() / 2)


def test_positions_are_cartesian():
    found = hit_positions_mm(np.array([[0.1, 4.0, -0.5], [0.2, 0.0, 0.3]]))
    # The cosine of pi/2 is 6e-17 in float64.
    np.testing.assert_allclose(found, [[0, 100, -500], [200, 0, 300]], rtol=0, atol=1e-12)


def test_the_distance_is_the_way_that_weight_must_go():
    positions = np.array([[0.0, 0, 0], [10.0, 0, 0], [10.0, 5.0, 0], [7.0, 7.0, 7.0]])
    index = np.array([[0, 0], [1, 2]])
    half_moves_5_mm = hit_emd_mm(positions, index, np.array([0.0, 0.8]), np.array([1, 0]))
    assert half_moves_5_mm == pytest.approx(0.5 * 5.0)
    assert hit_emd_mm(positions, index, np.array([0.3, 0.3]), np.array([1, 1])) == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(hit_emd_mm(positions, index, np.zeros(2), np.array([1, 0])))
    assert np.isnan(hit_emd_mm(positions, index, np.ones(2), np.array([0, 0])))


def test_the_distance_grows_as_probabilities_get_worse():
    sectors = generate(20, seed=5)
    rng = np.random.default_rng(0)
    noise = [rng.random(len(sector.y)) for sector in sectors]

    def mean(share):
        blurred = [(1 - share) * sector.y + share * extra for sector, extra in zip(sectors, noise, strict=True)]
        return np.nanmean(
            [
                hit_emd_mm(hit_positions_mm(sector.x), sector.edge_index, p, sector.y)
                for sector, p in zip(sectors, blurred, strict=True)
            ]
        )

    distances = [mean(share) for share in (0.0, 0.2, 0.5, 1.0)]
    assert distances[0] == pytest.approx(0.0, abs=1e-9) and np.all(np.diff(distances) > 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edge_auc(P[:3], Y), "must be .edges,. alike"),
        (lambda: edge_auc(P + 0.5, Y), r"probabilities must lie in 0\.\.1"),
        (lambda: edge_auc(P * np.nan, Y), r"probabilities must lie in 0\.\.1"),
        (lambda: purity(P, Y + 1, 0.5), "labels of edges must be 0 or 1"),
        (lambda: efficiency(P, Y, 0.0), "threshold of the probability must lie above 0"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(BadInputError, match=message):
        call()
