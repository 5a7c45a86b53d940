"""The highest elements of every row, in falling order: their values or their positions."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats, magnitude
from codesign.graph import Instance, Op, TensorType
from codesign.ops.elementwise import texts
from codesign.ranges import Interval


@dataclass(frozen=True)
class TopK(Op, FloatForm):
    """Data (*rows, N); result (*rows, k): the k highest elements, falling, of equal ones the lower position first.

    `positions`: not the elements but their numbers 0 .. N - 1, which `Take` and the segment operators read.
    """

    kind: ClassVar[str] = "top_k"
    k: int
    positions: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise BadInputError(f"top_k needs k of 1 or more, not {self.k}")

    def evaluate(self, *operands: Integers) -> Integers:
        """(batch, *rows, N) -> (batch, *rows, k)."""
        return np.asarray(self._highest(operands[0]), dtype=np.int64)

    def _highest(self, data: NDArray[Any]) -> NDArray[Any]:
        order = np.argsort(-data, axis=-1, kind="stable")[..., : self.k]
        return order if self.positions else np.take_along_axis(data, order, axis=-1)

    def largest(self, *operands: TensorType) -> float:
        """The operand's magnitude, or the highest number."""
        return max(float(magnitude(operands[0].bounds).max()), operands[0].shape[-1] - 1.0)

    def evaluate_floats(self, *operands: Floats) -> Floats:
        """(batch, *rows, N) -> (batch, *rows, k)."""
        return self._highest(operands[0]).astype(operands[0].dtype)

    def for_rows(self, rows: int, *operands: TensorType) -> "TopK | None":
        """Itself, if the last axis is not that of the rows."""
        return self if len(operands[0].shape) > 1 else None

    def result(self, *operands: TensorType) -> TensorType:
        """Values: the k highest of the bounds, in the operand's format. Positions: those that can have the rank."""
        (data,) = operands
        if not data.shape or self.k > data.shape[-1]:
            raise BadInputError(f"top_k needs data (*rows, N) with N >= {self.k}, not {data.shape}")
        bounds = data.bounds
        if self.positions:
            return TensorType.derived(_reached(bounds, self.k))
        low, high = (np.sort(end, axis=-1)[..., ::-1][..., : self.k] for end in (bounds.low, bounds.high))
        zeros = np.broadcast_to(bounds.trailing.min(axis=-1, keepdims=True), low.shape)
        return TensorType.derived(Interval(low, high, zeros), data.fixed)

    def rtl(self, reuse: int, *operands: TensorType) -> Instance:
        """`top_k.v`."""
        (data,) = operands
        sizes = {
            "ROWS": data.size // data.shape[-1],
            "SIZE": data.shape[-1],
            "COUNT": self.k,
            "R_WIDTH": max((data.shape[-1] - 1).bit_length(), 1),
            "X_WIDTH": data.fixed.width,
            "X_SIGNED": int(data.fixed.signed),
            "POSITIONS": int(self.positions),
            "Y_WIDTH": self.result(data).fixed.width,
        }
        return Instance("top_k", texts(sizes), ("x",))


def _reached(bounds: Interval, k: int) -> Interval:
    """First and last position that can have each rank: fewer others always precede it, enough others can."""
    size = bounds.low.shape[-1]
    ranks, found = np.arange(k), []
    for position in range(size):
        low, high = bounds.low[..., position, None], bounds.high[..., position, None]
        earlier = np.arange(size) < position
        always = (bounds.low > high) | (earlier & (bounds.low >= high))
        can = (bounds.high > low) | (earlier & (bounds.high >= low))
        can[..., position] = False  # an element does not precede itself
        always[..., position] = False
        found.append((always.sum(axis=-1)[..., None] <= ranks) & (ranks <= can.sum(axis=-1)[..., None]))
    reached = np.stack(found)  # (positions, *rows, k)
    return Interval(reached.argmax(axis=0), size - 1 - reached[::-1].argmax(axis=0))
