"""Walks over the syntax trees of pyverilog."""

import warnings
from collections.abc import Iterator
from typing import Any

with warnings.catch_warnings():
    # pyverilog 1.3.0 leaves its VERSION file open when it is imported.
    warnings.simplefilter("ignore", ResourceWarning)
    from pyverilog.vparser import ast


def walk(tree: Any) -> Iterator[Any]:
    """Yield `tree` and every syntax node below it."""
    yield tree
    for child in tree.children():
        yield from walk(child)


def names(tree: Any) -> frozenset[str]:
    """Return the identifiers in `tree`."""
    return frozenset(node.name for node in walk(tree) if isinstance(node, ast.Identifier))


def targets(left: Any) -> frozenset[str]:
    """Return the signals that the left-hand side `left` assigns, without those in its indices."""
    if isinstance(left, ast.Identifier):
        return frozenset({left.name})
    parts = [left.var] if isinstance(left, ast.Lvalue | ast.Pointer | ast.Partselect) else left.children()
    return frozenset().union(*(targets(part) for part in parts))


def signals(module: Any) -> frozenset[str]:
    """Return the ports, wires and variables that `module` declares."""
    kinds = ast.Input | ast.Output | ast.Wire | ast.Reg | ast.Integer
    return frozenset(node.name for node in walk(module) if isinstance(node, kinds))
