"""Options of trainings in two stages: without quantisers, then with them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.train import loop


@dataclass(frozen=True, kw_only=True)
class TwoStageOptions(loop.LoopOptions):
    """On what to train and for how long; `BadInputError` for a value out of range.

    `data=None` trains on `events` events of the embedded generator. Learning rates are the highest of each stage.
    """

    data: Path | None = None
    events: int = 40_000
    float_epochs: int
    qat_epochs: int
    learning_rate: float
    qat_learning_rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        loop.check_whole("events", self.events, 20)
        loop.check_whole("float_epochs", self.float_epochs, 0)
        loop.check_whole("qat_epochs", self.qat_epochs, 1)
        for name in ("learning_rate", "qat_learning_rate"):
            loop.check_range(name, getattr(self, name), 1.0)

    def stages(self, floating: Any, wanted: Any) -> tuple[loop.Stage, ...]:
        """Return both stages: `float` with the architecture `floating`, then `qat` with `wanted`, the final one."""
        return loop.stages(
            ("float", self.float_epochs, self.learning_rate, floating, False),
            ("qat", self.qat_epochs, self.qat_learning_rate, wanted, True),
        )
