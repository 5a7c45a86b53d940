"""An interaction network as a graph, from the integer MLPs of the benchmark folder: in_edge, in_node, in_edge2.

Messages, node states and the sums of messages are rounded to 8 signed bits, which is what the MLPs read.
"""

from pathlib import Path

from benchmarks.models import Model, Rounding, read_model
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.concat import Concat
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.segment_sum import SegmentSum
from codesign.ops.sources import Constant, Input
from codesign.ops.take import Take

VALUE = Fixed(8, 0, signed=True)
MESSAGE_SHIFT, TOTAL_SHIFT, STATE_SHIFT = 4, 2, 4


def interaction_network(folder: Path, nodes: int, edges: int, rounding: Rounding = "half_up") -> Graph:
    """Return the graph for `nodes` and `edges`; inputs x, edge, sender, receiver, output score (edges, 1)."""
    r1, o, r2 = (read_model(folder / f"in_{name}.json") for name in ("edge", "node", "edge2"))
    index = Fixed(nodes.bit_length())
    parts = [
        Node("x", Input((nodes, 3), VALUE)),
        Node("edge", Input((edges, 4), VALUE)),
        Node("sender", Input((edges,), index)),
        Node("receiver", Input((edges,), index)),
        *_pair("pair", "x"),
        Node("r1_in", Concat(1), ("pair", "edge")),
        *_perceptron("r1", r1, "r1_in", rounding),
        _rounded("message", "r1_3", MESSAGE_SHIFT),
        Node("sum", SegmentSum(nodes), ("message", "receiver")),
        _rounded("total", "sum", TOTAL_SHIFT),
        Node("o_in", Concat(1), ("x", "total")),
        *_perceptron("o", o, "o_in", rounding),
        _rounded("state", "o_3", STATE_SHIFT),
        *_pair("states", "state"),
        Node("r2_in", Concat(1), ("states", "message")),
        *_perceptron("r2", r2, "r2_in", rounding),
    ]
    inputs = tuple(Port(name) for name in ("x", "edge", "sender", "receiver"))
    return Graph(f"in_{nodes}", tuple(parts), inputs, (Port("r2_3"),))


def _pair(name: str, value: str) -> list[Node]:
    ends = [Node(f"{name}_{end}", Take(), (value, end)) for end in ("receiver", "sender")]
    return [*ends, Node(name, Concat(1), (f"{name}_receiver", f"{name}_sender"))]


def _rounded(name: str, value: str, shift: int) -> Node:
    return Node(name, Requantise(VALUE, (1,), ((1 << shift) >> 1,), shift, "floor"), (value,))


def _perceptron(name: str, model: Model, data: str, rounding: Rounding) -> list[Node]:
    found = []
    for k, layer in enumerate(model.layers, start=1):
        half = (1 << layer.shift) >> 1 if rounding == "half_up" and layer.bits else 0
        found += [Node(f"{name}_w{k}", Constant(layer.weight)), Node(f"{name}_b{k}", Constant(layer.bias + half))]
        found += [Node(f"{name}_{k}", Dense(), (data, f"{name}_w{k}", f"{name}_b{k}"))]
        data = f"{name}_{k}"
        if layer.bits:
            kind = "floor" if rounding == "half_up" else "half_even"
            op = Requantise(Fixed(layer.bits), (1,), (0,), layer.shift, kind)
            found += [Node(f"{name}_act{k}", op, (data,))]
            data = f"{name}_act{k}"
    return found
