"""Elementwise comparison of two values."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.float_form import FloatForm, Floats, largest_operand
from codesign.graph import Instance, Op, TensorType
from codesign.ops.elementwise import joint_shape, port_sizes, spread, texts
from codesign.ranges import Interval

RELATIONS = {
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "ge": np.greater_equal,
    "gt": np.greater,
}
# How compare.v finds each: a < b, or b < a if the ports are swapped, or a == b; then inverted or not.
EQUALITY, SWAPPED, INVERTED = ("eq", "ne"), ("gt", "le"), ("le", "ne", "ge")


@dataclass(frozen=True)
class Compare(Op, FloatForm):
    """y = 1 where a is `relation` b ("lt", "le", "eq", "ne", "ge", "gt"), else 0. Shapes as in `joint_shape`."""

    kind: ClassVar[str] = "compare"
    relation: str
    operand_count: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise BadInputError(f"compare needs a relation of {', '.join(RELATIONS)}, not {self.relation!r}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *shape) twice -> (batch, *shape) of 0 and 1."""
        return np.asarray(RELATIONS[self.relation](*operands), dtype=np.int64)

    def for_rows(self, rows: int, *operands: TensorType) -> "Compare":
        """The same."""
        return self

    def largest(self, *operands: TensorType) -> float:
        """The larger magnitude."""
        return max(largest_operand(operands), 1.0)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *shape) twice -> (batch, *shape) of 0 and 1."""
        return np.asarray(RELATIONS[self.relation](*operands), dtype=operands[0].dtype)

    def result(self, *operands: TensorType) -> TensorType:
        """Known where the bounds decide it."""
        shape = joint_shape(self.kind, *operands)
        left, right = (spread(operand.bounds, shape) for operand in operands)
        less = _truth(left.high < right.low, left.low < right.high)
        greater = _truth(left.low > right.high, left.high > right.low)
        same = (left.low == left.high) & (right.low == right.high) & (left.low == right.low)
        can_be_same = (left.low <= right.high) & (right.low <= left.high)
        found = {"lt": less, "gt": greater, "eq": _truth(same, can_be_same)}
        opposite = {"ge": "lt", "le": "gt", "ne": "eq"}.get(self.relation)
        bounds = found[opposite or self.relation]
        if opposite:
            bounds = Interval(1 - bounds.high, 1 - bounds.low)
        return TensorType.derived(bounds, Fixed(1))

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`compare.v`."""
        left, right = operands
        result = self.result(left, right)
        sizes = {"SIZE": result.size}
        sizes |= port_sizes("A", left, result.shape) | port_sizes("B", right, result.shape)
        # One more bit, so that signed and unsigned operands compare as signed numbers.
        sizes["V_WIDTH"] = max(left.fixed.width, right.fixed.width) + 1
        sizes["EQUALITY"] = int(self.relation in EQUALITY)
        sizes["SWAPPED"] = int(self.relation in SWAPPED)
        sizes["INVERTED"] = int(self.relation in INVERTED)
        return Instance("compare", texts(sizes), ("a", "b"))


def _truth(always: NDArray[np.bool_], can: NDArray[np.bool_]) -> Interval:
    """Bounds of what always or sometimes holds."""
    return Interval(always.astype(np.int64), can.astype(np.int64))
