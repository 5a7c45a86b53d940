"""Two values one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Instance, Op, TensorType
from codesign.ranges import Interval


@dataclass(frozen=True)
class Concat(Op, FloatForm):
    """Operands (A, *rest) and (B, *rest); result (A + B, *rest), in a format that holds both."""

    kind: ClassVar[str] = "concat"
    operand_count: ClassVar[int] = 2

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, A, *rest), (batch, B, *rest) -> (batch, A + B, *rest)."""
        return _joined(operands)

    def largest(self, *operands: TensorType) -> float:
        """The larger magnitude."""
        return max(float(magnitude(one.bounds).max()) for one in operands)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, A, *rest), (batch, B, *rest) -> (batch, A + B, *rest)."""
        return _joined(operands)

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


def _joined(operands: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the operands in one; a constant is repeated for every event."""
    events = max(len(one) for one in operands)
    return np.concatenate([np.broadcast_to(one, (events, *one.shape[1:])) for one in operands], axis=1)
