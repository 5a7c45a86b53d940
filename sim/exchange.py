"""The one directory that crosses into the simulator: manifest and stimulus in, response out.

The testbench sees packed words only; it holds no model and no tolerance.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codesign.errors import BadInputError
from codesign.files import read_json, write_json, write_with
from codesign.packing import Words

PHASES = ("back_to_back", "gaps", "after_reset")
PROGRESS, PROGRESS_PERIOD_S = "progress", 0.25


@dataclass(frozen=True)
class Plan:
    """What the testbench drives: how many of the events in each phase, and the seed of the random gaps."""

    gap_events: int
    reset_events: int
    seed: int = 1


@dataclass(frozen=True)
class Measured:
    """What the testbench measured: latency (all events alike), least spacing of results, cycles with tmr_err high."""

    latency_cycles: int
    ii_cycles: int
    tmr_err_cycles: int
    cycles: int


def write_stimulus(
    directory: Path, manifest: dict[str, Any], events: Words, plan: Plan, parameters: bytes = b""
) -> None:
    """Write everything the testbench reads into `directory`."""
    write_json(directory / "manifest.json", manifest)
    write_json(directory / "plan.json", asdict(plan))
    write_words(directory / "events.npy", events)
    write_words(directory / "parameters.npy", np.frombuffer(parameters, dtype=np.uint8))


def write_words(path: Path, words: Words) -> None:
    """Write packed words, whole or not at all."""

    def save(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.save(stream, words, allow_pickle=False)

    write_with(path, save)


def write_beats(path: Path, beats: Sequence[int], size: int) -> None:
    """Write beats as packed words of `size` bytes each."""
    rows = b"".join(beat.to_bytes(size, "little") for beat in beats)
    write_words(path, np.frombuffer(rows, dtype=np.uint8).reshape(len(beats), size))


def read_words(path: Path) -> Words:
    """Read packed words; `BadInputError` if the file is missing or damaged."""
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.uint8)
    except (OSError, ValueError, EOFError) as error:
        raise BadInputError(f"cannot read {path}: {error}") from error


def read_plan(directory: Path) -> Plan:
    """Read the plan of `write_stimulus`."""
    return Plan(**read_json(directory / "plan.json"))


def read_measured(directory: Path) -> Measured:
    """Read what the testbench measured."""
    return Measured(**read_json(directory / "measured.json"))


class Progress:
    """What the simulator tells of how far it is: a byte for every finished event, appended to a file now and then."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PROGRESS
        self._pending = 0
        self._told_s = 0.0

    def event(self) -> None:
        """One event more is done."""
        self._pending += 1
        if time.monotonic() - self._told_s >= PROGRESS_PERIOD_S:
            self.tell()

    def tell(self) -> None:
        """Write down all that is done."""
        with self._path.open("ab") as stream:
            stream.write(b"." * self._pending)
        self._pending, self._told_s = 0, time.monotonic()


@contextmanager
def watched(directory: Path, advance: Callable[[int], None]) -> Iterator[None]:
    """While the context lasts call `advance` with the events that the simulator in `directory` has finished since."""
    path, over, seen = directory / PROGRESS, threading.Event(), 0

    def look() -> None:
        nonlocal seen
        size = path.stat().st_size if path.exists() else 0
        advance(size - seen)
        seen = size

    def watch() -> None:
        while not over.wait(PROGRESS_PERIOD_S):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        look()
        path.unlink(missing_ok=True)
