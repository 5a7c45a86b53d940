"""Formats, rounding and saturation against exact fractions."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Fixed, floor_shift, quantise, round_shift, saturate

once = settings(derandomize=True, deadline=None, max_examples=300)
LARGE = 1 << (MAX_WIDTH - 2)
integers = st.integers(-LARGE, LARGE) | st.integers(-20, 20)


@once
@given(st.integers(1, MAX_WIDTH), st.booleans())
def test_a_format_covers_exactly_its_bits(width, signed):
    fixed = Fixed(width, 0, signed)
    assert fixed.high - fixed.low == 2**width - 1
    assert (fixed.low < 0) == signed
    assert Fixed.covering(fixed.low, fixed.high) == fixed


@once
@given(integers, integers)
def test_covering_is_the_narrowest_format(a, b):
    low, high = sorted((a, b))
    fixed = Fixed.covering(low, high)
    assert fixed.low <= low <= high <= fixed.high
    assert fixed.signed == (low < 0)
    if fixed.width > 1:
        narrower = Fixed(fixed.width - 1, 0, fixed.signed)
        assert not narrower.low <= low <= high <= narrower.high


@once
@given(integers, st.integers(0, MAX_WIDTH - 2))
def test_shifts_round_as_exact_fractions(value, shift):
    exact = Fraction(value, 2**shift)
    assert floor_shift(np.array([value]), shift)[0] == floor(exact)
    assert round_shift(np.array([value]), shift)[0] == round(exact)


def test_ties_go_to_even():
    assert round_shift(np.array([-6, -2, 2, 6, 10]), 2).tolist() == [-2, 0, 0, 2, 2]


@once
@given(st.lists(integers, min_size=1), integers, integers)
def test_saturate(values, a, b):
    low, high = sorted((a, b))
    assert saturate(np.array(values), low, high).tolist() == [min(max(value, low), high) for value in values]


@once
@given(st.floats(-1e18, 1e18), st.integers(1, MAX_WIDTH), st.integers(-3, 12), st.booleans())
def test_quantise_is_nearest_and_saturates(real, width, frac, signed):
    fixed = Fixed(width, frac, signed)
    expected = min(max(round(Fraction(real) * Fraction(2) ** frac), fixed.low), fixed.high)
    got = int(quantise(np.array([real]), fixed)[0])
    assert got == expected or (abs(got - expected) <= 1 and abs(real) > 2.0**52)


@pytest.mark.parametrize("width", [54, 61, 62])
def test_quantise_never_leaves_a_wide_format(width):
    """The bound itself is no float64 and would round up."""
    for signed in (False, True):
        fixed = Fixed(width, 0, signed)
        assert quantise(np.array([1e300, -1e300]), fixed).tolist() == [fixed.high, fixed.low]


@pytest.mark.parametrize("real", [np.nan, np.inf, -np.inf])
def test_quantise_refuses_what_is_no_number(real):
    with pytest.raises(BadInputError, match="NaN or infinite"):
        quantise(np.array([0.5, real]), Fixed(4))


@pytest.mark.parametrize("width", [-1, 0, MAX_WIDTH + 1])
def test_an_impossible_width_is_an_error(width):
    with pytest.raises(BadInputError, match=f"width must be 1 to {MAX_WIDTH} bits, not {width}"):
        Fixed(width)


def test_a_format_prints_as_the_field_writes_it():
    assert [str(Fixed(8)), str(Fixed(6, 2, True))] == ["u8", "s6.2"]
