"""Pooling, joining and choosing of tracked values: what every front end shares beside layers with weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, prod

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.frontend.affine import Weights, checked_operand, linear_map, pad_value, reshaped, scaled
from codesign.frontend.quantise import materialise_pad, settled
from codesign.frontend.values import NO_PAD, Builder, Sides, Value, common_channels, leading, spread, with_shape
from codesign.ops.add import Add
from codesign.ops.argmax import ArgMax
from codesign.ops.concat import Concat
from codesign.ops.conv2d import Conv2d
from codesign.ops.max_pool import MaxPool

NO_TERM = (Fraction(0),)


@dataclass(frozen=True)
class Windows:
    """A kernel (rows, columns) that moves by `stride` over an image with `padding` (top, bottom, left, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Sides = NO_PAD


def max_pooled(builder: Builder, path: str, value: Value, windows: Windows) -> Value:
    """Return the highest value under every window; images (C, H, W) or lines (C, L)."""
    _ = settled(replace(value, relu=False), path, "max pooling")  # ReLU commutes
    value = materialise_pad(builder, value, path) if value.pad != NO_PAD else value
    if min(value.scale) <= 0 or value.shape[0] % len(value.scale):
        raise BadInputError(f"'{path}': max pooling needs a positive scale, one for all or one a channel")
    image = _as_image(builder, path, value)
    assert image.node is not None
    node = builder.add(path, MaxPool(windows.kernel, windows.stride, windows.padding), image.node)
    return _as_before(builder, path, replace(image, node=node, shape=builder.types[node].shape), value)


def average_pooled(builder: Builder, path: str, value: Value, windows: Windows, *, counts_padding: bool) -> Value:
    """Return the mean under every window, of the pixels of the image alone unless `counts_padding`.

    A depthwise convolution with ones gives the sums; the division is part of what they mean.
    """
    value = checked_operand(materialise_pad(builder, value, path) if value.pad != NO_PAD else value, path)
    image = _as_image(builder, path, value)
    channels = image.shape[0]
    ones = Weights(np.ones((channels, 1, *windows.kernel), np.int64), (Fraction(1),), NO_TERM, np.zeros(1, np.int64))
    fill = pad_value(image, windows.padding, path)
    op = Conv2d(windows.stride, windows.padding, fill, groups=channels)
    sums = linear_map(builder, path, image, ones, op)
    counts = _counts(image.shape, windows) if not counts_padding else np.full((1, 1, 1), prod(windows.kernel))
    over = np.broadcast_to(counts, sums.shape if counts.size > 1 else (1, 1, 1))
    means = scaled(sums, tuple(Fraction(1, int(count)) for count in leading(over)))
    return _as_before(builder, path, means, value)


def _counts(shape: tuple[int, ...], windows: Windows) -> Integers:
    """Return how many pixels of the image lie under every window: (1, rows, columns)."""
    pixels = np.ones((1, *shape[1:]), np.int64)
    ones = np.ones((1, 1, *windows.kernel), np.int64)
    counts: Integers = Conv2d(windows.stride, windows.padding).evaluate(pixels[None], ones, np.zeros(1, np.int64))[0]
    return counts


def _as_image(builder: Builder, path: str, value: Value) -> Value:
    if len(value.shape) == 2:
        return reshaped(builder, f"{path}.row", value, (value.shape[0], 1, value.shape[1]))
    if len(value.shape) != 3:
        raise BadInputError(f"'{path}': pooling needs images (channels, rows, columns), not {value.shape}")
    return value


def _as_before(builder: Builder, path: str, result: Value, value: Value) -> Value:
    if len(value.shape) == 2:
        return reshaped(builder, f"{path}.line", result, (result.shape[0], result.shape[2]))
    return result


def joined(builder: Builder, path: str, values: Sequence[Value], axis: int) -> Value:
    """Return `values` one after the other along `axis` (0 is the first behind the batch)."""
    first, *rest = (settled(materialise_pad(builder, v, path) if v.pad != NO_PAD else v, path, "it") for v in values)
    for number, value in enumerate(rest, 2):
        first = _joined_pair(builder, path if number == len(values) else f"{path}.{number}", first, value, axis)
    return first


def _joined_pair(builder: Builder, path: str, left: Value, right: Value, axis: int) -> Value:
    shapes = [list(one.shape) for one in (left, right)]
    if not 0 <= axis < len(left.shape) or any(shape.pop(axis) == 0 for shape in shapes) or shapes[0] != shapes[1]:
        raise BadInputError(f"'{path}': shapes {left.shape} and {right.shape} do not join along axis {axis}")
    node = builder.add(path, Concat(axis), str(left.node), str(right.node))
    groups = []
    for pair in zip(*((one.scale, one.offset, one.magnitude) for one in (left, right)), strict=True):
        every = [with_shape(numbers, one.shape) for numbers, one in zip(pair, (left, right), strict=True)]
        groups.append(leading(np.concatenate(every, axis=axis)))
    channels = common_channels(*groups)
    scale, offset, magnitude = (spread(one, channels) for one in groups)
    return Value(
        node,
        builder.types[node].shape,
        scale,
        offset,
        magnitude,
        quantised=left.quantised and right.quantised,
        direct=left.direct and right.direct,
        unquantised=tuple(dict.fromkeys((*left.unquantised, *right.unquantised))),
    )


def highest(builder: Builder, path: str, value: Value) -> Value:
    """Return which element along the last axis is the highest, the first of several: (*shape[:-1], 1).

    Where offsets differ, whole steps are added, and the order of what is left decides between equal integers.
    """
    value = settled(value, path, "ArgMax")
    if len(set(value.scale)) > 1 or min(value.scale) <= 0:
        raise BadInputError(f"'{path}': ArgMax needs one positive scale; quantise its input per tensor")
    assert value.node is not None
    node = value.node
    steps = [offset / value.scale[0] for offset in spread(value.offset, prod(value.shape))]
    if len(set(steps)) > 1:
        order = {rest: rank for rank, rest in enumerate(sorted({step % 1 for step in steps}))}
        bits = (len(order) - 1).bit_length()
        terms = np.array([(floor(step) << bits) + order[step % 1] for step in steps], np.int64)
        constant = builder.constant(f"{path}.steps", terms.reshape(value.shape))
        node = builder.add(f"{path}.aligned", Add(bits, 0), node, constant)
    result = builder.add(path, ArgMax(), node)
    return Value(result, builder.types[result].shape, (Fraction(1),), NO_TERM, (0.0,), quantised=True, direct=True)
