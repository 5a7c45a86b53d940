"""Compile the C++ header of a graph, or another text in its place, and count what differs from the graph."""

from collections.abc import Mapping
from pathlib import Path

from codesign.cpp import cpp_header
from codesign.files import write_text
from codesign.fixed import Integers
from codesign.flows.header_check import build_program, compare_outputs, run_program
from codesign.graph import Graph


def compiled(graph: Graph, folder: Path, header: str = "") -> Path:
    """Return the program of the header of `graph`, or of the text `header` in its place."""
    folder.mkdir(parents=True, exist_ok=True)
    return build_program(graph, write_text(folder / f"{graph.name}.hpp", header or cpp_header(graph)), folder)


def run(program: Path, graph: Graph, values: Mapping[str, Integers]) -> dict[str, Integers]:
    return run_program(program, graph, values, program.parent)


def mismatches(program: Path, graph: Graph, values: Mapping[str, Integers]) -> int:
    """Return how many values of the outputs differ from those of `Graph.evaluate`."""
    got = run(program, graph, values)
    expected = {name: _repeated(array, graph.evaluate(values)[name]) for name, array in got.items()}
    equality = compare_outputs(graph, expected, got)
    assert equality.values == sum(array.size for array in got.values()) > 0
    return equality.mismatches


def _repeated(got: Integers, expected: Integers) -> Integers:
    """An output that depends on no input stands once."""
    return expected if expected.shape == got.shape else expected[None].repeat(len(got), axis=0)
