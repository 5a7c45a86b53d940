"""Netlists as others make them: names, pins, inputs and memories that this project never writes, intact and broken."""

from pathlib import Path

import pytest

from codesign.cli import execute
from codesign.errors import BadInputError
from codesign.files import read_json, write_json
from codesign.flows.check_tmr import check_path
from codesign.flows.tmr_rules import Requirement
from codesign.flows.yosys_job import run_job
from codesign.sim.seu import load_kernel

# One bit in three copies P, Q, R; LOAD is what they do at a clock edge, MORE what else there is.
ONE_BIT = """
module TOP (input clk, input rst, input en, input d, PORTS output out, output tmr_err);
    (* keep *) reg P; (* keep *) reg Q; (* keep *) reg R;
    wire voted = (P & Q) | (Q & R) | (P & R);
    wire next = en ? d : voted;
    (* keep *) always @(posedge clk) LOAD_P
    (* keep *) always @(posedge clk) LOAD_Q
    (* keep *) always @(posedge clk) LOAD_R
    MORE
    assign out = voted;
    assign tmr_err = FLAG;
endmodule
"""
PLAIN, FLAG = "if (rst) {} <= 1'b0; else {} <= next;", "(P ^ Q) | (Q ^ R)"
# A lane for each copy, with inputs of its own; IN_A is what lane A adds.
LANES = """
(* keep_hierarchy *) module TOP_maj (input a, input b, input c, output y);
    assign y = (a & b) | (b & c) | (a & c);
endmodule
module TOP (input clkA, input clkB, input clkC, RESETS input dA, input dB, input dC, output out, output tmr_err);
    (* keep *) reg qA; (* keep *) reg qB; (* keep *) reg qC;
    wire vA, vB, vC;
    (* keep *) always @(posedge clkA) if (RST_A) qA <= 1'b0; else qA <= vA ^ (IN_A);
    (* keep *) always @(posedge clkB) if (RST_B) qB <= 1'b0; else qB <= vB ^ (IN_B);
    (* keep *) always @(posedge clkC) if (RST_C) qC <= 1'b0; else qC <= vC ^ (IN_C);
    TOP_maj uA (.a(qA), .b(qB), .c(qC), .y(vA));
    TOP_maj uB (.a(qA), .b(qB), .c(qC), .y(vB));
    TOP_maj uC (.a(qA), .b(qB), .c(qC), .y(vC));
    TOP_maj uo (.a(vA), .b(vB), .c(vC), .y(out));
    assign tmr_err = (qA ^ qB) | (qB ^ qC);
endmodule
"""
MEMORY = """
module TOP (input clkA, input clkB, input clkC, input we, input [1:0] wa, input [1:0] ra, input [3:0] d,
            output [3:0] out);
    (* keep *) reg [3:0] memA [0:3]; (* keep *) reg [3:0] memB [0:3]; (* keep *) reg [3:0] memC [0:3];
    (* keep *) reg [3:0] rA; (* keep *) reg [3:0] rB; (* keep *) reg [3:0] rC;
    wire [1:0] waA, waB, waC;
    always @(posedge clkA) begin if (we) memA[waA] <= d; rA <= memA[ra]; end
    always @(posedge CLK_B) begin if (we) memB[waB] <= d; rB <= memB[ra]; end
    always @(posedge clkC) begin if (we) memC[waC] <= d; rC <= memC[ra]; end
    ADDRESS
    assign out = OUT;
endmodule
"""
ADDRESS = "assign waA = wa; assign waB = wa; assign waC = wa; "
CLOCKS_USED = " ".join(f"(* keep *) reg k{k}; (* keep *) always @(posedge clk{k}) k{k} <= ra[0];" for k in "ABC")
# Lanes are instances, their registers end in A, B and C by chance.
INSTANCES = """
(* keep_hierarchy *) module TOP_lane (input clk, input en, input [2:0] d, input [2:0] v, output [2:0] q);
    (* keep *) reg opA, opB, opC;
    assign q = {opC, opB, opA};
    always @(posedge clk) {opC, opB, opA} <= en ? {d[2] & d[1], d[1] ^ d[0], d[0]} : v;
endmodule
module TOP (input clk, input en, input [2:0] d, output [2:0] out, output tmr_err);
    wire [2:0] a, b, c;
    TOP_lane laneA (clk, en, d, out, a);
    TOP_lane laneB (clk, en, d, out, b);
    TOP_lane laneC (clk, en, d, out, c);
    assign out = (a & b) | (b & c) | (a & c);
    assign tmr_err = |((a ^ b) | (b ^ c));
endmodule
"""


def one_bit(names=("qA", "qB", "qC"), load=PLAIN, loads=None, flag=FLAG, more="", ports=""):
    text = ONE_BIT.replace("PORTS", ports).replace("MORE", more).replace("FLAG", flag)
    for place, own in zip("PQR", loads or [load] * 3, strict=True):
        text = text.replace(f"LOAD_{place}", own.replace("{}", place))
    words = {"P": names[0], "Q": names[1], "R": names[2]}
    return "".join(words.get(part, part) for part in _parts(text))


def _parts(text):
    """Split into single letters that stand alone and the rest."""
    part = ""
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char in "PQR" and not (before.isalnum() or after.isalnum() or "_" in (before, after)):
            yield part
            yield char
            part = ""
        else:
            part += char
    yield part


def lanes(data=("dA", "dB", "dC"), resets="input rstA, input rstB, input rstC,", reset=("rstA", "rstB", "rstC")):
    text = LANES.replace("RESETS", resets)
    for copy, own, rst in zip("ABC", data, reset, strict=True):
        text = text.replace(f"IN_{copy}", own).replace(f"RST_{copy}", rst)
    return text


def tables(second):
    """Lanes that look up what they load; `second` is the function that lane B looks up, of the address k."""
    addresses = [f"t{copy}[{{d{copy}, v{copy}, d{copy}, v{copy}}}]" for copy in "ABC"]
    held = "reg tA [0:15]; reg tB [0:15]; reg tC [0:15]; integer k;"
    filled = f"tA[k] = k[0] ^ k[3]; tB[k] = {second}; tC[k] = k[0] ^ k[3];"
    text = f"    {held} initial for (k = 0; k < 16; k = k + 1) begin {filled} end\n    TOP_maj uo"
    return lanes(data=addresses).replace("    TOP_maj uo", text)


def memory(out="(rA & rB) | (rB & rC) | (rA & rC)", clock="clkB", address=ADDRESS):
    return MEMORY.replace("OUT", out).replace("CLK_B", clock).replace("ADDRESS", address)


def ring(voters="A"):
    """Two bits that take each other's value, with a voter for each copy or one for all."""
    bits, text = ((0, 1), (1, 0)), ""
    for own, other in bits:
        for copy in "ABC":
            voted = f"v{other}{copy if copy in voters else 'A'}"
            text += f"(* keep *) reg r{own}{copy}; "
            text += f"(* keep *) always @(posedge clk) r{own}{copy} <= rst ? 1'b{own} : {voted}; "
        pins = f".a(r{own}A), .b(r{own}B), .c(r{own}C)"
        text += "".join(f"wire v{own}{copy}; TOP_maj u{own}{copy} ({pins}, .y(v{own}{copy})); " for copy in voters)
    flag = " | ".join(f"(r{own}A ^ r{own}B) | (r{own}B ^ r{own}C)" for own, _ in bits)
    head = LANES.partition("module TOP (")[0] + "module TOP (input clk, input rst, output out, output tmr_err); "
    return f"{head}{text} assign out = v0A; assign tmr_err = {flag}; endmodule\n"


def words(first):
    cells = [
        f"mem{copy}[{k}] = {k + (value if k == 0 else 0)};"
        for copy, value in zip("ABC", first, strict=True)
        for k in range(4)
    ]
    return f"{ADDRESS}initial begin {' '.join(cells)} end"


STICKY = (
    "wire seen; (* keep *) reg sA; (* keep *) reg sB; (* keep *) reg sC; "
    + " ".join(f"(* keep *) always @(posedge clk) s{k} <= ~rst & (seen | ((P ^ Q) | (Q ^ R)));" for k in "ABC")
    + " assign seen = (sA & sB) | (sB & sC) | (sA & sC); assign kept = seen;"
)
ALL_FLAGS = f"{FLAG} | (sA ^ sB) | (sB ^ sC)"
THREE_FLAGS = "".join(f"assign tmr_err{k} = FLAG; " for k in "ABC")
SCAN = [
    "{} <= scan_en ? scan_in : ~rst & next;",
    "{} <= scan_en ? P : ~rst & next;",
    "{} <= scan_en ? Q : ~rst & next;",
]
SCAN_PORTS = "input scan_en, input scan_in,"
ERROR_PORTS = "output tmr_errA, output tmr_errB, output tmr_errC,"
CORRECTING = "if (en | ((P ^ Q) | (Q ^ R))) {} <= next;"
OPERANDS = ("dA & dB", "dA & dC", "dB & dC")

# Name: text, mode, whether it is intact, further requirements.
DESIGNS = {
    "names_lower": (one_bit(("q_a", "q_b", "q_c")), "registers", True, {}),
    "names_tmr": (one_bit(("q_tmr0", "q_tmr1", "q_tmr2")), "registers", True, {}),
    "names_from_1": (one_bit(("q1_reg", "q2_reg", "q3_reg")), "registers", True, {}),
    "names_of_tools": (one_bit(("qA_reg", "qB_reg", "qC_reg")), "registers", True, {}),
    "names_of_bits": (one_bit(("qA_3_", "qB_3_", "qC_3_")), "registers", True, {}),
    "names_escaped": (one_bit(("\\u/qA(3) ", "\\u/qB(3) ", "\\u/qC(3) ")), "registers", True, {}),
    "names_merged": (one_bit(("q_tmr0", "q_tmr1", "q_tmr2"), loads=[PLAIN, PLAIN, "{} <= P;"]), "registers", False, {}),
    "instances": (INSTANCES, "registers", True, {}),
    "corrected_when_wrong": (one_bit(load=CORRECTING), "registers", True, {}),
    "held_by_enable": (one_bit(load="if (en) {} <= d;"), "registers", False, {}),
    "sticky": (one_bit(flag=ALL_FLAGS, more=STICKY, ports="output kept,"), "registers", True, {"counters": ("s",)}),
    "sticky_unsaid": (one_bit(flag=ALL_FLAGS, more=STICKY, ports="output kept,"), "registers", False, {}),
    "scan": (one_bit(loads=SCAN, ports=SCAN_PORTS), "registers", True, {"constants": {"scan_en": 0}}),
    "scan_unsaid": (one_bit(loads=SCAN, ports=SCAN_PORTS), "registers", False, {}),
    "lane_inputs": (lanes(), "full_clocks", True, {}),
    "lane_inputs_as_registers": (lanes(), "registers", True, {}),
    "lane_inputs_as_voters": (lanes(), "triplicated_voters", True, {}),
    "lane_reads_input_of_another": (lanes(("dA", "dA", "dC")), "full", False, {}),
    "lane_reads_two_inputs": (lanes(("dA", "dB & dA", "dC")), "full_clocks", False, {}),
    "operands": (lanes(["dA & dB | dC"] * 3), "registers", True, {}),
    "operands_differ": (lanes(OPERANDS), "full", False, {}),
    "shared_reset": (lanes(resets="input nrst,", reset=["!nrst"] * 3), "full_clocks", False, {}),
    "ring": (ring(), "registers", True, {}),
    "ring_of_one_voter_each": (ring(), "triplicated_voters", False, {}),
    "ring_of_three_voters_each": (ring("ABC"), "triplicated_voters", True, {}),
    "memory": (memory(), "full_clocks", True, {}),
    "memory_as_registers": (memory(), "registers", True, {}),
    "memory_of_three_clocks": (memory(address=ADDRESS + CLOCKS_USED), "full_clocks", True, {}),
    "memory_of_two_clocks": (memory(clock="clkA", address=ADDRESS + CLOCKS_USED), "full_clocks", False, {}),
    "memory_unvoted": (memory(out="rB"), "registers", False, {}),
    "memory_starts_alike": (memory(address=words((5, 5, 5))), "registers", True, {}),
    "memory_starts_differently": (memory(address=words((0, 0, 5))), "registers", False, {}),
    "memory_tables": (tables("k[0] ^ k[3]"), "full_clocks", True, {}),
    "memory_tables_differ": (tables("k[1] ^ k[3] ^ (k == 5)"), "full_clocks", False, {}),
    "memory_of_one_address": (
        memory(address="wire [1:0] s = wa + 2'd3; assign waA = s; assign waB = s; assign waC = s;"), "full", False, {}),
}  # fmt: skip

IN_VERILOG = ("names_escaped", "held_by_enable")


@pytest.fixture(scope="module")
def netlists(build_cache, tmp_path_factory) -> Path:
    scratch = tmp_path_factory.mktemp("foreign") / "foreign.v"
    scratch.write_text("".join(text.replace("TOP", top) for top, (text, *_) in DESIGNS.items()))
    lines = ["read_verilog foreign.v", "design -save all"]
    for top in DESIGNS:
        memories = "synth -noabc -run begin:fine -top {0}\nopt -full\nmemory -nomap\nopt_clean\ntechmap\nopt"
        lines += ["design -load all", (memories if "memory" in top else "synth -noabc -top {0}").format(top)]
        lines += ["setattr -mod -unset keep_hierarchy", "flatten", "opt_clean", f"write_json {top}.json"]
        lines += [f"write_verilog -noattr {top}.v"] if top in IN_VERILOG else []
    return run_job("\n".join(lines) + "\n", "tmr_foreign", {"foreign.v": scratch}, build_cache, 200.0)


@pytest.mark.parametrize("top", DESIGNS)
def test_netlists_of_others_are_judged_right(netlists, top, tmp_path):
    _, mode, intact, further = DESIGNS[top]
    report = check_path(netlists / f"{top}.json", top, Requirement(mode, **further), None, tmp_path)
    assert bool(report.violations) != intact, report.text


@pytest.mark.parametrize("top", IN_VERILOG)
def test_a_netlist_may_be_verilog(netlists, top, tmp_path):
    report = check_path(netlists / f"{top}.v", None, Requirement(), None, tmp_path)
    assert (report.top, bool(report.violations)) == (top, not DESIGNS[top][2]), report.text


def test_library_cells_are_not_taken_for_the_top(netlists, tmp_path):
    content = read_json(netlists / "names_lower.json")
    content["modules"]["names_lower"]["attributes"].pop("top")
    box = {"attributes": {"blackbox": "1"}, "ports": {}, "cells": {}, "netnames": {}}
    content["modules"] = {"cell": box, **content["modules"]}
    path = write_json(tmp_path / "netlist.json", content)
    assert check_path(path, None, Requirement(), None, tmp_path).top == "names_lower"


@pytest.mark.parametrize("blind", [False, True])
def test_the_error_output_may_stand_three_times(build_cache, tmp_path, blind):
    flag = "(P ^ Q)" if blind else FLAG
    text = one_bit(more=THREE_FLAGS.replace("FLAG", flag), ports=ERROR_PORTS).replace(", output tmr_err)", ")")
    (tmp_path / "t.v").write_text(text.replace("TOP", "top").replace("assign tmr_err = ", "wire unused = "))
    job = run_job("read_verilog t.v\nsynth -flatten -noabc -top top\nwrite_json t.json\n", "tmr_foreign",
                  {"t.v": tmp_path / "t.v"}, build_cache, 100.0)  # fmt: skip
    report = check_path(job / "t.json", None, Requirement(error_output_required=True), None, tmp_path)
    assert [v.what for v in report.violations] == (["stays low while copy C differs"] if blind else [])


def test_a_gated_clock_is_told(netlists, build_cache, tmp_path):
    load = "if (rst) {} <= 1'b0; else {} <= d;"
    text = (
        one_bit(load=load)
        .replace("posedge clk", "posedge gated")
        .replace("wire next", "wire gated = clk & en; wire next")
    )
    (tmp_path / "t.v").write_text(text.replace("TOP", "top"))
    job = run_job("read_verilog t.v\nsynth -flatten -noabc -top top\nwrite_json t.json\n", "tmr_foreign",
                  {"t.v": tmp_path / "t.v"}, build_cache, 100.0)  # fmt: skip
    report = check_path(job / "t.json", None, Requirement(), None, tmp_path)
    assert not report.violations
    assert any("1 bits have a clock from logic" in one for one in report.remains)
    plain = check_path(netlists / "names_lower.json", None, Requirement(), None, tmp_path)
    assert "clock from logic" not in plain.text


def test_what_the_command_is_told_of_a_netlist(netlists):
    assert execute(["check-tmr", str(netlists / "scan.json"), "--constant", "scan_en=0"]) == 0
    assert execute(["check-tmr", str(netlists / "sticky.json"), "--counter", "s"]) == 0
    assert execute(["check-tmr", str(netlists / "scan.json"), "--constant", "scan_en"]) == 2


def test_a_constant_that_no_input_can_hold_is_refused(netlists, tmp_path):
    for constants in ({"scan": 0}, {"scan_en": 2}):
        with pytest.raises(BadInputError, match="constant scan"):
            check_path(netlists / "scan.json", "scan", Requirement(constants=constants), None, tmp_path)


def test_a_campaign_knows_the_copies_of_every_word(netlists, build_cache, tmp_path):
    load_kernel(build_cache)
    (tmp_path / "memory" / "cache").mkdir(parents=True)
    (tmp_path / "memory" / "cache" / "simulator").symlink_to(build_cache)
    path = str(netlists / "memory.json")
    options = ["--cycles", "16", "--horizon", "64", "--faults", "registers", "--output", str(tmp_path)]
    assert execute(["inject", "--netlist", path, "--top", "memory", *options]) == 0
    content = read_json(tmp_path / "memory" / "inject" / "seu.json")
    assert (content["netlist"]["flip_flops"], content["netlist"]["triples"]) == (60, 20)
    assert {f"mem[{word}]" for word in range(4)} <= set(content["registers"])
    assert not content["campaigns"]["registers"]["outcomes"]["wrong_output"]
