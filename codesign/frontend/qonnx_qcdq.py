"""Quantisers of ONNX (QuantizeLinear, Clip, DequantizeLinear): applied to constants, or requantising a value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from codesign.fixed import Fixed
from codesign.frontend.qonnx_constants import FOLDS, Fold, Known, over_value
from codesign.frontend.qonnx_model import OnnxNode
from codesign.frontend.qonnx_quantisers import QONNX_FOLDS, checked_scale, meaning, numbers_of
from codesign.frontend.quantise import quantise
from codesign.frontend.values import Builder, Quantiser, Value, common_channels, spread


def along_axis(node: OnnxNode, known: Known, rank: int) -> Known:
    """Return a scale or zero point of QuantizeLinear, DequantizeLinear so that it broadcasts along its axis."""
    if node.option("block_size", 0):
        raise node.error("block quantisation is not supported; use one scale, or one a channel")
    if known.values.size == 1 or known.values.ndim != 1:
        return Known(known.values.reshape(()) if known.values.size == 1 else known.values)
    axis = node.option("axis", 1)
    if not -rank <= axis < rank:
        raise node.error(f"axis {axis} must be {-rank} to {rank - 1}")
    after = rank - 1 - (axis % rank)
    return Known(known.values.reshape(-1, *[1] * after))


def zero_of(node: OnnxNode, operands: tuple[Known | None, ...]) -> Known:
    """Return the zero point of QuantizeLinear, whose type is that of the result; by default an unsigned 8-bit zero."""
    known = operands[2] if len(operands) > 2 else None
    if node.option("output_dtype", 0) or node.option("precision", 0):
        raise node.error("output_dtype and precision are not supported; give a zero point of the wanted type")
    if known is None:
        return Known(np.zeros((), np.uint8))
    if known.values.dtype.kind not in "iu":
        raise node.error("its zero point must be an integer tensor")
    return known


@dataclass(frozen=True, eq=False)
class Pending:
    """The integers of a QuantizeLinear before its Clip and DequantizeLinear: clip(round(value / scale) + zero)."""

    value: Value
    scale: tuple[Fraction, ...]
    zero: int
    low: int
    high: int

    def clipped(self, node: OnnxNode, low: float, high: float) -> "Pending":
        """Return the same with a narrower range."""
        if low > high or not all(bound == round(bound) for bound in (low, high) if np.isfinite(bound)):
            raise node.error(f"Clip to {low}..{high} must be a range of integers")
        # bounds beyond the integer type change nothing
        inside = [int(np.clip(bound, self.low, self.high)) for bound in (low, high)]
        return replace(self, low=inside[0], high=inside[1])

    def quantiser(self, path: str) -> Quantiser:
        """Return the quantiser to integers around the zero point: ONNX adds it after rounding."""
        low, high = self.low - self.zero, self.high - self.zero
        fixed = Fixed.covering(low, high)
        zeros = (Fraction(0),) * len(self.scale)
        return Quantiser(path, fixed.width, fixed.signed, low, high, self.scale, zeros, "half_even", relu=False)


def pending(node: OnnxNode, value: Value, operands: tuple[Known | None, ...]) -> Pending:
    """Return what a QuantizeLinear of a tracked value makes."""
    scale, zero = operands[1], zero_of(node, operands)
    assert scale is not None
    rank = len(value.shape) + 1
    numbers = numbers_of(over_value(node, along_axis(node, checked_scale(node, scale), rank), value.shape))
    if not (zero.values == zero.values.ravel()[0]).all():
        raise node.error("a zero point per channel is not supported for activations")
    ends = np.iinfo(zero.values.dtype)
    return Pending(value, numbers, int(zero.values.ravel()[0]), int(ends.min), int(ends.max))


def dequantised(builder: Builder, node: OnnxNode, operand: Pending, operands: tuple[Known | None, ...]) -> Value:
    """Return the DequantizeLinear of a QuantizeLinear: its requantisation, read with its own scale and zero point."""
    value = quantise(builder, operand.value, operand.quantiser(node.path))
    rank = len(value.shape) + 1
    scale, zero = (along_axis(node, one, rank) for one in (checked_scale(node, operands[1]), zero_of(node, operands)))
    numbers = [numbers_of(over_value(node, one, value.shape)) for one in (scale, zero)]
    channels = common_channels(*numbers, value.scale)
    zeros = tuple(one - operand.zero for one in spread(numbers[1], channels))  # the integers lie around `zero` already
    return meaning(value, spread(numbers[0], channels), zeros)


def _quantize_linear(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    data, scale = operands[:2]
    zero, rank = zero_of(node, operands), data.values.ndim
    ends = np.iinfo(zero.values.dtype)
    y = np.rint(data.values / along_axis(node, checked_scale(node, scale), rank).over(data))
    y = y + along_axis(node, zero, rank).over(data).astype(np.float64)
    return Known(np.clip(y, ends.min, ends.max).astype(zero.values.dtype))


def _dequantize_linear(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    data, scale = operands[0], operands[1]
    if data.values.dtype.kind not in "iu":
        raise node.error("DequantizeLinear reads integers")
    rank = data.values.ndim
    zero = along_axis(node, operands[2], rank).over(data).astype(np.int64) if len(operands) > 2 else 0
    step = along_axis(node, checked_scale(node, scale), rank)
    return Known.quantised(data.values.astype(np.int64) - zero, step.values)


def clip_range(node: OnnxNode, operands: tuple[Known | None, ...]) -> tuple[float, float]:
    """Return the bounds of a Clip, from its operands or (before opset 11) its attributes."""
    low, high = ((*operands, None, None)[i] for i in (1, 2))
    return (
        low.scalar if low is not None else node.option("min", -np.inf),
        high.scalar if high is not None else node.option("max", np.inf),
    )


def _clip(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    low, high = clip_range(node, operands)
    return Known(np.clip(operands[0].values, low, high).astype(operands[0].values.dtype))


ALL_FOLDS: Mapping[str, Fold] = {
    **FOLDS,
    **QONNX_FOLDS,
    "QuantizeLinear": _quantize_linear,
    "DequantizeLinear": _dequantize_linear,
    "Clip": _clip,
}
