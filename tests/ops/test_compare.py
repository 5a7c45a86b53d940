"""Compare against Python integers."""

import operator

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.compare import RELATIONS, Compare
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning


def case(relation, left, right):
    def reference(a, b):
        a, b = np.broadcast_arrays(a, b)
        held = [int(getattr(operator, relation)(int(x), int(y))) for x, y in zip(a.flat, b.flat, strict=True)]
        return np.array(held, dtype=np.int64).reshape(a.shape)

    return Case(Compare(relation), (left, right), reference, attains=relation not in ("eq", "ne"))


CASES = {name: case(name, Input((2, 2), Fixed(2)), Input((2, 2), Fixed(3, 0, True))) for name in RELATIONS}
CASES |= {
    "above_rows": case("gt", Input((4,), Fixed(3)), Constant(np.array([5]))),
    "columns": case("le", Input((3, 1), Fixed(1, 0, True)), Input((3, 2), Fixed(1))),
    "never": case("lt", Input((2,), Fixed(2)), Constant(np.array([0, -1]))),
    "always": case("ne", Input((2,), Fixed(2)), Constant(np.array([4, -1]))),
}
FAST = [CASES[name] for name in ("eq", "above_rows", "columns")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


@pytest.mark.parametrize(
    ("relation", "low", "high"),
    [("lt", [1, 0, 0], [1, 1, 0]), ("eq", [0, 0, 1], [0, 1, 1]), ("gt", [0, 0, 0], [0, 1, 0])],
)
def test_bounds_decide_where_they_can(relation, low, high):
    left = TensorType((3,), Fixed(3), Interval(np.array([0, 0, 4]), np.array([1, 3, 4])))
    right = TensorType((3,), Fixed(3), Interval(np.array([2, 2, 4]), np.array([5, 5, 4])))
    bounds = Compare(relation).result(left, right).bounds
    assert (bounds.low.tolist(), bounds.high.tolist()) == (low, high)
    opposite = Compare({"lt": "ge", "eq": "ne", "gt": "le"}[relation]).result(left, right).bounds
    assert ((1 - opposite.high).tolist(), (1 - opposite.low).tolist()) == (low, high)


def test_an_unknown_relation_is_an_error():
    with pytest.raises(BadInputError, match="lt, le, eq, ne, ge, gt, not 'above'"):
        Compare("above")
