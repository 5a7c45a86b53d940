"""Area and cells of nodes, which sum to those of the netlist exactly."""

import json
from decimal import Decimal

import pytest

from codesign.errors import VerificationError
from codesign.flows.liberty import read_liberty
from codesign.flows.node_area import NodeCells, cells_of, require_whole
from codesign.flows.node_parts import TOP_LEVEL, node_cells
from codesign.flows.report_sections import area_section
from codesign.flows.yosys import synthesise_asic
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.flows.liberty_zoo import flip_flop, gate, gates, library
from tests.flows.test_node_parts import GRAPH

# Areas whose sums as binary fractions depend on the order.
UNEVEN = library(gates().replace("area : 2;", "area : 0.798;").replace("area : 1;", "area : 0.532;") + flip_flop())


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """RTL of two layers, a library, and the mapping to its cells, node by node."""
    folder = tmp_path_factory.mktemp("layers")
    rtl = write_rtl(emit(GRAPH, schedule(GRAPH, {}), tmr="registers", clock_ns=10.0), folder / "rtl")
    (folder / "uneven.lib").write_text(UNEVEN)
    result = synthesise_asic(rtl, folder / "uneven.lib", folder / "work", 10.0, borders=True)
    return rtl, folder, result


def test_areas_of_the_nodes_sum_to_the_cell_area_exactly(mapped):
    section = area_section(mapped[2])
    assert {"q", "out", TOP_LEVEL} <= section.nodes.keys() <= {"x", "q", "out", TOP_LEVEL}
    for name in ("cell area", "of it flip-flops", "cells", "flip-flops"):
        parts = [Decimal(repr(quantities[name].value)) for quantities in section.nodes.values()]
        assert sum(parts) == Decimal(repr(section.quantities[name].value))
    equivalents = sum(quantities["NAND2 equivalents"].value for quantities in section.nodes.values())
    assert equivalents == pytest.approx(section.quantities["NAND2 equivalents"].value)
    assert section.nodes["q"]["cell area"].value > 0 < section.nodes["out"]["cell area"].value
    assert "each node mapped by itself" in section.method


def test_all_copies_of_the_registers_are_there(mapped):
    rtl, _, result = mapped
    assert result.flip_flop_bits == 3 * json.loads((rtl / "manifest.json").read_text())["register_bits"]


def test_a_netlist_mapped_across_nodes_gives_no_logic_to_them(mapped):
    """Negative control: without kept borders no name tells where a gate came from."""
    rtl, folder, _ = mapped
    flat = synthesise_asic(rtl, folder / "uneven.lib", folder / "work", 10.0)
    assert flat.nodes == {}
    parts = node_cells(flat.netlist_json, "layers", GRAPH.by_name)
    logic = [parts.get(node, {}).get(name, 0) for node in ("q", "out") for name in ("NAND2", "NOR2", "INV")]
    assert sum(logic) == 0


def test_parts_that_miss_a_cell_or_have_one_too_many_are_refused(tmp_path):
    """Negative control of the check of sums."""
    (tmp_path / "a.lib").write_text(UNEVEN)
    cells = read_liberty(tmp_path / "a.lib")
    whole = cells_of({"NAND2": 3, "DFF": 2}, cells)
    assert whole == NodeCells(18.394, 16.0, 5, 2)
    parts = {"a": cells_of({"NAND2": 1, "DFF": 2}, cells), "b": cells_of({"NAND2": 2}, cells)}
    require_whole(whole, parts)
    with pytest.raises(VerificationError, match=r"area_um2 of the nodes sums to 17\.596, of the netlist to 18\.394"):
        require_whole(whole, {**parts, "b": cells_of({"NAND2": 1}, cells)})


def test_a_library_without_a_nand_gives_nodes_their_area_only(mapped, tmp_path):
    rtl, _, _ = mapped
    (tmp_path / "nor.lib").write_text(library(gate("INV", 1, "!A", "A") + gate("BUF", 1, "A", "A")
                                              + gate("NOR2", 2, "!(A+B)", "AB") + flip_flop()))  # fmt: skip
    section = area_section(synthesise_asic(rtl, tmp_path / "nor.lib", tmp_path, 10.0, borders=True))
    assert "NAND2 equivalents" not in section.nodes["q"]
    assert section.nodes["q"]["cell area"].value > 0
