"""Area and cells of nodes, which sum to those of the netlist exactly."""

import json
import random
from decimal import Decimal

import pytest

from codesign.errors import VerificationError
from codesign.flows.gate_simulation import simulate
from codesign.flows.liberty import read_liberty
from codesign.flows.netlist import load_netlist
from codesign.flows.node_area import NodeCells, cells_of, require_whole
from codesign.flows.node_parts import TOP_LEVEL, node_cells
from codesign.flows.power import estimate_power
from codesign.flows.report_sections import area_section, power_section
from codesign.flows.yosys import synthesise_asic
from codesign.flows.yosys_job import SourceFile
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.flows.layers_zoo import LAYERS
from tests.flows.liberty_zoo import flip_flop, gate, gates, library

# Areas whose sums as binary fractions depend on the order.
UNEVEN = library(gates().replace("area : 2;", "area : 0.798;").replace("area : 1;", "area : 0.532;") + flip_flop())


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """RTL of two layers, a library, and the mapping to its cells, node by node."""
    folder = tmp_path_factory.mktemp("layers")
    rtl = write_rtl(emit(LAYERS, schedule(LAYERS, {}), tmr="registers", clock_ns=10.0), folder / "rtl")
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
    parts = node_cells(flat.netlist_json, "layers", LAYERS.by_name)
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


@pytest.fixture(scope="module")
def powers(mapped):
    """The power of the two layers, of the netlist mapped node by node, and of the one mapped across nodes."""
    rtl, folder, result = mapped
    flat = synthesise_asic(rtl, folder / "uneven.lib", folder / "work", 10.0)
    rng = random.Random(3)
    data = [rng.getrandbits(24) for _ in range(300)]
    setup, played = {"rst": [1, 1]}, {"in_valid": [1] * len(data), "in_data": data}
    cells, found = read_liberty(folder / "uneven.lib"), []
    for one in (result, flat):
        netlist = load_netlist(one.netlist_json, "layers")
        activity = simulate(netlist, cells, played, setup=setup, delay_model="unit", warm_up_cycles=8)
        found.append(estimate_power(netlist, cells, activity, clock_ns=10.0, wire_load_ff=1.0, nodes=LAYERS.by_name))
    return found


def test_powers_of_the_nodes_sum_to_the_power_exactly(powers):
    by_node, _ = powers
    assert {"q", "out", TOP_LEVEL} <= by_node.nodes.keys()
    section = power_section(by_node, "uneven", SourceFile("n.json", "a" * 64), 10.0)
    for name in ("total", "switching", "internal", "leakage"):
        parts = [Decimal(repr(quantities[name].value)) for quantities in section.nodes.values()]
        assert sum(parts) == Decimal(repr(section.quantities[name].value))
    assert by_node.nodes["q"].switching_mw > 0 < by_node.nodes["out"].switching_mw


def test_logic_mapped_across_nodes_belongs_to_none(powers):
    """Negative control: where borders were not kept, only what has names of its own is in nodes."""
    by_node, flat = powers
    assert flat.nodes[TOP_LEVEL].switching_mw > 0.5 * flat.whole.switching_mw
    assert by_node.nodes[TOP_LEVEL].switching_mw < 0.2 * by_node.whole.switching_mw
