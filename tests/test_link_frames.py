"""The link frames against the stored outputs of the chip, and packing against unpacking."""

import csv

import numpy as np
import pytest

from codesign.baselines import SentCells, encode_best_choice, encode_super_cells, encode_threshold_sum
from codesign.data.codes import decode, encode
from codesign.data.shower import generate
from codesign.errors import BadInputError
from codesign.link_frames import (
    from_links,
    headers,
    pack_best_choice,
    pack_repeater,
    pack_super_cells,
    pack_threshold_sum,
    short_headers,
    to_links,
    unpack_best_choice,
    unpack_repeater,
    unpack_super_cells,
    unpack_threshold_sum,
)

SYNC = 290  # of the stored vector sets, as their threshold of 47
PACKERS = {
    "RPT_13eTx": pack_repeater,
    "TS_Thr47_13eTx": lambda charges: pack_threshold_sum(encode_threshold_sum(charges, 47), 13, SYNC),
    "BC_10eTx": lambda charges: pack_best_choice(encode_best_choice(charges, 10), 10),
    "STC_type0_eTx5": lambda charges: pack_super_cells(encode_super_cells(charges, 5), 5),
}


@pytest.fixture(scope="module")
def chip_input(shared_data):
    """Charges in the channel order of the stored sets, whose multiplexer is the identity."""
    with np.load(shared_data / "econt" / "econt_ae_golden.npz", allow_pickle=False) as file:
        return decode(file["codes_premux"], rounding="half", drop=3)


def chip_output(shared_data, name):
    with (shared_data / "econt" / "baselines" / f"{name}.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return np.array([[int(word, 16) for word in row] for row in rows])


@pytest.mark.parametrize("name", PACKERS)
def test_every_word_equals_the_output_of_the_chip(name, chip_input, shared_data):
    stored, packed = chip_output(shared_data, name), to_links(PACKERS[name](chip_input))
    assert stored.shape == (3564, 13)
    np.testing.assert_array_equal(packed, stored[:, : packed.shape[1]])
    assert not stored[:, packed.shape[1] :].any()  # links that are switched off


@pytest.mark.parametrize("name", PACKERS)
def test_a_flipped_input_bit_is_seen(name, chip_input, shared_data):
    packed = to_links(PACKERS[name](np.where(np.arange(48) == 17, chip_input + 4096, chip_input)))
    different = (packed != chip_output(shared_data, name)[:, : packed.shape[1]]).any(axis=1)
    assert different.mean() > 0.99


def test_headers_count_crossings_and_mark_the_start_of_an_orbit():
    assert headers(18).tolist() == [31, *range(1, 16), 0, 1]
    assert short_headers(18).tolist() == [15, *range(1, 8), *range(8), 0, 1]
    assert headers(3566)[3564:].tolist() == [31, 1]


def test_frames_without_and_with_one_cell_are_those_of_public_vectors():
    # All 48 codes are the crossing number: the sums of the first crossings, nothing above the threshold.
    charges = decode(np.tile(np.arange(6)[:, None], (1, 48)), rounding="half", drop=3)
    words = to_links(pack_threshold_sum(encode_threshold_sum(charges, 47), 13, SYNC))
    assert [f"{word:08x}" for word in words[:, 0]] == "f82cf922 08390922 103f1122 18421922 20452122 28482922".split()
    assert (words[0, 1:] == 0xF922F922).all()
    # One cell: channel 22 with code 117, and the code 0x68 of the sum of the others.
    codes = np.zeros((2, 48), dtype=np.int64)
    codes[1, 22] = 117
    cells = SentCells(codes > 0, codes, np.array([0, 0x68]))
    assert to_links(pack_threshold_sum(cells, 13, SYNC))[1, :2].tolist() == [0x0A682B75, 0x09220922]


@pytest.mark.parametrize("threshold", [0, 47, 300, 1000, 5000, 100_000])
def test_threshold_sum_comes_back(threshold):
    cells = encode_threshold_sum(np.maximum(generate(300, seed=1), 12), threshold)
    same(unpack_threshold_sum(pack_threshold_sum(cells, 13, SYNC)), cells)


@pytest.mark.parametrize("links", range(1, 14))
def test_best_choice_and_super_cells_come_back(links):
    charges = np.maximum(generate(300, seed=2), 12)  # no code is 0: such codes are left out, see the next test
    cells = encode_best_choice(charges, links)
    same(unpack_best_choice(pack_best_choice(cells, links), links), cells)
    groups = encode_super_cells(charges, links)
    back = unpack_super_cells(pack_super_cells(groups, links), links)
    np.testing.assert_array_equal(back.codes, groups.codes)
    np.testing.assert_array_equal(back.address, groups.address)


def test_best_choice_loses_the_place_of_a_code_of_zero():
    """The chip leaves codes of 0 out and moves the others up, so the back end cannot place them."""
    charges = np.zeros((1, 48), dtype=np.int64)
    charges[0, [0, 2]] = 100
    cells = encode_best_choice(charges, 13)
    back = unpack_best_choice(pack_best_choice(cells, 13), 13)
    assert back.codes[0, :3].tolist() == [cells.codes[0, 0], cells.codes[0, 2], 0]


def test_repeater_comes_back():
    charges = generate(100, seed=3)
    np.testing.assert_array_equal(unpack_repeater(pack_repeater(charges)), encode(charges, drop=3))


def test_link_words_hold_the_first_word_in_the_upper_half():
    words = np.array([[0x1234, 0x5678, 0x9ABC, 0xDEF0]])
    assert to_links(words).tolist() == [[0x12345678, 0x9ABCDEF0]]
    np.testing.assert_array_equal(from_links(to_links(words)), words)


def test_a_frame_that_is_too_long_is_refused():
    with pytest.raises(BadInputError, match="25 words does not fit 12 links"):
        pack_threshold_sum(encode_threshold_sum(generate(5, seed=4), 0), 12, SYNC)


def test_a_truncated_frame_is_refused():
    words = pack_threshold_sum(encode_threshold_sum(generate(5, seed=5), 47), 13, SYNC)
    words[2, 0] = words[2, 0] & ~(7 << 8) | 6 << 8
    with pytest.raises(BadInputError, match="buffer cut"):
        unpack_threshold_sum(words)


def same(found, cells):
    np.testing.assert_array_equal(found.sent, cells.sent)
    np.testing.assert_array_equal(found.codes, cells.codes)
    np.testing.assert_array_equal(found.rest, cells.rest)
