"""Synthesis of an emitted design: flip-flops, cell area and FPGA resources, started ahead of time on a second core.

Jobs are kept by the hash of what goes in, so a process that runs ahead leaves results that are found at once later.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codesign.errors import CodesignError, VerificationError
from codesign.files import read_json
from codesign.flows.check_tmr import check_emitted
from codesign.flows.liberty import read_liberty
from codesign.flows.process import end_group
from codesign.flows.tmr_netlist import TmrReport, require
from codesign.flows.yosys import (
    AsicResult,
    FlipFlopCount,
    FpgaResult,
    count_flip_flops,
    synthesise_asic,
    synthesise_fpga,
    synthesise_gates,
)


@dataclass(frozen=True)
class Synthesis:
    """Results of all mappings of one design; `by_node` maps each node by itself, where a library is given."""

    flip_flops: FlipFlopCount
    tmr: TmrReport
    asic: AsicResult
    by_node: AsicResult | None
    fpga: FpgaResult

    def text(self) -> str:
        """Return the numbers in a few lines."""
        area = f"{self.asic.area_um2:.0f} um2" if self.asic.area_um2 is not None else ""
        nand2 = f"{self.asic.nand2_equivalents:.0f} NAND2 equivalents" if self.asic.nand2_equivalents else ""
        return (
            f"{self.tmr.text}\n"
            f"flip-flops {self.flip_flops.flip_flop_bits} (declared {self.flip_flops.expected_bits})\n"
            f"area {', '.join(filter(None, (area, nand2)))}\n"
            f"FPGA {self.fpga.luts} LUT, {self.fpga.flip_flops} FF"
        )


def synthesise(rtl: Path, work: Path, liberty: Path | None, clock_ns: float) -> Synthesis:
    """Synthesise `rtl` in `work`; `VerificationError` if the mapped netlist breaks the triplication it promises."""
    flip_flops = count_flip_flops(rtl, work)
    require_registers(flip_flops, rtl, work)
    asic = synthesise_asic(rtl, liberty, work, clock_ns)
    tmr = require(check_emitted(rtl, asic.netlist_json, None if liberty is None else read_liberty(liberty)))
    by_node = synthesise_asic(rtl, liberty, work, clock_ns, borders=True) if liberty else asic
    fpga = synthesise_fpga(rtl, work)
    return Synthesis(flip_flops, tmr, asic, by_node if by_node.nodes else None, fpga)


def require_registers(count: FlipFlopCount, rtl: Path, work: Path) -> None:
    """Every declared bit must be there, protected as promised; a bit that never changes may be a constant."""
    manifest = read_json(rtl / "manifest.json")
    report = require(check_emitted(rtl, synthesise_gates(rtl, work), None))
    declared = manifest.get("memory_bits", 0)
    if report.memory_bits != declared:
        raise VerificationError(
            f"synthesis left {report.memory_bits} bits of memory of {declared} declared: see {work}"
        )
    if count.latch_bits or count.flip_flop_bits != count.expected_bits - 3 * report.constant_bits:
        raise VerificationError(
            f"synthesis left {count.flip_flop_bits} flip-flops and {count.latch_bits} latches of "
            f"{count.expected_bits} flip-flops declared ({report.constant_bits} bits are constant): see {work}"
        )


@contextlib.contextmanager
def synthesis_ahead(rtl: Path, work: Path, liberty: Path | None, clock_ns: float) -> Iterator[Callable[[], object]]:
    """Start `synthesise` in another process; the function handed out waits for its end, with the jobs in `work`.

    Leaving the context for whatever reason ends that process and its tools.
    """
    arguments = [sys.executable, "-m", "codesign.flows.synthesis", str(rtl), str(work), str(clock_ns)]
    arguments += [str(liberty or ""), str(os.getpid())]
    # What it says is not shown: an error in there comes again in this process, as one line, from the same jobs.
    null = subprocess.DEVNULL
    process = subprocess.Popen(arguments, stdin=null, stdout=null, stderr=null, start_new_session=True)
    try:
        yield process.wait
    finally:
        if process.poll() is None:
            end_group(process)


def _main(rtl: str, work: str, clock_ns: str, liberty: str, parent: str) -> None:
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    with contextlib.suppress(CodesignError, KeyboardInterrupt):
        synthesise(Path(rtl), Path(work), Path(liberty) if liberty else None, float(clock_ns))


def _end_with(parent: int) -> None:
    """End this process, and with it the tool that watches it, when the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    _main(*sys.argv[1:])
