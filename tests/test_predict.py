"""Fast emulation equals the integer evaluation on every value, and leaves a float type where it is not proven exact.

Every case of every operator is emulated in `check_op`; here are whole graphs, tiles and the edges of the float types.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.models import load_bench
from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.float_form import ONE_THREAD_PRODUCTS
from codesign.graph import Graph, Node, Port
from codesign.ops import Add, Constant, Conv1d, Conv2d, Dense, Gather, Input, Parameter, Requantise, Reshape, Threshold
from codesign.predict import FLOATS, compile_graph
from tests.ops.check_op import random_values


def dense_graph(fixed, weight, bias=0):
    weight = np.atleast_2d(weight)
    nodes = (
        Node("x", Input((weight.shape[1],), fixed)),
        Node("w", Constant(weight)),
        Node("b", Constant(np.full(len(weight), bias))),
        Node("y", Dense(), ("x", "w", "b")),
    )
    return Graph("g", nodes, (Port("x"),), (Port("y"),))


def random_graph(rng):
    """A convolution, a skip path and dense layers with random widths, shifts, thresholds and a programmable layer."""
    bits, out = int(rng.integers(1, 20)), int(rng.integers(1, 6))
    shift, rounding = int(rng.integers(0, 12)), str(rng.choice(["floor", "half_even"]))
    form = Fixed(bits, 0, bool(rng.integers(2)))

    def weights(*shape):
        return Constant(rng.integers(-(1 << bits), 1 << bits, shape))

    channels = tuple(rng.integers(-(1 << bits), 1 << bits, 3).tolist())
    nodes = (
        Node("x", Input((2, 5, 4), form)),
        Node("k", weights(3, 2, 3, 2)),
        Node("kb", weights(3)),
        Node("conv", Conv2d((2, 1), (1, 1, 0, 1), truncate=int(rng.choice([0, 3]))), ("x", "k", "kb")),
        Node("q", Requantise(Fixed(bits + 1, 0, True), channels, channels[::-1], shift, rounding), ("conv",)),
        Node("swap", Gather((5, 0, -1, 7, 7, 1), (6,)), ("q",)),
        Node("flat", Reshape((6,)), ("swap",)),
        Node("sum", Add(0, int(rng.integers(0, 6))), ("flat", "swap")),
        Node("w", Parameter((out, 6), Fixed(6, 0, True))),
        Node("b", weights(out)),
        Node("fc", Dense(bias_shift=int(rng.integers(0, 4))), ("sum", "w", "b")),
        Node("t", Threshold(Fixed(3), np.sort(rng.integers(-999, 999, (1, 7))), (int(rng.integers(2)),), 0), ("fc",)),
    )
    return Graph("g", nodes, (Port("x"),), tuple(Port(name) for name in ("q", "fc", "t")))


def assert_equal(graph, values, **options):
    got, expected = compile_graph(graph, **options)(values), graph.evaluate(values)
    assert set(got) == {port.node for port in graph.outputs}
    for name, array in got.items():
        assert array.dtype == np.int64
        assert array.shape == expected[name].shape
        assert np.array_equal(array, expected[name]), name


@settings(derandomize=True, deadline=None, max_examples=120, database=None)
@given(st.integers(0, 1 << 32))
def test_random_graphs(seed):
    graph = random_graph(np.random.default_rng(seed))
    assert_equal(graph, random_values(graph, 20, seed), threads=1)


def test_random_graphs_use_every_number_type():
    graphs = [random_graph(np.random.default_rng(seed)) for seed in range(40)]
    kinds = {str(kind) for graph in graphs for kind in compile_graph(graph).number_types.values()}
    assert kinds == {"float32", "float64", "int64"}


@pytest.mark.parametrize(("network", "events"), [("in_edge", 9000), ("jet_trained", 5000), ("econ_trained", 2500)])
@pytest.mark.parametrize("rounding", ["half_up", "half_even"])
def test_benchmark_models(shared_data, network, events, rounding):
    graph = load_bench(shared_data / "bench" / f"{network}.json", rounding)
    assert_equal(graph, random_values(graph, events, 1), threads=2)
    assert {str(kind) for kind in compile_graph(graph).number_types.values()} == {"float32"}


@pytest.mark.parametrize("events", [1, 31, 32, 33, 64, 65, 200])
@pytest.mark.parametrize("threads", [1, 3])
def test_events_are_divided_into_tiles(events, threads):
    graph = random_graph(np.random.default_rng(7))
    predictor = replace(compile_graph(graph, threads), tile=32)
    values = random_values(graph, 200, 2)
    values["x"] = values["x"][:events]
    expected = graph.evaluate(values)
    assert all(np.array_equal(array, expected[name]) for name, array in predictor(values).items())


def test_no_events_give_no_results():
    assert compile_graph(dense_graph(Fixed(3), [[1, 2]]))({"x": np.zeros((0, 2), int)})["y"].shape == (0, 1)


@pytest.mark.parametrize("side", [40, 600])
def test_matrices_smaller_and_larger_than_a_block(side):
    assert (side * side * 16 > ONE_THREAD_PRODUCTS) == (side == 600)
    graph = dense_graph(Fixed(6, 0, True), np.random.default_rng(3).integers(-9, 9, (side, side)))
    assert_equal(graph, random_values(graph, 260, 4))


@pytest.mark.parametrize("end", [end for end, _ in FLOATS])
def test_sums_at_the_edge_of_a_float_type(end):
    """At the largest sum that is proven exact, and one beyond; every low bit of every sum counts."""
    weight = np.array([[end // 8 - 1, end // 8 - 3]])  # times -4 .. 3, and 1 from flooring two products each
    inside, beyond = (
        dense_graph(Fixed(3, 0, True), weight, bias) for bias in (end - 4 * int(weight.sum()) - 3, end // 2)
    )
    exact, next_type = compile_graph(inside), compile_graph(beyond)
    types = [floats for _, floats in FLOATS] + [np.dtype(np.int64)]
    assert exact.number_types["y"] == dict(FLOATS)[end]
    assert next_type.number_types["y"] == types[types.index(dict(FLOATS)[end]) + 1]
    pairs = np.stack(np.meshgrid(np.arange(-4, 4), np.arange(-4, 4)), axis=-1).reshape(-1, 2)
    for graph in (inside, beyond):
        assert_equal(graph, {"x": pairs})


@pytest.mark.parametrize(("end", "floats"), FLOATS)
def test_a_float_type_that_is_too_narrow_is_caught(end, floats):
    """Negative control: the comparison sees the values that a float rounds."""
    graph = dense_graph(Fixed(3), [[end // 2 - 1, 3]], 1)
    x = np.array([[7, 1], [6, 5], [1, 0]])
    wrong = replace(compile_graph(graph), number_types={"y": floats})({"x": x})["y"]
    assert (wrong != graph.evaluate({"x": x})["y"]).any()


def test_a_result_out_of_its_bounds_stops_the_emulation():
    class Wrong(Dense):
        def evaluate_floats(self, *operands):
            return super().evaluate_floats(*operands) + 1

    right = dense_graph(Fixed(3), [[1, 2]])
    wrong = replace(right, nodes=(*right.nodes[:-1], replace(right.nodes[-1], op=Wrong())))
    with pytest.raises(AssertionError, match="y"):
        compile_graph(wrong)({"x": np.array([[7, 7]])})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no value given for input 'x'"),
        ({"x": np.full((200, 2), 8)}, r"input 'x' must lie in 0\.\.7"),
        ({"x": np.zeros((200, 3), int)}, r"must have shape \(2,\), not \(3,\)"),
        ({"x": np.zeros((200, 2))}, "must hold integers, not float64"),
        ({"x": 3}, r"must have shape \(2,\), not \(\)"),
    ],
)
def test_bad_inputs_are_errors_as_in_evaluation(values, message):
    graph = dense_graph(Fixed(3), [[1, 2]])
    for function in (compile_graph(graph), graph.evaluate):
        with pytest.raises(BadInputError, match=message):
            function(values)


def test_an_event_out_of_range_in_the_last_tile_is_an_error():
    graph = dense_graph(Fixed(3), [[1, 2]])
    x = np.zeros((1000, 2), int)
    x[-1, 1] = 8
    with pytest.raises(BadInputError, match="must lie in"):
        replace(compile_graph(graph, 2), tile=64)({"x": x})


@pytest.mark.parametrize("bits", [4, 20])
def test_groups_of_channels(bits):
    rng = np.random.default_rng(bits)
    nodes = (
        Node("x", Input((4, 3, 3), Fixed(bits))),
        Node("k", Constant(rng.integers(-9, 9, (2, 2, 2, 2)))),
        Node("b", Constant(rng.integers(-9, 9, 2))),
        Node("y", Conv2d(padding=(0, 1, 0, 0), groups=2), ("x", "k", "b")),
        Node("line", Reshape((2, 6)), ("y",)),
        Node("k1", Constant(rng.integers(-9, 9, (4, 1, 2)))),
        Node("b1", Constant(rng.integers(-9, 9, 4))),
        Node("z", Conv1d(2, groups=2), ("line", "k1", "b1")),
    )
    graph = Graph("g", nodes, (Port("x"),), (Port("z"),))
    assert_equal(graph, random_values(graph, 20, 3))
