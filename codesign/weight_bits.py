"""Bits of programmable weights: which there are, and what a graph answers when one of them is flipped."""

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.graph import Graph, Node
from codesign.ops import Parameter
from codesign.predict import Numbers, Predictor, compile_graph


@dataclass(frozen=True)
class WeightBit:
    """Bit `bit` (0: least significant) of element `element` (row-major) of a parameter."""

    parameter: str
    element: int
    bit: int


def programmable(graph: Graph) -> tuple[Graph, dict[str, Integers]]:
    """Return `graph` with its constant weights as parameters, and their values.

    Weights are what reaches a static operand of an operator (weights and biases of layers); the format of each is the
    narrowest that holds all of its values, as if it were stored so. A graph that has parameters is returned as it is.
    Raises `BadInputError` for a graph without weights.
    """
    if graph.sources("parameter"):
        return graph, {}
    weights = {name: graph.types[name] for name in _constant_weights(graph)}
    if not weights:
        raise BadInputError(f"graph '{graph.name}' has no weights: no operator reads a constant or a parameter as one")
    nodes = tuple(
        replace(node, op=Parameter(weights[node.name].shape, weights[node.name].fixed))
        if node.name in weights
        else node
        for node in graph.nodes
    )
    values = {name: value.bounds.low for name, value in weights.items()}
    return Graph(graph.name, nodes, graph.inputs, graph.outputs), values


def _constant_weights(graph: Graph) -> list[str]:
    read = {node.operands[position] for node in graph.nodes for position in node.op.static_operands}
    sources = read.union(*(nx.ancestors(graph.nx, name) for name in read))
    return [node.name for node in graph.sources("constant") if node.name in sources]


def weight_bits(graph: Graph) -> tuple[WeightBit, ...]:
    """Return every bit of every parameter, in the order in which they are stored."""
    return tuple(
        WeightBit(node.name, element, bit)
        for node in graph.sources("parameter")
        for element in range(graph.types[node.name].size)
        for bit in range(graph.types[node.name].fixed.width)
    )


def flipped(values: Integers, fixed: Fixed, element: int, bit: int) -> Integers:
    """Return `values` with one bit of the two's complement of one element flipped."""
    changed = np.array(values, dtype=np.int64)
    sign = fixed.signed and bit == fixed.width - 1
    is_set = int(changed.flat[element]) >> bit & 1
    changed.flat[element] += (-1 if sign else 1) * (-1 if is_set else 1) * (1 << bit)
    return changed


class UpsetWeights:
    """A graph evaluated on events, and again for changed weights, from the first node that differs.

    `outputs` of the unchanged weights are those of the graph's predictor. A node whose operands are unchanged, or whose
    result turns out to be, costs nothing behind it.
    """

    def __init__(self, graph: Graph, values: Mapping[str, Integers]) -> None:
        self.graph = graph
        self.values = {node.name: np.asarray(values[node.name]) for node in graph.sources("parameter")}
        self.predictor: Predictor = compile_graph(graph, threads=1)
        self.base = self.predictor.trace(values)
        self.readers = {name: self._readers(name) for name in self.values}

    def _readers(self, parameter: str) -> frozenset[str]:
        return frozenset(nx.descendants(self.graph.nx, parameter))

    def flip(self, bit: WeightBit) -> dict[str, Integers]:
        """Return the outputs (events, *shape) with one bit flipped."""
        fixed = self.graph.types[bit.parameter].fixed
        return self.changed({bit.parameter: flipped(self.values[bit.parameter], fixed, bit.element, bit.bit)})

    def flip_all_signs(self) -> dict[str, Integers]:
        """Return the outputs (events, *shape) with the highest bit of every weight flipped."""
        given = {}
        for name, values in self.values.items():
            fixed = self.graph.types[name].fixed
            half = 1 << (fixed.width - 1)
            given[name] = np.where(values - fixed.low >= half, values - half, values + half)
        return self.changed(given)

    def changed(self, parameters: Mapping[str, Integers]) -> dict[str, Integers]:
        """Return the outputs (events, *shape) with other values of some parameters."""
        own: dict[str, Any] = dict(parameters)
        results = ChainMap(own, self.base)
        for node in self._behind(parameters):
            if any(name in own for name in node.operands):
                result = self._result(node, results)
                if not np.array_equal(result, self.base[node.name]):
                    own[node.name] = result
        return {port.node: np.asarray(results[port.node], dtype=np.int64) for port in self.graph.outputs}

    def _behind(self, parameters: Mapping[str, Integers]) -> Iterator[Node]:
        reached = frozenset[str]().union(*(self.readers[name] for name in parameters))
        return (node for node in self.graph.nodes if node.name in reached)

    def _result(self, node: Node, results: Mapping[str, Numbers]) -> Numbers:
        if node.name in self.graph.static:
            return self.graph.evaluate_node(node, {}, results)
        result = self.predictor.compute(node, results)
        assert self.graph.types[node.name].bounds.contains(result), node.name
        return result
