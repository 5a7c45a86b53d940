"""Elementwise product of two values."""

from dataclasses import dataclass
from typing import ClassVar

from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, largest_operand, magnitude
from codesign.graph import Cost, Instance, Op, TensorType
from codesign.ops.elementwise import joint_shape, port_sizes, spread, texts
from codesign.ranges import product


@dataclass(frozen=True)
class Multiply(Op, FloatForm):
    """y = a * b. Shapes as in `joint_shape`."""

    kind: ClassVar[str] = "multiply"
    operand_count: ClassVar[int] = 2

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) twice -> (batch, *shape)."""
        left, right = operands
        return left * right

    def for_rows(self, rows: int, *operands: TensorType) -> "Multiply":
        """The same."""
        return self

    def largest(self, *operands: TensorType) -> float:
        """Product of the magnitudes, or an operand."""
        left, right = (float(magnitude(operand.bounds).max()) for operand in operands)
        return max(left * right, largest_operand(operands))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *shape) twice -> (batch, *shape)."""
        left, right = operands
        return left * right

    def result(self, *operands: TensorType) -> TensorType:
        """Products of the bounds."""
        shape = joint_shape(self.kind, *operands)
        left, right = (spread(operand.bounds, shape) for operand in operands)
        return TensorType.derived(product(left, right))

    def cost(self, reuse: int, *operands: TensorType) -> Cost:
        """One multiplier an element."""
        return Cost(self.result(*operands).size, 0)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`multiply.v`."""
        left, right = operands
        result = self.result(left, right)
        sizes = {"SIZE": result.size, "Y_WIDTH": result.fixed.width}
        sizes |= port_sizes("A", left, result.shape) | port_sizes("B", right, result.shape)
        return Instance("multiply", texts(sizes), ("a", "b"))
