"""The logic in series on the longest way through every operator: pieces whose delay a technology knows.

One function an operator. Wires cost nothing; shared adders (`Products`) are walked one by one in `critical_path`, and
the steps of such a node are those behind its sums.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any, Literal

import numpy as np

from codesign.errors import BadInputError
from codesign.graph import Instance, Op, Products, Scaling, TensorType
from codesign.ops.global_pool import GlobalPool
from codesign.ops.max_pool import MaxPool
from codesign.ops.requantise import Requantise
from codesign.ops.segment_mean import SegmentMean
from codesign.ops.threshold import Threshold
from codesign.ops.top_k import TopK
from codesign.serial import DigitPhases


@dataclass(frozen=True)
class Step:
    """One piece of logic, technology-free; `count` of them stand side by side for one element of the result.

    "adder" of `size` bits; "constant", one of `size` bits added at the end of a sum; "compare" of `size` bits with a
    constant; "mux" or ROM of `size` inputs, `other` bits wide (1 if it is 0); "gates", a tree over `size` inputs, as
    wide; "multiplier" of `size` by `other` bits.
    """

    kind: Literal["adder", "constant", "compare", "mux", "gates", "multiplier"]
    size: int
    other: int = 0
    count: int = 1


Steps = tuple[Step, ...]


def operator_steps(op: Op, reuse: int, *operands: TensorType) -> Steps:
    """Return the steps of an operator at `reuse`; `BadInputError` if none are known for it."""
    if op.kind in _STEPS:
        return _STEPS[op.kind](op, reuse, *operands)
    how = op.rtl(reuse, *operands)
    if isinstance(how, Instance | Scaling):
        raise BadInputError(f"no delay is known for operator '{op.kind}': add it to codesign/steps.py")
    return ()


def _tree(count: int, bits: int, copies: int = 1) -> Steps:
    """A path through a balanced tree of adders over `count` values of `bits` bits; `copies` of them."""
    return tuple(Step("adder", bits + level, count=copies) for level in range((count - 1).bit_length()))


def _levels(leaves: int) -> tuple[int, ...]:
    """Nodes with two branches on every level of a balanced tree, the leaves' first."""
    found = []
    while leaves > 1:
        found.append(leaves // 2)
        leaves -= leaves // 2
    return tuple(found)


def _sums(leaves: int, bits: int) -> Steps:
    """A balanced tree of adders over `leaves` values of `bits` bits, with all of its adders."""
    return tuple(Step("adder", bits + level, count=nodes) for level, nodes in enumerate(_levels(leaves)))


def _shift(bits: int) -> Steps:
    """A barrel shifter over `bits` positions."""
    return (Step("mux", 1 << max(bits - 1, 1).bit_length()),)


def _requantise(op: Requantise, reuse: int, data: TensorType) -> Steps:
    """Scale, test for a tie, clip; a half to add meets the constant of the sums."""
    terms = max(bin(abs(factor) ^ (3 * abs(factor))).count("1") for factor in op.multiplier)
    scaled = _tree(max(terms, 1), data.fixed.width)
    tie = (Step("compare", op.shift),) if op.rounding == "half_even" and op.shift else ()
    low, high = op.clip
    ends = [op.rounded(bound[None]) for bound in (data.bounds.low, data.bounds.high)]
    is_clipped = bool(np.min(ends) < low or np.max(ends) > high)
    compared = max(op.rtl(reuse, data).sums.fixed.width - op.shift, 1)
    clip = (Step("compare", compared), Step("mux", 2)) if is_clipped else ()
    return (*scaled, *tie, *clip)


def _threshold(op: Threshold, reuse: int, data: TensorType) -> Steps:
    """Compare with every threshold at once, then count."""
    levels = int(op.thresholds.shape[1])
    return (Step("compare", data.fixed.width, count=levels), *_tree(levels, 1, levels))


def _add(op: Op, reuse: int, left: TensorType, right: TensorType) -> Steps:
    return (Step("adder", op.result(left, right).fixed.width),)


def _max_pool(op: MaxPool, reuse: int, data: TensorType) -> Steps:
    """A tree of comparisons of two values, the higher of which goes on."""
    return _comparisons(prod(op.kernel), data)


def _argmax(op: Op, reuse: int, data: TensorType) -> Steps:
    return _comparisons(data.shape[-1], data)


def _comparisons(count: int, data: TensorType) -> Steps:
    pairs = ((Step("adder", data.fixed.width, count=nodes), Step("mux", 2, count=nodes)) for nodes in _levels(count))
    return tuple(step for pair in pairs for step in pair)


def _concat(op: Op, reuse: int, left: TensorType, right: TensorType) -> Steps:
    """Wires."""
    return ()


def _take(op: Op, reuse: int, data: TensorType, index: TensorType) -> Steps:
    """Wires, or one multiplexer over all rows."""
    return () if index.is_constant else (Step("mux", data.shape[0] + 1, data.fixed.width),)


def _segment_sum(op: Op, reuse: int, values: TensorType, index: TensorType) -> Steps:
    """Compare every index, let the members of the segment pass, add."""
    if index.is_constant:
        return ()  # shared adders
    return (*_members(values, index), *_sums(index.size, values.fixed.width))


def _segment_max(op: Op, reuse: int, values: TensorType, index: TensorType) -> Steps:
    return (*_members(values, index), *_comparisons(index.size, values))


def _segment_mean(op: SegmentMean, reuse: int, values: TensorType, index: TensorType) -> Steps:
    """Sums, then one subtraction for every bit of the result."""
    count_bits = index.size.bit_length()
    division = (Step("adder", count_bits + 1), Step("mux", 2, count_bits)) * (values.fixed.width + op.frac)
    return (*_members(values, index), *_sums(index.size, values.fixed.width), *division)


def _top_k(op: TopK, reuse: int, data: TensorType) -> Steps:
    """All pairs compared, the elements before each counted, one element chosen for each rank."""
    size = data.shape[-1]
    pairs = Step("adder", data.fixed.width, count=ceil(size * (size - 1) / (2 * op.k)))
    ranks = (replace(step, count=ceil(step.count * size / op.k)) for step in _sums(size, 1))
    return (pairs, *ranks, Step("mux", size, op.result(data).fixed.width)) if size > 1 else ()


def _members(values: TensorType, index: TensorType) -> Steps:
    """Compare every index with the number of the segment, and let the values of its members pass.

    One comparison serves all elements of a row.
    """
    shared = max(1, index.size * index.size // values.size)
    decode = Step("gates", index.fixed.width, count=shared)
    return (decode, Step("gates", 2, values.fixed.width, index.size))


def _compare(op: Op, reuse: int, left: TensorType, right: TensorType) -> Steps:
    return (Step("adder", max(left.fixed.width, right.fixed.width)),)


def _multiply(op: Op, reuse: int, left: TensorType, right: TensorType) -> Steps:
    return (Step("multiplier", left.fixed.width, right.fixed.width),)


def _select(op: Op, reuse: int, *operands: TensorType) -> Steps:
    return (Step("mux", 2, op.result(*operands).fixed.width),)


def _lookup(op: Op, reuse: int, data: TensorType) -> Steps:
    """One multiplexer of constants."""
    return (Step("mux", 1 << data.fixed.width, op.result(data).fixed.width),)


def _global_pool(op: GlobalPool, reuse: int, data: TensorType) -> Steps:
    """Shared adders, or a tree of comparisons over all rows."""
    return () if op.mode == "sum" else _comparisons(data.shape[0], data)


def _normalise(op: Op, reuse: int, data: TensorType, total: TensorType) -> Steps:
    """Find the leading one, then shift by it."""
    return (Step("gates", total.fixed.width), *_shift(data.fixed.width))


def _pack_float(op: Op, reuse: int, data: TensorType) -> Steps:
    return (Step("gates", data.fixed.width), Step("adder", 8), *_shift(data.fixed.width))


def _unpack_float(op: Op, reuse: int, code: TensorType) -> Steps:
    return (Step("gates", code.fixed.width), *_shift(op.result(code).fixed.width))


def _digit_sums(op: Any, phases: DigitPhases, inputs: int, data: TensorType, result: TensorType) -> Steps:
    """The choice of a digit, tables in chains and trees of sums (or shared adders, no deeper), the accumulator."""
    chosen = phases.positions * phases.digits
    bits = result.fixed.width - data.fixed.width + phases.digit_bits
    selected = (Step("mux", chosen),) if chosen > 1 else ()
    return (*selected, Step("gates", 6), *_tree(inputs, max(bits - inputs.bit_length(), 1)), Step("adder", bits))


def _matvec(op: Any, reuse: int, data: TensorType, weight: TensorType, bias: TensorType) -> Steps:
    """Wired sums need no more steps; else a word of weights, a multiplier and the sum over the inputs of a phase."""
    if isinstance(op.rtl(reuse, data, weight, bias), Products):
        return ()
    matvec = op.matvec(data, weight)
    digits = matvec.digit_phases(reuse, op.truncate, data, weight, bias)
    if digits:
        return _digit_sums(op, digits, matvec.inputs, data, op.result(data, weight, bias))
    phases = matvec.phases(reuse)
    bits = (data.fixed.width, weight.fixed.width)
    words = phases.inputs * phases.outputs
    fetched = (Step("mux", words),) if words > 1 else ()
    return (*fetched, Step("multiplier", *bits), *_tree(matvec.inputs // phases.inputs + 1, sum(bits)))


_STEPS: Mapping[str, Callable[..., Steps]] = {
    "requantise": _requantise,
    "threshold": _threshold,
    "add": _add,
    "argmax": _argmax,
    "concat": _concat,
    "max_pool": _max_pool,
    "compare": _compare,
    "global_pool": _global_pool,
    "lookup": _lookup,
    "multiply": _multiply,
    "segment_max": _segment_max,
    "segment_mean": _segment_mean,
    "select": _select,
    "take": _take,
    "top_k": _top_k,
    "segment_sum": _segment_sum,
    "normalise": _normalise,
    "pack_float": _pack_float,
    "unpack_float": _unpack_float,
    "dense": _matvec,
    "conv1d": _matvec,
    "conv2d": _matvec,
}
