"""Linear layers, batch norms and sums of tracked values: what every front end shares, in exact rational arithmetic."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.frontend.quantise import materialise_pad, settled
from codesign.frontend.values import NO_PAD, Builder, Numbers, Sides, Value, common_channels, fractions, spread
from codesign.graph import Op
from codesign.ops.add import Add


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
    if not value.quantised:
        raise BadInputError(f"node '{path}': its input is not quantised; put a brevitas QuantIdentity before it")
    if len(set(value.scale)) > 1 or len(set(value.offset)) > 1:
        raise BadInputError(f"node '{path}': its input has a scale per channel; quantise it per tensor")
    return value


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
    return Value(node, shape, spread(scale, channels), spread(offset, channels), spread(magnitude, channels))


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


def batch_normalised(
    value: Value, gain: NDArray[np.float64], mean: NDArray[np.float64], beta: NDArray[np.float64]
) -> Value:
    """Return (value - mean) * gain + beta, channel by channel: folded into what the integers mean."""
    channels = common_channels(tuple(gain.ravel()), value.scale)
    gains, betas, means = (spread(fractions(array), channels) for array in (gain, beta, mean))
    scale, offset = spread(value.scale, channels), spread(value.offset, channels)
    sizes = zip(spread(value.magnitude, channels), means, gains, betas, strict=True)
    return replace(
        value,
        scale=tuple(one * g for one, g in zip(scale, gains, strict=True)),
        offset=tuple((one - m) * g + b for one, m, g, b in zip(offset, means, gains, betas, strict=True)),
        magnitude=tuple((size + abs(float(m))) * abs(float(g)) + abs(float(b)) for size, m, g, b in sizes),
        quantised=False,
        direct=False,
    )


def added(builder: Builder, path: str, left: Value, right: Value) -> Value:
    """Return the sum of two values whose scales differ by a power of two (skip connections)."""
    left, right = (settled(value, path, "an addition") for value in (left, right))
    left, right = (materialise_pad(builder, v, path) if v.pad != NO_PAD else v for v in (left, right))
    if left.shape != right.shape:
        raise BadInputError(f"'{path}': addition needs equal shapes, not {left.shape} and {right.shape}")
    channels = common_channels(left.scale, right.scale)
    ratios = {a / b for a, b in zip(spread(left.scale, channels), spread(right.scale, channels), strict=True)}
    ratio = ratios.pop()
    if ratios or ratio <= 0 or not _is_power_of_two(ratio):
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


def _is_power_of_two(ratio: Fraction) -> bool:
    return ratio.numerator & (ratio.numerator - 1) == 0 and ratio.denominator & (ratio.denominator - 1) == 0
