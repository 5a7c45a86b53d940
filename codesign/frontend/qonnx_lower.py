"""Lowers ONNX nodes to graph nodes: one handler for each operator, in one table.

Every value stays an exact affine map of integers (`Value`); only a quantiser makes new integers out of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np

from codesign.frontend.affine import added, batch_normalised, moved, reshaped, scaled, zero_padded
from codesign.frontend.pooling import Windows, average_pooled, highest, joined, max_pooled
from codesign.frontend.qonnx_constants import (
    Known,
    flattened_to,
    over_value,
    permutation,
    reshaped_to,
    squeezed_to,
)
from codesign.frontend.qonnx_layers import convolution, gemm, matmul, padding_of, per_axis
from codesign.frontend.qonnx_model import OnnxNode
from codesign.frontend.qonnx_qcdq import Pending, clip_range, dequantised, pending
from codesign.frontend.qonnx_quantisers import (
    bipolar_value,
    is_bipolar,
    numbers_of,
    quantiser,
    truncated,
    whole_bits,
)
from codesign.frontend.qonnx_site import Result, Site
from codesign.frontend.qonnx_tensors import checked_size
from codesign.frontend.quantise import gathered, quantise, settled
from codesign.frontend.values import Builder, Numbers, Value

MAX_PADDING = 1 << 12

Handler = Callable[[Builder, Site], Result]


# Quantisers ----------------------------------------------------------------------------------------------------------


def quant(builder: Builder, site: Site) -> Value:
    """Quant: requantise; one signed bit is +1 and -1."""
    scale, zero_point, width = (site.known(i) for i in (1, 2, 3))
    if is_bipolar(site.node, whole_bits(site.node, width)):
        if zero_point.values.any():
            raise site.node.error("one signed bit with a zero point is not supported")
        return bipolar_value(builder, site.node, site.value(), scale)
    return quantise(builder, site.value(), quantiser(site.node, site.value().shape, (scale, zero_point, width)))


def bipolar(builder: Builder, site: Site) -> Value:
    """BipolarQuant: +scale where the value is zero or more, else -scale; one bit."""
    return bipolar_value(builder, site.node, site.value(), site.known(1))


def trunc(builder: Builder, site: Site) -> Value:
    """Trunc: drops low bits."""
    return truncated(builder, site.node, site.value(), tuple(site.known(i) for i in range(1, len(site.operands))))


def quantize_linear(builder: Builder, site: Site) -> Pending:
    """QuantizeLinear: quantises once Clip and DequantizeLinear have said how."""
    return pending(site.node, site.value(), (None, site.known(1), site.optional(2)))


def clip(builder: Builder, site: Site) -> Result:
    """Clip: of the integers of a QuantizeLinear, or a ReLU (from zero up)."""
    low, high = clip_range(site.node, (None, site.optional(1), site.optional(2)))
    operand = site.operands[0]
    if isinstance(operand, Pending):
        return operand.clipped(site.node, low, high)
    if low == 0 and high == np.inf:
        return relu(builder, site)
    raise site.node.error(f"Clip to {low}..{high} is not supported; it may only follow QuantizeLinear")


def dequantize_linear(builder: Builder, site: Site) -> Value:
    """DequantizeLinear of a QuantizeLinear."""
    operand = site.operands[0]
    if not isinstance(operand, Pending):
        raise site.node.error("DequantizeLinear must follow QuantizeLinear, with at most a Clip between")
    return dequantised(builder, site.node, operand, (None, site.known(1), site.optional(2)))


# Affine maps of what the integers mean -------------------------------------------------------------------------------


def batch_norm(builder: Builder, site: Site) -> Value:
    """BatchNormalization with its running statistics."""
    if site.node.option("training_mode", 0) or not site.node.option("spatial", 1):
        raise site.node.error("BatchNormalization in training mode or without spatial axes is not supported")
    gamma, beta, mean, variance = (site.known(i).values.ravel().astype(np.float64) for i in (1, 2, 3, 4))
    value = settled(site.unpadded(builder), site.path, "BatchNormalization")
    if len({len(one) for one in (gamma, beta, mean, variance)} | {value.shape[0]}) > 1:
        raise site.node.error(f"its statistics must hold {value.shape[0]} channels")
    spread_by = variance + float(site.node.option("epsilon", 1e-5))
    if (spread_by <= 0).any():
        raise site.node.error("its variance must be positive")
    return batch_normalised(value, gamma / np.sqrt(spread_by), mean, beta)


def relu(builder: Builder, site: Site) -> Value:
    """Relu: kept until the next quantiser, whose lower clip it raises to the zero point."""
    return replace(settled(site.value(), site.path, "Relu"), relu=True, quantised=False)


def add(builder: Builder, site: Site) -> Value:
    """Add of a constant, or of two values whose scales differ by a power of two."""
    value, known = site.with_constant()
    if known is None:
        left, right = (site.value(i) for i in (0, 1))
        return added(builder, site.path, left, right)
    return moved(_affine(builder, site, value), _per_channel(site, known, value))


def subtract(builder: Builder, site: Site) -> Value:
    """Sub with a constant on either side."""
    value, known = site.with_constant()
    if known is None:
        raise site.node.error("Sub of two values is not supported; subtract a constant, or add")
    terms, value = _per_channel(site, known, value), _affine(builder, site, value)
    if isinstance(site.operands[0], Known):
        return moved(scaled(value, (Fraction(-1),)), terms)
    return moved(value, tuple(-term for term in terms))


def multiply(builder: Builder, site: Site) -> Value:
    """Mul by a constant."""
    value, known = site.with_constant()
    if known is None:
        raise site.node.error("Mul of two values is not supported; multiply by a constant")
    return _scaled(builder, site, value, _per_channel(site, known, value))


def divide(builder: Builder, site: Site) -> Value:
    """Div by a constant."""
    value, known = site.with_constant()
    if known is None or isinstance(site.operands[0], Known):
        raise site.node.error("Div is supported by a constant only")
    factors = _per_channel(site, known, value)
    if not all(factors):
        raise site.node.error("Div by zero")
    return _scaled(builder, site, value, tuple(1 / factor for factor in factors))


def negate(builder: Builder, site: Site) -> Value:
    """Neg."""
    return _scaled(builder, site, site.value(), (Fraction(-1),))


def _per_channel(site: Site, known: Known, value: Value) -> Numbers:
    return numbers_of(over_value(site.node, known, value.shape))


def _affine(builder: Builder, site: Site, value: Value) -> Value:
    """Return an operand of arithmetic: real numbers, the model's input included, without anything pending."""
    if value.node is None and not value.relu:
        return value
    return settled(site.unpadded(builder), site.path, site.node.kind)


def _scaled(builder: Builder, site: Site, value: Value, factors: Numbers) -> Value:
    if not all(factors):
        raise site.node.error(f"{site.node.kind} by zero loses the value")
    return scaled(_affine(builder, site, value), factors)


# Shapes --------------------------------------------------------------------------------------------------------------


def same(builder: Builder, site: Site) -> Result:
    """Identity and Dropout."""
    assert site.operands[0] is not None
    return site.operands[0]


def reshape(builder: Builder, site: Site) -> Value:
    """Reshape of everything but the batch axis."""
    return _in_shape(builder, site, reshaped_to(site.node, site.full_shape(), site.known(1)))


def flatten(builder: Builder, site: Site) -> Value:
    """Flatten of everything but the batch axis."""
    return _in_shape(builder, site, flattened_to(site.node, site.full_shape()))


def squeeze(builder: Builder, site: Site) -> Value:
    """Squeeze and Unsqueeze of axes behind the batch axis."""
    axes = (site.known(1),) if len(site.operands) > 1 else ()
    return _in_shape(builder, site, squeezed_to(site.node, site.full_shape(), axes))


def _in_shape(builder: Builder, site: Site, full: tuple[int, ...]) -> Value:
    value = site.value()
    if full[:1] != (site.batch,) or prod(full[1:]) != prod(value.shape) or len(full) < 2:
        raise site.node.error(f"result {full} has lost the batch axis; keep axis 0")
    return reshaped(builder, site.path, value, full[1:])


def transpose(builder: Builder, site: Site) -> Value:
    """Transpose of everything but the batch axis: wires in another order."""
    value = site.unpadded(builder)
    axes = permutation(site.node, len(value.shape) + 1)
    if axes[0] != 0:
        raise site.node.error(f"perm {axes} moves the batch axis")
    index = np.arange(prod(value.shape)).reshape(value.shape).transpose([axis - 1 for axis in axes[1:]])
    return gathered(builder, site.path, value, index)


def pad(builder: Builder, site: Site) -> Value:
    """Pad of rows and columns with constant zeros."""
    if site.node.option("mode", "constant") != "constant" or len(site.operands) > 3:
        raise site.node.error("only constant zero padding without an axes operand is supported")
    given = site.node.option("pads") if len(site.operands) == 1 else tuple(site.known(1).values.ravel().tolist())
    fill = site.optional(2)
    rank = len(site.value().shape) + 1
    if len(given) != 2 * rank or (fill.scalar if fill is not None else site.node.option("value", 0.0)) != 0:
        raise site.node.error(f"only zeros around rows and columns are supported, {2 * rank} sizes")
    before, after = given[:rank], given[rank:]
    if any(before[:-2]) or any(after[:-2]) or rank != 4:
        raise site.node.error("only rows and columns of images can be padded")
    if max(given) > MAX_PADDING:
        raise site.node.error(f"at most {MAX_PADDING} rows or columns of padding are supported, not {max(given)}")
    return zero_padded(site.value(), (before[2], after[2], before[3], after[3]), site.path)


def shape(builder: Builder, site: Site) -> Known:
    """Shape: a constant, since shapes are."""
    full = site.full_shape()
    return Known(np.array(full[site.node.option("start", 0) : site.node.option("end", len(full))], np.int64))


# Pooling, joining, choosing ------------------------------------------------------------------------------------------


def max_pool(builder: Builder, site: Site) -> Value:
    """MaxPool over rows and columns."""
    if set(site.node.option("dilations", (1,))) != {1} or site.node.option("storage_order", 0):
        raise site.node.error("MaxPool with dilations or storage_order is not supported")
    return max_pooled(builder, site.path, site.value(), _windows(site))


def average_pool(builder: Builder, site: Site) -> Value:
    """AveragePool over rows and columns."""
    if set(site.node.option("dilations", (1,))) != {1}:
        raise site.node.error("AveragePool with dilations is not supported")
    is_counted = bool(site.node.option("count_include_pad", 0))
    return average_pooled(builder, site.path, site.value(), _windows(site), counts_padding=is_counted)


def global_average_pool(builder: Builder, site: Site) -> Value:
    """GlobalAveragePool."""
    value = site.unpadded(builder)
    rows, columns = (1, 1, *value.shape[1:])[-2:]
    return average_pooled(builder, site.path, value, Windows((rows, columns), (1, 1)), counts_padding=True)


def reduce_mean(builder: Builder, site: Site) -> Value:
    """ReduceMean over all rows and columns: a GlobalAveragePool."""
    value, axes = site.unpadded(builder), site.node.option("axes")
    if axes is None:
        axes = tuple(site.known(1).values.ravel().tolist()) if len(site.operands) > 1 else ()
    if sorted(_behind_batch(site, axis) for axis in axes) != list(range(1, len(value.shape))):
        raise site.node.error(f"ReduceMean is supported over all axes behind the channels alone, not {axes}")
    means = global_average_pool(builder, site)
    return means if site.node.option("keepdims", 1) else reshaped(builder, f"{site.path}.shape", means, means.shape[:1])


def _windows(site: Site) -> Windows:
    node, value = site.node, site.value()
    rank = len(value.shape) - 1
    if node.option("ceil_mode", 0) or rank not in (1, 2):
        raise node.error(f"only {node.kind} over one or two axes without ceil_mode is supported")
    kernel, strides = per_axis(node, "kernel_shape", rank), per_axis(node, "strides", rank)
    checked_size(kernel, f"node '{node.path}': its kernel")
    sides = (0, 0, *padding_of(node, value.shape[1:], kernel, strides))[-4:]
    (rows, columns), (down, right) = ((1, *one)[-2:] for one in (kernel, strides))
    return Windows((rows, columns), (down, right), (sides[0], sides[1], sides[2], sides[3]))


def concatenate(builder: Builder, site: Site) -> Value:
    """Concat of values."""
    values = [site.value(position) for position in range(len(site.operands))]
    return joined(builder, site.path, values, _behind_batch(site, site.node.option("axis")))


def argmax(builder: Builder, site: Site) -> Value:
    """ArgMax along any axis behind the batch; a result without other axes keeps one of size 1."""
    if site.node.option("select_last_index", 0):
        raise site.node.error("ArgMax with select_last_index is not supported; the first of equals is taken")
    value = site.unpadded(builder)
    axis, rank = _behind_batch(site, site.node.option("axis", 0)), len(value.shape)
    if axis != rank - 1:
        index = np.moveaxis(np.arange(prod(value.shape)).reshape(value.shape), axis, -1)
        value = gathered(builder, f"{site.path}.order", value, index)
    result = highest(builder, site.path, value)
    ones = (1,) if site.node.option("keepdims", 1) else ()
    kept = (*value.shape[:axis], *ones, *value.shape[axis:-1])
    return reshaped(builder, f"{site.path}.shape", result, kept or (1,))


def _behind_batch(site: Site, axis: int) -> int:
    """Return an axis of the file as one behind the batch."""
    rank = len(site.value().shape) + 1
    if not -rank <= axis < rank or axis % rank == 0:
        raise site.node.error(f"axis {axis} must be one behind the batch of {rank} axes")
    return axis % rank - 1


def left_to_software(builder: Builder, site: Site) -> Value:
    """Softmax and the like at the end: software computes them from the integers' real values. ArgMax needs none."""
    node = site.node
    ranks = len(site.value().shape) + 1
    axis = node.option("axis", -1 if node.opset >= 13 else 1)
    chosen = [reader.option("axis", 0) % ranks if reader.kind == "ArgMax" else -1 for reader in site.readers]
    if any(one != axis % ranks for one in chosen) or (chosen and node.kind == "Sigmoid"):
        raise node.error(f"{node.kind} is supported only at the end, where software computes it, or before its ArgMax")
    if site.is_output:
        told = f"output '{node.outputs[0]}' is its input"
        builder.notes.append(f"{node.kind} '{site.path}' is left to software; {told}")
    return site.value()


SOFTWARE = ("Softmax", "LogSoftmax", "Sigmoid")

HANDLERS: Mapping[str, Handler] = {
    "Quant": quant,
    "IntQuant": quant,
    "BipolarQuant": bipolar,
    "Trunc": trunc,
    "QuantizeLinear": quantize_linear,
    "DequantizeLinear": dequantize_linear,
    "Clip": clip,
    "MatMul": matmul,
    "Gemm": gemm,
    "Conv": convolution,
    "BatchNormalization": batch_norm,
    "Relu": relu,
    "Add": add,
    "Sub": subtract,
    "Mul": multiply,
    "Div": divide,
    "Neg": negate,
    "Identity": same,
    "Dropout": same,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": squeeze,
    "Transpose": transpose,
    "Pad": pad,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "ReduceMean": reduce_mean,
    "Concat": concatenate,
    "ArgMax": argmax,
    "Shape": shape,
    **dict.fromkeys(SOFTWARE, left_to_software),
}


def lower(builder: Builder, site: Site) -> Result:
    """Return the value of a node; `BadInputError` names what is not supported."""
    node: OnnxNode = site.node
    handler = HANDLERS.get(node.kind)
    if handler is None:
        raise node.error(f"{node.kind} is not supported; use one of {', '.join(sorted(HANDLERS))}")
    return handler(builder, site)
