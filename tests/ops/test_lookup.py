"""Lookup against a dictionary."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.lookup import Lookup
from codesign.ops.sources import Input
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning


def case(table, fixed, shape=(3,)):
    entry = dict(zip(range(fixed.low, fixed.high + 1), table, strict=True))

    def reference(data):
        return np.array([entry[x] for x in data.ravel().tolist()], dtype=np.int64).reshape(data.shape)

    return Case(Lookup(tuple(table), fixed.signed), (Input(shape, fixed),), reference, attains=False)


SQUARES = [x * x - 20 for x in range(-8, 8)]
CASES = {
    "signed": case(SQUARES, Fixed(4, 0, True), (2, 2)),
    "unsigned": case([7, 0, 3, 1, 12, 5, 5, 2], Fixed(3)),
    "bit": case([-1, 0], Fixed(1)),
    "signed_bit": case([9, 4], Fixed(1, 0, True)),
    "constant": case([3, 3, 3, 3], Fixed(2)),
}
FAST = [CASES[name] for name in ("signed", "bit")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


def test_bounds_are_those_of_the_entries_in_reach():
    data = TensorType((3,), Fixed(4, 0, True), Interval(np.array([-8, -1, 3]), np.array([7, 2, 3])))
    bounds = Lookup(tuple(SQUARES), True).result(data).bounds
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([-20, -20, -11], [44, -16, -11])
    assert Lookup((0, 8, 4, 4)).result(TensorType.full((1,), Fixed(2))).bounds.trailing.tolist() == [2]


@pytest.mark.parametrize("entries", [0, 1, 3, 1 << 17])
def test_a_table_that_fits_no_format_is_an_error(entries):
    with pytest.raises(BadInputError, match=f"not {entries}$"):
        Lookup((0,) * entries)


@pytest.mark.parametrize("fixed", [Fixed(3), Fixed(2, 0, True)])
def test_an_operand_of_another_format_is_an_error(fixed):
    with pytest.raises(BadInputError, match="lookup with 4 entries needs an operand u2, not"):
        Lookup((0, 1, 2, 3)).result(TensorType.full((1,), fixed))
