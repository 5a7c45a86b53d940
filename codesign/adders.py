"""Shared adder graphs: a constant matrix times a vector, with every common partial sum formed once.

A graph is a list of values: the inputs, then one value for every adder. Its meaning is linear algebra: every value is
an integer combination of the inputs, so `AdderGraph.matrix` is the whole function, and comparing it with the wanted
matrix proves the graph for every operand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from codesign.fixed import Fixed, Integers
from codesign.ranges import Interval

# Adders that the longest path may have beyond the shallowest tree: more saves 2 % of the adders and doubles the path.
EXTRA_DEPTH = 2


@dataclass(frozen=True)
class Term:
    """A summand: value number `value`, shifted left by `shift` bits, negated if `negative`."""

    value: int
    shift: int = 0
    negative: bool = False


@dataclass(frozen=True)
class Adder:
    """The sum of two terms; at most one of them is negative and at most one is shifted."""

    left: Term
    right: Term

    @property
    def terms(self) -> tuple[Term, Term]:
        """Both summands."""
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class AdderGraph:
    """`inputs` values, `adders` in topological order (adder k is value inputs + k), and the outputs.

    An output of None is the constant zero.
    """

    inputs: int
    adders: tuple[Adder, ...]
    outputs: tuple[Term | None, ...]

    @cached_property
    def coefficients(self) -> Integers:
        """(values, inputs): every value as a combination of the inputs."""
        rows = np.zeros((self.inputs + len(self.adders), self.inputs), np.int64)
        rows[: self.inputs] = np.eye(self.inputs, dtype=np.int64)
        for row, adder in enumerate(self.adders, start=self.inputs):
            rows[row] = _applied(adder.left, rows) + _applied(adder.right, rows)
        return rows

    @cached_property
    def matrix(self) -> Integers:
        """(outputs, inputs): the matrix that the graph multiplies with."""
        zero = np.zeros(self.inputs, np.int64)
        rows = [zero if term is None else _applied(term, self.coefficients) for term in self.outputs]
        return np.stack(rows) if rows else np.zeros((0, self.inputs), np.int64)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Adders on the longest way from an input to each value."""
        depths = [0] * self.inputs
        for adder in self.adders:
            depths.append(1 + max(depths[term.value] for term in adder.terms))
        return tuple(depths)

    def evaluate(self, values: Integers) -> Integers:
        """Return (batch, inputs) -> (batch, values), adder by adder."""
        columns = list(np.moveaxis(values, -1, 0))
        for adder in self.adders:
            columns.append(_applied(adder.left, columns) + _applied(adder.right, columns))
        return np.stack(columns, axis=-1)

    def bounds(self, inputs: Interval) -> Interval:
        """Return the exact bounds of every value for inputs that vary independently."""
        rows = self.coefficients
        ends = (rows * inputs.low, rows * inputs.high)
        zeros = np.where(rows == 0, 63, inputs.trailing + _trailing(rows)).min(axis=1, initial=63)
        return Interval(np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1), np.minimum(zeros, 62))


def _applied(term: Term, rows: Sequence[Integers] | Integers) -> Integers:
    shifted = rows[term.value] << term.shift
    return -shifted if term.negative else shifted


def _trailing(values: Integers) -> Integers:
    lowest = (values & -values).astype(np.float64)  # a power of two, exact
    return np.where(values == 0, 0, np.frexp(lowest)[1] - 1).astype(np.int64)


def widths(bounds: Interval) -> tuple[int, ...]:
    """Return the bits of every value as a signed number."""
    pairs = zip(bounds.low.tolist(), bounds.high.tolist(), strict=True)
    return tuple(Fixed.covering(low, high).width + (low >= 0) for low, high in pairs)


def pruned(graph: AdderGraph) -> AdderGraph:
    """Return the graph without adders that no output needs, and with equal adders merged."""
    needed = {term.value for term in graph.outputs if term}
    for number in range(len(graph.adders) - 1, -1, -1):
        if number + graph.inputs in needed:
            needed.update(term.value for term in graph.adders[number].terms)
    new = dict(enumerate(range(graph.inputs)))
    kept: dict[Adder, int] = {}
    for number, adder in enumerate(graph.adders, start=graph.inputs):
        if number in needed:
            moved = Adder(_moved(adder.left, new), _moved(adder.right, new))
            new[number] = kept.setdefault(moved, graph.inputs + len(kept))
    return AdderGraph(graph.inputs, tuple(kept), tuple(term and _moved(term, new) for term in graph.outputs))


def _moved(term: Term, new: dict[int, int]) -> Term:
    return Term(new[term.value], term.shift, term.negative)


def joined(inputs: int, parts: Sequence[tuple[AdderGraph, Sequence[int], Sequence[int]]], outputs: int) -> AdderGraph:
    """Return one graph of `parts` (graph, its inputs' numbers, its outputs' numbers); equal adders are merged."""
    adders: list[Adder] = []
    results: list[Term | None] = [None] * outputs
    for part, columns, rows in parts:
        new = dict(enumerate(columns))
        for number, adder in enumerate(part.adders, start=part.inputs):
            new[number] = inputs + len(adders)
            adders.append(Adder(_moved(adder.left, new), _moved(adder.right, new)))
        for row, term in zip(rows, part.outputs, strict=True):
            results[row] = term and _moved(term, new)
    return pruned(AdderGraph(inputs, tuple(adders), tuple(results)))
