"""The C++ header computes what the graph computes: every operator, every value, no undefined behaviour."""

import re
from pathlib import Path

import numpy as np
import pytest

from codesign.cpp import cpp_header, cpp_names, namespace
from codesign.errors import BadInputError, ToolFailedError
from codesign.fixed import Fixed
from codesign.flows.run import load_design
from codesign.graph import Graph, Node, Port
from codesign.ops import Add, Constant, Dense, Input, Multiply, Parameter, Requantise, Reshape
from codesign.options import RunOptions
from tests.cpp_bench import compiled, mismatches, run
from tests.ops.check_op import corners, design, random_values
from tests.ops.test_every_operator import FAST, MODULES

CASES = [case for module in MODULES for case in getattr(module, "CASES", {}).values()]


def test_every_operator(tmp_path: Path) -> None:
    graph = design("every_operator", FAST)
    program = compiled(graph, tmp_path)
    assert [mismatches(program, graph, values) for values in (*corners(graph), random_values(graph, 200, 1))] == [
        0
    ] * 17


@pytest.mark.slow
def test_every_case_of_every_operator(tmp_path: Path) -> None:
    graph = design("many_cases", CASES)
    program = compiled(graph, tmp_path)
    assert [mismatches(program, graph, values) for values in (*corners(graph), random_values(graph, 500, 2))] == [
        0
    ] * 17


DESIGNS = ("econt", "econt_chip", "jet_tagger", "deep_sets_jets", "garnet_jets", "interaction_network_28")


def draw(graph: Graph, seed: int, count: int = 300) -> dict[str, np.ndarray]:
    """Corners and random values within the bounds of inputs and parameters."""
    rng, values = np.random.default_rng(seed), {}
    for node in (*graph.sources("input"), *graph.sources("parameter")):
        low, high = graph.types[node.name].bounds.low, graph.types[node.name].bounds.high
        drawn = rng.integers(low, high + 1, (count, *low.shape))
        ends = [low, high, np.where(rng.random(low.shape) < 0.5, low, high)]
        values[node.name] = drawn[0] if node.op.kind == "parameter" else np.concatenate([ends, drawn])
    return values


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_designs_on_corners_random_and_real_events(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model = shared_golden(request) if name == "econt_chip" else None
    options = RunOptions(name, tmp_path, vectors=300, model=model)
    bound = load_design(name).bind(options)
    program = compiled(bound.graph, tmp_path)
    assert mismatches(program, bound.graph, draw(bound.graph, 3)) == 0
    for case in bound.cases:
        assert len(next(iter(bound.inputs.values()))) >= 300
        assert mismatches(program, bound.graph, {**bound.inputs, **case.parameters}) == 0


def shared_golden(request: pytest.FixtureRequest) -> Path:
    """Weight sets and codes of the chip."""
    shared: Path = request.getfixturevalue("shared_data")
    return shared / "econt" / "econt_ae_golden.npz"


def small(weight: int = 3) -> Graph:
    nodes = (
        Node("x", Input((2,), Fixed(6, 0, True))),
        Node("w", Constant(np.array([[weight, -2], [5, 7]]))),
        Node("b", Constant(np.array([1, -9]))),
        Node("d", Dense(), ("x", "w", "b")),
        Node("y", Requantise(Fixed(5, 0, True), (11,), (4,), 5, "half_even"), ("d",)),
    )
    return Graph("small", nodes, (Port("x", (0.1,), (-1.0,)),), (Port("y"),))


def test_a_changed_constant_is_caught(tmp_path: Path) -> None:
    graph = small()
    values = draw(graph, 0)
    assert mismatches(compiled(graph, tmp_path / "right"), graph, values) == 0
    wrong = compiled(graph, tmp_path / "wrong", header=cpp_header(small(weight=4)))
    assert mismatches(wrong, graph, values) > 100


def test_overflow_is_caught_while_running(tmp_path: Path) -> None:
    """Negative control of the check for undefined behaviour: sums of 32 bits where the graph needs 64."""
    wide = Fixed(20, 0, True)
    nodes = (Node("a", Input((1,), wide)), Node("b", Input((1,), wide)), Node("y", Multiply(), ("a", "b")))
    graph = Graph("product", nodes, (Port("a"), Port("b")), (Port("y"),))
    values = draw(graph, 0)
    assert mismatches(compiled(graph, tmp_path / "right"), graph, values) == 0
    narrow = cpp_header(graph).replace("multiply<std::int64_t", "multiply<std::int32_t")
    program = compiled(graph, tmp_path / "wrong", header=narrow)
    with pytest.raises(ToolFailedError, match="signed integer overflow"):
        run(program, graph, values)


def test_a_range_that_its_type_does_not_hold_does_not_compile(tmp_path: Path) -> None:
    text = re.sub(r"holds<std::int\d+_t>\(-?\d+", "holds<std::int8_t>(-129", cpp_header(small()))
    with pytest.raises(ToolFailedError, match="static assertion failed"):
        compiled(small(), tmp_path, header=text)


def test_a_value_outside_of_its_format_is_seen(tmp_path: Path) -> None:
    program = compiled(small(), tmp_path)
    for value in (32, -33):
        with pytest.raises(ToolFailedError, match="code 3"):
            run(program, small(), {"x": np.array([[0, value]])})


def test_bounds_of_single_elements_are_seen(tmp_path: Path) -> None:
    nodes = (Node("x", Input((2,), Fixed(6), (0, 1), (5, 9))), Node("y", Reshape((2, 1)), ("x",)))
    graph = Graph("bounded", nodes, (Port("x"),), (Port("y"),))
    program = compiled(graph, tmp_path)
    assert mismatches(program, graph, {"x": np.array([[0, 1], [5, 9]])}) == 0
    with pytest.raises(ToolFailedError, match="code 3"):
        run(program, graph, {"x": np.array([[6, 9]])})


def test_parameters_are_an_argument(tmp_path: Path) -> None:
    nodes = (
        Node("x", Input((2,), Fixed(6, 0, True))),
        Node("w", Parameter((3, 2), Fixed(6, 0, True))),
        Node("b", Parameter((3,), Fixed(6, 0, True))),
        Node("y", Dense(), ("x", "w", "b")),
    )
    graph = Graph("programmable", nodes, (Port("x"),), (Port("y"),))
    program = compiled(graph, tmp_path)
    assert [mismatches(program, graph, draw(graph, seed, 20)) for seed in range(5)] == [0] * 5


def test_the_header_has_no_dependencies_and_is_deterministic() -> None:
    text = cpp_header(small())
    assert text == cpp_header(small())
    assert re.findall(r"#include (\S+)", text) == ["<array>", "<cstddef>", "<cstdint>", "<limits>", "<tuple>"]
    assert small().digest in text
    assert max(map(len, text.splitlines())) <= 120
    assert "op::requantise" in text
    assert "void conv2d" not in text  # only what is used


def test_names_that_cplusplus_does_not_allow(tmp_path: Path) -> None:
    fixed = Fixed(4, 0, True)
    names = ("double", "op", "inputs", "std", "a.b", "evaluate", "Outputs", "add", "e", "y", "x", "unix")
    nodes = [Node("template", Input((2,), fixed))]
    for name in names:
        nodes.append(Node(name, Add(), (nodes[-1].name, "template")))
    graph = Graph("operator", tuple(nodes), (Port("template"),), tuple(Port(node.name) for node in nodes[1:]))
    assert namespace(graph) == "operator_"
    assert len(set(cpp_names(graph).values())) == len(nodes)
    assert mismatches(compiled(graph, tmp_path), graph, draw(graph, 1)) == 0


def test_a_sum_of_more_than_64_bits_is_refused() -> None:
    nodes = (
        Node("x", Input((1,), Fixed(62))),
        Node("y", Requantise(Fixed(2, 0, True), (1,), (-(1 << 61),), 61), ("x",)),
    )
    graph = Graph("wide", nodes, (Port("x"),), (Port("y"),))
    with pytest.raises(BadInputError, match="node 'y': sums of up to"):
        cpp_header(graph)
