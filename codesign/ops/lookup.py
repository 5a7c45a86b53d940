"""A function of one value as a table: sigmoid, tanh, exp and the like."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Instance, Op, TensorType
from codesign.ops.elementwise import texts
from codesign.ranges import Interval, frozen
from codesign.verilog_literals import concatenation

MAX_ADDRESS_BITS = 16


@dataclass(frozen=True)
class Lookup(Op, FloatForm):
    """y = table[x - low], one table for all elements; `low` is the lowest value of the operand's format.

    The table has an entry for every value of the format, in rising order; `signed` says which format it is for.
    """

    kind: ClassVar[str] = "lookup"
    table: tuple[int, ...]
    signed: bool = False

    def __post_init__(self) -> None:
        entries = len(self.table)
        if entries < 2 or entries & (entries - 1) or entries > 1 << MAX_ADDRESS_BITS:
            wanted = f"2, 4, 8, ... or {1 << MAX_ADDRESS_BITS} entries, one for each value of the operand's format"
            raise BadInputError(f"lookup needs {wanted}, not {entries}")
        _ = self.entries

    @cached_property
    def entries(self) -> Integers:
        """The table as an array."""
        return frozen(self.table)

    @property
    def operand(self) -> Fixed:
        """The format of the operand."""
        return Fixed((len(self.table) - 1).bit_length(), 0, self.signed)

    @property
    def fixed(self) -> Fixed:
        """The narrowest format that holds every entry."""
        return Fixed.covering(min(self.table), max(self.table))

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) -> (batch, *shape)."""
        return np.asarray(self.entries[operands[0] - self.operand.low])

    def for_rows(self, rows: int, *operands: TensorType) -> "Lookup":
        """The same."""
        return self

    def largest(self, *operands: TensorType) -> float:
        """The largest entry or operand."""
        return max(float(np.abs(self.entries).max()), float(magnitude(operands[0].bounds).max()))

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *shape) -> (batch, *shape)."""
        (data,) = operands
        return self.entries.astype(data.dtype)[data.astype(np.int64) - self.operand.low]

    def result(self, *operands: TensorType) -> TensorType:
        """Hull of the entries that each element can reach, in the format of all entries."""
        (data,) = operands
        if (data.fixed.width, data.fixed.signed) != (self.operand.width, self.signed):
            raise BadInputError(
                f"lookup with {len(self.table)} entries needs an operand {self.operand}, not {data.fixed}"
            )
        every = Interval(self.entries, self.entries)
        ends = [(end - self.operand.low).ravel().tolist() for end in (data.bounds.low, data.bounds.high)]
        found: dict[tuple[int, int], tuple[int, int, int]] = {}
        for first, last in set(zip(*ends, strict=True)):
            part = slice(first, last + 1)
            hull = every.low[part].min(), every.high[part].max(), every.trailing[part].min()
            found[first, last] = int(hull[0]), int(hull[1]), int(hull[2])
        hulls = np.array([found[pair] for pair in zip(*ends, strict=True)], np.int64)
        low, high, zeros = (column.reshape(data.shape) for column in hulls.T)
        return TensorType.derived(Interval(low, high, zeros), self.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`lookup.v`; its table stands in the order of the operand's bits."""
        (data,) = operands
        half = len(self.table) // 2 if self.signed else 0
        by_bits = (*self.table[half:], *self.table[:half])
        width = self.fixed.width
        sizes = texts({"SIZE": data.size, "X_WIDTH": self.operand.width, "Y_WIDTH": width})
        return Instance("lookup", (*sizes, ("TABLE", concatenation(by_bits, width))), ("x",))
