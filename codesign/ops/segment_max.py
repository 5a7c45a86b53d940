"""Maxima of rows by segment."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.fixed import MAX_WIDTH, Integers
from codesign.float_form import FloatForm, Floats, largest_operand
from codesign.graph import Instance, Op, TensorType
from codesign.ops.elementwise import texts
from codesign.ops.segments import Array, check_segments, check_values, flat_places, members, row_elements
from codesign.ranges import Interval

BELOW_ALL = -(1 << MAX_WIDTH)


@dataclass(frozen=True)
class SegmentMax(Op, FloatForm):
    """Values (M, *rest), index (M,); result (segments, *rest): the highest value whose index is n, or 0."""

    kind: ClassVar[str] = "segment_max"
    segments: int
    operand_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_segments(self.kind, self.segments)

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, M, *rest), (batch, M) -> (batch, segments, *rest)."""
        return self._highest(operands[0], operands[1], BELOW_ALL)

    def _highest(self, values: Array, index: Array, below_all: float) -> Array:
        flat, places = flat_places(values, index, self.segments)
        events, rest = max(len(values), len(index)), values.shape[2:]
        highest = np.full((events, self.segments + 1, *rest), below_all, values.dtype)
        np.maximum.at(highest.reshape(-1), places, flat)
        return np.where(highest == below_all, 0, highest)[:, :-1]

    def largest(self, *operands: TensorType) -> float:
        """The larger magnitude."""
        return largest_operand(operands)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, M, *rest), (batch, M) -> (batch, segments, *rest)."""
        return self._highest(operands[0], operands[1], -np.inf)

    def result(self, *operands: TensorType) -> TensorType:
        """The operand's format."""
        values, index = operands
        check_values(self.kind, values, index)
        return TensorType.derived(segment_hull(values, index, self.segments), values.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`segment_max.v`."""
        values, index = operands
        sizes = {
            "SEGMENTS": self.segments,
            "COUNT": index.size,
            "SIZE": row_elements(values),
            "X_WIDTH": values.fixed.width,
            "X_SIGNED": int(values.fixed.signed),
            "I_WIDTH": index.fixed.width,
        }
        return Instance("segment_max", texts(sizes), ("x", "index"))


def segment_hull(values: TensorType, index: TensorType, segments: int) -> Interval:
    """Bounds of the maximum of every segment: at least what always belongs to it, else 0 or any value alone."""
    bounds, found = values.bounds, dict[tuple[bytes, bytes], Interval]()
    parts = []
    for can, always in zip(*(one.astype(bool) for one in members(index, segments)), strict=True):
        key = can.tobytes(), always.tobytes()
        if key not in found:
            low, high, zeros = bounds.low[can], bounds.high[can], bounds.trailing[can]
            lowest = bounds.low[always].max(axis=0) if always.any() else np.minimum(low.min(axis=0, initial=0), 0)
            highest = high.max(axis=0) if always.any() else high.max(axis=0, initial=0)
            found[key] = Interval(lowest, highest, zeros.min(axis=0, initial=MAX_WIDTH))
        parts.append(found[key])
    return Interval(*(np.stack(ends) for ends in zip(*((p.low, p.high, p.trailing) for p in parts), strict=True)))
