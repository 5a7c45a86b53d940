"""The closed formula of shared adders against solved matrices that it was not fitted to."""

import numpy as np
import pytest

from codesign.adder_solver import solve
from codesign.critical_path import Sums
from codesign.fixed import Fixed
from codesign.quick_adders import count_adders, signed_digits, unshared_adders
from codesign.ranges import Interval


def matrix_of(rng: np.random.Generator) -> np.ndarray:
    """Return random weights of 6 bits."""
    rows, columns = rng.integers(6, 20, 2)
    return rng.integers(-31, 32, (rows, columns))


def test_signed_digits_are_those_of_the_shortest_form() -> None:
    numbers = np.array([[0, 1, 2, 3, 7, -7, 11, 15, 23]])
    assert signed_digits(numbers).tolist() == [[0, 1, 1, 2, 2, 2, 3, 2, 3]]


def test_a_row_of_one_digit_takes_no_adder() -> None:
    assert unshared_adders(np.array([[4, 0], [0, -1], [0, 0]])) == 0
    assert count_adders(np.array([[4, 0], [0, -1], [0, 0]]), 8, "lut").adders == 0


@pytest.mark.parametrize("fabric", ["cells", "lut"])
def test_unseen_matrices_are_counted_within_their_errors(fabric: str) -> None:
    rng = np.random.default_rng(99)
    errors = []
    for _ in range(12):
        matrix = matrix_of(rng)
        bounds = Interval.of(Fixed(7, 0, True), (matrix.shape[1],))
        graph = solve(matrix, bounds, fabric)
        wanted = sum(columns for _, columns in Sums.of(graph, bounds, 0, fabric).columns)
        errors.append(count_adders(matrix, 7, fabric).columns / wanted - 1)
        # Without sharing the sums would take far more.
        assert unshared_adders(matrix) > 1.1 * len(graph.adders)
    assert np.median(np.abs(errors)) < 0.08
    assert np.max(np.abs(errors)) < 0.2
