import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from codesign.errors import BadInputError
from codesign.models import jet_tagger
from codesign.models.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
from codesign.models.econt import FAMILY, Architecture, AutoEncoder, reconstruct


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return AutoEncoder(Architecture(activation_bits=7, latent_bits=5)).eval()


@pytest.fixture
def saved(model, tmp_path):
    return save_checkpoint(tmp_path / "model.safetensors", FAMILY, model, {"epoch": 3}, {"extra": torch.arange(3)})


def _rewritten(saved, change):
    """Rewrite the checkpoint with `change(tensors, record)` applied."""
    with safe_open(saved, framework="pt") as stream:
        record, names = json.loads(stream.metadata()["codesign"]), list(stream.keys())
        tensors = {name: stream.get_tensor(name) for name in names}
    change(tensors, record)
    save_file(tensors, saved, {"codesign": json.dumps(record)})
    return saved


def test_a_saved_model_loads_equal_from_the_path_alone(model, saved):
    loaded, facts, extra = read_checkpoint(saved, FAMILY)
    assert loaded.architecture == model.architecture and not loaded.training
    assert facts == {"epoch": 3} and torch.equal(extra["extra"], torch.arange(3))
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in model.state_dict().items())
    calq = np.random.default_rng(0).integers(0, 999, (20, 48))
    assert np.array_equal(reconstruct(load_checkpoint(saved, FAMILY), calq), reconstruct(model, calq))


def test_saving_twice_gives_the_same_bytes(model, saved, tmp_path):
    again = save_checkpoint(tmp_path / "again.safetensors", FAMILY, model, {"epoch": 3}, {"extra": torch.arange(3)})
    assert again.read_bytes() == saved.read_bytes()


NAME = "model.encoder.conv.bias"
DAMAGE = {
    "missing": (lambda tensors, _: tensors.pop(NAME), "'encoder.conv.bias' is missing"),
    "unknown": (lambda tensors, _: tensors.update({"model.more": torch.ones(1)}), "'more' is unknown"),
    "shape": (lambda tensors, _: tensors.update({NAME: torch.ones(9)}), r"must have the shape \(8,\), got \(9,\)"),
    "type": (lambda tensors, _: tensors.update({NAME: torch.ones(8, dtype=torch.int32)}), "must have the type"),
    "nan": (lambda tensors, _: tensors[NAME].fill_(torch.nan), "holds NaN or infinity"),
    "format": (lambda _, record: record.pop("format"), "is no checkpoint of `codesign train econt`"),
    "type of metadata": (
        lambda _, record: record.update(architecture=[1]),
        "the metadata of the checkpoint is damaged",
    ),
    "option": (lambda _, record: record.update(architecture={"x": 1}), "the metadata of the checkpoint is damaged"),
    "bits": (lambda _, record: record.update(architecture={"latent_bits": 99}), "latent_bits must be"),
    "facts": (lambda _, record: record.pop("facts"), "the metadata of the checkpoint is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(saved, damage):
    change, message = DAMAGE[damage]
    with pytest.raises(BadInputError, match=message) as caught:
        load_checkpoint(_rewritten(saved, change), FAMILY)
    assert "\n" not in str(caught.value)


def test_a_zero_threshold_is_refused(saved):
    name = "model.encoder.latent.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"
    with pytest.raises(BadInputError, match="is a threshold of zero"):
        load_checkpoint(_rewritten(saved, lambda tensors, _: tensors[name].zero_()), FAMILY)


@pytest.mark.parametrize("size", [0, 4, 100, 5000])
def test_a_truncated_checkpoint_is_refused(saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(BadInputError, match="is not a complete safetensors file"):
        load_checkpoint(saved, FAMILY)


class _Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".safetensors"])
def test_a_pickle_is_never_executed(tmp_path, suffix):
    path, mark = tmp_path / f"model{suffix}", tmp_path / "executed"
    path.write_bytes(pickle.dumps(_Touch(mark)))
    with pytest.raises(BadInputError) as caught:
        load_checkpoint(path, FAMILY)
    assert "\n" not in str(caught.value)
    assert not mark.exists()
    pickle.loads(path.read_bytes())
    assert mark.exists()  # the file does run code where it is unpickled


@pytest.mark.parametrize("metadata", [None, {"codesign": "{"}, {"codesign": "[]"}, {"format": "pt"}])
def test_foreign_metadata_are_refused(tmp_path, metadata):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.ones(2)}, path, metadata)
    with pytest.raises(BadInputError, match=r"is no checkpoint|is damaged"):
        load_checkpoint(path, FAMILY)


def test_a_checkpoint_of_another_model_is_refused(saved):
    with pytest.raises(BadInputError, match="is no checkpoint of `codesign train jet_tagger`"):
        load_checkpoint(saved, jet_tagger.FAMILY)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        load_checkpoint(tmp_path / "none.safetensors", FAMILY)


def test_a_full_disk_leaves_the_old_checkpoint(model, saved, monkeypatch):
    def full(tensors, path, metadata):
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr("codesign.models.checkpoint.save_file", full)
    with pytest.raises(BadInputError, match="No space left on device"):
        save_checkpoint(saved, FAMILY, model, {})
    assert saved.read_bytes() == before and len(list(saved.parent.iterdir())) == 1
