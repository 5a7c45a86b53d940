from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.data.codes import decode, decode_sum, encode, encode_sum
from codesign.errors import BadInputError
from codesign.options import ROUNDINGS

ECONT = Path(__file__).parents[2].parent / "shared" / "data" / "econt"
FORMATS = st.tuples(st.integers(0, 5), st.integers(2, 5), st.integers(1, 5))


def stored(name):
    if not (ECONT / name).exists():
        pytest.skip(f"the detector sample {name} is not on this machine")
    return np.load(ECONT / name, allow_pickle=False)


@pytest.mark.parametrize(("sample", "drop", "rounding"), [("ttbar", 3, "half"), ("eportrx", 1, "half-nonzero")])
def test_every_stored_code_decodes_to_its_stored_charge(sample, drop, rounding):
    data = stored("econt_trigger_cells.npz")
    codes, charges = data[f"{sample}_codes"], data[f"{sample}_calq"]
    assert np.array_equal(decode(codes, rounding=rounding, drop=drop), charges)
    assert np.array_equal(encode(charges, drop=drop), codes)


@pytest.mark.parametrize(("sample", "drop", "rounding"), [("ttbar", 3, "truncate"), ("eportrx", 1, "half")])
def test_the_wrong_convention_is_seen(sample, drop, rounding):
    data = stored("econt_trigger_cells.npz")
    assert not np.array_equal(decode(data[f"{sample}_codes"], rounding=rounding, drop=drop), data[f"{sample}_calq"])


def test_sum_code_equals_the_golden_file():
    golden = stored("econt_ae_golden.npz")
    total = decode(golden["codes_premux"], rounding="half", drop=3).sum(axis=1)
    assert np.array_equal(encode_sum(total), golden["sum_code9"])


@pytest.mark.parametrize(
    ("code", "rounding", "drop", "charge"),
    [
        *((0, "truncate", 3, 0), (0, "half", 3, 4), (0, "half-nonzero", 3, 0), (7, "truncate", 3, 56)),
        *((7, "half", 3, 60), (8, "half", 3, 68), (16, "truncate", 3, 128), (16, "half", 3, 136)),
        *((16, "half", 0, 17), (8, "half", 0, 8)),
        *((127, "truncate", 3, 15 << 17), (127, "half-nonzero", 3, (15 << 17) + (1 << 16))),
    ],
)
def test_codes_computed_by_hand(code, rounding, drop, charge):
    assert decode(np.array([code]), rounding=rounding, drop=drop).tolist() == [charge]


@pytest.mark.parametrize(("total", "code"), [(0, 0), (15, 15), (16, 16), (31, 31), (32, 32), (33, 32), (34, 33)])
def test_sum_codes_computed_by_hand(total, code):
    assert encode_sum(np.array([total])).tolist() == [code]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@settings(derandomize=True, deadline=None)
@given(FORMATS)
def test_every_code_survives_decoding_and_encoding(rounding, form):
    drop, exponent_bits, mantissa_bits = form
    codes = np.arange(1 << (exponent_bits + mantissa_bits))
    form = {"drop": drop, "exponent_bits": exponent_bits, "mantissa_bits": mantissa_bits}
    charges = decode(codes, rounding=rounding, **form)
    assert np.array_equal(encode(charges, **form), codes)
    assert (np.diff(charges) > 0).all()


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 15 << 17), min_size=1, max_size=30))
def test_truncated_code_is_the_largest_not_above_the_charge(values):
    charges = np.array(values)
    codes = encode(charges, drop=3)
    lattice = decode(np.arange(128), rounding="truncate", drop=3)
    assert np.array_equal(codes, np.searchsorted(lattice, charges, side="right") - 1)


def test_charges_above_the_range_take_the_top_code():
    assert encode(np.array([1 << 40]), drop=3).tolist() == [127]
    assert encode_sum(np.array([(1 << 52) - 1])).tolist() == [511]


def test_sum_decoding_inverts_every_code():
    codes = np.arange(512)
    assert np.array_equal(encode_sum(decode_sum(codes, rounding="truncate")), codes)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: decode(np.array([128]), rounding="half", drop=3), r"0\.\.127"),
        (lambda: decode(np.array([-1]), rounding="half", drop=3), r"0\.\.127"),
        (lambda: decode(np.array([1.5]), rounding="half", drop=3), "integers"),
        (lambda: decode(np.array([1]), rounding="up", drop=3), "truncate, half"),
        (lambda: encode(np.array([-1]), drop=3), "negative"),
        (lambda: encode(np.array([1.0]), drop=3), "integers"),
    ],
)
def test_bad_input_is_refused(action, message):
    with pytest.raises(BadInputError, match=message):
        action()


def test_rounding_has_no_default():
    with pytest.raises(TypeError):
        decode(np.array([1]), drop=3)
