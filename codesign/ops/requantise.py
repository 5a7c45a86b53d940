"""Requantisation: multiply, add, shift, round and clip; per tensor or per leading-axis channel."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import numpy as np

from codesign.element_form import Element, ElementForm, ElementPort
from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Fixed, Integers, floor_shift, round_shift, saturate
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Cost, Instance, Op, Scaling, TensorType
from codesign.ops.row_form import channels_for_rows
from codesign.ranges import Interval, plus, product
from codesign.verilog_literals import literal

Rounding = Literal["floor", "half_even"]


@dataclass(frozen=True)
class Requantise(Op, FloatForm, ElementForm):
    """y = clip(round((x * multiplier[c] + addend[c]) / 2**shift), low, high) in format `fixed`.

    Channel c of element e is e // (size / channels). `rounding`: "floor", or "half_even" for scales
    whose ties are reachable. `low`, `high` default to the range of `fixed`.
    """

    kind: ClassVar[str] = "requantise"
    fixed: Fixed
    multiplier: tuple[int, ...] = (1,)
    addend: tuple[int, ...] = (0,)
    shift: int = 0
    rounding: Rounding = "floor"
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        if len(self.multiplier) != len(self.addend):
            raise BadInputError("requantise needs one addend for every multiplier")
        if self.rounding not in get_args(Rounding):
            raise BadInputError(f"rounding must be one of {get_args(Rounding)}, not {self.rounding!r}")
        if not 0 <= self.shift < MAX_WIDTH:
            raise BadInputError(f"shift must be 0 to {MAX_WIDTH - 1} bits, not {self.shift}")
        low, high = self.clip
        if not self.fixed.low <= low <= high <= self.fixed.high:
            raise BadInputError(f"clip {low}..{high} must rise and lie in the range of {self.fixed}")

    @property
    def clip(self) -> tuple[int, int]:
        """Lowest and highest result."""
        low, high = self.low, self.high
        return (self.fixed.low if low is None else low, self.fixed.high if high is None else high)

    def constants(self, size: int) -> tuple[Integers, Integers]:
        """Return multiplier and addend of every element; `BadInputError` if channels do not divide the size."""
        channels = len(self.multiplier)
        if size % channels:
            raise BadInputError(f"requantise with {channels} channels cannot divide {size} elements")
        return (np.repeat(self.multiplier, size // channels), np.repeat(self.addend, size // channels))

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) -> (batch, *shape)."""
        (data,) = operands
        return saturate(self.rounded(data), *self.clip)

    def rounded(self, data: Integers) -> Integers:
        """(batch, *shape) -> (batch, *shape) before clipping."""
        shape = data.shape[1:]
        multiplier, addend = self.constants(int(np.prod(shape)))
        scaled = data * multiplier.reshape(shape) + addend.reshape(shape)
        return floor_shift(scaled, self.shift) if self.rounding == "floor" else round_shift(scaled, self.shift)

    def for_rows(self, rows: int, *operands: TensorType) -> "Requantise | None":
        """The same, if all rows have the same constants."""
        pairs = np.array([self.multiplier, self.addend], dtype=np.int64).T
        constants = channels_for_rows(pairs, operands[0].shape[0], rows)
        if constants is None:
            return None
        multiplier, addend = (tuple(column.tolist()) for column in constants.T)
        return replace(self, multiplier=multiplier, addend=addend)

    def largest(self, *operands: TensorType) -> float:
        """Magnitude of the scaled operand."""
        (data,) = operands
        multiplier, addend = self.constants(data.size)
        values = magnitude(data.bounds).ravel()
        scaled = values * np.abs(multiplier) + np.abs(addend)
        return float(max(values.max(), np.abs(multiplier).max(), scaled.max()))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *shape) -> (batch, *shape); dividing by a power of two first changes no digit."""
        (data,) = operands
        size = int(np.prod(data.shape[1:]))
        multiplier, addend = (self._shifted_down(constants, data) for constants in self.constants(size))
        scaled = np.asarray(data * multiplier)
        if any(self.addend):
            scaled += addend
        if self.shift:
            (np.floor if self.rounding == "floor" else np.rint)(scaled, out=scaled)
        return np.clip(scaled, *self.clip, out=scaled)

    def _shifted_down(self, constants: Integers, data: Floats) -> Floats:
        """Constants of every element as (*shape), or as one number if they are equal: that is faster."""
        shape = data.shape[1:] if np.ptp(constants) else ()
        return np.asarray(np.ldexp(constants[: int(np.prod(shape))].astype(data.dtype), -self.shift)).reshape(shape)

    def result(self, *operands: TensorType) -> TensorType:
        """Bounds are the images of the operand's bounds, since the function is monotonic."""
        (data,) = operands
        _ = self._sums(data)  # refuses what would need too many bits
        ends = [self.evaluate(bound[None])[0] for bound in (data.bounds.low, data.bounds.high)]
        return TensorType.derived(Interval(np.minimum(*ends), np.maximum(*ends), self._zeros(data)), self.fixed)

    def _zeros(self, data: TensorType) -> Integers | None:
        """Low bits that stay zero where the values pass unchanged, or are clipped to zero."""
        is_clip = set(self.multiplier) == {1} and set(self.addend) == {0} and self.shift == 0
        low, high = self.clip
        kept = ((data.bounds.low >= low) | (low == 0)) & ((data.bounds.high <= high) | (high == 0))
        return np.where(kept, data.bounds.trailing, 0) if is_clip else None

    def cost(self, reuse: int, *operands: TensorType) -> Cost:
        """One constant multiplier an element, unless the multiplier is one."""
        return Cost(0 if set(self.multiplier) == {1} else operands[0].size, 0)

    def element(self, data: TensorType) -> Element:
        """`requantise_word.v`, with factor and constant of every element as in `rtl`."""
        how = self.rtl(1, data)
        factors, constants = how.multiplier[:, None], how.addend[:, None]
        factor_bits = Fixed.covering(min(int(factors.min()), -1), int(factors.max())).width
        width = how.sums.fixed.width
        constant_bits = max(width, Fixed.covering(min(int(constants.min()), -1), int(constants.max())).width)
        sizes = {"X_WIDTH": data.fixed.width, "X_SIGNED": int(data.fixed.signed), "F_WIDTH": factor_bits}
        sizes |= {"C_WIDTH": constant_bits, "S_WIDTH": width}
        own = [(name, str(value)) for name, value in sizes.items()]
        finish = [pair for pair in how.finish.parameters if pair[0] not in ("SIZE", "X_WIDTH")]
        ports = ElementPort("factor", factors, factor_bits), ElementPort("constant", constants, constant_bits)
        return Element("requantise_word", (*own, *finish), ports)

    def rtl(self, reuse: int, *operands: TensorType) -> Scaling:
        """Factors and constants as shared adders, then `round_clip.v`; the half that rounds is added with them."""
        (data,) = operands
        multiplier, addend = self.constants(data.size)
        bounds = self._sums(data)
        width = max(Fixed.covering(min(-1, int(bounds.low.min())), int(bounds.high.max())).width, self.shift + 1)
        sums = TensorType(data.shape, Fixed(width, 0, True), bounds.mapped(lambda array: array.reshape(data.shape)))
        return Scaling(multiplier, addend + self._half, sums, self._finish(data, width))

    @property
    def _half(self) -> int:
        return (1 << self.shift) >> 1 if self.rounding == "half_even" else 0

    def _sums(self, data: TensorType) -> Interval:
        """Bounds of x * multiplier + addend and the half, element by element."""
        multiplier, addend = self.constants(data.size)
        constant = addend + self._half
        scaled = product(data.bounds.mapped(np.ravel), Interval(multiplier, multiplier))
        return plus(scaled, Interval(constant, constant))

    def _finish(self, data: TensorType, width: int) -> Instance:
        """Shift, test for ties, clip; a clip that nothing reaches is left out."""
        low, high = self.clip
        ends = [self.rounded(bound[None]) for bound in (data.bounds.low, data.bounds.high)]
        inner = max(width, self.fixed.width) + 1
        sizes = {
            "SIZE": data.size,
            "X_WIDTH": width,
            "Y_WIDTH": self.fixed.width,
            "SHIFT": self.shift,
            "HALF_EVEN": int(self.rounding == "half_even"),
            "CLIP_LOW": int(np.min(ends) < low),
            "CLIP_HIGH": int(np.max(ends) > high),
            "V_WIDTH": inner,
        }
        bounds = {"LOW": literal(low, inner), "HIGH": literal(high, inner)}
        texts = {name: str(value) for name, value in sizes.items()} | bounds
        return Instance("round_clip", tuple(texts.items()), ("x",))
