"""Folds what does not depend on the input: weights through their quantisers, shapes, arithmetic of constants.

All arithmetic is float64, as in the model's own evaluation in float64. What a quantiser made keeps its integers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from onnx.helper import tensor_dtype_to_np_dtype

from codesign.fixed import Integers
from codesign.frontend.qonnx_model import OnnxNode
from codesign.frontend.qonnx_tensors import Array, checked_finite, checked_size
from codesign.frontend.values import Numbers, fractions

Reals = NDArray[np.float64]

MAX_WEIGHT_BITS = 16  # of float weights that lie on a grid of a power of two


@dataclass(frozen=True, eq=False)
class Known:
    """A constant tensor; what a quantiser made also has its integers around real zero and their scale, elementwise."""

    values: Array
    integers: Integers | None = None
    scale: Reals | None = None

    def mapped(self, arrange: Callable[[Array], Array]) -> "Known":
        """Return the same elements in another arrangement."""
        if self.integers is None or self.scale is None:
            return Known(arrange(self.values))
        return Known(arrange(self.values), arrange(self.integers), arrange(self.scale))

    @classmethod
    def quantised(cls, integers: Integers, scale: Reals) -> "Known":
        """Return integers * scale; `scale` broadcasts to the integers."""
        return cls(integers * scale, integers, np.broadcast_to(scale, integers.shape))

    def over(self, data: "Known") -> Array:
        """Return the values, which must broadcast over the elements of `data`; `ValueError` if they do not."""
        return np.broadcast_to(self.values, data.values.shape)

    @property
    def scalar(self) -> float:
        """The only element."""
        return float(self.values.ravel()[0])


Fold = Callable[[OnnxNode, tuple[Known, ...]], Known]


def _constant(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            return Known(np.asarray(node.attributes[name]))
    raise node.error("Constant needs a tensor, a number or a list of numbers")


def _same(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    return operands[0]


def _transpose(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    axes = permutation(node, operands[0].values.ndim)
    return operands[0].mapped(lambda array: array.transpose(axes))


def permutation(node: OnnxNode, rank: int) -> tuple[int, ...]:
    """Return the axes of a Transpose."""
    axes: tuple[int, ...] = node.option("perm", tuple(reversed(range(rank))))
    if sorted(axes) != list(range(rank)):
        raise node.error(f"perm must hold every axis 0 to {rank - 1} once, not {axes}")
    return axes


def _reshape(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    data, shape = operands
    wanted = reshaped_to(node, data.values.shape, shape)
    return data.mapped(lambda array: array.reshape(wanted))


def reshaped_to(node: OnnxNode, before: tuple[int, ...], shape: Known) -> tuple[int, ...]:
    """Return the shape that a Reshape of a tensor of shape `before` gives."""
    sizes = [int(size) for size in shape.values.ravel()]
    if not node.option("allowzero", 0):
        sizes = [before[i] if size == 0 and i < len(before) else size for i, size in enumerate(sizes)]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0:
        sizes[sizes.index(-1)] = prod(before) // known
    if min(sizes, default=1) < 1 or prod(sizes) != prod(before):
        raise node.error(f"cannot reshape {before} to {tuple(int(size) for size in shape.values.ravel())}")
    return tuple(sizes)


def flattened_to(node: OnnxNode, before: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that a Flatten of a tensor of shape `before` gives."""
    axis = node.option("axis", 1)
    if not -len(before) <= axis <= len(before):
        raise node.error(f"axis {axis} must be {-len(before)} to {len(before)}")
    return prod(before[:axis]), prod(before[axis:])


def _flatten(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    shape = flattened_to(node, operands[0].values.shape)
    return operands[0].mapped(lambda array: array.reshape(shape))


def squeezed_to(node: OnnxNode, before: tuple[int, ...], operands: tuple[Known, ...]) -> tuple[int, ...]:
    """Return the shape that a Squeeze or Unsqueeze gives; the axes are an attribute or a constant operand."""
    axes = node.option("axes", tuple(int(one) for one in operands[0].values.ravel()) if operands else ())
    rank = len(before) + (len(axes) if node.kind == "Unsqueeze" else 0)
    chosen = {axis + rank if axis < 0 else axis for axis in axes}
    if len(chosen) != len(axes) or not chosen <= set(range(rank)):
        raise node.error(f"axes {axes} must be different axes of {rank}")
    if node.kind == "Unsqueeze":
        sizes = iter(before)
        return tuple(1 if axis in chosen else next(sizes) for axis in range(rank))
    dropped = chosen or {axis for axis, size in enumerate(before) if size == 1}
    if any(before[axis] != 1 for axis in dropped):
        raise node.error(f"cannot squeeze axes {axes} of shape {before}")
    return tuple(size for axis, size in enumerate(before) if axis not in dropped)


def _squeeze(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    shape = squeezed_to(node, operands[0].values.shape, operands[1:])
    return operands[0].mapped(lambda array: array.reshape(shape))


def _cast(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    target = np.dtype(tensor_dtype_to_np_dtype(node.option("to")))
    if target.kind not in "fiu":
        raise node.error(f"Cast to {target} is not supported; cast to floats or integers")
    return Known(operands[0].values.astype(np.float64 if target.kind == "f" else target))


def _gather(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    data, index = operands
    return Known(np.take(data.values, index.values.astype(np.int64), axis=node.option("axis", 0)))


def _concat(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
    return Known(np.concatenate([one.values for one in operands], axis=node.option("axis")))


def _elementwise(function: Callable[..., Array]) -> Fold:
    def fold(node: OnnxNode, operands: tuple[Known, ...]) -> Known:
        checked_size(np.broadcast_shapes(*(one.values.shape for one in operands)), f"node '{node.path}'")
        return Known(function(*(one.values for one in operands)))

    return fold


def _divided(left: Array, right: Array) -> Array:
    return left / right if left.dtype.kind == "f" else np.trunc(left / right).astype(left.dtype)


FOLDS: Mapping[str, Fold] = {
    "Constant": _constant,
    "Identity": _same,
    "Dropout": _same,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _squeeze,
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _elementwise(_divided),
    "Pow": _elementwise(np.power),
    "Sqrt": _elementwise(np.sqrt),
    "Neg": _elementwise(np.negative),
}


def fold(node: OnnxNode, operands: tuple[Known, ...], folds: Mapping[str, Fold]) -> Known:
    """Return the constant that a node of constants computes; `BadInputError` names what is not supported."""
    if node.kind not in folds:
        raise node.error(f"{node.kind} of constants is not supported; fold it before export")
    try:
        with np.errstate(all="ignore"):  # NaN and infinity are errors below
            result = folds[node.kind](node, operands)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        shapes = ", ".join(str(one.values.shape) for one in operands)
        raise node.error(f"{node.kind} of constants of shapes {shapes} is not possible") from error
    checked_size(result.values.shape, f"node '{node.path}'")
    checked_finite(result.values, f"node '{node.path}': its result")
    return result


def layer_weights(node: OnnxNode, known: Known) -> tuple[Integers, Numbers]:
    """Return weights (filters, ...) as integers and their scale, one or one a filter.

    Floats without a quantiser are taken as they are if they lie on a grid of a power of two within
    `MAX_WEIGHT_BITS`; else `BadInputError`, since weights are never quantised silently.
    """
    integers, scale = known.integers, known.scale
    if integers is None or scale is None:
        integers, step = _on_binary_grid(node, known.values)
        return integers, fractions(np.array([step]))
    rows = scale.reshape(len(scale), -1)
    if not (rows == rows[:, :1]).all():
        raise node.error("the scale of its weights must be one, or one an output channel")
    return integers, fractions(rows[:1, 0] if (rows == rows[0, 0]).all() else rows[:, 0])


def _on_binary_grid(node: OnnxNode, values: Array) -> tuple[Integers, float]:
    for frac in range(-MAX_WEIGHT_BITS, 2 * MAX_WEIGHT_BITS):
        with np.errstate(over="ignore"):  # infinity is beyond every grid
            scaled = np.ldexp(values.astype(np.float64), frac)
        if (scaled == np.rint(scaled)).all() and np.abs(scaled).max(initial=0) < 1 << (MAX_WEIGHT_BITS - 1):
            return scaled.astype(np.int64), 2.0**-frac
    raise node.error("its weights are float; quantise them (Quant, BipolarQuant or DequantizeLinear) before export")


def over_value(node: OnnxNode, known: Known, shape: tuple[int, ...]) -> Reals:
    """Return a constant broadcast over a value of `shape`; it must be the same for the whole batch."""
    values = known.values.astype(np.float64)
    if values.ndim > len(shape) and values.shape[: values.ndim - len(shape)] != (1,) * (values.ndim - len(shape)):
        raise node.error(f"constant of shape {values.shape} differs along the batch")
    try:
        return np.broadcast_to(values.reshape(values.shape[max(values.ndim - len(shape), 0) :]), shape)
    except ValueError as error:
        raise node.error(f"constant of shape {values.shape} does not broadcast over {shape}") from error
