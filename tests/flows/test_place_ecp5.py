"""Place and route for ECP5: two layers on a small part, and what is refused."""

import json

import pytest

from codesign.errors import BadInputError, ToolFailedError, VerificationError
from codesign.flows.place_ecp5 import EcpPart, fmax_mhz, place_ecp5
from codesign.flows.report_sections import placed_sections
from codesign.flows.serial_harness import serial_harness
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.verilator import lint
from codesign.verilog_source import read_module
from tests.flows.layers_zoo import LAYERS

PART = EcpPart(25, 6)


def write_layers(folder, tmr="registers"):
    return write_rtl(emit(LAYERS, schedule(LAYERS, {}), tmr=tmr, clock_ns=10.0), folder / "rtl")


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("placed")
    rtl = write_layers(folder)
    return rtl, folder / "work", place_ecp5(rtl, folder / "work", 10.0, PART)


@pytest.mark.slow
def test_a_block_is_routed_with_all_its_registers(placed):
    rtl, work, result = placed
    manifest = json.loads((rtl / "manifest.json").read_text())
    bits = 1 + manifest["in_width"] + 1 + manifest["out_width"]
    assert (result.part, result.harness_bits) == ("LFE5U-25F-6", bits)
    assert result.counts["FF"] == 3 * manifest["register_bits"] + bits
    assert result.tmr.protected_bits == manifest["register_bits"]
    report = json.loads((work / result.source.name).read_text())
    assert result.fmax_mhz == min(clock["achieved"] for clock in report["fmax"].values()) > 0
    assert result.counts["LUT4"] == report["utilization"]["TRELLIS_COMB"]["used"] > 0


@pytest.mark.slow
def test_the_report_names_part_harness_and_source(placed):
    timing, fpga = placed_sections(placed[2])
    fmax = timing.quantities["Fmax"]
    assert (timing.name, fmax.unit, fmax.kind) == ("Lattice LFE5U-25F-6", "MHz", "measured")
    assert timing.quantities["critical path"].value == pytest.approx(1e3 / fmax.value)
    assert fpga.quantities["FF"].source.endswith("/report.json")
    assert "harness of" in fpga.method
    assert "seed 1" in timing.method


@pytest.mark.slow
def test_merged_copies_are_caught(tmp_path):
    """Negative control: without the keep attributes synthesis merges the copies, and the netlist is refused."""
    rtl = write_layers(tmp_path)
    register = rtl / "tmr_register.v"
    register.write_text(register.read_text().replace("(* keep *) ", ""))
    with pytest.raises(VerificationError, match="breaks triplication"):
        place_ecp5(rtl, tmp_path / "work", 10.0, PART)


def test_the_harness_of_many_ports_is_clean_verilog(tmp_path):
    rtl = write_layers(tmp_path, tmr="full_clocks")
    manifest = json.loads((rtl / "manifest.json").read_text())
    block = read_module((rtl / "layers.v").read_text())
    harness = serial_harness(block, tuple(manifest["clocks"]), tuple(manifest["resets"]))
    assert all(f".{clock} (clk)" in harness.text for clock in ("clkA", "clkB", "clkC"))
    path = tmp_path / f"{harness.name}.v"
    path.write_text(harness.text)
    lint([*(rtl / name for name in manifest["sources"]), path], harness.name, tmp_path / "lint")


@pytest.mark.parametrize("part", [EcpPart(35, 6), EcpPart(85, 5)])
def test_a_part_that_is_none_is_refused(tmp_path, part):
    with pytest.raises(BadInputError, match="is no ECP5 part: sizes are 12, 25, 45, 85"):
        place_ecp5(write_layers(tmp_path), tmp_path / "work", 10.0, part)


def test_a_design_with_memories_is_refused(make_rtl, tmp_path):
    rtl = make_rtl()
    (rtl / "tmr_memory.v").write_text("")
    manifest = json.loads((rtl / "manifest.json").read_text())
    (rtl / "manifest.json").write_text(json.dumps({**manifest, "sources": [*manifest["sources"], "tmr_memory.v"]}))
    with pytest.raises(BadInputError, match="mac has memories"):
        place_ecp5(rtl, tmp_path / "work", 10.0, PART)


def test_a_report_without_a_clock_is_refused():
    assert fmax_mhz({"fmax": {"a": {"achieved": 80.5}, "b": {"achieved": 90.0}}}) == 80.5
    with pytest.raises(ToolFailedError, match="names no clock"):
        fmax_mhz({"fmax": {}})
