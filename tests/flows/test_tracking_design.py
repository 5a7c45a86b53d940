"""Designs of the interaction network: model and graphs to inputs, check, engines and physics."""

from pathlib import Path

import numpy as np
import pytest

from codesign.data.tracking import generated_graphs, load_graphs, pad
from codesign.errors import BadInputError
from codesign.flows.planning import compile_bound
from codesign.flows.run import load_design
from codesign.flows.tracking_design import EMBEDDED_SEED, Network, driver_inputs, fitted_formats, network_design
from codesign.flows.verification import verify_cases
from codesign.frontend.brevitas import capture_graph_network
from codesign.frontend.exactness import check_exactness
from codesign.models.interaction_network import load_published, with_formats
from codesign.options import RunOptions
from codesign.report import parse_constraints
from codesign.rtl import write_rtl

SMALL = Network(8, 12, "parallel", {8: 2, 12: 3})
TRACKING = "tracking/trackml_sector_graphs.npz"


def bound(network, tmp_path, **options):
    design = network_design("eight_nodes", network, (), 6)
    return design.bind(RunOptions("eight_nodes", tmp_path, **options))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return bound(SMALL, tmp_path_factory.mktemp("small"))


def test_graphs_are_padded_and_truncated_to_the_network(small):
    given = generated_graphs(6, EMBEDDED_SEED)
    shapes = {name: values.shape for name, values in small.inputs.items()}
    assert shapes == {"x": (6, 8, 3), "edge_attr": (6, 12, 4), "sender": (6, 12), "receiver": (6, 12)}
    assert [port.node for port in small.graph.outputs][1:] == ["index_fault"]
    assert (small.inputs["sender"] <= 8).all()
    first = given.take(slice(1))
    kept = (first.edge_index < 8).all(axis=0)
    assert kept.sum() < len(kept)
    assert np.array_equal(small.inputs["receiver"][0][: kept.sum()], first.edge_index[1][kept][:12])


def test_the_graph_equals_the_model(small):
    exactness = small.check(400)
    assert exactness.vectors == 30 + 34  # corners, and 400 edges in graphs of 12
    assert (exactness.mismatches, exactness.float32_unexplained) == (0, 0)
    assert exactness.values > 30_000


def test_physics_shows_models_response_and_truncation(small, tmp_path):
    outputs = small.graph.evaluate(small.inputs)
    rows = {(row.name, row.metric): row.value for row in small.physics(outputs, tmp_path)}
    assert {name for name, metric in rows if metric == "AUC"} == {"float model", "Brevitas model", "RTL response"}
    assert rows["8 nodes, 12 edges", "truncated edges"] > 0.5
    assert rows["RTL response", "AUC"] < rows["Brevitas model", "AUC"]  # most edges found no place
    assert rows["Brevitas model", "AUC"] > 0.99


def test_a_published_model_gets_the_quantisers_that_it_lacks(shared_data, tmp_path):
    model = shared_data / "models/interaction_network_brevitas_h8_8b.npz"
    bound_ = bound(SMALL, tmp_path, model=model, data=shared_data / TRACKING, vectors=40)
    assert bound_.graph.types["state"].fixed.width == 8
    assert bound_.check(100).mismatches == 0
    rows = {(row.name, row.metric): row.value for row in bound_.physics(bound_.graph.evaluate(bound_.inputs), tmp_path)}
    effect = rows["Brevitas model", "AUC"] - rows["Brevitas model as published", "AUC"]
    assert 0 < abs(effect) < 0.01


@pytest.mark.parametrize("size", ["28", "113", "448", "h40"])
def test_every_design_compiles_within_its_interval_and_latency(size, tmp_path):
    design = load_design(f"interaction_network_{size}")
    options = RunOptions(design.name, tmp_path, vectors=1)
    manifest = compile_bound(design.bind(options), options, design.clock_ns).manifest
    limits = {one.name: float(one.limit) for one in parse_constraints(design.constraints)}
    for name in ("ii", "latency"):
        assert manifest[f"{name}_cycles"] * design.clock_ns <= limits[name]


def test_what_does_not_fit_is_an_error(tmp_path, shared_data):
    with pytest.raises(BadInputError, match="has no use for --weight-bits"):
        bound(SMALL, tmp_path, weight_bits=6)
    with pytest.raises(BadInputError, match=r"h40_6b.npz has 40 hidden units; this design has 8: choose another"):
        bound(SMALL, tmp_path, model=shared_data / "models/interaction_network_brevitas_h40_6b.npz")


@pytest.mark.slow
def test_the_verilog_gives_the_score_of_every_edge(tmp_path: Path, build_cache: Path):
    many = bound(SMALL, tmp_path, vectors=200)
    rtl = compile_bound(many, RunOptions("eight_nodes", tmp_path), 5.0)
    (result,) = verify_cases(many, write_rtl(rtl, tmp_path / "rtl"), tmp_path / "run", build_cache)
    assert result.graph.mismatches == 0
    assert not result.outputs["index_fault"].any()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["h8_6b", "h8_8b", "h40_6b", "h40_8b"])
def test_a_published_model_is_exact_on_stored_sector_graphs(shared_data, name):
    model = load_published(shared_data / f"models/interaction_network_brevitas_{name}.npz").double()
    graphs = load_graphs(shared_data / TRACKING).take(slice(None, None, 8))
    model = with_formats(model, fitted_formats(model, graphs)).double()
    captured = capture_graph_network(model, Network(113, 196, "nodes", {}).inputs)
    report = check_exactness(captured, model, driver_inputs(pad(graphs, 113, 196)), batch=150)
    assert report.vectors == 150
    assert report.is_exact, report.summary()
