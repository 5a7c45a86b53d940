"""Rows in the order of an index: gather by a constant (wires) or by a value of the event (multiplexers)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, largest_operand
from codesign.graph import Instance, Op, TensorType, Wiring
from codesign.ops.segments import Array, check_index, row_elements
from codesign.ranges import Interval


@dataclass(frozen=True)
class Take(Op, FloatForm):
    """Data (N, *rest), index (M,); result (M, *rest): row index[m] of the data, zeros where index[m] >= N."""

    kind: ClassVar[str] = "take"
    operand_count: ClassVar[int] = 2

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, N, *rest), (batch, M) -> (batch, M, *rest)."""
        return _taken(*operands)

    def largest(self, *operands: TensorType) -> float:
        """The larger magnitude."""
        return largest_operand(operands)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, N, *rest), (batch, M) -> (batch, M, *rest)."""
        return _taken(*operands)

    def result(self, *operands: TensorType) -> TensorType:
        """Every result is one of the rows that its index can name, or zero."""
        data, index = operands
        check_index(self.kind, index)
        if not data.shape:
            raise BadInputError("take needs data (N, *rest)")
        return TensorType.derived(_reached(data, index), data.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance | Wiring:
        """Wires for a constant index, else `take.v`."""
        data, index = operands
        size = row_elements(data)
        if index.is_constant:
            rows = index.bounds.low[:, None]
            wires = np.where(rows < data.shape[0], rows * size + np.arange(size), -1)
            return Wiring(tuple(wires.ravel().tolist()))
        sizes = {
            "ROWS": data.shape[0],
            "LEVELS": (data.shape[0] - 1).bit_length(),
            "ROW_BITS": size * data.fixed.width,
            "COUNT": index.size,
            "I_WIDTH": index.fixed.width,
        }
        return Instance("take", tuple((name, str(value)) for name, value in sizes.items()), ("x", "index"))


def _taken(data: Array, index: Array) -> Array:
    none = np.zeros_like(data[:, :1])
    rows = np.concatenate([data, none], axis=1)
    codes = np.minimum(index.astype(np.int64), data.shape[1])
    events = np.arange(len(rows))[:, None] if len(rows) > 1 else 0  # one event's data serves all
    return np.asarray(rows[events, codes])


def _reached(data: TensorType, index: TensorType) -> Interval:
    """Hull of the rows from the lowest to the highest that each index can name, and of zero if it can name none."""
    bounds = Interval(*(np.concatenate([end, np.zeros_like(end[:1])]) for end in (data.bounds.low, data.bounds.high)))
    trailing = np.concatenate([data.bounds.trailing, bounds.trailing[-1:]])  # the row of zeros is a multiple of all
    found: dict[tuple[int, int], tuple[Array, Array, Array]] = {}
    ends = [np.minimum(end, data.shape[0]).tolist() for end in (index.bounds.low, index.bounds.high)]
    for first, last in set(zip(*ends, strict=True)):
        rows = slice(first, last + 1)
        lowest, highest = bounds.low[rows].min(axis=0), bounds.high[rows].max(axis=0)
        found[first, last] = lowest, highest, trailing[rows].min(axis=0)
    hulls = [found[pair] for pair in zip(*ends, strict=True)]
    low, high, zeros = (np.stack(parts) for parts in zip(*hulls, strict=True))
    return Interval(low, high, zeros)
