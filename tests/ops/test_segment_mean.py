"""SegmentMean against Python's fractions, which round ties to even."""

from fractions import Fraction

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.segment_mean import SegmentMean
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning
from tests.ops.test_segment_sum import by_segment, shape_of


def case(segments, frac, values, index):
    def mean(rows, like):
        if not rows:
            return np.zeros_like(like)
        sums = np.sum(rows, axis=0)
        means = [round(Fraction(int(one) * 2**frac, len(rows))) for one in sums.ravel()]
        return np.array(means, dtype=np.int64).reshape(sums.shape)

    op = SegmentMean(segments, frac)
    return Case(op, (values, index), by_segment(segments, len(shape_of(values)), mean), isinstance(index, Constant))


CASES = {
    "messages": case(3, 2, Input((5, 2), Fixed(4, 0, True)), Input((5,), Fixed(2))),
    "integers": case(2, 0, Input((7,), Fixed(3, 0, True)), Input((7,), Fixed(1))),
    "unsigned": case(1, 1, Input((6,), Fixed(3)), Input((6,), Fixed(1))),
    "one_value": case(2, 3, Input((1, 2), Fixed(3, 0, True)), Input((1,), Fixed(2))),
    "bits": case(1, 0, Input((3,), Fixed(1)), Input((3,), Fixed(1))),
    "signed_bits": case(1, 0, Input((4,), Fixed(1, 0, True)), Input((4,), Fixed(2))),
    "constant_index": case(3, 1, Input((6, 2), Fixed(3, 0, True)), Constant(np.array([2, 0, 3, 0, 9, 0]))),
}
FAST = [CASES["messages"], CASES["integers"]]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=30)


def test_ties_go_to_the_even_neighbour():
    index, sums = np.zeros((1, 2), np.int64), range(-9, 10)
    means = [int(SegmentMean(1).evaluate(np.array([[one, 0]]), index)[0, 0]) for one in sums]
    assert means == [round(one / 2) for one in sums]


def test_bounds_of_an_index_of_the_event_are_those_of_one_value():
    values, index = (source.result() for source in CASES["messages"].operands)
    bounds = SegmentMean(3, 2).result(values, index).bounds
    assert (set(bounds.low.flat), set(bounds.high.flat)) == ({-32}, {28})
    low, high = np.array([2, -7, 4]), np.array([3, -5, 9])
    known = TensorType((3,), Fixed(5, 0, True), Interval(low, high))
    chosen = TensorType((3,), Fixed(2), Interval(np.array([0, 0, 1]), np.array([0, 0, 2])))
    bounds = SegmentMean(3).result(known, chosen).bounds
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([-2, -7, -7], [-1, 9, 9])


def test_errors():
    with pytest.raises(BadInputError, match="0 fraction bits or more, not -1"):
        SegmentMean(2, -1)
    with pytest.raises(BadInputError, match="62 bits"):
        SegmentMean(2, 50).result(TensorType.full((2, 1), Fixed(12)), TensorType.full((2,), Fixed(1)))
