"""Find a small adder graph for a constant matrix: the search is alkaid's, the proof of its answer is ours."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from codesign.adders import EXTRA_DEPTH, Adder, AdderGraph, Term, joined, pruned
from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.ranges import Interval
from codesign.unsigned_form import Fabric, cost

# Ways of choosing the next common pair, see alkaid; the fewest adder bits of all win.
METHODS = ("wmc", "mc", "wmc-pdc")
FAST_METHODS = ("mc",)  # for more weights than `MANY_WEIGHTS`, where every method takes a second
MANY_WEIGHTS = 600
# The search breaks ties by position: small matrices are tried in several orders, which saves 2 to 3 % of the adders.
MAX_ORDERS = 12
ORDERED_WEIGHTS = 500
MAX_WEIGHTS = 40_000  # above, the search takes minutes and no sensible chip holds the result
EXACT_WEIGHT = 1 << 24  # the solver takes float32
DIGIT_BITS = 20  # larger single factors are taken apart into such digits


def solve(
    matrix: Integers, inputs: Interval, fabric: Fabric = "cells", *, extra_depth: int = EXTRA_DEPTH
) -> AdderGraph:
    """Return an adder graph of `matrix` (outputs, inputs) for inputs within the bounds, cheap in `fabric`.

    `extra_depth`: adders that the longest path may have beyond the shallowest tree, -1 for no limit. Zero, equal and
    power-of-two rows and unused inputs cost no adder. Raises `BadInputError` for a matrix that is too large.
    """
    if np.abs(matrix).max(initial=0) >= EXACT_WEIGHT:
        raise BadInputError(f"weights of an adder graph must lie within +-{EXACT_WEIGHT - 1}; use fewer weight bits")
    if np.count_nonzero(matrix) > MAX_WEIGHTS:
        raise BadInputError(f"an adder graph of {np.count_nonzero(matrix)} weights is too large: use a reuse factor")
    low, high = tuple(inputs.low.ravel().tolist()), tuple(inputs.high.ravel().tolist())
    content = np.ascontiguousarray(matrix, dtype=np.int64).tobytes()
    return _solve(_Task(matrix.shape, content, low, high, fabric, extra_depth))


def solve_blocks(
    matrix: Integers,
    inputs: Interval,
    blocks: Sequence[Sequence[int]],
    fabric: Fabric = "cells",
    *,
    extra_depth: int = EXTRA_DEPTH,
) -> AdderGraph:
    """Return the smaller of: all rows solved together; every block of rows solved alone, equal blocks once.

    Blocks that read no common input have nothing to share: they are solved alone.
    """
    if len(blocks) < 2:
        return solve(matrix, inputs, fabric, extra_depth=extra_depth)
    parts = [(_block(matrix[list(rows)], inputs, fabric, extra_depth), rows) for rows in blocks]
    alone = joined(matrix.shape[1], [(graph, columns, rows) for (graph, columns), rows in parts], len(matrix))
    readers = Counter(column for (_, columns), _ in parts for column in columns)
    if max(readers.values(), default=0) < 2:
        return alone
    together = solve(matrix, inputs, fabric, extra_depth=extra_depth)
    return min((together, alone), key=lambda graph: cost(graph, inputs, fabric))


def scaled(graph: AdderGraph, factors: Sequence[int]) -> AdderGraph:
    """Return `graph` with every output multiplied by its constant factor, by adders behind it."""
    adders, outputs = list(graph.adders), []
    known: dict[tuple[Term, int], Term | None] = {}
    for term, factor in zip(graph.outputs, factors, strict=True):
        if term is not None and (term, factor) not in known:
            known[term, factor] = _multiplied(graph.inputs, adders, term, factor)
        outputs.append(known[term, factor] if term is not None else None)
    return pruned(AdderGraph(graph.inputs, tuple(adders), tuple(outputs)))


def _multiplied(inputs: int, adders: list[Adder], term: Term, factor: int) -> Term | None:
    """Append the adders of `term` * factor to `adders` and return the product."""
    new = {0: term}
    factor_graph = _factor(factor)
    for number, adder in enumerate(factor_graph.adders, start=1):
        left, right = (_within(one, new) for one in adder.terms)
        common, flip = min(left.shift, right.shift), left.negative and right.negative
        pair = [Term(one.value, one.shift - common, one.negative and not flip) for one in (left, right)]
        pair.sort(key=lambda one: (one.negative, one.shift))
        adders.append(Adder(pair[0], pair[1]))
        new[number] = Term(inputs + len(adders) - 1, common, flip)
    (output,) = factor_graph.outputs
    return output and _within(output, new)


def _within(term: Term, new: dict[int, Term]) -> Term:
    inner = new[term.value]
    return Term(inner.value, inner.shift + term.shift, inner.negative != term.negative)


@lru_cache(maxsize=4096)
def _factor(factor: int) -> AdderGraph:
    """Return the adders of one constant factor: digits beyond the solver's numbers are solved together, then added."""
    digits, base = [], 1 << DIGIT_BITS
    while factor:
        digits.append((factor + base // 2) % base - base // 2)
        factor = (factor - digits[-1]) // base
    graph = solve(
        np.array(digits or [0], dtype=np.int64)[:, None], Interval(np.zeros(1, np.int64), np.ones(1, np.int64))
    )
    adders, total = list(graph.adders), None
    for k, term in enumerate(graph.outputs):
        part = term and Term(term.value, term.shift + k * DIGIT_BITS, term.negative)
        if total is not None and part is not None:
            pair = sorted((total, part), key=lambda one: (one.negative, one.shift))
            common, flip = min(one.shift for one in pair), all(one.negative for one in pair)
            adders.append(Adder(*(Term(o.value, o.shift - common, o.negative and not flip) for o in pair)))
            part = Term(len(adders), common, flip)
        total = part or total
    return AdderGraph(1, tuple(adders), (total,))


def _block(rows: Integers, inputs: Interval, fabric: Fabric, extra_depth: int) -> tuple[AdderGraph, list[int]]:
    columns = np.flatnonzero(rows.any(axis=0))
    inner = inputs.mapped(lambda array: array[columns])
    return solve(rows[:, columns], inner, fabric, extra_depth=extra_depth), columns.tolist()


@dataclass(frozen=True)
class _Task:
    """What a search is asked for, as a key of the cache: `content` is the matrix's int64 memory."""

    shape: tuple[int, int]
    content: bytes
    low: tuple[int, ...]
    high: tuple[int, ...]
    fabric: Fabric
    extra_depth: int


@lru_cache(maxsize=256)
def _solve(task: _Task) -> AdderGraph:
    shape = task.shape
    matrix = np.frombuffer(task.content, np.int64).reshape(shape)
    bounds = Interval(np.array(task.low, dtype=np.int64), np.array(task.high, dtype=np.int64))
    rows, columns = np.flatnonzero(matrix.any(axis=1)), np.flatnonzero(matrix.any(axis=0))
    if not len(rows):
        return AdderGraph(shape[1], (), (None,) * shape[0])
    distinct, position = np.unique(matrix[rows][:, columns], axis=0, return_inverse=True)
    inner = bounds.mapped(lambda array: array[columns])
    weights = int(np.count_nonzero(distinct))
    methods = METHODS if weights <= MANY_WEIGHTS else FAST_METHODS
    orders = range(min(MAX_ORDERS, max(1, ORDERED_WEIGHTS // weights)) if min(distinct.shape) > 1 else 1)
    answers = [_reordered(distinct, inner, method, task.extra_depth, order) for order in orders for method in methods]
    found = min(answers, key=lambda graph: cost(graph, inner, task.fabric)) if len(answers) > 1 else answers[0]
    if not np.array_equal(found.matrix, distinct):
        raise AssertionError("the adder graph does not equal its matrix")
    expanded = AdderGraph(found.inputs, found.adders, tuple(found.outputs[k] for k in position.ravel()))
    return joined(shape[1], [(expanded, columns.tolist(), rows.tolist())], shape[0])


def _reordered(matrix: Integers, bounds: Interval, method: str, extra_depth: int, order: int) -> AdderGraph:
    """Return what the search finds with rows and columns in order number `order`; 0 is the matrix as it is."""
    rng = np.random.default_rng(order)
    rows, columns = (rng.permutation(size) if order else np.arange(size) for size in matrix.shape)
    inner = bounds.mapped(lambda array: array[columns])
    found = _from_alkaid(matrix[rows][:, columns], inner, method, extra_depth)
    return joined(matrix.shape[1], [(found, columns.tolist(), rows.tolist())], matrix.shape[0])


def _from_alkaid(matrix: Integers, bounds: Interval, method: str, extra_depth: int) -> AdderGraph:
    from alkaid.cmvm import cmvm_solve

    # The solver reads the memory as it lies and ignores strides.
    kernel = np.ascontiguousarray(matrix.T, dtype=np.float32)
    intervals = [(float(low), float(high), 1.0) for low, high in zip(bounds.low, bounds.high, strict=True)]
    # Trying every way to take the matrix apart costs six times as much, and finds nothing better in large ones.
    is_large = np.count_nonzero(matrix) > MANY_WEIGHTS
    fast = {"search_all_decompose_dc": False, "decompose_dc": 0} if is_large else {}
    stages = cmvm_solve(kernel, method0=method, hard_dc=extra_depth, qintervals=intervals, **fast)
    reader = _Reader(matrix.shape[1])
    outputs = [(k, 0, False) for k in range(matrix.shape[1])]
    for stage in stages:
        outputs = reader.stage(stage, outputs)
    return pruned(AdderGraph(reader.inputs, tuple(reader.adders), tuple(reader.output(*one) for one in outputs)))


class _Reader:
    """Turns alkaid's operations, whose values carry binary points, into adders of integers.

    A value is (number, exponent, negative): number << exponent, where the exponent may be negative.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.adders: list[Adder] = []

    def stage(self, stage: object, inputs: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
        """Append the operations of one stage on `inputs`; return its outputs."""
        values: list[tuple[int, int, bool]] = []
        for op in stage.ops:  # type: ignore[attr-defined]
            if op.opcode == -1:
                number, exponent, negative = inputs[op.data[0]]
                values.append((number, exponent + stage.inp_shifts[op.data[0]], negative))  # type: ignore[attr-defined]
            elif op.opcode in (0, 1):
                values.append(self._add(values[op.addr[0]], values[op.addr[1]], op.data[0], op.opcode == 1))
            else:
                raise AssertionError(f"alkaid gave operation {op.opcode} for a matrix product")
        chosen = zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)  # type: ignore[attr-defined]
        return [
            (-1, 0, False) if index < 0 else (values[index][0], values[index][1] + shift, values[index][2] != negative)
            for index, shift, negative in chosen
        ]

    def _add(
        self, left: tuple[int, int, bool], right: tuple[int, int, bool], shift: int, subtract: bool
    ) -> tuple[int, int, bool]:
        exponents = (left[1], right[1] + shift)
        common = min(exponents)
        terms = [
            Term(left[0], exponents[0] - common, left[2]),
            Term(right[0], exponents[1] - common, right[2] != subtract),
        ]
        negative = terms[0].negative and terms[1].negative
        if negative:
            terms = [Term(term.value, term.shift) for term in terms]
        # An unshifted positive term stands first, so that the low bits below a shifted second one pass unchanged.
        terms.sort(key=lambda term: (term.negative, term.shift))
        self.adders.append(Adder(terms[0], terms[1]))
        return (self.inputs + len(self.adders) - 1, common, negative)

    def output(self, number: int, exponent: int, negative: bool) -> Term | None:
        """Return the term of an output; its exponent is never negative, since the matrix holds integers."""
        return None if number < 0 else Term(number, exponent, negative)
