"""Training of the interaction network; the loop itself is tested in test_econt.py."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from codesign.data.tracking import generated_graphs
from codesign.errors import BadInputError
from codesign.flows.model_check import shipped_checkpoint
from codesign.models.checkpoint import read_checkpoint
from codesign.models.interaction_network import FAMILY, InteractionNetwork
from codesign.tracking_metrics import edge_auc
from codesign.train import interaction_network, loop
from codesign.train.interaction_network import (
    InteractionNetworkOptions,
    architecture,
    held_out_graphs,
    scores,
    train_interaction_network,
)

TINY = {"events": 60, "float_epochs": 3, "qat_epochs": 3, "validate_every": 1, "batch_size": 8, "progress": False}
UNSEEN = generated_graphs(40, seed=77)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    options = InteractionNetworkOptions(output=tmp_path_factory.mktemp("whole"), **TINY)
    return options, train_interaction_network(options)


def test_the_best_checkpoint_reaches_the_reported_area_and_beats_guessing(whole):
    options, result = whole
    model, facts, _ = read_checkpoint(result.best, FAMILY)
    validation = interaction_network._graphs(options)[1]
    assert 1.0 - edge_auc(scores(model, validation), validation.y).value == result.validation
    assert result.validation == min(e.validation for e in result.history if e.validation is not None)
    assert edge_auc(scores(model, UNSEEN), UNSEEN.y).value > 0.9  # guessing: 0.5
    assert facts["data_sha256"] is None


def test_the_formats_have_the_bits_asked_for_and_travel_in_the_checkpoint(whole):
    model = read_checkpoint(whole[1].best, FAMILY)[0]
    formats = model.architecture.formats
    assert {name: int(text[1:].partition(".")[0]) for name, text in formats.items()} == {
        "node": 7, "edge": 7, "message": 7, "total": 9, "state": 7, "logit": 8,
    }  # fmt: skip
    assert (formats["node"], formats["edge"], formats["logit"]) == ("s7.6", "s7.6", "s8.4")
    codes = scores(model, UNSEEN) * 127
    # A float32 score near 1 times 127 is off by at most 1e-5.
    np.testing.assert_allclose(codes, codes.round(), rtol=0, atol=1e-4)


def test_a_batch_of_graphs_has_the_scores_of_each_graph_alone(whole):
    model = read_checkpoint(whole[1].best, FAMILY)[0].double()
    together = scores(model, UNSEEN.take(slice(6)))
    alone = [scores(model, UNSEEN.take(slice(event, event + 1))) for event in range(6)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


@pytest.mark.parametrize("stop", [2, 4])
def test_a_killed_and_resumed_run_ends_in_the_same_bytes(whole, tmp_path, monkeypatch, stop):
    options, _ = whole
    train_epoch, calls = loop._train_epoch, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) > stop:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    here = replace(options, output=tmp_path)
    monkeypatch.setattr(loop, "_train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_interaction_network(here)
    monkeypatch.setattr(loop, "_train_epoch", train_epoch)
    train_interaction_network(replace(here, resume=True))
    for name in ("best.safetensors", "last.safetensors", "train.json"):
        assert (tmp_path / name).read_bytes() == (options.output / name).read_bytes(), name


def test_without_bits_the_same_stages_train_the_float_model(tmp_path):
    options = InteractionNetworkOptions(output=tmp_path, architecture=architecture(bits=None), **TINY)
    result = train_interaction_network(options)
    model = read_checkpoint(result.best, FAMILY)[0]
    assert not model.architecture.quantised
    assert [epoch.stage for epoch in result.history] == ["float"] * 3 + ["qat"] * 3


def test_graphs_of_a_file_are_left_out_of_training(tmp_path):
    names = ("x", "edge_index", "edge_attr", "y", "node_ptr", "edge_ptr")
    np.savez(tmp_path / "graphs.npz", **{name: getattr(UNSEEN, name) for name in names})
    options = InteractionNetworkOptions(output=tmp_path, data=tmp_path / "graphs.npz", test_fraction=0.25, **TINY)
    test = held_out_graphs(UNSEEN, 0.25)[1]
    seen = interaction_network._graphs(options)
    assert [len(part) for part in (*seen, test)] == [27, 3, 10]
    assert not {tuple(row) for part in seen for row in part.x} & {tuple(row) for row in test.x}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qat_epochs": 0}, "qat_epochs must be a whole number from 1"),
        ({"events": 3}, "events must be a whole number from 20"),
        ({"learning_rate": 2.0}, "learning_rate must be above 0 and at most 1"),
        ({"test_fraction": 1.0}, "test_fraction must be above 0 and at most 0.9"),
    ],
)
def test_bad_options_are_refused(tmp_path, change, message):
    with pytest.raises(BadInputError, match=message):
        InteractionNetworkOptions(output=tmp_path, **TINY | change)


def test_too_few_graphs_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="54 graphs to train on and 6 to validate on are too few"):
        train_interaction_network(InteractionNetworkOptions(output=tmp_path, **TINY | {"batch_size": 64}))


def test_normalised_features_are_powers_of_two_of_the_given_and_cut():
    model = InteractionNetwork(architecture())
    x, edge_attr = model.normalise(np.array([[0.1, -0.5, 1.5]]), np.array([[0.04, -0.2, 0.25, 3.0]]))
    np.testing.assert_array_equal(x, [[0.4, -0.5, 1.0]])
    np.testing.assert_array_equal(edge_attr, [[0.16, -1.0, 0.5, 1.0]])
    with pytest.raises(BadInputError, match=r"x must have the shape \(rows, 3\)"):
        model.normalise(edge_attr, edge_attr)
    with pytest.raises(BadInputError, match="edge_attr must be finite"):
        model.normalise(x, edge_attr * np.nan)
    raw = InteractionNetwork(replace(architecture(), node_shift=None, edge_shift=None))
    assert raw.normalise(x * 9, edge_attr * 9)[0].max() == 9.0
    assert torch.is_tensor(interaction_network.union(model, UNSEEN)[0])


def test_the_shipped_network_classifies_unseen_graphs():
    model = read_checkpoint(shipped_checkpoint("interaction_network"), FAMILY)[0]
    assert model.architecture.hidden == 8 and model.architecture.weight_bits == 7
    assert edge_auc(scores(model, UNSEEN), UNSEEN.y).value > 0.998
