"""Names that may stand in Verilog: module, port, node and register names are checked before any text is written."""

import re

from codesign.errors import BadInputError

# How the names of three copies end, as in CERN's TMRG.
LANES = ("A", "B", "C")

# A simple identifier (IEEE Std 1364-2005, 3.7). Escaped identifiers (`\name `) are legal Verilog, but tools print,
# split and flatten them differently, so none is ever emitted.
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")

# IEEE Std 1364-2005 requires tools to accept at least this many characters (3.7.1).
MAX_LENGTH = 1024

# IEEE Std 1364-2005, Annex B.
VERILOG_2005_KEYWORDS = frozenset(
    """always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam
    design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable
    endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout
    input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor
    noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
    scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0
    tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor
    xor""".split()
)

# What IEEE Std 1800-2017, Annex B, adds: users read the emitted files into SystemVerilog test benches.
SYSTEMVERILOG_KEYWORDS = frozenset(
    """accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle
    checker class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker
    endclass endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect
    export extends extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies
    import inside int interconnect interface intersect join_any join_none let local logic longint matches modport
    nettype new nexttime null package packed priority program property protected pure rand randc randcase
    randsequence ref reject_on restrict return s_always s_eventually s_nexttime s_until s_until_with sequence
    shortint shortreal soft solve static string strong struct super sync_accept_on sync_reject_on tagged this
    throughout timeprecision timeunit type typedef union unique unique0 until until_with untyped var virtual void
    wait_order weak wildcard with within""".split()
)


def check_identifier(name: str, what: str) -> str:
    """Return `name` if it can be written as a Verilog identifier; `what` says in the error whose name it is.

    Letters, digits, `_` and `$`, not starting with a digit or `$`, at most 1024 characters, no keyword of
    Verilog-2005 or SystemVerilog-2017. Raises `BadInputError` otherwise.
    """
    if len(name) > MAX_LENGTH:
        raise BadInputError(f"{what} has a name of {len(name)} characters: Verilog allows {MAX_LENGTH}; shorten it")
    if _IDENTIFIER.fullmatch(name) is None:
        raise BadInputError(
            f"{what} {name!r} is no Verilog identifier: use letters, digits and _, with a letter or _ first"
        )
    if name in VERILOG_2005_KEYWORDS or name in SYSTEMVERILOG_KEYWORDS:
        raise BadInputError(f"{what} {name!r} is a keyword of Verilog or SystemVerilog: choose another name")
    return name


def identifier(name: str) -> str:
    """Return a node's name as one identifier."""
    return name.replace(".", "_")
