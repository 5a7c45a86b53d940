"""Cells of nodes, in netlists written by hand and in those of Yosys."""

import json
from collections import Counter

import pytest

from codesign.flows import yosys
from codesign.flows.fpga_cells import xilinx_counts
from codesign.flows.node_parts import TOP_LEVEL, node_cells
from codesign.flows.yosys import synthesise_fpga, synthesise_xilinx
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.flows.layers_zoo import LAYERS


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """RTL of two layers, and its FPGA mapping."""
    folder = tmp_path_factory.mktemp("layers")
    rtl = write_rtl(emit(LAYERS, schedule(LAYERS, {}), tmr="registers", clock_ns=10.0), folder / "rtl")
    return rtl, folder / "work", synthesise_fpga(rtl, folder / "work")


def test_parts_of_the_nodes_sum_to_the_whole(mapped):
    _, _, result = mapped
    # The first layer's sums and their requantisation are one module, named after the latter.
    assert {"q", "out", TOP_LEVEL} <= result.nodes.keys() <= {"x", "q", "out", TOP_LEVEL}
    for name, total in result.counts.items():
        assert sum(counts[name] for counts in result.nodes.values()) == total
    assert result.nodes["q"]["LUT"] > 0 < result.nodes["out"]["LUT"]


def test_parts_of_the_quick_count_sum_to_the_whole(mapped, monkeypatch):
    rtl, work, full = mapped
    monkeypatch.setattr(yosys, "XILINX_GATE_LIMIT", 0)
    result = synthesise_fpga(rtl, work)
    assert "quick count" in result.method and result.nodes.keys() == full.nodes.keys()
    for name, total in result.counts.items():
        assert sum(counts[name] for counts in result.nodes.values()) == total
    assert result.nodes["q"]["LUT"] > 0 < result.nodes["out"]["LUT"]
    assert result.flip_flops == full.flip_flops


def test_registers_survive_between_kept_borders(mapped):
    rtl, work, result = mapped
    bits = json.loads((rtl / "manifest.json").read_text())["register_bits"]
    assert result.flip_flops == 3 * bits == synthesise_xilinx(rtl, work).flip_flops


def test_a_netlist_flattened_before_mapping_gives_nothing_to_nodes(mapped):
    """Negative control: without the borders no name tells where a cell came from."""
    rtl, work, _ = mapped
    flat = work / synthesise_xilinx(rtl, work).source.name.replace("stat.json", "netlist.json")
    logic = {node: xilinx_counts(cells)["LUT"] for node, cells in node_cells(flat, "layers", LAYERS.by_name).items()}
    assert logic.pop(TOP_LEVEL) > 0
    assert sum(logic.values()) == 0


@pytest.mark.parametrize(
    ("cell", "node"),
    [
        ("u_fc.add", "fc"),
        ("u_fc_r1.qA[0]", "fc"),
        ("$flatten\\u_fc.\\u_part.$abc$1$lut$2", "fc"),
        ("$flatten\\u_fcA.$abc$1", "fc"),
        ("u_fc_2.add", "fc.2"),
        ("u_fc_2_finish.add", "fc.2"),
        ("u_fcx.add", TOP_LEVEL),
        ("u_valid_1.qA", TOP_LEVEL),
        ("$abc$12$lut$u_fc.add", TOP_LEVEL),
        ("u_fc", TOP_LEVEL),
    ],
)
def test_a_cell_belongs_to_the_node_of_its_instance(tmp_path, cell, node):
    cells = {cell: {"type": "LUT2"}, "note": {"type": "$scopeinfo"}}
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    found = node_cells(path, "top", ["fc", "fc.2"])
    assert found.pop(node) == Counter(LUT2=1)
    assert not any(found.values())
