"""Requantisation by thresholds: the result is how many thresholds the operand has reached."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from codesign.element_form import Element, ElementForm, ElementPort
from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.graph import Cost, Instance, Op, TensorType
from codesign.ops.row_form import channels_for_rows
from codesign.ranges import Interval, frozen
from codesign.verilog_literals import concatenation, literal


@dataclass(frozen=True, eq=False)
class Threshold(Op, ElementForm):
    """y = base + #{k : x >= thresholds[c, k]}, or base + levels - that count where `falling[c]`.

    thresholds (channels, levels), rising along levels; channel of element e is e // (size / channels).
    Exact for every monotonic requantisation, where no multiply-add-shift is.
    """

    kind: ClassVar[str] = "threshold"
    fixed: Fixed
    thresholds: Integers
    falling: tuple[int, ...]
    base: int

    def __post_init__(self) -> None:
        thresholds = frozen(self.thresholds)
        if thresholds.ndim != 2 or np.any(np.diff(thresholds, axis=1) < 0):
            raise BadInputError("thresholds must be (channels, levels), rising along levels")
        if not thresholds.size:
            raise BadInputError("threshold needs at least one level")
        if len(self.falling) != len(thresholds):
            raise BadInputError(f"threshold needs one falling flag for each of {len(thresholds)} channels")
        object.__setattr__(self, "thresholds", thresholds)

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) -> (batch, *shape)."""
        (data,) = operands
        channels, levels = self.thresholds.shape
        grouped = data.reshape(len(data), channels, -1)
        counts = [np.searchsorted(self.thresholds[c], grouped[:, c], side="right") for c in range(channels)]
        signed = [levels - count if falls else count for count, falls in zip(counts, self.falling, strict=True)]
        return np.asarray(self.base + np.stack(signed, axis=1).reshape(data.shape), dtype=np.int64)

    def for_rows(self, rows: int, *operands: TensorType) -> "Threshold | None":
        """The same, if all rows have the same thresholds."""
        falling = np.array([int(falls) for falls in self.falling], np.int64)[:, None]
        constants = channels_for_rows(np.hstack([falling, self.thresholds]), operands[0].shape[0], rows)
        if constants is None:
            return None
        return replace(self, thresholds=constants[:, 1:], falling=tuple(constants[:, 0].tolist()))

    def result(self, *operands: TensorType) -> TensorType:
        """Bounds are the images of the operand's bounds, since the function is monotonic."""
        (data,) = operands
        if data.size % len(self.thresholds):
            raise BadInputError(f"threshold with {len(self.thresholds)} channels cannot divide {data.size} elements")
        ends = [self.evaluate(bound[None])[0] for bound in (data.bounds.low, data.bounds.high)]
        return TensorType.derived(Interval(np.minimum(*ends), np.maximum(*ends)), self.fixed)

    def cost(self, reuse: int, *operands: TensorType) -> Cost:
        """Comparators only."""
        return Cost(0, 0)

    def element(self, data: TensorType) -> Element:
        """`threshold_word.v`, with the thresholds of every element."""
        channels, levels = self.thresholds.shape
        ends = Fixed.covering(int(self.thresholds.min()), int(self.thresholds.max()))
        inner = max(data.fixed.width, ends.width) + 1
        parameters = {
            "LEVELS": levels,
            "X_WIDTH": data.fixed.width,
            "X_SIGNED": int(data.fixed.signed),
            "V_WIDTH": inner,
            "Y_WIDTH": self.fixed.width,
            "BASE": literal(self.base, self.fixed.width + 1),
        }
        times = data.size // channels
        falling = np.array([int(falls) for falls in self.falling], np.int64)[:, None]
        ports = (
            ElementPort("thresholds", self.thresholds.repeat(times, axis=0), inner),
            ElementPort("falling", falling.repeat(times, axis=0), 1),
        )
        return Element("threshold_word", tuple((name, str(value)) for name, value in parameters.items()), ports)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`threshold.v`."""
        (data,) = operands
        channels, levels = self.thresholds.shape
        ends = Fixed.covering(int(self.thresholds.min()), int(self.thresholds.max()))
        inner = max(data.fixed.width, ends.width) + 1
        width = self.fixed.width + 1
        return Instance(
            "threshold",
            (
                ("SIZE", str(data.size)),
                ("CHANNELS", str(channels)),
                ("LEVELS", str(levels)),
                ("X_WIDTH", str(data.fixed.width)),
                ("X_SIGNED", str(int(data.fixed.signed))),
                ("V_WIDTH", str(inner)),
                ("Y_WIDTH", str(self.fixed.width)),
                ("BASE", literal(self.base, width)),
                ("FALLING", f"{channels}'b" + "".join(str(int(falls)) for falls in reversed(self.falling))),
                ("THRESHOLDS", concatenation(tuple(int(value) for value in self.thresholds.ravel()), inner)),
            ),
            ("x",),
        )
