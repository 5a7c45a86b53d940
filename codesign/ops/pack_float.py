"""Pack an unsigned integer into a small floating code, truncating (the module sum code of ECON-T is 5E4M)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers, floor_shift
from codesign.graph import Instance, Op, TensorType
from codesign.ranges import Interval


@dataclass(frozen=True)
class PackFloat(Op):
    """x < 2**m -> x; else exponent e = bit length - m and the m bits after the leading one: (e << m) | mantissa."""

    kind: ClassVar[str] = "pack_float"
    exponent_bits: int
    mantissa_bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.exponent_bits <= 8 or self.mantissa_bits < 1:
            fields = f"{self.exponent_bits} and {self.mantissa_bits}"
            raise BadInputError(f"pack_float needs 1 to 8 exponent bits and at least 1 mantissa bit, not {fields}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) -> (batch, *shape)."""
        (data,) = operands
        _, length = np.frexp(data.astype(np.float64))  # exact: operands have at most 53 bits (see result)
        exponent = np.maximum(length.astype(np.int64) - self.mantissa_bits, 0)
        mantissa = floor_shift(data, np.maximum(exponent - 1, 0)) & ((1 << self.mantissa_bits) - 1)
        return (exponent << self.mantissa_bits) | mantissa

    def result(self, *operands: TensorType) -> TensorType:
        """Codes of the bounds, since the code is monotonic."""
        (data,) = operands
        if data.fixed.signed or data.fixed.width > 53:
            raise BadInputError(f"pack_float needs an unsigned operand of at most 53 bits, not {data.fixed}")
        highest = data.fixed.width - self.mantissa_bits
        if highest >= 1 << self.exponent_bits:
            raise BadInputError(f"exponent needs {highest.bit_length()} bits for a {data.fixed.width}-bit operand")
        ends = [self.evaluate(bound[None])[0] for bound in (data.bounds.low, data.bounds.high)]
        return TensorType.derived(Interval(*ends), Fixed(self.exponent_bits + self.mantissa_bits))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`pack_float.v`."""
        (data,) = operands
        sizes = {
            "SIZE": data.size,
            "X_WIDTH": data.fixed.width,
            "EXPONENT_BITS": self.exponent_bits,
            "MANTISSA_BITS": self.mantissa_bits,
        }
        return Instance("pack_float", tuple((name, str(value)) for name, value in sizes.items()), ("x",))
