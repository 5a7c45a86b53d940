"""Axes in another order: pure wiring."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Op, TensorType, Wiring


@dataclass(frozen=True)
class Transpose(Op, FloatForm):
    """Axis k of the result is axis axes[k] of the operand."""

    kind: ClassVar[str] = "transpose"
    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        if sorted(self.axes) != list(range(len(self.axes))):
            raise BadInputError(f"transpose needs each axis once, not {self.axes}")

    @property
    def _batched(self) -> tuple[int, ...]:
        return (0, *(axis + 1 for axis in self.axes))

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *operand shape) -> (batch, *shape)."""
        return operands[0].transpose(self._batched)

    def for_rows(self, rows: int, *operands: TensorType) -> "Transpose | None":
        """The same behind the leading axis."""
        return self if self.axes[0] == 0 else None

    def largest(self, *operands: TensorType) -> float:
        """The operand's magnitude."""
        return float(magnitude(operands[0].bounds).max())

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *operand shape) -> (batch, *shape)."""
        return np.asarray(operands[0].transpose(self._batched))

    def result(self, *operands: TensorType) -> TensorType:
        """The operand's format; bounds follow the elements."""
        (data,) = operands
        if len(data.shape) != len(self.axes):
            raise BadInputError(f"transpose to axes {self.axes} needs {len(self.axes)} axes, not data {data.shape}")
        return TensorType.derived(data.bounds.mapped(lambda array: array.transpose(self.axes)), data.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Wiring:
        """Wires in another order."""
        (data,) = operands
        elements = np.arange(data.size).reshape(data.shape)
        return Wiring(tuple(elements.transpose(self.axes).ravel().tolist()))
