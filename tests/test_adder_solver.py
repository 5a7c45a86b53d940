"""What costs nothing, the depth limit, blocks, and what is refused."""

import numpy as np
import pytest

from codesign import adder_solver
from codesign.adder_solver import solve, solve_blocks
from codesign.errors import BadInputError
from codesign.ranges import Interval

RNG = np.random.default_rng(5)


def full(inputs: int) -> Interval:
    return Interval(np.full(inputs, -128), np.full(inputs, 127))


@pytest.mark.parametrize(
    "matrix",
    [
        [[0, 0], [0, 0]],  # zero rows
        [[4, 0], [0, -8]],  # powers of two
        [[1, 0], [1, 0], [2, 0], [-1, 0]],  # equal rows, up to shift and sign
    ],
)
def test_wires_cost_no_adder(matrix):
    graph = solve(np.array(matrix), full(2))
    assert graph.adders == ()
    assert np.array_equal(graph.matrix, matrix)


def test_equal_rows_are_formed_once():
    row = RNG.integers(-31, 32, 6)
    once = solve(row[None], full(6))
    # The search breaks ties by position, so that it may find even fewer.
    assert len(solve(np.stack([row, 2 * row, row]), full(6)).adders) <= len(once.adders)


def test_a_row_of_unused_inputs_costs_what_the_used_ones_cost():
    matrix = np.zeros((2, 9), np.int64)
    matrix[:, [2, 7]] = [[3, 5], [7, -9]]
    assert len(solve(matrix, full(9)).adders) == len(solve(matrix[:, [2, 7]], full(2)).adders)


def test_sharing_beats_one_row_at_a_time():
    matrix = RNG.integers(-31, 32, (8, 8))
    alone = sum(len(solve(row[None], full(8)).adders) for row in matrix)
    assert len(solve(matrix, full(8)).adders) < 0.8 * alone


def test_the_depth_limit_holds_and_costs_adders():
    matrix = RNG.integers(-31, 32, (32, 32))
    free, flat = (solve(matrix, full(32), extra_depth=depth) for depth in (-1, 0))
    assert max(flat.depths) < max(free.depths)
    assert len(flat.adders) >= len(free.adders)


def test_blocks_are_never_worse_than_the_whole():
    kernel = RNG.integers(-31, 32, (4, 3))
    matrix = np.zeros((8, 4), np.int64)
    matrix[:4, :3], matrix[4:, 1:] = kernel, kernel
    graph = solve_blocks(matrix, full(4), ((0, 1, 2, 3), (4, 5, 6, 7)))
    assert np.array_equal(graph.matrix, matrix)
    assert len(graph.adders) <= 2 * len(solve(kernel, full(3)).adders)


def test_equal_blocks_without_a_common_input_are_solved_once_and_alone():
    kernel = RNG.integers(-31, 32, (4, 3))
    before = adder_solver._solve.cache_info().misses
    rows = [range(4 * k, 4 * k + 4) for k in range(6)]
    graph = solve_blocks(np.kron(np.eye(6, dtype=np.int64), kernel), full(18), rows)
    assert adder_solver._solve.cache_info().misses == before + 1
    assert np.array_equal(graph.matrix, np.kron(np.eye(6), kernel))
    assert len(graph.adders) == 6 * len(solve(kernel, full(3)).adders)


def test_the_same_matrix_gives_the_same_graph():
    matrix = RNG.integers(-31, 32, (8, 8))
    assert solve(matrix, full(8)) is solve(matrix.copy(), full(8))


@pytest.mark.parametrize(
    ("matrix", "text"),
    [(np.array([[1 << 24]]), "must lie within"), (np.ones((201, 200), np.int64), "use a reuse factor")],
)
def test_too_large_is_refused(matrix, text):
    with pytest.raises(BadInputError, match=text):
        solve(matrix, full(matrix.shape[1]))
