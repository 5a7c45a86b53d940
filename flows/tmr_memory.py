"""Proof, read off the emitted Verilog, that `tmr_memory` stands three times and that the words read are voted.

Every copy has a process of its own, equal to the others but for the letter of the copy: it writes the same word at the
same address and reads its own memory into its own register. The voter reads the three registers and gives the output.
"""

import warnings
from typing import Any

from codesign.flows.verilog_tree import walk
from codesign.verilog_names import LANES

with warnings.catch_warnings():
    # pyverilog 1.3.0 leaves its VERSION file open when it is imported.
    warnings.simplefilter("ignore", ResourceWarning)
    from pyverilog.ast_code_generator.codegen import ASTCodeGenerator
    from pyverilog.vparser import ast

MEMORY, LANES_MEMORY = "tmr_memory", "tmr_memory_full"
MEMORIES = (MEMORY, LANES_MEMORY)
# Of copy {copy} in lane {lane}; the lane is "" where all copies share address and data.
PROCESS = (
    "always @(posedge clk{lane}) begin if(we{lane}) words{copy}[write_address{lane}] <= d{lane}; "
    "if(re{lane}) read{copy} <= words{copy}[read_address{lane}]; end"
)
FLAG = "assign err = differ{lane} && was_read{lane} || read_err;"


def memory_fault(tree: Any) -> str | None:
    """Return why module `tmr_memory` or `tmr_memory_full` is not triplicated and voted as it should be, else None."""
    lanes: tuple[str, ...] = LANES
    copies = tree
    if tree.name == MEMORY:
        branch = next((node for node in walk(tree) if isinstance(node, ast.IfStatement)), None)
        if branch is None or _text(branch.cond) != "(TMR != 0)":
            return "does not choose its copies by TMR"
        lanes, copies = ("", "", ""), branch.true_statement
    processes = sorted(_text(node) for node in walk(copies) if isinstance(node, ast.Always))
    if processes != [PROCESS.format(copy=copy, lane=lane) for copy, lane in zip(LANES, lanes, strict=True)]:
        return f"needs a process for each copy, equal but for the letter, not {'; '.join(processes) or 'none'}"
    found = [node for node in walk(copies) if isinstance(node, ast.Instance) and node.module == "majority_voter"]
    ports = [{port.portname: _text(port.argname) for port in voter.portlist} for voter in found]
    reads = {"a": "readA", "b": "readB", "c": "readC"}
    if ports != [reads | {"y": f"q{lane}", "err": f"differ{lane}"} for lane in dict.fromkeys(lanes)]:
        return "its voter does not read the three copies and give q and differ"
    drivers = [_text(node) for node in tree.children() if isinstance(node, ast.Assign)]
    kept = [text for text in drivers if not text.startswith("assign unused = ")]
    return None if kept == [FLAG.format(lane=lanes[0])] else "err does not follow the voter"


def _text(tree: Any) -> str:
    """Return a syntax tree as Verilog in one line."""
    return " ".join(ASTCodeGenerator().visit(tree).split())
