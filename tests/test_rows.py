"""Row programs: phases of graphs over rows; running them phase by phase gives what the graph gives."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.argmax import ArgMax
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Constant, Input, Parameter
from codesign.ops.take import Take
from codesign.rows import RowProgram, row_program
from tests.row_zoo import deep_set, network, random_events


def run(program: RowProgram, values):
    """Run the phases of one event after the other: each body on all rows as a batch."""
    graph = program.graph
    events = len(next(iter(values.values())))
    stored = {name: np.asarray(one) for name, one in values.items()}
    for phase in program.phases:
        fed = {feed.name: stored[feed.value] for feed in phase.feeds if feed.index is None}
        for feed in phase.feeds:
            if feed.index is not None:
                fed[feed.name] = Take().evaluate(stored[feed.value], stored[feed.index])
        # (events, rows, ...) -> a batch of rows, each of shape (1, ...)
        rows = {name: one.reshape(events * phase.rows, 1, *one.shape[2:]) for name, one in fed.items()}
        results = phase.body.evaluate(rows)
        whole = {
            p.node: results[p.node].reshape(events, phase.rows, *results[p.node].shape[2:]) for p in phase.body.outputs
        }
        stored |= {name: whole[name] for name in phase.results}
        for one in phase.reductions:
            operands = [whole[name] for name in (one.values, one.index) if name is not None]
            stored[one.node] = one.op.evaluate(*operands)
    return {port.node: stored[port.node] for port in graph.outputs}


@pytest.mark.parametrize("graph", [network(6, 8), network(5, 5), deep_set(6)], ids=lambda graph: graph.name)
def test_phase_by_phase_gives_what_the_graph_gives(graph: Graph) -> None:
    values = random_events(graph, 50, seed=3)
    expected = graph.evaluate(values)
    for name, got in run(row_program(graph), values).items():
        assert np.array_equal(got, expected[name])
    wrong = {**values, "x": values["x"] ^ 1}
    assert any(not np.array_equal(got, expected[name]) for name, got in run(row_program(graph), wrong).items())


def test_phases_of_an_interaction_network() -> None:
    program = row_program(network(6, 8))
    assert [(phase.rows, phase.results, [one.node for one in phase.reductions]) for phase in program.phases] == [
        (8, ("message_q",), ["index_fault", "total"]),
        (6, ("state_q",), []),
        (8, ("score_q",), []),
    ]
    assert program.phases[0].reads == {"x", "edge", "sender", "receiver"}
    assert program.phases[2].reads == {"state_q", "sender", "receiver", "message_q"}
    assert [program.writer[name] for name in ("message_q", "total", "state_q", "score_q")] == [0, 0, 1, 2]


def test_a_body_has_the_types_of_the_graph() -> None:
    graph = network(6, 8)
    for phase in row_program(graph).phases:
        for node in phase.body.nodes:
            if node.name in graph.by_name and node.op.kind != "constant":
                assert phase.body.types[node.name].fixed == graph.types[node.name].fixed, node.name


def of(*nodes: Node) -> Graph:
    inputs = tuple(Port(node.name) for node in nodes if isinstance(node.op, Input))
    return Graph("bad", nodes, inputs, (Port(nodes[-1].name),))


X = Node("x", Input((4, 3), Fixed(4)))
INDEX = Node("index", Constant(np.array([0, 1, 2, 3])))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (of(X, Node("y", Requantise(Fixed(3), (1, 2, 3, 4), (0,) * 4, 1), ("x",))), "node 'y': requantise does not"),
        (
            of(Node("v", Input((4,), Fixed(4))), Node("y", ArgMax(), ("v",))),
            "node 'y': argmax does not work row by row",
        ),
        (of(X, INDEX, Node("y", Take(), ("x", "index"))), "node 'y': its index is constant, which is wiring"),
        (
            of(
                X,
                Node("w", Parameter((2, 3), Fixed(4))),
                Node("b", Constant(np.zeros(2, int))),
                Node("y", Dense(), ("x", "w", "b")),
            ),
            "node 'y': programmable parameter 'w' cannot be read by row engines",
        ),
    ],
)
def test_what_does_not_work_row_by_row_is_named(graph: Graph, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        row_program(graph)


def test_a_constant_that_differs_from_row_to_row_is_named() -> None:
    graph = network(6, 8)
    uneven = Constant(np.arange(8))
    nodes = tuple(replace(node, op=uneven) if node.name == "last" else node for node in graph.nodes)
    with pytest.raises(BadInputError, match="node 'sender_fault': constant 'last' differs from row to row"):
        row_program(replace(graph, nodes=nodes))
