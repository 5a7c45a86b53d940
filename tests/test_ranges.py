"""Interval analysis: sound and tight against every combination, and refused before int64 wraps."""

from itertools import product as every

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Fixed
from codesign.ranges import Interval, frozen, plus, product, shifted, total

once = settings(derandomize=True, deadline=None, max_examples=300)
small = st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(sorted)
wide = st.integers(-(1 << 61), (1 << 61) - 1)


def interval(*bounds):
    return Interval(frozen([low for low, _ in bounds]), frozen([high for _, high in bounds]))


def members(bounds):
    return range(bounds[0], bounds[1] + 1)


def assert_tight(got, values):
    assert (got.low.item(), got.high.item()) == (min(values), max(values))


@once
@given(small, small, st.integers(0, 5))
def test_product_is_sound_and_tight(a, b, truncate):
    values = [(x * y) >> truncate for x, y in every(members(a), members(b))]
    assert_tight(product(interval(a), interval(b), truncate), values)


@once
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)).map(sorted), min_size=1, max_size=4))
def test_total_is_sound_and_tight(terms):
    assert_tight(total(interval(*terms), axis=0), [sum(row) for row in every(*map(members, terms))])


@once
@given(small, small, st.integers(0, 4))
def test_plus_and_shifted_are_sound_and_tight(a, b, bits):
    assert_tight(plus(interval(a), interval(b)), [x + y for x, y in every(members(a), members(b))])
    assert_tight(shifted(interval(a), bits), [x * 2**bits for x in members(a)])


@once
@given(wide, wide, st.integers(0, 70))
def test_nothing_wraps(a, b, bits):
    """Where a result is given at all, it is the one of Python's integers."""
    left, right = interval((a, a)), interval((b, b))
    exact = {
        "product": (lambda: product(left, right), a * b),
        "plus": (lambda: plus(left, right), a + b),
        "total": (lambda: total(interval((a, a), (b, b), (a, a), (b, b)), axis=0), 2 * a + 2 * b),
        "shifted": (lambda: shifted(left, bits), a << bits),
    }
    for name, (compute, expected) in exact.items():
        try:
            got = compute()
        except BadInputError as error:
            assert str(MAX_WIDTH) in str(error)
        else:
            assert (got.low.item(), got.high.item()) == (expected, expected), name


def test_a_product_of_two_40_bit_values_is_refused():
    """In int64 it would wrap to a small number and pass for one."""
    forty = Interval.of(Fixed(40), (1,))
    with pytest.raises(BadInputError, match="more than 62 bits"):
        product(forty, forty)


@pytest.mark.parametrize("signed", [False, True])
def test_the_widest_formats_are_intervals(signed):
    fixed = Fixed(MAX_WIDTH, 0, signed)
    assert Interval.of(fixed, (2,)).fixed() == fixed


def test_an_interval_beyond_the_widest_format_is_an_error():
    with pytest.raises(BadInputError, match="62 bits"):
        interval((0, 1 << MAX_WIDTH))
    with pytest.raises(BadInputError, match="62 bits"):
        interval((-(1 << (MAX_WIDTH - 1)) - 1, 0))


def test_bounds_must_rise():
    with pytest.raises(ValueError, match="low <= high"):
        interval((1, 0))


def test_contains_looks_at_every_element_of_every_event():
    bounds = interval((0, 3), (-2, -1))
    assert bounds.contains(np.array([[0, -2], [3, -1]]))
    assert not bounds.contains(np.array([[0, -2], [4, -1]]))
    assert not bounds.contains(np.array([[0, 0]]))


def test_bounds_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        interval((0, 1)).low[0] = 7
