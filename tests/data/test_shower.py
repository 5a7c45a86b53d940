import hashlib
from pathlib import Path

import numpy as np
import pytest

from codesign.data.codes import decode, encode
from codesign.data.shower import compare, compare_figure, correlation_by_distance, generate
from codesign.errors import BadInputError

STORED = Path(__file__).parents[2].parent / "shared" / "data" / "econt" / "econt_trigger_cells.npz"


@pytest.fixture(scope="module")
def sample():
    return generate(5000, seed=11)


@pytest.fixture(scope="module")
def ttbar():
    if not STORED.exists():
        pytest.skip("the detector sample econt_trigger_cells.npz is not on this machine")
    return np.load(STORED, allow_pickle=False)["ttbar_calq"].astype(np.int64)


def test_shape_type_and_lattice(sample):
    assert sample.shape == (5000, 48)
    assert sample.dtype == np.int64
    assert np.array_equal(decode(encode(sample, drop=3), rounding="half", drop=3), sample)
    assert sample.min() >= 4


def test_same_seed_same_images_on_every_machine():
    digest = hashlib.sha256(generate(100, seed=7).astype("<i8").tobytes()).hexdigest()
    assert digest == "fb6f22f11f20337256af46f56c451346b32eb0dd644ca93c304929fb31ce15c7"


def test_fewer_images_are_the_first_of_more(sample):
    assert np.array_equal(generate(1500, seed=11), sample[:1500])


def test_seeds_and_images_differ(sample):
    assert not np.array_equal(generate(10, seed=12), sample[:10])
    assert len(np.unique(sample, axis=0)) == len(sample)


def test_agreement_with_the_ttbar_sample(sample, ttbar):
    result = compare(sample, ttbar)
    assert result.occupancy_ks < 0.06
    assert result.charge_ks < 0.03
    assert result.charge_wasserstein_log2 < 0.12
    assert result.correlation_difference < 0.035


def test_images_without_correlation_or_at_another_energy_disagree(sample, ttbar):
    rng = np.random.Generator(np.random.PCG64(1))
    shuffled = np.stack([rng.permutation(column) for column in sample.T], axis=1)
    assert compare(shuffled, ttbar).correlation_difference > 0.1
    assert compare(2 * sample, ttbar).charge_ks > 0.2


def test_a_sample_agrees_with_itself(sample):
    result = compare(sample, sample)
    assert (result.occupancy_ks, result.charge_ks, result.charge_wasserstein_log2) == (0.0, 0.0, 0.0)
    assert result.correlation_difference == 0.0


def test_figure_is_written_and_returns_the_distances(sample, tmp_path):
    path = tmp_path / "compare.png"
    assert compare_figure(sample[:500], sample[500:1000], path) == compare(sample[:500], sample[500:1000])
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("count", "seed", "message"), [(0, 1, "1..10000000"), (-5, 1, "got -5"), (1, -1, "negative")])
def test_bad_arguments_are_refused(count, seed, message):
    with pytest.raises(BadInputError, match=message):
        generate(count, seed)


def test_constant_cell_is_refused():
    with pytest.raises(BadInputError, match="never changes"):
        correlation_by_distance(np.ones((5, 48), dtype=np.int64))
