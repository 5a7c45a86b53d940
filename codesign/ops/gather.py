"""Gather by static index: pure wiring, element e of the result is operand element index[e]."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Op, TensorType, Wiring
from codesign.ranges import Interval


@dataclass(frozen=True)
class Gather(Op, FloatForm):
    """Result of `shape`: element e (row-major) is element index[e] of the operand; index -1 is the constant zero."""

    kind: ClassVar[str] = "gather"
    index: tuple[int, ...]
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.index:
            raise BadInputError("gather needs at least one index")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *operand shape) -> (batch, *shape)."""
        return self._chosen(operands[0])

    def _chosen(self, values: NDArray[Any]) -> NDArray[Any]:
        flat = values.reshape(len(values), -1)
        index = np.array(self.index)
        chosen = flat[:, index]
        chosen[:, index < 0] = 0
        return chosen.reshape(len(flat), *self.shape)

    def largest(self, *operands: TensorType) -> float:
        """The operand's magnitude."""
        return float(magnitude(operands[0].bounds).max())

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *operand shape) -> (batch, *shape)."""
        return self._chosen(operands[0])

    def result(self, *operands: TensorType) -> TensorType:
        """Bounds follow the elements."""
        (data,) = operands
        if len(self.index) != np.prod(self.shape) or min(self.index) < -1 or max(self.index) >= data.size:
            raise BadInputError(f"gather needs {self.shape} indices of -1 .. {data.size - 1}")
        ends = [self.evaluate(bound[None])[0] for bound in (data.bounds.low, data.bounds.high)]
        return TensorType.derived(Interval(*ends), data.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Wiring:
        """Wires in another order."""
        return Wiring(self.index)
