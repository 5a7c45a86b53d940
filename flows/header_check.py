"""The C++ header of a design against its graph: compile it with a small program, run that on events, compare."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from codesign.cpp import cpp_names, namespace
from codesign.errors import VerificationError
from codesign.files import write_text
from codesign.fixed import Integers
from codesign.flows.design import Bound
from codesign.flows.process import Command, run_tool
from codesign.graph import Graph
from codesign.packing import pack
from codesign.predict import compile_graph
from codesign.verify import Equality, compare

# The header must be free of what these find; -fsanitize stops the program at undefined behaviour.
STRICT = ("-std=c++17", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror")
CHECKED = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all")
COMPILE_S, RUN_S = 600.0, 3600.0
# Reads all parameters, then events until the file ends; writes the outputs of each event. Everything is int64.
_MAIN = """#include "{file}"
#include <cstdio>

template <typename Array>
bool read(std::FILE* file, Array& array) {{
    for (auto& value : array) {{
        std::int64_t wide = 0;
        if (std::fread(&wide, sizeof wide, 1, file) != 1) return false;
        value = static_cast<typename Array::value_type>(wide);
    }}
    return true;
}}

template <typename Array>
void write(std::FILE* file, const Array& array) {{
    for (std::int64_t wide : array) std::fwrite(&wide, sizeof wide, 1, file);
}}

int main(int, char** arguments) {{
    std::FILE* const given = std::fopen(arguments[1], "rb");
    std::FILE* const found = std::fopen(arguments[2], "wb");
    if (given == nullptr || found == nullptr) return 2;
    static {name}::Inputs inputs{{}};{parameters}
    while ({reads}) {{
        if (!{name}::fits({values})) return 3;
        const auto outputs = {name}::evaluate({values});{writes}
    }}
    return std::fclose(found) == 0 ? 0 : 2;
}}
"""
_PARAMETERS = """
    static {name}::Parameters parameters{{}};
    if (!({reads})) return 2;"""


def build_program(graph: Graph, header: Path, folder: Path, flags: Sequence[str] = CHECKED) -> Path:
    """Return the program around the header of `graph`; `ToolFailedError` if it does not compile without a warning."""
    write_text(folder / "main.cpp", program_text(graph, header.name))
    program = folder.resolve() / "emulate"
    arguments = ["g++", *STRICT, *flags, "-I", str(header.resolve().parent), "-o", str(program), "main.cpp"]
    run_tool(Command("g++", arguments, {}), folder, folder / "compile.log", COMPILE_S)
    return program


def program_text(graph: Graph, file: str) -> str:
    """Return the program that runs the header in `file` on events of a file."""
    names, own = cpp_names(graph), namespace(graph)
    parameters = [f"parameters.{names[node.name]}" for node in graph.sources("parameter")]
    declared = _PARAMETERS.format(name=own, reads=_reads(parameters)) if parameters else ""
    writes = "".join(f"\n        write(found, outputs.{names[port.node]});" for port in graph.outputs)
    return _MAIN.format(
        file=file,
        name=own,
        parameters=declared,
        reads=_reads([f"inputs.{names[port.node]}" for port in graph.inputs]),
        values="inputs, parameters" if parameters else "inputs",
        writes=writes,
    )


def _reads(places: Sequence[str]) -> str:
    return " && ".join(f"read(given, {place})" for place in places)


def run_program(program: Path, graph: Graph, values: Mapping[str, Integers], folder: Path) -> dict[str, Integers]:
    """Return the outputs (events, *shape) of the program for `values`, as `Graph.evaluate` takes them.

    `ToolFailedError` if it fails: code 3 for a value outside of its format, else undefined behaviour.
    """
    parameters = [np.asarray(values[node.name]).ravel() for node in graph.sources("parameter")]
    events = [np.asarray(values[port.node]) for port in graph.inputs]
    rows = np.concatenate([one.reshape(len(one), -1) for one in events], axis=1)
    given, found = folder.resolve() / "given.bin", folder.resolve() / "found.bin"
    np.concatenate([*parameters, rows.ravel()]).astype("<i8").tofile(given)
    command = Command("the C++ header", [str(program), str(given), str(found)], {})
    run_tool(command, folder, folder / "run.log", RUN_S)
    types = [graph.types[port.node] for port in graph.outputs]
    flat = np.fromfile(found, "<i8").reshape(len(rows), sum(one.size for one in types))
    parts = np.split(flat, np.cumsum([one.size for one in types])[:-1], axis=1)
    shapes = zip(graph.outputs, parts, types, strict=True)
    return {port.node: part.reshape(len(rows), *one.shape) for port, part, one in shapes}


def compare_outputs(graph: Graph, expected: Mapping[str, Integers], outputs: Mapping[str, Integers]) -> Equality:
    """Compare outputs (events, *shape) as integers, in the words that the Verilog would give."""
    names = [port.node for port in graph.outputs]
    for name in names:
        fixed = graph.types[name].fixed
        if outputs[name].size and not fixed.low <= outputs[name].min() <= outputs[name].max() <= fixed.high:
            raise VerificationError(f"{name}: the C++ header gave a value outside of {fixed}")
    words = pack([outputs[name] for name in names], [graph.types[name].fixed for name in names])
    return compare(graph, expected, words)


def verify_header(bound: Bound, header: Path, folder: Path) -> dict[str, Equality]:
    """Compare the header with the graph on the events of every case; `VerificationError` at the first difference."""
    folder.mkdir(parents=True, exist_ok=True)
    program, predict, found = build_program(bound.graph, header, folder), compile_graph(bound.graph), {}
    for case in bound.cases:
        values = {**bound.inputs, **case.parameters}
        equality = compare_outputs(bound.graph, predict(values), run_program(program, bound.graph, values, folder))
        found[case.name] = equality.require(f"case '{case.name}': C++ header and graph")
    for name in ("given.bin", "found.bin", "emulate"):
        (folder / name).unlink()
    return found
