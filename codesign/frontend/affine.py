"""Linear layers, batch norms and sums of tracked values: what every front end shares, in exact rational arithmetic."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.frontend.quantise import is_power_of_two, materialise_pad, settled
from codesign.frontend.values import NO_PAD, Builder, Numbers, Sides, Value, common_channels, fractions, spread
from codesign.graph import Op
from codesign.ops.add import Add
from codesign.ops.dense import Dense
from codesign.ops.reshape import Reshape


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights (filters, ...) as integers around real zero, their scale (one, or one a filter), and the bias.

    `grid_bias` holds the bias in units of the accumulator if it lies on that grid, else `real_bias` counts.
    """

    integers: Integers
    scale: Numbers
    real_bias: Numbers
    grid_bias: Integers | None


def checked_operand(value: Value, path: str) -> Value:
    """Return the operand of a layer with weights; `BadInputError` unless it is quantised with one scale."""
    if value.node is not None:
        settled(value, path, "it")
    check_quantised(value, path)
    if len(set(value.scale)) > 1 or len(set(value.offset)) > 1:
        raise BadInputError(f"node '{path}': its input has a scale per channel; quantise it per tensor")
    return value


def check_quantised(value: Value, path: str) -> None:
    """Raise `BadInputError`, naming what lacks a quantiser, unless the integers of `value` may be multiplied."""
    if not value.quantised:
        reason = "its input is not quantised; put a quantiser before it (QuantIdentity, Quant)"
        if value.node is not None and value.unquantised:
            named = " and ".join(f"'{one}'" for one in value.unquantised)
            reason = f"its input '{value.node}' is not quantised; name a quantiser for {named}"
        raise BadInputError(f"node '{path}': {reason}")


def aligned(value: Value, path: str) -> tuple[Value, Integers]:
    """Return `value` (..., features) on the finest scale of its features, and the factor (features,) that each of them
    needs for it: the weights that read it take that over. `BadInputError` unless the factors are whole.
    """
    check_quantised(value, path)
    features = value.shape[-1]
    if len(set(value.scale)) == 1:
        return value, np.ones(features, np.int64)
    scales = np.array(spread(value.scale, prod(value.shape)), dtype=object).reshape(-1, features)
    finest = min(scales[0])
    factors = [one / finest for one in scales[0]]
    if any(factor.denominator > 1 or factor.numerator >> 24 for factor in factors):
        reason = "its input joins values on unrelated scales; quantise them on scales that differ by powers of two"
        raise BadInputError(f"node '{path}': {reason}")
    if any(value.offset) or (scales != scales[:1]).any():
        raise BadInputError(f"node '{path}': its input has a scale per channel; quantise it per tensor")
    whole = np.array([factor.numerator for factor in factors], np.int64)
    return replace(value, scale=(finest,), offset=value.offset[:1], magnitude=value.magnitude[:1]), whole


def linear_map(builder: Builder, path: str, value: Value, weights: Weights, op: Op) -> Value:
    """Emit a layer with weights: accumulators real = integer * s_x s_w + (offset of the data and of the bias)."""
    integers, weight_scale = weights.integers, weights.scale
    filters = len(integers)
    scale = tuple(value.scale[0] * one for one in weight_scale)
    sums = integers.reshape(filters, -1).sum(axis=1)
    sizes = np.abs(integers).reshape(filters, -1).sum(axis=1)
    per_filter = spread(weight_scale, filters)
    moved = [value.offset[0] * one * int(total) for one, total in zip(per_filter, sums, strict=True)]
    added_bias = spread(weights.real_bias, filters) if weights.grid_bias is None else (Fraction(0),) * filters
    offset = tuple(left + right for left, right in zip(moved, added_bias, strict=True))
    size = [abs(float(value.offset[0])) * float(one) * int(n) for one, n in zip(per_filter, sizes, strict=True)]
    magnitude = tuple(one + abs(float(b)) for one, b in zip(size, added_bias, strict=True))
    grid = np.zeros(filters, np.int64) if weights.grid_bias is None else np.broadcast_to(weights.grid_bias, (filters,))
    names = builder.constant(f"{path}.weight", integers), builder.constant(f"{path}.bias", grid)
    assert value.node is not None
    node = builder.add(path, op, value.node, *names)
    if not any(offset):
        offset, magnitude = offset[:1], (max(magnitude),)
    channels = common_channels(scale, offset)
    shape = builder.types[node].shape
    if isinstance(op, Dense) and channels > 1:  # a channel is a feature, behind the rows
        rows = prod(shape) // filters
        scale, offset = spread(scale, filters) * rows, spread(offset, filters) * rows
        magnitude, channels = spread(magnitude, filters) * rows, len(scale)
    direct = value.direct and not any(offset) and _is_exact(builder, node, scale)
    return Value(
        node, shape, spread(scale, channels), spread(offset, channels), spread(magnitude, channels), direct=direct
    )


def _is_exact(builder: Builder, layer: str, scale: Numbers) -> bool:
    """Whether float64 holds every partial sum of `layer`: integers times the numerator of a scale, in 53 bits."""
    data, weights, bias = (builder.types[operand].bounds for operand in builder.operands(layer))
    inputs = weights.low[0].size
    ends = [int(max(-one.low.min(), one.high.max(), 1)) for one in (data, weights, bias)]
    is_dyadic = all(one.denominator & (one.denominator - 1) == 0 for one in scale)
    return is_dyadic and max(one.numerator for one in scale) * (inputs * ends[0] * ends[1] + ends[2]) < 1 << 53


def dilated(weights: Integers, dilation: tuple[int, ...]) -> Integers:
    """Return kernels (filters, channels, *taps) with zeros between their taps, `dilation` steps apart."""
    if set(dilation) == {1}:
        return weights
    taps = tuple((size - 1) * step + 1 for size, step in zip(weights.shape[2:], dilation, strict=True))
    wide = np.zeros((*weights.shape[:2], *taps), np.int64)
    wide[(slice(None), slice(None), *(slice(None, None, step) for step in dilation))] = weights
    return wide


def pad_value(value: Value, padding: Sides, path: str) -> int:
    """Return the integer that means real zero, if there is padding to fill with it."""
    zero = value.zero_point[0]
    if any(padding) and zero.denominator != 1:
        raise BadInputError(f"'{path}': padding needs data with an integer zero point, not {float(zero)}")
    return int(zero) if any(padding) else 0


def together(inner: Sides, outer: Sides) -> Sides:
    """Return the padding of one inside the other."""
    top, bottom, left, right = (a + b for a, b in zip(inner, outer, strict=True))
    return top, bottom, left, right


def scaled(value: Value, factors: Numbers) -> Value:
    """Return value * factor, channel by channel: folded into what the integers mean."""
    channels = common_channels(factors, value.scale)
    by = spread(factors, channels)
    return replace(
        value,
        scale=tuple(one * f for one, f in zip(spread(value.scale, channels), by, strict=True)),
        offset=tuple(one * f for one, f in zip(spread(value.offset, channels), by, strict=True)),
        magnitude=tuple(one * abs(float(f)) for one, f in zip(spread(value.magnitude, channels), by, strict=True)),
        direct=False,
    )


def moved(value: Value, terms: Numbers) -> Value:
    """Return value + term, channel by channel: folded into what the integers mean."""
    channels = common_channels(terms, value.scale)
    by = spread(terms, channels)
    return replace(
        value,
        scale=spread(value.scale, channels),
        offset=tuple(one + t for one, t in zip(spread(value.offset, channels), by, strict=True)),
        magnitude=tuple(one + abs(float(t)) for one, t in zip(spread(value.magnitude, channels), by, strict=True)),
        direct=False,
    )


def batch_normalised(
    value: Value, gain: NDArray[np.float64], mean: NDArray[np.float64], beta: NDArray[np.float64]
) -> Value:
    """Return (value - mean) * gain + beta, channel by channel."""
    gains, means, betas = (fractions(array) for array in (gain, -mean, beta))
    return replace(moved(scaled(moved(value, means), gains), betas), quantised=False)


def reshaped(builder: Builder, path: str, value: Value, shape: tuple[int, ...]) -> Value:
    """Return the same elements in the same order under another shape (without the batch axis)."""
    if value.node is None or value.shape == shape:
        return replace(value, shape=shape)
    if value.pad != NO_PAD:
        value = materialise_pad(builder, value, path)
    assert value.node is not None
    return replace(value, node=builder.add(path, Reshape(shape), value.node), shape=shape)


def zero_padded(value: Value, sides: Sides, path: str) -> Value:
    """Return an image (channels, rows, columns) with real zeros around, which the next convolution takes in."""
    _ = settled(replace(value, relu=False), path, "padding")  # ReLU and zero padding commute
    if min(sides) < 0 or len(value.shape) != 3:
        raise BadInputError(f"'{path}': only zero padding of rows and columns of images is supported")
    return replace(value, pad=together(value.pad, sides))


def bias_terms(
    real: Numbers, integers: Integers | None, own_scale: Numbers, accumulator_scale: Numbers
) -> tuple[Numbers, Integers | None]:
    """Return a bias as real values, and as integers if it lies on the accumulator's grid.

    `integers` and `own_scale` (one each) are what the bias's own quantiser made, None and () without one; a scale
    that is the nearest float64 of the accumulator's scale stands for it.
    """
    scales = accumulator_scale if len(accumulator_scale) > 1 else accumulator_scale * len(real)
    if integers is not None:
        if all(float(scale) == float(one) for scale, one in zip(scales, own_scale, strict=True)):
            return real, integers
        real = tuple(int(one) * scale for one, scale in zip(integers, own_scale, strict=True))
    ratios = [value / scale for value, scale in zip(real, scales, strict=True)]
    on_grid = all(ratio.denominator == 1 and abs(ratio.numerator) < 1 << 40 for ratio in ratios)
    return real, np.array([ratio.numerator for ratio in ratios], np.int64) if on_grid else None


def added(builder: Builder, path: str, left: Value, right: Value) -> Value:
    """Return the sum of two values whose scales differ by a power of two (skip connections)."""
    left, right = (settled(value, path, "an addition") for value in (left, right))
    left, right = (materialise_pad(builder, v, path) if v.pad != NO_PAD else v for v in (left, right))
    if left.shape != right.shape:
        raise BadInputError(f"'{path}': addition needs equal shapes, not {left.shape} and {right.shape}")
    channels = common_channels(left.scale, right.scale)
    ratios = {a / b for a, b in zip(spread(left.scale, channels), spread(right.scale, channels), strict=True)}
    ratio = ratios.pop()
    if ratios or not is_power_of_two(ratio):
        raise BadInputError(f"'{path}': scales of the addends differ; share one quantiser between them")
    assert left.node is not None and right.node is not None
    up, down = ratio.numerator.bit_length() - 1, ratio.denominator.bit_length() - 1
    node = builder.add(path, Add(up, down), left.node, right.node)
    scale = tuple(one / 2**up for one in spread(left.scale, channels))
    pairs = zip(spread(left.offset, channels), spread(right.offset, channels), strict=True)
    sizes = zip(spread(left.magnitude, channels), spread(right.magnitude, channels), strict=True)
    return Value(
        node,
        left.shape,
        scale,
        tuple(a + b for a, b in pairs),
        tuple(a + b for a, b in sizes),
        quantised=left.quantised and right.quantised,
    )
