"""Synthesis with Yosys: flip-flop count, standard-cell area, FPGA resources.

Every result names the file it was read from. Jobs are kept in the caller's work directory (see `yosys_job`); area,
transistors and the quick FPGA count start from one common synthesis to gates.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError, ToolFailedError
from codesign.files import read_json, sha256_of, write_text
from codesign.flows import yosys_scripts as scripts
from codesign.flows.fpga_cells import xilinx_counts
from codesign.flows.liberty import (
    Cell,
    Library,
    read_liberty,
    require_mappable,
    smallest_nand2,
    unusable_cells,
)
from codesign.flows.liberty_text import read_text, without_power
from codesign.flows.netlist import count_cells, flip_flop_bits, latch_bits
from codesign.flows.node_area import NodeCells, cells_of, require_whole
from codesign.flows.node_parts import node_cells
from codesign.flows.rtl_input import RtlInput, read_rtl
from codesign.flows.yosys_job import SourceFile, run_job, source, wall_s

DEFAULT_TIMEOUT_S = 3600.0
# Up to this many gates the flow of the vendor family ends within minutes and within the 4 GB of a WebAssembly Yosys.
XILINX_GATE_LIMIT = 500_000
_XILINX_METHOD = "synth_xilinx -family xcup -nodsp"


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
    A library without a 2-input NAND gives no NAND2 equivalents. `nodes` are the parts of the nodes and of the rest,
    which sum to the whole; empty where borders were not kept.
    `gates` are those that were mapped.
    """

    method: str
    liberty: SourceFile | None
    area_um2: float | None
    sequential_area_um2: float | None
    nand2_um2: float | None
    nand2_equivalents: float | None
    transistor_count: int | None
    cell_count: int
    flip_flop_bits: int
    cells: Mapping[str, int]
    nodes: Mapping[str, NodeCells]
    gates: Path
    netlist_json: Path
    netlist_verilog: Path
    wall_s: float
    source: SourceFile


@dataclass(frozen=True)
class FpgaResult:
    """FPGA resources before placement: `counts` as `fpga_cells` names them, `cells` by type.

    `nodes` holds the counts of each node and of the rest, which sum to `counts`; empty where borders were not kept.
    """

    method: str
    counts: Mapping[str, int]
    nodes: Mapping[str, Mapping[str, int]]
    cells: Mapping[str, int]
    wall_s: float
    source: SourceFile

    @property
    def luts(self) -> int:
        """LUTs of logic; a memory's stand in `counts`."""
        return self.counts["LUT"]

    @property
    def flip_flops(self) -> int:
        """Flip-flops of one bit."""
        return self.counts["FF"]


def count_flip_flops(rtl_dir: Path, work_dir: Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> FlipFlopCount:
    """Synthesise the flattened design and count its flip-flops: the proof that no copy was merged away."""
    rtl = read_rtl(rtl_dir)
    job = run_job(scripts.flip_flop_script(rtl.top, _names(rtl)), "flip_flops", _files(rtl), work_dir, timeout_s)
    types = count_cells(job / "netlist.json", rtl.top)
    bits = flip_flop_bits(types), latch_bits(types), rtl.register_bits, rtl.expected_flip_flop_bits
    return FlipFlopCount(*bits, wall_s(job), source(job, "netlist.json"))


def synthesise_gates(rtl_dir: Path, work_dir: Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> Path:
    """Synthesise the design to Yosys' own gates, which all mappings start from, and return the JSON netlist."""
    return _gates(read_rtl(rtl_dir), work_dir, timeout_s) / "netlist.json"


def synthesise_asic(
    rtl_dir: Path,
    liberty: Path | None,
    work_dir: Path,
    clock_ns: float,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    borders: bool = False,
) -> AsicResult:
    """Map the design to the cells of `liberty` (plain or .gz), or without one to NAND gates and transistors.

    With `borders` and a liberty file nodes are synthesised and mapped one by one, so that each one's part is known;
    designs with memories are not, whose words are found in the flat design only.
    """
    rtl = read_rtl(rtl_dir)
    if not 0 < clock_ns < float("inf"):
        raise BadInputError(f"clock_ns must be a positive number, got {clock_ns}")
    # Read before the long synthesis, so that a damaged library is an error of seconds.
    library = None if liberty is None else read_liberty(liberty)
    if library is not None:
        require_mappable(library, str(liberty))
    borders = borders and library is not None and not _has_memory(rtl)
    gates = _gates(rtl, work_dir, timeout_s, borders)
    files = {scripts.GATES: gates / scripts.GATES}
    if liberty is None or library is None:
        job = run_job(scripts.nand_script(), "nand", files, work_dir, timeout_s)
        return _generic_result(job, gates)
    files[scripts.LIBERTY] = mapping_liberty(liberty, work_dir)
    job = run_job(scripts.asic_script(unusable_cells(library), clock_ns), "asic", files, work_dir, timeout_s)
    nodes = node_cells(job / "netlist.json", rtl.top, rtl.nodes) if borders else {}
    return _asic_result(job, gates, library, liberty, nodes)


def fault_netlist(rtl_dir: Path, liberty: Path | None, work_dir: Path, clock_ns: float) -> Path:
    """Return the flat JSON netlist that upset campaigns inject into: library cells, or without one Yosys' gates."""
    if liberty is not None:
        return synthesise_asic(rtl_dir, liberty, work_dir, clock_ns).netlist_json
    rtl = read_rtl(rtl_dir)
    script = scripts.fault_script(rtl.top, _names(rtl))
    return run_job(script, "fault", _files(rtl), work_dir, DEFAULT_TIMEOUT_S) / "netlist.json"


def synthesise_fpga(rtl_dir: Path, work_dir: Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> FpgaResult:
    """Count UltraScale+ resources of the design and of each of its nodes, whose borders are kept.

    Above `XILINX_GATE_LIMIT` gates LUTs and flip-flops alone are counted, by a quick mapping without carry chains;
    not node by node in designs with memories, whose words are found in the flat design only.
    """
    rtl = read_rtl(rtl_dir)
    if int(_statistics(_gates(rtl, work_dir, timeout_s))["num_cells"]) > XILINX_GATE_LIMIT:
        method = f"quick count above {XILINX_GATE_LIMIT} gates: abc -lut 6, no carry chains"
        job, by_node = _lut6(rtl, work_dir, timeout_s), not _has_memory(rtl)
    else:
        method = f"{_XILINX_METHOD}, abc9 maps once"
        job, by_node = _xilinx(rtl, work_dir, timeout_s, by_node=True), True
    cells = node_cells(job / "netlist.json", rtl.top, rtl.nodes) if by_node else {}
    nodes = {node: xilinx_counts(cells) for node, cells in cells.items()}
    own = "; each node optimised by itself" if by_node else ""
    return replace(_fpga_result(job, f"{method}{own}; before placement"), nodes=nodes)


def synthesise_xilinx(rtl_dir: Path, work_dir: Path, timeout_s: float = DEFAULT_TIMEOUT_S) -> FpgaResult:
    """Count UltraScale+ resources by Yosys' own flow, across nodes: what comparisons and calibrations take.

    Several times slower than `synthesise_fpga`; netlist.json stands by its source.
    """
    job = _xilinx(read_rtl(rtl_dir), work_dir, timeout_s, by_node=False)
    return _fpga_result(job, f"{_XILINX_METHOD}; before placement")


def _lut6(rtl: RtlInput, work_dir: Path, timeout_s: float) -> Path:
    gates = _gates(rtl, work_dir, timeout_s, borders=not _has_memory(rtl))
    return run_job(scripts.lut6_script(), "lut6", {scripts.GATES: gates / scripts.GATES}, work_dir, timeout_s)


def _xilinx(rtl: RtlInput, work_dir: Path, timeout_s: float, *, by_node: bool) -> Path:
    return run_job(scripts.xilinx_script(rtl.top, _names(rtl), by_node), "xcup", _files(rtl), work_dir, timeout_s)


def _gates(rtl: RtlInput, work_dir: Path, timeout_s: float, borders: bool = False) -> Path:
    return run_job(scripts.gates_script(rtl.top, _names(rtl), borders), "gates", _files(rtl), work_dir, timeout_s)


def _asic_result(
    job: Path, gates: Path, library: Library, liberty: Path, nodes: Mapping[str, Mapping[str, int]]
) -> AsicResult:
    stat = _statistics(job)
    cells: dict[str, int] = stat["num_cells_by_type"]
    mapped = {name: number for name, number in cells.items() if name != scripts.MEMORY}
    unmapped = sorted(name for name in mapped if name not in library.cells)
    if unmapped:
        raise ToolFailedError(f"library {library.name} lacks cells for {', '.join(unmapped)}: see {job / 'yosys.log'}")
    whole, nand2 = cells_of(mapped, library), smallest_nand2(library)
    if abs(whole.area_um2 - float(stat["area"])) > 1e-6 * whole.area_um2:
        raise ToolFailedError(f"Yosys counts {stat['area']} um2, the cells of {liberty} sum to {whole.area_um2} um2")
    parts = {node: cells_of(cells, library) for node, cells in nodes.items()}
    require_whole(whole, parts)
    return AsicResult(
        method="sum of cell areas after Yosys and abc; no placement, routing, clock tree or tie cells"
        + ("; each node mapped by itself" if nodes else "")
        + ("; memories not counted" if len(mapped) < len(cells) else "")
        + _nand2_text(nand2),
        liberty=SourceFile(liberty.name, sha256_of(liberty)),
        area_um2=whole.area_um2,
        sequential_area_um2=whole.sequential_area_um2,
        nand2_um2=nand2.area_um2 if nand2 else None,
        nand2_equivalents=whole.area_um2 / nand2.area_um2 if nand2 else None,
        transistor_count=None,
        cell_count=int(stat["num_cells"]),
        flip_flop_bits=whole.flip_flop_bits,
        cells=cells,
        nodes=parts,
        gates=gates / scripts.GATES,
        netlist_json=job / "netlist.json",
        netlist_verilog=job / "netlist.v",
        wall_s=wall_s(gates, job),
        source=source(job, "stat.json"),
    )


def _nand2_text(nand2: Cell | None) -> str:
    if nand2 is None:
        return "; the library has no 2-input NAND, so no NAND2 equivalents"
    return f"; NAND2 equivalent = {nand2.name}, {nand2.area_um2:g} um2, the smallest 2-input NAND by its function"


def _generic_result(job: Path, gates: Path) -> AsicResult:
    stat = _statistics(job)
    # Yosys appends "+" when a cell has no transistor count: then the number would be too low.
    count = str(stat["estimated_num_transistors"])
    has_memories = scripts.MEMORY in stat["num_cells_by_type"]
    count = count.removesuffix("+") if has_memories else count
    if not count.isdecimal():
        raise ToolFailedError(f"Yosys knows no transistor count for some cell ({count}): see {job / 'stat.json'}")
    return AsicResult(
        method="NAND gates, inverters and flip-flops of 16 transistors each; NAND2 equivalent = 4 transistors"
        + ("; memories not counted" if has_memories else ""),
        liberty=None,
        area_um2=None,
        sequential_area_um2=None,
        nand2_um2=None,
        nand2_equivalents=int(count) / 4,
        transistor_count=int(count),
        cell_count=int(stat["num_cells"]),
        flip_flop_bits=flip_flop_bits(stat["num_cells_by_type"]),
        cells=stat["num_cells_by_type"],
        nodes={},
        gates=gates / scripts.GATES,
        netlist_json=job / "netlist.json",
        netlist_verilog=job / "netlist.v",
        wall_s=wall_s(gates, job),
        source=source(job, "stat.json"),
    )


def _fpga_result(job: Path, method: str) -> FpgaResult:
    cells: dict[str, int] = _statistics(job)["num_cells_by_type"]
    return FpgaResult(method, xilinx_counts(cells), {}, cells, wall_s(job), source(job, "stat.json"))


def _statistics(job: Path) -> dict[str, Any]:
    design: dict[str, Any] = read_json(job / "stat.json")["design"]
    return design


def _has_memory(rtl: RtlInput) -> bool:
    return "tmr_memory.v" in _names(rtl)


def _names(rtl: RtlInput) -> tuple[str, ...]:
    return tuple(path.name for path in rtl.sources)


def _files(rtl: RtlInput) -> dict[str, Path]:
    return {path.name: path for path in (*rtl.sources, *rtl.tables)}


def plain_liberty(liberty: Path, work_dir: Path) -> Path:
    """Return an uncompressed copy of `liberty` in `work_dir`, named by its content."""
    return _kept(read_text(liberty), work_dir)


def mapping_liberty(liberty: Path, work_dir: Path) -> Path:
    """Return a copy of `liberty` for Yosys in `work_dir`: without power tables, named by its content."""
    return _kept(without_power(read_text(liberty)), work_dir)


def _kept(text: str, work_dir: Path) -> Path:
    path = work_dir / f"liberty-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lib"
    return path if path.is_file() else write_text(path, text)
