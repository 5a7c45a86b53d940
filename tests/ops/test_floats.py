"""Small floating codes and normalisation against exact fractions and text, and their Verilog."""

from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.normalise import Normalise
from codesign.ops.pack_float import PackFloat
from codesign.ops.sources import Constant, Input
from codesign.ops.unpack_float import UnpackFloat
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def elementwise(function, data):
    return np.array([function(int(x)) for x in data.flat], dtype=np.int64).reshape(data.shape)


def pack(width, exponent_bits, mantissa_bits, shape=(3,)):
    def code(x):
        digits = f"{x:b}"
        if x < 2**mantissa_bits:
            return x
        exponent = len(digits) - mantissa_bits
        return exponent * 2**mantissa_bits + int(digits[1 : 1 + mantissa_bits], 2)

    op = PackFloat(exponent_bits, mantissa_bits)
    return Case(op, (Input(shape, Fixed(width)),), lambda data: elementwise(code, data))


def unpack(exponent_bits, mantissa_bits, drop, half, shape=(3,)):
    def value(code):
        exponent, mantissa = divmod(code, 2**mantissa_bits)
        ulp = 2 ** max(exponent - 1, 0) * 2**drop
        exact = Fraction(mantissa + (2**mantissa_bits if exponent else 0)) * ulp
        return floor(exact + (Fraction(ulp, 2) if half else 0))

    op = UnpackFloat(exponent_bits, mantissa_bits, drop, half)
    return Case(op, (Input(shape, Fixed(exponent_bits + mantissa_bits)),), lambda data: elementwise(value, data))


def normalise(width, total, frac, shape=(3,), attains=False):
    def reference(data, totals):
        rows = np.broadcast_to(np.atleast_2d(totals), (max(len(data), len(np.atleast_2d(totals))), 1))
        data = np.broadcast_to(data if data.ndim > len(shape) else data[None], (len(rows), *shape))
        out = np.zeros(data.shape, dtype=np.int64)
        for n, *index in np.ndindex(data.shape):
            power = 2 ** max(int(rows[n, 0]).bit_length() - 1, 0)
            at = (n, *index)
            out[at] = floor(Fraction(int(data[at]) * 2**frac, power)) % 2 ** (frac + 1)
        return out

    data = width if isinstance(width, Constant) else Input(shape, Fixed(width))
    total = total if isinstance(total, Constant) else Input((1,), Fixed(total))
    return Case(Normalise(frac), (data, total), reference, attains)


PACK = {
    "sum_code": pack(22, 5, 4),
    "shorter_than_mantissa": pack(2, 2, 4),
    "as_long_as_mantissa": pack(4, 2, 4),
    "one_bit": pack(1, 1, 1),
    "one_bit_mantissa": pack(6, 3, 1),
    "wide": pack(53, 6, 3),
    "exponent_field_beyond_need": pack(4, 8, 2),
}
UNPACK = {
    "charge": unpack(4, 3, 3, True),
    "charge_truncated": unpack(4, 3, 3, False),
    "nothing_dropped": unpack(4, 3, 0, True),
    "nothing_dropped_truncated": unpack(3, 4, 0, False),
    "one_bit_fields": unpack(1, 1, 0, True),
    "one_bit_exponent": unpack(1, 4, 2, True),
    "one_bit_mantissa": unpack(3, 1, 1, True),
    "wide": unpack(5, 3, 10, True),
}
NORMALISE = {
    "image": normalise(8, 10, 7),
    "one_bit": normalise(1, 1, 1),
    "no_fraction": normalise(5, 5, 0),
    "total_wider": normalise(3, 12, 2),
    "total_narrower": normalise(12, 2, 3),
    "constant_total": normalise(6, Constant(np.array([37])), 4),
    "constant_data": normalise(Constant(np.array([3, 60, 0])), 6, 4),
}
CASES = {f"{kind}_{name}": case for kind, cases in (("pack", PACK), ("unpack", UNPACK), ("normalise", NORMALISE))
         for name, case in cases.items()}  # fmt: skip
FAST = [
    *(PACK[name] for name in ("sum_code", "shorter_than_mantissa")),
    *(UNPACK[name] for name in ("charge", "nothing_dropped", "one_bit_fields")),
    *(NORMALISE[name] for name in ("image", "one_bit")),
]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=25)


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"floats_{tmr}", CASES.values(), Bench(tmp_path, build_cache, 400), tmr=tmr)


def test_every_code_survives_unpacking_and_packing():
    codes = np.arange(128)[None]
    linear = UnpackFloat(4, 3, 0, False).evaluate(codes)
    assert np.array_equal(PackFloat(4, 3).evaluate(linear), codes)


def test_a_total_of_zero_counts_as_one():
    data = np.array([[3, 1]])
    assert np.array_equal(Normalise(2).evaluate(data, np.array([[0]])), Normalise(2).evaluate(data, np.array([[1]])))


def test_no_bit_is_lost_when_the_total_is_the_sum():
    rng = np.random.default_rng(4)
    data = rng.integers(0, 1 << rng.integers(1, 12, (2000, 1)), (2000, 6))
    data[0], data[1, 1:] = 0, 0  # empty, and all in one element
    total = data.sum(axis=1, keepdims=True)
    power = np.array([[1 << max(int(t).bit_length() - 1, 0)] for t in total[:, 0]])
    exact = [[floor(Fraction(int(x) * 128, int(p))) for x in row] for row, p in zip(data, power[:, 0], strict=True)]
    assert np.array_equal(Normalise(7).evaluate(data, total), exact)


@pytest.mark.parametrize(
    ("make", "fixed", "message"),
    [
        (lambda: PackFloat(2, 3), Fixed(9), "exponent needs"),
        (lambda: PackFloat(5, 3), Fixed(9, 0, True), "unsigned"),
        (lambda: PackFloat(5, 3), Fixed(54), "53 bits"),
        (lambda: PackFloat(5, 0), Fixed(9), "at least 1"),
        (lambda: PackFloat(9, 3), Fixed(9), "1 to 8 exponent bits"),
        (lambda: UnpackFloat(4, 3, 0, False), Fixed(6), "7-bit code"),
        (lambda: UnpackFloat(4, 3, 0, False), Fixed(7, 0, True), "unsigned"),
        (lambda: UnpackFloat(0, 3, 0, False), Fixed(3), "at least 1"),
        (lambda: UnpackFloat(3, 0, 0, False), Fixed(3), "at least 1"),
        (lambda: UnpackFloat(4, 3, -1, False), Fixed(7), "drop"),
        (lambda: UnpackFloat(7, 3, 0, False), Fixed(10), "62 bits"),
    ],
)
def test_what_does_not_fit_is_an_error(make, fixed, message):
    with pytest.raises(BadInputError, match=message):
        make().result(TensorType.full((3,), fixed))


@pytest.mark.parametrize(
    ("frac", "data", "total", "message"),
    [
        (3, Fixed(4, 0, True), Fixed(4), "unsigned"),
        (3, Fixed(4), Fixed(4, 0, True), "unsigned"),
        (3, Fixed(4), Fixed(54), "53 bits"),
        (20, Fixed(50), Fixed(5), "62 bits"),
        (-1, Fixed(4), Fixed(5), "frac"),
    ],
)
def test_what_cannot_be_normalised_is_an_error(frac, data, total, message):
    with pytest.raises(BadInputError, match=message):
        Normalise(frac).result(TensorType.full((3,), data), TensorType.full((1,), total))
