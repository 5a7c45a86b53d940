"""Fast exact emulation of a graph: tiles of events through floating point, as far as ranges prove it exact."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from codesign.fixed import Integers
from codesign.float_form import FloatForm, Floats
from codesign.graph import Graph, Node, event_count

# The narrowest float that holds every integer up to the key.
FLOATS = ((1 << 24, np.dtype(np.float32)), (1 << 53, np.dtype(np.float64)))
INTEGERS = np.dtype(np.int64)
TILE_ELEMENTS = 1 << 17  # the widest value of a tile: half a MiB in float32, so that a tile stays in cache
MIN_TILE, MAX_TILE = 64, 4096

Numbers = Floats | Integers


@dataclass(frozen=True)
class Predictor:
    """A graph with the number type that every computed node works in; `tile` events at a time on `threads` threads."""

    graph: Graph
    number_types: Mapping[str, np.dtype[np.generic]]
    tile: int
    threads: int

    def __call__(self, values: Mapping[str, Integers]) -> dict[str, Integers]:
        """Return the outputs (batch, *shape) for inputs (batch, *shape) and parameters (*shape): those of `evaluate`.

        An output that depends on no input is repeated for every event. Raises `BadInputError` as `Graph.evaluate`
        does. Every result of every node is asserted to lie in its bounds.
        """
        events = event_count(self.graph, values)
        arrays = {name: np.atleast_1d(value) for name, value in values.items()}
        static = self._static(arrays)
        types = self.graph.types
        outputs = {port.node: np.empty((events, *types[port.node].shape), np.int64) for port in self.graph.outputs}

        def run(start: int) -> None:
            chosen = slice(start, start + self.tile)
            inputs = {port.node: arrays[port.node][chosen] for port in self.graph.inputs if port.node in arrays}
            results = self._run(inputs, static)
            for name, array in outputs.items():
                array[chosen] = results[name]

        starts = range(0, max(events, 1), self.tile)
        if len(starts) == 1 or self.threads == 1:
            for start in starts:
                run(start)
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(run, starts))
        return outputs

    def _static(self, values: Mapping[str, Integers]) -> dict[str, Integers]:
        """Results of the nodes that depend on no input; they have no batch axis."""
        results: dict[str, Integers] = {}
        for node in self.graph.nodes:
            if node.name in self.graph.static:
                results[node.name] = self.graph.evaluate_node(node, values, results)
        return results

    def _run(self, inputs: Mapping[str, Integers], static: Mapping[str, Integers]) -> Mapping[str, Numbers]:
        results: dict[str, Numbers] = dict(static)
        for node in self.graph.nodes:
            if node.op.kind == "input":
                results[node.name] = self.graph.evaluate_node(node, inputs, {})
            elif node.name not in static:
                results[node.name] = self.compute(node, results)
                assert self.graph.types[node.name].bounds.contains(results[node.name]), node.name
        return results

    def trace(self, values: Mapping[str, Integers]) -> dict[str, Numbers]:
        """Return the result of every node, all events in one tile; static nodes without a batch axis."""
        arrays = {name: np.atleast_1d(value) for name, value in values.items()}
        return dict(self._run(arrays, self._static(arrays)))

    def compute(self, node: Node, results: Mapping[str, Numbers]) -> Numbers:
        """Return the result of a node that depends on an input, from those of its operands."""
        number_type = self.number_types[node.name]
        operands = [operand.astype(number_type, copy=False) for operand in self.graph.operands(node, results)]
        if isinstance(node.op, FloatForm) and number_type != INTEGERS:
            return node.op.evaluate_floats(*operands)
        return node.op.evaluate(*operands)


def compile_graph(graph: Graph, threads: int | None = None) -> Predictor:
    """Return the predictor of `graph`; `threads`: as many as there are processors unless given."""
    computed = [node for node in graph.nodes if node.operands and node.name not in graph.static]
    widest = max(graph.types[node.name].size for node in graph.nodes if node.name not in graph.static)
    tile = max(MIN_TILE, min(MAX_TILE, 1 << max(1, TILE_ELEMENTS // widest).bit_length() - 1))
    number_types = {node.name: number_type(graph, node) for node in computed}
    return Predictor(graph, number_types, tile, threads or os.cpu_count() or 1)


def number_type(graph: Graph, node: Node) -> np.dtype[np.generic]:
    """Return the narrowest type in which `node` is exact: float32, float64, or int64 where neither is proven."""
    if isinstance(node.op, FloatForm):
        largest = node.op.largest(*graph.operand_types(node.name))
        for end, floats in FLOATS:
            if largest < end:
                return floats
    return INTEGERS
