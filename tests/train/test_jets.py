"""Training of the jet networks of constituents; the loop itself is tested in test_econt.py."""

import numpy as np
import pytest

from codesign.data.jet_files import generated_constituents
from codesign.errors import BadInputError
from codesign.models.checkpoint import load_checkpoint, read_checkpoint
from codesign.models.jet_layers import Architecture
from codesign.models.jet_networks import NETWORKS, family
from codesign.train import jets as jets_training
from codesign.train.jets import JetsOptions, train_jets, wrong_fraction

TINY = {"events": 1500, "float_epochs": 6, "qat_epochs": 2, "validate_every": 1, "batch_size": 64, "progress": False}


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request, tmp_path_factory):
    options = JetsOptions(output=tmp_path_factory.mktemp("run"), architecture=Architecture(request.param), **TINY)
    return options, train_jets(options)


def test_the_best_checkpoint_reaches_the_reported_fraction_and_beats_guessing(trained):
    options, result = trained
    model = load_checkpoint(result.best, family(options.architecture.network))
    assert wrong_fraction(model, jets_training._jets(options)[1]) == result.validation
    assert wrong_fraction(model, generated_constituents(600, 77, 8)) < 0.72  # guessing: 0.8
    assert [epoch.stage for epoch in result.history] == ["float"] * 6 + ["qat"] * 2


def test_formats_are_chosen_and_a_checkpoint_of_another_network_is_refused(trained):
    options, result = trained
    network = options.architecture.network
    model = load_checkpoint(result.best, family(network))
    assert set(model.architecture.formats) == set(NETWORKS[network].VALUES)
    other = next(name for name in NETWORKS if name != network)
    with pytest.raises(BadInputError, match=f"is no checkpoint of `codesign train {other}_jets`"):
        read_checkpoint(result.best, family(other))


def test_a_file_of_sixteen_constituents_is_trained_on(tmp_path):
    jets = generated_constituents(300, 5, 16)
    np.savez(tmp_path / "jets.npz", x=jets.features, y=jets.labels)
    for count in (8, 16):
        architecture = Architecture("deep_sets", count)
        options = JetsOptions(output=tmp_path, architecture=architecture, data=tmp_path / "jets.npz", **TINY)
        training = jets_training._jets(options)[0]
        assert training.features.shape == (270, count, 3)
    with pytest.raises(BadInputError, match="270 jets to train on and 30 to validate on are too few"):
        train_jets(JetsOptions(output=tmp_path, architecture=architecture, **TINY | {"events": 300, "batch_size": 512}))
