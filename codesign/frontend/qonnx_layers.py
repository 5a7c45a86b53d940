"""Layers with weights of ONNX: MatMul, Gemm and Conv, with the bias that an Add after them adds."""

import numpy as np

from codesign.fixed import Integers
from codesign.frontend.affine import Weights, bias_terms, checked_operand, linear_map, pad_value, reshaped, together
from codesign.frontend.qonnx_constants import Known, layer_weights
from codesign.frontend.qonnx_model import OnnxNode
from codesign.frontend.qonnx_site import Site
from codesign.frontend.qonnx_tensors import checked_size
from codesign.frontend.values import Builder, Numbers, Sides, Value, fractions
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
    """Conv in one or two dimensions; groups and dilation become zeros of a full kernel, which cost nothing."""
    value, weights = checked_operand(site.value(), site.path), site.known(1)
    bias = site.bias if len(site.operands) < 3 else site.optional(2)
    rank = weights.values.ndim - 2
    if rank not in (1, 2) or len(value.shape) != rank + 1:
        raise site.node.error(f"weights {weights.values.shape} do not fit an image of shape {value.shape}")
    integers, scale = layer_weights(site.node, weights)
    if rank == 1:  # an image of one row
        value = reshaped(builder, f"{site.path}.row", value, (value.shape[0], 1, value.shape[1]))
        integers = integers[:, :, None, :]
    integers = _dilated(site.node, integers, _pair(site.node, "dilations", rank))
    integers = _ungrouped(site.node, integers, value.shape[0])
    strides = _pair(site.node, "strides", rank)
    inner = padding_of(site.node, value.shape[1:], integers.shape[2:], strides)
    padding = together(value.pad, inner)
    op = Conv2d(strides, padding, pad_value(value, padding, site.path))
    result = linear_map(builder, site.path, value, _with_bias(site.node, value, (integers, scale), bias), op)
    return reshaped(builder, f"{site.path}.line", result, (result.shape[0], result.shape[2])) if rank == 1 else result


def _pair(node: OnnxNode, name: str, rank: int) -> tuple[int, int]:
    """Return an attribute of one number an axis as (rows, columns); all 1 if it is left out."""
    values = node.option(name, (1,) * rank)
    if len(values) != rank or min(values) < 1:
        raise node.error(f"{name} must be {rank} numbers of 1 or more, not {values}")
    rows, columns = (1, *values)[-2:]
    return rows, columns


def _dilated(node: OnnxNode, weights: Integers, dilations: tuple[int, int]) -> Integers:
    """Return kernels with zeros between their taps."""
    if dilations == (1, 1):
        return weights
    rows, columns = ((size - 1) * step + 1 for size, step in zip(weights.shape[2:], dilations, strict=True))
    checked_size((*weights.shape[:2], rows, columns), f"node '{node.path}': its kernel")
    wide = np.zeros((*weights.shape[:2], rows, columns), np.int64)
    wide[:, :, :: dilations[0], :: dilations[1]] = weights
    return wide


def _ungrouped(node: OnnxNode, weights: Integers, channels: int) -> Integers:
    """Return kernels over all channels, zero outside of each filter's own group."""
    groups, filters, own = node.option("group", 1), len(weights), weights.shape[1]
    if groups < 1 or filters % groups or own * groups != channels:
        raise node.error(f"{filters} filters of {own} channels in {groups} groups do not fit {channels} channels")
    if groups == 1:
        return weights
    checked_size((filters, channels, *weights.shape[2:]), f"node '{node.path}': its kernel")
    wide = np.zeros((filters, channels, *weights.shape[2:]), np.int64)
    for number, kernel in enumerate(weights):
        first = number // (filters // groups) * own
        wide[number, first : first + own] = kernel
    return wide


def padding_of(node: OnnxNode, size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, int]) -> Sides:
    """Return (top, bottom, left, right) of a convolution or pooling over an image of rows and columns."""
    mode = node.option("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        total = [
            max((-(-one // step) - 1) * step + taps - one, 0)
            for one, step, taps in zip(size, strides, kernel, strict=True)
        ]
        less, more = [one // 2 for one in total], [one - one // 2 for one in total]
        before, after = (less, more) if mode == "SAME_UPPER" else (more, less)
        return before[0], after[0], before[1], after[1]
    if mode not in ("NOTSET", "VALID"):
        raise node.error(f"auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, not {mode}")
    pads = node.option("pads", ()) if mode == "NOTSET" else ()
    half = len(pads) // 2
    if len(pads) not in (0, 2, 4) or min(pads, default=0) < 0:
        raise node.error(f"pads must be 2 numbers of 0 or more an axis, not {pads}")
    (top, left), (bottom, right) = ((0, 0, *side)[-2:] for side in (pads[:half], pads[half:]))
    return top, bottom, left, right


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
