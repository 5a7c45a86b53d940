"""The inputs of a captured model: what the driver sends for real numbers, and for indices that name rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers, quantise
from codesign.frontend.values import Builder, Quantiser, Value, per_element, scale_and_offset
from codesign.graph import Port
from codesign.ops.add import Add
from codesign.ops.compare import Compare
from codesign.ops.global_pool import GlobalPool

FAULT = "index_fault"
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class RealInput:
    """Real numbers of `shape`, without the batch axis. The port carries numbers of `fixed` if given, else the integers
    of the quantiser that reads them.
    """

    shape: tuple[int, ...]
    fixed: Fixed | None = None


@dataclass(frozen=True)
class IndexInput:
    """`length` integers that name rows of a value with `rows` rows: 0..rows - 1, and `rows` for the null row."""

    length: int
    rows: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the index."""
        return (self.length,)

    @property
    def fixed(self) -> Fixed:
        """Format of the port."""
        return Fixed.covering(0, self.rows)


Given = RealInput | IndexInput


@dataclass(frozen=True)
class InputForm:
    """How the driver makes the integers of a port: the nearest numbers of `fixed`, or what `quantiser` computes.

    `rows` of an index: the integers are 0..rows as they are.
    """

    fixed: Fixed | None = None
    quantiser: Quantiser | None = None
    rows: int | None = None

    def integers(self, name: str, given: ArrayLike, shape: tuple[int, ...]) -> Integers:
        """Return the integers (batch, *shape) of input `name` for numbers (batch, *shape); see `Captured`."""
        values = np.asarray(given)
        if values.shape[1:] != shape or not values.ndim:
            wanted = ", ".join(map(str, ("batch", *shape)))
            raise BadInputError(f"input '{name}' must have shape ({wanted}), not {values.shape}")
        if self.rows is not None:
            return _checked_index(name, values, self.rows)
        real = values.astype(np.float64)
        if not np.isfinite(real).all():
            event = int(np.argmin(np.isfinite(real).reshape(len(real), -1).all(axis=1)))
            raise BadInputError(f"input '{name}', event {event}: cannot quantise NaN or infinite values; remove it")
        if self.fixed is not None:
            return quantise(real, self.fixed)
        assert self.quantiser is not None
        channels = len(self.quantiser.scale)
        return self.quantiser.quantise(real.reshape(len(real), channels, -1)).reshape(real.shape)

    def numbers(self, name: str, given: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return what the model reads for the same numbers: rounded to `fixed` if the port has a format."""
        if self.fixed is not None:
            return np.ldexp(self.integers(name, given, shape).astype(np.float64), -self.fixed.frac)
        return np.asarray(given) if self.rows is not None else np.asarray(given, dtype=np.float64)


def _checked_index(name: str, values: NDArray[np.generic], rows: int) -> Integers:
    if values.dtype.kind not in "iu":
        raise BadInputError(f"index input '{name}' must hold integers, not {values.dtype}")
    index = values.astype(np.int64)
    outside = (index < 0) | (index > rows)
    if outside.any():
        event, place = (int(one) for one in np.argwhere(outside.reshape(len(index), -1))[0])
        found = int(index.reshape(len(index), -1)[event, place])
        raise BadInputError(
            f"index input '{name}', event {event}: element {place} names row {found}, "
            f"but there are rows 0..{rows - 1}, and {rows} for none"
        )
    return index


def input_value(builder: Builder, path: str, given: Given) -> Value:
    """Return the value of the model's input `path`: real-valued, the integers of its format, or an index."""
    zero = (Fraction(0),)
    builder.shapes[path] = given.shape
    if given.fixed is None:
        return Value(None, given.shape, (Fraction(1),), zero, (0.0,), unquantised=(path,))
    node = builder.input_of(path, given.fixed)
    if isinstance(given, IndexInput):
        return Value(node, given.shape, (Fraction(1),), zero, (0.0,), rows=given.rows)
    frac = given.fixed.frac
    scale = (Fraction(1, 2**frac) if frac >= 0 else Fraction(2**-frac),)
    return Value(node, given.shape, scale, zero, (0.0,), quantised=True, direct=True)


def input_form(builder: Builder, path: str, given: Given) -> InputForm:
    """Return how the driver makes the integers of the input `path`."""
    rows = given.rows if isinstance(given, IndexInput) else None
    return InputForm(given.fixed if rows is None else None, builder.input_quantisers.get(path), rows)


def input_port(builder: Builder, path: str, given: Given) -> Port:
    """Return the meaning of the input `path`; `BadInputError` if the model does not use it."""
    if path not in builder.input_nodes:
        raise BadInputError(f"the model does not use its input '{path}'")
    node = builder.input_nodes[path]
    if given.fixed is not None:
        return Port(node, (2.0**-given.fixed.frac,), (0.0,))
    quantiser = builder.input_quantisers[path]
    offset = tuple(-s * z for s, z in zip(quantiser.scale, quantiser.zero_point, strict=True))
    value = Value(node, builder.types[node].shape, quantiser.scale, offset, (0.0,))
    scales, offsets = scale_and_offset(value)
    return Port(node, per_element(scales, value.shape), per_element(offsets, value.shape))


def index_fault(builder: Builder, inputs: Mapping[str, Given]) -> tuple[Port, ...]:
    """Append the output `index_fault` (1,), whether any index lies above the null index; nothing without an index."""
    above: dict[int, list[str]] = {}  # by length of the index, so that its rows can be worked on together
    for path, given in inputs.items():
        if isinstance(given, IndexInput):
            null = builder.constant(f"{path}.null", np.full(given.length, given.rows))
            one = builder.add(f"{path}.above", Compare("gt"), builder.input_nodes[path], null)
            above.setdefault(given.length, []).append(one)
    pooled = []
    for length, flags in above.items():
        path = FAULT if len(above) == 1 else f"{FAULT}.of_{length}"
        pooled.append(builder.add(path, GlobalPool("max"), _any(builder, f"{path}.any", length, flags)))
    return (Port(_any(builder, FAULT, 1, pooled)),) if pooled else ()


def _any(builder: Builder, path: str, rows: int, flags: list[str]) -> str:
    """Append whether any of `flags` (rows,) is 1, row by row."""
    count = flags[0]
    for number, flag in enumerate(flags[1:], 2):
        count = builder.add(f"{path}.{number}", Add(), count, flag)
    if len(flags) == 1:
        return count
    return builder.add(path, Compare("gt"), count, builder.constant(f"{path}.none", np.zeros(rows, np.int64)))
