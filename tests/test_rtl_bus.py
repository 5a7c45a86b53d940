"""The buses of programmable parameters: clean Verilog, declared registers, all of them triplicated, the manifest."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.flows.synthesis import require_registers
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.flows.yosys import count_flip_flops
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.sources import Constant, Input, Parameter
from codesign.register_map import CONFIG_BUSES, RegisterMap
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.verilator import lint
from tests.ops.check_op import elaborated_register_bits

NODES = (
    Node("x", Input((2,), Fixed(3, 0, True))),
    Node("w", Parameter((2, 2), Fixed(3, 0, True))),
    Node("b", Constant(np.array([1, -2]))),
    Node("fc", Dense(), ("x", "w", "b")),
)
GRAPH = Graph("tiny", NODES, (Port("x"),), (Port("fc"),))


@pytest.mark.parametrize("tmr", ["registers", "none"])
@pytest.mark.parametrize("bus", CONFIG_BUSES)
def test_every_bus_is_clean_and_its_registers_are_declared(bus, tmr, tmp_path):
    rtl = emit(GRAPH, schedule(GRAPH), tmr=tmr, clock_ns=25.0, bus=bus)
    rtl_dir = write_rtl(rtl, tmp_path / "rtl")
    lint([rtl_dir / name for name in rtl.manifest["sources"]], "tiny", tmp_path / "lint")
    assert elaborated_register_bits(rtl_dir, rtl.manifest["sources"]) == rtl.manifest["register_bits"]
    if tmr == "registers":
        assert prove_all_state_is_triplicated(rtl_dir).copies == ("qA", "qB", "qC")


def test_every_register_bit_of_the_slave_is_three_flip_flops_after_synthesis(tmp_path, build_cache):
    rtl_dir = write_rtl(emit(GRAPH, schedule(GRAPH), tmr="registers", clock_ns=25.0, bus="i2c"), tmp_path / "rtl")
    count = count_flip_flops(rtl_dir, build_cache)
    assert count.declared_bits > 100
    require_registers(count, rtl_dir, build_cache)


@pytest.mark.parametrize("bus", CONFIG_BUSES)
def test_the_manifest_says_bus_and_map(bus):
    manifest = emit(GRAPH, schedule(GRAPH), tmr="none", clock_ns=25.0, bus=bus).manifest
    assert RegisterMap.of(manifest) == RegisterMap("tiny", 12, bus)
    assert (manifest["register_map"].get("i2c_address") == 0x20) == (bus == "i2c")


def test_a_bus_without_parameters_is_refused():
    fixed = (NODES[0], Node("w", Constant(np.array([[1, 2], [3, 1]]))), *NODES[2:])
    graph = Graph("tiny", fixed, GRAPH.inputs, GRAPH.outputs)
    assert "register_map" not in emit(graph, schedule(graph), tmr="none", clock_ns=25.0).manifest
    with pytest.raises(BadInputError, match="'tiny' has no programmable parameters: leave --config-bus out"):
        emit(graph, schedule(graph), tmr="none", clock_ns=25.0, bus="i2c")
