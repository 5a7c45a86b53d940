"""Slice against lists, and its wires."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType, Wiring
from codesign.ops.slice import Slice
from codesign.ops.sources import Input
from tests.ops.check_op import Case, check_meaning


def part(values, axis, start, stop):
    return values[start:stop] if axis == 0 else [part(one, axis - 1, start, stop) for one in values]


def case(shape, axis, start, stop):
    def reference(data):
        return np.array(part(data.tolist(), axis + 1, start, stop), dtype=np.int64)

    return Case(Slice(axis, start, stop), (Input(shape, Fixed(3, 0, True)),), reference)


CASES = {
    "rows": case((4, 2), 0, 1, 3),
    "columns": case((3, 4), 1, 2, 4),
    "one": case((2, 3, 2), 1, 0, 1),
    "all": case((3,), 0, 0, 3),
}
FAST = [CASES["columns"], CASES["rows"]]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


def test_wires():
    data = TensorType.full((2, 3), Fixed(2))
    assert Slice(1, 1, 3).rtl(1, data) == Wiring((1, 2, 4, 5))


@pytest.mark.parametrize("axis_start_stop", [(0, 1, 4), (1, 0, 3), (2, 0, 1)])
def test_what_is_not_there_is_an_error(axis_start_stop):
    with pytest.raises(BadInputError, match="is not in data"):
        Slice(*axis_start_stop).result(TensorType.full((3, 2), Fixed(2)))


@pytest.mark.parametrize("axis_start_stop", [(-1, 0, 1), (0, -1, 1), (0, 1, 1)])
def test_a_wrong_attribute_is_an_error(axis_start_stop):
    with pytest.raises(BadInputError, match="slice needs axis >= 0"):
        Slice(*axis_start_stop)
