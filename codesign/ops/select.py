"""One of two values, element by element."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.float_form import FloatForm, Floats, largest_operand
from codesign.graph import Instance, Op, TensorType
from codesign.ops.elementwise import joint_shape, port_sizes, spread, texts
from codesign.ranges import Interval


@dataclass(frozen=True)
class Select(Op, FloatForm):
    """Operands condition (one bit), a, b; y = a where the condition is 1, else b. Shapes as in `joint_shape`."""

    kind: ClassVar[str] = "select"
    operand_count: ClassVar[int] = 3

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) three times -> (batch, *shape)."""
        return _chosen(operands)

    def for_rows(self, rows: int, *operands: TensorType) -> "Select":
        """The same."""
        return self

    def largest(self, *operands: TensorType) -> float:
        """The larger magnitude."""
        return largest_operand(operands)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *shape) three times -> (batch, *shape)."""
        return _chosen(operands)

    def result(self, *operands: TensorType) -> TensorType:
        """A format that holds both values; bounds of one where the condition is known, else their hull."""
        condition, *values = operands
        if condition.fixed.width != 1 or condition.fixed.signed:
            raise BadInputError(f"select needs a condition of one bit, not {condition.fixed}")
        shape = joint_shape(self.kind, *operands)
        known, left, right = (spread(operand.bounds, shape) for operand in operands)
        sure, never = known.low == 1, known.high == 0
        low, high, zeros = (
            np.where(sure, one, np.where(never, other, pick(one, other)))
            for pick, one, other in (
                (np.minimum, left.low, right.low),
                (np.maximum, left.high, right.high),
                (np.minimum, left.trailing, right.trailing),
            )
        )
        formats = [value.fixed for value in values]
        fixed = Fixed.covering(min(one.low for one in formats), max(one.high for one in formats))
        return TensorType.derived(Interval(low, high, zeros), fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`select.v`."""
        condition, left, right = operands
        result = self.result(*operands)
        chosen = port_sizes("C", condition, result.shape)
        sizes = {"SIZE": result.size, "C_SIZE": chosen["C_SIZE"], "C_REPEAT": chosen["C_REPEAT"]}
        sizes |= port_sizes("A", left, result.shape) | port_sizes("B", right, result.shape)
        sizes["Y_WIDTH"] = result.fixed.width
        return Instance("select", texts(sizes), ("condition", "a", "b"))


def _chosen(operands: Sequence[NDArray[Any]]) -> NDArray[Any]:
    condition, left, right = operands
    return np.where(condition == 1, left, right)
