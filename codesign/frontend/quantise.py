"""Emits requantisations: where exact affine values become integers again."""

from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.frontend.tables import tabulated
from codesign.frontend.values import (
    NO_PAD,
    Builder,
    Numbers,
    Quantiser,
    Stage,
    T,
    Value,
    common_channels,
    floats,
    grouped,
    leading,
    spread,
)
from codesign.graph import Op
from codesign.ops.gather import Gather
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.threshold import Threshold
from codesign.rescale import Decide, rescale, round_fraction


def settled(value: Value, path: str, reader: str) -> Value:
    """Return `value` if it stands for real numbers as it is, without a pending ReLU; else raise `BadInputError`."""
    if value.node is None:
        named = " and ".join(f"'{one}'" for one in value.unquantised)
        reason = f"{reader} reads the real-valued input {named}; quantise it first or give input_type"
        raise BadInputError(f"'{path}': {reason}")
    if value.rows is not None:
        raise BadInputError(f"'{path}': {reader} reads the index '{value.node}'; an index can only name rows")
    if value.functions:
        raise BadInputError(
            f"'{path}': the {value.functions[-1]} before it is not quantised; put a quantiser behind it"
        )
    if value.relu:
        raise BadInputError(f"'{path}': the ReLU before it is not quantised; use a brevitas QuantReLU")
    return value


def quantise(builder: Builder, value: Value, quantiser: Quantiser) -> Value:
    """Emit the requantisation of `value` by `quantiser`, or the model's input port; nothing if it changes nothing."""
    path = quantiser.path
    if value.node is None:
        return _input_quantised(builder, value, quantiser)
    if value.pad != NO_PAD:
        value = materialise_pad(builder, value, path)
    if value.functions:
        return _quantised(tabulated(builder, value, quantiser), value.shape, quantiser, direct=False)
    assert value.node is not None
    if (value.relu or quantiser.relu) and len({round(zero) for zero in quantiser.zero_point}) > 1:
        raise BadInputError(f"'{path}': ReLU with a zero point per channel is not supported; use one zero point")
    multiplier, offset = _real_map(value, quantiser)
    op = _requantisation(builder, value, quantiser, multiplier, offset)
    if _changes_nothing(op, builder, value.node):
        return _quantised(value.node, value.shape, quantiser)
    node = builder.add(path, op, value.node)
    builder.stages[node] = _stage(value, quantiser, multiplier, offset)
    return _quantised(node, value.shape, quantiser)


def _input_quantised(builder: Builder, value: Value, quantiser: Quantiser) -> Value:
    """Return the model's input port for the integers of its first quantiser, and of scaling and shift before it."""
    path = quantiser.path
    if value.relu or value.pad != NO_PAD:
        raise BadInputError(f"'{path}': ReLU or padding of the real-valued input is not supported; give input_type")
    (source,) = value.unquantised
    node = builder.input_by(source, _from_input(value, quantiser))
    if value.shape != builder.shapes[source]:
        node = builder.add(f"{path}.shape", Reshape(value.shape), node)
    return _quantised(node, value.shape, quantiser)


def _from_input(value: Value, quantiser: Quantiser) -> Quantiser:
    """Return `quantiser` after the scaling and shift of the input in one, if float64 computes both alike."""
    if set(value.scale) == {Fraction(1)} and not any(value.offset):
        return quantiser
    is_moved = any(value.offset)
    factors = (*value.scale, *(quantiser.scale if is_moved else ()))
    is_alike = all(map(is_power_of_two, factors)) and not (is_moved and any(quantiser.zero_point))
    if len(value.scale) > 1 or not is_alike:
        raise BadInputError(f"'{quantiser.path}': the input is scaled before its quantiser; give input_type")
    scale = tuple(one / value.scale[0] for one in quantiser.scale)
    zeros = zip(quantiser.zero_point, quantiser.scale, strict=True)
    return replace(quantiser, scale=scale, zero_point=tuple(zero + value.offset[0] / one for zero, one in zeros))


def is_power_of_two(ratio: Fraction) -> bool:
    """Whether `ratio` is 2**k, k of any sign."""
    n, d = ratio.numerator, ratio.denominator
    return n > 0 and n & (n - 1) == 0 and d & (d - 1) == 0


def _real_map(value: Value, quantiser: Quantiser) -> tuple[Numbers, Numbers]:
    """Return multiplier and offset of real / scale + zero_point over the integers of `value`, per channel."""
    channels = common_channels(value.scale, quantiser.scale)
    scale, offset = spread(value.scale, channels), spread(value.offset, channels)
    own, zero = spread(quantiser.scale, channels), spread(quantiser.zero_point, channels)
    multiplier = tuple(one / by for one, by in zip(scale, own, strict=True))
    shift = tuple(one / by + z for one, by, z in zip(offset, own, zero, strict=True))
    same = len(set(zip(multiplier, shift, strict=True))) == 1
    return (multiplier[:1], shift[:1]) if same else (multiplier, shift)


def _stage(value: Value, quantiser: Quantiser, multiplier: Numbers, offset: Numbers) -> Stage:
    channels = common_channels(value.scale, quantiser.scale)
    own, zero = floats(spread(quantiser.scale, channels)), floats(spread(quantiser.zero_point, channels))
    magnitude = np.array(spread(value.magnitude, channels)) / own + np.abs(zero)
    return Stage(quantiser, floats(spread(multiplier, channels)), floats(spread(offset, channels)), magnitude)


def _quantised(node: str, shape: tuple[int, ...], quantiser: Quantiser, *, direct: bool = True) -> Value:
    pairs = list(zip(quantiser.scale, quantiser.zero_point, strict=True))
    offset = tuple(-scale * zero for scale, zero in pairs)
    magnitude = tuple(abs(float(one)) for one in offset)
    return Value(node, shape, quantiser.scale, offset, magnitude, quantised=True, direct=direct)


def _requantisation(
    builder: Builder, value: Value, quantiser: Quantiser, multiplier: Numbers, offset: Numbers
) -> Requantise | Threshold:
    low = quantiser.low
    if quantiser.relu or value.relu:
        low = min(max(low, round_fraction(quantiser.zero_point[0], quantiser.rounding)), quantiser.high)
    return rescale(
        multiplier,
        offset,
        grouped(builder.types[str(value.node)].bounds, len(multiplier)),
        low=low,
        high=quantiser.high,
        fixed=Fixed(quantiser.bits, 0, quantiser.signed),
        rounding=quantiser.rounding,
        decide=_decide(value, quantiser) if value.direct else None,
    )


def _decide(value: Value, quantiser: Quantiser) -> Decide:
    """Return the float64 arithmetic of the model itself, for a value that is a function of its integer alone."""
    channels = common_channels(value.scale, quantiser.scale)
    scale, zero = (floats(spread(one, channels)) for one in (value.scale, value.zero_point))
    own, own_zero = (spread(one, channels) for one in (quantiser.scale, quantiser.zero_point))

    def decide(channel: int, x: Integers) -> Integers:
        single = replace(quantiser, scale=own[channel : channel + 1], zero_point=own_zero[channel : channel + 1])
        real = (x.astype(np.float64) - zero[channel]) * scale[channel]
        integers: Integers = single.quantise(real[None, :])[0]
        return integers

    return decide


def _changes_nothing(op: Op, builder: Builder, node: str) -> bool:
    if not isinstance(op, Requantise) or set(op.multiplier) != {1 << op.shift}:
        return False
    bounds = builder.types[node].bounds
    ends = [op.evaluate(bound[None])[0] for bound in (bounds.low, bounds.high)]
    return not any(op.addend) and all(map(np.array_equal, ends, (bounds.low, bounds.high)))


def materialise_pad(builder: Builder, value: Value, path: str) -> Value:
    """Return `value` with its pending zero padding as wiring; only where the integer zero means real zero."""
    if any(value.offset):
        raise BadInputError(f"'{path}': padding of data with a zero point is supported only before a convolution")
    top, bottom, left, right = value.pad
    index = np.arange(np.prod(value.shape)).reshape(value.shape)
    padded = np.pad(index, [(0, 0), (top, bottom), (left, right)], constant_values=-1)
    assert value.node is not None
    op = Gather(tuple(int(one) for one in padded.ravel()), padded.shape)
    return replace(value, node=builder.add(f"{path}.pad", op, value.node), shape=padded.shape, pad=NO_PAD)


def gathered(builder: Builder, path: str, value: Value, index: Integers) -> Value:
    """Return the elements `index` of `value` (row-major numbers) in the shape of `index`: wiring."""
    _ = settled(replace(value, relu=False), path, "a permutation")  # ReLU commutes
    assert value.node is not None
    node = builder.add(path, Gather(tuple(int(one) for one in index.ravel()), index.shape), value.node)
    return moved(value, node, index)


def moved(value: Value, node: str, index: Integers) -> Value:
    """Return what `node` means, whose elements are those of `value` at `index` (row-major numbers)."""

    def chosen(numbers: tuple[T, ...]) -> tuple[T, ...]:
        every = np.array(spread(numbers, prod(value.shape)), dtype=object)
        return leading(every[index])

    groups = [chosen(one) for one in (value.scale, value.offset)]
    sizes = chosen(value.magnitude)
    channels = common_channels(*groups, sizes)
    scale, offset = (spread(one, channels) for one in groups)
    return replace(value, node=node, shape=index.shape, scale=scale, offset=offset, magnitude=spread(sizes, channels))
