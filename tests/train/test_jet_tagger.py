"""Training of the jet tagger; the loop itself is tested in test_econt.py."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.data.jet_files import generated_jets
from codesign.errors import BadInputError
from codesign.models.checkpoint import load_checkpoint, read_checkpoint
from codesign.models.jet_tagger import FAMILY
from codesign.train import jet_tagger, loop
from codesign.train.jet_tagger import JetTaggerOptions, train_jet_tagger, wrong_fraction

TINY = {"events": 1200, "float_epochs": 3, "qat_epochs": 3, "validate_every": 1, "batch_size": 64, "progress": False}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    options = JetTaggerOptions(output=tmp_path_factory.mktemp("whole"), **TINY)
    return options, train_jet_tagger(options)


def test_the_best_checkpoint_reaches_the_reported_fraction_and_beats_guessing(whole):
    options, result = whole
    model = load_checkpoint(result.best, FAMILY)
    assert wrong_fraction(model, jet_tagger._jets(options)[1]) == result.validation
    assert result.validation == min(e.validation for e in result.history if e.validation is not None)
    assert wrong_fraction(model, generated_jets(500, seed=77)) < 0.6  # guessing: 0.8
    assert [epoch.stage for epoch in result.history] == ["float"] * 3 + ["qat"] * 3


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
        train_jet_tagger(here)
    monkeypatch.setattr(loop, "_train_epoch", train_epoch)
    train_jet_tagger(replace(here, resume=True))
    for name in ("best.safetensors", "last.safetensors", "train.json"):
        assert (tmp_path / name).read_bytes() == (options.output / name).read_bytes(), name


def test_a_file_is_trained_on_and_its_features_set_the_normalisation(tmp_path):
    rng, labels = np.random.default_rng(0), np.arange(400) % 5
    path = tmp_path / "jets.npz"
    np.savez(path, x=100.0 + rng.normal(0, 1, (400, 16)) + 10 * np.eye(16)[labels], y=labels)
    result = train_jet_tagger(JetTaggerOptions(output=tmp_path / "run", data=path, **TINY | {"float_epochs": 25}))
    model, facts, _ = read_checkpoint(result.best, FAMILY)
    assert result.validation < 0.1
    assert len(facts["data_sha256"]) == 64
    assert np.abs(model.centre.numpy() - 100).max() < 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qat_epochs": 0}, "qat_epochs must be a whole number from 1"),
        ({"events": 3}, "events must be a whole number from 20"),
        ({"qat_learning_rate": 0.0}, "qat_learning_rate must be above 0"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1"),
    ],
)
def test_bad_options_are_refused(tmp_path, change, message):
    with pytest.raises(BadInputError, match=message):
        JetTaggerOptions(output=tmp_path, **TINY | change)


def test_too_few_jets_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="are too few for batches of 4096"):
        train_jet_tagger(JetTaggerOptions(output=tmp_path, **TINY | {"batch_size": 4096}))
