"""Matrix-vector products over positions: what dense and the convolutions share.

Dense is one position per row of the data; a convolution is one position per output pixel; the weights are the same at
each. Outputs may be divided into groups that read different inputs (depthwise: one channel each).
Reuse takes positions first (the weights stay wired), then inputs, then outputs, down to one multiplier.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers, floor_shift
from codesign.graph import Cost, Instance, TensorType, Timing, Words
from codesign.ranges import Interval, frozen, plus, product, shifted, total
from codesign.serial import DigitPhases, Serial
from codesign.verilog_literals import counter_bits


def divisors(number: int) -> tuple[int, ...]:
    """Return all divisors of `number` in rising order."""
    return tuple(factor for factor in range(1, number + 1) if number % factor == 0)


@dataclass(frozen=True)
class Phases:
    """Into how many sequential parts positions, inputs and outputs are divided; their product is the reuse factor."""

    positions: int
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Matvec:
    """`positions` products of an outputs x inputs matrix with a vector, or with one for each group of outputs."""

    positions: int
    inputs: int
    outputs: int
    groups: int = 1

    @property
    def reuse_factors(self) -> tuple[int, ...]:
        """Legal reuse factors: divide positions, then inputs, then outputs."""
        by_position = divisors(self.positions)
        by_input = tuple(self.positions * factor for factor in divisors(self.inputs))
        by_output = tuple(self.positions * self.inputs * factor for factor in divisors(self.outputs))
        return tuple(sorted({*by_position, *by_input, *by_output}))

    def phases(self, reuse: int) -> Phases:
        """Return the phases of a legal reuse factor."""
        if reuse not in self.reuse_factors:
            raise BadInputError(f"reuse factor must be one of {self.reuse_factors}, not {reuse}")
        positions = min(reuse, self.positions)
        inputs = min(reuse // positions, self.inputs)
        return Phases(positions, inputs, reuse // (positions * inputs))

    def timing(self, reuse: int, digit_phases: DigitPhases | None) -> Timing:
        """Combinational at reuse 1; else one phase a cycle, the result after the last one."""
        self.phases(reuse)
        if digit_phases:
            return Timing(digit_phases.count, reuse)
        return Timing(0, 1) if reuse == 1 else Timing(reuse, reuse)

    def digit_phases(self, reuse: int, truncate: int, *operands: TensorType) -> DigitPhases | None:
        """Return the phases of the engine for constant weights, None where weights come word by word.

        `operands`: types of data, weight, bias. Truncated products are no sums of digits: only positions divide them.
        """
        self.phases(reuse)
        data, weight, bias = operands
        constant = weight.is_constant and bias.is_constant
        if reuse == 1 or not constant or (truncate and reuse > self.positions):
            return None
        return DigitPhases.of(reuse, self.positions, self.outputs, data.fixed.width)

    def word_index(self, reuse: int) -> Integers:
        """Weight elements of each phase word: (phases, lanes), lane order output, input."""
        phases = self.phases(reuse)
        index = np.arange(self.outputs * self.inputs).reshape(
            phases.outputs, self.outputs // phases.outputs, phases.inputs, self.inputs // phases.inputs
        )
        return frozen(index.transpose(0, 2, 1, 3).reshape(phases.outputs * phases.inputs, -1))

    def cost(self, reuse: int, result: TensorType, serial: Serial | None) -> Cost:
        """Multipliers, and the bits of accumulators, phase counters and the done flag.

        For constant weights multipliers are what the tables or shared adders of a phase stand for.
        """
        phases = self.phases(reuse)
        multipliers = self.positions * self.inputs * self.outputs // reuse
        if serial:
            return Cost(multipliers, serial.state_bits + result.bounds.live_bits)
        counters = sum(counter_bits(count) for count in (phases.positions, phases.inputs, phases.outputs))
        return Cost(multipliers, 0 if reuse == 1 else result.bits + counters + 1)


def by_group(
    windows: NDArray[Any], weights: NDArray[Any], bias: NDArray[Any], groups: int
) -> list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Return windows (..., groups * inputs), weights (outputs, inputs) and bias (outputs,) of every group."""
    parts = np.split(windows, groups, axis=-1), np.split(weights, groups), np.split(bias, groups)
    return list(zip(*parts, strict=True))


def accumulate(windows: Integers, weights: Integers, bias: Integers, truncate: int, groups: int = 1) -> Integers:
    """Return sum_i floor(w[o,i] * x[...,i] / 2**truncate) + bias[o] with the inputs of output o's group, exact.

    windows (..., groups * inputs), weights (outputs, inputs), bias (outputs,) -> (..., outputs).
    """
    if groups > 1:
        parts = by_group(windows, weights, bias, groups)
        return np.concatenate([accumulate(*part, truncate) for part in parts], axis=-1)
    if truncate:
        columns = [floor_shift(windows * row, truncate).sum(axis=-1) for row in weights]
        return np.stack(columns, axis=-1) + bias
    bound = int(np.abs(windows).max(initial=0)) * int(np.abs(weights).sum(axis=-1).max(initial=0))
    if bound < 1 << 53:  # every partial sum is then exact in float64, where BLAS is fast
        return np.asarray(windows.astype(np.float64) @ weights.T.astype(np.float64), dtype=np.int64) + bias
    return windows @ weights.T + bias


def accumulator(windows: Interval, weights: Interval, bias: Interval, truncate: int, groups: int = 1) -> Interval:
    """Bounds of `accumulate` for windows (positions, groups * inputs): (positions, outputs)."""
    outputs, inputs = weights.low.shape
    # Every output gets the window of its group: (positions, outputs, inputs).
    left = windows.mapped(lambda array: array.reshape(-1, groups, inputs).repeat(outputs // groups, axis=1))
    right = weights.mapped(lambda array: array[None])
    return plus(total(product(left, right, truncate), axis=-1), bias)


def shifted_bias(bias: TensorType, outputs: int, shift: int) -> Interval:
    """Bounds of the bias in accumulator units; `BadInputError` unless there is one per output."""
    if bias.shape != (outputs,):
        raise BadInputError(f"bias must have shape ({outputs},), not {bias.shape}")
    return shifted(bias.bounds, shift)


def check_shifts(truncate: int, bias_shift: int) -> None:
    """Raise `BadInputError` unless both are 0 or more."""
    for name, value in (("truncate", truncate), ("bias_shift", bias_shift)):
        if value < 0:
            raise BadInputError(f"{name} must be 0 bits or more, not {value}")


def instance(stem: str, matvec: Matvec, reuse: int, operands: tuple[TensorType, ...], own: dict[str, str]) -> Instance:
    """Return `<stem>.v` at reuse 1, else `<stem>_serial.v` with its weights word by word; `own` are further parameters.

    `operands`: types of data, weight, bias and result.
    """
    sizes = own | _parameters(matvec, reuse, operands)
    if reuse == 1:
        return Instance(stem, tuple(sizes.items()), ("x", "weights", "bias"))
    phases = matvec.phases(reuse)
    address_bits = max(1, counter_bits(phases.outputs * phases.inputs))
    select = {name: sizes[name] for name in ("OUTPUTS", "INPUT_GROUPS", "OUTPUT_GROUPS", "W_WIDTH")}
    words = Words("weights", matvec.word_index(reuse), address_bits, (("INPUTS", str(matvec.inputs)), *select.items()))
    return Instance(f"{stem}_serial", (*sizes.items(), ("A_WIDTH", str(address_bits))), ("x", "weights", "bias"), words)


def _parameters(matvec: Matvec, reuse: int, operands: tuple[TensorType, ...]) -> dict[str, str]:
    data, weight, bias, result = operands
    phases = matvec.phases(reuse)
    sizes = {
        "OUTPUTS": matvec.outputs,
        "X_WIDTH": data.fixed.width,
        "X_SIGNED": int(data.fixed.signed),
        "W_WIDTH": weight.fixed.width,
        "W_SIGNED": int(weight.fixed.signed),
        "B_WIDTH": bias.fixed.width,
        "B_SIGNED": int(bias.fixed.signed),
        "Y_WIDTH": result.fixed.width,
    }
    if reuse > 1:
        sizes |= {"INPUT_GROUPS": phases.inputs, "OUTPUT_GROUPS": phases.outputs}
    return {name: str(value) for name, value in sizes.items()}
