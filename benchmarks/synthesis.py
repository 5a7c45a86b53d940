"""The same Yosys scripts for every flow: UltraScale+ LUTs and flip-flops, standard-cell area, critical paths."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generate import Generated
from codesign.delay import Technology
from codesign.errors import BadInputError, ToolMissingError
from codesign.files import read_json, write_text
from codesign.flows.fpga_timing import fpga_timing
from codesign.flows.liberty import read_liberty, smallest_nand2, unusable_cells
from codesign.flows.liberty_text import read_text
from codesign.flows.opensta import opensta_timing
from codesign.flows.yosys_job import run_job, wall_s
from codesign.flows.yosys_scripts import GATES, LIBERTY, asic_script, gates_script, read, xilinx_script
from codesign.rtl import template_text

TRIPLICATED = "triplicated.il"
TRIPLICATION = ("tmr_register.v", "majority_voter.v")
ASIC_CLOCK_NS = 25.0  # mapped without pressure: cells are sized up only where a path is longer


@dataclass(frozen=True)
class Synthesis:
    """Before placement: area in LUTs (with inverters and shift registers) or NAND2 equivalents, flip-flops, time.

    `carry_cells` of UltraScale+, `area_um2` of standard cells. No path without OpenSTA.
    """

    area: int
    flip_flops: int
    path_ns: float | None
    synthesis_s: float
    carry_cells: int | None = None
    area_um2: float | None = None


def sources_of(made: Generated, triplicate: bool, jobs: Path, timeout_s: float) -> tuple[str, dict[str, Path]]:
    """Return top and files for synthesis; `triplicate` replaces every register of a flow that cannot do it itself."""
    files = {path.name: path for path in made.files if not path.stem.endswith("_wrapper")}  # for simulation
    if not triplicate:
        return made.top, files
    templates = {name: write_text(jobs / "templates" / name, template_text(name)) for name in TRIPLICATION}
    mapping = Path(__file__).parent / "triplicate.v"
    script = triplicate_script(made.top, sorted(files))
    job = run_job(script, "triplicate", {**files, **templates, mapping.name: mapping}, jobs, timeout_s)
    return made.top, {TRIPLICATED: job / TRIPLICATED}


def triplicate_script(top: str, sources: list[str]) -> str:
    """Return the script that flattens, removes what is not needed, and replaces each register by three and a voter."""
    # Without enables and resets folded into registers, so that all are plain; equal ones merge before they are kept.
    clean = "opt -full -nodffe -nosdff"
    return "\n".join(
        (
            f"{read(sources)}\nhierarchy -check -top {top}\nproc\nflatten\n{clean}\nwreduce\n{clean}\nopt_clean -purge",
            "techmap -max_iter 1 -map triplicate.v",
            f"{read(TRIPLICATION)}\nhierarchy -check -top {top}\nproc\nflatten\nopt_clean",
            f"write_rtlil {TRIPLICATED}\n",
        )
    )


def fpga(top: str, files: Mapping[str, Path], jobs: Path, timeout_s: float) -> Synthesis:
    """Run the full UltraScale+ flow; `ToolFailedError` if it does not end within `timeout_s`."""
    job = run_job(xilinx_script(top, sorted(files)), "xcup", files, jobs, timeout_s)
    cells: dict[str, int] = read_json(job / "stat.json")["design"]["num_cells_by_type"]

    def count(*starts: str) -> int:
        return sum(number for name, number in cells.items() if name.startswith(starts))

    path_ns = round(fpga_timing(job / "netlist.json", top).critical_path_ns, 3)
    return Synthesis(count("LUT", "INV", "SRL"), count("FD"), path_ns, wall_s(job), carry_cells=count("CARRY"))


def asic(
    top: str, files: Mapping[str, Path], tech: Technology, liberty: Path, jobs: Path, timeout_s: float
) -> Synthesis:
    """Map to the cells of `liberty`; `ToolFailedError` if it does not end within `timeout_s`."""
    library, plain = read_liberty(liberty), _plain(liberty, jobs)
    gates = run_job(gates_script(top, sorted(files)), "gates", files, jobs, timeout_s)
    script = asic_script(unusable_cells(library), ASIC_CLOCK_NS)
    job = run_job(script, "asic", {GATES: gates / GATES, LIBERTY: plain}, jobs, timeout_s)
    stat = read_json(job / "stat.json")["design"]
    cells: Mapping[str, int] = stat["num_cells_by_type"]
    storage = sum(number for name, number in cells.items() if library.cells[name].flip_flop is not None)
    path_ns = _critical_path_ns(job / "netlist.v", top, plain, int(stat["num_cells"]), tech)
    area = float(stat["area"])
    nand2 = smallest_nand2(library)
    if nand2 is None:
        raise BadInputError(f"{liberty} has no 2-input NAND gate, in which areas are compared: take another library")
    return Synthesis(round(area / nand2.area_um2), storage, path_ns, wall_s(gates, job), area_um2=round(area, 1))


def _critical_path_ns(netlist: Path, top: str, liberty: Path, cells: int, tech: Technology) -> float | None:
    try:
        timing = opensta_timing(netlist, top, liberty, cell_count=cells, launch_ns=tech.launch_ns)
    except ToolMissingError:
        return None
    return round(timing.critical_path_ns, 3)


def _plain(liberty: Path, jobs: Path) -> Path:
    """Yosys reads plain text only."""
    text = read_text(liberty)
    path = jobs / f"liberty-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lib"
    return path if path.is_file() else write_text(path, text)
