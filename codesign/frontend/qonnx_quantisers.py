"""Quantisers of QONNX (Quant, BipolarQuant, Trunc): applied to constants, or requantising a value."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from codesign.fixed import MAX_WIDTH, Fixed
from codesign.frontend.qonnx_constants import Fold, Known, Reals, over_value
from codesign.frontend.qonnx_model import OnnxNode
from codesign.frontend.quantise import quantise, settled
from codesign.frontend.values import (
    Builder,
    Numbers,
    Quantiser,
    Value,
    common_channels,
    fractions,
    grouped,
    leading,
    rounded,
    spread,
)
from codesign.rescale import RoundingMode

ROUNDING: Mapping[str, RoundingMode] = {
    "ROUND": "half_even",
    "HALF_EVEN": "half_even",
    "CEIL": "ceil",
    "FLOOR": "floor",
    "UP": "from_zero",
    "DOWN": "to_zero",
    "HALF_UP": "half_from_zero",
    "HALF_DOWN": "half_to_zero",
    "ROUND_TO_ZERO": "to_zero",
}


def rounding_mode(node: OnnxNode, default: str) -> RoundingMode:
    """Return the rounding of a Quant or Trunc."""
    name = str(node.option("rounding_mode", default)).upper()
    if name not in ROUNDING:
        raise node.error(f"rounding mode {name} is not supported; use one of {', '.join(ROUNDING)}")
    return ROUNDING[name]


def whole_bits(node: OnnxNode, known: Known) -> int:
    """Return a bit width, one whole number for the whole tensor."""
    if known.values.size != 1 or known.scalar != round(known.scalar) or not 1 <= known.scalar <= MAX_WIDTH:
        raise node.error(f"bit width must be one whole number from 1 to {MAX_WIDTH}, not {known.values.ravel()[:3]}")
    return round(known.scalar)


def checked_scale(node: OnnxNode, known: Known | None) -> Known:
    """Return a scale, which must be positive."""
    if known is None or not known.values.size or not (known.values > 0).all():
        raise node.error("its scale must be positive")
    return known


def is_bipolar(node: OnnxNode, bits: int) -> bool:
    """Whether a Quant is read as +1 and -1, as QONNX defines one signed bit."""
    return bits == 1 and bool(node.option("signed", 1))


def integer_range(node: OnnxNode, bits: int) -> tuple[int, int]:
    """Return the lowest and highest integer of a Quant or Trunc."""
    signed, narrow = bool(node.option("signed", 1)), bool(node.option("narrow", 0))
    if signed:
        return -(1 << (bits - 1)) + int(narrow), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - int(narrow)


def numbers_of(array: Reals) -> Numbers:
    """Return the exact numbers of an array of a value's shape, one for each of the fewest leading-axis channels."""
    return fractions(np.array(leading(array)))


def quantiser(node: OnnxNode, shape: tuple[int, ...], operands: tuple[Known, ...]) -> Quantiser:
    """Return the quantiser of a Quant node for a value of `shape`; operands scale, zero point, bit width."""
    scale, zero_point, bits = checked_scale(node, operands[0]), operands[1], whole_bits(node, operands[2])
    numbers = numbers_of(over_value(node, scale, shape)), numbers_of(over_value(node, zero_point, shape))
    channels = common_channels(*numbers)
    low, high = integer_range(node, bits)
    return Quantiser(
        node.path,
        bits,
        bool(node.option("signed", 1)),
        low,
        high,
        spread(numbers[0], channels),
        spread(numbers[1], channels),
        rounding_mode(node, "ROUND"),
        relu=False,
    )


def _around_zero(node: OnnxNode, y: Reals, zero_point: Known, scale: Known) -> Known:
    integers = y - zero_point.over(Known(y))
    if not (integers == np.rint(integers)).all():
        raise node.error("zero point of constants must be whole")
    return Known.quantised(integers.astype(np.int64), scale.values.astype(np.float64))


def _quant(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    data, scale, zero_point, width = operands
    bits = whole_bits(node, width)
    y = data.values / checked_scale(node, scale).over(data) + zero_point.over(data)
    if is_bipolar(node, bits):
        return _around_zero(node, np.where(y >= 0, 1.0, -1.0), zero_point, scale)
    clipped = np.clip(y, *integer_range(node, bits))
    return _around_zero(node, rounded(clipped, rounding_mode(node, "ROUND")), zero_point, scale)


def _bipolar(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    data, scale = operands
    signs = np.where(data.values >= 0, 1, -1).astype(np.int64)
    return Known.quantised(signs, checked_scale(node, scale).values)


def bipolar_value(builder: Builder, node: OnnxNode, value: Value, scale: Known) -> Value:
    """Return +scale where `value` is zero or more, else -scale, as one signed bit: 0 and -1."""
    if value.node is None:
        raise node.error("it reads the real-valued input; give input_type")
    one, zero = (Fraction(1),), (Fraction(0),)
    sign = quantise(builder, value, Quantiser(node.path, 1, True, -1, 0, one, zero, "floor", relu=False))
    sizes = numbers_of(over_value(node, checked_scale(node, scale), value.shape))
    return replace(
        sign,
        scale=tuple(2 * size for size in sizes),
        offset=sizes,
        magnitude=tuple(float(size) for size in sizes),
    )


def truncated(builder: Builder, node: OnnxNode, value: Value, operands: tuple[Known, ...]) -> Value:
    """Return a Trunc: operands scale, zero point, bits before, and [scale,] bits after.

    The value's integers, rounded, lose low bits. Version 1 (no scale after) drops as many as the bit widths differ and
    keeps the scale; version 2 drops as many as the scales differ, clips, and has the new scale.
    """
    settled(value, node.path, "Trunc")
    numbers = [
        numbers_of(over_value(node, one, value.shape)) for one in (checked_scale(node, operands[0]), operands[1])
    ]
    channels = common_channels(*numbers)
    scale, zero = (spread(one, channels) for one in numbers)
    whole = _whole_range(builder, value, scale, zero)
    first = Quantiser(
        f"{node.path}.whole", whole.width, whole.signed, whole.low, whole.high, scale, zero, "half_even", relu=False
    )
    shift, fixed, low, high = _truncation(node, operands, scale, whole)
    steps, zeros = tuple(one * (1 << shift) for one in scale), tuple(one / (1 << shift) for one in zero)
    mode = rounding_mode(node, "FLOOR")
    last = Quantiser(node.path, fixed.width, fixed.signed, low, high, steps, zeros, mode, relu=False)
    result = quantise(builder, quantise(builder, value, first), last)
    if len(operands) == 4:
        return meaning(result, scale, zero)
    return meaning(result, numbers_of(over_value(node, operands[3], value.shape)), zeros)


def _truncation(
    node: OnnxNode, operands: tuple[Known, ...], scale: Numbers, whole: Fixed
) -> tuple[int, Fixed, int, int]:
    """Return how many bits a Trunc drops, and format and range of what is left of integers in `whole`."""
    before, after = whole_bits(node, operands[2]), whole_bits(node, operands[-1])
    if len(operands) == 4:
        shift = before - after
    else:
        shift = round(float(np.log2(checked_scale(node, operands[3]).scalar / float(scale[0]))))
    if shift < 0:
        raise node.error(f"Trunc must drop 0 bits or more, not {shift}")
    if len(operands) == 4:
        fixed = Fixed.covering(whole.low >> shift, -(-whole.high >> shift))
        return shift, fixed, fixed.low, fixed.high
    return shift, Fixed(after, 0, bool(node.option("signed", 1))), *integer_range(node, after)


def _whole_range(builder: Builder, value: Value, scale: Numbers, zero: Numbers) -> Fixed:
    """Return a format for round(value / scale + zero) over all that `value` can be."""
    channels = common_channels(value.scale, scale)
    bounds = grouped(builder.types[str(value.node)].bounds, channels)
    maps = (spread(one, channels) for one in (value.scale, value.offset, scale, zero))
    ends = [
        (int(x) * a + b) / s + z for *pair, a, b, s, z in zip(bounds.low, bounds.high, *maps, strict=True) for x in pair
    ]
    return Fixed.covering(floor(min(ends)), ceil(max(ends)))


def meaning(value: Value, scale: Numbers, zero: Numbers) -> Value:
    """Return the value whose integers mean (integer - zero) * scale."""
    offset = tuple(-one * z for one, z in zip(scale, zero, strict=True))
    return replace(value, scale=scale, offset=offset, magnitude=tuple(abs(float(one)) for one in offset))


QONNX_FOLDS: Mapping[str, Fold] = {"Quant": _quant, "IntQuant": _quant, "BipolarQuant": _bipolar}
