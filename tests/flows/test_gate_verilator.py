"""Gate-level simulation in Verilator against the one in numpy: every net, equal integers."""

import dataclasses

import numpy as np
import pytest

from codesign.errors import BadInputError, ToolFailedError
from codesign.flows.activity_files import net_names
from codesign.flows.cell_models import cell_models
from codesign.flows.gate_bundles import bundled_verilog
from codesign.flows.gate_simulation import simulate
from codesign.flows.gate_verilator import read_activity, simulate_in_verilator
from codesign.flows.liberty import read_liberty
from codesign.flows.netlist import Port, load_netlist
from codesign.flows.power import estimate_power
from codesign.flows.yosys import synthesise_asic
from codesign.sim.gates import ACTIVITY_SAIF
from tests.flows.conftest import TOP
from tests.flows.liberty_zoo import ODD_CELLS, flip_flop, gate, gates, library
from tests.flows.test_power import CLK, LIBERTY, A, cell, tiny

RESET = 'clear : "!RN"; preset : "SN\'";'


RESETTABLE = """  cell (DFFR) { area : 6; ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; clear : "!RN"; }
    pin (D) { direction : input; } pin (CK) { direction : input; } pin (RN) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; } }
"""
HAND = LIBERTY.replace("  cell (INV)", RESETTABLE + "  cell (INV)")
SECOND_CLK = 12
CLKS = (CLK, SECOND_CLK)


def both(tmp_path, models=HAND):
    """Activity of the same netlist and stimulus from Verilator, with cells of the library `models`, and from numpy."""
    more = {
        # A chain of gates behind the flip-flop whose nets are high at the start.
        "next": cell("INV", A=7, Y=8),
        "last": cell("XOR2", A=8, B=A, Y=9),
        # Into a flip-flop with its reset tied off, and over to another clock.
        "tied": cell("DFFR", D=9, CK=CLK, RN="1", Q=10),
        "over": cell("DFF", D=10, CK=SECOND_CLK, Q=11),
    }
    netlist, _ = tiny(tmp_path, **more)
    ports = {**netlist.ports, "clk_two": Port("input", np.array([SECOND_CLK]))}
    netlist = dataclasses.replace(netlist, ports=ports)
    (tmp_path / "hand.lib").write_text(HAND)
    (tmp_path / "models.lib").write_text(models)
    cells = read_liberty(tmp_path / "hand.lib")
    stimulus = {"a": np.random.default_rng(7).integers(0, 2, 333).tolist()}
    given = {"setup": {"a": [0, 1]}, "warm_up_cycles": 4}
    library = read_liberty(tmp_path / "models.lib")
    found = simulate_in_verilator(netlist, library, stimulus, **given, folder=tmp_path / "sim")
    return netlist, cells, found, simulate(netlist, cells, stimulus, **given, delay_model="zero", streams=3)


def differing(netlist, clocks, first, second):
    """Names of the nets whose toggles or cycles at 1 differ; clocks toggle in the one simulation only."""
    names = {net: name for net, name in net_names(netlist).items() if net not in clocks}
    return [
        name
        for net, name in names.items()
        if (first.toggles[net], first.ones[net]) != (second.toggles[net], second.ones[net])
    ]


def test_every_net_toggles_as_often_as_in_numpy_and_a_changed_count_is_noticed(tmp_path):
    netlist, cells, verilated, numpy = both(tmp_path)
    assert differing(netlist, CLKS, verilated, numpy) == []
    assert verilated.outputs == numpy.outputs and verilated.cycles == numpy.cycles == 333
    assert verilated.toggles[list(CLKS)].tolist() == [2 * 333] * 2 and verilated.toggles[A] > 100
    first, second = (estimate_power(netlist, cells, one, clock_ns=10.0) for one in (verilated, numpy))
    assert first.nodes == second.nodes and "Verilator" in first.method and "numpy" in second.method
    # Negative controls: the counts are those of the file, and a file without a net is refused.
    path, vectors = tmp_path / "sim" / ACTIVITY_SAIF, bundled_verilog(netlist, cells)[1]
    text = path.read_text()
    toggles = verilated.toggles[A]
    path.write_text(text.replace(f"(TC {toggles})", f"(TC {toggles + 2})"))
    changed, _ = read_activity(vectors, netlist.net_count, tmp_path / "sim")
    assert changed[A] == toggles + 2
    path.write_text(text.replace("(nets2 ", "(nets99 "))
    with pytest.raises(ToolFailedError, match="not one entry for each of 10 nets"):
        read_activity(vectors, netlist.net_count, tmp_path / "sim")


def test_a_model_with_another_function_is_noticed(tmp_path):
    netlist, _, verilated, numpy = both(tmp_path, HAND.replace("A ^ B", "A | B"))
    # The net itself and what stores it.
    assert sorted(differing(netlist, CLKS, verilated, numpy)) == ["n10", "n11", "n9"]


def test_flip_flops_are_modelled_with_clear_preset_and_edge(tmp_path):
    pins = "".join(f"pin ({name}) {{ direction : input; capacitance : 0.002; }}" for name in ("RN", "SN"))
    path = tmp_path / "zoo.lib"
    path.write_text(library(gates() + flip_flop("DFF", clock="!CK", more=RESET, pins=pins)))
    text = cell_models(read_liberty(path), ["DFF", "NAND2"])
    assert "assign Y = ~(A & B);" in text and "assign Q = IQ;" in text
    assert "always @(negedge CK[0] or negedge SN[0] or negedge RN[0])" in text
    assert "if (~SN[0]) IQ <= {WIDTH{1'b1}}; else\n    if (~RN[0]) IQ <= {WIDTH{1'b0}}; else\n    IQ <= D;" in text


@pytest.mark.parametrize(
    ("kind", "message"), [("LATCH", "no gate or flip-flop"), ("NONE", "no gate"), ("MACRO", "without a function")]
)
def test_a_cell_that_cannot_be_modelled_is_named(tmp_path, kind, message):
    path = tmp_path / "odd.lib"
    path.write_text(ODD_CELLS)
    with pytest.raises(BadInputError, match=f"cell {kind} .*{message}"):
        cell_models(read_liberty(path), [kind])


# 24 by 24 bits instead of 6 by 6, so that most instances are full and some nets wait for many levels.
WIDE_TOP = (
    TOP.replace("[11:0]", "[47:0]")
    .replace("[12:0]", "[48:0]")
    .replace("in_data[5:0] * in_data[11:6]", "in_data[23:0] * in_data[47:24]")
    .replace("WIDTH(12)", "WIDTH(48)")
    .replace("WIDTH(13)", "WIDTH(49)")
)
MORE_GATES = (
    ("XOR2", 4, "A ^ B", "AB"),
    ("AOI21", 2.2, "!((A & B) | C)", "ABC"),
    ("MUX2", 4, "(A & !S) | (B & S)", "ABS"),
)


@pytest.mark.slow
def test_thousands_of_mapped_cells_toggle_as_in_numpy_net_by_net(make_rtl, build_cache, tmp_path):
    path = tmp_path / "zoo.lib"
    path.write_text(library(gates() + "".join(gate(*one) for one in MORE_GATES) + flip_flop()))
    netlist = load_netlist(synthesise_asic(make_rtl(top=WIDE_TOP), path, build_cache, 25.0).netlist_json, "mac")
    cells, rng = read_liberty(path), np.random.default_rng(5)
    assert sum(netlist.count(kind) for kind in netlist.cells) > 3000 and netlist.count("DFF") >= 3 * 99
    words = [int.from_bytes(rng.bytes(6), "little") for _ in range(500)]
    stimulus = {"in_valid": rng.integers(0, 2, 500).tolist(), "in_data": words}
    given = {"setup": {"rst": [1, 1]}, "warm_up_cycles": 4}
    verilated = simulate_in_verilator(netlist, cells, stimulus, **given, folder=tmp_path / "sim")
    clocks, alone = netlist.ports["clk"].nets, {**given, "delay_model": "zero", "streams": 1}
    numpy = simulate(netlist, cells, stimulus, **alone)
    assert differing(netlist, clocks, verilated, numpy) == [] and verilated.outputs == numpy.outputs
    assert (verilated.toggles > 0).sum() > 3000
    # Negative control: one cell among them with its first input on another net.
    pins = {name: nets.copy() for name, nets in netlist.cells["NAND2"].items()}
    middle = netlist.count("NAND2") // 2
    pins["A"][middle] = netlist.ports["in_valid"].nets[0]
    other = simulate(dataclasses.replace(netlist, cells={**netlist.cells, "NAND2": pins}), cells, stimulus, **alone)
    assert net_names(netlist)[int(pins["Y"][middle])] in differing(netlist, clocks, verilated, other)
