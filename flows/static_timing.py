"""What static timing says of a netlist: the longest path from register to register and the clock that it allows.

Inputs count as registered outside (their launch time is given), the reset and the outputs are not timed: reset is a net
that layout buffers, data outputs come straight from registers, and `tmr_err` is a flag without a deadline.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PathStep:
    """One cell of a path: instance, type, its delay with the wire before it, and the arrival behind it."""

    instance: str
    cell: str
    delay_ns: float
    arrival_ns: float


@dataclass(frozen=True)
class StaticTiming:
    """The longest path (launch, logic and setup), its cells in order, and how many cells were timed.

    `hold_slack_ns` is what the shortest path leaves of the hold time; None where it is not known.
    """

    critical_path_ns: float
    path: tuple[PathStep, ...]
    cell_count: int
    method: str
    hold_slack_ns: float | None = None

    def slack_ns(self, clock_ns: float) -> float:
        """Return what is left of a clock period; negative where timing is not met."""
        return clock_ns - self.critical_path_ns

    def text(self) -> str:
        """Return the path as lines of delay, arrival, cell and instance."""
        lines = [f"{step.delay_ns:9.4f} {step.arrival_ns:9.4f}  {step.cell} {step.instance}" for step in self.path]
        return "\n".join([*lines, f"{'critical path':>19} {self.critical_path_ns:.4f} ns"])
