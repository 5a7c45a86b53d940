"""Inferences per second of exact emulation, side by side in one run: predictor, evaluator, plain numpy, other tools.

Usage: python -m benchmarks.emulation --data FOLDER [--peers PYTHON]
"""

import ctypes
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.models import Model, load_bench, read_model
from codesign.errors import CodesignError, ToolFailedError
from codesign.files import write_text
from codesign.fixed import Integers
from codesign.graph import Graph
from codesign.predict import compile_graph

HERE = Path(__file__).parent
NETWORKS = ("jet_trained", "jet_sp50", "in_edge", "in_node", "econ_trained")
PEERS = ("da4ml", "alkaid")
SLOW_EVENTS = 20_000  # what the slower methods get: they need no more to be timed


Method = tuple[Callable[[Integers], Integers], Integers]  # what runs, and its events


@dataclass(frozen=True)
class Row:
    """Rate of one method on one network, and its processor time over all threads (None in another process).

    `exact`: every output equals that of `Graph.evaluate`.
    """

    network: str
    method: str
    inferences_per_s: float
    processor_us: float | None
    exact: bool


def plain_numpy(model: Model, data: Integers) -> Integers:
    """A multilayer perceptron in int64 as one writes it: product, bias, round half to even, clip."""
    for layer in model.layers:
        data = data @ layer.weight.T + layer.bias
        if layer.bits:
            down = data >> layer.shift
            rest, half = data - (down << layer.shift), (1 << layer.shift) >> 1
            up = (rest > half) | ((rest == half) & (half > 0) & (down & 1 == 1))
            data = np.clip(down + up, 0, (1 << layer.bits) - 1)
    return data


def timed(methods: Mapping[str, Method], repeats: int) -> dict[str, tuple[float, float]]:
    """Return the least elapsed and processor seconds of every method; they take turns, so that all see one machine."""
    best = dict.fromkeys(methods, (float("inf"), float("inf")))
    for _ in range(repeats):
        for name, (run, data) in methods.items():
            started, processor = time.perf_counter(), time.process_time()
            run(data)
            seconds = (time.perf_counter() - started, time.process_time() - processor)
            best[name] = (min(best[name][0], seconds[0]), min(best[name][1], seconds[1]))
    return best


def measure(path: Path, events: int, repeats: int, peers: Path | None) -> list[Row]:
    """Return the rows of one network."""
    graph, model = load_bench(path, "half_even"), read_model(path)
    source, target = graph.types["x"], graph.outputs[0].node
    values = np.random.default_rng(0).integers(source.fixed.low, source.fixed.high + 1, (events, *source.shape))
    few = values[:SLOW_EVENTS]
    methods: dict[str, Method] = {
        "predictor, all processors": (_predictor(graph, target, os.cpu_count() or 1), values),
        "predictor, one thread": (_predictor(graph, target, 1), values),
        "Graph.evaluate": (lambda data: graph.evaluate({"x": data})[target], few),
    }
    if all(layer.weight.ndim == 2 for layer in model.layers):
        methods["plain numpy int64"] = (lambda data: plain_numpy(model, data), few)
    reference = graph.evaluate({"x": few})[target]
    rows = []
    for name, (elapsed, processor) in timed(methods, repeats).items():
        run, data = methods[name]
        exact = bool(np.array_equal(run(few), reference))
        rows.append(Row(path.stem, name, len(data) / elapsed, processor / len(data) * 1e6, exact))
    return rows + [_peer(peer, peers, path, few, reference) for peer in PEERS if peers]


def _predictor(graph: Graph, target: str, threads: int) -> Callable[[Integers], Integers]:
    predict = compile_graph(graph, threads)
    return lambda data: predict({"x": data})[target]


def _peer(peer: str, python: Path, path: Path, data: Integers, reference: Integers) -> Row:
    """Emulation rate that `peers.py` measures in the peers' own environment, and whether it is exact."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "inputs.npy", data)
        command = (str(python), str(HERE / "peers.py"), peer, str(path), "half_even", "5", folder)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolFailedError(f"{peer} failed on {path.stem}: {done.stderr.strip().splitlines()[-1]}")
        rate = json.loads(done.stdout.splitlines()[-1])["emulation_per_s"]
        result = np.load(Path(folder) / "outputs.npy").reshape(reference.shape)
    return Row(path.stem, f"{peer} interpreter", rate, None, bool(np.array_equal(result, reference)))


def blas() -> str:
    """Return version and kernel of numpy's OpenBLAS, as the library itself says."""
    libraries = sorted((Path(np.__file__).parents[1] / "numpy.libs").glob("libscipy_openblas*"))
    if not libraries:
        return "unknown BLAS"
    config = ctypes.CDLL(str(libraries[0])).scipy_openblas_get_config64_
    config.restype = ctypes.c_char_p
    words = config().decode().split()
    return f"{words[0]} {words[1]}, kernel {words[-2]}"


def table(rows: Sequence[Row]) -> str:
    """Return the Markdown table; `ratio` is against the predictor on all processors in the same run."""
    lines = ["| network | method | inferences/s | ratio | processor us | exact |", "|---" * 6 + "|"]
    for row in rows:
        best = next(one.inferences_per_s for one in rows if one.network == row.network)
        share, exact = row.inferences_per_s / best, "yes" if row.exact else "no"
        processor = "" if row.processor_us is None else f"{row.processor_us:.2f}"
        cells = (row.network, row.method, f"{row.inferences_per_s:,.0f}", f"{share:.3f}", processor, exact)
        lines.append("| " + " | ".join(cells) + " |")
    load = f"load average {os.getloadavg()[0]:.1f} from other work"
    where = f"{os.cpu_count()} processors ({platform.machine()}), {load}, numpy {np.__version__}, {blas()}"
    how = "Rounding half to even, uniformly random inputs, best of several runs, processor time of one inference"
    return "\n".join([*lines, "", f"{how}; {where}.", ""])


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the JSON models.")
@click.option("--peers", type=click.Path(exists=True, path_type=Path), help="Python that has the peers installed.")
@click.option("--networks", default=",".join(NETWORKS), show_default=True)
@click.option("--events", default=200_000, show_default=True)
@click.option("--repeats", default=30, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=HERE / "results", show_default=True)
def main(data: Path, peers: Path | None, networks: str, events: int, repeats: int, output: Path) -> None:
    """Measure every method on every network and write the table after each network."""
    rows: list[Row] = []
    for network in networks.split(","):
        try:
            rows += measure(data / f"{network}.json", events, repeats, peers)
        except CodesignError as error:
            click.echo(f"{network}: {error}", err=True)
        click.echo(table([row for row in rows if row.network == network]))
        write_text(output / "emulation.md", table(rows))
        write_text(output / "emulation.json", json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
