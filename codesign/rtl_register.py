"""Registers hold only the bits that can change: interval analysis says which, element by element."""

import textwrap
from dataclasses import dataclass

from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.rtl_text import INDENT

LINE = 110


@dataclass(frozen=True)
class LiveBits:
    """How many low bits of every element change; above them stand copies of the sign, zeros or a constant."""

    width: int
    low: tuple[int, ...]
    high: tuple[int, ...]

    @classmethod
    def of(cls, value: TensorType) -> "LiveBits":
        """Return the live bits of a value from its elementwise bounds."""
        low, high = (tuple(int(bound) for bound in bounds.ravel()) for bounds in (value.bounds.low, value.bounds.high))
        return cls(value.fixed.width, low, high)

    @property
    def counts(self) -> tuple[int, ...]:
        """Live bits of every element."""
        return tuple(self._count(low, high) for low, high in zip(self.low, self.high, strict=True))

    @property
    def total(self) -> int:
        """Live bits of the whole value."""
        return sum(self.counts)

    @property
    def is_whole(self) -> bool:
        """Whether every bit is live."""
        return self.total == self.width * len(self.low)

    @staticmethod
    def _count(low: int, high: int) -> int:
        return 0 if low == high else Fixed.covering(low, high).width

    def gather(self, wire: str) -> list[str]:
        """Return the concatenation (lines) of the live bits of a packed value, first element in the lowest bits."""
        slices = [(e * self.width, count) for e, count in enumerate(self.counts) if count]
        runs: list[list[int]] = []
        for start, count in slices:
            if runs and runs[-1][0] + runs[-1][1] == start:
                runs[-1][1] += count
            else:
                runs.append([start, count])
        return _concatenation([f"{wire}[{start + count - 1}:{start}]" for start, count in runs])

    def scatter(self, wire: str) -> list[str]:
        """Return the concatenation (lines) that rebuilds the packed value from its live bits."""
        parts, position = [], 0
        for low, high, count in zip(self.low, self.high, self.counts, strict=True):
            above = self.width - count
            if count:
                live = f"{wire}[{position + count - 1}:{position}]"
                if above:
                    fill = f"{{{above}{{{wire}[{position + count - 1}]}}}}" if low < 0 else f"{above}'d0"
                    live = f"{fill}, {live}"
                parts.append(live)
            else:
                parts.append(f"{self.width}'d{high & ((1 << self.width) - 1)}")
            position += count
        return _concatenation(parts)


def _concatenation(parts: list[str]) -> list[str]:
    text = "{" + ", ".join(reversed(parts)) + "}"
    return textwrap.wrap(text, LINE, initial_indent=INDENT * 2, subsequent_indent=INDENT * 2, break_long_words=False)
