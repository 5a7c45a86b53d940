"""Means of rows by segment, as exact divisions."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.graph import Instance, Op, TensorType
from codesign.ops.elementwise import texts
from codesign.ops.segment_sum import SegmentSum, segment_sums
from codesign.ops.segments import check_segments, check_values, members, row_elements
from codesign.ranges import Interval, shifted


@dataclass(frozen=True)
class SegmentMean(Op):
    """Values (M, *rest), index (M,); result (segments, *rest): the mean of the values whose index is n, 0 if none.

    The result counts in units of 2**-frac of the values: sum * 2**frac / count, rounded to nearest, ties to even.
    """

    kind: ClassVar[str] = "segment_mean"
    segments: int
    frac: int = 0
    operand_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_segments(self.kind, self.segments)
        if self.frac < 0:
            raise BadInputError(f"segment_mean needs 0 fraction bits or more, not {self.frac}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, M, *rest), (batch, M) -> (batch, segments, *rest)."""
        values, index = operands
        adds = SegmentSum(self.segments)
        sums = adds.evaluate(values, index)
        counts = adds.evaluate(np.ones_like(index), index)
        return _divided(sums << self.frac, counts.reshape(*counts.shape, *(1,) * (sums.ndim - 2)))

    def result(self, *operands: TensorType) -> TensorType:
        """The operand's format with `frac` bits more; bounds from those of single values, exact where all are known."""
        values, index = operands
        check_values(self.kind, values, index)
        sums = shifted(segment_sums(values, index, self.segments), self.frac + 1)  # refuses what is too wide
        can, always = members(index, self.segments)
        counts = always.sum(axis=1).reshape(-1, *(1,) * (len(values.shape) - 1))
        is_known = (can == always).all(axis=1).reshape(counts.shape)
        scaled = shifted(values.bounds, self.frac)
        ends = [
            np.where(is_known, _divided(end >> 1, counts), one)
            for end, one in (
                (sums.low, np.minimum(scaled.low.min(axis=0), 0)),
                (sums.high, np.maximum(scaled.high.max(axis=0), 0)),
            )
        ]
        fixed = values.fixed
        return TensorType.derived(Interval(*ends), Fixed(fixed.width + self.frac, 0, fixed.signed))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`segment_mean.v`."""
        values, index = operands
        sizes = {
            "SEGMENTS": self.segments,
            "COUNT": index.size,
            "SIZE": row_elements(values),
            "X_WIDTH": values.fixed.width,
            "X_SIGNED": int(values.fixed.signed),
            "I_WIDTH": index.fixed.width,
            "C_WIDTH": index.size.bit_length(),
            "FRAC": self.frac,
        }
        return Instance("segment_mean", texts(sizes), ("x", "index"))


def _divided(numerator: Integers, counts: Integers) -> Integers:
    """Return numerator / counts, rounded to nearest, ties to even; 0 where the count is 0, as is the numerator."""
    twice = 2 * np.maximum(counts, 1)
    quotient, rest = np.divmod(2 * numerator + twice // 2, twice)
    return np.asarray(quotient - ((rest == 0) & (quotient & 1 == 1)), dtype=np.int64)
