"""Transpose against an element by element copy, and its wires."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType, Wiring
from codesign.ops.sources import Input
from codesign.ops.transpose import Transpose
from tests.ops.check_op import Case, check_meaning


def case(shape, axes):
    def reference(data):
        moved = np.zeros((len(data), *(shape[axis] for axis in axes)), dtype=np.int64)
        for event, *place in np.ndindex(data.shape):
            moved[(event, *(place[axis] for axis in axes))] = data[(event, *place)]
        return moved

    return Case(Transpose(axes), (Input(shape, Fixed(3, 0, True)),), reference)


CASES = {"matrix": case((3, 2), (1, 0)), "turned": case((2, 1, 3), (2, 0, 1)), "kept": case((3,), (0,))}
FAST = [CASES["turned"], CASES["matrix"]]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


def test_wires():
    assert Transpose((1, 0)).rtl(1, TensorType.full((2, 3), Fixed(2))) == Wiring((0, 3, 1, 4, 2, 5))


@pytest.mark.parametrize("axes", [(0, 0), (1,), (-1, 0), (0, 2)])
def test_axes_that_are_no_order_are_errors(axes):
    with pytest.raises(BadInputError, match="each axis once"):
        Transpose(axes)


def test_another_number_of_axes_is_an_error():
    with pytest.raises(BadInputError, match="needs 2 axes"):
        Transpose((1, 0)).result(TensorType.full((3,), Fixed(2)))
