import json
import re
import subprocess
import sys

import pytest

from codesign.errors import BadInputError, ToolFailedError
from codesign.flows import yosys, yosys_job, yosys_scripts
from codesign.flows.liberty import read_liberty, smallest_nand2, unusable_cells
from codesign.flows.liberty_text import read_text
from codesign.flows.netlist import load_netlist
from codesign.flows.process import Command
from tests.flows.conftest import LIBRARIES, TOP, gone


def test_every_copy_is_a_flip_flop_after_flattened_synthesis(make_rtl, build_cache):
    count = yosys.count_flip_flops(make_rtl(), build_cache)
    assert (count.flip_flop_bits, count.expected_bits, count.declared_bits) == (81, 81, 27)
    assert count.as_expected


def test_without_triplication_every_declared_bit_is_a_flip_flop(make_rtl, build_cache):
    count = yosys.count_flip_flops(make_rtl(tmr="none"), build_cache)
    assert (count.flip_flop_bits, count.as_expected) == (27, True)


def test_merged_copies_are_caught(make_rtl, build_cache):
    """Negative control: without the keep attribute synthesis merges the three copies into one."""
    count = yosys.count_flip_flops(make_rtl(keep=False), build_cache)
    assert count.flip_flop_bits == 27
    assert not count.as_expected


def test_without_a_library_transistors_are_counted(make_rtl, build_cache):
    result = yosys.synthesise_asic(make_rtl(), None, build_cache, clock_ns=25.0)
    gates = result.cells["$_NAND_"] * 4 + result.cells["$_NOT_"] * 2 + result.cells["$_DFF_P_"] * 16
    assert result.transistor_count == gates
    assert result.nand2_equivalents == gates / 4
    assert (result.flip_flop_bits, result.area_um2, result.liberty) == (81, None, None)


@pytest.mark.parametrize("name", LIBRARIES)
def test_area_is_the_sum_of_cell_areas(make_rtl, build_cache, liberty_dir, name):
    path = liberty_dir / f"{name}.lib.gz"
    result = yosys.synthesise_asic(make_rtl(), path, build_cache, clock_ns=25.0)
    library = read_liberty(path)
    summed = sum(library.cells[cell].area_um2 * number for cell, number in result.cells.items())
    assert result.area_um2 == pytest.approx(summed)
    assert result.nand2_equivalents == pytest.approx(summed / smallest_nand2(library).area_um2)
    assert result.flip_flop_bits == 81
    assert not set(result.cells) & set(unusable_cells(library))
    netlist = load_netlist(result.netlist_json, "mac")
    assert {cell: netlist.count(cell) for cell in netlist.cells} == result.cells
    assert result.netlist_verilog.read_text().count("DFF" if name.startswith("nan") else "_df") >= 81


def test_wire_loads_of_a_library_change_no_cell(make_rtl, build_cache, tmp_path, liberty_dir):
    path = liberty_dir / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
    without = tmp_path / "without.lib"
    without.write_text(re.sub(r"default_wire_load\w*\s*:[^;]*;", "", read_text(path)))
    stated, removed = (yosys.synthesise_asic(make_rtl(), each, build_cache, clock_ns=25.0) for each in (path, without))
    assert stated.cells == removed.cells


@pytest.mark.parametrize("count", [yosys.synthesise_fpga, yosys.synthesise_xilinx])
def test_fpga_resources_come_from_the_flow_of_the_vendor_family(make_rtl, build_cache, count):
    result = count(make_rtl(), build_cache)
    assert "synth_xilinx -family xcup" in result.method
    assert result.flip_flops == 81
    assert result.luts == sum(number for cell, number in result.cells.items() if cell.startswith("LUT")) > 0


def test_what_is_too_large_for_that_flow_is_counted_quickly(make_rtl, build_cache, monkeypatch):
    monkeypatch.setattr(yosys, "XILINX_GATE_LIMIT", 100)
    result = yosys.synthesise_fpga(make_rtl(), build_cache)
    assert "quick count above 100 gates: abc -lut 6" in result.method
    assert (result.flip_flops, result.luts) == (81, result.cells["$lut"])


def test_equal_jobs_run_once_and_other_sources_again(make_rtl, tmp_path):
    first = yosys.count_flip_flops(make_rtl(), tmp_path / "work")
    assert yosys.count_flip_flops(make_rtl(), tmp_path / "work") == first
    other = yosys.count_flip_flops(make_rtl(top=TOP.replace("37", "38")), tmp_path / "work")
    assert other.source.name != first.source.name
    names = {path.name for path in (tmp_path / "work").iterdir() if path.is_dir()}
    assert names == {first.source.name.split("/")[0], other.source.name.split("/")[0]}


def test_failed_and_interrupted_runs_leave_no_result(make_rtl, tmp_path, monkeypatch):
    work = tmp_path / "work"
    with pytest.raises(ToolFailedError, match=r"yosys failed with code 1 \(.*ERROR: .*\): see .*log"):
        yosys.count_flip_flops(make_rtl(top=TOP.replace("endmodule", "")), work)
    assert not [path for path in work.iterdir() if path.is_dir()]

    def interrupted(command: Command, *rest: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(yosys_job, "run_tool", interrupted)
    with pytest.raises(KeyboardInterrupt):
        yosys.count_flip_flops(make_rtl(), work)
    assert not [path for path in work.iterdir() if path.is_dir()]


def test_tool_ends_when_the_program_that_started_it_is_gone():
    """A program that is killed cannot clean up; a synthesis of minutes must not go on without it."""
    started = yosys_job.START.replace("sys.exit(", "time.sleep(60) #")
    parent = """
import os, subprocess, sys
command = [sys.executable, "-c", sys.argv[1], str(os.getpid()), "module", "function"]
print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid)
"""
    pid = int(subprocess.run([sys.executable, "-c", parent, started], stdout=subprocess.PIPE, check=True).stdout)
    assert gone(pid, wait_s=20.0)


def test_time_limit_is_an_error_of_the_tool(make_rtl, tmp_path):
    with pytest.raises(ToolFailedError, match="did not end within"):
        yosys.count_flip_flops(make_rtl(), tmp_path / "work", timeout_s=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"top": "1bad"}, "no Verilog identifier"),
        ({"top": "mac; shell ls"}, "no Verilog identifier"),
        ({"sources": ["../x.v"]}, "plain file name"),
        ({"sources": ["absent.v"]}, "missing: emit the RTL again"),
        ({"tmr": "double"}, "must be one of none, registers"),
        ({"register_bits": None}, "register_bits must be a whole number"),
        ({"register_bits": True}, "register_bits must be a whole number"),
        ({"sources": "top.v"}, "sources must be a list"),
        ({"sources": []}, "sources must be a list"),
    ],
)
def test_bad_manifest_is_named(make_rtl, tmp_path, change, message):
    rtl = make_rtl()
    manifest = json.loads((rtl / "manifest.json").read_text())
    (rtl / "manifest.json").write_text(json.dumps({**manifest, **change}))
    with pytest.raises(BadInputError, match=message):
        yosys.count_flip_flops(rtl, tmp_path / "work")


@pytest.mark.parametrize("clock_ns", [0.0, -1.0, float("nan"), float("inf")])
def test_clock_must_be_positive(make_rtl, tmp_path, clock_ns):
    with pytest.raises(BadInputError, match="clock_ns must be a positive number"):
        yosys.synthesise_asic(make_rtl(), None, tmp_path / "work", clock_ns)


def test_script_names_no_path_and_states_the_clock():
    script = yosys_scripts.asic_script(["BAD_X1"], clock_ns=12.5)
    assert "upsize,-D,12500" in script
    assert script.count("-dont_use BAD_X1") == 2
    assert "/" not in script
