"""Operands that are joined element by element: one shape, or an axis of length 1 that serves every place along it."""

from math import prod

import numpy as np

from codesign.errors import BadInputError
from codesign.graph import TensorType
from codesign.ranges import Interval


def joint_shape(kind: str, *operands: TensorType) -> tuple[int, ...]:
    """Return the shape of the result.

    Raises `BadInputError` unless operands have as many axes and equal lengths but for 1, of either the first or the
    last axes: (rows, 1) and (1, features) go with (rows, features).
    """
    shapes = [operand.shape for operand in operands]
    if len({len(shape) for shape in shapes}) == 1:
        shape = tuple(max(lengths) for lengths in zip(*shapes, strict=True))
        if all(_fits(one, shape) for one in shapes):
            return shape
    said = f"{', '.join(map(str, shapes[:-1]))} and {shapes[-1]}"
    raise BadInputError(f"{kind} needs operands of one shape, or 1 along the first or the last axes, not {said}")


def _fits(shape: tuple[int, ...], joint: tuple[int, ...]) -> bool:
    if any(length not in (1, wanted) for length, wanted in zip(shape, joint, strict=True)):
        return False
    elements = np.broadcast_to(np.arange(prod(shape)).reshape(shape), joint).ravel()
    return np.array_equal(elements, np.arange(prod(joint)) // _repeat(shape, joint) % prod(shape))


def _repeat(shape: tuple[int, ...], joint: tuple[int, ...]) -> int:
    """Return how many elements of the result in a row read one element of the operand."""
    kept = len(shape)
    while kept and shape[kept - 1] == 1:
        kept -= 1
    return prod(joint[kept:])


def spread(bounds: Interval, shape: tuple[int, ...]) -> Interval:
    """Return the bounds of the operand's element at every place of the result."""
    return bounds.mapped(lambda array: np.broadcast_to(array, shape))


def port_sizes(letter: str, operand: TensorType, joint: tuple[int, ...]) -> dict[str, int]:
    """Return the parameters of an operand port: number of elements, how often each is repeated, format."""
    return {
        f"{letter}_SIZE": operand.size,
        f"{letter}_REPEAT": _repeat(operand.shape, joint),
        f"{letter}_WIDTH": operand.fixed.width,
        f"{letter}_SIGNED": int(operand.fixed.signed),
    }


def texts(sizes: dict[str, int]) -> tuple[tuple[str, str], ...]:
    """Return parameters as Verilog text."""
    return tuple((name, str(value)) for name, value in sizes.items())
