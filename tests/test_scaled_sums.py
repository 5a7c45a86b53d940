"""Factors of a requantisation behind its sums: the same numbers, cuts anywhere, nothing else disturbed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.adder_solver import scaled, solve
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.add import Add
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from tests.ops.check_op import Bench, check_response, check_text, random_values


@settings(derandomize=True, deadline=None, max_examples=80, database=None)
@given(st.lists(st.integers(-(1 << 45), 1 << 45) | st.integers(-9, 9), min_size=3, max_size=3))
def test_factors_of_any_size_multiply_the_matrix(factors):
    matrix = np.array([[3, -5], [0, 0], [6, 2]])
    graph = scaled(solve(matrix, Interval(np.full(2, -8), np.full(2, 7))), factors)
    assert np.array_equal(graph.matrix, matrix * np.array(factors)[:, None])
    for adder in graph.adders:
        assert not (adder.left.negative and adder.right.negative)
        assert min(adder.left.shift, adder.right.shift) == 0


def layers(name, *, outputs=("second",), multiplier=(37, 21, -50, 64, 9)):
    rng = np.random.default_rng(11)
    first = Requantise(Fixed(6), multiplier, (100, 3, 0, -77, 5), 8, "half_even")
    nodes = (
        Node("x", Input((6,), Fixed(5, 0, True))),
        Node("w1", Constant(rng.integers(-15, 16, (5, 6)))),
        Node("b1", Constant(rng.integers(-40, 41, 5))),
        Node("fc1", Dense(), ("x", "w1", "b1")),
        Node("first", first, ("fc1",)),
        Node("w2", Constant(rng.integers(-15, 16, (5, 5)))),
        Node("fc2", Dense(), ("first", "w2", "b1")),
        Node("second", Requantise(Fixed(7, 0, True), (1,), (0,), 3, "half_even"), ("fc2",)),
    )
    if "sum" in outputs:
        nodes += (Node("sum", Add(), ("fc1", "fc2")),)
    return Graph(name, nodes, (Port("x"),), tuple(map(Port, outputs)))


@pytest.mark.parametrize(
    ("name", "outputs", "inner", "cuts"),
    [
        ("scaled", ("second",), {}, None),
        ("scaled_cut", ("second",), {"fc1": 1, "first": 1, "second": 1}, None),
        ("read_twice", ("second", "sum"), {"first": 1}, None),
        ("registered_between", ("second",), {}, ("fc1", "fc2")),
    ],
)
def test_every_value_is_right_however_the_sums_are_cut(name, outputs, inner, cuts, tmp_path, build_cache):
    graph = layers(name, outputs=outputs)
    plan = schedule(graph, cuts=cuts, inner_cuts=inner)
    fabric = "lut" if inner else "cells"
    rtl_dir = write_rtl(emit(graph, plan, tmr="registers", clock_ns=5.0, fabric=fabric), tmp_path / "rtl")
    check_text(graph, plan, rtl_dir, tmp_path / "lint", cuts=inner)
    bench = Bench(tmp_path, build_cache)
    check_response(graph, plan, rtl_dir, bench, random_values(graph, bench.events, 1))


def test_sums_are_formed_once_with_their_only_reader():
    alone, shared = layers("alone"), layers("shared", outputs=("second", "sum"))
    files = [{name for name, _ in emit(g, schedule(g), tmr="none", clock_ns=5.0).files} for g in (alone, shared)]
    assert {"alone_first_adders.v", "alone_second_adders.v"} <= files[0]
    assert not {"alone_fc1_adders.v", "alone_fc2_adders.v"} & files[0]
    assert {"shared_fc1_adders.v", "shared_first_adders.v"} <= files[1]
