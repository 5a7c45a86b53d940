"""The embedded jets: repeatable, physical, and refused where they cannot be made."""

import numpy as np
import pytest

from codesign.data import jets
from codesign.data.jet_features import NAMES, features
from codesign.errors import BadInputError


@pytest.fixture(scope="module")
def sample():
    return jets.generate(3000, seed=2)


def median(sample, name, feature):
    x, labels = sample
    return np.median(features(x[labels == jets.CLASSES.index(name)])[:, NAMES.index(feature)])


def test_fewer_jets_are_the_first_of_more_and_another_seed_gives_others(sample):
    for whole, part, other in zip(sample, jets.generate(700, 2), jets.generate(700, 3), strict=True):
        np.testing.assert_array_equal(whole[:700], part)
        assert not np.array_equal(part, other)


def test_constituents_fall_in_momentum_inside_the_jet_and_absent_ones_are_zero(sample):
    x, labels = sample
    assert x.shape == (3000, 16, 3) and labels.shape == (3000,)
    assert (np.diff(x[..., 0], axis=1) <= 0).all() and (x[..., 0] >= 0).all()
    assert np.hypot(x[..., 1], x[..., 2]).max() <= jets.JET_RADIUS
    assert not x[x[..., 0] == 0].any()
    assert np.bincount(labels).min() > 500


def test_masses_and_prongs_are_those_of_the_classes(sample):
    assert median(sample, "W", "mass") == pytest.approx(80.4, rel=0.08)
    assert median(sample, "Z", "mass") / median(sample, "W", "mass") == pytest.approx(91.2 / 80.4, rel=0.05)
    assert 130 < median(sample, "t", "mass") < 180
    assert median(sample, "W", "tau21") < 0.7 * median(sample, "q", "tau21")
    assert median(sample, "t", "tau32") < 0.7 * median(sample, "W", "tau32")
    assert median(sample, "g", "multiplicity") > median(sample, "q", "multiplicity")


def test_decays_conserve_four_momentum():
    rng = np.random.default_rng(0)
    parent = np.stack([np.hypot(900.0, [172.5, 80.4]), [900.0, 900.0], [0.0, 0.0], [0.0, 0.0]], axis=1)
    first, second = jets._decay(rng, parent, np.array([80.4, 0.0]), np.array([4.8, 0.0]))
    # Float64 boosts of momenta near 1000 GeV; squares of them, 1e6, cancel in the masses.
    np.testing.assert_allclose(first + second, parent, rtol=0, atol=1e-9)
    mass2 = [d[:, 0] ** 2 - (d[:, 1:] ** 2).sum(axis=1) for d in (first, second)]
    np.testing.assert_allclose(mass2, [[80.4**2, 0.0], [4.8**2, 0.0]], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("count", "seed"), [(0, 1), (10_000_001, 1), (1, -1)])
def test_impossible_samples_are_refused(count, seed):
    with pytest.raises(BadInputError, match="must"):
        jets.generate(count, seed)
