"""Two-dimensional convolution over integers, optionally with every product truncated."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers, floor_shift
from codesign.float_form import FloatForm, Floats, float_sums, largest_sum
from codesign.graph import Cost, Instance, Op, Products, TensorType, Timing
from codesign.ops.matvec import Matvec, accumulate, accumulator, by_group, check_shifts, instance, shifted_bias
from codesign.ranges import Interval
from codesign.serial import Serial


@dataclass(frozen=True)
class Conv2d(Op, FloatForm):
    """Operands data (C, H, W), weight (F, C / groups, KH, KW), bias (F,); result (F, OH, OW).

    Filter f reads the channels of group f // (F / groups): depthwise if groups == C. `stride` (rows, columns);
    `padding` (top, bottom, left, right) filled with the integer `pad_value` (the zero point of the data). `truncate`
    and `bias_shift` as in `Dense`.
    """

    kind: ClassVar[str] = "conv2d"
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_value: int = 0
    truncate: int = 0
    bias_shift: int = 0
    groups: int = 1
    operand_count: ClassVar[int] = 3
    static_operands: ClassVar[tuple[int, ...]] = (1, 2)

    def __post_init__(self) -> None:
        check_shifts(self.truncate, self.bias_shift)
        if min(self.stride) < 1:
            raise BadInputError(f"stride must be 1 or more, not {self.stride}")
        if min(self.padding) < 0:
            raise BadInputError(f"padding must be 0 pixels or more, not {self.padding}")
        if self.groups < 1:
            raise BadInputError(f"groups must be 1 or more, not {self.groups}")

    def out_size(self, data: TensorType, weight: TensorType) -> tuple[int, int]:
        """Return (OH, OW); `BadInputError` if data and weight do not fit."""
        if len(data.shape) != 3 or len(weight.shape) != 4 or data.shape[0] != weight.shape[1] * self.groups:
            wanted = "weights (F, C, KH, KW)" if self.groups == 1 else f"weights (F, C / {self.groups}, KH, KW)"
            raise BadInputError(f"convolution needs data (C, H, W) and {wanted}, not {data.shape}, {weight.shape}")
        if weight.shape[0] % self.groups:
            raise BadInputError(f"{self.groups} groups cannot divide {weight.shape[0]} filters")
        if not data.fixed.low <= self.pad_value <= data.fixed.high:
            raise BadInputError(f"padding value {self.pad_value} must lie in {data.fixed.low}..{data.fixed.high}")
        top, bottom, left, right = self.padding
        rows = (data.shape[1] + top + bottom - weight.shape[2]) // self.stride[0] + 1
        columns = (data.shape[2] + left + right - weight.shape[3]) // self.stride[1] + 1
        if rows < 1 or columns < 1:
            raise BadInputError(f"kernel {weight.shape[2:]} is larger than the padded image of {data.shape}")
        return rows, columns

    def matvec(self, data: TensorType, weight: TensorType) -> Matvec:
        """Return the sizes: one position per output pixel."""
        rows, columns = self.out_size(data, weight)
        return Matvec(rows * columns, int(np.prod(weight.shape[1:])), weight.shape[0], self.groups)

    def windows(self, images: NDArray[Any], kernel: tuple[int, int]) -> NDArray[Any]:
        """(..., C, H, W) -> (..., OH*OW, C*KH*KW): the pixels under the kernel at every position."""
        top, bottom, left, right = self.padding
        around = [(0, 0)] * (images.ndim - 2) + [(top, bottom), (left, right)]
        padded = np.pad(images, around, constant_values=self.pad_value)
        views = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(-2, -1))
        views = views[..., :: self.stride[0], :: self.stride[1], :, :]  # (..., C, OH, OW, KH, KW)
        moved = np.moveaxis(views, -5, -3)  # (..., OH, OW, C, KH, KW)
        rows, columns, *taps = moved.shape[-5:]
        return moved.reshape(*images.shape[:-3], rows * columns, prod(taps))

    def result(self, *operands: TensorType) -> TensorType:
        """Accumulators in the narrowest format that interval analysis allows."""
        data, weight, bias = operands
        rows, columns = self.out_size(data, weight)
        kernel, filters = (weight.shape[2], weight.shape[3]), weight.shape[0]
        seen = Interval(self.windows(data.bounds.low, kernel), self.windows(data.bounds.high, kernel))
        flat = weight.bounds.mapped(lambda array: array.reshape(filters, -1))
        bounds = accumulator(seen, flat, shifted_bias(bias, filters, self.bias_shift), self.truncate, self.groups)
        shape = (filters, rows, columns)
        return TensorType.derived(bounds.mapped(lambda array: array.T.reshape(shape)))

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, C, H, W) -> (batch, F, OH, OW)."""
        data, weight, bias = operands
        windows = self.windows(data, (weight.shape[2], weight.shape[3]))
        flat = weight.reshape(weight.shape[0], -1)
        sums = accumulate(windows, flat, bias << self.bias_shift, self.truncate, self.groups)
        return self._images(sums, data.shape[-2], weight.shape[2])

    def _images(self, sums: NDArray[Any], image_rows: int, kernel_rows: int) -> NDArray[Any]:
        """(batch, OH*OW, F) -> (batch, F, OH, OW)."""
        top, bottom = self.padding[:2]
        rows = (image_rows + top + bottom - kernel_rows) // self.stride[0] + 1
        return np.swapaxes(sums, -1, -2).reshape(len(sums), sums.shape[-1], rows, sums.shape[-2] // rows)

    def largest(self, *operands: TensorType) -> float:
        """Sum of all products' magnitudes."""
        data, weight, bias = operands
        kernel, filters = (weight.shape[2], weight.shape[3]), weight.shape[0]
        windows = data.bounds.mapped(lambda array: self.windows(array, kernel))
        flat = weight.bounds.mapped(lambda array: array.reshape(filters, -1))
        sums = shifted_bias(bias, filters, self.bias_shift)
        low = by_group(windows.low, flat.low, sums.low, self.groups)
        high = by_group(windows.high, flat.high, sums.high, self.groups)
        groups = [[Interval(*ends) for ends in zip(*pair, strict=True)] for pair in zip(low, high, strict=True)]
        return max(largest_sum(*group) for group in groups)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, C, H, W) -> (batch, F, OH, OW)."""
        data, weight, bias = operands
        windows = self.windows(data, (weight.shape[2], weight.shape[3]))
        flat = weight.reshape(weight.shape[0], -1)
        groups = by_group(windows, flat, np.ldexp(bias, self.bias_shift), self.groups)
        sums = np.concatenate([float_sums(*group, self.truncate) for group in groups], axis=-1)
        return self._images(sums, data.shape[-2], weight.shape[2])

    def reuse_factors(self, *operands: TensorType) -> tuple[int, ...]:
        """Divisors of the positions, then times divisors of the kernel size, then of the filters."""
        return self.matvec(*operands[:2]).reuse_factors

    def timing(self, reuse: int, *operands: TensorType) -> Timing:
        """Combinational at reuse 1; above, an interval of `reuse`, and a latency of as many phases as are used."""
        matvec = self.matvec(*operands[:2])
        return matvec.timing(reuse, matvec.digit_phases(reuse, self.truncate, *operands))

    def cost(self, reuse: int, *operands: TensorType) -> Cost:
        """Multipliers and register bits."""
        return self.matvec(*operands[:2]).cost(reuse, self.result(*operands), self._serial(reuse, *operands))

    def _serial(self, reuse: int, *operands: TensorType) -> Serial | None:
        data, weight, bias = operands
        matvec = self.matvec(data, weight)
        phases = matvec.digit_phases(reuse, self.truncate, *operands)
        if not phases:
            return None
        flat = weight.bounds.low.reshape(self.groups, matvec.outputs // self.groups, -1)
        matrix = np.zeros((self.groups, flat.shape[1], self.groups, matvec.inputs), np.int64)
        matrix[np.arange(self.groups), :, np.arange(self.groups)] = flat
        start = bias.bounds.low << self.bias_shift
        windows = self._seen(data, weight)
        return Serial(
            matrix.reshape(matvec.outputs, -1), start, windows, self.pad_value, self.truncate, data.fixed, phases
        )

    def _seen(self, data: TensorType, weight: TensorType) -> NDArray[Any]:
        """Return the pixels (positions, groups * taps) that every position sees, -1 for padding."""
        pixels = np.arange(data.size).reshape(data.shape)
        return replace(self, pad_value=-1).windows(pixels, (weight.shape[2], weight.shape[3]))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance | Products | Serial:
        """Wired products or a serial engine of constant weights; `conv2d.v`, `conv2d_serial.v` for others."""
        data, weight, bias = operands
        serial = self._serial(reuse, *operands)
        if serial:
            return serial
        matvec = self.matvec(data, weight)
        if reuse == 1 and weight.is_constant and bias.is_constant:
            return self._wired(data, weight, bias)
        own = self._geometry(data, weight)
        own |= {"TRUNCATE": str(self.truncate), "BIAS_SHIFT": str(self.bias_shift)}
        if reuse > 1:
            own["POSITION_GROUPS"] = str(matvec.phases(reuse).positions)
        return instance("conv2d", matvec, reuse, (*operands, self.result(*operands)), own)

    def _wired(self, data: TensorType, weight: TensorType, bias: TensorType) -> Products:
        """Return one matrix for all windows: a row for every filter and position, a column for every pixel."""
        seen, filters = self._seen(data, weight), weight.shape[0]
        positions = len(seen)
        seen = seen.reshape(positions, self.groups, -1)
        flat = weight.bounds.low.reshape(filters, -1)
        matrix = np.zeros((filters, positions, data.size + 1), np.int64)  # the last column is the padding
        start = np.zeros((filters, positions), np.int64)
        rows = np.arange(positions)[:, None]
        for o, row in enumerate(flat):
            window = seen[:, o // (filters // self.groups)]
            np.add.at(matrix[o], (rows, window), row[None])
            start[o] = ((window == -1) * floor_shift(self.pad_value * row, self.truncate)).sum(axis=-1)
        start += (bias.bounds.low << self.bias_shift)[:, None]
        blocks = tuple(tuple(range(p, filters * positions, positions)) for p in range(positions))
        return Products(matrix[..., :-1].reshape(-1, data.size), start.ravel(), self.truncate, blocks)

    def _geometry(self, data: TensorType, weight: TensorType) -> dict[str, str]:
        rows, columns = self.out_size(data, weight)
        width = data.fixed.width
        sizes = {
            "CHANNELS": data.shape[0],
            "ROWS": data.shape[1],
            "COLUMNS": data.shape[2],
            "KERNEL_ROWS": weight.shape[2],
            "KERNEL_COLUMNS": weight.shape[3],
            "STRIDE_ROWS": self.stride[0],
            "STRIDE_COLUMNS": self.stride[1],
            "PAD_TOP": self.padding[0],
            "PAD_LEFT": self.padding[2],
            "OUT_ROWS": rows,
            "OUT_COLUMNS": columns,
            "GROUPS": self.groups,
            "PAD_VALUE": f"{width}'d{self.pad_value & ((1 << width) - 1)}",
        }
        return {name: str(value) for name, value in sizes.items()}
