"""Size, time to compile, and events per second of the C++ headers of designs, on one core.

Usage: python -m benchmarks.cpp_header
"""

import os
import platform
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from codesign.cpp import cpp_header, cpp_names, namespace
from codesign.files import write_text
from codesign.flows.header_check import STRICT
from codesign.flows.run import load_design
from codesign.graph import Graph
from codesign.options import RunOptions
from codesign.predict import compile_graph

HERE = Path(__file__).parent
DESIGNS = ("econt", "jet_tagger", "deep_sets_jets", "garnet_jets", "interaction_network_28")
FLAGS = ("-O3", "-march=native")
EVENTS = 2000
# Reads all events, then evaluates them again and again for a second of processor time; prints seconds and events.
MAIN = """#include "design.hpp"
#include <cstdio>
#include <ctime>
#include <vector>

int main(int, char** arguments) {{
    std::FILE* const file = std::fopen(arguments[1], "rb");
    std::vector<{name}::Inputs> events({events});
    for (auto& inputs : events) {{
        {reads}
    }}
    {name}::Outputs outputs{{}};
    long done = 0, checksum = 0;
    const std::clock_t start = std::clock();
    while (std::clock() - start < CLOCKS_PER_SEC) {{
        for (const auto& inputs : events) {{
            outputs = {name}::evaluate(inputs);
            {sums}
        }}
        done += static_cast<long>(events.size());
    }}
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::printf("%ld %.9f %ld\\n", done, seconds, checksum / (done / static_cast<long>(events.size())));
}}
"""
READ = """for (auto& value : inputs.{name}) {{
            std::int64_t wide = 0;
            if (std::fread(&wide, sizeof wide, 1, file) != 1) return 2;
            value = static_cast<std::decay_t<decltype(value)>>(wide);
        }}"""
SUM = "for (long value : outputs.{name}) checksum += value;"


@dataclass(frozen=True)
class Row:
    """One design: bytes of its header, processor seconds of the compiler, events a second, whether the sums agree."""

    design: str
    header_bytes: int
    compile_s: float
    events_per_s: float
    exact: bool


def measure(design: str, folder: Path) -> Row:
    """Return the row of a design; `exact` compares the sum of all outputs with that of the predictor."""
    bound = load_design(design).bind(RunOptions(design, folder, vectors=EVENTS))
    graph, text = bound.graph, cpp_header(bound.graph)
    write_text(folder / "design.hpp", text)
    count = len(next(iter(bound.inputs.values())))
    write_text(folder / "main.cpp", main_text(graph, count))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ("g++", *STRICT, *FLAGS, "-o", str(folder / "main"), str(folder / "main.cpp"))
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [np.asarray(bound.inputs[port.node]).reshape(count, -1) for port in graph.inputs]
    np.concatenate(rows, axis=1).astype("<i8").tofile(folder / "events.bin")
    timed = [_run(folder) for _ in range(3)]
    expected = sum(int(array.sum()) for array in compile_graph(graph)(bound.inputs).values())
    exact = all(found == expected for _, found in timed)
    return Row(design, len(text), after.ru_utime - before.ru_utime, max(rate for rate, _ in timed), exact)


def main_text(graph: Graph, events: int) -> str:
    """Return the program that times the header."""
    names = cpp_names(graph)
    reads = "\n        ".join(READ.format(name=names[port.node]) for port in graph.inputs)
    sums = "\n            ".join(SUM.format(name=names[port.node]) for port in graph.outputs)
    return MAIN.format(name=namespace(graph), events=events, reads=reads, sums=sums)


def _run(folder: Path) -> tuple[float, int]:
    command = (str(folder / "main"), str(folder / "events.bin"))
    done, seconds, checksum = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(done) / float(seconds), int(checksum)


def table(rows: Sequence[Row]) -> str:
    """Return the Markdown table."""
    lines = ["| design | header, kB | compile, s | events/s | exact |", "|---" * 5 + "|"]
    for row in rows:
        cells = (row.design, f"{row.header_bytes / 1e3:.0f}", f"{row.compile_s:.1f}", f"{row.events_per_s:,.0f}")
        lines.append(f"| {' | '.join(cells)} | {'yes' if row.exact else 'no'} |")
    version = subprocess.run(("g++", "-dumpfullversion"), capture_output=True, text=True, check=True).stdout.strip()
    load = f"load average {os.getloadavg()[0]:.1f} from other work"
    how = f"One core ({platform.machine()}), g++ {version} {' '.join(FLAGS)}, processor time, the design's own events"
    return "\n".join([*lines, "", f"{how}; {load}.", ""])


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=HERE / "results", show_default=True)
def main(output: Path) -> None:
    """Measure every design and write the table."""
    rows = []
    for design in DESIGNS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(design, Path(folder)))
    write_text(output / "cpp_header.md", table(rows))
    click.echo(table(rows))


if __name__ == "__main__":
    main()
