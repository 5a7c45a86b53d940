"""Proof, read off the emitted Verilog, that `tmr_memory` stands three times and that the words read are voted.

Every copy has a process of its own, equal to the others but for the letter of the copy: it writes the same word at the
same address and reads its own memory into its own register. The voter reads the three registers and gives the output.
"""

import warnings
from collections.abc import Iterator
from typing import Any

with warnings.catch_warnings():
    # pyverilog 1.3.0 leaves its VERSION file open when it is imported.
    warnings.simplefilter("ignore", ResourceWarning)
    from pyverilog.ast_code_generator.codegen import ASTCodeGenerator
    from pyverilog.vparser import ast

MEMORY = "tmr_memory"
COPIES = ("A", "B", "C")
PROCESS = (
    "always @(posedge clk) begin if(we) words{0}[write_address] <= d; if(re) read{0} <= words{0}[read_address]; end"
)
VOTER_PORTS = {"a": "readA", "b": "readB", "c": "readC", "y": "q", "err": "differ"}


def memory_fault(tree: Any) -> str | None:
    """Return why module `tmr_memory` is not triplicated and voted as it should be, None if it is."""
    branch = next((node for node in walk(tree) if isinstance(node, ast.IfStatement)), None)
    if branch is None or _text(branch.cond) != "(TMR != 0)":
        return "does not choose its copies by TMR"
    processes = sorted(_text(node) for node in walk(branch.true_statement) if isinstance(node, ast.Always))
    if processes != [PROCESS.format(copy) for copy in COPIES]:
        return f"needs a process for each copy, equal but for the letter, not {'; '.join(processes) or 'none'}"
    voters = [node for node in walk(branch.true_statement) if isinstance(node, ast.Instance)]
    ports = [{port.portname: _text(port.argname) for port in voter.portlist} for voter in voters]
    if [voter.module for voter in voters] != ["majority_voter"] or ports != [VOTER_PORTS]:
        return "its voter does not read the three copies and give q and differ"
    drivers = sorted(_text(node) for node in tree.children() if isinstance(node, ast.Assign))
    return None if drivers == ["assign err = differ && was_read || read_err;"] else "err does not follow the voter"


def walk(tree: Any) -> Iterator[Any]:
    """Yield `tree` and every syntax node below it."""
    yield tree
    for child in tree.children():
        yield from walk(child)


def _text(tree: Any) -> str:
    """Return a syntax tree as Verilog in one line."""
    return " ".join(ASTCodeGenerator().visit(tree).split())
