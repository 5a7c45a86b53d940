from pathlib import Path

from codesign.flows.power import NodePower, PowerResult
from codesign.flows.report_sections import area_section, fpga_section, power_section, registers_section
from codesign.flows.yosys import AsicResult, FlipFlopCount, FpgaResult
from codesign.flows.yosys_job import SourceFile

SOURCE = SourceFile("asic-1/stat.json", "a" * 64)
MANIFEST = SourceFile("rtl/manifest.json", "b" * 64)


def asic(**changes):
    numbers = {
        "method": "cells", "liberty": SourceFile("x.lib", "c" * 64), "area_um2": 12.5, "sequential_area_um2": 4.0,
        "nand2_um2": 0.5, "nand2_equivalents": 25.0, "transistor_count": None, "cell_count": 9, "flip_flop_bits": 3,
        "cells": {}, "nodes": {}, "netlist_json": Path("n.json"), "netlist_verilog": Path("n.v"), "wall_s": 1.0,
        "source": SOURCE, "gates": Path("gates.il"),
    }  # fmt: skip
    return AsicResult(**{**numbers, **changes})


def values(section):
    return {name: (quantity.value, quantity.unit) for name, quantity in section.quantities.items()}


def test_area_of_a_library_and_without_one():
    with_library = area_section(asic())
    assert with_library.name == "x.lib"
    assert values(with_library)["cell area"] == (12.5, "um2")
    assert "transistors" not in with_library.quantities
    generic = area_section(asic(liberty=None, area_um2=None, sequential_area_um2=None, transistor_count=100))
    assert (generic.name, values(generic)["transistors"]) == ("no library", (100, ""))
    assert "cell area" not in generic.quantities


def test_registers_fpga_and_power_keep_value_unit_and_source():
    registers = registers_section(FlipFlopCount(81, 0, 27, 81, 1.0, SOURCE), MANIFEST)
    assert (registers.declared.value, registers.expected.value, registers.after_synthesis.value) == (27, 81, 81)
    assert (registers.declared.source, registers.after_synthesis.source) == (MANIFEST.name, SOURCE.name)
    counts = {"LUT": 5, "LUT as memory": 0, "FF": 81, "CARRY": 2, "MUXF": 1, "DSP": 3, "BRAM": 4}
    fpga = fpga_section(FpgaResult("m", counts, {"fc": {"LUT": 4}}, {}, 1.0, SOURCE))
    assert values(fpga) == {name: (count, "") for name, count in counts.items()}
    assert [(node, q["LUT"].value, q["LUT"].source) for node, q in fpga.nodes.items()] == [("fc", 4, SOURCE.name)]
    parts = {"fc": NodePower(0.1, 0.2, 0.5), "top level": NodePower(0.9, 1.8, 0.0)}
    power = power_section(PowerResult(parts, 10.0, "how"), "x.lib", SOURCE, interval_ns=40.0)
    assert values(power)["total"] == (3.5, "mW")
    assert values(power)["energy per inference"] == (140.0, "pJ")
    assert power.nodes["fc"]["total"].value == 0.8
    whole = power_section(PowerResult({"top level": parts["fc"]}, 1.0, "how"), "x.lib", SOURCE, interval_ns=1.0)
    assert whole.nodes == {}
    assert {quantity.kind for quantity in power.quantities.values()} == {"estimated"}
