"""Elementwise addition of two values of one scale (skip connections, biases of rows)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Instance, Op, TensorType
from codesign.ops.elementwise import joint_shape, port_sizes, spread, texts
from codesign.ranges import plus, shifted


@dataclass(frozen=True)
class Add(Op, FloatForm):
    """y = (left << left_shift) + (right << right_shift). Shapes as in `joint_shape`."""

    kind: ClassVar[str] = "add"
    left_shift: int = 0
    right_shift: int = 0
    operand_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if min(self.left_shift, self.right_shift) < 0:
            raise BadInputError(f"add shifts left by 0 bits or more, not by {self.left_shift}, {self.right_shift}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) twice -> (batch, *shape)."""
        left, right = operands
        return (left << self.left_shift) + (right << self.right_shift)

    def result(self, *operands: TensorType) -> TensorType:
        """Sum of the bounds."""
        left, right = operands
        shape = joint_shape(self.kind, left, right)
        bounds = shifted(left.bounds, self.left_shift), shifted(right.bounds, self.right_shift)
        return TensorType.derived(plus(*(spread(one, shape) for one in bounds)))

    def for_rows(self, rows: int, *operands: TensorType) -> "Add":
        """The same."""
        return self

    def largest(self, *operands: TensorType) -> float:
        """Sum of both magnitudes."""
        left, right = (magnitude(operand.bounds).max() for operand in operands)
        return float(np.ldexp(left, self.left_shift) + np.ldexp(right, self.right_shift))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *shape) twice -> (batch, *shape)."""
        left, right = operands
        return np.asarray(left * 2**self.left_shift + right * 2**self.right_shift)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`add.v`."""
        left, right = operands
        result = self.result(left, right)
        sizes = {"SIZE": result.size, "A_SHIFT": self.left_shift, "B_SHIFT": self.right_shift}
        sizes |= port_sizes("A", left, result.shape) | port_sizes("B", right, result.shape)
        sizes["Y_WIDTH"] = result.fixed.width
        return Instance("add", texts(sizes), ("a", "b"))
