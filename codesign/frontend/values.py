"""What the front end knows about a value: which graph node holds its integers, and what they mean in real numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm, prod
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.graph import Node, Op, TensorType
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from codesign.rescale import RoundingMode
from codesign.verilog_names import SYSTEMVERILOG_KEYWORDS, VERILOG_2005_KEYWORDS

Numbers = tuple[Fraction, ...]
Reals = NDArray[np.float64]
T = TypeVar("T")
Sides = tuple[int, int, int, int]
NO_PAD = (0, 0, 0, 0)
FunctionName = Literal["sigmoid", "tanh", "exp", "square", "neg"]


def rounded(real: Reals, rounding: RoundingMode) -> Reals:
    """Return `real` rounded to integers, in float64."""
    by_size = {"to_zero": np.floor, "from_zero": np.ceil}
    by_value = {"half_even": np.rint, "floor": np.floor, "ceil": np.ceil}
    if rounding in by_value:
        return np.asarray(by_value[rounding](real), dtype=np.float64)
    size = np.abs(real)
    if rounding in by_size:
        size = by_size[rounding](size)
    else:
        size = np.floor(size + 0.5) if rounding == "half_from_zero" else np.ceil(size - 0.5)
    return np.asarray(np.sign(real) * size, dtype=np.float64)


@dataclass(frozen=True)
class Value:
    """A tracked value: real = integer * scale[c] + offset[c], c = element // (size / channels).

    `node` holds the integers; it is None for the real-valued model input before its quantiser. `magnitude[c]`
    bounds what was added up to form the offset, for float32 error bounds. `quantised`: the integers may enter
    a multiplication. `direct`: float64 evaluation gives exactly (integer - zero_point) * scale, a function of the
    integer alone (a quantiser's output, or sums of such that float64 holds exactly). `relu`: a ReLU is still to be
    applied. `pad`: zero padding (top, bottom, left, right) of real zeros still to be applied. `unquantised`: the inputs
    and layers that lack a quantiser before the integers may enter a multiplication. `rows`: the value is an index; its
    integers name rows 0..rows - 1, and `rows` names none. `functions`: what is still to be applied in order, by one
    table. `spare_row`: the model's tensor has one more row for the null index, of zeros, or of sums to be cut off.
    """

    node: str | None
    shape: tuple[int, ...]
    scale: Numbers
    offset: Numbers
    magnitude: tuple[float, ...]
    quantised: bool = False
    direct: bool = False
    relu: bool = False
    pad: Sides = NO_PAD
    unquantised: tuple[str, ...] = ()
    rows: int | None = None
    functions: tuple[FunctionName, ...] = ()
    spare_row: Literal["zeros", "sums"] | None = None

    @property
    def is_pending(self) -> bool:
        """Whether something is still to be applied before integers stand for the value."""
        return self.relu or any(self.pad) or bool(self.functions) or self.spare_row is not None

    @property
    def zero_point(self) -> Numbers:
        """The (rational) integer that means real zero."""
        return tuple(-offset / scale for scale, offset in zip(self.scale, self.offset, strict=True))


@dataclass(frozen=True)
class Quantiser:
    """An activation quantiser: integer = clip(round(real / scale + zero_point), low, high), after a ReLU if `relu`."""

    path: str
    bits: int
    signed: bool
    low: int
    high: int
    scale: Numbers
    zero_point: Numbers
    rounding: RoundingMode
    relu: bool

    def quantise(self, real: Reals) -> Integers:
        """Return the integers of `real` (..., channels, elements), in float64 as Brevitas computes them."""
        scale, zero_point = floats(self.scale)[:, None], floats(self.zero_point)[:, None]
        shifted = (np.maximum(real, 0.0) if self.relu else real) / scale + zero_point
        return np.clip(rounded(shifted, self.rounding), self.low, self.high).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Stage:
    """The exact real map of a requantise node before rounding: operand * multiplier[c] + offset[c], as float64.

    `magnitude[c]` is the sum of the absolute terms that formed the offset, in steps of the result.
    """

    quantiser: Quantiser
    multiplier: Reals
    offset: Reals
    magnitude: Reals


def floats(numbers: Sequence[Fraction]) -> Reals:
    """Return the nearest float64 values."""
    return np.array([float(number) for number in numbers], dtype=np.float64)


def fractions(values: Reals) -> Numbers:
    """Return the exact values of float64 numbers, flattened."""
    return tuple(Fraction(float(value)) for value in np.asarray(values, dtype=np.float64).ravel())


def spread(numbers: tuple[T, ...], channels: int) -> tuple[T, ...]:
    """Return one number for each of `channels`, a multiple of their count, repeating each in place."""
    times = channels // len(numbers)
    return tuple(number for number in numbers for _ in range(times))


def common_channels(*groups: tuple[object, ...]) -> int:
    """Return the least channel count that all groups can be spread to."""
    return lcm(*(len(group) for group in groups))


def grouped(bounds: Interval, channels: int) -> Interval:
    """Return the bounds of every channel: (channels,)."""
    return Interval(bounds.low.reshape(channels, -1).min(axis=1), bounds.high.reshape(channels, -1).max(axis=1))


def leading(array: NDArray[Any]) -> tuple[Any, ...]:
    """Return the numbers of an array of a value's shape: one for each of the fewest leading-axis channels."""
    for axis in range(array.ndim + 1):
        rows = array.reshape(prod(array.shape[:axis]), -1)
        if (rows == rows[:, :1]).all():
            return tuple(rows[:, 0].tolist())
    raise AssertionError("every element is a channel of its own in the end")


def with_shape(numbers: tuple[Any, ...], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the numbers of a value of `shape` (one for each leading-axis channel) as an array, one each element."""
    return np.array(spread(numbers, prod(shape)), dtype=object).reshape(shape)


class Builder:
    """The nodes added so far; names are made legal and unique. The first reader of a real-valued model input sets
    its `input_quantisers`: the input then arrives as that quantiser's integers. Inputs go by their path.
    """

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}  # of the model's inputs
        self.input_nodes: dict[str, str] = {}
        self.input_quantisers: dict[str, Quantiser] = {}
        self.nodes: list[Node] = []
        self.types: dict[str, TensorType] = {}
        self.stages: dict[str, Stage] = {}
        self.inner: dict[str, Value] = {}  # values inside of layers, by path
        self.notes: list[str] = []  # what is left to software
        self._taken: set[str] = set()

    def add(self, path: str, op: Op, *operands: str) -> str:
        """Append a node named after `path`; return its name. `BadInputError` names the path."""
        try:
            result = op.result(*(self.types[operand] for operand in operands))
        except BadInputError as error:
            raise BadInputError(f"'{path}': {error}") from error
        name = self._unique(legal_name(path))
        self.nodes.append(Node(name, op, operands))
        self.types[name] = result
        return name

    def operands(self, name: str) -> tuple[str, ...]:
        """Return the operands of node `name`."""
        return next(node.operands for node in self.nodes if node.name == name)

    def input_of(self, path: str, fixed: Fixed) -> str:
        """Append the node of the model's input `path`; return its name."""
        self.input_nodes[path] = self.add(path, Input(self.shapes[path], fixed))
        return self.input_nodes[path]

    def input_by(self, path: str, quantiser: Quantiser) -> str:
        """Return the node of the input `path` for the integers of `quantiser`; two quantisers are a `BadInputError`."""
        known = self.input_quantisers.setdefault(path, quantiser)
        if replace(quantiser, path=known.path) != known:
            raise BadInputError(f"'{quantiser.path}': the input has another quantiser already; give input_type")
        return self.input_nodes.get(path) or self.input_of(path, Fixed(quantiser.bits, 0, quantiser.signed))

    def constant(self, path: str, values: Integers) -> str:
        """Append a constant, unless a node of that name already holds the same values; return its name."""
        known = next((node for node in self.nodes if node.name == legal_name(path)), None)
        if known is not None and isinstance(known.op, Constant) and np.array_equal(known.op.values, values):
            return known.name
        return self.add(path, Constant(values))

    def _unique(self, name: str) -> str:
        candidate, number = name, 1
        while candidate.replace(".", "_") in self._taken:
            number += 1
            candidate = f"{name}_{number}"
        self._taken.add(candidate.replace(".", "_"))
        return candidate


def legal_name(path: str) -> str:
    """Return `path` as Verilog identifiers joined by dots."""
    parts = [
        "".join(letter if letter.isascii() and (letter.isalnum() or letter == "_") else "_" for letter in part)
        for part in path.split(".")
    ]
    name = ".".join(part or "_" for part in parts)
    if not (name[0].isalpha() or name[0] == "_"):
        name = f"m{name}"
    return f"{name}_" if name in VERILOG_2005_KEYWORDS | SYSTEMVERILOG_KEYWORDS else name


def per_element(numbers: tuple[float, ...], shape: tuple[int, ...]) -> tuple[float, ...]:
    """Return one number, or one for every element of `shape`, as a graph port wants them."""
    return numbers if len(numbers) == 1 else spread(numbers, prod(shape))


def scale_and_offset(value: Value) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the nearest float64 scales and offsets: one pair, or one per channel."""
    channels = common_channels(value.scale, value.offset)
    scale, offset = floats(spread(value.scale, channels)), floats(spread(value.offset, channels))
    return tuple(scale.tolist()), tuple(offset.tolist())
