"""The same Yosys scripts for every flow: UltraScale+ LUTs and flip-flops, standard-cell area, critical paths."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generate import Generated
from codesign.delay import Technology, technology
from codesign.errors import ToolMissingError
from codesign.files import read_json, write_text
from codesign.flows.fpga_timing import fpga_timing
from codesign.flows.liberty import read_liberty, read_text, smallest_nand2_um2
from codesign.flows.opensta import opensta_timing
from codesign.flows.yosys import unusable_cells
from codesign.flows.yosys_job import run_job, wall_s
from codesign.flows.yosys_scripts import GATES, LIBERTY, asic_script, gates_script, read, xilinx_script
from codesign.rtl import template_text

TRIPLICATED = "triplicated.il"
TRIPLICATION = ("tmr_register.v", "majority_voter.v")
ASIC_CLOCK_NS = 25.0  # mapped without pressure: cells are sized up only where a path is longer


@dataclass(frozen=True)
class Target:
    """A standard-cell technology: its name in `codesign.delay` and its liberty file."""

    name: str
    liberty: Path


@dataclass(frozen=True)
class Fpga:
    """UltraScale+ resources before placement: LUTs with inverters and shift registers, flip-flops, carry cells."""

    luts: int
    flip_flops: int
    carry_cells: int
    critical_path_ns: float
    synthesis_s: float


@dataclass(frozen=True)
class Asic:
    """Standard cells before placement: area in um2, in NAND2 equivalents, flip-flops; path None without OpenSTA."""

    area_um2: float
    nand2_equivalents: float
    flip_flops: int
    critical_path_ns: float | None
    synthesis_s: float


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


def fpga(top: str, files: Mapping[str, Path], jobs: Path, timeout_s: float) -> Fpga:
    """Run the full UltraScale+ flow; `ToolFailedError` if it does not end within `timeout_s`."""
    job = run_job(xilinx_script(top, sorted(files)), "xcup", files, jobs, timeout_s)
    cells: dict[str, int] = read_json(job / "stat.json")["design"]["num_cells_by_type"]

    def count(*starts: str) -> int:
        return sum(number for name, number in cells.items() if name.startswith(starts))

    path_ns = fpga_timing(job / "netlist.json", top).critical_path_ns
    return Fpga(count("LUT", "INV", "SRL"), count("FD"), count("CARRY"), round(path_ns, 3), wall_s(job))


def asic(top: str, files: Mapping[str, Path], target: Target, jobs: Path, timeout_s: float) -> Asic:
    """Map to the cells of `target`; `ToolFailedError` if it does not end within `timeout_s`."""
    library, liberty = read_liberty(target.liberty), _plain(target.liberty, jobs)
    gates = run_job(gates_script(top, sorted(files)), "gates", files, jobs, timeout_s)
    script = asic_script(unusable_cells(library), ASIC_CLOCK_NS)
    job = run_job(script, "asic", {GATES: gates / GATES, LIBERTY: liberty}, jobs, timeout_s)
    stat = read_json(job / "stat.json")["design"]
    cells: Mapping[str, int] = stat["num_cells_by_type"]
    storage = sum(number for name, number in cells.items() if library.cells[name].flip_flop is not None)
    area = float(stat["area"])
    path_ns = _critical_path_ns(job / "netlist.v", top, liberty, int(stat["num_cells"]), technology(target.name))
    nand2 = round(area / smallest_nand2_um2(library))
    return Asic(round(area, 1), nand2, storage, path_ns, wall_s(gates, job))


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
