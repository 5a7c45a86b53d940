"""Triplication by source: lanes, fan-outs and voters; every mode is simulated, and what must be refused."""

import json
import re
import shutil
from pathlib import Path

import pytest

from codesign.errors import BadInputError, VerificationError
from codesign.flows.synthesis import require_registers
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.flows.yosys import count_flip_flops
from codesign.graph import Graph, Port
from codesign.options import SELECTIVE
from codesign.protection import Protection
from codesign.row_schedule import RowSchedule
from codesign.rtl import emit, template_text, write_rtl
from codesign.schedule import schedule
from codesign.triplicate import Scope, triplicate
from tests.flows.test_tmr import NODES
from tests.ops.check_op import Bench, check_response, check_text, random_values
from tests.row_zoo import network
from tests.test_rtl_rows import check, planned

GRAPH = Graph("lanes", NODES, (Port("x"),), (Port("fc"),))
PLAN = schedule(GRAPH, {"conv": 12, "fc": 8})
SERIAL_NODES = {"conv": "full", "fc": "none"}
SELECTED = {"u_valid_1": frozenset({0}), "u_x_r1": frozenset({0, 1, 5, 47}), "u_conv": frozenset({-1})}
PROTECTIONS = {
    "none": Protection("none"),
    "registers": Protection("registers"),
    "triplicated_voters": Protection("triplicated_voters"),
    "full": Protection("full"),
    "full_clocks": Protection("full_clocks"),
    "one node in lanes": Protection("registers", SERIAL_NODES),
    "one node outside of the lanes": Protection("full", {"conv": "registers"}),
    "selected bits": Protection(SELECTIVE, {}, SELECTED),
}


def emitted(name: str, folder: Path) -> Path:
    return write_rtl(emit(GRAPH, PLAN, tmr=PROTECTIONS[name], clock_ns=25.0), folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROTECTIONS)
def test_every_mode_computes_the_graph_and_keeps_its_copies(name, tmp_path, build_cache):
    rtl_dir = emitted(name, tmp_path / "rtl")
    check_text(GRAPH, PLAN, rtl_dir, tmp_path / "lint")
    check_response(GRAPH, PLAN, rtl_dir, Bench(tmp_path, build_cache), random_values(GRAPH, 40, seed=1))
    count = count_flip_flops(rtl_dir, tmp_path / "synthesis")
    require_registers(count, rtl_dir, tmp_path / "synthesis")
    manifest = json.loads((rtl_dir / "manifest.json").read_text())
    assert count.flip_flop_bits == manifest["register_bits"] + 2 * manifest["protected_bits"]


def test_the_manifest_says_what_is_protected_and_what_is_not(tmp_path):
    found, total = {}, 0
    for name in PROTECTIONS:
        manifest = json.loads((emitted(name, tmp_path / name) / "manifest.json").read_text())
        found[name] = manifest["protected_bits"]
        assert manifest["single_points_of_failure"]
        lanes = "ABC" if name == "full_clocks" else ("",)
        assert manifest["clocks"] == [f"{clock}{lane}" for clock in ("clk", "cfg_clk") for lane in lanes]
        total = max(total, manifest["register_bits"])
    assert found["none"] == 0
    assert {found[name] for name in ("registers", "triplicated_voters", "full", "full_clocks")} == {total}
    assert 0 < found["selected bits"] < found["one node in lanes"] < total


def test_lanes_of_the_top_level(tmp_path):
    text = (emitted("full_clocks", tmp_path) / "lanes.v").read_text()
    assert re.search(r"input  wire clkA,\n +input  wire clkB,\n +input  wire clkC,", text)
    assert "(* keep_hierarchy *) tmr_fanout #(.WIDTH(48)) fan_in_data (" in text
    assert ".a(out_dataA), .b(out_dataB), .c(out_dataC), .y(out_data), .err(vote_err[" in text
    assert "assign tmr_err = (|err) | (|vote_err);" in text
    assert "TMR" not in text
    assert "// Clocks and resets come three times" in text
    assert not (tmp_path / "tmr_register.v").exists() and (tmp_path / "phase_counter_full.v").exists()


def test_the_same_design_gives_the_same_text(tmp_path):
    first, second = (emitted("full", tmp_path / name) for name in "ab")
    assert [path.read_text() for path in sorted(first.iterdir())] == [p.read_text() for p in sorted(second.iterdir())]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["parallel", "streaming"])
def test_engines_over_rows_stand_in_lanes(architecture, tmp_path, build_cache):
    graph = network(8, 16)
    plan: RowSchedule = planned(graph, {8: 2, 16: 4}, architecture)
    check(graph, plan, tmp_path, build_cache, "full_clocks")


def test_what_cannot_differ_is_refused():
    with pytest.raises(BadInputError, match=r"no node 'w' with hardware of its own \(.*\): choose one of "):
        emit(GRAPH, PLAN, tmr=Protection("registers", {"w": "full"}), clock_ns=25.0)
    graph = network(8, 16)
    with pytest.raises(BadInputError, match="one mode of tmr for the whole design"):
        emit(graph, planned(graph, {8: 2, 16: 4}, "parallel"), tmr=Protection("registers", {"x": "none"}), clock_ns=5.0)


def lanes_of(text: str) -> str:
    files = {name: template_text(f"{name}.v") for name in ("tmr_register", "tmr_register_full", "tmr_memory_full")}
    files |= {name: template_text(f"{name}.v") for name in ("tmr_fanout", "majority_voter")}
    return triplicate(files | {"top": text}, "top", Scope(lambda name: True, clocks=False))["top"]


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(BadInputError, match="'aB' is the name of a lane: rename a node"):
        lanes_of("module top(input wire x, output wire tmr_err); wire a, aB; assign a = x; endmodule")


def test_an_error_flag_cannot_read_a_lane_inside_of_a_module():
    inner = "module inner(input wire clk, input wire rst, input wire d, output wire q, output wire tmr_err); wire e;\n"
    inner += (
        "tmr_register r (.clk(clk), .rst(rst), .en(1'b1), .d(d), .q(q), .err(e)); assign tmr_err = e & d; endmodule"
    )
    files = {name: template_text(f"{name}.v") for name in ("tmr_register", "tmr_register_full", "tmr_fanout")}
    files |= {"majority_voter": template_text("majority_voter.v"), "inner": inner}
    files["top"] = "module top(input wire clk); inner i (.clk(clk)); endmodule"
    with pytest.raises(BadInputError, match="module inner: an error flag reads 'd', which stands in lanes"):
        triplicate(files, "top", Scope(lambda name: True, clocks=False))


ZOO = {
    "an assignment reads another lane": ("lanes.v", "assign valid_0B = in_validB", "assign valid_0B = in_validA"),
    "an assignment reads what stands once": ("lanes.v", "assign valid_0C = in_validC", "assign valid_0C = in_valid"),
    "data of a register swapped": ("lanes.v", ".dB(valid_0B)", ".dB(valid_0C)"),
    "reset of a lane shared": ("lanes.v", ".rstC(rstC)", ".rstC(rstA)"),
    "output voter reads a lane twice": ("lanes.v", ".b(out_dataB)", ".b(out_dataA)"),
    "fan-out swapped": ("lanes.v", ".yA(in_validA), .yB(in_validB)", ".yA(in_validB), .yB(in_validA)"),
    "counter in a lane": ("phase_counter_full.v", "nextB = lastB", "nextB = lastA"),
    "own voter not fed back": ("tmr_register_full.v", "enB ? dB : qB", "enB ? dB : copyB"),
    "voter of another lane fed back": ("tmr_register_full.v", "enB ? dB : qB", "enB ? dB : qA"),
    "data of another lane": ("tmr_register_full.v", "enB ? dB : qB", "enB ? dA : qB"),
    "clock of another lane": ("tmr_register_full.v", "posedge clkB", "posedge clkA"),
    "voter reads a copy twice": ("tmr_register_full.v", ".b(copyB), .c(copyC), .y(qB)", ".b(copyC), .c(copyC), .y(qB)"),
    "flag inverted": ("majority_voter.v", "assign err = |(", "assign err = ~|("),
}


@pytest.mark.parametrize("fault", ZOO)
def test_a_spoilt_lane_is_caught_in_the_source(fault, tmp_path):
    rtl_dir = emitted("full_clocks", tmp_path / "rtl")
    prove_all_state_is_triplicated(rtl_dir)
    file, good, bad = ZOO[fault]
    shutil.copytree(rtl_dir, tmp_path / "spoilt")
    text = (rtl_dir / file).read_text()
    assert good in text
    (tmp_path / "spoilt" / file).write_text(text.replace(good, bad, 1))
    with pytest.raises(VerificationError, match=r"lanes\.v|phase_counter_full\.v|tmr_register_full\.v"):
        prove_all_state_is_triplicated(tmp_path / "spoilt")
