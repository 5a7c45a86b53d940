"""Substructure features against plain sums over pairs and triples, and against what symmetry demands."""

from itertools import combinations

import numpy as np
import pytest

from codesign.data.jet_features import NAMES, features


def jet(*constituents, size=8):
    rows = np.zeros((1, size, 3))
    rows[0, : len(constituents)] = np.reshape(constituents, (-1, 3))
    return rows


def feature(jets, name):
    return features(jets)[:, NAMES.index(name)]


@pytest.fixture
def random_jets():
    rng = np.random.default_rng(5)
    return np.concatenate([rng.exponential(50, (20, 8, 1)), rng.normal(0, 0.3, (20, 8, 2))], axis=-1)


def test_correlations_are_sums_over_pairs_and_triples(random_jets):
    for one in random_jets[:5]:
        z, angle = one[:, 0] / one[:, 0].sum(), lambda i, j, one=one: np.hypot(*(one[i] - one[j])[1:])
        for beta in (1, 2):
            e2 = sum(z[i] * z[j] * angle(i, j) ** beta for i, j in combinations(range(8), 2))
            e3 = one3 = two3 = 0.0
            for i, j, k in combinations(range(8), 3):
                small, middle, large = sorted((angle(i, j) ** beta, angle(i, k) ** beta, angle(j, k) ** beta))
                weight = z[i] * z[j] * z[k]
                e3, one3 = e3 + weight * small * middle * large, one3 + weight * small
                two3 += weight * small * middle
            expected = {"C1": e2, "C2": e3 / e2**2, "D2": e3 / e2**3, "M2": one3 / e2, "N2": two3 / e2**2}
            for name, value in expected.items():
                assert feature(one[None], f"{name}_{beta}")[0] == pytest.approx(value, rel=1e-9)


def test_the_mass_of_two_massless_particles():
    pair = jet((100.0, 0.1, 0.2), (50.0, -0.3, 0.0))
    expected = np.sqrt(2 * 100 * 50 * (np.cosh(0.4) - np.cos(0.2)))
    assert feature(pair, "mass")[0] == pytest.approx(expected)


def test_n_prongs_have_no_n_subjettiness_left():
    two = jet((100.0, 0.0, 0.0), (50.0, 0.4, 0.0))
    assert feature(two, "tau21")[0] == 0.0
    three = jet((100.0, 0.0, 0.0), (50.0, 0.4, 0.0), (30.0, 0.0, 0.3))
    assert feature(three, "tau21")[0] > 0.1 and feature(three, "tau32")[0] == 0.0


def test_features_do_not_depend_on_the_order_or_on_absent_constituents(random_jets):
    shuffled = random_jets[:, np.random.default_rng(1).permutation(8)]
    # Float64 sums in another order; the largest feature, a mass, is below 1000.
    np.testing.assert_allclose(features(shuffled), features(random_jets), rtol=0, atol=1e-9)
    padded = np.concatenate([random_jets, np.zeros((20, 8, 3))], axis=1)
    np.testing.assert_allclose(features(padded), features(random_jets), rtol=0, atol=1e-9)


def test_all_but_the_mass_do_not_depend_on_the_energy_scale(random_jets):
    scaled = random_jets * [2.0, 1.0, 1.0]
    ratio = features(scaled) / features(random_jets)
    expected = [2.0 if name == "mass" else 1.0 for name in NAMES]
    # Ratios of order one in float64.
    np.testing.assert_allclose(ratio, np.tile(expected, (20, 1)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("constituents", [(), ((80.0, 0.1, 0.1),)])
def test_jets_of_no_or_one_constituent_have_finite_features(constituents):
    values = features(jet(*constituents))[0]
    assert np.isfinite(values).all()
    assert values[NAMES.index("multiplicity")] == len(constituents)
    assert not values[1:].any()
