import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from codesign.data.geometry import HEX_METRIC
from codesign.data.shower import generate
from codesign.errors import BadInputError
from codesign.metrics import emd_shape
from codesign.models.checkpoint import load_checkpoint, read_checkpoint
from codesign.models.econt import FAMILY, Architecture, reconstruct
from codesign.train import econt, loop
from codesign.train.econt import EcontOptions, train_econt

TINY = {
    "events": 120, "float_epochs": 2, "qat_epochs": 2, "emd_epochs": 2, "batch_size": 32, "validate_every": 1,
    "seed": 5, "progress": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A tiny run from start to end."""
    options = EcontOptions(output=tmp_path_factory.mktemp("whole"), **TINY)
    return options, train_econt(options)


def test_the_best_checkpoint_reaches_the_reported_distance(whole):
    options, result = whole
    model = load_checkpoint(result.best, FAMILY)
    assert model.architecture == options.architecture
    validation = econt._rows(options)[1]
    assert float(np.mean(emd_shape(validation, reconstruct(model, validation), HEX_METRIC))) == result.validation
    measured = [epoch.validation for epoch in result.history if epoch.validation is not None]
    assert result.validation == min(measured)
    assert [epoch.stage for epoch in result.history] == ["float", "float", "qat", "qat", "emd", "emd"]


def test_training_lowers_the_loss(tmp_path):
    options = EcontOptions(output=tmp_path, **TINY | {"float_epochs": 8})
    losses = [epoch.loss for epoch in train_econt(options).history if epoch.stage == "float"]
    assert losses[-1] < 0.5 * losses[0]


def test_the_facts_are_readable_beside_the_checkpoint(whole):
    options, result = whole
    facts = json.loads((options.output / "train.json").read_text())
    assert facts["options"]["seed"] == 5 and facts["optimiser"] == "Adam"
    assert len(facts["history"]) == options.epochs
    assert facts["best"]["epoch"] == result.best_epoch
    assert sorted(path.name for path in options.output.iterdir()) == [
        "best.safetensors", "last.safetensors", "train.json",
    ]  # fmt: skip


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_a_killed_and_resumed_run_ends_in_the_same_bytes(whole, tmp_path, monkeypatch, stop):
    options, result = whole
    train_epoch, calls = loop._train_epoch, []

    def interrupted(model, optimiser, loss, steps):
        if len(calls) == stop:
            train_epoch(model, optimiser, loss, steps[:1])  # the kill comes in the middle of an epoch
            raise KeyboardInterrupt
        calls.append(1)
        return train_epoch(model, optimiser, loss, steps)

    here = replace(options, output=tmp_path)
    monkeypatch.setattr(loop, "_train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_econt(here)
    load_checkpoint(tmp_path / "last.safetensors", FAMILY)
    monkeypatch.setattr(loop, "_train_epoch", train_epoch)
    resumed = train_econt(replace(here, resume=True))
    assert resumed.history == result.history
    for name in ("best.safetensors", "last.safetensors", "train.json"):
        assert (tmp_path / name).read_bytes() == (options.output / name).read_bytes(), name


def test_another_seed_gives_another_model(whole, tmp_path):
    options, result = whole
    other = train_econt(replace(options, output=tmp_path, seed=6))
    assert other.best.read_bytes() != result.best.read_bytes()


def test_resuming_a_finished_run_changes_nothing(whole):
    options, result = whole
    before = result.last.read_bytes()
    assert train_econt(replace(options, resume=True)) == result
    assert result.last.read_bytes() == before


def test_the_optimiser_state_travels_in_the_last_checkpoint_only(whole):
    _, result = whole
    assert read_checkpoint(result.best, FAMILY)[2] == {}
    names = {name.split(".")[2] for name in read_checkpoint(result.last, FAMILY)[2]}
    assert names == {"step", "exp_avg", "exp_avg_sq"}


def test_the_number_of_threads_is_restored(whole, tmp_path):
    options, _ = whole
    before = torch.get_num_threads()
    train_econt(replace(options, output=tmp_path, float_epochs=0, qat_epochs=1, emd_epochs=0))
    assert torch.get_num_threads() == before


def test_a_data_file_is_trained_on(tmp_path):
    path = tmp_path / "charges.npz"
    np.savez(path, calq=generate(150, 1))
    result = train_econt(EcontOptions(output=tmp_path / "run", data=path, **TINY))
    facts = read_checkpoint(result.last, FAMILY)[1]
    assert len(facts["data_sha256"]) == 64
    np.savez(path, calq=generate(150, 2))
    with pytest.raises(BadInputError, match="was trained on other data"):
        train_econt(EcontOptions(output=tmp_path / "run", data=path, **TINY, resume=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"float_epochs": -1}, "float_epochs must be a whole number from 0"),
        ({"qat_epochs": 0, "emd_epochs": 0}, "are both 0"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1"),
        ({"batch_size": 1.5}, "batch_size must be a whole number"),
        ({"events": 3}, "events must be a whole number from 20"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"emd_learning_rate": float("inf")}, "emd_learning_rate must be above 0"),
        ({"validation_fraction": 1.0}, "validation_fraction must be above 0 and at most 0.9"),
    ],
)
def test_bad_options_are_refused(tmp_path, change, message):
    with pytest.raises(BadInputError, match=message):
        EcontOptions(output=tmp_path, **TINY | change)


def test_a_run_is_not_resumed_with_other_options_or_from_nothing(whole, tmp_path):
    options, _ = whole
    with pytest.raises(BadInputError, match="was trained with seed=5, not 6"):
        train_econt(replace(options, seed=6, resume=True))
    with pytest.raises(BadInputError, match="was trained with architecture="):
        train_econt(replace(options, architecture=Architecture(latent_bits=4), resume=True))
    with pytest.raises(BadInputError, match="no such file"):
        train_econt(replace(options, output=tmp_path, resume=True))


def test_a_best_checkpoint_cannot_be_resumed(whole, tmp_path):
    options, result = whole
    (tmp_path / "last.safetensors").write_bytes(result.best.read_bytes())
    with pytest.raises(BadInputError, match="holds no training state"):
        train_econt(replace(options, output=tmp_path, resume=True))


def test_a_diverging_run_stops_and_keeps_its_checkpoint(whole, tmp_path, monkeypatch):
    options, _ = whole
    train_epoch = loop._train_epoch
    here = replace(options, output=tmp_path)
    losses = iter([0.1, float("nan")])
    monkeypatch.setattr(loop, "_train_epoch", lambda *arguments: train_epoch(*arguments) * 0 + next(losses))
    with pytest.raises(BadInputError, match="the loss is not finite in epoch 1"):
        train_econt(here)
    assert len(read_checkpoint(tmp_path / "last.safetensors", FAMILY)[1]["history"]) == 1


def test_too_few_rows_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="are too few for batches of 4096"):
        train_econt(EcontOptions(output=tmp_path, **TINY | {"batch_size": 4096}))


def test_a_missing_data_file_is_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"none\.npz"):
        train_econt(EcontOptions(output=tmp_path, data=tmp_path / "none.npz", **TINY))
