"""Dense layer: y = W x + b over integers, optionally with every product truncated."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, float_sums, largest_sum
from codesign.graph import Cost, Instance, Op, Products, TensorType, Timing
from codesign.ops.matvec import Matvec, accumulate, accumulator, check_shifts, constant_products, instance, shifted_bias
from codesign.serial import Serial


@dataclass(frozen=True)
class Dense(Op, FloatForm):
    """Operands data (inputs,), weight (outputs, inputs), bias (outputs,); result (outputs,).

    `truncate`: every product is floored by this many bits before it is added (the arithmetic of the
    ECON-T chip). `bias_shift`: the bias counts in units of 2**bias_shift of the accumulator.
    """

    kind: ClassVar[str] = "dense"
    truncate: int = 0
    bias_shift: int = 0
    operand_count: ClassVar[int] = 3
    static_operands: ClassVar[tuple[int, ...]] = (1, 2)

    def __post_init__(self) -> None:
        check_shifts(self.truncate, self.bias_shift)

    def matvec(self, data: TensorType, weight: TensorType) -> Matvec:
        """Return the sizes; `BadInputError` if data and weight do not fit."""
        if len(weight.shape) != 2 or data.shape != weight.shape[1:]:
            raise BadInputError(f"dense needs data ({weight.shape[-1]},) for weights {weight.shape}, not {data.shape}")
        return Matvec(1, weight.shape[1], weight.shape[0])

    def result(self, *operands: TensorType) -> TensorType:
        """Accumulator in the narrowest format that interval analysis allows."""
        data, weight, bias = operands
        matvec = self.matvec(data, weight)
        windows = data.bounds.mapped(lambda array: array[None])
        bounds = accumulator(windows, weight.bounds, shifted_bias(bias, matvec.outputs, self.bias_shift), self.truncate)
        return TensorType.derived(bounds.mapped(lambda array: array[0]))

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, inputs) -> (batch, outputs)."""
        data, weight, bias = operands
        return accumulate(data, weight, bias << self.bias_shift, self.truncate)

    def largest(self, *operands: TensorType) -> float:
        """Sum of all products' magnitudes."""
        data, weight, bias = operands
        return largest_sum(data.bounds, weight.bounds, shifted_bias(bias, len(bias.bounds.low), self.bias_shift))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, inputs) -> (batch, outputs)."""
        data, weight, bias = operands
        return float_sums(data, weight, np.ldexp(bias, self.bias_shift), self.truncate)

    def reuse_factors(self, *operands: TensorType) -> tuple[int, ...]:
        """Divisors of the inputs, then times divisors of the outputs."""
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
        phases = self.matvec(data, weight).digit_phases(reuse, self.truncate, *operands)
        windows, start = np.arange(data.size)[None], bias.bounds.low << self.bias_shift
        return Serial(weight.bounds.low, start, windows, 0, self.truncate, data.fixed, phases) if phases else None

    def rtl(self, reuse: int, *operands: TensorType) -> Instance | Products | Serial:
        """Wired products or a serial engine of constant weights; `dense.v`, `dense_serial.v` for others."""
        matvec = self.matvec(*operands[:2])
        _, weight, bias = operands
        serial = self._serial(reuse, *operands)
        if serial:
            return serial
        if reuse == 1 and weight.is_constant and bias.is_constant:
            return constant_products(weight.bounds.low, bias, self.truncate, self.bias_shift)
        own = {"INPUTS": str(matvec.inputs), "TRUNCATE": str(self.truncate), "BIAS_SHIFT": str(self.bias_shift)}
        return instance("dense", matvec, reuse, (*operands, self.result(*operands)), own)
