"""Reshape: the same elements in the same (row-major) order under another shape."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Op, TensorType, Wiring


@dataclass(frozen=True)
class Reshape(Op, FloatForm):
    """Operand of any shape with as many elements; result of `shape`."""

    kind: ClassVar[str] = "reshape"
    shape: tuple[int, ...]

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *operand shape) -> (batch, *shape)."""
        return operands[0].reshape(len(operands[0]), *self.shape)

    def for_rows(self, rows: int, *operands: TensorType) -> "Reshape | None":
        """The same within every row."""
        kept = self.shape[:1] == operands[0].shape[:1]
        return Reshape((rows, *self.shape[1:])) if kept else None

    def largest(self, *operands: TensorType) -> float:
        """The operand's magnitude."""
        return float(magnitude(operands[0].bounds).max())

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *operand shape) -> (batch, *shape)."""
        return operands[0].reshape(len(operands[0]), *self.shape)

    def result(self, *operands: TensorType) -> TensorType:
        """The operand's format and bounds."""
        (data,) = operands
        if prod(self.shape) != data.size:
            raise BadInputError(f"reshape to {self.shape} needs {prod(self.shape)} elements, not {data.size}")
        return TensorType(self.shape, data.fixed, data.bounds.mapped(lambda array: array.reshape(self.shape)))

    def rtl(self, reuse: int, *operands: TensorType) -> Wiring:
        """The same wires."""
        return Wiring(tuple(range(operands[0].size)))
