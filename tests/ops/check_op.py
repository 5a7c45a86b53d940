"""The one proof that every operator gets; a new operator inherits all of it by listing its cases.

A case is an operator, its operands as source nodes, and an independent reference. `check_meaning` compares the
operator with the reference and checks types, bounds and JSON, in Python. `check_hardware` puts any number of cases
side by side into one design and checks the Verilog: lint, registers, triplication, latency, interval and every value.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from codesign.fixed import Fixed, Integers
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.graph import Graph, Node, Op, Port
from codesign.graph_json import graph_from_json
from codesign.ops import OPERATORS
from codesign.ops.sources import Constant, Input, Parameter
from codesign.predict import compile_graph
from codesign.rtl import emit, write_rtl
from codesign.schedule import Schedule, reusable, schedule
from codesign.sim.exchange import PHASES, Plan
from codesign.sim.run import simulate
from codesign.sim.verilator import lint
from codesign.verify import compare, parameter_bytes, stimulus

Reference = Callable[..., NDArray[Any]]
Values = Mapping[str, Integers]


@dataclass(frozen=True)
class Case:
    """One use of an operator.

    `reference` gets the operands as integers, inputs with a leading batch axis, and returns (batch, *shape).
    `attains`: every bound is reached by some operand, so interval analysis is exact (terms independent).
    """

    op: Op
    operands: tuple[Input | Parameter | Constant, ...]
    reference: Reference = field(repr=False)
    attains: bool = True


def case_nodes(case: Case, prefix: str = "") -> tuple[Node, ...]:
    """Nodes <prefix>x0, <prefix>x1, ... for the operands and <prefix>y for the operator."""
    names = [f"{prefix}x{i}" for i in range(len(case.operands))]
    sources = [Node(name, operand) for name, operand in zip(names, case.operands, strict=True)]
    return (*sources, Node(f"{prefix}y", case.op, tuple(names)))


def design(name: str, cases: Sequence[Case]) -> Graph:
    """Return all cases side by side: nodes c0_x0, c0_y, c1_x0, ..."""
    nodes = [node for i, case in enumerate(cases) for node in case_nodes(case, f"c{i}_")]
    inputs = [Port(node.name) for node in nodes if isinstance(node.op, Input)]
    outputs = [Port(node.name) for node in nodes if node.operands]
    return Graph(name, tuple(nodes), tuple(inputs), tuple(outputs))


# Meaning -------------------------------------------------------------------------------------------------------------


def check_meaning(case: Case, examples: int = 60) -> None:
    """Operator == reference on corners and on what hypothesis draws; JSON, bounds and reuse factors hold."""
    graph = design("meaning", [case])
    for values in corners(graph):
        _check_values(graph, case, values)

    @settings(derandomize=True, deadline=None, max_examples=examples, database=None)
    @given(st.data())
    def drawn(data: st.DataObject) -> None:
        _check_values(graph, case, {node.name: data.draw(_values_of(node.op)) for node in _given(graph)})

    drawn()
    _check_json(graph)
    _check_costs(graph, case)
    if case.attains:
        _check_attained(graph)


def corners(graph: Graph) -> list[dict[str, Integers]]:
    """All operands at their lowest, highest or zero, in every combination of inputs (one batch) and parameters."""
    inputs = [node for node in _given(graph) if isinstance(node.op, Input)]
    parameters = [node for node in _given(graph) if isinstance(node.op, Parameter)]
    batches = {node.name: np.stack([_filled(node.op, k) for k in range(4)]) for node in inputs}
    rolled = [{name: np.roll(batch, i * r, 0) for i, (name, batch) in enumerate(batches.items())} for r in range(4)]
    settings_ = [{node.name: _filled(node.op, k) for node in parameters} for k in range(4 if parameters else 1)]
    return [{**batch, **chosen} for batch in rolled for chosen in settings_]


def random_values(graph: Graph, count: int, seed: int) -> dict[str, Integers]:
    """Uniformly random inputs, with the corners as the first events, and one random setting of the parameters."""
    rng = np.random.default_rng(seed)
    values = {}
    for node in _given(graph):
        fixed, shape = node.op.fixed, node.op.shape
        if isinstance(node.op, Input):
            ends = [_filled(node.op, k) for k in range(4)]
            values[node.name] = np.concatenate([ends, rng.integers(fixed.low, fixed.high + 1, (count, *shape))])
        else:
            values[node.name] = rng.integers(fixed.low, fixed.high + 1, shape)
    return values


def _given(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if isinstance(node.op, Input | Parameter)]


def _filled(source: Any, kind: int) -> Integers:
    fixed: Fixed = source.fixed
    low, high, near = fixed.low, fixed.high, min(1, fixed.high)
    pattern = [(low,), (high,), (0, near), (low, high)][kind]
    return np.resize(np.array(pattern, dtype=np.int64), source.shape)


def _values_of(source: Any) -> st.SearchStrategy[Integers]:
    shape = (3, *source.shape) if isinstance(source, Input) else source.shape
    ends = st.sampled_from([source.fixed.low, 0, source.fixed.high])
    return hnp.arrays(np.int64, shape, elements=st.integers(source.fixed.low, source.fixed.high) | ends)


def _check_values(graph: Graph, case: Case, values: Values) -> None:
    results = graph.evaluate(values)  # asserts that the result lies in its bounds
    operands = [results[f"c0_x{i}"] for i in range(len(case.operands))]
    expected = case.reference(*operands)
    got = results["c0_y"]
    assert got.dtype == np.int64
    assert got.shape == expected.shape
    assert np.array_equal(got, expected), f"{case.op}: {operands} gave {got}, reference {expected}"
    emulated = compile_graph(graph, threads=1)(values)["c0_y"]
    assert np.array_equal(emulated, expected), f"{case.op}: {operands} emulated as {emulated}, reference {expected}"


def _check_json(graph: Graph) -> None:
    text = graph.to_json()
    again = graph_from_json(text, OPERATORS)
    assert again.to_json() == text
    assert again.digest == graph.digest
    values = random_values(graph, 5, seed=3)
    first, second = graph.evaluate(values), again.evaluate(values)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert again.types["c0_y"].fixed == graph.types["c0_y"].fixed


def _check_costs(graph: Graph, case: Case) -> None:
    types = graph.operand_types("c0_y")
    legal = case.op.reuse_factors(*types)
    assert legal[0] == 1
    assert list(legal) == sorted(set(legal))
    full = case.op.cost(1, *types).multipliers
    for reuse in legal[1:]:
        assert case.op.cost(reuse, *types).multipliers * reuse == full
        timing = case.op.timing(reuse, *types)
        assert 1 < timing.latency_cycles <= timing.ii_cycles == reuse


def _check_attained(graph: Graph) -> None:
    """Reach every bound: from all inputs low, flip the elements that raise (lower) each element of the result."""
    bounds = graph.types["c0_y"].bounds
    sources = [node for node in _given(graph) if isinstance(node.op, Input)]
    sizes = [int(np.prod(node.op.shape)) for node in sources]
    low = np.concatenate([np.full(n, node.op.fixed.low) for n, node in zip(sizes, sources, strict=True)])
    high = np.concatenate([np.full(n, node.op.fixed.high) for n, node in zip(sizes, sources, strict=True)])

    def result(flat: Integers) -> Integers:
        parts = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
        named = {n.name: p.reshape(len(p), *n.op.shape) for n, p in zip(sources, parts, strict=True)}
        return graph.evaluate(named)["c0_y"].reshape(len(flat), -1)

    single = np.where(np.eye(len(low), dtype=bool), high, low)
    effect = result(single) - result(low[None])  # (flipped element, result element)
    for sign, ends in ((1, bounds.high), (-1, bounds.low)):
        best = result(np.where((sign * effect).T > 0, high, low))
        assert np.array_equal(np.diagonal(best), ends.ravel())


# Hardware ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """Where a check works and where its builds are kept, and how many random events it drives."""

    work: Path
    cache: Path
    events: int = 40


def check_hardware(
    name: str, cases: Iterable[Case], bench: Bench, *, reuse: int = 1, tmr: str = "registers", settings_count: int = 2
) -> Schedule:
    """The Verilog of all cases, each at `reuse` if it can, equals evaluation on every event; return the schedule."""
    graph = design(name, tuple(cases))
    factors = {node: reuse for node, legal in reusable(graph).items() if reuse in legal}
    assert factors or reuse == 1
    plan = schedule(graph, factors)
    rtl_dir = write_rtl(emit(graph, plan, tmr=tmr, clock_ns=25.0), bench.work / name)
    check_text(graph, plan, rtl_dir, bench.work / "lint")
    for seed in range(settings_count if graph.sources("parameter") else 1):
        check_response(graph, plan, rtl_dir, bench, random_values(graph, bench.events, seed))
    return plan


def check_text(
    graph: Graph, plan: Schedule | None, rtl_dir: Path, lint_dir: Path, cuts: Mapping[str, int] | None = None
) -> None:
    """Lint, proof of triplication, and the declared register bits against those of the elaborated design.

    `cuts`: pipeline cuts that the schedule put inside nodes. Without a `plan` of nodes their timing is not looked at.
    """
    manifest = json.loads((rtl_dir / "manifest.json").read_text())
    lint([rtl_dir / source for source in manifest["sources"]], graph.name, lint_dir)
    assert elaborated_register_bits(rtl_dir, manifest["sources"]) == manifest["register_bits"]
    if manifest["protected_bits"]:
        assert len(prove_all_state_is_triplicated(rtl_dir).copies) == 3
    for name, slot in (plan.slots if plan else {}).items():
        timing = graph.by_name[name].op.timing(slot.reuse, *graph.operand_types(name))
        latency_cycles = timing.latency_cycles + (cuts or {}).get(name, 0)
        assert (slot.latency_cycles, slot.ii_cycles) == (latency_cycles, timing.ii_cycles)


def check_response(graph: Graph, plan: Schedule, rtl_dir: Path, bench: Bench, values: Values) -> None:
    """Simulate: measured latency and interval are those of the schedule, and every value of every phase is right."""
    events = stimulus(graph, values)
    response = simulate(
        rtl_dir,
        events,
        Plan(gap_events=len(events), reset_events=min(len(events), 8)),
        bench.work / "run",
        bench.cache,
        parameter_bytes(graph, values),
    )
    expected = graph.evaluate(values)
    assert response.measured.latency_cycles == plan.latency_cycles
    assert response.measured.ii_cycles == plan.ii_cycles
    assert response.measured.tmr_err_cycles == 0
    for phase in PHASES:
        compare(graph, expected, response.phases[phase]).require(f"{graph.name} {phase}")
    assert len(response.phases[PHASES[0]]) == len(events)


def elaborated_register_bits(rtl_dir: Path, sources: Sequence[str]) -> int:
    """Sum of the widths of all instances of tmr_register and tmr_register_full in the design as slang elaborates it."""
    # A process of its own: the Python binding of slang reports leaks when the interpreter ends.
    command = (sys.executable, "-c", ELABORATE, *(str(rtl_dir / name) for name in sources))
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


ELABORATE = """
import sys
from pyslang.ast import Compilation, InstanceSymbol
from pyslang.syntax import SyntaxTree

compilation, widths = Compilation(), []
for path in sys.argv[1:]:
    compilation.addSyntaxTree(SyntaxTree.fromFile(path))

def visit(node):
    if isinstance(node, InstanceSymbol) and node.definition.name in ("tmr_register", "tmr_register_full"):
        values = {one.name: int(str(one.value)) for one in node.body.parameters}
        if values.get("TMR") != 2:  # then it holds the other, which is counted
            widths.append(values["WIDTH"])

compilation.getRoot().visit(visit)
print(sum(widths))
"""
