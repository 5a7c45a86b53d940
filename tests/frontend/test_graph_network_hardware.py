"""A graph network through simulation of its Verilog: every score of every edge is that of the Brevitas model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from codesign.frontend.brevitas import capture_graph_network
from codesign.frontend.vectors import corner_graphs, random_graphs
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.exchange import PHASES, Plan
from codesign.sim.run import simulate
from codesign.verify import decode_words, stimulus
from tests.frontend.test_graph_network import NODES, given, network


@pytest.mark.slow
def test_verilog_equals_the_model_and_flags_wrong_indices(tmp_path: Path, build_cache: Path):
    model = network()
    captured = capture_graph_network(model, given())
    graph = captured.graph
    rtl_dir = write_rtl(emit(graph, schedule(graph, {}), tmr="registers", clock_ns=100.0), tmp_path / "rtl")
    corners, random = corner_graphs(captured), random_graphs(captured, 150, 9)
    real = {name: np.concatenate([corners[name], random[name]]) for name in corners}
    sent = captured.quantise_inputs(real)
    is_null = sent["receiver"][-40:] == NODES
    sent["receiver"][-40:][is_null] = NODES + 2  # the same as null, but for the flag
    events = stimulus(graph, sent)
    response = simulate(rtl_dir, events, Plan(gap_events=40, reset_events=8), tmp_path / "run", build_cache)
    port, fault = graph.outputs
    faulty = (sent["receiver"] > NODES).any(axis=1)
    assert faulty.any()
    for phase in PHASES:
        outputs = decode_words(graph, response.phases[phase])
        got = port.decode(outputs[port.node])
        assert np.array_equal(outputs[fault.node][:, 0], faulty[: len(got)])
        assert np.abs(got - scores(model, real)[: len(got)]).max() < 1e-12


@torch.no_grad()
def scores(model, real):
    """One event after the other, so that nothing is shared with the union that the exactness check builds."""
    tensors = [torch.from_numpy(real[name]) for name in given()]
    return np.stack([model(*event).numpy() for event in zip(*tensors, strict=True)])
