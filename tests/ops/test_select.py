"""Select against a plain loop."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.select import Select
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning


def reference(condition, a, b):
    condition, a, b = np.broadcast_arrays(condition, a, b)
    chosen = [int(x) if c else int(y) for c, x, y in zip(condition.flat, a.flat, b.flat, strict=True)]
    return np.array(chosen, dtype=np.int64).reshape(a.shape)


def case(condition, left, right, attains=False):
    return Case(Select(), (condition, left, right), reference, attains)


BIT = Fixed(1)
CASES = {
    "formats": case(Input((2, 2), BIT), Input((2, 2), Fixed(3)), Input((2, 2), Fixed(2, 0, True))),
    "rows": case(Input((3, 1), BIT), Input((3, 2), Fixed(2, 0, True)), Input((1, 2), Fixed(3))),
    "or_zero": case(Input((3,), BIT), Input((3,), Fixed(1, 0, True)), Constant(np.array([0]))),
    "known": case(Constant(np.array([1, 0])), Input((2,), Fixed(2)), Input((2,), Fixed(3)), attains=True),
}
FAST = [CASES[name] for name in ("formats", "rows")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


def test_bounds_are_those_of_what_can_be_chosen():
    condition = TensorType((3,), BIT, Interval(np.array([0, 1, 0]), np.array([0, 1, 1])))
    left = TensorType((3,), Fixed(5), Interval(np.full(3, 4), np.full(3, 8), np.full(3, 2)))
    right = TensorType((3,), Fixed(3), Interval(np.full(3, 1), np.full(3, 3)))
    bounds = Select().result(condition, left, right).bounds
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([1, 4, 1], [3, 8, 8])
    assert bounds.trailing.tolist() == [0, 2, 0]


def test_a_condition_of_two_bits_is_an_error():
    value = TensorType.full((2,), Fixed(2))
    with pytest.raises(BadInputError, match="condition of one bit, not u2"):
        Select().result(value, value, value)
