"""The loaders: every kind of file, and one line for every kind of damage."""

import csv
import io

import numpy as np
import pytest

from codesign.data.codes import decode
from codesign.data.load import data_file, load_charges, split_distinct
from codesign.errors import BadInputError

CHARGES = np.arange(3 * 48).reshape(3, 48) * 4
CODES = CHARGES % 128
NAMES = [f"CALQ_{cell}" for cell in range(48)]


@pytest.fixture
def write(tmp_path):
    """Write arrays as npz, or bytes, or rows as CSV, and return the path."""

    def put(name, content):
        path = tmp_path / name
        if isinstance(content, dict):
            np.savez(path, **content)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = io.StringIO()
            csv.writer(text).writerows(content)
            path.write_text(text.getvalue())
        return path

    return put


def keyed(path, key):
    return path.with_name(f"{path.name}:{key}")


def refused(path, match, **options):
    with pytest.raises(BadInputError, match=match) as caught:
        load_charges(path, **options)
    assert "\n" not in str(caught.value)
    assert path.name.partition(":")[0] in str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint16, np.float32, np.float64])
def test_one_array_needs_no_key(write, dtype):
    whole = CHARGES % 200
    loaded = load_charges(write("a.npz", {"anything": whole.astype(dtype), "other": np.zeros(5)}))
    assert loaded.dtype == np.int64
    np.testing.assert_array_equal(loaded, whole)


def test_several_arrays_need_a_key_and_keys_join(write):
    path = write("a.npz", {"first": CHARGES, "second": CHARGES + 1})
    refused(path, "PATH:KEY out of first, second")
    np.testing.assert_array_equal(load_charges(keyed(path, "second")), CHARGES + 1)
    np.testing.assert_array_equal(load_charges(keyed(path, "second+first")), np.concatenate([CHARGES + 1, CHARGES]))
    refused(keyed(path, "third"), "no array 'third', but first, second")


def test_a_colon_in_the_name_of_a_file_is_no_key(write):
    np.testing.assert_array_equal(load_charges(write("run:7.npz", {"q": CHARGES})), CHARGES)


def test_the_file_of_a_keyed_path(write):
    path = write("a.npz", {"q": CHARGES})
    assert data_file(keyed(path, "q")) == data_file(path) == path


def test_codes_need_a_rounding(write):
    path = write("a.npz", {"some_codes": CODES})
    refused(path, "rounding")
    for rounding in ("truncate", "half", "half-nonzero"):
        np.testing.assert_array_equal(load_charges(path, rounding=rounding), decode(CODES, rounding=rounding, drop=3))
    np.testing.assert_array_equal(load_charges(path, rounding="half", drop=1), decode(CODES, rounding="half", drop=1))


def test_decoded_and_encoder_are_no_codes(write):
    for name in ("decoded_calq", "encoder_input"):
        np.testing.assert_array_equal(load_charges(write("a.npz", {name: CHARGES})), CHARGES)


def test_csv_columns_stand_in_any_order_among_others(write):
    order = np.random.default_rng(1).permutation(48)
    header = ["event", *[NAMES[cell] for cell in order], "type"]
    rows = [[k, *row[order], "ttbar"] for k, row in enumerate(CHARGES)]
    np.testing.assert_array_equal(load_charges(write("a.csv", [header, *rows])), CHARGES)


def test_csv_with_a_byte_order_mark_quotes_and_blank_lines(write):
    lines = [",".join(f'"{value}"' for value in row) for row in [NAMES, *CHARGES.tolist()]]
    path = write("a.csv", ("\ufeff" + "\r\n\r\n".join(lines)).encode())
    np.testing.assert_array_equal(load_charges(path), CHARGES)


def test_csv_of_codes(write):
    path = write("a.csv", [[name.replace("CALQ", "CODE") for name in NAMES], *CODES.tolist()])
    refused(path, "rounding")
    np.testing.assert_array_equal(load_charges(path, rounding="half"), decode(CODES, rounding="half", drop=3))


def test_damaged_csv_files_are_refused_in_one_line(write):
    rows = CHARGES.tolist()
    refused(write("a.csv", []), "no columns CALQ_0..CALQ_47")
    refused(write("a.csv", [NAMES]), "at least one event")
    refused(write("a.csv", [NAMES[1:], *[row[1:] for row in rows]]), "CALQ_0 does not")
    refused(write("a.csv", [[*NAMES, "CALQ_7"], *[[*row, 1] for row in rows]]), "CALQ_7 does not")
    refused(write("a.csv", [NAMES, rows[0], rows[1][:20]]), "may be cut off")
    refused(write("a.csv", [NAMES, ["x", *rows[0][1:]]]), "could not convert")
    refused(write("a.csv", [NAMES, ["nan", *rows[0][1:]]]), "NaN or infinity, first in event 0")
    refused(write("a.csv", [NAMES, ["-4", *rows[0][1:]]]), "whole numbers")
    refused(write("a.csv", [NAMES, ["0.5", *rows[0][1:]]]), "whole numbers")
    refused(write("a.csv", b"\xff\xfe" + ",".join(NAMES).encode()), "cannot read")
    refused(keyed(write("a.csv", [NAMES, *rows]), "q"), "no keys")


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (CHARGES[0], "must be"),
        (CHARGES.T, "must be"),
        (CHARGES[:0], "at least one event"),
        (CHARGES[None], "must be"),
        (np.where(CHARGES == 196, np.nan, CHARGES), "NaN or infinity, first in event 1"),
        (np.where(CHARGES == 196, -np.inf, CHARGES), "NaN or infinity"),
        (CHARGES - 1, "whole numbers"),
        (CHARGES + 0.5, "whole numbers"),
        (CHARGES * 1e30, "whole numbers"),
        (np.full((2, 48), 2**63, dtype=np.uint64), "whole numbers"),
        (CHARGES * 1j, "hold numbers"),
        (CHARGES.astype(str), "hold numbers"),
        (CHARGES > 5, "hold numbers"),
        (np.array([[{}] * 48]), "cannot read"),
    ],
)
def test_arrays_that_are_no_charges_are_refused_in_one_line(write, array, match):
    refused(keyed(write("a.npz", {"q": array}), "q"), match)


def test_codes_outside_the_code_are_refused(write):
    with pytest.raises(BadInputError, match=r"0\.\.127"):
        load_charges(write("a.npz", {"codes": CODES + 10}), rounding="half")


def test_damaged_npz_files_are_refused_in_one_line(write):
    whole = write("a.npz", {"q": CHARGES}).read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        refused(write("cut.npz", whole[:cut]), "cut off")
    refused(write("text.npz", b"not a zip file"), "cut off")
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    refused(write("flipped.npz", flipped), "CRC")
    single = io.BytesIO()
    np.save(single, CHARGES)
    refused(write("single.npz", single.getvalue()), "no complete npz")


def test_missing_files_folders_and_unknown_kinds_are_refused(write, tmp_path):
    refused(tmp_path / "none.npz", "no file")
    refused(tmp_path / "none.npz:q", "no file")
    refused(write("a.h5", b"x"), "unknown kind of file '.h5'")
    (tmp_path / "folder.npz").mkdir()
    refused(tmp_path / "folder.npz", "no file")


def test_root_trees(tmp_path):
    uproot = pytest.importorskip("uproot", reason="ROOT files need the extra codesign[root]")
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("inner/array", {"CALQ": ("i4", (48,)), "event": "i4"})
        file["inner/array"].extend({"CALQ": CHARGES.astype("i4"), "event": np.arange(3, dtype="i4")})
        file.mktree("columns", dict.fromkeys(NAMES[::-1], "f8"))
        file["columns"].extend({name: CHARGES[:, cell].astype("f8") for cell, name in enumerate(NAMES)})
        file.mktree("wrong", {"x": "i4"})
        file["wrong"].extend({"x": np.arange(3, dtype="i4")})
    refused(path, "PATH:KEY out of inner/array, columns, wrong")
    for key in ("inner/array", "columns"):
        np.testing.assert_array_equal(load_charges(keyed_text(path, key)), CHARGES)
    assert load_charges(keyed_text(path, "columns+inner/array")).shape == (6, 48)
    with pytest.raises(BadInputError, match="no columns CALQ_0"):
        load_charges(keyed_text(path, "wrong"))
    with pytest.raises(BadInputError, match="cannot read") as caught:
        load_charges(keyed_text(path, "missing"))
    assert "\n" not in str(caught.value)


def keyed_text(path, key):
    return type(path)(f"{path}:{key}")


def test_damaged_root_files_are_refused_in_one_line(write):
    pytest.importorskip("uproot", reason="ROOT files need the extra codesign[root]")
    refused(write("a.root", b"no root file"), "cannot read")


def test_the_split_leaks_nothing():
    rng = np.random.default_rng(2)
    charges = rng.integers(0, 2, (4000, 48)) * (np.arange(48) < 8)  # 256 different rows at most
    train, test = split_distinct(charges, 0.25, seed=3)
    rows = [{tuple(row) for row in charges[part]} for part in (train, test)]
    assert not rows[0] & rows[1]
    assert len(rows[0]) + len(rows[1]) == len(train) + len(test) == len(np.unique(charges, axis=0))
    assert len(test) == round(0.25 * (len(train) + len(test)))
    # negative control: a split of all rows leaks
    order = rng.permutation(len(charges))
    assert {tuple(row) for row in charges[order[:1000]]} & {tuple(row) for row in charges[order[1000:]]}


def test_the_split_depends_on_the_seed_alone():
    charges = np.random.default_rng(4).integers(0, 9, (50, 48))
    same = [split_distinct(charges, 0.3, seed=5) for _ in range(2)]
    np.testing.assert_array_equal(same[0][0], same[1][0])
    assert set(split_distinct(charges, 0.3, seed=6)[1]) != set(same[0][1])


@pytest.mark.parametrize("fraction", [1.0, -0.1, 2.0, float("nan")])
def test_a_fraction_that_leaves_nothing_to_train_on_is_refused(fraction):
    with pytest.raises(BadInputError, match="below 1"):
        split_distinct(CHARGES, fraction, seed=0)


def test_no_test_rows_may_be_asked_for():
    train, test = split_distinct(np.repeat(CHARGES, 2, axis=0), 0.0, seed=0)
    assert (train.tolist(), test.tolist()) == ([0, 2, 4], [])


def test_the_stored_samples(shared_data):
    file = shared_data / "econt" / "econt_trigger_cells.npz"
    for sample, rows, rounding, drop in (("ttbar", 3564, "half", 3), ("eportrx", 10000, "half-nonzero", 1)):
        charges = load_charges(keyed_text(file, f"{sample}_calq"))
        assert charges.shape == (rows, 48)
        codes = load_charges(keyed_text(file, f"{sample}_codes"), rounding=rounding, drop=drop)
        np.testing.assert_array_equal(codes, charges)
