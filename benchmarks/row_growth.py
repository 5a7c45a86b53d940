"""Cost of an interaction network against the number of nodes, at the same engines: both architectures.

Usage: python -m benchmarks.row_growth --data FOLDER. Edges are twice the nodes; two engines for edges, one for nodes,
no triplication, 5 ns on UltraScale+. Every point is emitted, built with Verilator, simulated on random graphs (faulty
indices too) and synthesised.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib.figure import Figure

from benchmarks.graph_network import interaction_network
from benchmarks.tables import table
from codesign.delay import technology
from codesign.files import write_text, write_with
from codesign.flows.yosys import synthesise_xilinx
from codesign.graph import Graph
from codesign.optimise import Limits, optimise
from codesign.row_schedule import Architecture, RowSchedule, row_schedule
from codesign.rows import row_program
from codesign.rtl import emit, write_rtl
from codesign.schedule import Schedule
from codesign.sim.exchange import PHASES, Plan
from codesign.sim.run import simulate
from codesign.sim.verilator import build
from codesign.verify import Beats, Equality, compare, stimulus

RESULTS = Path(__file__).parent / "results"
NODES = (28, 56, 113, 224, 448)
POINTS = {"streaming": NODES, "parallel": NODES[:2]}  # multiplexers of larger graphs take too long to map
EDGE_ENGINES, NODE_ENGINES, CLOCK_NS, EVENTS = 2, 1, 5.0, 12


def planned(graph: Graph, engines: Mapping[int, int], architecture: Architecture) -> RowSchedule:
    """Return the schedule, engines of least latency at the clock."""

    def engine(body: Graph) -> Schedule:
        return optimise(body, technology("xcup"), CLOCK_NS, limits=Limits(area=1e9), copies=1).schedule

    return row_schedule(row_program(graph), engines, architecture, engine)


def measure(folder: Path, nodes: int, architecture: Architecture, work: Path) -> dict[str, Any]:
    """Return the figures of one point."""
    times = [time.perf_counter()]
    graph = interaction_network(folder, nodes, 2 * nodes)
    plan = planned(graph, {nodes: NODE_ENGINES, 2 * nodes: EDGE_ENGINES}, architecture)
    times.append(time.perf_counter())
    rtl = emit(graph, plan, tmr="none", clock_ns=CLOCK_NS, fabric="lut")
    rtl_dir = write_rtl(rtl, work / "rtl")
    times.append(time.perf_counter())
    build(rtl_dir, rtl.manifest["sources"], rtl.manifest["top"], work / "cache")
    times.append(time.perf_counter())
    total, measured = simulated(graph, rtl_dir, work)
    found: dict[str, Any] = {
        "nodes": nodes,
        "architecture": architecture,
        "latency_cycles": measured.latency_cycles,
        "ii_cycles": measured.ii_cycles,
        "predicted": [plan.latency_cycles, plan.ii_cycles],
        "bound_cycles": 2 * (nodes // NODE_ENGINES + 2 * nodes // EDGE_ENGINES),
        "register_bits": rtl.manifest["register_bits"],
        "memory_bits": rtl.manifest["memory_bits"],
        **dict(zip(("schedule_s", "emit_s", "build_s"), np.diff(times).round(2).tolist(), strict=True)),
        "equal": [total.values - total.mismatches, total.values],
    }
    result = synthesise_xilinx(rtl_dir, work / "synthesis")
    found |= {"luts": result.luts, "memory_luts": result.counts["LUT as memory"], "block_rams": result.counts["BRAM"]}
    return found | {"flip_flops": result.flip_flops, "synthesis_s": round(result.wall_s, 1)}


def simulated(graph: Graph, rtl_dir: Path, work: Path) -> tuple[Equality, Any]:
    """Compare the RTL with the graph on random events and return the counts and the measured timing."""
    rng, beats = np.random.default_rng(1), Beats.of(json.loads((rtl_dir / "manifest.json").read_text()))
    types = {port.node: graph.types[port.node] for port in graph.inputs}
    values = {
        name: rng.integers(value.fixed.low, value.fixed.high + 1, (EVENTS, *value.shape))
        for name, value in types.items()
    }
    response = simulate(rtl_dir, stimulus(graph, values, beats), Plan(4, 4), work / "run", work / "cache")
    expected = graph.evaluate(values)
    parts = (compare(graph, expected, response.phases[phase], beats) for phase in PHASES)
    return sum(parts, Equality(0, 0, 0)).require(graph.name), response.measured


HEADER = (
    "architecture", "nodes/edges", "LUT", "memory LUT", "BRAM", "flip-flops", "register bits", "memory bits",
    "latency, interval [cycles]", "bound", "schedule, emission [s]", "Verilator build [s]", "Yosys [s]", "RTL = graph",
)  # fmt: skip


def document(points: list[dict[str, Any]]) -> str:
    """Return the table as Markdown."""
    lines = [
        (
            one["architecture"],
            f"{one['nodes']}/{2 * one['nodes']}",
            one["luts"],
            one["memory_luts"],
            one["block_rams"],
            one["flip_flops"],
            one["register_bits"],
            one["memory_bits"],
            f"{one['latency_cycles']}, {one['ii_cycles']}",
            one["bound_cycles"] if one["architecture"] == "streaming" else None,
            f"{one['schedule_s']:.1f}, {one['emit_s']:.2f}",
            f"{one['build_s']:.0f}",
            one["synthesis_s"],
            f"{one['equal'][0]} of {one['equal'][1]}",
        )
        for one in points
    ]
    text = (
        f"Interaction network of `in_edge`, `in_node`, `in_edge2` (H = 8, 8 bits), edges = 2 x nodes, {EDGE_ENGINES} "
        f"edge engines and {NODE_ENGINES} node engine, no triplication, {CLOCK_NS:g} ns on UltraScale+ "
        "(`synth_xilinx`, before placement). Latency and interval are measured and equal the predicted ones. Bound: "
        "nodes arrive, then edges, nodes and edges pass through their engines. Times were taken beside other work."
    )
    return f"{text}\n\n{table(HEADER, lines)}\n"


def figure(points: list[dict[str, Any]], path: Path) -> Path:
    """Draw logic and memory against the number of nodes."""
    drawing = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = drawing.subplots(1, 2)
    for architecture, marker in (("streaming", "o"), ("parallel", "s")):
        here = [one for one in points if one["architecture"] == architecture]
        nodes = [one["nodes"] for one in here]
        left.plot(nodes, [one["luts"] for one in here], marker=marker, label=f"{architecture}: LUT")
        right.plot(nodes, [one["register_bits"] for one in here], marker=marker, label=f"{architecture}: register bits")
    streaming = [one for one in points if one["architecture"] == "streaming"]
    nodes = [one["nodes"] for one in streaming]
    right.plot(nodes, [one["memory_bits"] for one in streaming], marker="^", label="streaming: memory bits")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(NODES, [str(one) for one in NODES])
        axes.set_xlabel("nodes (edges = 2 x nodes)")
        axes.legend(fontsize=8)
    return write_with(path, lambda temporary: drawing.savefig(temporary, dpi=110, metadata={"Software": None}))


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
def main(data: Path) -> None:
    """Measure every point; rows that are there already are kept."""
    path, scratch = RESULTS / "row_growth.json", Path("runs")  # the tools' sandbox does not see /tmp
    scratch.mkdir(exist_ok=True)
    points: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    for architecture, sizes in POINTS.items():
        for nodes in sizes:
            if any((one["architecture"], one["nodes"]) == (architecture, nodes) for one in points):
                continue
            with tempfile.TemporaryDirectory(dir=scratch) as work:
                points.append(measure(data / "bench", nodes, architecture, Path(work)))
            write_text(path, json.dumps(points, indent=1) + "\n")
            click.echo(points[-1])
    write_text(path.with_suffix(".md"), document(points))
    figure(points, path.with_suffix(".png"))


if __name__ == "__main__":
    main()
