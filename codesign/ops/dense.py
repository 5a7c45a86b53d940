"""Dense layer: y = W x + b over integers, optionally with every product truncated."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, float_sums, largest_sum
from codesign.graph import Cost, Instance, Op, Products, TensorType, Timing
from codesign.ops.matvec import Matvec, accumulate, accumulator, check_shifts, instance, shifted_bias
from codesign.serial import Serial


@dataclass(frozen=True)
class Dense(Op, FloatForm):
    """Operands data (inputs,), weight (outputs, inputs), bias (outputs,); result (outputs,).

    Data (rows, inputs) gives (rows, outputs): the same weights and biases at every row.
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
        if len(weight.shape) != 2 or len(data.shape) not in (1, 2) or data.shape[-1:] != weight.shape[1:]:
            inputs = weight.shape[-1] if weight.shape else 0
            wanted = f"data ({inputs},) or (rows, {inputs}) for weights {weight.shape}"
            raise BadInputError(f"dense needs {wanted}, not {data.shape}")
        return Matvec(data.size // weight.shape[1], weight.shape[1], weight.shape[0])

    def result(self, *operands: TensorType) -> TensorType:
        """Accumulator in the narrowest format that interval analysis allows."""
        data, weight, bias = operands
        matvec = self.matvec(data, weight)
        windows = data.bounds.mapped(lambda array: array.reshape(matvec.positions, -1))
        bounds = accumulator(windows, weight.bounds, shifted_bias(bias, matvec.outputs, self.bias_shift), self.truncate)
        shape = (*data.shape[:-1], matvec.outputs)
        return TensorType.derived(bounds.mapped(lambda array: array.reshape(shape)))

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *rows, inputs) -> (batch, *rows, outputs)."""
        data, weight, bias = operands
        return accumulate(data, weight, bias << self.bias_shift, self.truncate)

    def for_rows(self, rows: int, *operands: TensorType) -> "Dense | None":
        """The same on data (rows, inputs)."""
        return self if len(operands[0].shape) == 2 else None

    def largest(self, *operands: TensorType) -> float:
        """Sum of all products' magnitudes."""
        data, weight, bias = operands
        return largest_sum(data.bounds, weight.bounds, shifted_bias(bias, len(bias.bounds.low), self.bias_shift))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *rows, inputs) -> (batch, *rows, outputs)."""
        data, weight, bias = operands
        return float_sums(data, weight, np.ldexp(bias, self.bias_shift), self.truncate)

    def reuse_factors(self, *operands: TensorType) -> tuple[int, ...]:
        """Divisors of the rows, then times divisors of the inputs, then of the outputs."""
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
        windows, start = np.arange(data.size).reshape(matvec.positions, -1), bias.bounds.low << self.bias_shift
        matrix = weight.bounds.low
        return Serial(matrix, start, windows, 0, self.truncate, data.fixed, phases, True) if phases else None

    def rtl(self, reuse: int, *operands: TensorType) -> Instance | Products | Serial:
        """Wired products or a serial engine of constant weights; `dense.v`, `dense_serial.v` for others."""
        matvec = self.matvec(*operands[:2])
        _, weight, bias = operands
        serial = self._serial(reuse, *operands)
        if serial:
            return serial
        if reuse == 1 and weight.is_constant and bias.is_constant:
            return self._wired(matvec, weight, bias)
        own = {"ROWS": matvec.positions, "INPUTS": matvec.inputs}
        own |= {"TRUNCATE": self.truncate, "BIAS_SHIFT": self.bias_shift}
        if reuse > 1:
            own["ROW_GROUPS"] = matvec.phases(reuse).positions
        text = {name: str(value) for name, value in own.items()}
        return instance("dense", matvec, reuse, (*operands, self.result(*operands)), text)

    def _wired(self, matvec: Matvec, weight: TensorType, bias: TensorType) -> Products:
        """Return one matrix for all rows of the data: the weights on its diagonal, once for each row."""
        rows, outputs = matvec.positions, matvec.outputs
        start = np.tile(bias.bounds.low << self.bias_shift, rows)
        blocks = tuple(tuple(range(r * outputs, (r + 1) * outputs)) for r in range(rows)) if rows > 1 else ()
        return Products(np.kron(np.eye(rows, dtype=np.int64), weight.bounds.low), start, self.truncate, blocks)
