"""Times of least cost against a plain search and against linear programming, on random rules."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from codesign.retiming import AtLeast, cheapest_times

HORIZON = 4


@st.composite
def problems(draw: st.DrawFn, vertices: int) -> tuple[list[AtLeast], dict[int, int]]:
    """Vertex 0 is the origin; every other one lies between 0 and HORIZON."""
    others = range(1, vertices)
    rules = [rule for v in others for rule in (AtLeast(0, v, 0), AtLeast(v, 0, -HORIZON))]
    ends = st.integers(0, vertices - 1)
    for early, late, cycles in draw(st.lists(st.tuples(ends, ends, st.integers(-3, 3)), max_size=2 * vertices)):
        if early != late:
            rules.append(AtLeast(early, late, cycles))
    return rules, {v: draw(st.integers(-9, 9)) for v in others}


def fits(rules: list[AtLeast], times: dict[int, int]) -> bool:
    return all(times[rule.late] - times[rule.early] >= rule.cycles for rule in rules)


def cost(costs: dict[int, int], times: dict[int, int]) -> int:
    return sum(costs[v] * times[v] for v in costs)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(problems(5))
def test_no_times_are_cheaper_and_none_of_the_cheapest_is_earlier(problem):
    rules, costs = problem
    every = [{0: 0, **dict(enumerate(times, start=1))} for times in product(range(HORIZON + 1), repeat=4)]
    legal = [times for times in every if fits(rules, times)]
    found = cheapest_times(rules, costs, 0)
    if not legal:
        assert found is None
        return
    assert found in legal
    least = min(cost(costs, times) for times in legal)
    assert cost(costs, found) == least
    assert all(found[v] <= times[v] for times in legal if cost(costs, times) == least for v in times)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(problems(30))
def test_linear_programming_finds_the_same_cost(problem):
    rules, costs = problem
    matrix = np.zeros((len(rules), 30))
    for row, rule in enumerate(rules):
        matrix[row, rule.early] += 1
        matrix[row, rule.late] -= 1
    objective = [0, *(costs[v] for v in range(1, 30))]
    bounds = [(0, 0)] + [(None, None)] * 29
    solution = linprog(objective, A_ub=matrix, b_ub=[-rule.cycles for rule in rules], bounds=bounds, method="highs")
    found = cheapest_times(rules, costs, 0)
    assert (found is None) == (not solution.success)
    if found is not None:
        assert fits(rules, found)
        assert cost(costs, found) == pytest.approx(solution.fun)


def test_the_tightest_of_equal_pairs_counts():
    assert cheapest_times([AtLeast(0, 1, 1), AtLeast(0, 1, 3), AtLeast(0, 1, 2)], {1: 1}, 0) == {0: 0, 1: 3}


def test_a_cost_without_a_lower_bound_is_an_error():
    with pytest.raises(ValueError, match="no lower bound"):
        cheapest_times([AtLeast(0, 1, 0)], {1: -1}, 0)
