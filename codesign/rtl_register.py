"""Registers hold only the bits that can change: interval analysis says which, element by element."""

import textwrap
from dataclasses import dataclass

from codesign.graph import TensorType
from codesign.rtl_text import INDENT, LINE


@dataclass(frozen=True)
class LiveBits:
    """Which bits of every element change: below them stand zeros, above copies of the sign, zeros or a constant."""

    width: int
    low: tuple[int, ...]
    high: tuple[int, ...]
    zeros: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, value: TensorType) -> "LiveBits":
        """Return the live bits of a value from its elementwise bounds."""
        bounds = value.bounds
        low, high, zeros = (tuple(array.ravel().tolist()) for array in (bounds.low, bounds.high, bounds.trailing))
        return cls(value.fixed.width, low, high, zeros, bounds.element_bits)

    @property
    def total(self) -> int:
        """Live bits of the whole value."""
        return sum(self.counts)

    @property
    def is_whole(self) -> bool:
        """Whether every bit is live."""
        return self.total == self.width * len(self.low)

    def gather(self, wire: str) -> list[str]:
        """Return the concatenation (lines) of the live bits of a packed value, first element in the lowest bits."""
        elements = enumerate(zip(self.counts, self.zeros, strict=True))
        slices = [(e * self.width + zeros, count) for e, (count, zeros) in elements if count]
        runs: list[list[int]] = []
        for start, count in slices:
            if runs and runs[-1][0] + runs[-1][1] == start:
                runs[-1][1] += count
            else:
                runs.append([start, count])
        return _concatenation([f"{wire}[{start + count - 1}:{start}]" for start, count in runs])

    def scatter(self, wire: str) -> list[str]:
        """Return the concatenation (lines) that rebuilds the packed value from its live bits."""
        parts: list[str] = []
        position, run = 0, 0  # `run` bits at the end of `parts` are one slice that may still grow
        for low, high, zeros, count in zip(self.low, self.high, self.zeros, self.counts, strict=True):
            above = self.width - count - zeros
            run = run + count if count == self.width else 0
            if run > count:
                parts[-1] = f"{wire}[{position + count - 1}:{position + count - run}]"
            elif count:
                live = f"{wire}[{position + count - 1}:{position}]"
                live += f", {zeros}'d0" if zeros else ""
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
