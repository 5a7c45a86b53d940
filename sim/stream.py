"""Simulate a design behind AXI4-Stream with random stalls on both sides."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from codesign.errors import VerificationError
from codesign.files import read_json, replace_directory, write_json
from codesign.packing import Words
from codesign.sim.exchange import read_words, write_words
from codesign.sim.run import run_bench
from codesign.sim.verilator import build


@dataclass(frozen=True)
class Stalls:
    """Pairs (source, sink): fractions of cycles in which each waits, one pass over all events for each; the seed."""

    waits: tuple[tuple[float, float], ...] = ((0.1, 0.1), (0.0, 0.7), (0.7, 0.0), (0.5, 0.8))
    seed: int = 1


@dataclass(frozen=True)
class Streamed:
    """Beats that came out (beats, bytes), how many went in, cycles in which copies of a register differed."""

    words: Words
    taken: int
    tmr_err_cycles: int


def simulate_stream(  # noqa: PLR0917
    axis_dir: Path, events: Words, stalls: Stalls, run_dir: Path, cache_dir: Path, parameters: bytes = b""
) -> Streamed:
    """Stream `events` (beats, bytes) through the wrapper in `axis_dir`; `run_dir` is replaced as a whole.

    `VerificationError` if a beat changes before it is taken, is never taken, or `tlast` is not at the end of an event.
    """
    manifest = read_json(axis_dir / "manifest.json")
    program = build(axis_dir, manifest["sources"], manifest["top"], cache_dir)

    def fill(fresh: Path) -> None:
        write_json(fresh / "manifest.json", manifest)
        write_json(fresh / "stalls.json", asdict(stalls))
        write_words(fresh / "events.npy", events)
        write_words(fresh / "parameters.npy", np.frombuffer(parameters, dtype=np.uint8))

    replace_directory(run_dir, fill)
    run_bench(program, manifest["top"], "codesign.sim.stream_bench", run_dir, stalls.seed)
    if not (run_dir / "stream.json").exists():
        raise VerificationError(f"the testbench measured nothing: see {run_dir}")
    words = read_words(run_dir / "beats.npy")[:, : (manifest["out_width"] + 7) // 8]
    return Streamed(words, **read_json(run_dir / "stream.json"))
