"""SegmentMax against a plain loop."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.segment_max import SegmentMax
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning
from tests.ops.test_segment_sum import by_segment, shape_of


def highest(rows, like):
    return np.max(rows, axis=0) if rows else np.zeros_like(like)


def case(segments, values, index):
    return Case(
        SegmentMax(segments), (values, index), by_segment(segments, len(shape_of(values)), highest), attains=False
    )


CASES = {
    "messages": case(3, Input((5, 2), Fixed(4, 0, True)), Input((5,), Fixed(2))),
    "unsigned": case(2, Input((4,), Fixed(3)), Input((4,), Fixed(2))),
    "one_value": case(2, Input((1, 2), Fixed(3, 0, True)), Input((1,), Fixed(2))),
    "bits": case(1, Input((3,), Fixed(1, 0, True)), Input((3,), Fixed(1))),
    "too_few_index_bits": case(5, Input((4, 1, 2), Fixed(2)), Input((4,), Fixed(1))),
    "constant_index": case(3, Input((5, 2), Fixed(3, 0, True)), Constant(np.array([2, 0, 3, 0, 9]))),
    "constant_values": case(3, Constant(np.array([[3, -1], [0, 2], [-4, 7]])), Input((3,), Fixed(2))),
}
FAST = [CASES["messages"], CASES["constant_index"]]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=30)


def test_bounds_know_what_can_and_what_always_belongs_to_a_segment():
    low, high = np.array([-6, -3, 2, 4]), np.array([-4, -2, 3, 8])
    values = TensorType((4,), Fixed(5, 0, True), Interval(low, high))
    index = TensorType((4,), Fixed(3), Interval(np.array([0, 0, 2, 5]), np.array([0, 1, 2, 6])))
    bounds = SegmentMax(4).result(values, index).bounds
    # segment 0 has -6 .. -4 and perhaps -3 .. -2; segment 1 perhaps -3 .. -2; segment 2 has 2 .. 3; segment 3 nothing
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([-6, -3, 2, 0], [-2, 0, 3, 0])


def test_wrong_shapes_are_errors():
    with pytest.raises(BadInputError, match="segment_max needs one index for each row"):
        SegmentMax(2).result(TensorType.full((3, 2), Fixed(2)), TensorType.full((2,), Fixed(2)))
