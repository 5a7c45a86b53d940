import random

import numpy as np
import pytest

from codesign.errors import BadInputError, ToolFailedError
from codesign.files import write_json
from codesign.flows.gate_simulation import simulate
from codesign.flows.liberty import read_liberty
from codesign.flows.netlist import load_netlist
from codesign.flows.power import estimate_power
from codesign.flows.yosys import synthesise_asic
from tests.flows.conftest import LIBRARIES, TOP

LIBERTY = """
library (hand) { time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW"; capacitive_load_unit (1, ff);
  nom_voltage : 2.0;
  power_lut_template (by_load) { variable_1 : input_transition_time; variable_2 : total_output_net_capacitance; }
  cell (INV) { area : 1; cell_leakage_power : 10;
    pin (A) { direction : input; capacitance : 3; }
    pin (Y) { direction : output; function : "!A"; internal_power () { related_pin : "A";
      rise_power (by_load) { index_1 ("0, 1"); index_2 ("0, 8"); values ("1, 9", "1, 9"); }
      fall_power (by_load) { index_1 ("0, 1"); index_2 ("0, 8"); values ("1, 1", "1, 1"); } } } }
  cell (XOR2) { area : 3; cell_leakage_power : 20;
    pin (A) { direction : input; capacitance : 4; } pin (B) { direction : input; capacitance : 4; }
    pin (Y) { direction : output; function : "A ^ B"; } }
  cell (DFF) { area : 5; cell_leakage_power : 30; ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 2; }
    pin (CK) { direction : input; capacitance : 6; internal_power () { when : "D";
      rise_power (scalar) { values ("4"); } fall_power (scalar) { values ("2"); } } }
    pin (Q) { direction : output; function : "IQ"; } }
}
"""
CLK, A, QUIET, INVERTED, GLITCH, Q = 2, 3, 4, 5, 6, 7


def cell(kind, **pins):
    return {"type": kind, "connections": {pin: [net] for pin, net in pins.items()}}


def tiny(tmp_path, **extra):
    """A toggling input a; y = a ^ !a is constant 1 but glitches; a flip-flop stores a."""
    cells = {
        "inv": cell("INV", A=A, Y=INVERTED),
        "xor": cell("XOR2", A=A, B=INVERTED, Y=GLITCH),
        "dff": cell("DFF", D=A, CK=CLK, Q=Q),
        **extra,
    }
    ports = {
        "clk": {"direction": "input", "bits": [CLK]},
        "a": {"direction": "input", "bits": [A]},
        "y": {"direction": "output", "bits": [Q, GLITCH, "1"]},
    }
    path = tmp_path / "netlist.json"
    write_json(path, {"modules": {"tiny": {"ports": ports, "cells": cells}}})
    (tmp_path / "hand.lib").write_text(LIBERTY)
    return load_netlist(path, "tiny"), read_liberty(tmp_path / "hand.lib")


def library_of(tmp_path, text):
    (tmp_path / "other.lib").write_text(text)
    return read_liberty(tmp_path / "other.lib")


def run(netlist, library, delay_model, values, streams=2):
    setup = {"a": [0, 0]}
    return simulate(
        netlist, library, {"a": values}, setup=setup, delay_model=delay_model, warm_up_cycles=2, streams=streams
    )


def test_power_of_a_tiny_netlist_is_the_one_computed_by_hand(tmp_path):
    netlist, library = tiny(tmp_path)
    estimate = estimate_power(netlist, library, run(netlist, library, "zero", [1, 0] * 64), clock_ns=10.0)
    power = estimate.whole
    # a and !a toggle once a cycle, the clock twice; loads: a 3 + 4 + 2 fF, !a 4 fF, clk 6 fF; V = 2 V.
    switching_fj = 0.5 * 4 * ((3 + 4 + 2) * 1 + 4 * 1 + 6 * 2)
    # 1 fF V^2 is 1 fJ. INV at 4 fF: (5 + 1) / 2 a toggle; clock pin: (4 + 2) / 2 in half of the states, 2 toggles.
    internal_fj = 3.0 + 0.5 * 3.0 * 2
    assert power.switching_mw == pytest.approx(switching_fj / 10 * 1e-3)
    assert power.internal_mw == pytest.approx(internal_fj / 10 * 1e-3)
    assert power.leakage_mw == pytest.approx(60e-6)
    assert power.total_mw == pytest.approx(power.switching_mw + power.internal_mw + power.leakage_mw)
    assert "lower bound" in estimate.method
    assert "wire load 0 fF" in estimate.method


def test_energy_without_condition_is_for_states_without_a_condition_of_their_own(tmp_path):
    arc = 'internal_power () {{ related_pin : "{}"; {} rise_power (scalar) {{ values ("{}"); }} }}'.format
    arcs = "".join([
        arc("A", 'when : "B";', 2) + arc("A", 'when : "!B";', 6) + arc("A", "", 1000),
        arc("B", 'when : "A";', 10) + arc("B", "", 30),
    ])  # fmt: skip
    text = LIBERTY.replace('function : "A ^ B";', f'function : "A ^ B"; {arcs}')
    library, without = library_of(tmp_path, text), library_of(tmp_path, LIBERTY)
    netlist, _ = tiny(tmp_path)
    activity = run(netlist, without, "unit", [1, 0] * 64)
    powers = [estimate_power(netlist, each, activity, clock_ns=10.0).whole.internal_mw for each in (library, without)]
    # Two toggles a cycle, no energy on fall; either pin causes them.
    assert powers[0] - powers[1] == pytest.approx(2 * 0.5 * ((2 + 6) / 2 + (10 + 30) / 2) / 2 / 10 * 1e-3)


def test_wire_load_is_added_to_every_loaded_net(tmp_path):
    netlist, library = tiny(tmp_path)
    activity = run(netlist, library, "zero", [1, 0] * 64)
    bare, wired = (estimate_power(netlist, library, activity, clock_ns=10.0, wire_load_ff=load) for load in (0.0, 5.0))
    assert wired.whole.switching_mw - bare.whole.switching_mw == pytest.approx(0.5 * 4 * 5.0 * (1 + 1 + 2) / 10 * 1e-3)


def test_unit_delay_shows_the_glitch_that_zero_delay_hides(tmp_path):
    netlist, library = tiny(tmp_path)
    zero, unit = (run(netlist, library, model, [1, 0] * 64) for model in ("zero", "unit"))
    assert zero.toggles[GLITCH] == 0
    assert unit.toggles[GLITCH] == 2 * 128
    assert unit.outputs == zero.outputs


@pytest.mark.parametrize("streams", [1, 3, 64, 70, 500])
@pytest.mark.parametrize("delay_model", ["zero", "unit"])
def test_cutting_into_streams_changes_nothing(tmp_path, streams, delay_model):
    netlist, library = tiny(tmp_path)
    values = np.random.default_rng(7).integers(0, 2, 333).tolist()
    activity = run(netlist, library, delay_model, values, streams)
    # Output bits: the stored input of the cycle before, y = 1, the constant 1.
    assert activity.outputs["y"] == [6 + previous for previous in [0, *values[:-1]]]
    assert activity.toggles[A] == np.abs(np.diff([0, *values])).sum()
    assert activity.toggles[Q] == np.abs(np.diff([0, 0, *values[:-1]])).sum()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"loop": cell("INV", A=8, Y=8)}, "combinational loop"),
        ({"gated": cell("DFF", D=A, CK=INVERTED, Q=8)}, "has a gated clock"),
        ({"odd": cell("LATCH", A=A, Y=8)}, "LATCH of the netlist is no gate"),
    ],
)
def test_netlist_that_cannot_be_simulated_is_named(tmp_path, extra, message):
    netlist, library = tiny(tmp_path, **extra)
    with pytest.raises(BadInputError, match=message):
        run(netlist, library, "zero", [1, 0])


def test_unmapped_cells_and_wrong_stimuli_are_named(tmp_path):
    with pytest.raises(ToolFailedError, match=r"unmapped cells \$_AND_"):
        tiny(tmp_path, rest=cell("$_AND_", A=A, B=A, Y=8))
    netlist, library = tiny(tmp_path)
    with pytest.raises(BadInputError, match="does not fit its 1 bits"):
        run(netlist, library, "zero", [2])
    with pytest.raises(BadInputError, match="at least 1"):
        run(netlist, library, "zero", [])
    with pytest.raises(BadInputError, match="names b, which"):
        simulate(netlist, library, {"b": [1]}, setup={"a": [0]}, delay_model="zero", warm_up_cycles=1)
    with pytest.raises(BadInputError, match="clock_ns must be positive"):
        estimate_power(netlist, library, run(netlist, library, "zero", [1]), clock_ns=0.0)


@pytest.mark.parametrize("name", LIBRARIES)
def test_mapped_netlist_computes_what_the_rtl_computes(make_rtl, build_cache, liberty_dir, name):
    path = liberty_dir / f"{name}.lib.gz"
    netlist_json = synthesise_asic(make_rtl(), path, build_cache, clock_ns=25.0).netlist_json
    netlist, library = load_netlist(netlist_json, "mac"), read_liberty(path)
    rng = random.Random(11)
    data = [rng.getrandbits(12) for _ in range(3000)]
    stimulus = {"in_valid": [1] * len(data), "in_data": data}
    zero, unit = (
        simulate(netlist, library, stimulus, setup={"rst": [1, 1]}, delay_model=model, warm_up_cycles=4)
        for model in ("zero", "unit")
    )
    expected = [(value & 63) * (value >> 6) + 37 for value in data]
    assert zero.outputs["out_data"][2:] == unit.outputs["out_data"][2:] == expected[:-2]
    assert zero.outputs["out_valid"] == [0, 0] + [1] * (len(data) - 2)
    assert set(zero.outputs["tmr_err"]) == {0}
    powers = [estimate_power(netlist, library, activity, clock_ns=25.0).whole for activity in (zero, unit)]
    assert 0 < powers[0].switching_mw < powers[1].switching_mw
    assert 0 < powers[0].internal_mw < powers[1].internal_mw


def test_other_netlist_is_caught_by_its_outputs(make_rtl, build_cache, liberty_dir):
    """Negative control: a design that adds 38 does not pass for one that adds 37."""
    path = liberty_dir / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
    other = make_rtl(top=TOP.replace("13'd37", "13'd38"))
    netlist = load_netlist(synthesise_asic(other, path, build_cache, clock_ns=25.0).netlist_json, "mac")
    stimulus = {"in_valid": [1] * 3, "in_data": [0, 0, 0]}
    library = read_liberty(path)
    activity = simulate(netlist, library, stimulus, setup={"rst": [1, 1]}, delay_model="zero", warm_up_cycles=4)
    assert activity.outputs["out_data"][2] == 38
