"""Time and peak memory from a Brevitas model to Verilog on disk, against the number of weights.

Usage: python -m benchmarks.emission. Every point runs in a process of its own, so that its peak memory is its own;
imports and the making of the model are not timed.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np

from codesign.errors import ToolFailedError
from codesign.files import write_text

HERE = Path(__file__).parent
JET_TAGGER = (16, 64, 32, 32, 5)
WEIGHTS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
STEPS = ("lower_s", "schedule_s", "emit_s", "write_s")
LEAST_REUSE = 64


def square_layers(weights: int) -> tuple[int, ...]:
    """Return the widths of a perceptron of three equal square layers with at least `weights` weights."""
    width = 8 * int(np.ceil(np.sqrt(weights / 3) / 8))
    return (width,) * 4


def perceptron(widths: Sequence[int]) -> Any:
    """Return a Brevitas perceptron with 6-bit weights and activations; its scales are set by a few random events."""
    import brevitas.nn as qnn
    import torch
    from brevitas.quant import Int8ActPerTensorFloat, Uint8ActPerTensorFloat

    torch.manual_seed(0)
    layers = [qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8)]
    for k, (inputs, outputs) in enumerate(pairwise(widths), start=2):
        layers.append(qnn.QuantLinear(inputs, outputs, bias=True, weight_bit_width=6))
        if k < len(widths):
            layers.append(qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=6))
    model = torch.nn.Sequential(*layers).train()
    for _ in range(3):
        model(torch.randn(64, widths[0]))
    return model.eval()


def measure(widths: Sequence[int], least_reuse: int) -> dict[str, Any]:
    """Return seconds of every step, peak memory and bytes of Verilog; each layer at its first legal reuse factor."""
    from codesign.frontend.brevitas import capture
    from codesign.rtl import emit, write_rtl
    from codesign.schedule import reusable, schedule

    model, processor_s, times = perceptron(widths), time.process_time(), [time.perf_counter()]
    graph = capture(model, (widths[0],), name="perceptron").graph
    times.append(time.perf_counter())
    reuse = {name: next(r for r in legal if r >= least_reuse) for name, legal in reusable(graph).items()}
    plan = schedule(graph, reuse)
    times.append(time.perf_counter())
    rtl = emit(graph, plan, tmr="registers", clock_ns=5.0)
    times.append(time.perf_counter())
    with tempfile.TemporaryDirectory() as folder:
        write_rtl(rtl, Path(folder) / "rtl")
        times.append(time.perf_counter())
    processor_s = time.process_time() - processor_s
    return {
        "layers": "-".join(map(str, widths)),
        "weights": sum(a * b for a, b in pairwise(widths)),
        "reuse": sorted({slot.reuse for slot in plan.slots.values() if slot.is_serial}) or [1],
        **dict(zip(STEPS, np.diff(times).tolist(), strict=True)),
        "total_s": times[-1] - times[0],
        "processor_s": processor_s,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "verilog_bytes": sum(len(text) for _, text in rtl.files),
    }


def in_own_process(widths: Sequence[int], least_reuse: int) -> dict[str, Any]:
    """Return what `measure` does, from a fresh interpreter."""
    command = (sys.executable, "-m", "benchmarks.emission", "--point", ",".join(map(str, widths)), str(least_reuse))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
    if done.returncode:
        raise ToolFailedError(f"emission of {widths} failed: {done.stderr.strip().splitlines()[-1]}")
    point: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return point


def table(points: Sequence[dict[str, Any]]) -> str:
    """Return the Markdown table."""
    seconds = "lower s | schedule s | emit s | write s | total s | processor s"
    lines = [f"| layers | weights | reuse | {seconds} | peak MiB | Verilog MB |", "|---" * 11 + "|"]
    for point in points:
        times = [f"{point[step]:.2f}" for step in (*STEPS, "total_s", "processor_s")]
        reuse = ", ".join(map(str, point["reuse"]))
        sizes = [f"{point['peak_mib']:.0f}", f"{point['verilog_bytes'] / 1e6:.2f}"]
        lines.append("| " + " | ".join([point["layers"], f"{point['weights']:,}", reuse, *times, *sizes]) + " |")
    notes = (
        "From a Brevitas model to triplicated Verilog on disk; 6-bit weights and activations, learned scales; imports",
        "are not timed. Processor seconds are those of all threads: about what an idle machine needs. Peak memory",
        f"includes torch and Brevitas. Load average {os.getloadavg()[0]:.1f} from other work.",
    )
    return "\n".join([*lines, "", *notes, ""])


def draw(points: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw seconds and memory against weights."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    weights = [point["weights"] for point in points]
    for step, style in {**dict.fromkeys(STEPS, "--"), "total_s": "k-o", "processor_s": "k:s"}.items():
        left.plot(weights, [point[step] for point in points], style, label=step.removesuffix("_s"))
    right.plot(weights, [point["peak_mib"] for point in points], "k-o")
    left.set(xscale="log", yscale="log", xlabel="weights", ylabel="time (s)", title=f"reuse factor >= {LEAST_REUSE}")
    right.set(xscale="log", xlabel="weights", ylabel="peak memory (MiB)", ylim=(0, None))
    left.legend(fontsize="small")
    figure.savefig(path, dpi=120, metadata={"Software": None})


@click.command()
@click.option("--point", nargs=2, default=None, help="Measure one point in this process: widths, least reuse factor.")
@click.option("--output", type=click.Path(path_type=Path), default=HERE / "results", show_default=True)
def main(point: tuple[str, str] | None, output: Path) -> None:
    """Measure the jet tagger fully unrolled, then perceptrons at reuse factors of 64 and more."""
    warnings.simplefilter("ignore")  # torch and Brevitas speak of their own deprecations
    if point:
        click.echo(json.dumps(measure(tuple(int(width) for width in point[0].split(",")), int(point[1]))))
        return
    points = [in_own_process(JET_TAGGER, 1)]
    for weights in WEIGHTS:
        points.append(in_own_process(square_layers(weights), LEAST_REUSE))
        click.echo(points[-1])
    write_text(output / "emission.md", table(points))
    write_text(output / "emission.json", json.dumps(points, indent=1) + "\n")
    draw(points[1:], output / "emission.png")


if __name__ == "__main__":
    main()
