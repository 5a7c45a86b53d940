"""Two values one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
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
    """Operands (*rows, A, *rest) and (*rows, B, *rest); result (*rows, A + B, *rest), in a format that holds both.

    `axis`: that of A and B, the number of axes in `rows`.
    """

    kind: ClassVar[str] = "concat"
    axis: int = 0
    operand_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.axis < 0:
            raise BadInputError(f"concat needs an axis of 0 or more, not {self.axis}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *rows, A, *rest), (batch, *rows, B, *rest) -> (batch, *rows, A + B, *rest)."""
        return _joined(operands, self.axis + 1)

    def for_rows(self, rows: int, *operands: TensorType) -> "Concat | None":
        """The same behind the leading axis."""
        return self if self.axis > 0 else None

    def largest(self, *operands: TensorType) -> float:
        """The larger magnitude."""
        return max(float(magnitude(one.bounds).max()) for one in operands)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *rows, A, *rest), (batch, *rows, B, *rest) -> (batch, *rows, A + B, *rest)."""
        return _joined(operands, self.axis + 1)

    def result(self, *operands: TensorType) -> TensorType:
        """Bounds follow the elements."""
        left, right = (one.bounds for one in operands)
        shapes = [one.shape for one in operands]
        others = [shape[: self.axis] + shape[self.axis + 1 :] for shape in shapes]
        if min(map(len, shapes)) <= self.axis or others[0] != others[1]:
            raise BadInputError(
                f"concat needs shapes that differ in axis {self.axis} alone, not {shapes[0]}, {shapes[1]}"
            )
        joined = (
            np.concatenate(pair, axis=self.axis)
            for pair in ((left.low, right.low), (left.high, right.high), (left.trailing, right.trailing))
        )
        formats = [one.fixed for one in operands]
        fixed = Fixed.covering(min(one.low for one in formats), max(one.high for one in formats))
        return TensorType.derived(Interval(*joined), fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`concat.v`."""
        left, right = operands
        rows = prod(left.shape[: self.axis])
        sizes = {
            "ROWS": rows,
            "A_SIZE": left.size // rows,
            "A_WIDTH": left.fixed.width,
            "A_SIGNED": int(left.fixed.signed),
            "B_SIZE": right.size // rows,
            "B_WIDTH": right.fixed.width,
            "B_SIGNED": int(right.fixed.signed),
            "Y_WIDTH": self.result(left, right).fixed.width,
        }
        return Instance("concat", tuple((name, str(value)) for name, value in sizes.items()), ("a", "b"))


def _joined(operands: Sequence[NDArray[Any]], axis: int) -> NDArray[Any]:
    """Return the operands in one; a constant is repeated for every event."""
    events = max(len(one) for one in operands)
    return np.concatenate([np.broadcast_to(one, (events, *one.shape[1:])) for one in operands], axis=axis)
