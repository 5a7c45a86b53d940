from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.data import geometry
from codesign.errors import BadInputError

STORED = Path(__file__).parents[2].parent / "shared" / "data" / "econt" / "econt_trigger_cells.npz"
# The stored centres carry single-precision rounding of the detector drawing: equal distances differ by up to 1.4e-5.
STORED_ROUNDING = 2e-5


@pytest.fixture(scope="module")
def stored():
    if not STORED.exists():
        pytest.skip("the detector sample econt_trigger_cells.npz is not on this machine")
    return np.load(STORED, allow_pickle=False)


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        ("tc_uv", geometry.TC_UV),
        ("ae_image_index_of_tc", geometry.AE_IMAGE_INDEX),
        ("arrange_8x8", geometry.ARRANGE_8X8),
        ("mask_8x8", geometry.MASK_8X8),
        ("remap_8x8", geometry.REMAP_8X8),
    ],
)
def test_integer_tables_equal_the_stored_ones(stored, key, ours):
    assert np.array_equal(stored[key], ours)


def test_supercells_equal_the_stored_ones(stored):
    # the sum over a supercell does not depend on the order of its members
    assert np.array_equal(np.sort(stored["telescope_supercell_tcs"], axis=1), np.sort(geometry.SUPERCELLS, axis=1))
    assert np.abs(stored["telescope_supercell_weight"] - geometry.SUPERCELL_WEIGHTS).max() < 1e-15


def test_coordinates_and_metric_equal_the_stored_ones_within_their_rounding(stored):
    assert np.abs(stored["hex_xy"] - geometry.HEX_XY).max() < STORED_ROUNDING
    assert np.abs(stored["hex_metric"] - geometry.HEX_METRIC).max() < STORED_ROUNDING


def test_metric_is_a_metric_with_the_stated_neighbour_distances():
    metric = geometry.HEX_METRIC
    assert np.array_equal(metric, metric.T)
    assert not metric.diagonal().any()
    assert (metric[:, None, :] <= metric[:, :, None] + metric[None, :, :] + 1e-12).all()
    off_diagonal = metric[~np.eye(48, dtype=bool)]
    assert off_diagonal.min() == pytest.approx(np.sqrt(13) / 2, abs=1e-12)
    assert metric.max() == pytest.approx(13.7568, abs=1e-4)
    assert metric[0, 1] == pytest.approx(2.0, abs=1e-12)


def test_metric_has_the_threefold_symmetry_of_the_module():
    per_rhombus = [np.sort(geometry.HEX_METRIC[i : i + 16].ravel()) for i in (0, 16, 32)]
    # Float64: distances of at most 14 from rotated coordinates.
    assert np.allclose(per_rhombus[0], per_rhombus[1], rtol=0, atol=1e-12)
    assert np.allclose(per_rhombus[0], per_rhombus[2], rtol=0, atol=1e-12)


def test_supercell_members_are_neighbours():
    for members in geometry.SUPERCELLS:
        block = geometry.HEX_METRIC[np.ix_(members, members)]
        assert block.max() < 3.8


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_image_round_trip(seed, count):
    cells = np.random.Generator(np.random.PCG64(seed)).integers(0, 10**6, (count, 48))
    image = geometry.to_image(cells)
    assert image.shape == (count, 1, 8, 8)
    assert image.dtype == cells.dtype
    assert not image[:, 0, 4:, 4:].any()
    assert np.array_equal(image.sum(axis=(1, 2, 3)), cells.sum(axis=1))
    assert np.array_equal(geometry.from_image(image), cells)
    assert np.array_equal(geometry.from_image(image.reshape(count, 64)), cells)


def test_tables_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        geometry.HEX_METRIC[0, 0] = 1.0


@pytest.mark.parametrize("shape", [(48,), (2, 47), (2, 48, 1)])
def test_wrong_cell_shape_is_refused(shape):
    with pytest.raises(BadInputError, match=r"\(n, 48\)"):
        geometry.to_image(np.zeros(shape))


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8), (2, 63)])
def test_wrong_image_shape_is_refused(shape):
    with pytest.raises(BadInputError, match=r"\(n, 1, 8, 8\)"):
        geometry.from_image(np.zeros(shape))
