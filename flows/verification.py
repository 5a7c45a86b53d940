"""Verification of a bound design: simulate every case, compare with graph and golden outputs, prove the checks bite."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from codesign.errors import VerificationError
from codesign.files import read_json
from codesign.fixed import Integers
from codesign.flows.design import Bound, Case
from codesign.flows.progress import progress_bar
from codesign.graph import Graph
from codesign.ops import Constant
from codesign.packing import Words
from codesign.predict import compile_graph
from codesign.sim.exchange import Measured, Plan
from codesign.sim.run import Response, simulate
from codesign.verify import ONE_WORD, Beats, Equality, compare, decode_words, parameter_bytes, stimulus

GAP_EVENTS, RESET_EVENTS = 200, 50


@dataclass(frozen=True)
class CaseResult:
    """What the RTL gave for one case: outputs (events, *shape), counts against graph and golden, measured timing."""

    case: str
    outputs: Mapping[str, Integers]
    graph: Equality
    golden: Mapping[str, Equality]
    measured: Measured

    def counts(self) -> dict[str, Any]:
        """Return compared and equal values, and the measured timing, as JSON can hold them."""
        compared = {"graph": self.graph, **{f"golden {name}": equality for name, equality in self.golden.items()}}
        equal = {name: {"equal": one.values - one.mismatches, "total": one.values} for name, one in compared.items()}
        timing = {"latency_cycles": self.measured.latency_cycles, "ii_cycles": self.measured.ii_cycles}
        return {**equal, **timing}

    def text(self) -> str:
        """Return the counts and the timing in one line."""
        golden = "".join(f"; golden {name} {g.values - g.mismatches}/{g.values}" for name, g in self.golden.items())
        return (
            f"{self.case}: {self.graph.values - self.graph.mismatches}/{self.graph.values} values equal{golden}; "
            f"latency {self.measured.latency_cycles} cycles, initiation interval {self.measured.ii_cycles}"
        )


def verify_cases(
    bound: Bound, rtl_dir: Path, run_dir: Path, cache_dir: Path, *, quiet: bool = True
) -> tuple[CaseResult, ...]:
    """Simulate and compare every case of `bound`; `VerificationError` at the first difference.

    The first case also serves as negative control: the comparison must fail on one flipped response bit and on one
    flipped weight bit of the reference. Unless `quiet` a bar shows how many events are simulated.
    """
    beats = Beats.of(read_json(rtl_dir / "manifest.json"))
    events, predict = stimulus(bound.graph, bound.inputs, beats), compile_graph(bound.graph)
    count = len(events) // beats.inputs
    plan = Plan(min(GAP_EVENTS, count), min(RESET_EVENTS, count))
    total = len(bound.cases) * (count + plan.gap_events + plan.reset_events)
    results: list[CaseResult] = []
    with progress_bar("events simulated", total, quiet=quiet) as advance:
        for case in bound.cases:
            expected = predict({**bound.inputs, **case.parameters})
            parameters = parameter_bytes(bound.graph, case.parameters)
            folder = run_dir / case.name
            response = simulate(rtl_dir, events, plan, folder, cache_dir, parameters, advance=advance)
            results.append(_compared(bound, case, expected, response, beats))
            if len(results) == 1:
                prove_comparison_bites(bound, case, expected, response.phases["back_to_back"], beats)
    return tuple(results)


def _compared(
    bound: Bound, case: Case, expected: Mapping[str, Integers], response: Response, beats: Beats
) -> CaseResult:
    """Compare every phase of a response with the graph, and its outputs with those known from elsewhere."""
    _require_equal_copies(case, response.measured)
    total = sum((compare(bound.graph, expected, words, beats) for words in response.phases.values()), Equality(0, 0, 0))
    total.require(f"case '{case.name}': RTL and graph")
    outputs = decode_words(bound.graph, response.phases["back_to_back"], beats)
    golden = {name: _against_golden(name, outputs[name], values) for name, values in case.golden.items()}
    for name, equality in golden.items():
        equality.require(f"case '{case.name}': RTL and golden {name}")
    return CaseResult(case.name, outputs, total, golden, response.measured)


def _require_equal_copies(case: Case, measured: Measured) -> None:
    """Nothing upsets a simulated register, so a copy that differs is a broken one that the voter hides."""
    if measured.tmr_err_cycles:
        cycles = f"{measured.tmr_err_cycles} of {measured.cycles} cycles"
        raise VerificationError(f"case '{case.name}': tmr_err is high in {cycles}: copies of a register differ")


def _against_golden(name: str, outputs: Integers, golden: Integers) -> Equality:
    got = outputs[:, : golden.shape[1]]
    want = golden[: len(got)]
    if len(want) < len(got):
        raise VerificationError(f"golden {name} has {len(want)} events, the data has {len(got)}")
    wrong = np.argwhere(got != want)
    at = tuple(int(i) for i in wrong[0]) if len(wrong) else ()
    first = f"event {at[0]}, {name}[{at[1]}]: got {got[at]}, expected {want[at]}" if at else ""
    return Equality(len(got), got.size, len(wrong), first)


def prove_comparison_bites(
    bound: Bound, case: Case, expected: Mapping[str, Integers], words: Words, beats: Beats = ONE_WORD
) -> None:
    """Negative controls: one flipped response bit, and one flipped weight bit, must each be seen as a difference."""
    flipped = words.copy()
    flipped[len(flipped) // 2, 0] ^= 1
    if not compare(bound.graph, expected, flipped, beats).mismatches:
        raise VerificationError("negative control: a flipped bit of the response went unnoticed")
    if not any(_differs(bound, case, words, beats, flip) for flip in _weight_flips(bound.graph)):
        raise VerificationError("negative control: no flipped weight bit made a difference")


def _differs(bound: Bound, case: Case, words: Words, beats: Beats, flip: tuple[str, int]) -> bool:
    name, element = flip
    node = bound.graph.by_name[name]
    if node.op.kind == "parameter":
        values = np.array(case.parameters[name])
        values.flat[element] ^= 1
        expected = compile_graph(bound.graph)({**bound.inputs, **case.parameters, name: values})
        return compare(bound.graph, expected, words, beats).mismatches > 0
    return compare(bound.graph, _with_flipped(bound, case, name, element), words, beats).mismatches > 0


def _with_flipped(bound: Bound, case: Case, name: str, element: int) -> Mapping[str, Integers]:
    """Outputs of the graph with the lowest bit of one weight flipped."""
    values = np.array(bound.graph.types[name].bounds.low)
    values.flat[element] ^= 1
    nodes = tuple(replace(node, op=Constant(values)) if node.name == name else node for node in bound.graph.nodes)
    return compile_graph(replace(bound.graph, nodes=nodes))({**bound.inputs, **case.parameters})


def _weight_flips(graph: Graph) -> list[tuple[str, int]]:
    """Candidates (node, element), the first weights of every layer: a weight on a dead input makes no difference."""
    weights = [node.operands[1] for node in graph.nodes if node.op.static_operands]
    return [(name, element) for element in range(8) for name in _static_sources(graph, weights)]


def _static_sources(graph: Graph, names: list[str]) -> list[str]:
    """The constants and parameters behind static nodes."""
    found: list[str] = []
    for name in names:
        node = graph.by_name[name]
        found += [name] if not node.operands else _static_sources(graph, list(node.operands))
    return found
