"""Adder graphs are linear algebra: coefficients, bounds and evaluation agree, and a wrong graph is seen."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from codesign.adder_solver import solve
from codesign.adders import Adder, AdderGraph, Term, joined, pruned, widths
from codesign.ranges import Interval

# a0 = x0 + 4 x1, a1 = 2 a0 - x1
GRAPH = AdderGraph(
    2, (Adder(Term(0), Term(1, 2)), Adder(Term(2, 1), Term(1, 0, True))), (Term(3), None, Term(2, 1, True))
)
MATRICES = hnp.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(-31, 31))


def full(inputs: int, low: int = -8, high: int = 7) -> Interval:
    return Interval(np.full(inputs, low), np.full(inputs, high))


def test_matrix_of_a_graph_by_hand():
    assert GRAPH.matrix.tolist() == [[2, 7], [0, 0], [-2, -8]]
    assert GRAPH.depths == (0, 0, 1, 2)


def test_values_are_the_coefficients_times_the_inputs():
    x = np.random.default_rng(1).integers(-8, 8, (50, 2))
    assert np.array_equal(GRAPH.evaluate(x), x @ GRAPH.coefficients.T)


def test_bounds_are_reached_and_hold():
    grid = np.stack(np.meshgrid(np.arange(-8, 8), np.arange(-8, 8)), axis=-1).reshape(-1, 2)
    values, bounds = GRAPH.evaluate(grid), GRAPH.bounds(full(2))
    assert np.array_equal(values.min(axis=0), bounds.low)
    assert np.array_equal(values.max(axis=0), bounds.high)
    assert bounds.contains(values)
    assert widths(Interval(np.array([-8, 0, 0]), np.array([7, 7, 0]))) == (4, 4, 2)


def test_pruning_keeps_the_matrix_and_drops_what_nothing_reads():
    spare = AdderGraph(2, (*GRAPH.adders, Adder(Term(0), Term(1)), Adder(Term(0), Term(1, 2))), (Term(3), Term(5)))
    assert len(pruned(spare).adders) == 2
    assert np.array_equal(pruned(spare).matrix, spare.matrix)


def test_joined_parts_share_equal_adders():
    part = AdderGraph(2, (Adder(Term(0), Term(1)),), (Term(2),))
    whole = joined(3, [(part, [0, 1], [0]), (part, [0, 1], [1]), (part, [1, 2], [3])], 4)
    assert len(whole.adders) == 2
    assert whole.matrix.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]]


@settings(derandomize=True, deadline=None, max_examples=60, database=None)
@given(MATRICES)
def test_solved_graphs_equal_their_matrix_for_every_operand(matrix):
    graph = solve(matrix, full(matrix.shape[1]))
    assert np.array_equal(graph.matrix, matrix)
    x = np.random.default_rng(2).integers(-8, 8, (20, matrix.shape[1]))
    values = graph.evaluate(x)
    got = [
        np.zeros(20, np.int64) if t is None else (-1) ** t.negative * (values[:, t.value] << t.shift)
        for t in graph.outputs
    ]
    assert np.array_equal(np.stack(got, axis=1), x @ matrix.T)
    assert graph.bounds(full(matrix.shape[1])).contains(values)


def test_a_wrong_adder_changes_the_matrix():
    wrong = AdderGraph(2, (Adder(Term(0), Term(1, 3)), GRAPH.adders[1]), GRAPH.outputs)
    assert not np.array_equal(wrong.matrix, GRAPH.matrix)
