"""The one directory that crosses into the simulator: manifest and stimulus in, response out.

The testbench sees packed words only; it holds no model and no tolerance.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codesign.errors import BadInputError
from codesign.files import read_json, write_json, write_with
from codesign.packing import Words

PHASES = ("back_to_back", "gaps", "after_reset")


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
