"""Sums of rows by segment: messages to the node that receives them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, largest_operand, magnitude
from codesign.graph import Instance, Op, Products, TensorType
from codesign.ops.segments import (
    Array,
    check_segments,
    check_values,
    flat_places,
    members,
    row_elements,
)
from codesign.ranges import Interval, total


@dataclass(frozen=True)
class SegmentSum(Op, FloatForm):
    """Values (M, *rest), index (M,); result (segments, *rest): y[n] = sum of the values whose index is n."""

    kind: ClassVar[str] = "segment_sum"
    segments: int
    operand_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_segments(self.kind, self.segments)

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, M, *rest), (batch, M) -> (batch, segments, *rest)."""
        return self._sums(*operands)

    def _sums(self, values: Array, index: Array) -> Array:
        flat, places = flat_places(values, index, self.segments)
        events, rest = max(len(values), len(index)), values.shape[2:]
        sums = np.zeros((events, self.segments + 1, *rest), values.dtype)
        np.add.at(sums.reshape(-1), places, flat)
        return sums[:, :-1]

    def largest(self, *operands: TensorType) -> float:
        """Sum of the magnitudes of all values, or the highest index."""
        return max(float(magnitude(operands[0].bounds).sum(axis=0).max()), largest_operand(operands))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, M, *rest), (batch, M) -> (batch, segments, *rest)."""
        return self._sums(*operands)

    def result(self, *operands: TensorType) -> TensorType:
        """Any subset of the values that can reach a segment, with those that always do."""
        values, index = operands
        check_values(self.kind, values, index)
        return TensorType.derived(segment_sums(values, index, self.segments))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance | Products:
        """Wired sums for a constant index, else `segment_sum.v`."""
        values, index = operands
        size = row_elements(values)
        if index.is_constant:
            return Products(
                np.kron(members(index, self.segments)[1], np.eye(size, dtype=np.int64)),
                np.zeros(self.segments * size, np.int64),
            )
        sizes = {
            "SEGMENTS": self.segments,
            "COUNT": index.size,
            "SIZE": size,
            "X_WIDTH": values.fixed.width,
            "X_SIGNED": int(values.fixed.signed),
            "I_WIDTH": index.fixed.width,
            "Y_WIDTH": self.result(values, index).fixed.width,
        }
        return Instance("segment_sum", tuple((name, str(value)) for name, value in sizes.items()), ("x", "index"))


def segment_sums(values: TensorType, index: TensorType, segments: int) -> Interval:
    """Bounds of the sums of every segment."""
    with_zero = Interval(np.minimum(values.bounds.low, 0), np.maximum(values.bounds.high, 0), values.bounds.trailing)
    whole = total(with_zero, axis=0)  # refuses what is too wide
    can, always = members(index, segments)
    shape = (segments, *values.shape[1:])
    low, high = (
        (can @ _rows(some) + always @ (_rows(bound) - _rows(some))).reshape(shape)
        for some, bound in ((with_zero.low, values.bounds.low), (with_zero.high, values.bounds.high))
    )
    return Interval(low, high, np.broadcast_to(whole.trailing, shape))


def _rows(values: Integers) -> Integers:
    return values.reshape(len(values), -1)
