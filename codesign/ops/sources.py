"""Sources: graph inputs, programmable parameters and constants."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.graph import Source, TensorType
from codesign.ranges import Interval, frozen


@dataclass(frozen=True)
class Input(Source):
    """A value that arrives with every `in_valid`; `low` and `high` bound its elements (row-major), if given."""

    kind: ClassVar[str] = "input"
    shape: tuple[int, ...]
    fixed: Fixed
    low: tuple[int, ...] = ()
    high: tuple[int, ...] = ()

    def result(self, *operands: TensorType) -> TensorType:
        """Every value of the format, or those within the bounds."""
        if not self.low:
            return TensorType.full(self.shape, self.fixed)
        ends = (np.array(end, np.int64).reshape(self.shape) for end in (self.low, self.high))
        return TensorType.derived(Interval(*ends), self.fixed)


@dataclass(frozen=True)
class Parameter(Source):
    """A value held in programmable registers, written over the configuration port."""

    kind: ClassVar[str] = "parameter"
    shape: tuple[int, ...]
    fixed: Fixed

    def result(self, *operands: TensorType) -> TensorType:
        """Every value of the format."""
        return TensorType.full(self.shape, self.fixed)


@dataclass(frozen=True, eq=False)
class Constant(Source):
    """A fixed array: wired logic, or a ROM where it is read word by word."""

    kind: ClassVar[str] = "constant"
    values: Integers

    def __post_init__(self) -> None:
        values = np.atleast_1d(self.values)
        if values.dtype.kind not in "iu" or not values.size:
            raise BadInputError(f"a constant must hold at least one integer, and only integers, not {values.dtype}")
        object.__setattr__(self, "values", frozen(values))

    def result(self, *operands: TensorType) -> TensorType:
        """Exactly these values."""
        return TensorType.derived(Interval(self.values, self.values))
