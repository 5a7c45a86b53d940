"""Gate-level simulation in Verilator against the one in numpy: every net, equal integers."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.files import write_text
from codesign.flows.activity_files import net_names, structural_verilog
from codesign.flows.cell_models import cell_models
from codesign.flows.gate_simulation import simulate
from codesign.flows.gate_verilator import read_activity, simulate_in_verilator
from codesign.flows.liberty import read_liberty
from codesign.flows.power import estimate_power
from codesign.sim.gates import ACTIVITY_SAIF
from tests.flows.liberty_zoo import ODD_CELLS, flip_flop, gates, library
from tests.flows.test_power import CLK, LIBERTY, A, cell, tiny

RESET = 'clear : "!RN"; preset : "SN\'";'


def both(tmp_path, models=LIBERTY):
    """Activity of the same netlist and stimulus from Verilator, with cells of the library `models`, and from numpy."""
    # A chain of gates behind the flip-flop whose nets are high at the start.
    netlist, cells = tiny(tmp_path, next=cell("INV", A=7, Y=8), last=cell("XOR2", A=8, B=A, Y=9))
    (tmp_path / "models.lib").write_text(models)
    verilog = write_text(tmp_path / "netlist.v", structural_verilog(netlist))
    stimulus = {"a": np.random.default_rng(7).integers(0, 2, 333).tolist()}
    given = {"setup": {"a": [0, 1]}, "warm_up_cycles": 2}
    found = simulate_in_verilator(
        netlist, read_liberty(tmp_path / "models.lib"), stimulus, **given, verilog=verilog, folder=tmp_path / "sim"
    )
    return netlist, cells, found, simulate(netlist, cells, stimulus, **given, delay_model="zero", streams=3)


def differing(netlist, clock, first, second):
    """Names of the nets whose toggles or cycles at 1 differ; the clock toggles in the one simulation only."""
    names = {net: name for net, name in net_names(netlist).items() if net != clock}
    return [
        name
        for net, name in names.items()
        if (first.toggles[net], first.ones[net]) != (second.toggles[net], second.ones[net])
    ]


def test_every_net_toggles_as_often_as_in_numpy_and_a_changed_count_is_noticed(tmp_path):
    netlist, cells, verilated, numpy = both(tmp_path)
    assert differing(netlist, CLK, verilated, numpy) == []
    assert verilated.outputs == numpy.outputs and verilated.cycles == numpy.cycles == 333
    assert verilated.toggles[CLK] == 2 * 333 and verilated.toggles[A] > 100
    first, second = (estimate_power(netlist, cells, one, clock_ns=10.0) for one in (verilated, numpy))
    assert first.nodes == second.nodes and "Verilator" in first.method and "numpy" in second.method
    # Negative controls: the counts are those of the file, and a file without a net is refused.
    path = tmp_path / "sim" / ACTIVITY_SAIF
    text = path.read_text()
    toggles = verilated.toggles[A]
    path.write_text(text.replace(f"(TC {toggles})", f"(TC {toggles + 2})"))
    changed, _ = read_activity(netlist, tmp_path / "sim")
    assert changed[A] == toggles + 2


def test_a_model_with_another_function_is_noticed(tmp_path):
    netlist, _, verilated, numpy = both(tmp_path, LIBERTY.replace("A ^ B", "A | B"))
    assert differing(netlist, CLK, verilated, numpy) == ["n9"]


def test_flip_flops_are_modelled_with_clear_preset_and_edge(tmp_path):
    pins = "".join(f"pin ({name}) {{ direction : input; capacitance : 0.002; }}" for name in ("RN", "SN"))
    path = tmp_path / "zoo.lib"
    path.write_text(library(gates() + flip_flop("DFF", clock="!CK", more=RESET, pins=pins)))
    text = cell_models(read_liberty(path), ["DFF", "NAND2"])
    assert "assign Y = ~(A & B);" in text and "assign Q = IQ;" in text
    assert "always @(negedge CK or negedge SN or negedge RN)" in text
    assert "if (~SN) IQ <= 1'b1; else\n    if (~RN) IQ <= 1'b0; else\n    IQ <= D;" in text


@pytest.mark.parametrize(
    ("kind", "message"), [("LATCH", "no gate or flip-flop"), ("NONE", "no gate"), ("MACRO", "without a function")]
)
def test_a_cell_that_cannot_be_modelled_is_named(tmp_path, kind, message):
    path = tmp_path / "odd.lib"
    path.write_text(ODD_CELLS)
    with pytest.raises(BadInputError, match=f"cell {kind} .*{message}"):
        cell_models(read_liberty(path), [kind])
