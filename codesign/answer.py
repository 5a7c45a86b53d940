"""What a command has to say: as text for people, and as a record for programs."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`text` for the terminal; `record`, which JSON can hold, for --json; the exit code of what was found."""

    text: str
    record: Any
    exit_code: int = 0
