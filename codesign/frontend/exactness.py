"""Compares an integer graph with the Brevitas model it came from, on every value of every node.

Float64 evaluation of the model is the reference: there the graph's integers must come out on every value. Float32
evaluation rounds more; each difference is located in one requantisation (the later ones go on from float32's own
integers) and must be a tie inside float32's rounding error there.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.frontend.captured import Binding, Captured
from codesign.frontend.read import array, value_of
from codesign.frontend.record import Call, Trace, trace
from codesign.frontend.vectors import input_grid
from codesign.graph import Source
from codesign.ops.conv1d import Conv1d
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.segment_sum import SegmentSum
from codesign.rescale import RoundingMode, boundaries

Reals = NDArray[np.float64]
Inputs = ArrayLike | Mapping[str, ArrayLike]
Given = Mapping[str, NDArray[Any]]
# Inputs (n, *shape) by input node to the real values of every bound path, (n, *shape) each, in model order.
Evaluate = Callable[[Given], Mapping[str, Reals]]
Advance = Callable[[int], None]

DEVIATION_LIMIT = 1e-6  # float64 accumulators lie this close to their integers, else the capture is wrong
# Roundings a term goes through beside the additions: two scales, product, bias, batch norm (4), division, zero point.
ROUNDINGS_BESIDE_SUMS = 16


@dataclass(frozen=True)
class Tie:
    """A value that an evaluation in floating point rounded to the other side.

    `distance_lsb`: how far the exact value lies from the rounding boundary, in steps of the result; `epsilons`: the
    same in units of the float type's epsilon times the accumulated magnitude; `allowed`: what rounding can reach,
    half an epsilon for each term and each further operation.
    """

    node: str
    vector: int
    element: int
    graph: int
    model: int
    distance_lsb: float
    epsilons: float
    allowed: float

    @property
    def is_explained(self) -> bool:
        """Whether the difference lies inside the rounding error."""
        return self.epsilons <= self.allowed


@dataclass(frozen=True)
class ExactnessReport:
    """Counts over all vectors. Mappings go from module path (or fx node name) to a count.

    `values`: integers compared with float64 evaluation, of which `mismatches` differ. Where any does, every
    requantisation that rounded differently is in `float64_ties`, and `float64_broken` counts values of other nodes
    that differ although fed with the model's own integers. `largest_deviation`: how far a float64 value was from an
    integer. For float32: values compared (quantiser outputs), and every difference as a `Tie`.
    """

    vectors: int
    values: Mapping[str, int]
    mismatches: Mapping[str, int]
    float64_ties: tuple[Tie, ...]
    float64_broken: int
    largest_deviation: float
    float32_values: int
    float32_ties: tuple[Tie, ...]

    @property
    def total_values(self) -> int:
        """All values compared with float64 evaluation."""
        return sum(self.values.values())

    @property
    def total_mismatches(self) -> int:
        """All values that differ from float64 evaluation."""
        return sum(self.mismatches.values())

    @property
    def unexplained(self) -> int:
        """Differences from float64 or float32 evaluation that are no ties inside its rounding error."""
        ties = (*self.float64_ties, *self.float32_ties)
        return self.float64_broken + sum(not tie.is_explained for tie in ties)

    @property
    def is_explained(self) -> bool:
        """Whether every difference, from either evaluation, is a tie inside its rounding error.

        A float64 model with scales that are no powers of two is no function of its integers where an exact value
        lies on a rounding boundary (an exact zero under CEIL, say); elsewhere `is_exact` holds too.
        """
        return self.largest_deviation <= DEVIATION_LIMIT and self.unexplained == 0

    @property
    def is_exact(self) -> bool:
        """Whether float64 evaluation agrees on every value and every float32 difference is explained."""
        return self.total_mismatches == 0 and self.is_explained

    def summary(self) -> str:
        """Return the counts in one line."""
        worst = max((tie.epsilons / tie.allowed for tie in self.float32_ties), default=0.0)
        return (
            f"{self.vectors} vectors, {self.total_values} values on {len(self.values)} nodes: "
            f"{self.total_mismatches} differ from float64 evaluation; {self.float32_values} compared with float32: "
            f"{len(self.float32_ties)} differ, {self.unexplained} not explained by rounding "
            f"(largest at {100 * worst:.1f} % of the rounding bound)"
        )


@dataclass
class _Counts:
    vectors: int = 0
    values: Counter[str] = field(default_factory=Counter)
    mismatches: Counter[str] = field(default_factory=Counter)
    float64_ties: list[Tie] = field(default_factory=list)
    float64_broken: int = 0
    deviation: float = 0.0
    float32_values: int = 0
    float32_ties: list[Tie] = field(default_factory=list)


def _ignore(count: int) -> None:
    """Take notice of no progress."""


def check_exactness(
    captured: Captured, model: nn.Module, inputs: Inputs, batch: int = 4096, *, advance: Advance = _ignore
) -> ExactnessReport:
    """Return how the graph compares with `model` on `inputs` (n, *shape), `batch` vectors at a time.

    `advance` is told the number of vectors after each batch.

    Several inputs are given by input node: reals, and indices of 0..rows.

    `model` is left as it is. Raises `BadInputError` for inputs of another shape, or a model of other modules.
    """
    double, single = (
        partial(_evaluate_model, captured, trace(model, dtype), dtype) for dtype in (torch.float64, torch.float32)
    )
    return compare_evaluations(captured, double, single, inputs, batch, advance=advance)


def compare_evaluations(
    captured: Captured,
    float64: Evaluate,
    float32: Evaluate,
    inputs: Inputs,
    batch: int = 4096,
    *,
    advance: Advance = _ignore,
) -> ExactnessReport:
    """Return how the graph compares with two evaluations of its model on `inputs`; see `check_exactness`."""
    counts = _Counts()
    for given in _chunks(captured, inputs, batch):
        _compare_float64(captured, float64, given, counts)
        _compare_float32(captured, float32, {name: _single(values) for name, values in given.items()}, counts)
        counts.vectors += len(given[captured.input])
        advance(len(given[captured.input]))
    return ExactnessReport(
        counts.vectors,
        dict(counts.values),
        {path: count for path, count in counts.mismatches.items() if count},
        tuple(counts.float64_ties),
        counts.float64_broken,
        counts.deviation,
        counts.float32_values,
        tuple(counts.float32_ties),
    )


def _chunks(captured: Captured, inputs: Inputs, batch: int) -> Iterator[Given]:
    given = inputs if isinstance(inputs, Mapping) else {captured.input: inputs}
    arrays = {name: np.asarray(values) for name, values in given.items()}
    for start in range(0, len(arrays[captured.input]), batch):
        yield {name: values[start : start + batch] for name, values in arrays.items()}


def _single(values: NDArray[Any]) -> NDArray[Any]:
    """Return real numbers as float32 has them."""
    return values.astype(np.float32).astype(np.float64) if values.dtype.kind == "f" else values


def _evaluate_model(captured: Captured, reference: Trace, dtype: torch.dtype, given: Given) -> dict[str, Reals]:
    """Return the real values of every bound call, in model order."""
    results: dict[str, Reals] = {}
    events = len(given[captured.input])

    def shaped(path: str, result: Any) -> Reals:
        shape = captured.graph.types[captured.node_of[path].node].shape
        return array(value_of(result)).reshape(events, *shape)

    def observe(call: Call, arguments: tuple[Any, ...], result: Any) -> None:
        layer: Any = call.module
        if call.input_quantiser in captured.node_of:
            own = layer.input_quant(layer.unpack_input(arguments[0]))
            results[call.input_quantiser] = shaped(call.input_quantiser, own)
        if call.path in captured.node_of:
            results[call.path] = shaped(call.path, result)

    arranged = given if captured.has_batch_axis else _union(captured, given)
    tensors = (torch.from_numpy(arranged[name]) for name in captured.forms)
    reference.run([one.to(dtype) if one.is_floating_point() else one for one in tensors], observe)
    missing = set(captured.node_of) - set(results)
    if missing:
        raise BadInputError(f"the model has no '{min(missing)}'; compare a graph with the model it was captured from")
    return results


def _union(captured: Captured, given: Given) -> Given:
    """Return a batch of graphs as one: rows joined, indices moved, the null index behind all rows."""
    joined = {name: values.reshape(-1, *values.shape[2:]) for name, values in given.items()}
    for name, form in captured.forms.items():
        if form.rows is not None:
            index = given[name].astype(np.int64)
            moved = index + form.rows * np.arange(len(index))[:, None]
            joined[name] = np.where(index == form.rows, form.rows * len(index), moved).ravel()
    return joined


def _integers(real: Reals, binding: Binding) -> tuple[Integers, float]:
    """Return the integers that mean `real`, and how far the worst is from one. Scale 0 holds no integer: zeros."""
    shape = (len(binding.scale), -1)
    flat = real.reshape(len(real), *shape) - binding.offset[:, None]
    scale = binding.scale[:, None]
    ratio = np.divide(flat, scale, out=np.zeros_like(flat), where=scale != 0)
    nearest = np.rint(ratio)
    deviation = float(np.abs(ratio - nearest).max(initial=0.0))
    return nearest.astype(np.int64).reshape(real.shape), deviation


def _compare_float64(captured: Captured, evaluate: Evaluate, given: Given, counts: _Counts) -> None:
    integers = captured.quantise_inputs(given)
    graph = captured.graph.evaluate(integers)
    model: dict[str, Integers] = {}
    mismatches = 0
    for path, values in evaluate(captured.model_inputs(given)).items():
        binding = captured.node_of[path]
        found, deviation = _integers(values, binding)
        has_scale = np.repeat(binding.scale != 0, prod(values.shape[1:]) // len(binding.scale))
        model[path] = np.where(has_scale.reshape(values.shape[1:]), found, graph[binding.node])
        differ = int((graph[binding.node] != model[path]).sum())
        counts.values[path] += found.size
        counts.mismatches[path] += differ
        counts.deviation = max(counts.deviation, deviation)
        mismatches += differ
    if mismatches:
        epsilon = float(np.finfo(np.float64).eps)
        ties, broken = _stagewise(captured, model, integers, counts.vectors, epsilon)
        counts.float64_ties += ties
        counts.float64_broken += broken


def _compare_float32(captured: Captured, evaluate: Evaluate, given: Given, counts: _Counts) -> None:
    results = evaluate(captured.model_inputs(given))
    bound = {path: captured.node_of[path] for path in results if captured.node_of[path].quantised}
    model = {path: _integers(results[path], binding)[0] for path, binding in bound.items()}
    counts.float32_values += sum(values.size for values in model.values())
    epsilon = float(np.finfo(np.float32).eps)
    integers = captured.quantise_inputs(given)
    counts.float32_ties += _stagewise(captured, model, integers, counts.vectors, epsilon)[0]
    for name, form in captured.forms.items():
        if form.quantiser is not None:
            counts.float32_ties += _input_ties(captured, model, (name, given[name]), counts.vectors, epsilon)


def _stagewise(
    captured: Captured, model: Mapping[str, Integers], integers: Mapping[str, Integers], start: int, epsilon: float
) -> tuple[list[Tie], int]:
    """Return the differences of every requantisation, and their number at other nodes, each fed by the model."""
    node_model = {captured.node_of[path].node: values for path, values in reversed(list(model.items()))}
    results: dict[str, Integers] = {}
    ties: list[Tie] = []
    broken = 0
    for node in captured.graph.nodes:
        if isinstance(node.op, Source):
            given = _constant(captured, node.name) if node.op.kind == "constant" else integers[node.name]
            results[node.name] = node_model.get(node.name, given)
            continue
        computed = node.op.evaluate(*captured.graph.operands(node, results))
        results[node.name] = node_model.get(node.name, computed)
        differs = (computed != results[node.name]).reshape(len(computed), -1)
        if node.name not in captured.stages:
            broken += int(differs.sum())
        elif differs.any():
            rows = np.flatnonzero(differs.any(axis=1))
            ties += _ties(captured, computed[rows], _rows(captured, results, rows), node.name, (start + rows, epsilon))
    return ties, broken


def _constant(captured: Captured, name: str) -> Integers:
    return captured.graph.types[name].bounds.low


def _rows(captured: Captured, results: Mapping[str, Integers], rows: Integers) -> dict[str, Integers]:
    constants = {node.name for node in captured.graph.sources("constant")}
    return {name: value if name in constants else value[rows] for name, value in results.items()}


@dataclass(frozen=True, eq=False)
class _Place:
    """One requantisation and the rows of the input that its differences lie in."""

    node: str
    rounding: RoundingMode
    rows: Integers
    epsilon: float
    terms: int


def _ties(
    captured: Captured, computed: Integers, results: Mapping[str, Integers], name: str, at: tuple[Integers, float]
) -> list[Tie]:
    """Return the differences of the requantise node `name` on rows at[0], for the float epsilon at[1]."""
    stage, operand = captured.stages[name], captured.graph.by_name[name].operands[0]
    per_channel = computed[0].size // len(stage.multiplier)
    multiplier, offset, magnitude = (
        np.repeat(one, per_channel) for one in (stage.multiplier, stage.offset, stage.magnitude)
    )
    exact = results[operand].reshape(len(computed), -1) * multiplier + offset
    sizes = _absolute(captured, results, operand).reshape(len(computed), -1) * np.abs(multiplier) + magnitude
    place = _Place(name, stage.quantiser.rounding, *at, _terms(captured, operand))
    return _differences(place, computed, results[name], exact, sizes)


def _differences(place: _Place, graph: Integers, model: Integers, exact: Reals, sizes: Reals) -> list[Tie]:
    graph, model = (one.reshape(len(one), -1) for one in (graph, model))
    allowed = (place.terms + ROUNDINGS_BESIDE_SUMS) / 2
    ties = []
    for row, element in np.argwhere(graph != model).tolist():
        expected, got = int(graph[row, element]), int(model[row, element])
        crossed = np.array([got if got > expected else got + 1])
        distance = abs(float(exact[row, element]) - float(boundaries(crossed, place.rounding)[0][0]) / 2)
        units = distance / (place.epsilon * float(sizes[row, element]))
        ties.append(Tie(place.node, int(place.rows[row]), element, expected, got, distance, units, allowed))
    return ties


def _absolute(captured: Captured, results: Mapping[str, Integers], name: str) -> Integers:
    """Return what `name` would be if every operand were its absolute value: the magnitude that was added up."""
    node = captured.graph.by_name[name]
    if isinstance(node.op, Source) or name in captured.stages:
        return np.abs(results[name])
    sizes = {operand: _absolute(captured, results, operand) for operand in node.operands}
    return np.abs(node.op.evaluate(*captured.graph.operands(node, sizes)))


def _terms(captured: Captured, name: str) -> int:
    """Return how many numbers are added up in one element of `name`, back to the last quantisers."""
    graph = captured.graph
    node = graph.by_name[name]
    if isinstance(node.op, Source) or name in captured.stages:
        return 1
    before = sum(_terms(captured, operand) for operand in node.operands)
    if isinstance(node.op, Dense | Conv1d | Conv2d):
        return before + node.op.matvec(*graph.operand_types(name)[:2]).inputs
    if isinstance(node.op, SegmentSum):
        return before + graph.operand_types(name)[0].shape[0]
    return before


def _input_ties(
    captured: Captured, model: Mapping[str, Integers], given: tuple[str, Reals], start: int, epsilon: float
) -> list[Tie]:
    """Return the differences of the quantiser that the driver applies outside of the graph, to real input given[0]."""
    name, real = given
    quantiser = captured.forms[name].quantiser
    assert quantiser is not None
    first = next((path for path in model if captured.node_of[path].node == name), None)
    if first is None:
        return []
    scale, zero, _, _ = input_grid(captured, name)
    integers = captured.forms[name].integers(name, real, captured.graph.types[name].shape)
    flat = real.reshape(len(real), -1)
    flat = np.maximum(flat, 0.0) if quantiser.relu else flat
    exact, sizes = flat / scale + zero, np.abs(flat) / scale + np.abs(zero)
    place = _Place(name, quantiser.rounding, np.arange(start, start + len(real)), epsilon, 1)
    return _differences(place, integers, model[first], exact, sizes)
