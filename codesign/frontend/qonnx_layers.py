"""Layers with weights of ONNX: MatMul, Gemm and Conv, with the bias that an Add after them adds."""

from math import prod

import numpy as np

from codesign.fixed import Integers
from codesign.frontend.affine import Weights, bias_terms, checked_operand, dilated, linear_map, pad_value, together
from codesign.frontend.qonnx_constants import Known, layer_weights
from codesign.frontend.qonnx_model import OnnxNode
from codesign.frontend.qonnx_site import Site
from codesign.frontend.qonnx_tensors import checked_size
from codesign.frontend.values import Builder, Numbers, Value, fractions
from codesign.ops.conv1d import Conv1d
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense


def matmul(builder: Builder, site: Site) -> Value:
    """MatMul of a vector with constant weights (inputs, outputs)."""
    if isinstance(site.operands[0], Known):
        raise site.node.error("MatMul with constant weights on the left is not supported; put them on the right")
    return _dense(builder, site, site.known(1).mapped(np.transpose), site.bias)


def gemm(builder: Builder, site: Site) -> Value:
    """Gemm: alpha counts in the scale of the weights, beta in the bias."""
    if site.node.option("transA", 0):
        raise site.node.error("Gemm with transA=1 is not supported")
    weights = site.known(1)
    if not site.node.option("transB", 0):
        weights = weights.mapped(np.transpose)
    bias = site.optional(2)
    return _dense(
        builder,
        site,
        _times(weights, float(site.node.option("alpha", 1.0))),
        site.bias if bias is None else _times(bias, float(site.node.option("beta", 1.0))),
    )


def _times(known: Known, factor: float) -> Known:
    if factor == 1:
        return known
    scale = None if known.scale is None else known.scale * factor
    return Known(known.values * factor, known.integers, scale)


def _dense(builder: Builder, site: Site, weights: Known, bias: Known | None) -> Value:
    value = checked_operand(site.unpadded(builder), site.path)
    if weights.values.ndim != 2 or value.shape != weights.values.shape[1:]:
        wanted = weights.values.shape[::-1]
        raise site.node.error(f"weights (inputs, outputs) {wanted} do not fit a value of shape {value.shape}")
    layer = _with_bias(site.node, value, layer_weights(site.node, weights), bias)
    return linear_map(builder, site.path, value, layer, Dense())


def convolution(builder: Builder, site: Site) -> Value:
    """Conv in one or two dimensions; dilation becomes zeros between the taps, which cost nothing."""
    node, weights = site.node, site.known(1)
    value = checked_operand(site.value(), site.path)
    bias = site.bias if len(site.operands) < 3 else site.optional(2)
    rank = weights.values.ndim - 2
    if rank not in (1, 2) or len(value.shape) != rank + 1:
        raise node.error(f"weights {weights.values.shape} do not fit an image of shape {value.shape}")
    integers, scale = layer_weights(node, weights)
    steps = per_axis(node, "dilations", rank)
    checked_size([prod(integers.shape), *steps], f"node '{node.path}': its kernel")
    integers = dilated(integers, steps)
    strides, groups = per_axis(node, "strides", rank), node.option("group", 1)
    sides = padding_of(node, value.shape[1:], integers.shape[2:], strides)
    layer = _with_bias(node, value, (integers, scale), bias)
    if rank == 1:
        fill = pad_value(value, (0, 0, sides[0], sides[1]), site.path)
        line = Conv1d(strides[0], (sides[0], sides[1]), fill, groups=groups)
        return linear_map(builder, site.path, value, layer, line)
    padding = together(value.pad, (sides[0], sides[1], sides[2], sides[3]))
    image = Conv2d((strides[0], strides[1]), padding, pad_value(value, padding, site.path), groups=groups)
    return linear_map(builder, site.path, value, layer, image)


def per_axis(node: OnnxNode, name: str, rank: int) -> tuple[int, ...]:
    """Return an attribute of one positive number an axis; all 1 if it is left out."""
    values: tuple[int, ...] = node.option(name, (1,) * rank)
    if len(values) != rank or min(values) < 1:
        raise node.error(f"{name} must be {rank} numbers of 1 or more, not {values}")
    return values


def padding_of(
    node: OnnxNode, size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the padding (top, bottom, left, right), or (left, right), of a convolution or pooling over `size`."""
    mode = node.option("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        total = [
            max((-(-one // step) - 1) * step + taps - one, 0)
            for one, step, taps in zip(size, strides, kernel, strict=True)
        ]
        less, more = [one // 2 for one in total], [one - one // 2 for one in total]
        sides = zip(less, more, strict=True) if mode == "SAME_UPPER" else zip(more, less, strict=True)
        return tuple(side for pair in sides for side in pair)
    if mode not in ("NOTSET", "VALID"):
        raise node.error(f"auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, not {mode}")
    none = (0,) * 2 * len(size)
    pads: tuple[int, ...] = node.option("pads", none) if mode == "NOTSET" else none
    if len(pads) != len(none) or min(pads) < 0:
        raise node.error(f"pads must be {len(none)} numbers of 0 or more, not {pads}")
    pairs = [(pads[axis], pads[axis + len(size)]) for axis in range(len(size))]
    padded = [one + sum(pair) for one, pair in zip(size, pairs, strict=True)]
    checked_size(padded, f"node '{node.path}': its padded image")
    return tuple(side for pair in pairs for side in pair)


def _with_bias(node: OnnxNode, value: Value, weights: tuple[Integers, Numbers], bias: Known | None) -> Weights:
    """Return weights and their scale with the bias as `bias_terms` gives it; no bias is zero."""
    integers, scale = weights
    if bias is None:
        return Weights(integers, scale, fractions(np.zeros(1)), np.zeros(1, np.int64))
    filters = len(integers)
    if bias.values.size not in (1, filters):
        raise node.error(f"bias must hold 1 or {filters} numbers, not {bias.values.size}")
    flat = bias.mapped(lambda array: np.broadcast_to(array.ravel(), (filters,)))
    own = fractions(flat.scale) if flat.scale is not None else ()
    accumulator = tuple(value.scale[0] * one for one in scale)
    return Weights(integers, scale, *bias_terms(fractions(flat.values), flat.integers, own, accumulator))
