"""Damage of an upset weight bit: how much worse the answers of a graph get while one bit of its weights is wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import VerificationError
from codesign.fixed import Integers
from codesign.graph import Graph
from codesign.predict import compile_graph
from codesign.weight_bits import UpsetWeights, WeightBit, flipped

Reals = NDArray[np.float64]
# Outputs (rows, *shape), and the event that each row answers -> a number for every row, NaN if it has none.
RowMetric = Callable[[Mapping[str, Integers], Integers], Reals]
QUANTILE = 0.9
RECOMPUTED = 5  # flips of every block that are evaluated anew from the inputs


@dataclass(frozen=True, eq=False)
class Measured:
    """Metric of some events: without a flip (events,), with all sign bits flipped, and with each bit (bits, events).

    `changed` (bits, events): an output differs. `rows`: answers that the metric had to be computed for.
    """

    base: Reals
    all_signs: Reals
    flipped: Reals
    changed: NDArray[np.bool_]
    rows: int


@dataclass(frozen=True, eq=False)
class Damage:
    """Per bit (bits,): mean change of the metric with its standard error, change of its 90 % quantile, events changed.

    Positive is worse. `base_mean` and `base_quantile` are those without a flip; `all_signs` is the mean change with
    every sign bit flipped. `events` counts those with a metric.
    """

    mean: Reals
    error: Reals
    quantile: Reals
    changed: Reals
    events: int
    base_mean: float
    base_quantile: float
    all_signs: float


def measure(graph: Graph, values: Mapping[str, Integers], bits: Sequence[WeightBit], metric: RowMetric) -> Measured:
    """Flip each of `bits` alone in the integer graph and return the metric of every event.

    `values`: inputs (events, *shape) and parameters. One weight reaches few outputs, which take few values: answers
    that many flips have in common are given to the metric once. Raises `VerificationError` if an evaluation from the
    first node that differs is not that of the whole graph.
    """
    upset = UpsetWeights(graph, values)
    base = _flat(upset.changed({}))
    _check(upset, values, bits)
    answers = np.empty((len(bits) + 2, *base.shape), _narrowest(graph))  # there are many
    answers[0], answers[1] = base, _flat(upset.flip_all_signs())
    for row, bit in enumerate(bits, 2):
        answers[row] = _flat(upset.flip(bit))
    found, rows = _by_distinct_answer(answers, graph, metric)
    return Measured(found[0], found[1], found[2:], (answers[2:] != answers[0]).any(axis=2), rows)


def output_change(graph: Graph, values: Mapping[str, Integers]) -> RowMetric:
    """Return the metric for graphs whose outputs nothing decodes: mean absolute change of the output integers."""
    base = _flat(compile_graph(graph)(values))
    return lambda outputs, events: np.asarray(np.abs(_flat(outputs) - base[events]).mean(axis=1))


def summarise(parts: Sequence[Measured]) -> Damage:
    """Return the damage per bit over the events of all parts."""
    base = np.concatenate([part.base for part in parts])
    kept = ~np.isnan(base)
    base = base[kept]
    signs = np.concatenate([part.all_signs for part in parts])[kept]
    metric = np.concatenate([part.flipped for part in parts], axis=1)[:, kept]
    change = metric - base
    return Damage(
        change.mean(axis=1),
        change.std(axis=1, ddof=1) / np.sqrt(len(base)),
        np.quantile(metric, QUANTILE, axis=1) - np.quantile(base, QUANTILE),
        np.concatenate([part.changed for part in parts], axis=1).mean(axis=1),
        len(base),
        float(base.mean()),
        float(np.quantile(base, QUANTILE)),
        float((signs - base).mean()),
    )


def _flat(outputs: Mapping[str, Integers]) -> Integers:
    """All outputs side by side: (rows, elements)."""
    return np.concatenate([array.reshape(len(array), -1) for array in outputs.values()], axis=1)


def _ports(rows: Integers, graph: Graph) -> dict[str, Integers]:
    """The inverse of `_flat`."""
    shapes = {port.node: graph.types[port.node].shape for port in graph.outputs}
    ends = np.cumsum([graph.types[name].size for name in shapes])
    return {
        name: part.reshape(len(rows), *shapes[name])
        for name, part in zip(shapes, np.split(rows, ends[:-1], axis=1), strict=True)
    }


def _narrowest(graph: Graph) -> np.dtype[Any]:
    """The narrowest integer type that holds every output."""
    formats = [graph.types[port.node].fixed for port in graph.outputs]
    low, high = min(one.low for one in formats), max(one.high for one in formats)
    bits = next(bits for bits in (16, 32, 64) if -(1 << (bits - 1)) <= low and high < 1 << (bits - 1))
    return np.dtype(f"i{bits // 8}")


def _by_distinct_answer(answers: NDArray[Any], graph: Graph, metric: RowMetric) -> tuple[Reals, int]:
    """Return the metric of answers (flips, events, elements) as (flips, events), and how many rows were distinct."""
    events = answers.shape[1]
    distinct, places = [], []
    for event in range(events):
        rows, place = np.unique(answers[:, event].astype(np.int64), axis=0, return_inverse=True)
        distinct.append(rows)
        places.append(place.ravel())
    counts = [len(rows) for rows in distinct]
    found = metric(_ports(np.concatenate(distinct), graph), np.repeat(np.arange(events), counts))
    by_event = np.split(found, np.cumsum(counts)[:-1])
    return np.stack([one[place] for one, place in zip(by_event, places, strict=True)], axis=1), sum(counts)


def _check(upset: UpsetWeights, values: Mapping[str, Integers], bits: Sequence[WeightBit]) -> None:
    """Evaluate the whole graph in integers without a flip and with some, and compare."""
    graph = upset.graph
    _same(graph.evaluate(values), upset.changed({}), "no flip")
    for bit in np.random.default_rng(len(bits)).permutation(len(bits))[:RECOMPUTED]:
        one = bits[bit]
        wrong = flipped(upset.values[one.parameter], graph.types[one.parameter].fixed, one.element, one.bit)
        _same(graph.evaluate({**values, one.parameter: wrong}), upset.flip(one), f"flip of {one}")


def _same(whole: Mapping[str, Integers], part: Mapping[str, Integers], what: str) -> None:
    for name, array in part.items():
        if not np.array_equal(whole[name], array):
            raise VerificationError(f"{what}: output '{name}' evaluated from the changed node on is not the graph's")
