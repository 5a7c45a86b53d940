"""A C++17 header with the integer arithmetic of a graph, for trigger emulation software: no dependencies, same bits.

The header holds the templates of the operators that the graph uses, its constants, a structure each of inputs,
parameters (if any) and outputs, and `evaluate`. Every value has the narrowest type of 8, 16, 32 or 64 bits that holds
its format; ranges are asserted at compile time. Deterministic: same graph, same bytes.
"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

import numpy as np

from codesign.cpp_calls import INT32, INT64, Call, operator_call
from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.graph import Graph, Node, Port, TensorType

LINE = 118
INDENT = "    "
# Words that cannot be names in C++17 (ISO/IEC 14882:2017, 5.11), and the names that the header itself uses.
KEYWORDS = frozenset(
    """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
    constexpr const_cast continue decltype default delete do double dynamic_cast else enum explicit export extern false
    float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq
    private protected public register reinterpret_cast return short signed sizeof static static_assert static_cast
    struct switch template this thread_local throw true try typedef typeid typename union unsigned using virtual void
    volatile wchar_t while xor xor_eq""".split()
)
OWN_NAMES = frozenset(
    "Inputs Outputs Parameters constants evaluate fits inputs linux op outputs parameters ports std unix".split()
)
INCLUDES = ("array", "cstddef", "cstdint", "limits", "tuple")


def cpp_header(graph: Graph) -> str:
    """Return the text of the header; `BadInputError` for a sum that 64 bits do not hold."""
    return _Header(graph).text


def integer_type(value: TensorType) -> str:
    """The narrowest C++ type that holds the format of a value."""
    for bits in (8, 16, 32, 64):
        if -(1 << (bits - 1)) <= value.fixed.low and value.fixed.high < 1 << (bits - 1):
            return f"std::int{bits}_t"
    raise AssertionError(value.fixed)  # formats have at most 62 bits


def cpp_names(graph: Graph) -> dict[str, str]:
    """Return the C++ name of every node: its own with _ for dots, and with _ behind it where that is taken."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        found[node.name] = _free(node.name.replace(".", "_"), KEYWORDS | OWN_NAMES | frozenset(found.values()))
    return found


def namespace(graph: Graph) -> str:
    """Return the namespace of a design: its name, as far as C++ allows."""
    return _free(graph.name.replace("$", "_"), KEYWORDS | {"std"})


def _free(name: str, taken: frozenset[str]) -> str:
    while name in taken:
        name += "_"
    return name


@dataclass(frozen=True)
class _Header:
    """The parts of the header of one graph."""

    graph: Graph

    @cached_property
    def names(self) -> dict[str, str]:
        return cpp_names(self.graph)

    @cached_property
    def calls(self) -> dict[str, Call]:
        """Calls of all nodes that compute."""
        found = {}
        for node in self.graph.nodes:
            if node.operands:
                try:
                    found[node.name] = operator_call(node.op, *self.graph.operand_types(node.name))
                except BadInputError as error:
                    raise BadInputError(f"node '{node.name}': {error}") from error
        return found

    @property
    def text(self) -> str:
        guard = f"CODESIGN_{namespace(self.graph).upper()}_HPP"
        lines = [
            *self._comment(),
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *(f"#include <{name}>" for name in INCLUDES),
            "",
            f"namespace {namespace(self.graph)} {{",
            "",
            "// Operators --------------------------------------------------------------------------------------------",
            "",
            "namespace op {",
            "",
            *self._templates(),
            "}  // namespace op",
            "",
            "// Constants --------------------------------------------------------------------------------------------",
            "",
            *self._constants(),
            "// Interface --------------------------------------------------------------------------------------------",
            "",
            *self._interface(),
            *self._evaluate(),
            "",
            f"}}  // namespace {namespace(self.graph)}",
            "",
            "#endif",
        ]
        return "\n".join(lines) + "\n"

    def _comment(self) -> list[str]:
        name, values = namespace(self.graph), ", ".join(["inputs", *(["parameters"] if self._parameters else [])])
        return [
            f"// {self.graph.name}: the integer arithmetic of the design in C++17, equal to its Verilog in every bit.",
            f"// Graph: SHA-256 {self.graph.digest}.",
            "// Arrays are row-major, element 0 first, as in the Verilog's lowest bits. Real value of an integer:",
            "// integer * scale + offset, with the numbers in namespace ports.",
            f"// Use: {name}::Outputs result = {name}::evaluate({values}); values must lie in their formats, which",
            f"// {name}::fits({values}) tells.",
        ]

    @property
    def _parameters(self) -> tuple[Node, ...]:
        return self.graph.sources("parameter")

    def _templates(self) -> list[str]:
        used = sorted({call.template for call in self.calls.values()})
        return [line for name in ("arithmetic", *used) for line in (*_template(name).splitlines(), "")]

    # Constants --------------------------------------------------------------------------------------------------------

    def _constants(self) -> list[str]:
        lines = ["namespace constants {", ""]
        for node in self.graph.nodes:
            value = self.graph.types[node.name]
            if node.op.kind == "constant":
                lines += self._arrays(node, {"values": (integer_type(value), value.bounds.low)})
            elif node.op.kind == "input" and self._varies(node.name):
                ends = {"low": value.bounds.low, "high": value.bounds.high}
                lines += self._arrays(node, {name: (integer_type(value), array) for name, array in ends.items()})
            elif node.name in self.calls:
                own = self.calls[node.name].constants
                lines += self._arrays(node, {name: (_narrowest(array), array) for name, array in own.items()})
        return [*lines, "}  // namespace constants", ""]

    def _arrays(self, node: Node, arrays: dict[str, tuple[str, Integers]]) -> list[str]:
        if not arrays:
            return []
        lines = [f"namespace {self.names[node.name]} {{  // {node.op.kind}"]
        for name, (type_, values) in arrays.items():
            lines += [f"inline constexpr std::array<{type_}, {values.size}> {name} = {{"]
            lines += [*_listed(str(value) for value in values.ravel().tolist()), "};"]
        return [*lines, f"}}  // namespace {self.names[node.name]}", ""]

    # Interface --------------------------------------------------------------------------------------------------------

    def _interface(self) -> list[str]:
        graph = self.graph
        parts = {"Inputs": [port.node for port in graph.inputs], "Outputs": [port.node for port in graph.outputs]}
        if self._parameters:
            parts["Parameters"] = [node.name for node in self._parameters]
        lines = []
        for name, nodes in parts.items():
            lines += [f"struct {name} {{", *(self._member(node) for node in nodes), "};", ""]
        lines += ["namespace ports {", ""]
        for port in {port.node: port for port in (*graph.inputs, *graph.outputs)}.values():
            lines += self._scale(port)
        return [*lines, "}  // namespace ports", "", *self._fits()]

    def _member(self, node: str) -> str:
        value = self.graph.types[node]
        shape = " x ".join(map(str, value.shape))
        return f"{INDENT}std::array<{integer_type(value)}, {value.size}> {self.names[node]};  // {shape}, {value.fixed}"

    def _scale(self, port: Port) -> list[str]:
        lines = [f"namespace {self.names[port.node]} {{"]
        for name, values in (("scale", port.scale), ("offset", port.offset)):
            lines += [f"inline constexpr std::array<double, {len(values)}> {name} = {{"]
            lines += [*_listed(repr(float(value)) for value in values), "};"]
        return [*lines, "}", ""]

    def _fits(self) -> list[str]:
        """A function that says whether all given values lie in their ranges."""
        given = [("inputs", port.node) for port in self.graph.inputs]
        given += [("parameters", node.name) for node in self._parameters]
        lines = [
            "// Whether every value lies in the range of its format (or the narrower one that was given for it).",
            f"constexpr bool fits({self._arguments}) {{",
        ]
        for group, node in given:
            name, (low, high) = f"{group}.{self.names[node]}", self._ends(node)
            lines += [
                f"{INDENT}for (std::size_t e = 0; e < {name}.size(); ++e) {{",
                f"{INDENT * 2}if (!op::lies_in({name}[e], {low}, {high})) return false;",
                f"{INDENT}}}",
            ]
        return [*lines, f"{INDENT}return true;", "}", ""]

    def _ends(self, node: str) -> tuple[str, str]:
        """Lowest and highest value of element e of an input or parameter."""
        if self._varies(node):
            return f"constants::{self.names[node]}::low[e]", f"constants::{self.names[node]}::high[e]"
        bounds = self.graph.types[node].bounds
        return str(bounds.low.min()), str(bounds.high.max())

    def _varies(self, node: str) -> bool:
        """Whether the elements of a value have different bounds."""
        bounds = self.graph.types[node].bounds
        return bool(np.ptp(bounds.low) or np.ptp(bounds.high))

    @property
    def _arguments(self) -> str:
        return "const Inputs& inputs" + (", const Parameters& parameters" if self._parameters else "")

    # Evaluation -------------------------------------------------------------------------------------------------------

    def _evaluate(self) -> list[str]:
        lines = ["// The outputs of one event.", f"constexpr Outputs evaluate({self._arguments}) {{"]
        for node in self.graph.nodes:
            lines += self._node(node)
        lines += [f"{INDENT}return Outputs{{"]
        lines += [f"{INDENT * 2}{self._place(port.node)}," for port in self.graph.outputs]
        return [*lines, f"{INDENT}}};", "}"]

    def _place(self, node: str) -> str:
        """Where the value of a node stands."""
        kind, name = self.graph.by_name[node].op.kind, self.names[node]
        sources = {
            "input": f"inputs.{name}",
            "parameter": f"parameters.{name}",
            "constant": f"constants::{name}::values",
        }
        return sources.get(kind, name)

    def _node(self, node: Node) -> list[str]:
        if node.name not in self.calls:
            return []
        value, call, name = self.graph.types[node.name], self.calls[node.name], self.names[node.name]
        low, high = int(value.bounds.low.min()), int(value.bounds.high.max())
        type_ = integer_type(value)
        places = [self._place(operand) for operand in node.operands]
        places += [f"constants::{name}::{one}" for one in call.constants]
        shape = " x ".join(map(str, value.shape))
        return [
            "",
            f"{INDENT}// {node.name}: {node.op.kind}, {shape}, {value.fixed}, values {low} to {high}",
            f"{INDENT}static_assert(op::holds<{type_}>({low}, {high}));",
            f"{INDENT}std::array<{type_}, {value.size}> {name}{{}};",
            *_wrapped(f"op::{call.template}{_template_arguments(call)}({', '.join([*places, name])});", INDENT),
        ]


def _template(name: str) -> str:
    return (resources.files("codesign.cpp_templates") / f"{name}.hpp").read_text(encoding="utf-8")


def _template_arguments(call: Call) -> str:
    plain = {INT32, INT64}
    texts = [
        str(value) if value in plain or str(value).startswith("op::") else f"/*{name}*/ {value}"
        for name, value in call.arguments.items()
    ]
    return f"<{', '.join(texts)}>" if texts else ""


def _narrowest(values: Integers) -> str:
    for bits in (8, 16, 32):
        info = np.iinfo(f"int{bits}")
        if info.min <= values.min() and values.max() <= info.max:
            return f"std::int{bits}_t"
    return INT64


def _listed(texts: Iterable[str]) -> list[str]:
    return _wrapped(", ".join(texts), INDENT)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        LINE,
        initial_indent=indent,
        subsequent_indent=indent if indent == INDENT and "(" not in text else indent * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
