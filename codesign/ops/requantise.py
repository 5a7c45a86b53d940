"""Requantisation: multiply, add, shift, round and clip; per tensor or per leading-axis channel."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import MAX_WIDTH, Fixed, Integers, floor_shift, round_shift, saturate
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Cost, Instance, Op, TensorType
from codesign.ranges import Interval, plus, product
from codesign.verilog_literals import concatenation, literal

Rounding = Literal["floor", "half_even"]


@dataclass(frozen=True)
class Requantise(Op, FloatForm):
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
        _ = self.inner_width(data)
        ends = [self.evaluate(bound[None])[0] for bound in (data.bounds.low, data.bounds.high)]
        return TensorType.derived(Interval(np.minimum(*ends), np.maximum(*ends), self._zeros(data)), self.fixed)

    def _zeros(self, data: TensorType) -> Integers | None:
        """Low bits that stay zero where the values pass unchanged, or are clipped to zero."""
        is_clip = set(self.multiplier) == {1} and set(self.addend) == {0} and self.shift == 0
        low, high = self.clip
        kept = ((data.bounds.low >= low) | (low == 0)) & ((data.bounds.high <= high) | (high == 0))
        return np.where(kept, data.bounds.trailing, 0) if is_clip else None

    def inner_width(self, data: TensorType) -> int:
        """Bits that hold x * multiplier + addend and the rounding half for every reachable x."""
        multiplier, addend = self.constants(data.size)
        flat = Interval(data.bounds.low.ravel(), data.bounds.high.ravel())
        scaled = plus(product(flat, Interval(multiplier, multiplier)), Interval(addend, addend))
        bounds = Interval(scaled.low, scaled.high + ((1 << self.shift) >> 1))
        constants = [Fixed.covering(min(0, int(c.min())), int(c.max())).width + 1 for c in (multiplier, addend)]
        return max(bounds.fixed().width + 1, data.fixed.width + 1, self.shift + 2, self.fixed.width + 2, *constants)

    def cost(self, reuse: int, *operands: TensorType) -> Cost:
        """One constant multiplier an element, unless the multiplier is one."""
        return Cost(0 if set(self.multiplier) == {1} else operands[0].size, 0)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`requantise.v`."""
        (data,) = operands
        inner = self.inner_width(data)
        low, high = self.clip
        ends = [self.rounded(bound[None]) for bound in (data.bounds.low, data.bounds.high)]
        return Instance(
            "requantise",
            (
                ("SIZE", str(data.size)),
                ("CHANNELS", str(len(self.multiplier))),
                ("X_WIDTH", str(data.fixed.width)),
                ("X_SIGNED", str(int(data.fixed.signed))),
                ("Y_WIDTH", str(self.fixed.width)),
                ("V_WIDTH", str(inner)),
                ("SHIFT", str(self.shift)),
                ("HALF_EVEN", str(int(self.rounding == "half_even"))),
                ("CLIP_LOW", str(int(np.min(ends) < low))),
                ("CLIP_HIGH", str(int(np.max(ends) > high))),
                ("LOW", literal(low, inner)),
                ("HIGH", literal(high, inner)),
                ("MULTIPLIERS", concatenation(self.multiplier, inner)),
                ("ADDENDS", concatenation(self.addend, inner)),
            ),
            ("x",),
        )
