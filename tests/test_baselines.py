"""The chip's other algorithms: cases by hand, properties, and what the stored samples give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.baselines import (
    ALGORITHMS,
    TILES,
    best_choice_cells,
    decode_cells,
    decode_super_cells,
    encode_best_choice,
    encode_super_cells,
    encode_threshold_sum,
    fitting_threshold,
    reconstruct,
    sorting_network,
    spread_rest,
    super_cells,
    threshold_sum_words,
)
from codesign.data.geometry import HEX_METRIC, LATTICE_XY
from codesign.data.shower import generate
from codesign.errors import BadInputError
from codesign.metrics import emd_shape


def event(**charges):
    """One event with the charges of the named cells, as c7=100."""
    image = np.zeros((1, 48), dtype=np.int64)
    for name, charge in charges.items():
        image[0, int(name[1:])] = charge
    return image


def test_cells_per_link_are_those_of_the_chip():
    assert [best_choice_cells(k) for k in range(1, 14)] == [1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48]
    assert [super_cells(k) for k in range(1, 14)] == [2, 5, 8, 11] + [12] * 9


def test_the_tiles_are_compact_and_cover_the_module_once():
    assert sorted(TILES.ravel()) == list(range(48))
    assert all(HEX_METRIC[np.ix_(tile, tile)].max() < 3.5 for tile in TILES)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(2, 60), st.sampled_from([2, 10, 10**6]))
def test_the_network_sorts(seed, count, values):
    data = np.random.default_rng(seed).integers(0, values, (20, count))
    order = sorting_network(data)
    assert (np.sort(order, axis=1) == np.arange(count)).all()
    np.testing.assert_array_equal(np.take_along_axis(data, order, axis=1), -np.sort(-data, axis=1))


def test_best_choice_by_hand():
    charges = event(c3=100, c7=400, c40=40, c41=24)
    cells = encode_best_choice(charges, links=1)
    assert np.flatnonzero(cells.sent).tolist() == [7]
    # 400 >> 3 = 50 = 0b110010: exponent 6 - 3 = 3, mantissa 0b100; the rest is (100 >> 3) + 5 + 3 = 20 = 0b10100
    assert (cells.codes[0, 7], cells.rest[0]) == (0b0011_100, 0b00010_010)
    # 0b1100 << 2 more bits, all times 8, plus half of the 5 cut bits; the rest 20 << 3 plus half of 4 bits cut
    decoded = decode_cells(cells)
    assert decoded[0, 7] == 384 + 16
    assert decoded.sum() == 400
    assert spread_rest(cells, drop=3)[0] == pytest.approx([0 if k == 7 else (160 + 8) / 47 for k in range(48)])


def test_threshold_sum_by_hand():
    cells = encode_threshold_sum(event(c0=46, c1=47, c2=48), threshold=47)
    assert np.flatnonzero(cells.sent).tolist() == [1, 2]
    # 46 = 0b101110: exponent 6 - 3 = 3, mantissa 0b011
    assert cells.rest[0] == 0b00011_011


def test_super_cells_by_hand():
    charges = event(c0=10, c1=30, c2=30, c3=5, c44=7)
    cells = encode_super_cells(charges, links=5)
    assert cells.address[0, [0, 1, 11]].tolist() == [2, 3, 0]  # of equal cells the last
    decoded = decode_super_cells(cells)
    # 75 = 0b1001011 keeps 0b10010, which is 72, plus half of the 2 bits cut
    assert {int(k): decoded[0, k] for k in np.flatnonzero(decoded)} == {2: 74.0, 44: 7.0}
    assert decode_super_cells(encode_super_cells(charges, links=4))[0, 44] == 0


def test_frame_lengths_of_the_threshold_sum():
    # 16; 16 + 3 + 13 = 32; 16 + 3 + 91 = 110; 16 + 48 + 56 = 120; 16 + 48 + 336 = 400 bits
    assert threshold_sum_words(np.array([0, 1, 7, 8, 48])).tolist() == [1, 2, 7, 8, 25]


@pytest.mark.parametrize("links", [1, 5, 9, 12])
def test_the_fitting_threshold_is_the_lowest_that_fits(links):
    charges = generate(500, seed=1)
    threshold = fitting_threshold(charges, links)
    words = [threshold_sum_words((charges >= t).sum(axis=1)).mean() for t in (threshold, threshold - 1)]
    assert words[0] <= 2 * links < words[1]


def test_more_links_are_not_worse():
    charges = generate(200, seed=2)
    for algorithm in ALGORITHMS:
        shapes = [emd_shape(charges, reconstruct(algorithm, charges, links), HEX_METRIC) for links in (2, 5, 13)]
        means = [np.nanmean(shape) for shape in shapes]  # at 2 links the threshold sum sends some events no cell
        assert means[0] > means[1] >= means[2], algorithm


def test_all_links_carry_every_cell():
    charges = generate(200, seed=3)
    for algorithm in ("threshold sum", "best choice"):
        np.testing.assert_array_equal(reconstruct(algorithm, charges, 13), np.where(charges > 7, charges, 0))


def test_sums_restore_the_energy():
    charges = generate(500, seed=4)
    for algorithm in ALGORITHMS:
        response = (reconstruct(algorithm, charges, 5).sum(axis=1) / charges.sum(axis=1)).mean()
        if algorithm in ("threshold sum", "best choice"):
            assert response < 0.95
        else:
            assert response == pytest.approx(1.0, abs=0.02)


def test_empty_events_stay_empty():
    charges = np.concatenate([generate(20, seed=5), np.zeros((1, 48), dtype=np.int64)])
    for algorithm in ALGORITHMS:
        assert not reconstruct(algorithm, charges, 5)[-1].any()


def test_super_cells_stay_near():
    charges = event(c17=1000)
    shared = reconstruct("super trigger cell, spread", charges, 5)[0]
    assert np.linalg.norm(LATTICE_XY[np.flatnonzero(shared)] - LATTICE_XY[17], axis=1).max() < 3.5


@pytest.mark.parametrize(
    ("algorithm", "charges", "links", "match"),
    [
        ("worst choice", np.zeros((1, 48), int), 5, "algorithm must be one of threshold sum"),
        ("best choice", np.zeros((1, 48), int), 0, "links must lie in 1..13"),
        ("best choice", np.zeros((1, 48), int), 14, "links must lie in 1..13"),
        ("best choice", np.zeros((1, 47), int), 5, "must be"),
        ("best choice", np.zeros((0, 48), int), 5, "at least one event"),
        ("best choice", np.zeros((1, 48)), 5, "integers"),
        ("best choice", np.full((1, 48), -1), 5, "at least 0"),
    ],
)
def test_bad_input_is_refused(algorithm, charges, links, match):
    with pytest.raises(BadInputError, match=match):
        reconstruct(algorithm, charges, links)


@pytest.mark.slow
def test_figures_of_the_stored_samples(shared_data):
    """Mean emd_shape at 5 links in half pitches, as docs/metrics.md states them."""
    with np.load(shared_data / "econt" / "econt_trigger_cells.npz", allow_pickle=False) as file:
        samples = [file["ttbar_calq"].astype(np.int64), file["eportrx_calq"].astype(np.int64)]
    expected = {
        "threshold sum": (1.524, 0.572),
        "threshold sum, rest spread": (0.415, 0.458),
        "best choice": (1.247, 0.264),
        "best choice, rest spread": (0.355, 0.208),
        "super trigger cell": (1.140, 0.672),
        "super trigger cell, spread": (0.578, 1.121),
    }
    for algorithm in ALGORITHMS:
        means = [emd_shape(sample, reconstruct(algorithm, sample, 5), HEX_METRIC).mean() for sample in samples]
        assert means == pytest.approx(expected[algorithm], abs=0.001), algorithm
