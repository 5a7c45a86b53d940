"""Tables of functions: exact to the last code, and float64's own choice at a tie."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.inputs import RealInput, input_value
from codesign.frontend.tables import table, tabulated
from codesign.frontend.values import Builder, Quantiser, Value


def quantiser(scale, bits=8, signed=False, rounding="half_even"):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return Quantiser("out", bits, signed, low, high, (scale,), (Fraction(0),), rounding, relu=False)


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "exp"])
@pytest.mark.parametrize("scale", [Fraction(1, 255), Fraction(1.0226865 / 63), Fraction(1, 128)])
def test_a_table_equals_the_rounded_function(function, scale):
    real = [Fraction(k, 16) for k in range(-128, 128)]
    found = np.array(table((function,), real, quantiser(scale, signed=True)))
    steps = getattr(torch, function)(torch.tensor([float(x) for x in real], dtype=torch.float64)).numpy() / float(scale)
    assert np.array_equal(found, np.clip(np.rint(steps), -128, 127))


def test_a_tie_is_decided_as_float64_does():
    for scale in (Fraction(1, 255), Fraction(1 / 255)):
        expected = int(np.rint(0.5 / float(scale)))
        assert table(("sigmoid",), [Fraction(0)], quantiser(scale)) == (expected,)
    assert table(("sigmoid",), [Fraction(0)], quantiser(Fraction(1, 3), rounding="floor")) == (1,)
    assert table(("exp",), [Fraction(-2000), Fraction(3000)], quantiser(Fraction(1, 8))) == (0, 255)


def test_a_relu_of_the_quantiser_comes_before_its_zero_point():
    shifted = replace(quantiser(Fraction(1, 16)), zero_point=(Fraction(3),), relu=True)
    assert table(("tanh",), [Fraction(-5), Fraction(-1, 50), Fraction(5)], shifted) == (3, 3, 19)


def test_a_wide_value_needs_a_quantiser_first():
    builder = Builder()
    value = input_value(builder, "x", RealInput((2,), Fixed(13, 4)))
    with pytest.raises(
        BadInputError, match=r"^'out': a table of tanh of neg reads at most 12 bits, not 13; name a quantiser for 'x'$"
    ):
        tabulated(builder, Value(**{**vars(value), "functions": ("neg", "tanh")}), quantiser(Fraction(1, 8)))
