"""Stages obey the depth limit and the register bits are the least: compared with every assignment where it is small."""

from itertools import product

import numpy as np
import pytest

from codesign.adder_solver import solve
from codesign.adders import Adder, AdderGraph, Term, widths
from codesign.pipeline import stages
from codesign.ranges import Interval

SMALL = AdderGraph(
    3,
    (Adder(Term(0), Term(1)), Adder(Term(2), Term(3)), Adder(Term(4), Term(0)), Adder(Term(5), Term(3))),
    (Term(6), Term(4)),
)


def crossing(graph: AdderGraph, width: tuple[int, ...], stage: tuple[int, ...], cuts: int) -> int:
    last = list(stage)
    for number, adder in enumerate(graph.adders, start=graph.inputs):
        for term in adder.terms:
            last[term.value] = max(last[term.value], stage[number])
    for term in graph.outputs:
        last[term.value] = cuts
    return sum(w * (end - begin) for w, begin, end in zip(width, stage, last, strict=True))


def is_legal(graph: AdderGraph, stage: tuple[int, ...], limit: int) -> bool:
    depth = [0] * graph.inputs
    for number, adder in enumerate(graph.adders, start=graph.inputs):
        if any(stage[t.value] > stage[number] for t in adder.terms):
            return False
        depth.append(1 + max((depth[t.value] if stage[t.value] == stage[number] else 0) for t in adder.terms))
    return max(depth) <= limit


@pytest.mark.parametrize("cuts", [1, 2, 3])
def test_register_bits_are_the_least_of_all_assignments(cuts):
    width, limit = (4, 4, 4, 5, 6, 7, 8), -(-max(SMALL.depths) // (cuts + 1))
    found = stages(SMALL, width, cuts)
    legal = [(0, 0, 0, *s) for s in product(range(cuts + 1), repeat=4) if is_legal(SMALL, (0, 0, 0, *s), limit)]
    assert found in legal
    assert crossing(SMALL, width, found, cuts) == min(crossing(SMALL, width, s, cuts) for s in legal)


@pytest.mark.parametrize("cuts", [0, 1, 2, 4])
def test_a_layer_is_cut_within_the_depth_limit(cuts):
    matrix = np.random.default_rng(7).integers(-31, 32, (12, 16))
    bounds = Interval(np.full(16, -128), np.full(16, 127))
    graph = solve(matrix, bounds)
    found = stages(graph, widths(graph.bounds(bounds)), cuts)
    assert is_legal(graph, found, -(-max(graph.depths) // (cuts + 1)))
    assert max(found) == cuts or cuts == 0
