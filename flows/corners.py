"""Static timing of a mapped netlist in several corners: the same cells, each corner with the liberty file of its own.

OpenSTA where it is installed; else the delay that the mapper of Yosys (abc) states for the logic between registers,
for the corner that was mapped to alone.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from codesign.errors import BadInputError, ToolFailedError
from codesign.files import write_text
from codesign.flows import yosys_scripts as scripts
from codesign.flows.liberty import read_liberty, unusable_cells
from codesign.flows.liberty_text import read_text, without_power
from codesign.flows.opensta import RUN, opensta_installed, read_report, run_sta, sta_script
from codesign.flows.report_sections import timing_section
from codesign.flows.rtl_input import RtlInput
from codesign.flows.static_timing import StaticTiming
from codesign.flows.yosys import AsicResult, mapping_liberty
from codesign.flows.yosys_job import keep_job, run_job, source
from codesign.report import Resources

REPORT = "sta.txt"
# Where a library states no thresholds OpenSTA refuses it (2019) or assumes these (newer), in percent of the supply.
_THRESHOLDS = {
    **{f"{side}_threshold_pct_{edge}": 50 for side in ("input", "output") for edge in ("rise", "fall")},
    **{
        f"slew_{end}_threshold_pct_{edge}": at
        for end, at in (("lower", 20), ("upper", 80))
        for edge in ("rise", "fall")
    },
}
_HEAD = re.compile(r"^\s*library\s*\([^)]*\)\s*\{")
_ABC_REPORT = "stats.txt"


def check_corners(corners: Mapping[str, Path], mapped: Path) -> None:
    """`BadInputError` unless every corner has all cells that the library `mapped` offers to synthesis."""
    library = read_liberty(mapped)
    needed = library.cells.keys() - set(unusable_cells(library))
    for name, path in corners.items():
        missing = sorted(needed - read_liberty(path).cells.keys())
        if missing:
            raise BadInputError(
                f"corner {name}: {path} lacks {len(missing)} cells of {mapped.name}, {missing[0]} the first: "
                "give the same library in another corner"
            )


def time_corners(
    asic: AsicResult, rtl: RtlInput, corners: Mapping[str, Path], work_dir: Path, clock_ns: float
) -> tuple[Resources, ...]:
    """Return critical path, slacks and highest clock of the mapped netlist in each corner, in the order given.

    The first corner is the library that was mapped to. Jobs are kept in `work_dir`, which sources are named from.
    A library that OpenSTA stops at is timed by abc, which the method says, unless other corners are asked for.
    """
    first = next(iter(corners.items()))
    if not opensta_installed():
        return (_abc(first, asic, work_dir, clock_ns, "OpenSTA is not installed"),)
    try:
        return tuple(_opensta(corner, asic, rtl, work_dir, clock_ns) for corner in corners.items())
    except ToolFailedError as error:
        if len(corners) > 1:
            raise
        return (_abc(first, asic, work_dir, clock_ns, f"OpenSTA failed: {error}"),)


def _opensta(corner: tuple[str, Path], asic: AsicResult, rtl: RtlInput, work_dir: Path, clock_ns: float) -> Resources:
    version, (name, liberty) = _version(), corner
    plain = without_power(read_text(liberty))
    assumed = [key for key in _THRESHOLDS if key not in plain]
    texts = {scripts.LIBERTY: with_thresholds(plain, assumed), "version.txt": version}
    netlist, cells = Path("netlist.v"), Path(scripts.LIBERTY)
    texts[RUN] = sta_script(netlist, rtl.top, cells, launch_ns=None, clocks=rtl.clocks, resets=rtl.resets)

    def run(folder: Path, log: Path) -> None:
        run_sta(folder, log)
        write_text(folder / REPORT, log.read_text(encoding="utf-8"))
        (folder / scripts.LIBERTY).unlink()

    job = keep_job(texts, "sta", {netlist.name: asic.netlist_verilog}, work_dir, run)
    timing = read_report((job / REPORT).read_text(encoding="utf-8"), asic.cell_count)
    method = f"OpenSTA {version}, {liberty.name}, ideal clock, no wires, inputs launched as by a register"
    method += "; thresholds of 50, 20 and 80 % assumed, which the library does not state" if assumed else ""
    return timing_section(replace(timing, method=method), name, clock_ns, source(job, REPORT))


def with_thresholds(text: str, names: Sequence[str]) -> str:
    """Return liberty `text` with the usual values of these thresholds at its beginning."""
    added = "".join(f" {name} : {_THRESHOLDS[name]};" for name in names)
    return _HEAD.sub(lambda head: head.group(0) + added, text, count=1)


def _abc(corner: tuple[str, Path], asic: AsicResult, work_dir: Path, clock_ns: float, reason: str) -> Resources:
    name, liberty = corner
    library = read_liberty(liberty)
    files = {scripts.GATES: asic.gates, scripts.LIBERTY: mapping_liberty(liberty, work_dir)}
    job = run_job(scripts.delay_script(unusable_cells(library), clock_ns), "delay", files, work_dir, 3600.0)
    path = job / _ABC_REPORT
    # Name, inputs, outputs, gates, area and delay in ps; no line where there is no logic.
    fields = path.read_text(encoding="utf-8").split() if path.is_file() else []
    if len(fields) != 6:
        raise ToolFailedError(f"abc states no delay in {path}: install OpenSTA (apt install opensta) or leave this out")
    method = (
        f"Yosys abc (stime), {liberty.name}: logic between registers alone, without launch, setup and wires, mapped "
        f"across nodes; no hold and no other corners: {reason}"
    )
    timing = StaticTiming(float(fields[5]) / 1000, (), asic.cell_count, method)
    return timing_section(timing, name, clock_ns, source(job, _ABC_REPORT))


def _version() -> str:
    """The version that OpenSTA states: part of what identifies a job."""
    found = subprocess.run(["sta", "-version"], capture_output=True, text=True, timeout=60, check=False)
    return found.stdout.strip().splitlines()[0] if found.stdout.strip() else "of unknown version"
