"""Structural Verilog and SAIF of a simulated netlist: equal names, and the numbers of the simulation."""

import re

import pytest

from codesign.flows.activity_files import instances, net_names, saif, structural_verilog
from tests.flows.test_power import CLK, GLITCH, INVERTED, A, Q, cell, run, tiny

ENTRY = re.compile(r"^\((\S+) \(T0 (\d+)\) \(T1 (\d+)\) \(TX 0\) \(TC (\d+)\) \(IG 0\)\)$", re.MULTILINE)


@pytest.fixture
def simulated(tmp_path):
    netlist, library = tiny(tmp_path)
    return netlist, run(netlist, library, "unit", [1, 0, 0, 1] * 32)


def test_saif_has_times_and_toggles_of_every_net(simulated):
    netlist, activity = simulated
    text = saif(netlist, activity, 2.5, ["clk"])
    entries = {name: tuple(map(int, rest)) for name, *rest in ENTRY.findall(text)}
    duration = 128 * 2500
    assert f"(DURATION {duration})" in text and "(TIMESCALE 1 ps)" in text
    assert all(low + high == duration for low, high, _ in entries.values())
    # The input is high in half of the cycles and changes in every second one; the clock rises and falls in each.
    assert entries["a"][1:] == (duration // 2, int(activity.toggles[A]))
    assert entries["clk"][1:] == (duration // 2, 256)
    assert entries["y\\[1\\]"][1:] == (duration, int(activity.toggles[GLITCH])) and activity.toggles[GLITCH] > 100
    assert text.count("(") == text.count(")")


def test_names_are_those_of_the_verilog(simulated):
    netlist, activity = simulated
    verilog = structural_verilog(netlist, ["q"])
    assert net_names(netlist) == {CLK: "clk", A: "a", Q: "y[0]", GLITCH: "y[1]", INVERTED: f"n{INVERTED}"}
    for name in re.findall(r"^\((n\d+) ", saif(netlist, activity, 1.0, ["clk"]), re.MULTILINE):
        assert f"wire {name};" in verilog
    assert "INV top_level_" in verilog and f".Y(n{INVERTED})" in verilog
    assert "assign y[2] = 1'b1;" in verilog
    assert len(list(instances(netlist))) == 3


def test_cells_are_named_after_their_node_and_open_pins_stay_open(tmp_path):
    netlist, _ = tiny(tmp_path, **{"$flatten\\u_fc.$x": cell("INV", A=A)})
    verilog = structural_verilog(netlist, ["fc"])
    assert re.search(r"INV fc_\d+ \(\.A\(a\)\);", verilog)
