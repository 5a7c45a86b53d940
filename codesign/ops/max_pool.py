"""Two-dimensional max pooling."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Instance, Op, TensorType
from codesign.ranges import Interval

BELOW_ALL = -(1 << MAX_WIDTH)


@dataclass(frozen=True)
class MaxPool(Op, FloatForm):
    """Data (C, H, W); result (C, OH, OW): the highest pixel under a kernel (rows, columns) at every position.

    `stride` (rows, columns); `padding` (top, bottom, left, right), narrower than the kernel, is never the highest.
    """

    kind: ClassVar[str] = "max_pool"
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        if min(*self.kernel, *self.stride) < 1:
            raise BadInputError(f"kernel and stride must be 1 or more, not {self.kernel}, {self.stride}")
        top, bottom, left, right = self.padding
        if min(self.padding) < 0 or max(top, bottom) >= self.kernel[0] or max(left, right) >= self.kernel[1]:
            raise BadInputError(f"padding {self.padding} must be 0 or more and narrower than the kernel {self.kernel}")

    def out_size(self, data: TensorType) -> tuple[int, int]:
        """Return (OH, OW); `BadInputError` if the kernel does not fit."""
        if len(data.shape) != 3:
            raise BadInputError(f"max_pool needs data (C, H, W), not {data.shape}")
        top, bottom, left, right = self.padding
        rows = (data.shape[1] + top + bottom - self.kernel[0]) // self.stride[0] + 1
        columns = (data.shape[2] + left + right - self.kernel[1]) // self.stride[1] + 1
        if rows < 1 or columns < 1:
            raise BadInputError(f"kernel {self.kernel} is larger than the padded image of {data.shape}")
        return rows, columns

    def evaluate(self, *operands: Integers) -> Integers:
        """(..., C, H, W) -> (..., C, OH, OW)."""
        return self._highest(operands[0], BELOW_ALL)

    def _highest(self, data: NDArray[Any], below_all: float) -> NDArray[Any]:
        top, bottom, left, right = self.padding
        around = [(0, 0)] * (data.ndim - 2) + [(top, bottom), (left, right)]
        padded = np.pad(data, around, constant_values=below_all)
        views = np.lib.stride_tricks.sliding_window_view(padded, self.kernel, axis=(-2, -1))
        highest: NDArray[Any] = views[..., :: self.stride[0], :: self.stride[1], :, :].max(axis=(-2, -1))
        return highest

    def largest(self, *operands: TensorType) -> float:
        """The operand's magnitude."""
        return float(magnitude(operands[0].bounds).max())

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, C, H, W) -> (batch, C, OH, OW)."""
        return self._highest(operands[0], -np.inf)

    def result(self, *operands: TensorType) -> TensorType:
        """Bounds are the pooled bounds, since the function is monotonic; the format is the operand's."""
        (data,) = operands
        _ = self.out_size(data)
        low, high, fewest = (self.evaluate(one) for one in (data.bounds.low, data.bounds.high, -data.bounds.trailing))
        return TensorType.derived(Interval(low, high, -fewest), data.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`max_pool.v`."""
        (data,) = operands
        rows, columns = self.out_size(data)
        sizes = {
            "CHANNELS": data.shape[0],
            "ROWS": data.shape[1],
            "COLUMNS": data.shape[2],
            "KERNEL_ROWS": self.kernel[0],
            "KERNEL_COLUMNS": self.kernel[1],
            "STRIDE_ROWS": self.stride[0],
            "STRIDE_COLUMNS": self.stride[1],
            "PAD_TOP": self.padding[0],
            "PAD_LEFT": self.padding[2],
            "OUT_ROWS": rows,
            "OUT_COLUMNS": columns,
            "X_WIDTH": data.fixed.width,
            "X_SIGNED": int(data.fixed.signed),
        }
        return Instance("max_pool", tuple((name, str(value)) for name, value in sizes.items()), ("x",))
