"""Constant matrix products in phases: how positions, digits of the data and rows share one engine. Sizes, no Verilog.

In every phase the engine multiplies one digit of every input of one group of positions with one group of rows of the
matrix. Digits are unsigned and come least significant first; signed data is moved up by half of its range before.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codesign.fixed import Fixed, Integers
from codesign.verilog_literals import counter_bits

TABLE_BITS = 5  # address bits of a table that a 6-input LUT adds to a running sum at no cost of its own
SUMMED_DIGITS = 3  # bits of a digit from which shared adders are smaller than tables


def table_data_bits(rows: int) -> int:
    """Return how many data bits a table takes beside the number of one of `rows` groups of rows.

    A table of a address bits costs one LUT for every bit of its sum up to a = 5, and 2**(a - 6) more above.
    """
    chosen = counter_bits(rows)
    return min(range(1, TABLE_BITS + 2), key=lambda k: ((1 + _table_luts(chosen + k)) / k, k))


def _table_luts(address_bits: int) -> float:
    return 0.0 if address_bits <= TABLE_BITS else 2.0 ** (address_bits - TABLE_BITS - 1)


@dataclass(frozen=True)
class DigitPhases:
    """Number of sequential groups of positions, digits of the data and rows; digits run fastest, positions slowest.

    After the last phase the engine rests for `idle` cycles, so that phases and rest are the reuse factor.
    """

    positions: int
    digits: int
    rows: int
    digit_bits: int
    idle: int = 0

    @classmethod
    def of(cls, reuse: int, positions: int, rows: int, data_bits: int) -> "DigitPhases":
        """Return the phases at `reuse`: positions first, then digits, then as many groups of rows as are smallest."""
        if reuse <= positions:
            return cls(reuse, 1, 1, data_bits)
        rest = reuse // positions
        digit_bits = -(-data_bits // rest)
        digits = -(-data_bits // digit_bits)
        groups = min(range(1, min(rest // digits, rows) + 1), key=lambda count: (_row_cost(rows, count), count))
        filled = -(-rows // -(-rows // groups))
        return cls(positions, digits, filled, digit_bits, reuse - positions * digits * filled)

    @property
    def count(self) -> int:
        """Cycles from the first phase to the result."""
        return self.positions * self.digits * self.rows

    @property
    def is_whole(self) -> bool:
        """Whether every phase multiplies whole numbers with the whole matrix."""
        return self.digits == self.rows == 1

    @property
    def has_adders(self) -> bool:
        """Whether a phase's sums are shared adders; else they are tables."""
        return self.is_whole or (self.rows == 1 and self.digit_bits >= SUMMED_DIGITS)


def _row_cost(rows: int, groups: int) -> float:
    data_bits = table_data_bits(groups)
    return -(-rows // groups) * (1 + _table_luts(counter_bits(groups) + data_bits)) / data_bits


@dataclass(frozen=True, eq=False)
class Serial:
    """y[o, p] = start[o] + sum_i floor(matrix[o, i] * window[p, i] / 2**truncate), phase by phase.

    window[p, i] is element windows[p, i] of the operand, or `pad_value` where that is -1; the operand is in format
    `data`. Products are truncated only if phases are whole. Element o * positions + p of the result is y[o, p], or
    element p * outputs + o if it is `by_position`.
    """

    matrix: Integers
    start: Integers
    windows: NDArray[np.int64]
    pad_value: int
    truncate: int
    data: Fixed
    phases: DigitPhases
    by_position: bool = False

    def element(self, row: int, position: int) -> int:
        """Return the element of the result that holds y[row, position]."""
        return position * len(self.matrix) + row if self.by_position else row * len(self.windows) + position

    @property
    def lanes(self) -> int:
        """Rows of a phase."""
        return -(-len(self.matrix) // self.phases.rows)

    @property
    def group_positions(self) -> int:
        """Positions of a phase."""
        return len(self.windows) // self.phases.positions

    @property
    def moved_by(self) -> int:
        """What is added to every element so that its digits are unsigned."""
        return -self.data.low if not self.phases.is_whole else 0

    def rows_of(self, lane: int) -> list[int]:
        """Rows that a lane computes, one in each group; -1 for none."""
        numbers = range(lane, self.lanes * self.phases.rows, self.lanes)
        return [number if number < len(self.matrix) else -1 for number in numbers]

    @cached_property
    def starts(self) -> tuple[Integers, Integers]:
        """What is added in every phase and what in the phase of the first digit, for each row: together `start`."""
        rest = self.start - self.moved_by * self.matrix.sum(axis=1)
        weight = sum(1 << (self.phases.digit_bits * n) for n in range(self.phases.digits))
        return rest // weight, rest % weight

    @property
    def sum_starts(self) -> Integers:
        """What the sums of a phase start from: `starts`, less the one that the accumulator's subtraction adds."""
        return self.starts[0] - (self.phases.digits > 1)

    @cached_property
    def sum_ends(self) -> tuple[Integers, Integers]:
        """Least and largest sum of one digit of every input, for each row."""
        top = (1 << self.phases.digit_bits) - 1
        ends = (pick(self.matrix, 0).sum(axis=1) * top + self.sum_starts for pick in (np.minimum, np.maximum))
        return next(ends), next(ends)

    @cached_property
    def running_ends(self) -> tuple[Integers, Integers]:
        """Least and largest value of the accumulator's adder for each row, over all digits."""
        found = []
        for sums, pick in zip(self.sum_ends, (np.minimum, np.maximum), strict=True):
            added, every = sums + (self.phases.digits > 1), [sums]
            value = added + self.starts[1]
            for _ in range(self.phases.digits):
                every.append(value)
                value = (value >> self.phases.digit_bits) + added
            found.append(pick.reduce(every))
        return found[0], found[1]

    def running_bits(self, lane: int) -> int:
        """Bits of a lane's accumulator adder, signed."""
        rows = [row for row in self.rows_of(lane) if row >= 0]
        low, high = (int(pick(end[rows])) for end, pick in zip(self.running_ends, (np.min, np.max), strict=True))
        return Fixed.covering(min(low, -1), high).width

    def kept_bits(self, lane: int) -> int:
        """Bits of a lane's accumulator register: the running sum without the digit that leaves it, and that digit's
        predecessors; none if there is one digit."""
        phases = self.phases
        if phases.digits == 1:
            return 0
        return max(1, self.running_bits(lane) - phases.digit_bits) + (phases.digits - 1) * phases.digit_bits

    @property
    def state_bits(self) -> int:
        """Register bits of counters, the done flag and accumulators; the result comes on top."""
        phases = self.phases
        counters = sum(counter_bits(n) for n in (phases.positions, phases.digits, phases.rows, phases.idle + 1))
        return counters + 1 + self.group_positions * sum(self.kept_bits(lane) for lane in range(self.lanes))
