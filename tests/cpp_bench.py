"""Compile the C++ header of a graph with a small program around it, and run it on integers."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from codesign.cpp import cpp_header, cpp_names, namespace
from codesign.files import write_text
from codesign.fixed import Integers
from codesign.graph import Graph

STRICT = ("-std=c++17", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror")
CHECKED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
# Reads all parameters, then events until the input ends; writes the outputs of each event. Everything is int64.
MAIN = """#include "{file}"
#include <cstdio>

template <typename Array>
bool read(Array& array) {{
    for (auto& value : array) {{
        std::int64_t wide = 0;
        if (std::fread(&wide, sizeof wide, 1, stdin) != 1) return false;
        value = static_cast<typename Array::value_type>(wide);
    }}
    return true;
}}

template <typename Array>
void write(const Array& array) {{
    for (std::int64_t wide : array) std::fwrite(&wide, sizeof wide, 1, stdout);
}}

int main() {{
    {parameters}
    static {name}::Inputs inputs;
    while ({reads}) {{
        if (!{name}::fits({arguments})) return 3;
        const auto outputs = {name}::evaluate({arguments});
        {writes}
    }}
    return 0;
}}
"""


def compiled(graph: Graph, folder: Path, flags: tuple[str, ...] = ("-O1", *CHECKED), header: str = "") -> Path:
    """Return the program of the header of `graph`, or of the text `header` in its place."""
    names, own = cpp_names(graph), namespace(graph)
    parameters = [f"parameters.{names[node.name]}" for node in graph.sources("parameter")]
    text = MAIN.format(
        file=f"{graph.name}.hpp",
        name=own,
        parameters=_declared(own, parameters),
        reads=" && ".join(f"read(inputs.{names[port.node]})" for port in graph.inputs),
        arguments="inputs, parameters" if parameters else "inputs",
        writes=" ".join(f"write(outputs.{names[port.node]});" for port in graph.outputs),
    )
    write_text(folder / f"{graph.name}.hpp", header or cpp_header(graph))
    write_text(folder / "main.cpp", text)
    program = folder / "main"
    command = ("g++", *STRICT, *flags, "-o", str(program), str(folder / "main.cpp"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    return program


def _declared(own: str, parameters: list[str]) -> str:
    if not parameters:
        return ""
    return f"static {own}::Parameters parameters; if (!({' && '.join(f'read({one})' for one in parameters)})) return 2;"


def run(program: Path, graph: Graph, values: Mapping[str, Integers]) -> dict[str, Integers]:
    """Return the outputs (events, *shape) of the program for `values`, as `Graph.evaluate` takes them."""
    parameters = [np.asarray(values[node.name]).ravel() for node in graph.sources("parameter")]
    events = [np.asarray(values[port.node]) for port in graph.inputs]
    rows = np.concatenate([one.reshape(len(one), -1) for one in events], axis=1).astype("<i8")
    given = np.concatenate([np.zeros(0, "<i8"), *parameters]).astype("<i8").tobytes() + rows.tobytes()
    done = subprocess.run([program], input=given, capture_output=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr.decode()[:2000])
    types = [graph.types[port.node] for port in graph.outputs]
    flat = np.frombuffer(done.stdout, "<i8").reshape(len(rows), sum(one.size for one in types))
    parts = np.split(flat, np.cumsum([one.size for one in types])[:-1], axis=1)
    shapes = zip(graph.outputs, parts, types, strict=True)
    return {port.node: part.reshape(len(rows), *one.shape) for port, part, one in shapes}


def mismatches(program: Path, graph: Graph, values: Mapping[str, Integers]) -> int:
    """Return how many values of the outputs differ from those of `Graph.evaluate`."""
    expected, got = graph.evaluate(values), run(program, graph, values)
    wrong = 0
    for name, array in got.items():
        wanted = np.broadcast_to(expected[name], array.shape)
        wrong += int(np.count_nonzero(array != wanted))
    return wrong
