"""Lowers traced calls to graph nodes: one handler for each kind of module or function, in one table.

Every value stays an exact affine map of integers (`Value`); only a quantiser makes new integers out of it.
"""

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import brevitas.nn as qnn
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.frontend import read
from codesign.frontend.affine import (
    Weights,
    added,
    aligned,
    batch_normalised,
    checked_operand,
    dilated,
    linear_map,
    pad_value,
    reshaped,
    together,
    zero_padded,
)
from codesign.frontend.pooling import Windows, average_pooled, joined, max_pooled
from codesign.frontend.quantise import materialise_pad, quantise, settled
from codesign.frontend.rows import INDEX_HANDLERS, NULL_ROW, READERS_OF_SPARE_ROWS, ROW_HANDLERS, with_null_row
from codesign.frontend.site import Handler, Site
from codesign.frontend.values import NO_PAD, Builder, FunctionName, Sides, Value
from codesign.graph import Op
from codesign.ops.conv1d import Conv1d
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense

Operand = tuple[Value, Any]  # as tracked value and as Brevitas tensor


def activation(builder: Builder, site: Site) -> Value:
    """QuantIdentity, QuantReLU: requantise, by `input_quant` too if the layer has one."""
    layer: Any = site.call.module
    value = site.value
    if layer.input_quant.is_quant_enabled:
        value = _input_quantised(builder, site, value)
    return quantise(builder, value, read.quantiser(layer.act_quant, site.path))


def _input_quantised(builder: Builder, site: Site, value: Value) -> Value:
    layer: Any = site.call.module
    path = site.call.input_quantiser
    builder.inner[path] = quantise(builder, value, read.quantiser(layer.input_quant, path))
    return builder.inner[path]


def _operand(builder: Builder, site: Site) -> Operand:
    """Return the operand of a layer with weights, as tracked value and as Brevitas tensor."""
    layer: Any = site.call.module
    value, tensor = site.value, layer.unpack_input(site.arguments[0])
    if layer.input_quant.is_quant_enabled:
        value = _input_quantised(builder, site, value)
        tensor = layer.input_quant(tensor)
    return value, tensor


def _weighted(builder: Builder, site: Site, operand: Operand, op: Op, factors: Integers | int = 1) -> Value:
    """Emit a layer with weights: accumulators real = integer * s_x s_w + (offset of the data and of the bias).

    `factors` multiply the weights of each input.
    """
    layer: Any = site.call.module
    value, tensor = operand
    integers, weight_scale = read.weights(layer, site.path, tensor)
    integers = integers * factors
    accumulator = tuple(value.scale[0] * one for one in weight_scale)
    real_bias, grid_bias = read.bias(layer, tensor, accumulator)
    kernels = dilated(integers, tuple(layer.dilation)) if integers.ndim > 2 else integers
    weights = Weights(kernels, weight_scale, real_bias, grid_bias)
    return _output_quantised(builder, site, linear_map(builder, site.path, value, weights, op))


def _output_quantised(builder: Builder, site: Site, value: Value) -> Value:
    layer: Any = site.call.module
    if not layer.output_quant.is_quant_enabled:
        return value
    return quantise(builder, value, read.quantiser(layer.output_quant, f"{site.path}.output_quant"))


def linear(builder: Builder, site: Site) -> Value:
    """QuantLinear on one vector a sample, or on every row."""
    value, tensor = _operand(builder, site)
    if value.pad != NO_PAD:
        value = materialise_pad(builder, value, site.path)
    value, factors = aligned(value, site.path)
    result = _weighted(builder, site, (checked_operand(value, site.path), tensor), Dense(), factors)
    return result if result.quantised else replace(result, unquantised=(site.path,))


def convolution(builder: Builder, site: Site) -> Value:
    """QuantConv1d, QuantConv2d; real zeros of the padding are the data's zero point."""
    layer: Any = site.call.module
    value, tensor = _operand(builder, site)
    value = checked_operand(value, site.path)
    if layer.padding_mode != "zeros":
        raise BadInputError(f"'{site.path}': only padding_mode='zeros' is supported")
    padding = together(value.pad, _conv_padding(layer, value.shape))
    fill = pad_value(value, padding, site.path)
    op: Op = Conv2d(tuple(layer.stride), padding, fill, groups=layer.groups)
    if len(layer.kernel_size) == 1:
        op = Conv1d(layer.stride[0], padding[2:], fill, groups=layer.groups)
    return _weighted(builder, site, (value, tensor), op)


def _conv_padding(layer: Any, shape: tuple[int, ...]) -> Sides:
    """Return (top, bottom, left, right) of a convolution, with padding 'same' resolved as torch and Brevitas do."""
    if getattr(layer, "is_same_padded_strided", False):
        taps = [(size - 1) * step + 1 for size, step in zip(layer.kernel_size, layer.dilation, strict=True)]
        total = [
            max((-(-size // step) - 1) * step + kernel - size, 0)
            for size, step, kernel in zip(shape[1:], layer.stride, taps, strict=True)
        ]
        sides = [side for n in reversed(total) for side in (n // 2, n - n // 2)]  # the last axis first
    else:
        sides = list(layer._reversed_padding_repeated_twice)
    left, right, top, bottom = (*sides, 0, 0)[:4]
    return top, bottom, left, right


def batch_norm(builder: Builder, site: Site) -> Value:
    """BatchNorm in evaluation mode: an affine map per channel, folded into the value's meaning."""
    layer: Any = site.call.module
    value = settled(site.value, site.path, "BatchNorm")
    if layer.running_mean is None or layer.running_var is None:
        raise BadInputError(f"'{site.path}': BatchNorm without running statistics depends on the batch; track them")
    if value.pad != NO_PAD:
        value = materialise_pad(builder, value, site.path)
    mean, variance = read.array(layer.running_mean), read.array(layer.running_var)
    gamma = np.ones_like(mean) if layer.weight is None else read.array(layer.weight)
    beta = np.zeros_like(mean) if layer.bias is None else read.array(layer.bias)
    return batch_normalised(value, gamma / np.sqrt(variance + layer.eps), mean, beta)


def function(name: FunctionName) -> Handler:
    """Return the handler of a function: kept until the next quantiser, with which it becomes a table."""

    def kept(builder: Builder, site: Site) -> Value:
        value, before = site.value, site.value.functions
        return replace(
            settled(replace(value, functions=()), site.path, name), functions=(*before, name), quantised=False
        )

    return kept


def quantised_function(name: FunctionName) -> Handler:
    """Return the handler of QuantSigmoid, QuantTanh: the function and its quantiser in one table."""

    def lowered(builder: Builder, site: Site) -> Value:
        layer: Any = site.call.module
        value = _input_quantised(builder, site, site.value) if layer.input_quant.is_quant_enabled else site.value
        value = replace(settled(value, site.path, name), functions=(name,))
        return quantise(builder, value, read.quantiser(layer.act_quant, site.path))

    return lowered


def relu(builder: Builder, site: Site) -> Value:
    """ReLU: kept until the next quantiser, whose lower clip it raises to the zero point."""
    return replace(settled(site.value, site.path, "ReLU"), relu=True, quantised=False)


def same(builder: Builder, site: Site) -> Value:
    """Operations that change nothing in evaluation mode."""
    return site.value


def attribute(builder: Builder, site: Site) -> Value:
    """`.value` of a Brevitas tensor, its real numbers."""
    if site.call.node.args[1] != "value":
        raise BadInputError(f"'{site.path}': '.{site.call.node.args[1]}' is not supported; use the tensor itself")
    return site.value


def reshape(builder: Builder, site: Site) -> Value:
    """Flatten, reshape, view, Unflatten of everything but the batch axis."""
    value = site.value
    before, after = (read.value_of(one).shape for one in (site.arguments[0], site.result))
    if site.leading and (not after or after[0] != before[0]):
        raise BadInputError(f"'{site.path}': result {tuple(after)} has lost the batch axis; flatten from axis 1")
    return reshaped(builder, site.path, value, site.shape)


def pad_module(builder: Builder, site: Site) -> Value:
    """ZeroPad2d, ConstantPad2d with zeros."""
    layer: Any = site.call.module
    return _padded(site, tuple(layer.padding), layer.value)


def pad_function(builder: Builder, site: Site) -> Value:
    """torch.nn.functional.pad with constant zeros on the last two axes."""
    mode = site.option(2, "mode", "constant")
    if mode != "constant":
        raise BadInputError(f"'{site.path}': padding mode '{mode}' is not supported; use constant zeros")
    sides, fill = tuple(site.option(1, "pad", ())), site.option(3, "value", None) or 0
    if not site.leading and len(site.value.shape) == 2 and sides == NULL_ROW and fill == 0:
        return with_null_row(builder, site)
    return _padded(site, sides, fill)


def _padded(site: Site, sides: tuple[int, ...], fill: float) -> Value:
    left, right, top, bottom = (*sides, 0, 0)[:4]
    if fill != 0 or len(sides) > 4:
        raise BadInputError(f"'{site.path}': only zero padding of rows and columns of images is supported")
    return zero_padded(site.value, (top, bottom, left, right), site.path)


def add(builder: Builder, site: Site) -> Value:
    """Sum of two values whose scales differ by a power of two (skip connections)."""
    if len(site.values) != 2 or site.option(2, "alpha", 1) != 1:
        raise BadInputError(f"'{site.path}': addition needs two tensors of the model")
    return added(builder, site.path, *site.values)


def max_pool(builder: Builder, site: Site) -> Value:
    """MaxPool2d."""
    layer: Any = site.call.module
    if _pair(layer.dilation) != (1, 1):
        raise BadInputError(f"'{site.path}': MaxPool2d with dilation is not supported")
    return max_pooled(builder, site.path, site.value, _windows(site, layer))


def average_pool(builder: Builder, site: Site) -> Value:
    """AvgPool2d."""
    layer: Any = site.call.module
    if layer.divisor_override is not None:
        raise BadInputError(f"'{site.path}': divisor_override is not supported")
    windows = _windows(site, layer)
    return average_pooled(builder, site.path, site.value, windows, counts_padding=layer.count_include_pad)


def global_average_pool(builder: Builder, site: Site) -> Value:
    """AdaptiveAvgPool2d to one pixel."""
    layer: Any = site.call.module
    if _pair(layer.output_size) != (1, 1) or len(site.value.shape) != 3:
        raise BadInputError(f"'{site.path}': AdaptiveAvgPool2d is supported to one pixel, of images")
    _, rows, columns = site.value.shape
    return average_pooled(builder, site.path, site.value, Windows((rows, columns), (1, 1)), counts_padding=True)


def _windows(site: Site, layer: Any) -> Windows:
    if layer.ceil_mode:
        raise BadInputError(f"'{site.path}': ceil_mode is not supported; pad the image instead")
    rows, columns = _pair(layer.padding)
    return Windows(_pair(layer.kernel_size), _pair(layer.stride), (rows, rows, columns, columns))


def _pair(numbers: int | tuple[int, int]) -> tuple[int, int]:
    return (numbers, numbers) if isinstance(numbers, int) else (numbers[0], numbers[1])


def concatenate(builder: Builder, site: Site) -> Value:
    """torch.cat of values of the model."""
    axis = site.axis(1, "dim", len(site.value.shape))
    if None in site.tracked or axis < 0:
        raise BadInputError(f"'{site.path}': cat needs tensors of the model, and an axis behind the batch")
    return joined(builder, site.path, site.values, axis)


def float_layer(builder: Builder, site: Site) -> Value:
    """Plain convolutions and Linear: refused until the user names a bit width."""
    raise read.float_weights(site.path)


HANDLERS: Mapping[Any, Handler] = {
    qnn.QuantIdentity: activation,
    qnn.QuantReLU: activation,
    qnn.QuantSigmoid: quantised_function("sigmoid"),
    qnn.QuantTanh: quantised_function("tanh"),
    nn.Sigmoid: function("sigmoid"),
    torch.sigmoid: function("sigmoid"),
    "sigmoid": function("sigmoid"),
    nn.Tanh: function("tanh"),
    torch.tanh: function("tanh"),
    "tanh": function("tanh"),
    torch.exp: function("exp"),
    "exp": function("exp"),
    torch.square: function("square"),
    "square": function("square"),
    operator.neg: function("neg"),
    torch.neg: function("neg"),
    "neg": function("neg"),
    qnn.QuantConv1d: convolution,
    qnn.QuantConv2d: convolution,
    qnn.QuantLinear: linear,
    nn.Conv1d: float_layer,
    nn.MaxPool2d: max_pool,
    nn.AvgPool2d: average_pool,
    nn.AdaptiveAvgPool2d: global_average_pool,
    torch.cat: concatenate,
    nn.Conv2d: float_layer,
    nn.Linear: float_layer,
    nn.BatchNorm1d: batch_norm,
    nn.BatchNorm2d: batch_norm,
    nn.ReLU: relu,
    functional.relu: relu,
    torch.relu: relu,
    "relu": relu,
    nn.Identity: same,
    nn.Dropout: same,
    nn.Dropout2d: same,
    functional.dropout: same,
    "contiguous": same,
    getattr: attribute,
    nn.Flatten: reshape,
    nn.Unflatten: reshape,
    torch.flatten: reshape,
    torch.reshape: reshape,
    "flatten": reshape,
    "reshape": reshape,
    "view": reshape,
    "unflatten": reshape,
    nn.ZeroPad2d: pad_module,
    nn.ConstantPad2d: pad_module,
    functional.pad: pad_function,
    operator.add: add,
    operator.iadd: add,
    torch.add: add,
    "add": add,
    **ROW_HANDLERS,
}


def lower(builder: Builder, site: Site) -> Value:
    """Return the value of a call; `BadInputError` names what is not supported."""
    indices = [value.node for value in site.values if value.rows is not None]
    handlers = {**INDEX_HANDLERS, **ROW_HANDLERS} if indices else HANDLERS
    handler = handlers.get(site.call.target)
    if handler is None:
        kind = getattr(site.call.target, "__name__", str(site.call.target))
        names = sorted({getattr(key, "__name__", str(key)) for key in handlers})
        if indices:
            raise BadInputError(f"'{site.path}': {kind} reads the index '{indices[0]}', which can only name rows")
        raise BadInputError(f"'{site.path}': {kind} is not supported; use one of {', '.join(names)}")
    for value in site.values:
        if value.spare_row and site.call.target not in READERS_OF_SPARE_ROWS[value.spare_row]:
            raise BadInputError(f"'{site.path}': its operand has a row for the null index; choose or cut rows first")
    return handler(builder, site)
