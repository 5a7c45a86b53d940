"""SegmentSum against a plain loop."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.segment_sum import SegmentSum
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning


def event_pairs(values, index, axes):
    """Values and index of every event; an operand without a batch axis is a constant. `axes`: those of one event."""
    events = len(values) if values.ndim > axes else len(index)
    every = values if values.ndim > axes else [values] * events
    chosen = index if index.ndim > 1 else [index] * events
    return list(zip(every, chosen, strict=True))


def by_segment(segments, axes, combine):
    """Call combine(list of rows) for every segment of every event."""

    def reference(values, index):
        sums = [
            [combine([row for row, i in zip(rows, codes, strict=True) if i == n], rows[0]) for n in range(segments)]
            for rows, codes in event_pairs(values, index, axes)
        ]
        return np.array(sums, dtype=np.int64)

    return reference


def added(rows, like):
    return np.sum(rows, axis=0) if rows else np.zeros_like(like)


def shape_of(source):
    return source.values.shape if isinstance(source, Constant) else source.shape


def case(segments, values, index):
    reference = by_segment(segments, len(shape_of(values)), added)
    return Case(SegmentSum(segments), (values, index), reference, attains=isinstance(index, Constant))


CASES = {
    "messages": case(3, Input((5, 2), Fixed(4, 0, True)), Input((5,), Fixed(2))),
    "one_value": case(2, Input((1, 2), Fixed(3)), Input((1,), Fixed(2))),
    "one_segment": case(1, Input((3,), Fixed(1, 0, True)), Input((3,), Fixed(1))),
    "many_index_bits": case(2, Input((4, 1, 2), Fixed(1)), Input((4,), Fixed(6))),
    "too_few_index_bits": case(5, Input((4,), Fixed(3)), Input((4,), Fixed(1))),
    "constant_index": case(3, Input((5, 2), Fixed(3, 0, True)), Constant(np.array([2, 0, 3, 0, 9]))),
    "constant_values": case(3, Constant(np.array([[3, -1], [0, 2], [-4, 7]])), Input((3,), Fixed(2))),
}
FAST = [CASES[name] for name in ("messages", "constant_index", "constant_values")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=30)


@pytest.mark.parametrize("name", ["messages", "one_segment", "many_index_bits", "too_few_index_bits"])
def test_every_bound_of_an_index_of_the_event_is_attained(name):
    op, (values, index) = CASES[name].op, (source.result() for source in CASES[name].operands)
    bounds = op.result(values, index).bounds
    for segment in range(op.segments):
        for rows, ends in ((values.bounds.low, bounds.low), (values.bounds.high, bounds.high)):
            reached = np.zeros_like(ends[segment])
            if segment <= index.fixed.high:
                helps = np.minimum(rows, 0) if ends is bounds.low else np.maximum(rows, 0)
                reached = op.evaluate(helps[None], np.full((1, index.size), segment))[0, segment]
            assert np.array_equal(reached, ends[segment])


def test_bounds_know_what_always_belongs_to_a_segment():
    values = TensorType((3,), Fixed(5), Interval(np.array([4, 4, 4]), np.array([8, 8, 8]), np.array([2, 2, 2])))
    index = TensorType((3,), Fixed(2), Interval(np.array([0, 0, 2]), np.array([0, 1, 3])))
    bounds = SegmentSum(3).result(values, index).bounds
    assert (bounds.low.tolist(), bounds.high.tolist()) == ([4, 0, 0], [16, 8, 8])
    assert bounds.trailing.tolist() == [2, 2, 2]


@pytest.mark.parametrize("shapes", [((3, 2), (2,)), ((), (1,)), ((2, 2), (2, 2))])
def test_wrong_shapes_are_errors(shapes):
    with pytest.raises(BadInputError, match="segment_sum needs"):
        SegmentSum(2).result(*(TensorType.full(shape, Fixed(2)) for shape in shapes))


def test_too_wide_a_sum_is_an_error():
    with pytest.raises(BadInputError, match="62 bits"):
        SegmentSum(2).result(TensorType.full((2, 1), Fixed(62)), TensorType.full((2,), Fixed(1)))


def test_no_segment_is_an_error():
    with pytest.raises(BadInputError, match="1 segment or more, not 0"):
        SegmentSum(0)
