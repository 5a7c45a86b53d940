"""Cut an adder graph into pipeline stages of equal depth with the fewest register bits.

A stage is a number for every value. With D adders allowed in a row in one stage, the stages s satisfy s[u] >= s[v] for
every adder u that reads v, and s[u] >= s[v] + 1 for every u whose longest way from v has D adders: differences only, so
the linear programme of least register bits has an integer optimum (Leiserson and Saxe, Algorithmica 6, 1991).
"""

from functools import lru_cache

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from codesign.adders import AdderGraph


@lru_cache(maxsize=256)
def stages(graph: AdderGraph, widths: tuple[int, ...], cuts: int) -> tuple[int, ...]:
    """Return the stage of every value for `cuts` cuts; inputs are in stage 0 and outputs are read in stage `cuts`."""
    values = graph.inputs + len(graph.adders)
    depth = max(graph.depths, default=0)
    if not cuts or not graph.adders:
        return (0,) * values
    rows = _Rows(values)
    for pair in _far_pairs(graph, -(-depth // (cuts + 1))):
        rows.at_least(*pair, 1)
    _add_lives(graph, rows)
    cost = np.concatenate([np.zeros(values), np.array(widths, dtype=float)])
    bounds = [(0, 0)] * graph.inputs + [(0, cuts)] * len(graph.adders) + [(0, cuts)] * values
    for output in {term.value for term in graph.outputs if term}:
        # It lives until the last stage: life >= cuts - stage.
        rows.life_at_least(output, None, cuts)
    solution = linprog(cost, A_ub=rows.matrix(2 * values), b_ub=rows.limits, bounds=bounds, method="highs-ds")
    assert solution.success, solution.message
    return tuple(round(stage) for stage in solution.x[:values])


class _Rows:
    """Constraints of the linear programme over (stage of every value, life of every value in stages)."""

    def __init__(self, values: int) -> None:
        self.values = values
        self.limits: list[float] = []
        self._entries: list[tuple[int, int, float]] = []

    def at_least(self, early: int, late: int, distance: int) -> None:
        """stage[late] - stage[early] >= distance."""
        self._add([(early, 1.0), (late, -1.0)], -distance)

    def life_at_least(self, value: int, reader: int | None, stage: int = 0) -> None:
        """life[value] >= stage[reader] - stage[value], or >= `stage` - stage[value] without a reader."""
        entries = [(value, -1.0), (self.values + value, -1.0)]
        self._add(entries + ([(reader, 1.0)] if reader is not None else []), -stage)

    def _add(self, entries: list[tuple[int, float]], limit: float) -> None:
        row = len(self.limits)
        self._entries += [(row, column, factor) for column, factor in entries]
        self.limits.append(limit)

    def matrix(self, columns: int) -> csr_array:
        """Return the constraint matrix."""
        row, column, factor = zip(*self._entries, strict=True)
        return csr_array((factor, (row, column)), shape=(len(self.limits), columns))


def _add_lives(graph: AdderGraph, rows: _Rows) -> None:
    """An adder runs no earlier than what it reads, and a value lives until its last reader."""
    for number, adder in enumerate(graph.adders, start=graph.inputs):
        for term in adder.terms:
            if term.value >= graph.inputs:
                rows.at_least(term.value, number, 0)
            rows.life_at_least(term.value, number)


def _far_pairs(graph: AdderGraph, limit: int) -> list[tuple[int, int]]:
    """Return (first, last) adders whose longest connection has exactly `limit` edges: not both fit into one stage."""
    readers: list[list[int]] = [[] for _ in range(graph.inputs + len(graph.adders))]
    for number, adder in enumerate(graph.adders, start=graph.inputs):
        for term in adder.terms:
            readers[term.value].append(number)
    pairs = []
    for first in range(graph.inputs, len(readers)):
        distance = {first: 0}
        for number in range(first, len(readers)):  # topological order
            if number in distance and distance[number] < limit:
                for reader in readers[number]:
                    distance[reader] = max(distance.get(reader, 0), distance[number] + 1)
        pairs += [(first, last) for last, edges in distance.items() if edges == limit]
    return pairs
