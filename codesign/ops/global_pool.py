"""All rows in one: their sum or their maximum, feature by feature."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Instance, Op, Products, TensorType
from codesign.ops.elementwise import texts
from codesign.ops.segments import row_elements
from codesign.ranges import Interval, total


@dataclass(frozen=True)
class GlobalPool(Op, FloatForm):
    """Data (M, *rest); result (1, *rest): `mode` "sum" or "max" of all rows."""

    kind: ClassVar[str] = "global_pool"
    mode: str

    def __post_init__(self) -> None:
        if self.mode not in ("sum", "max"):
            raise BadInputError(f"global_pool needs mode 'sum' or 'max', not {self.mode!r}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, M, *rest) -> (batch, 1, *rest)."""
        (data,) = operands
        pooled = data.sum(axis=1, keepdims=True) if self.mode == "sum" else data.max(axis=1, keepdims=True)
        return np.asarray(pooled)

    def largest(self, *operands: TensorType) -> float:
        """Sum of the magnitudes of all rows, or the largest of them."""
        sizes = magnitude(operands[0].bounds)
        return float(sizes.sum(axis=0).max() if self.mode == "sum" else sizes.max())

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, M, *rest) -> (batch, 1, *rest)."""
        return self.evaluate(*operands)

    def result(self, *operands: TensorType) -> TensorType:
        """Sum or maximum of the bounds; a maximum keeps the format."""
        (data,) = operands
        if not data.shape:
            raise BadInputError("global_pool needs data (M, *rest)")
        if self.mode == "sum":
            return TensorType.derived(total(data.bounds, axis=0).mapped(lambda array: array[None]))
        low, high = (bound.max(axis=0, keepdims=True) for bound in (data.bounds.low, data.bounds.high))
        return TensorType.derived(Interval(low, high, data.bounds.trailing.min(axis=0, keepdims=True)), data.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance | Products:
        """Shared adders for a sum; `max_pool.v` over one image of M rows for a maximum."""
        (data,) = operands
        rows, size = data.shape[0], row_elements(data)
        if self.mode == "sum":
            return Products(np.tile(np.eye(size, dtype=np.int64), (1, rows)), np.zeros(size, np.int64))
        sizes = {"ROWS": rows, "COLUMNS": size, "KERNEL_ROWS": rows, "OUT_COLUMNS": size}
        sizes |= {"X_WIDTH": data.fixed.width, "X_SIGNED": int(data.fixed.signed)}
        return Instance("max_pool", texts(sizes), ("x",))
