"""Synthesise an emitted design for one technology and time the netlist: what the delay model is judged by."""

from dataclasses import dataclass
from pathlib import Path

from codesign.delay import technology
from codesign.errors import BadInputError
from codesign.flows import yosys
from codesign.flows.fpga_timing import fpga_timing
from codesign.flows.opensta import opensta_timing
from codesign.flows.rtl_input import read_rtl
from codesign.flows.static_timing import StaticTiming


@dataclass(frozen=True)
class Measured:
    """Critical path, area in the unit of the technology, and flip-flops of a synthesised design."""

    timing: StaticTiming
    area: float
    flip_flop_bits: int


def measure(
    rtl_dir: Path, name: str, liberty: Path | None, work_dir: Path, *, clock_ns: float, timeout_s: float = 900.0
) -> Measured:
    """Synthesise `rtl_dir` for technology `name` with `clock_ns` as target and time it; jobs are kept in `work_dir`.

    Raises `BadInputError` for an unknown technology or a standard-cell technology without its liberty file, the tools'
    errors otherwise.
    """
    tech, rtl = technology(name), read_rtl(rtl_dir)
    top = rtl.top
    if tech.area_unit == "LUT":
        fpga = yosys.synthesise_xilinx(rtl_dir, work_dir, timeout_s)
        netlist = work_dir / Path(fpga.source.name).with_name("netlist.json")
        return Measured(fpga_timing(netlist, top), fpga.luts, fpga.flip_flops)
    if liberty is None:
        raise BadInputError(f"technology {name} needs its liberty file (--liberty)")
    asic = yosys.synthesise_asic(rtl_dir, liberty, work_dir, clock_ns, timeout_s=timeout_s)
    timing = opensta_timing(
        asic.netlist_verilog,
        top,
        yosys.plain_liberty(liberty, work_dir),
        cell_count=asic.cell_count,
        launch_ns=tech.launch_ns,
        clocks=rtl.clocks,
        resets=rtl.resets,
    )
    assert asic.area_um2 is not None  # a liberty file was given
    return Measured(timing, asic.area_um2, asic.flip_flop_bits)
