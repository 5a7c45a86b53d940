"""Verification of a design behind AXI4-Stream: no beat lost or wrong while source and sink wait at random."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codesign.errors import VerificationError
from codesign.files import read_json
from codesign.flows.design import Bound
from codesign.predict import compile_graph
from codesign.sim.stream import Stalls, simulate_stream
from codesign.verify import Beats, Equality, compare, parameter_bytes, stimulus

STREAM_EVENTS = 200


@dataclass(frozen=True)
class StreamResult:
    """Beats that went in and came out, those that should have, and the values compared with the graph."""

    beats_in: int
    beats_out: int
    beats_due: int
    values: Equality
    stalls: Stalls

    def text(self) -> str:
        """Return the counts in one line."""
        same = f"{self.values.values - self.values.mismatches}/{self.values.values} values equal"
        lost = self.beats_due - self.beats_out
        return (
            f"AXI4-Stream: {self.beats_in} beats in, {self.beats_out} out, {lost} lost, {same}; both sides wait "
            f"at random, {len(self.stalls.waits)} rates, seed {self.stalls.seed}"
        )


def verify_stream(bound: Bound, axis_dir: Path, run_dir: Path, cache_dir: Path) -> StreamResult:
    """Stream events of the first case through the wrapper; `VerificationError` if a beat is lost, added or wrong."""
    beats, stalls = Beats.of(read_json(axis_dir / "manifest.json")), Stalls()
    case, passes = bound.cases[0], len(stalls.waits)
    inputs = {name: np.asarray(values)[:STREAM_EVENTS] for name, values in bound.inputs.items()}
    events = stimulus(bound.graph, inputs, beats)
    count = len(events) // beats.inputs
    parameters = parameter_bytes(bound.graph, case.parameters)
    found = simulate_stream(axis_dir, events, stalls, run_dir, cache_dir, parameters)
    due = passes * count * beats.outputs
    if len(found.words) != due or found.taken != passes * len(events) or found.tmr_err_cycles:
        raise VerificationError(
            f"AXI4-Stream wrapper, seed {stalls.seed}: {found.taken} beats in, {len(found.words)} out of {due}, "
            f"tmr_err high in {found.tmr_err_cycles} cycles: see {run_dir}"
        )
    once = compile_graph(bound.graph)({**inputs, **case.parameters})
    expected = {port.node: np.concatenate([once[port.node]] * passes) for port in bound.graph.outputs}
    values = compare(bound.graph, expected, found.words, beats).require("AXI4-Stream wrapper and graph")
    return StreamResult(found.taken, len(found.words), due, values, stalls)
