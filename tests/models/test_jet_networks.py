"""The jet networks of constituents: no order matters, sizes are those of their sources, values have formats."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from codesign.data.jet_files import generated_constituents
from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.brevitas import capture
from codesign.frontend.exactness import check_exactness
from codesign.models.jet_layers import Architecture
from codesign.models.jet_networks import (
    LIMIT,
    NETWORKS,
    JetModel,
    float_model,
    quantised_model,
    scores,
    with_normalisation,
)

JETS = generated_constituents(200, 3, 8).features
# Weights and biases: 3-32-32-32 and 32-32-5; 6-12-6, 9-36-18-6 and 6-170-5; 3-8, 3-4, 32-16, 16-16-5.
PARAMETERS = {"deep_sets": 3461, "interaction_network": 3347, "garnet": 933}


def untrained(network, jets=JETS, **options):
    architecture = Architecture(network, **options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        floating = JetModel(replace(architecture, quantised=False))
    model = with_normalisation(floating, jets).eval()
    return quantised_model(model, architecture, torch.tensor(model.normalise(jets), dtype=torch.float32))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_order_of_the_constituents_does_not_matter_but_their_values_do(network):
    model = untrained(network).double()
    x = model.normalise(JETS)
    found = scores(model, x)
    assert found.shape == (200, 5) and np.ptp(found, axis=0).min() > 0
    # Sums in float64 in another order.
    np.testing.assert_allclose(scores(model, x[:, ::-1].copy()), found, rtol=0, atol=1e-12)
    # Negative control, far above that.
    assert not np.allclose(scores(model, np.roll(x, 1, axis=2)), found, rtol=0, atol=1e-3)


@pytest.mark.parametrize("network", NETWORKS)
def test_sixteen_constituents_become_an_exact_integer_graph(network):
    jets = generated_constituents(40, 4, 16).features
    model = untrained(network, jets, constituents=16).double()
    captured = capture(model.network, (16, 3), name=network)
    assert check_exactness(captured, model.network, model.normalise(jets)).is_exact
    pairs = {kind.shape[0] for kind in captured.graph.types.values() if len(kind.shape) == 2}
    assert (240 in pairs) == (network == "interaction_network")


@pytest.mark.parametrize("network", NETWORKS)
def test_the_sizes_are_those_of_the_sources(network):
    weights = float_model(untrained(network)).network.parameters()
    assert sum(weight.numel() for weight in weights) == PARAMETERS[network]


@pytest.mark.parametrize("network", NETWORKS)
def test_values_have_the_bits_asked_for_and_sums_more(network):
    model = untrained(network, activation_bits=6)
    widths = {name: Fixed.parse(text).width for name, text in model.architecture.formats.items()}
    assert widths == {name: 8 if name in ("pooled", "gathered") else 6 for name in NETWORKS[network].VALUES}
    assert not any("Quant" in type(module).__name__ for module in float_model(model).modules())


def test_normalised_constituents_are_cut_and_what_does_not_fit_is_refused():
    model = untrained("deep_sets")
    assert np.abs(model.normalise(JETS * 100)).max() == LIMIT
    with pytest.raises(BadInputError, match=r"constituents must have the shape \(jets, 8, 3\), got \(200, 7, 3\)"):
        model.normalise(JETS[:, :7])
    with pytest.raises(BadInputError, match="constituents must be finite"):
        model.normalise(JETS * np.nan)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "deep_set"}, "no jet network 'deep_set': choose one of deep_sets, interaction_network, garnet"),
        ({"network": "garnet", "constituents": 9}, "the number of constituents must be 8 or 16, not 9"),
        ({"network": "garnet", "weight_bits": 1}, "weight_bits must be a whole number from 2 to 16, got 1"),
        ({"network": "garnet"}, "the garnet network has no format for its value 'constituent'"),
    ],
)
def test_a_wrong_architecture_is_an_error(options, message):
    with pytest.raises(BadInputError, match=message):
        JetModel(Architecture(**options))
