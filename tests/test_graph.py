"""The graph checks itself, evaluates itself and survives JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port, TensorType
from codesign.graph_json import graph_from_json
from codesign.ops import OPERATORS
from codesign.ops.add import Add
from codesign.ops.dense import Dense
from codesign.ops.normalise import Normalise
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Constant, Input, Parameter
from codesign.ops.threshold import Threshold
from codesign.ranges import Interval, frozen

X = Node("x", Input((2,), Fixed(3, 0, True)))
W = Node("w", Constant(np.array([[1, -2], [3, 1]])))
B = Node("b", Constant(np.array([1, 0])))
FC = Node("net.fc", Dense(), ("x", "w", "b"))
Q = Node("q", Requantise(Fixed(4, 0, True), (3,), (1,), 2, "half_even", -7, 7), ("net.fc",))
NODES = (X, W, B, FC, Q)
GRAPH = Graph("sample", NODES, (Port("x", (0.5,), (0.0,)),), (Port("q", (0.25, 0.5), (0.0, 1.0)),))


def graph(*nodes, inputs=("x",), outputs=None):
    ports = [tuple(Port(name) for name in names) for names in (inputs, outputs or (nodes[-1].name,))]
    return Graph("g", nodes, *ports)


def test_types_evaluation_and_meaning():
    assert str(GRAPH.types["net.fc"].fixed) == "s5"
    x = np.array([[-4, 3], [3, -4], [0, 0]])
    results = GRAPH.evaluate({"x": x})
    assert results["net.fc"].tolist() == [[-9, -9], [12, 5], [1, 0]]
    assert results["q"].tolist() == [[-6, -6], [7, 4], [1, 0]]
    assert GRAPH.outputs[0].decode(results["q"]).tolist() == [[-1.5, -2.0], [1.75, 3.0], [0.25, 1.0]]


def test_the_view_of_networkx_is_frozen_and_follows_the_operands():
    assert set(GRAPH.nx.edges) == {("x", "net.fc"), ("w", "net.fc"), ("b", "net.fc"), ("net.fc", "q")}
    with pytest.raises(Exception, match="Frozen graph"):
        GRAPH.nx.add_edge("q", "x")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: graph(X, Node("y", Add(), ("x", "z"))), "node 'y' reads 'z', which no earlier node defines"),
        (lambda: graph(Node("y", Reshape((2,)), ("x",)), X), "node 'y' reads 'x', which no earlier node defines"),
        (lambda: graph(X, Node("y", Add(), ("x",))), "node 'y': add takes 2 operands, not 1"),
        (lambda: graph(X, Node("y", Reshape((2,)), ())), "node 'y': reshape takes 1 operands, not 0"),
        (lambda: graph(X, Node("c", Constant(np.array([1])), ("x",))), "node 'c': constant takes 0 operands, not 1"),
        (lambda: graph(X, Node("y", Reshape((3,)), ("x",))), "node 'y': reshape to (3,) needs 3 elements, not 2"),
        (lambda: graph(X, X), "node names 'x' and 'x' give one Verilog name; rename one"),
        (
            lambda: graph(X, Node("a.b", Reshape((2,)), ("x",)), Node("a_b", Reshape((2,)), ("x",))),
            "node names 'a_b' and 'a.b' give one Verilog name; rename one",
        ),
        (
            lambda: graph(X, Node("a.b", Reshape((2,)), ("x",)), Node("y", Reshape((2,)), ("a_b",))),
            "node 'y' reads 'a_b', which no earlier node defines",
        ),
        (lambda: graph(X, Node("2y", Reshape((2,)), ("x",))), "node name '2y' must be Verilog identifiers"),
        (lambda: graph(X, Node("y;", Reshape((2,)), ("x",))), "node name 'y;' must be Verilog identifiers"),
        (lambda: graph(X, Node("y\n", Reshape((2,)), ("x",))), "must be Verilog identifiers"),
        (lambda: graph(*NODES, outputs=("nothing",)), "output 'nothing' is no node of the graph"),
        (lambda: graph(*NODES, outputs=("q", "q")), "each once"),
        (lambda: graph(*NODES, inputs=()), "inputs [] must name every input node once: ['x']"),
        (lambda: graph(*NODES, inputs=("x", "x")), "must name every input node once"),
        (lambda: graph(*NODES, inputs=("x", "w")), "must name every input node once"),
        (lambda: graph(B, inputs=()), "must name every input node once"),
        (lambda: Graph("g", NODES, (Port("x"),), ()), "outputs [] must name at least one node"),
        (lambda: Graph("g", NODES, (Port("x", (1.0,) * 3),), (Port("q"),)), "port 'x' needs 1 or 2 scales"),
        (
            lambda: graph(X, B, Node("w2", Reshape((1, 2)), ("x",)), Node("y", Dense(), ("x", "w2", "b"))),
            "node 'y': operand 'w2' must be a constant or a parameter",
        ),
        (
            lambda: graph(X, Node("y", Threshold(Fixed(1), np.array([[0, 1]]), (0,), 0), ("x",))),
            "node 'y': values 0..2 do not fit u1; widen the format",
        ),
    ],
)
def test_a_graph_that_does_not_connect_is_refused_in_one_line(build, message):
    with pytest.raises(BadInputError) as caught:
        build()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value).replace("'y\n'", "")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no value given for input 'x'"),
        ({"x": np.zeros((4, 3), int)}, "input 'x' must have shape (2,), not (3,)"),
        ({"x": np.zeros(2, int)}, "input 'x' must have shape (2,), not ()"),
        ({"x": np.array([[4, 0]])}, "input 'x' must lie in -4..3"),
        ({"x": np.array([[-5, 0]])}, "input 'x' must lie in -4..3"),
        ({"x": np.array([[0.5, 0]])}, "input 'x' must hold integers, not float64"),
    ],
)
def test_wrong_values_are_refused(values, message):
    with pytest.raises(BadInputError) as caught:
        GRAPH.evaluate(values)
    assert message in str(caught.value)


def test_inputs_must_have_as_many_events():
    two = graph(X, Node("z", Input((2,), Fixed(2))), Node("y", Add(), ("x", "z")), inputs=("x", "z"))
    with pytest.raises(BadInputError, match="events"):
        two.evaluate({"x": np.zeros((3, 2), int), "z": np.zeros((1, 2), int)})


def test_what_depends_on_constants_alone_has_no_batch_axis():
    nodes = (
        X,
        W,
        B,
        Node("p", Parameter((2,), Fixed(3, 0, True))),
        Node("fixed", Dense(), ("p", "w", "b")),
        Node("rows", Reshape((2, 1)), ("fixed",)),
        Node("flat", Reshape((2,)), ("rows",)),
        Node("y", Add(), ("x", "flat")),
        Node("fc", Dense(), ("y", "w", "flat")),
    )
    sample = graph(*nodes)
    assert sample.static == {"w", "b", "p", "fixed", "rows", "flat"}
    x, p = np.array([[1, 2], [3, -4], [0, 0]]), np.array([-4, 3])
    results = sample.evaluate({"x": x, "p": p})
    w, b = W.op.values, B.op.values
    assert np.array_equal(results["fixed"], w @ p + b)
    assert np.array_equal(results["y"], x + w @ p + b)
    assert np.array_equal(results["fc"], (x + w @ p + b) @ w.T + w @ p + b)


def test_a_constant_can_be_normalised_by_what_comes_in():
    total = Node("x", Input((1,), Fixed(5)))
    sample = graph(total, Node("c", Constant(np.array([9, 30, 4]))), Node("y", Normalise(2), ("c", "x")))
    got = sample.evaluate({"x": np.array([[0], [1], [7], [31]])})["y"]
    assert got.tolist() == [[(v * 4 // d) % 8 for v in (9, 30, 4)] for d in (1, 1, 4, 16)]


def test_an_overflow_stops_the_evaluation(monkeypatch):
    monkeypatch.setattr(Add, "evaluate", lambda self, a, b: a + b + 100)
    sample = graph(X, Node("y", Add(), ("x", "x")))
    with pytest.raises(AssertionError, match="y"):
        sample.evaluate({"x": np.zeros((1, 2), int)})


def test_json_gives_the_same_graph():
    text = GRAPH.to_json()
    again = graph_from_json(text, OPERATORS)
    assert again.to_json() == text
    assert again.digest == GRAPH.digest
    assert replace(GRAPH, name="other").digest != GRAPH.digest
    assert json.loads(text)["nodes"][3] == {
        "name": "net.fc",
        "op": {"kind": "dense", "truncate": 0, "bias_shift": 0},
        "operands": ["x", "w", "b"],
    }


def test_json_of_numbers_from_numpy():
    op = Requantise(Fixed(4), (np.int64(3),), (np.int32(1),), 2)
    sample = Graph("g", (X, Node("y", op, ("x",))), (Port("x", (np.float64(0.5),)),), (Port("y"),))
    assert graph_from_json(sample.to_json(), OPERATORS).digest == sample.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"dense"', '"danse"'),
        ('"operands":["x"', '"operands":["y"'),
        ('"shape":[2,2]', '"shape":[3,2]'),
        ('"array":[1,0]', '"array":[1,1e99]'),
        ('"truncate":0', '"truncated":0'),
        ('"truncate":0', '"truncate":-1'),
        ('"truncate":0', '"truncate":"0"'),
        ('"width":3', '"width":0'),
        ('"width":3', '"width":"3"'),
        ('"nodes":', '"knots":'),
        ('"scale":[0.5]', '"scale":0.5'),
    ],
)
def test_damaged_json_is_refused_in_one_line(old, new):
    text = GRAPH.to_json()
    assert old in text
    with pytest.raises(BadInputError) as caught:
        graph_from_json(text.replace(old, new, 1), OPERATORS)
    assert "\n" not in str(caught.value)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.integers(0, len(GRAPH.to_json()) - 1), st.sampled_from(["", "0", "9", '"', "[", "}", ",", "null", "-"]))
def test_any_damage_is_refused_or_harmless(position, character):
    text = GRAPH.to_json()
    damaged = text[:position] + character + text[position + 1 :]
    try:
        graph_from_json(damaged, OPERATORS)
    except BadInputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '{"nodes":3}', '{"nodes":[3]}'])
def test_what_is_no_graph_is_refused(text):
    with pytest.raises(BadInputError, match="not a graph file"):
        graph_from_json(text, OPERATORS)


def test_a_derived_type_must_hold_its_bounds():
    with pytest.raises(BadInputError, match=r"values -1..4 do not fit u2"):
        TensorType.derived(Interval(frozen([-1]), frozen([4])), Fixed(2))
