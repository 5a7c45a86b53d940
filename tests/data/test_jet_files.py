"""Jets from files: constituents, ready features, and one-line errors."""

import numpy as np
import pytest

from codesign.data.jet_features import features
from codesign.data.jet_files import (
    Jets,
    generated_constituents,
    generated_jets,
    load_constituents,
    load_jets,
    split,
)
from codesign.data.jets import generate
from codesign.errors import BadInputError

JETS, LABELS = generate(30, seed=1)
ONE_HOT = np.eye(5)[LABELS]


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "jets.npz", **arrays)
    return tmp_path / "jets.npz"


@pytest.mark.parametrize("labels", [LABELS, ONE_HOT, ONE_HOT.astype(np.float32)])
def test_constituents_become_features(tmp_path, labels):
    loaded = load_jets(saved(tmp_path, x=JETS, y=labels))
    np.testing.assert_array_equal(loaded.features, features(JETS))
    np.testing.assert_array_equal(loaded.labels, LABELS)
    assert load_jets(saved(tmp_path, x=JETS[:, :8], y=labels)).features.shape == (30, 16)


def test_ready_features_stay_as_they_are(tmp_path):
    given = np.arange(480.0).reshape(30, 16)
    np.testing.assert_array_equal(load_jets(saved(tmp_path, x=given, y=LABELS)).features, given)


def test_generated_jets_are_those_of_the_generator():
    np.testing.assert_array_equal(generated_jets(30, 1).features, features(JETS))


def test_constituents_are_the_hardest_of_each_jet(tmp_path):
    path = saved(tmp_path, x=JETS, y=LABELS)
    for count in (8, 16):
        loaded, generated = load_constituents(path, count), generated_constituents(30, 1, count)
        np.testing.assert_array_equal(loaded.features, JETS[:, :count])
        np.testing.assert_array_equal(loaded.features, generated.features)
        np.testing.assert_array_equal(loaded.labels, generated.labels)
        shuffled = load_constituents(saved(tmp_path, x=JETS[:, ::-1], y=LABELS), count)
        np.testing.assert_array_equal(shuffled.features[..., 0], JETS[:, :count, 0])
    with pytest.raises(BadInputError, match="x has 8 constituents a jet; the model reads 16"):
        load_constituents(saved(tmp_path, x=JETS[:, :8], y=LABELS), 16)
    with pytest.raises(BadInputError, match=r"x must be \(n, 8, 3\), .* not \(30, 16\)"):
        load_constituents(saved(tmp_path, x=features(JETS), y=LABELS), 8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": JETS}, "has no array 'y'"),
        ({"x": JETS[:, :5], "y": LABELS}, r"x must be \(n, 8, 3\), \(n, 16, 3\) or \(n, 16\), not \(30, 5, 3\)"),
        ({"x": JETS[:-1], "y": LABELS}, "x has 29 jets, y 30"),
        ({"x": JETS[:0], "y": LABELS[:0]}, "at least one"),
        ({"x": JETS, "y": LABELS + 1}, r"one-hot \(n, 5\) or numbers 0..4"),
        ({"x": JETS, "y": ONE_HOT * 2}, "must hold a single 1 and 4 zeros"),
        ({"x": JETS, "y": np.array(["g"] * 30)}, "'y' must hold numbers"),
        ({"x": np.where(JETS > 0, np.nan, JETS), "y": LABELS}, "'x' holds NaN or a number above 1e.09 in jet 0"),
        ({"x": -JETS, "y": LABELS}, "must not be negative"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, arrays, message):
    with pytest.raises(BadInputError, match=message) as caught:
        load_jets(saved(tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def test_a_split_separates_equal_rows():
    jets = Jets(np.repeat(np.arange(320.0).reshape(20, 16), 3, axis=0), np.repeat(np.arange(20) % 5, 3))
    first, second = split(jets, 0.25, seed=0)
    assert (len(first.labels), len(second.labels)) == (45, 15)
    assert not {tuple(row) for row in first.features} & {tuple(row) for row in second.features}
    assert np.array_equal(split(jets, 0.25, seed=0)[1].features, second.features)


def test_the_stored_jets_are_read(tmp_path, shared_data):
    folder = shared_data / "jets"
    x, y = np.load(folder / "x_test_16const.npy"), np.load(folder / "y_test_16const.npy")
    loaded = load_jets(saved(tmp_path, x=x, y=y))
    assert loaded.features.shape == (2000, 16) and len(set(loaded.labels)) == 5
