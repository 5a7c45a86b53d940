"""The interaction network of 28 nodes and 56 edges against its three networks made one by one by other generators.

Usage: python -m benchmarks.row_engines --data FOLDER, after the side-by-side benchmark of in_edge, in_node, in_edge2.
Both architectures are emitted, simulated and synthesised.
"""

import tempfile
from pathlib import Path
from typing import Any

import click

from benchmarks.graph_network import interaction_network
from benchmarks.row_growth import CLOCK_NS, planned, simulated
from benchmarks.rows import Row, read_rows
from benchmarks.tables import table
from codesign.files import write_json, write_text
from codesign.flows.yosys import synthesise_xilinx
from codesign.row_schedule import ARCHITECTURES, Architecture
from codesign.rtl import emit, write_rtl

RESULTS = Path(__file__).parent / "results"
NODES, EDGES, ENGINES = 28, 56, {28: 4, 56: 7}
NETWORKS = {"in_edge": 7, "in_node": 4, "in_edge2": 7}


def smallest_peers(rows: list[Row]) -> dict[str, Row]:
    """Return the smallest row of another generator for each network, at a path within the clock."""
    found = {}
    for network in NETWORKS:
        fit = [
            row
            for row in rows
            if row.case == ("xcup", network, "half_up", False) and not row.is_own and row.path_ns <= CLOCK_NS
        ]
        if not fit:
            raise click.ClickException(f"no row of a peer for {network}: run benchmarks.side_by_side for it first")
        found[network] = min(fit, key=lambda row: row.area)
    return found


def measure(folder: Path, architecture: Architecture, work: Path) -> dict[str, Any]:
    """Return the figures of one architecture."""
    graph = interaction_network(folder, NODES, EDGES)
    plan = planned(graph, ENGINES, architecture)
    rtl = emit(graph, plan, tmr="none", clock_ns=CLOCK_NS, fabric="lut")
    rtl_dir = write_rtl(rtl, work / "rtl")
    total, measured = simulated(graph, rtl_dir, work)
    result = synthesise_xilinx(rtl_dir, work / "synthesis")
    return {
        "architecture": architecture,
        "luts": result.luts,
        "memory_luts": result.counts["LUT as memory"],
        "flip_flops": result.flip_flops,
        "dsp": result.counts["DSP"],
        "latency_cycles": measured.latency_cycles,
        "ii_cycles": measured.ii_cycles,
        "equal": [total.values - total.mismatches, total.values],
    }


TEXT = (
    "Seven edge engines and four node engines, 8 bits, 5 ns on UltraScale+ (`synth_xilinx`, before placement), no "
    "triplication. The peers' networks, as many times as there are engines, hold no graph: neither what an index "
    "names nor sums, nor anything that waits."
)
HEADER = ("", "LUT", "memory LUT", "flip-flops", "DSP", "latency, interval [cycles]", "RTL = graph")


def document(points: list[dict[str, Any]], peers: dict[str, Row]) -> str:
    """Return the table as Markdown."""
    lines: list[tuple[object, ...]] = [
        (
            one["architecture"],
            one["luts"],
            one["memory_luts"],
            one["flip_flops"],
            one["dsp"],
            f"{one['latency_cycles']}, {one['ii_cycles']}",
            f"{one['equal'][0]} of {one['equal'][1]}",
        )
        for one in points
    ]
    parts = " + ".join(f"{NETWORKS[name]} x {row.area:.0f} ({row.point.flow})" for name, row in peers.items())
    total = sum(NETWORKS[name] * row.area for name, row in peers.items())
    lines.append((f"networks of the peers alone: {parts}", f"{total:.0f}", None, None, None, None, None))
    return f"{TEXT}\n\n{table(HEADER, lines)}\n"


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
def main(data: Path) -> None:
    """Measure both architectures."""
    peers = smallest_peers(list(read_rows(RESULTS / "side_by_side.json").values()))
    scratch, points = Path("runs"), []  # the tools' sandbox does not see /tmp
    scratch.mkdir(exist_ok=True)
    for architecture in ARCHITECTURES:
        with tempfile.TemporaryDirectory(dir=scratch) as work:
            points.append(measure(data / "bench", architecture, Path(work)))
        click.echo(points[-1])
    write_json(RESULTS / "row_engines.json", points)
    write_text(RESULTS / "row_engines.md", document(points, peers))


if __name__ == "__main__":
    main()
