"""Normalise by the power of two below a total: a barrel shift, no division."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Fixed, Integers, floor_shift
from codesign.graph import Instance, Op, TensorType


@dataclass(frozen=True)
class Normalise(Op):
    """y = floor(x * 2**frac / 2**floor(log2 total)), of which the low frac + 1 bits are kept; total 0 counts as 1.

    Operands x (*shape) and total (1,), both unsigned. When the total is the sum of x, y < 2**(frac + 1)
    always and no bit is lost (Di Guglielmo et al. 2021, the ECON-T converter).
    """

    kind: ClassVar[str] = "normalise"
    frac: int
    operand_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.frac < 0:
            raise BadInputError(f"frac must be 0 bits or more, not {self.frac}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape), (batch, 1) -> (batch, *shape)."""
        data, total = operands
        _, length = np.frexp(total.astype(np.float64))  # exact: totals have at most 53 bits (see result)
        shift = np.maximum(length.astype(np.int64) - 1, 0).reshape(-1, *[1] * (data.ndim - 1))
        return floor_shift(data << self.frac, shift) & ((1 << (self.frac + 1)) - 1)

    def result(self, *operands: TensorType) -> TensorType:
        """Every value of an unsigned format with one integer bit."""
        data, total = operands
        if data.fixed.signed or total.fixed.signed or total.size != 1 or total.fixed.width > 53:
            raise BadInputError("normalise needs unsigned data and one unsigned total of at most 53 bits")
        if data.fixed.width + self.frac > MAX_WIDTH:
            raise BadInputError(
                f"normalise shifts {data.fixed} by {self.frac} bits: that is more than {MAX_WIDTH} bits"
            )
        return TensorType.full(data.shape, Fixed(self.frac + 1, self.frac))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`normalise.v`."""
        data, total = operands
        sizes = {
            "SIZE": data.size,
            "X_WIDTH": data.fixed.width,
            "TOTAL_WIDTH": total.fixed.width,
            "FRAC": self.frac,
        }
        return Instance("normalise", tuple((name, str(value)) for name, value in sizes.items()), ("x", "total"))
