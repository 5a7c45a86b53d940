"""Take against a plain loop."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType, Wiring
from codesign.ops.sources import Constant, Input
from codesign.ops.take import Take
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning


def loop(data_axes):
    """`data_axes`: axes of the data of one event; an operand without a batch axis is a constant."""

    def take(data, index):
        events = len(data) if data.ndim > data_axes else len(index)
        every = data if data.ndim > data_axes else [data] * events
        chosen = index if index.ndim > 1 else [index] * events
        rows = [
            [event[i] if i < len(event) else np.zeros_like(event[0]) for i in row]
            for event, row in zip(every, chosen, strict=True)
        ]
        return np.array(rows, dtype=np.int64)

    return take


def case(data, index):
    shape = data.values.shape if isinstance(data, Constant) else data.shape
    return Case(Take(), (data, index), loop(len(shape)), attains=isinstance(index, Constant))


CASES = {
    "nodes_of_edges": case(Input((5, 2), Fixed(4, 0, True)), Input((3,), Fixed(3))),
    "one_row": case(Input((1, 3), Fixed(2)), Input((2,), Fixed(2))),
    "too_few_index_bits": case(Input((5,), Fixed(3)), Input((4,), Fixed(1))),
    "many_index_bits": case(Input((4, 1, 2), Fixed(1, 0, True)), Input((2,), Fixed(6))),
    "constant_index": case(Input((3, 2), Fixed(3, 0, True)), Constant(np.array([2, 0, 3, 0, 9]))),
    "constant_data": case(Constant(np.array([[3, -1], [0, 2], [-4, 7]])), Input((3,), Fixed(2))),
}
FAST = [CASES[name] for name in ("nodes_of_edges", "constant_index", "constant_data")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=30)


def test_a_constant_index_is_wires():
    data, index = (source.result() for source in CASES["constant_index"].operands)
    assert Take().rtl(1, data, index) == Wiring((4, 5, 0, 1, -1, -1, 0, 1, -1, -1))


def test_bounds_are_those_of_the_rows_in_reach():
    data = TensorType((3,), Fixed(4, 0, True), Interval(np.array([4, -8, 2]), np.array([6, -6, 2])))
    index = TensorType((4,), Fixed(2), Interval(np.array([0, 0, 2, 3]), np.array([1, 3, 2, 3])))
    bounds = Take().result(data, index).bounds
    assert bounds.low.tolist() == [-8, -8, 2, 0]
    assert bounds.high.tolist() == [6, 6, 2, 0]
    even = TensorType((2,), Fixed(4), Interval(np.array([0, 0]), np.array([8, 12]), np.array([3, 2])))
    chosen = TensorType((2,), Fixed(2), Interval(np.array([0, 0]), np.array([1, 0])))
    assert Take().result(even, chosen).bounds.trailing.tolist() == [2, 3]


@pytest.mark.parametrize("index", [((2, 1), Fixed(2)), ((2,), Fixed(2, 0, True)), ((2,), Fixed(2, 1))])
def test_a_wrong_index_is_an_error(index):
    with pytest.raises(BadInputError, match="take needs an index"):
        Take().result(TensorType.full((3, 2), Fixed(3)), TensorType.full(*index))


def test_a_number_alone_is_an_error():
    with pytest.raises(BadInputError, match="take needs data"):
        Take().result(TensorType.full((), Fixed(3)), TensorType.full((1,), Fixed(1)))
