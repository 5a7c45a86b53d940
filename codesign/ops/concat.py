"""Two values one after the other."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.graph import Instance, Op, TensorType
from codesign.ranges import Interval


@dataclass(frozen=True)
class Concat(Op):
    """Operands (A, *rest) and (B, *rest); result (A + B, *rest), in a format that holds both."""

    kind: ClassVar[str] = "concat"
    operand_count: ClassVar[int] = 2

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, A, *rest), (batch, B, *rest) -> (batch, A + B, *rest)."""
        events = max(len(one) for one in operands)
        return np.concatenate([np.broadcast_to(one, (events, *one.shape[1:])) for one in operands], axis=1)

    def result(self, *operands: TensorType) -> TensorType:
        """Bounds follow the elements."""
        left, right = (one.bounds for one in operands)
        shapes = [one.shape for one in operands]
        if not all(shapes) or shapes[0][1:] != shapes[1][1:]:
            raise BadInputError(
                f"concat needs shapes that differ in the first axis alone, not {shapes[0]}, {shapes[1]}"
            )
        joined = (
            np.concatenate(pair)
            for pair in ((left.low, right.low), (left.high, right.high), (left.trailing, right.trailing))
        )
        formats = [one.fixed for one in operands]
        fixed = Fixed.covering(min(one.low for one in formats), max(one.high for one in formats))
        return TensorType.derived(Interval(*joined), fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`concat.v`."""
        left, right = operands
        sizes = {
            "A_SIZE": left.size,
            "A_WIDTH": left.fixed.width,
            "A_SIGNED": int(left.fixed.signed),
            "B_SIZE": right.size,
            "B_WIDTH": right.fixed.width,
            "B_SIGNED": int(right.fixed.signed),
            "Y_WIDTH": self.result(left, right).fixed.width,
        }
        return Instance("concat", tuple((name, str(value)) for name, value in sizes.items()), ("a", "b"))
