"""The jet tagger: traced by the front end, on its grid, normalised by what its checkpoint holds."""

from dataclasses import replace

import brevitas.nn as qnn
import numpy as np
import pytest
import torch

from codesign.data.jet_files import generated_jets
from codesign.errors import BadInputError
from codesign.frontend.brevitas import capture
from codesign.frontend.exactness import check_exactness
from codesign.models.checkpoint import read_checkpoint, save_checkpoint
from codesign.models.jet_tagger import (
    FAMILY,
    Architecture,
    JetTagger,
    float_model,
    quantised_model,
    scores,
    with_normalisation,
)

FEATURES = generated_jets(400, seed=3).features


def untrained(architecture):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = with_normalisation(JetTagger(replace(architecture, quantised=False)), FEATURES).eval()
    x = torch.tensor(model.normalise(FEATURES), dtype=torch.float32)
    return quantised_model(model, architecture, x)


@pytest.mark.parametrize("architecture", [Architecture(), Architecture(10, 4, 8, per_channel=True)])
def test_the_classifier_becomes_an_exact_integer_graph(architecture):
    model = untrained(architecture)
    captured = capture(model.classifier, (16,), name="jet_tagger")
    types = captured.graph.types
    assert types[captured.input].fixed.width == architecture.input_bits
    assert [types[f"act{k}"].shape for k in (1, 2, 3)] == [(64,), (32,), (32,)]
    assert types["act1"].fixed.width == architecture.activation_bits
    assert types["fc1.weight"].fixed.width <= architecture.weight_bits
    assert types["fc4"].shape == (5,)
    x = model.normalise(FEATURES)
    assert check_exactness(captured, model.classifier, x).total_mismatches == 0
    (port,) = captured.graph.outputs
    got = port.decode(captured.graph.evaluate({captured.input: captured.quantise_input(x)})[port.node])
    # Integers times a scale against float64 products of scaled numbers.
    np.testing.assert_allclose(got, scores(model.double(), x), rtol=0, atol=1e-9)


def test_normalised_features_have_the_training_samples_centre_and_spread():
    model = untrained(Architecture())
    low, middle, high = np.percentile(model.normalise(FEATURES), [16, 50, 84], axis=0)
    # Float64: the percentiles are interpolated before the features are normalised, and after.
    np.testing.assert_allclose(middle, 0.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(high - low, 2.0, rtol=0, atol=1e-12)
    constant = with_normalisation(JetTagger(Architecture()), np.ones((9, 16)))
    assert not constant.normalise(np.ones((2, 16))).any()


def test_the_normalisation_travels_in_the_checkpoint(tmp_path):
    model = untrained(Architecture(activation_bits=7))
    path = save_checkpoint(tmp_path / "model.safetensors", FAMILY, model, {})
    loaded, _, _ = read_checkpoint(path, FAMILY)
    assert loaded.architecture == model.architecture
    np.testing.assert_array_equal(loaded.normalise(FEATURES), model.normalise(FEATURES))


def test_the_float_twin_has_the_same_weights_and_no_quantisers():
    model = untrained(Architecture())
    twin = float_model(model)
    assert torch.equal(twin.classifier.fc1.weight, model.classifier.fc1.weight)
    assert torch.equal(twin.centre, model.centre)
    assert not any(isinstance(module, qnn.QuantLinear | qnn.QuantReLU) for module in twin.modules())
    x = model.normalise(FEATURES)
    assert not np.array_equal(scores(twin, x), scores(model, x))


@pytest.mark.parametrize("features", [np.zeros((3, 15)), np.full((2, 16), np.nan)])
def test_features_that_do_not_fit_are_refused(features):
    with pytest.raises(BadInputError, match="features must"):
        JetTagger(Architecture()).normalise(features)


def test_bad_bit_widths_are_refused():
    with pytest.raises(BadInputError, match="activation_bits must be a whole number from 2 to 16, got 1"):
        Architecture(activation_bits=1)
