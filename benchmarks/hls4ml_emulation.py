"""hls4ml's compiled emulation of the Brevitas originals (QONNX): is it the integer graph, and how fast is it.

Usage: python -m benchmarks.hls4ml_emulation --data FOLDER --peers PYTHON
Writes results/hls4ml.json and hls4ml.md. No vendor tool is used: the emulation is C++ that g++ compiles.
"""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.generate import HERE, random_inputs
from benchmarks.models import load_bench
from benchmarks.tables import table
from codesign.errors import ToolFailedError
from codesign.files import write_json, write_text

NETWORKS = ("jet_sp50", "jet_trained")
EVENTS = 5000


@dataclass(frozen=True)
class Row:
    """One network: outputs that differ from the graph, rounding half to even, and what the emulation took."""

    network: str
    values: int
    different: int
    conversion_s: float
    compile_s: float
    emulation_per_s: float
    versions: dict[str, str]


def measure(network: str, models: Path, python: Path, folder: Path) -> Row:
    """Compile and run one network in the peers' environment; `ToolFailedError` if it has no hls4ml or that fails."""
    graph = load_bench(models / f"{network}.json", "half_even")
    inputs = random_inputs(graph, EVENTS)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "inputs.npy", inputs)
    command = (str(python), str(HERE / "peer_hls4ml.py"), str(models / f"{network}.onnx"), str(folder))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolFailedError(f"hls4ml failed on {network}: {done.stderr.strip().splitlines()[-1]}")
    said = json.loads(done.stdout.splitlines()[-1])
    wanted = graph.evaluate({graph.inputs[0].node: inputs})[graph.outputs[0].node].reshape(EVENTS, -1)
    got = np.load(folder / "outputs.npy", allow_pickle=False)
    times = (round(said[key], 1) for key in ("conversion_s", "compile_s", "emulation_per_s"))
    return Row(network, wanted.size, int((got != wanted).sum()), *times, said["versions"])


def text(rows: list[Row]) -> str:
    """Return the table as Markdown."""
    header = ("network", "values compared", "different", "conversion s", "g++ s", "inferences/s")
    lines = [(r.network, r.values, r.different, r.conversion_s, r.compile_s, round(r.emulation_per_s)) for r in rows]
    versions = sorted({f"{name} {number}" for row in rows for name, number in row.versions.items()})
    return f"{table(header, lines)}\n\nOne thread; rounding half to even. Versions: {', '.join(versions)}.\n"


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Has bench/.")
@click.option("--peers", type=click.Path(exists=True, path_type=Path), required=True, help="Python that has hls4ml.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path("runs/bench"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=HERE / "results", show_default=True)
def main(data: Path, peers: Path, cache: Path, output: Path) -> None:
    """Measure every network that has a QONNX file."""
    try:
        rows = [measure(name, data / "bench", peers, cache.resolve() / "hls4ml" / name) for name in NETWORKS]
    except ToolFailedError as error:
        click.echo(f"skipped: {error}", err=True)
        return
    write_json(output / "hls4ml.json", [asdict(row) for row in rows])
    write_text(output / "hls4ml.md", text(rows))


if __name__ == "__main__":
    main()
