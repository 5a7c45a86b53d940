"""Requantisation constants against brute force in exact fractions."""

import time
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.requantise import Requantise
from codesign.ops.threshold import Threshold
from codesign.ranges import Interval, frozen
from codesign.rescale import rescale, round_fraction

MODES = ("half_even", "floor", "ceil", "to_zero", "from_zero", "half_from_zero", "half_to_zero")


def brute_force(multiplier, offset, x, low, high, rounding="half_even"):
    return min(max(round_fraction(multiplier * int(x) + offset, rounding), low), high)


def check(multiplier, offset, first, last, low, high, rounding="half_even"):
    """The operator equals brute force on every reachable integer of every channel; returns it."""
    bounds = Interval(frozen(first), frozen(last))
    fixed = Fixed.covering(low, high)
    op = rescale(multiplier, offset, bounds, low=low, high=high, fixed=fixed, rounding=rounding)
    count = max(b - a for a, b in zip(first, last, strict=True)) + 1
    x = np.minimum(np.arange(count)[:, None] + np.array(first), np.array(last))
    expected = [
        [brute_force(m, b, value, low, high, rounding) for value, m, b in zip(row, multiplier, offset, strict=True)]
        for row in x
    ]
    assert np.array_equal(op.evaluate(x), expected), op
    result = op.result(TensorType.derived(bounds))
    assert result.bounds.contains(op.evaluate(x))
    return op


dyadic = st.builds(lambda n, s: Fraction(n, 2**s), st.integers(-200, 200), st.integers(0, 7))
learned = st.floats(-3, 3, allow_nan=False, width=32).map(Fraction)
ratio = st.builds(Fraction, st.integers(-60, 60), st.integers(1, 40))
numbers = st.one_of(dyadic, learned, ratio)
channel = st.tuples(numbers, numbers, st.integers(-300, 200), st.sampled_from([0, 1, 2, 7, 60, 400]))


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    channels=st.lists(channel, min_size=1, max_size=3),
    clip=st.tuples(st.integers(-260, 260), st.integers(-260, 260)).map(sorted),
    rounding=st.sampled_from(MODES),
)
def test_equals_brute_force_over_the_whole_range(channels, clip, rounding):
    multiplier, offset, first, span = zip(*channels, strict=True)
    last = tuple(a + b for a, b in zip(first, span, strict=True))
    check(multiplier, offset, first, last, *clip, rounding)


@pytest.mark.parametrize("rounding", MODES)
def test_exhaustive_small_grid(rounding):
    halves = [Fraction(n, d) for n, d in product(range(-5, 6), (1, 2, 3, 4))]
    for multiplier, offset in product(halves[::2], halves[::3]):
        check([multiplier], [offset], [-9], [9], -4, 3, rounding)


def test_power_of_two_scale_keeps_exact_constants_and_ties_to_even():
    op = check([Fraction(3, 8)], [Fraction(1, 4)], [-500], [500], -128, 127)
    assert (op.multiplier, op.addend, op.shift, op.rounding) == ((3,), (2,), 3, "half_even")


def test_power_of_two_scale_without_reachable_ties_needs_no_ties_to_even():
    op = check([Fraction(1, 8)], [Fraction(1, 16)], [-500], [500], -128, 127)
    assert op.rounding == "floor"


def test_identity_is_multiplier_one():
    op = check([Fraction(1)], [Fraction(0)], [-8], [7], -8, 7)
    assert (op.multiplier, op.addend, op.shift) == ((1,), (0,), 0)


def test_channels_with_and_without_ties_share_one_operator():
    op = check([Fraction(1, 2), Fraction(np.pi), Fraction(0)], [Fraction(0)] * 3, [-40] * 3, [40] * 3, -16, 15)
    assert isinstance(op, Requantise)
    assert op.rounding == "half_even"


def test_constant_channel_of_a_dead_filter():
    op = check([Fraction(2.0**-38), Fraction(0.3)], [Fraction(5.4), Fraction(1)], [0, -9], [0, 9], 0, 15)
    assert op.multiplier[0] == 0


def test_thresholds_where_no_multiply_add_shift_is_exact():
    third = Fraction(1, 3)
    op = check([third, -third], [Fraction(1, 6)] * 2, [-100] * 2, [100] * 2, -40, 40)
    assert isinstance(op, Threshold)
    assert op.falling == (0, 1)


def test_model_rounding_decides_next_to_a_boundary():
    """A float64 model may round a value next to a tie up; `decide` puts exactly these values on its side."""
    m = Fraction(float.fromhex("0x1.0000000000001p-1"))
    asked = []

    def decide(c, x):
        asked.extend(x.tolist())
        return np.floor(x * 0.5 + 0.5).astype(np.int64)

    op = rescale(
        [m],
        [Fraction(0)],
        Interval(frozen([-20]), frozen([20])),
        low=-8,
        high=7,
        fixed=Fixed(4, 0, True),
        decide=decide,
    )
    x = np.arange(-20, 21)
    assert np.array_equal(op.evaluate(x[:, None])[:, 0], np.clip(np.floor(x * 0.5 + 0.5), -8, 7))
    assert set(asked) <= set(range(-17, 18, 2))


def test_flipped_constant_is_noticed():
    """Negative control of the brute force above: one wrong bit of a constant changes a result."""
    op = check([Fraction(0.137)], [Fraction(2.5)], [-1000], [1000], -128, 127)
    x = np.arange(-1000, 1001)[:, None]
    wrong = Requantise(op.fixed, (op.multiplier[0] ^ 1,), op.addend, op.shift, op.rounding)
    assert not np.array_equal(op.evaluate(x), wrong.evaluate(x))


def test_sixteen_bit_results_of_128_channels_take_seconds():
    random = np.random.default_rng(5)
    multiplier = [Fraction(float(one)) for one in random.uniform(0.01, 0.02, 128)]
    offset = [Fraction(float(one)) for one in random.normal(0, 100, 128)]
    bounds = Interval(frozen([-(2**22)] * 128), frozen([2**22] * 128))
    start = time.perf_counter()
    op = rescale(multiplier, offset, bounds, low=0, high=65535, fixed=Fixed(16))
    assert time.perf_counter() - start < 30
    x = random.integers(-(2**22), 2**22, size=(50, 128))
    expected = [[brute_force(m, b, v, 0, 65535) for v, m, b in zip(row, multiplier, offset, strict=True)] for row in x]
    assert np.array_equal(op.evaluate(x), expected)


def test_clip_outside_the_format_is_an_error():
    with pytest.raises(BadInputError, match=r"clip -1..3 must lie in 0..3"):
        rescale([Fraction(1)], [Fraction(0)], Interval(frozen([0]), frozen([1])), low=-1, high=3, fixed=Fixed(2))
