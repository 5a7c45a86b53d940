"""One-dimensional convolution over integers: the arithmetic of `Conv2d` on images of one row."""

from dataclasses import dataclass
from typing import ClassVar

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats
from codesign.graph import Cost, Instance, Op, Products, TensorType, Timing
from codesign.ops.conv2d import Conv2d
from codesign.ops.matvec import Matvec
from codesign.serial import Serial


@dataclass(frozen=True)
class Conv1d(Op, FloatForm):
    """Operands data (C, L), weight (F, C / groups, K), bias (F,); result (F, OL).

    `padding` (left, right) filled with `pad_value`; everything else as in `Conv2d`.
    """

    kind: ClassVar[str] = "conv1d"
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    pad_value: int = 0
    truncate: int = 0
    bias_shift: int = 0
    groups: int = 1
    operand_count: ClassVar[int] = 3
    static_operands: ClassVar[tuple[int, ...]] = (1, 2)

    def __post_init__(self) -> None:
        _ = self.as_2d

    @property
    def as_2d(self) -> Conv2d:
        """The convolution of images of one row."""
        padding = (0, 0, *self.padding)
        return Conv2d((1, self.stride), padding, self.pad_value, self.truncate, self.bias_shift, self.groups)

    def matvec(self, data: TensorType, weight: TensorType) -> Matvec:
        """Return the sizes: one position per output element."""
        return self.as_2d.matvec(*as_rows(data, weight))

    def result(self, *operands: TensorType) -> TensorType:
        """Accumulators in the narrowest format that interval analysis allows."""
        result = self.as_2d.result(*as_rows(*operands))
        return TensorType.derived(result.bounds.mapped(lambda array: array[:, 0]))

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, C, L) -> (batch, F, OL)."""
        data, weight, bias = operands
        return self.as_2d.evaluate(data[..., None, :], weight[..., None, :], bias)[..., 0, :]

    def largest(self, *operands: TensorType) -> float:
        """As of `Conv2d`."""
        return self.as_2d.largest(*as_rows(*operands))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, C, L) -> (batch, F, OL)."""
        data, weight, bias = operands
        return self.as_2d.evaluate_floats(data[..., None, :], weight[..., None, :], bias)[..., 0, :]

    def reuse_factors(self, *operands: TensorType) -> tuple[int, ...]:
        """As of `Conv2d`."""
        return self.as_2d.reuse_factors(*as_rows(*operands))

    def timing(self, reuse: int, *operands: TensorType) -> Timing:
        """As of `Conv2d`."""
        return self.as_2d.timing(reuse, *as_rows(*operands))

    def cost(self, reuse: int, *operands: TensorType) -> Cost:
        """As of `Conv2d`."""
        return self.as_2d.cost(reuse, *as_rows(*operands))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance | Products | Serial:
        """As of `Conv2d`."""
        return self.as_2d.rtl(reuse, *as_rows(*operands))


def as_rows(data: TensorType, weight: TensorType, *others: TensorType) -> tuple[TensorType, ...]:
    """Return the types with one row in data (C, 1, L) and weight (F, C / groups, 1, K)."""
    if len(data.shape) != 2 or len(weight.shape) != 3:
        raise BadInputError(
            f"convolution needs data (C, L) and weights (F, C / groups, K), not {data.shape}, {weight.shape}"
        )
    return (_with_row(data), _with_row(weight), *others)


def _with_row(value: TensorType) -> TensorType:
    bounds = value.bounds.mapped(lambda array: array[..., None, :])
    return TensorType(bounds.low.shape, value.fixed, bounds)
