"""Which element of a row is the highest."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Instance, Op, TensorType
from codesign.ranges import Interval


@dataclass(frozen=True)
class ArgMax(Op, FloatForm):
    """Data (*rows, N); result (*rows, 1): the number 0 .. N-1 of the highest element, the first of several."""

    kind: ClassVar[str] = "argmax"

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *rows, N) -> (batch, *rows, 1)."""
        return np.asarray(operands[0].argmax(axis=-1, keepdims=True), dtype=np.int64)

    def largest(self, *operands: TensorType) -> float:
        """The operand's magnitude, or the highest number."""
        return max(float(magnitude(operands[0].bounds).max()), operands[0].shape[-1] - 1.0)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *rows, N) -> (batch, *rows, 1)."""
        (data,) = operands
        return np.asarray(data.argmax(axis=-1, keepdims=True), dtype=data.dtype)

    def result(self, *operands: TensorType) -> TensorType:
        """From the first to the last element that can be the highest."""
        (data,) = operands
        if not data.shape:
            raise BadInputError("argmax needs data (*rows, N)")
        low, high = data.bounds.low, data.bounds.high
        can_win = high >= low.max(axis=-1, keepdims=True)
        first = can_win.argmax(axis=-1, keepdims=True)
        last = data.shape[-1] - 1 - can_win[..., ::-1].argmax(axis=-1, keepdims=True)
        return TensorType.derived(Interval(first, last))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`argmax.v`."""
        (data,) = operands
        sizes = {
            "ROWS": data.size // data.shape[-1],
            "SIZE": data.shape[-1],
            "LEVELS": (data.shape[-1] - 1).bit_length(),
            "X_WIDTH": data.fixed.width,
            "X_SIGNED": int(data.fixed.signed),
            "Y_WIDTH": self.result(data).fixed.width,
        }
        return Instance("argmax", tuple((name, str(value)) for name, value in sizes.items()), ("x",))
