"""Verilog of one network by one flow: this one, a peer in an environment of its own, or a plain description."""

import hashlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.models import Rounding, load_bench, read_model
from benchmarks.plain import plain_verilog
from codesign.errors import ToolFailedError, ToolMissingError
from codesign.files import read_json, sha256_of, text_sha256, write_json, write_text
from codesign.fixed import Integers
from codesign.graph import Graph

HERE = Path(__file__).parent
EMULATED_EVENTS = 20_000
# The valid pulse and the data of this flow's top level; the error flag stays open, because the peers have none.
_OPEN = """module bench (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [{inputs}:0] in_data,
    output wire out_valid,
    output wire [{outputs}:0] out_data
);
    {top} network (
        .clk       (clk),
        .rst       (rst),
        .in_valid  (in_valid),
        .in_data   (in_data),
        .out_valid (out_valid),
        .out_data  (out_data),
        .tmr_err   ()
    );
endmodule
"""


@dataclass(frozen=True)
class Point:
    """What is built: for `codesign`, `option` is the clock in ns to plan for and `cycles` the latency that is allowed.

    For the peers `option` is the latency cutoff of a stage.
    """

    technology: str
    network: str
    rounding: Rounding
    triplicated: bool
    flow: str
    option: float
    cycles: int | None = None


@dataclass(frozen=True)
class Generated:
    """Verilog files, their top for synthesis, and the processor time and memory that writing them took."""

    top: str
    files: tuple[Path, ...]
    latency_cycles: int
    generation_s: float
    peak_mib: float
    emulation_per_s: float | None
    versions: Mapping[str, str]
    predicted_path_ns: float | None = None

    @property
    def sha256(self) -> str:
        """Hash of the Verilog, comments included."""
        return text_sha256("\n".join(f"{path.name} {sha256_of(path)}" for path in self.files))


def generate(point: Point, model: Path, peers: Path | None, folder: Path) -> Generated:
    """Write the Verilog of `point` below `folder`.

    `peers` is the Python that has the peers; `ToolMissingError` without it. What a peer wrote is kept: it does not
    change with this project. `ToolFailedError` if a generator fails or its emulator computes another function.
    """
    if point.flow == "plain":
        return _plain(point, model, folder / f"{model.stem}-{point.rounding}-plain")
    if point.flow == "codesign":
        tmr = "registers" if point.triplicated else "none"
        target = folder / f"{model.stem}-{point.technology}-{point.rounding}-{tmr}-{point.option:g}-{point.cycles}"
        limits = (f"{point.option:g}", str(point.cycles))
        arguments = (str(model), point.rounding, tmr, point.technology, *limits, str(target))
        made = _run((sys.executable, "-m", "benchmarks.ours", *arguments), point, target)
        return _opened(made, load_bench(model, point.rounding), target)
    if peers is None:
        raise ToolMissingError(f"{point.flow} needs an environment with benchmarks/requirements.txt (make bench)")
    target = folder / f"{model.stem}-{point.rounding}-{point.flow}-{point.option:g}-{_peer_key(model)}"
    if not (target / "generated.json").exists():
        graph = load_bench(model, point.rounding)
        inputs = random_inputs(graph, EMULATED_EVENTS)
        _save(target / "inputs.npy", inputs)
        script = (str(HERE / "peers.py"), point.flow, str(model), point.rounding, f"{point.option:g}", str(target))
        _run((str(peers), *script), point, target)
        _check_emulation(graph, inputs, np.load(target / "outputs.npy", allow_pickle=False), point)
    return _read(target)


def random_inputs(graph: Graph, events: int) -> Integers:
    """Return seeded inputs (events, *shape): half uniform over the range, half at its ends."""
    (port,) = graph.inputs
    value, rng = graph.types[port.node], np.random.default_rng(7)
    uniform = rng.integers(value.fixed.low, value.fixed.high + 1, (events - events // 2, *value.shape))
    corners = rng.choice([value.fixed.low, value.fixed.high], (events // 2, *value.shape))
    return np.concatenate([uniform, corners]).astype(np.int64)


def _check_emulation(graph: Graph, inputs: Integers, got: Integers, point: Point) -> None:
    wanted = graph.evaluate({graph.inputs[0].node: inputs})[graph.outputs[0].node]
    wrong = int((got.reshape(wanted.shape) != wanted).sum())
    if wrong:
        raise ToolFailedError(
            f"{point.flow} on {point.network}, {point.rounding}: {wrong} of {wanted.size} values differ"
        )


def _run(command: tuple[str, ...], point: Point, target: Path) -> Generated:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
    if done.returncode:
        raise ToolFailedError(f"{point.flow} failed on {point.network}: {done.stderr.strip().splitlines()[-1]}")
    write_json(target / "generated.json", json.loads(done.stdout.splitlines()[-1]))
    return _read(target)


def _read(target: Path) -> Generated:
    said: dict[str, Any] = read_json(target / "generated.json")
    files = tuple(target / name for name in said.pop("sources"))
    return Generated(files=files, **said)


def _opened(made: Generated, graph: Graph, target: Path) -> Generated:
    inputs, outputs = (graph.types[port.node].bits - 1 for port in (*graph.inputs, *graph.outputs))
    path = write_text(target / "bench.v", _OPEN.format(top=made.top, inputs=inputs, outputs=outputs))
    return Generated(**{**vars(made), "top": "bench", "files": (*made.files, path)})


def _plain(point: Point, model: Path, target: Path) -> Generated:
    started = time.process_time()
    content = read_model(model)
    path = write_text(target / "plain.v", plain_verilog(content, point.rounding))
    seconds, peak = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Generated("plain", (path,), len(content.layers), seconds, peak, None, {})


def _peer_key(model: Path) -> str:
    parts = [sha256_of(path) for path in (model, HERE / "peers.py", HERE / "requirements.txt")]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:8]


def _save(path: Path, array: Integers) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array.reshape(len(array), -1))
