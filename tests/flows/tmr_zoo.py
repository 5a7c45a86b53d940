"""Hand-written designs in every mode of triplication, and the same designs broken in one place each."""

from dataclasses import dataclass
from pathlib import Path

from codesign.flows.yosys_job import run_job

SHARED = """
(* keep_hierarchy *)
module voter #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, input [W-1:0] c, output [W-1:0] y, output err);
    assign y   = (a & b) | (b & c) | (c & a);
    assign err = |((a ^ b) | (b ^ c));
endmodule
(* keep_hierarchy *)
module or_voter #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, input [W-1:0] c, output [W-1:0] y, output err);
    assign y   = a | b | c;
    assign err = |((a ^ b) | (b ^ c));
endmodule
(* keep_hierarchy *)
module and_voter #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, input [W-1:0] c, output [W-1:0] y, output err);
    assign y   = a & b & c;
    assign err = |((a ^ b) | (b ^ c));
endmodule
(* keep_hierarchy *)
module blind_voter #(parameter W = 1) (input [W-1:0] a, input [W-1:0] b, input [W-1:0] c, output [W-1:0] y, output err);
    assign y   = (a & b) | (b & c) | (c & a);
    assign err = |(a ^ b);
endmodule
(* keep_hierarchy *)
module lane (input en, input [3:0] d, input [3:0] v, input [1:0] n, output [3:0] next, output [1:0] count);
    assign next  = en ? d ^ {n, n} : v;
    assign count = n + 2'd1;
endmodule
(* keep_hierarchy *)
module other_lane (input en, input [3:0] d, input [3:0] v, input [1:0] n, output [3:0] next, output [1:0] count);
    assign next  = en ? d ^ {n, 1'b0, n[0]} : v;
    assign count = n + 2'd1;
endmodule
"""

# One voter for each register, logic once.
REGISTERS = """
module TOP (input clk, input rst, input en, input [3:0] d, output [3:0] out, output tmr_err);
    (* keep *) reg [3:0] vA; (* keep *) reg [3:0] vB; (* keep *) reg [3:0] vC;
    (* keep *) reg [1:0] nA; (* keep *) reg [1:0] nB; (* keep *) reg [1:0] nC;
    wire [3:0] v, next;
    wire [1:0] n, count;
    wire errV, errN;
    assign next  = en ? d ^ {n, n} : v;
    assign count = n + 2'd1;
    (* keep *) always @(posedge clk) if (rst) vA <= 4'd0; else vA <= next;
    (* keep *) always @(posedge clk) if (rst) vB <= 4'd0; else vB <= next;
    (* keep *) always @(posedge clk) if (rst) vC <= 4'd0; else vC <= next;
    (* keep *) always @(posedge clk) if (rst) nA <= 2'd2; else nA <= count;
    (* keep *) always @(posedge clk) if (rst) nB <= 2'd2; else nB <= count;
    (* keep *) always @(posedge clk) if (rst) nC <= 2'd2; else nC <= count;
    voter #(4) u_v (.a(vA), .b(vB), .c(vC), .y(v), .err(errV));
    voter #(2) u_n (.a(nA), .b(nB), .c(nC), .y(n), .err(errN));
    assign out     = v + n;
    assign tmr_err = errV | errN;
endmodule
"""

# A voter for each copy; the logic in front of a copy reads its own voter.
VOTERS = """
module TOP (input clk, input rst, input en, input [3:0] d, output [3:0] out, output tmr_err);
    (* keep *) reg [3:0] vA; (* keep *) reg [3:0] vB; (* keep *) reg [3:0] vC;
    (* keep *) reg [1:0] nA; (* keep *) reg [1:0] nB; (* keep *) reg [1:0] nC;
    wire [3:0] votedA, votedB, votedC;
    wire [1:0] countA, countB, countC;
    wire errV, errN;
    wire [3:0] data = d + 4'd5;
    wire [1:0] step = {d[0] & d[1], d[2] | d[3]};
    (* keep *) always @(posedge clk) if (rst) vA <= 4'd0; else vA <= en ? data : votedA;
    (* keep *) always @(posedge clk) if (rst) vB <= 4'd0; else vB <= en ? data : votedB;
    (* keep *) always @(posedge clk) if (rst) vC <= 4'd0; else vC <= en ? data : votedC;
    (* keep *) always @(posedge clk) if (rst) nA <= 2'd2; else nA <= countA + step;
    (* keep *) always @(posedge clk) if (rst) nB <= 2'd2; else nB <= countB + step;
    (* keep *) always @(posedge clk) if (rst) nC <= 2'd2; else nC <= countC + step;
    voter #(4) u_vA (.a(vA), .b(vB), .c(vC), .y(votedA), .err(errV));
    voter #(4) u_vB (.a(vA), .b(vB), .c(vC), .y(votedB), .err());
    voter #(4) u_vC (.a(vA), .b(vB), .c(vC), .y(votedC), .err());
    voter #(2) u_nA (.a(nA), .b(nB), .c(nC), .y(countA), .err(errN));
    voter #(2) u_nB (.a(nA), .b(nB), .c(nC), .y(countB), .err());
    voter #(2) u_nC (.a(nA), .b(nB), .c(nC), .y(countC), .err());
    assign out     = votedA + countA;
    assign tmr_err = errV | errN;
endmodule
"""

# Logic, voters and registers three times; PORTS, clocks and resets are those of the two full modes.
FULL = """
module TOP (PORTS input en, input [3:0] d, output [3:0] out, output tmr_err);
    (* keep *) reg [3:0] vA; (* keep *) reg [3:0] vB; (* keep *) reg [3:0] vC;
    (* keep *) reg [1:0] nA; (* keep *) reg [1:0] nB; (* keep *) reg [1:0] nC;
    wire [3:0] votedA, votedB, votedC, nextA, nextB, nextC;
    wire [1:0] countA, countB, countC, upA, upB, upC;
    wire errV, errN;
    (* keep *) always @(posedge CLKA) if (RSTA) vA <= 4'd0; else vA <= nextA;
    (* keep *) always @(posedge CLKB) if (RSTB) vB <= 4'd0; else vB <= nextB;
    (* keep *) always @(posedge CLKC) if (RSTC) vC <= 4'd0; else vC <= nextC;
    (* keep *) always @(posedge CLKA) if (RSTA) nA <= 2'd2; else nA <= upA;
    (* keep *) always @(posedge CLKB) if (RSTB) nB <= 2'd2; else nB <= upB;
    (* keep *) always @(posedge CLKC) if (RSTC) nC <= 2'd2; else nC <= upC;
    lane u_laneA (.en(en), .d(d), .v(votedA), .n(countA), .next(nextA), .count(upA));
    lane u_laneB (.en(en), .d(d), .v(votedB), .n(countB), .next(nextB), .count(upB));
    lane u_laneC (.en(en), .d(d), .v(votedC), .n(countC), .next(nextC), .count(upC));
    voter #(4) u_vA (.a(vA), .b(vB), .c(vC), .y(votedA), .err(errV));
    voter #(4) u_vB (.a(vA), .b(vB), .c(vC), .y(votedB), .err());
    voter #(4) u_vC (.a(vA), .b(vB), .c(vC), .y(votedC), .err());
    voter #(2) u_nA (.a(nA), .b(nB), .c(nC), .y(countA), .err(errN));
    voter #(2) u_nB (.a(nA), .b(nB), .c(nC), .y(countB), .err());
    voter #(2) u_nC (.a(nA), .b(nB), .c(nC), .y(countC), .err());
    voter #(4) u_out (.a(votedA ^ countA), .b(votedB ^ countB), .c(votedC ^ countC), .y(out), .err());
    assign tmr_err = errV | errN;
endmodule
"""


def _with_clocks(text: str, ports: str, clock: str, reset: str) -> str:
    text = text.replace("PORTS", ports)
    for copy in "ABC":
        text = text.replace(f"CLK{copy}", clock.format(copy)).replace(f"RST{copy}", reset.format(copy))
    return text


BASES = {
    "registers": REGISTERS,
    "triplicated_voters": VOTERS,
    "full": _with_clocks(FULL, "input clk, input rst,", "clk", "rst"),
    "full_clocks": _with_clocks(
        FULL, "input clkA, input clkB, input clkC, input rstA, input rstB, input rstC,", "clk{}", "rst{}"
    ),
}

_OF_REGISTERS = {
    "voter dropped": (".y(v), .err(errV));", ".y(), .err(errV)); assign v = vA;"),
    "voter is an or": ("voter #(4) u_v ", "or_voter #(4) u_v "),
    "voter is an and": ("voter #(2) u_n ", "and_voter #(2) u_n "),
    "voter reads one copy twice": ("u_v (.a(vA), .b(vB), .c(vC)", "u_v (.a(vA), .b(vB), .c(vB)"),
    "voter reads bits in another order": (".c(vC), .y(v)", ".c({vC[2:0], vC[3]}), .y(v)"),
    "lanes swapped": ("else vB <= next;", "else vB <= {next[3:2], next[0], next[1]};"),
    "feedback not voted": ("else vC <= next;", "else vC <= en ? d ^ {n, n} : vC;"),
    "feedback of all copies not voted": (": v;", ": vA;"),
    "enable of one copy stuck": ("else vB <= next;", "else vB <= d ^ {n, n};"),
    "reset value differs": ("vA <= 4'd0;", "vA <= 4'd1;"),
    "reset of one copy missing": ("if (rst) nC <= 2'd2; else nC", "nC"),
    "edge of one clock": ("always @(posedge clk) if (rst) nB", "always @(negedge clk) if (rst) nB"),
    "a copy is constant": ("else vB <= next;", "else vB <= 4'd0;"),
    "a bit of a copy is constant": ("else vB <= next;", "else vB <= {1'b0, next[2:0]};"),
    "inverted error output": ("tmr_err = errV | errN", "tmr_err = ~(errV | errN)"),
    "error output stuck low": ("tmr_err = errV | errN", "tmr_err = 1'b0"),
    "error output stuck high": ("tmr_err = errV | errN", "tmr_err = 1'b1"),
    "error of a register left out": ("tmr_err = errV | errN", "tmr_err = errV"),
    "errors are and": ("tmr_err = errV | errN", "tmr_err = errV & errN"),
    "errors cancel": ("tmr_err = errV | errN", "tmr_err = (errV | errN) & ~en"),
    "error of one copy left out": ("voter #(2) u_n ", "blind_voter #(2) u_n "),
    "output from one copy": ("assign out     = v + n;", "assign out     = v + nB;"),
    "output bit from one copy": ("assign out     = v + n;", "assign out     = {vC[3], v[2:0]};"),
    "logic reads one copy": ("assign next  = en ? d ^ {n, n}", "assign next  = en ? d ^ {n, nA}"),
    "a flip-flop outside": ("assign out     = v + n;",
        "reg late; always @(posedge clk) late <= d[0]; assign out = v + n + late;"),
    "two of three copies": ("assign out     = v + n;",
        "(* keep *) reg pA; (* keep *) reg pB; (* keep *) always @(posedge clk) pA <= d[0];"
        " (* keep *) always @(posedge clk) pB <= d[0]; assign out = v + n + (pA & pB);"),
    "a copy is a wire":
        ("(* keep *) always @(posedge clk) if (rst) nB <= 2'd2; else nB <= count;", "always @* nB = nA;"),
    "a latch": ("assign out     = v + n;", "reg held; always @* if (en) held = d[0]; assign out = v + n + held;"),
}  # fmt: skip
_OF_VOTERS = {
    "one voter for all": ("en ? data : votedB", "en ? data : votedA", "en ? data : votedC", "en ? data : votedA"),
    "one voter for two": ("en ? data : votedC", "en ? data : votedB"),
    "counter with one voter": ("nB <= countB +", "nB <= countA +", "nC <= countC +", "nC <= countA +"),
    "feedback not voted": ("en ? data : votedB", "en ? data : vB"),
    "voter B is an or": ("voter #(4) u_vB", "or_voter #(4) u_vB"),
    "voter C is an and": ("voter #(2) u_nC", "and_voter #(2) u_nC"),
    "voter C reads one copy twice": ("u_nC (.a(nA), .b(nB), .c(nC)", "u_nC (.a(nA), .b(nC), .c(nC)"),
    "lanes swapped": ("vB <= en ? data : votedB", "vB <= en ? {data[0], data[3:1]} : votedB"),
    "enable of one copy stuck": ("vC <= en ? data : votedC", "vC <= data"),
    "hold of one copy stuck": ("vC <= en ? data : votedC", "vC <= votedC"),
    "inverted error output": ("tmr_err = errV | errN", "tmr_err = ~(errV | errN)"),
    "error of a register left out": ("tmr_err = errV | errN", "tmr_err = errN"),
    "output from one copy": ("votedA + countA", "vA + countA"),
    "reset value differs": ("nB <= 2'd2;", "nB <= 2'd3;"),
}
_OF_FULL = {
    "shared logic": (".next(nextB), .count(upB)", ".next(), .count()", "<= nextB", "<= nextA", "<= upB", "<= upA"),
    "one shared signal": (".next(nextC)", ".next()", "<= nextC", "<= nextB"),
    "lane reads a voter of another": (".v(votedB), .n(countB)", ".v(votedA), .n(countB)"),
    "another function in one lane": ("lane u_laneB", "other_lane u_laneB"),
    "voter dropped": (".v(votedC), .n(countC)", ".v(vC), .n(countC)"),
    "voter of a lane is an or": ("voter #(4) u_vB", "or_voter #(4) u_vB"),
    "output from one lane": (".y(out), .err());", ".y(), .err()); assign out = votedB ^ countB;"),
    "output votes one lane twice": (".c(votedC ^ countC)", ".c(votedB ^ countB)"),
    "output voter is an or": ("voter #(4) u_out", "or_voter #(4) u_out"),
    "output from a copy": (".y(out), .err());", ".y(), .err()); assign out = vA ^ nA;"),
    "lanes swapped at the output": (".b(votedB ^ countB)", ".b({votedB[0], votedB[3:1]} ^ countB)"),
    "inverted error output": ("tmr_err = errV | errN", "tmr_err = ~(errV | errN)"),
    "error of a register left out": ("tmr_err = errV | errN", "tmr_err = errV"),
    "enable of one lane stuck": ("lane u_laneA (.en(en)", "lane u_laneA (.en(1'b1)"),
}
BREAKS = {
    "registers": _OF_REGISTERS,
    "triplicated_voters": _OF_VOTERS,
    "full": _OF_FULL,
    "full_clocks": _OF_FULL
    | {
        "shared clock": ("posedge clkB", "posedge clkA"),
        "clock of one register shared": ("@(posedge clkC) if (rstC) nC", "@(posedge clkB) if (rstC) nC"),
        "shared reset": ("if (rstB)", "if (rstA)"),
        "reset of one register shared": ("if (rstC) nC", "if (rstA) nC"),
        "clocks swapped in one register": ("@(posedge clkB) if (rstB) nB", "@(posedge clkC) if (rstB) nB",
                                           "@(posedge clkC) if (rstC) nC", "@(posedge clkB) if (rstC) nC"),
    },
}  # fmt: skip
# Netlists of a mode that do not satisfy the next one.
TOO_WEAK = (("registers", "triplicated_voters"), ("triplicated_voters", "full"), ("full", "full_clocks"))


@dataclass(frozen=True)
class Variant:
    """A design of the zoo: its mode, what is broken in it (nothing: ""), its Verilog and its name."""

    mode: str
    broken: str
    text: str
    top: str


def variants() -> tuple[Variant, ...]:
    """All designs, intact ones first."""
    found = [Variant(mode, "", text, f"intact_{mode}") for mode, text in BASES.items()]
    for mode, breaks in BREAKS.items():
        for number, (broken, edits) in enumerate(breaks.items()):
            text = BASES[mode]
            for old, new in zip(edits[::2], edits[1::2], strict=True):
                assert old in text, (mode, broken, old)
                text = text.replace(old, new)
            found.append(Variant(mode, broken, text, f"broken_{mode}_{number}"))
    return tuple(found)


def synthesise(work: Path, scratch: Path, mapping: str, liberty: Path | None = None) -> Path:
    """Synthesise the zoo in one run of Yosys; return the folder with a JSON netlist for each design.

    Every module is mapped by itself, so that voters and lanes that compute the same stay apart, and flattened last.
    """
    zoo = variants()
    scratch.write_text(SHARED + "".join(v.text.replace("module TOP", f"module {v.top}") for v in zoo))
    lines = ["read_verilog zoo.v", "design -save zoo"]
    for variant in zoo:
        lines += ["design -load zoo", f"synth -noabc -top {variant.top}", *mapping.splitlines()]
        lines += ["setattr -mod -unset keep_hierarchy", "flatten", "opt_clean", f"write_json {variant.top}.json"]
    files = {"zoo.v": scratch} | ({} if liberty is None else {"cells.lib": liberty})
    return run_job("\n".join(lines) + "\n", "tmr_zoo", files, work, 600.0)
