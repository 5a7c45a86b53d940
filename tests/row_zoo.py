"""Small graphs over rows that the tests of row programs share, and their random events."""

from collections.abc import Mapping

import numpy as np

from codesign.fixed import Fixed, Integers
from codesign.graph import Graph, Node, Port
from codesign.ops.add import Add
from codesign.ops.compare import Compare
from codesign.ops.concat import Concat
from codesign.ops.dense import Dense
from codesign.ops.global_pool import GlobalPool
from codesign.ops.requantise import Requantise
from codesign.ops.segment_sum import SegmentSum
from codesign.ops.sources import Constant, Input
from codesign.ops.take import Take


def weights(rng: np.random.Generator, name: str, outputs: int, inputs: int) -> list[Node]:
    """Return random weights and biases as nodes <name>_w and <name>_b."""
    matrix, bias = rng.integers(-7, 8, (outputs, inputs)), rng.integers(-9, 10, outputs)
    return [Node(f"{name}_w", Constant(matrix)), Node(f"{name}_b", Constant(bias))]


def layer(rng: np.random.Generator, name: str, data: str, sizes: tuple[int, int], bits: int = 6) -> list[Node]:
    """Return a dense layer over rows and its requantisation, nodes <name> and <name>_q."""
    outputs, inputs = sizes
    dense = Node(name, Dense(), (data, f"{name}_w", f"{name}_b"))
    quantise = Requantise(Fixed(bits, 0, signed=True), (5,), (3,), 6, "half_even")
    return [*weights(rng, name, outputs, inputs), dense, Node(f"{name}_q", quantise, (name,))]


def network(nodes: int, edges: int, seed: int = 1, name: str = "network") -> Graph:
    """Return an interaction network: messages, their sums, node states, edge scores, and a fault flag."""
    rng = np.random.default_rng(seed)
    index = Fixed(nodes.bit_length())
    pair = [Node(f"x_{end}", Take(), ("x", end)) for end in ("receiver", "sender")]
    states = [Node(f"h_{end}", Take(), ("state_q", end)) for end in ("receiver", "sender")]
    faults = [Node(f"{end}_fault", Compare("gt"), (end, "last")) for end in ("sender", "receiver")]
    parts = [
        Node("x", Input((nodes, 2), Fixed(5, 0, signed=True))),
        Node("edge", Input((edges, 1), Fixed(4))),
        Node("sender", Input((edges,), index)),
        Node("receiver", Input((edges,), index)),
        Node("last", Constant(np.full(edges, nodes))),
        *faults,
        Node("faults", Add(), ("sender_fault", "receiver_fault")),
        Node("index_fault", GlobalPool("max"), ("faults",)),
        *pair,
        Node("ends", Concat(1), ("x_receiver", "x_sender")),
        Node("message_in", Concat(1), ("ends", "edge")),
        *layer(rng, "message", "message_in", (3, 5)),
        Node("total", SegmentSum(nodes), ("message_q", "receiver")),
        Node("state_in", Concat(1), ("x", "total")),
        *layer(rng, "state", "state_in", (2, 5)),
        *states,
        Node("state_ends", Concat(1), ("h_receiver", "h_sender")),
        Node("score_in", Concat(1), ("state_ends", "message_q")),
        *layer(rng, "score", "score_in", (1, 7)),
    ]
    inputs = tuple(Port(one) for one in ("x", "edge", "sender", "receiver"))
    return Graph(name, tuple(parts), inputs, (Port("score_q"), Port("index_fault")))


def deep_set(rows: int, name: str = "deep_set") -> Graph:
    """Return a network on each row, the sum over rows, and a network on the sum."""
    rng = np.random.default_rng(2)
    parts = [
        Node("x", Input((rows, 3), Fixed(5, 0, signed=True))),
        *layer(rng, "phi", "x", (4, 3)),
        Node("pooled", GlobalPool("sum"), ("phi_q",)),
        *layer(rng, "rho", "pooled", (2, 4), bits=8),
    ]
    return Graph(name, tuple(parts), (Port("x"),), (Port("rho_q"),))


def random_events(graph: Graph, events: int, seed: int) -> Mapping[str, Integers]:
    """Return random inputs: every index, those that name no row too, half of the events with equal receivers."""
    rng = np.random.default_rng(seed)
    values = {}
    for port in graph.inputs:
        value = graph.types[port.node]
        values[port.node] = rng.integers(value.fixed.low, value.fixed.high + 1, (events, *value.shape))
    if "receiver" in values:
        values["receiver"][::2] = values["receiver"][::2, :1]  # one row after the other for the same sum
    return values
