"""A part of a value along one axis: pure wiring."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Op, TensorType, Wiring


@dataclass(frozen=True)
class Slice(Op, FloatForm):
    """The elements `start` .. `stop` - 1 along `axis`; every other axis as it is."""

    kind: ClassVar[str] = "slice"
    axis: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.axis < 0 or not 0 <= self.start < self.stop:
            raise BadInputError(
                f"slice needs axis >= 0 and 0 <= start < stop, not axis {self.axis}, {self.start}, {self.stop}"
            )

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *operand shape) -> (batch, *shape)."""
        return self._part(operands[0], self.axis + 1)

    def _part(self, values: NDArray[Any], axis: int) -> NDArray[Any]:
        return values[(slice(None),) * axis + (slice(self.start, self.stop),)]

    def for_rows(self, rows: int, *operands: TensorType) -> "Slice | None":
        """The same behind the leading axis."""
        return self if self.axis > 0 else None

    def largest(self, *operands: TensorType) -> float:
        """The operand's magnitude."""
        return float(magnitude(operands[0].bounds).max())

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *operand shape) -> (batch, *shape)."""
        return self._part(operands[0], self.axis + 1)

    def result(self, *operands: TensorType) -> TensorType:
        """The operand's format; bounds follow the elements."""
        (data,) = operands
        if self.axis >= len(data.shape) or self.stop > data.shape[self.axis]:
            raise BadInputError(f"slice {self.start} .. {self.stop} of axis {self.axis} is not in data {data.shape}")
        bounds = data.bounds.mapped(lambda array: self._part(array, self.axis))
        return TensorType.derived(bounds, data.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Wiring:
        """The wires of that part."""
        (data,) = operands
        elements = np.arange(data.size).reshape(data.shape)
        return Wiring(tuple(self._part(elements, self.axis).ravel().tolist()))
