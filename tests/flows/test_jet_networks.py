"""The designs of jet constituents: shipped checkpoints, operators of the graph, data files, physics, RTL."""

import numpy as np
import pytest

from codesign.data.jet_files import generated_constituents
from codesign.data.jets import CLASSES, generate
from codesign.errors import BadInputError
from codesign.flows.designs import deep_sets_jets, garnet_jets, interaction_network_jets
from codesign.flows.model_check import shipped_checkpoint
from codesign.flows.run import verify_design
from codesign.graph_json import graph_from_json
from codesign.models.checkpoint import load_checkpoint
from codesign.models.jet_networks import family
from codesign.ops import OPERATORS
from codesign.options import RunOptions
from codesign.train.jets import wrong_fraction

DESIGNS = {
    "deep_sets": deep_sets_jets.DESIGN,
    "interaction_network": interaction_network_jets.DESIGN,
    "garnet": garnet_jets.DESIGN,
}
# What a network needs beside layers and requantisations, and the shape of its widest layer of rows.
OPERATORS_OF = {
    "deep_sets": {"global_pool"},
    "interaction_network": {"take", "concat", "segment_sum", "global_pool"},
    "garnet": {"lookup", "slice", "multiply", "concat", "global_pool"},
}
WIDEST = {"deep_sets": (8, 32), "interaction_network": (56, 12), "garnet": (8, 32)}
# Guessing: 0.8. The shipped ones had 0.346, 0.337 and 0.378 on their validation jets.
WRONG = {"deep_sets": 0.38, "interaction_network": 0.37, "garnet": 0.41}

REUSE = {
    "deep_sets": (("*", 8),),
    "interaction_network": (
        ("edges.fc1", 56),
        ("edges.fc2", 56),
        ("nodes.fc1", 24),
        ("nodes.fc2", 48),
        ("nodes.fc3", 48),
        ("classifier.fc1", 30),
        ("classifier.fc2", 34),
    ),
    "garnet": (("*", 8),),
}


def bind(network, tmp_path, **options):
    return DESIGNS[network].bind(RunOptions(f"{network}_jets", tmp_path, **{"vectors": 300} | options))


@pytest.fixture(scope="module", params=DESIGNS)
def bound(request, tmp_path_factory):
    return request.param, bind(request.param, tmp_path_factory.mktemp("bound"))


def test_the_shipped_network_beats_guessing_by_far(bound):
    network, _ = bound
    model = load_checkpoint(shipped_checkpoint(f"{network}_jets"), family(network))
    assert wrong_fraction(model, generated_constituents(2000, 99, 8)) < WRONG[network]


def test_the_graph_equals_the_model_on_corners_and_random_inputs(bound):
    exactness = bound[1].check(150)
    assert exactness.values > 50_000
    assert exactness.mismatches == exactness.float32_unexplained == 0


def test_the_graph_is_the_network_and_survives_json(bound):
    network, found = bound
    kinds = {node.op.kind for node in found.graph.nodes} - {"input", "constant", "dense", "requantise", "reshape"}
    assert kinds == OPERATORS_OF[network]
    assert WIDEST[network] in {kind.shape for kind in found.graph.types.values()}
    assert found.graph.types[found.graph.outputs[0].node].shape == (len(CLASSES),)
    assert graph_from_json(found.graph.to_json(), OPERATORS).digest == found.graph.digest


def test_the_physics_of_the_response_is_that_of_the_model_and_a_wrong_one_shows(bound, tmp_path):
    _, found = bound
    outputs = found.graph.evaluate(found.inputs)
    accuracy = {row.name: row.value for row in found.physics(outputs, tmp_path) if row.metric == "accuracy"}
    assert accuracy["RTL response"] == accuracy["Brevitas model"] > 0.5
    (port,) = found.graph.outputs
    rolled = {port.node: np.roll(outputs[port.node], 1, axis=1)}
    wrong = {row.name: row.value for row in found.physics(rolled, tmp_path) if row.metric == "accuracy"}
    assert wrong["RTL response"] < 0.35


def test_sixteen_constituents_of_a_file_are_cut_to_eight(tmp_path):
    jets, labels = generate(40, seed=1)
    np.savez(tmp_path / "jets.npz", x=jets, y=labels)
    found = bind("deep_sets", tmp_path, data=tmp_path / "jets.npz", vectors=30)
    assert next(iter(found.inputs.values())).shape == (30, 8, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounding": "half"}, "design 'garnet_jets' has no use for --rounding"),
        ({"model": shipped_checkpoint("deep_sets_jets")}, "is no checkpoint of `codesign train garnet_jets`"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, options, message):
    with pytest.raises(BadInputError, match=message) as caught:
        bind("garnet", tmp_path, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("network", DESIGNS)
def test_the_rtl_equals_the_graph_at_the_promised_latency(network, tmp_path):
    options = RunOptions(f"{network}_jets", tmp_path, reuse=REUSE[network], tmr="none", vectors=100)
    text = verify_design(options).text
    assert f"initiation interval {max(factor for _, factor in REUSE[network])}" in text
    equal, total = text.split(" values equal")[0].rpartition(" ")[2].split("/")
    assert equal == total and int(total) > 1000
