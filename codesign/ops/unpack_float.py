"""Expand a small floating code into a linear integer (the 4E3M charges of ECON-T)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Integers
from codesign.graph import Instance, Op, TensorType
from codesign.ranges import Interval


@dataclass(frozen=True)
class UnpackFloat(Op):
    """Code (e, m) -> (m if e == 0 else (2**mantissa_bits + m) << (e - 1)) << drop, plus half of the LSB dropped.

    The half, 1 << (s - 1) with s = drop + max(e - 1, 0), is added where `half` is set and s > 0; without
    it the code is read as truncated. Both conventions exist, so the caller names one.
    """

    kind: ClassVar[str] = "unpack_float"
    exponent_bits: int
    mantissa_bits: int
    drop: int
    half: bool

    def __post_init__(self) -> None:
        if min(self.exponent_bits, self.mantissa_bits) < 1 or self.drop < 0:
            fields = f"{self.exponent_bits}, {self.mantissa_bits} and drop {self.drop}"
            raise BadInputError(f"unpack_float needs at least 1 exponent and mantissa bit and drop >= 0, not {fields}")
        highest = (1 << min(self.exponent_bits, 8)) - 2 + self.drop + self.mantissa_bits + 1
        if highest > MAX_WIDTH:
            raise BadInputError(f"the largest code of unpack_float needs more than {MAX_WIDTH} bits")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) -> (batch, *shape)."""
        (code,) = operands
        exponent = code >> self.mantissa_bits
        mantissa = code & ((1 << self.mantissa_bits) - 1)
        shift = self.drop + np.maximum(exponent - 1, 0)
        linear = (mantissa + np.where(exponent > 0, 1 << self.mantissa_bits, 0)) << shift
        rounding = np.where(shift > 0, np.left_shift(1, np.maximum(shift - 1, 0)), 0) if self.half else 0
        return np.asarray(linear + rounding, dtype=np.int64)

    def result(self, *operands: TensorType) -> TensorType:
        """Values of the bounds, since the value rises with the code."""
        (code,) = operands
        if code.fixed.signed or code.fixed.width != self.exponent_bits + self.mantissa_bits:
            raise BadInputError(
                f"unpack_float needs an unsigned {self.exponent_bits + self.mantissa_bits}-bit code, not {code.fixed}"
            )
        ends = [self.evaluate(bound[None])[0] for bound in (code.bounds.low, code.bounds.high)]
        return TensorType.derived(Interval(*ends))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`unpack_float.v`."""
        (code,) = operands
        sizes = {
            "SIZE": code.size,
            "EXPONENT_BITS": self.exponent_bits,
            "MANTISSA_BITS": self.mantissa_bits,
            "DROP": self.drop,
            "HALF": int(self.half),
            "Y_WIDTH": self.result(code).fixed.width,
        }
        return Instance("unpack_float", tuple((name, str(value)) for name, value in sizes.items()), ("x",))
