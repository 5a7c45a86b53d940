from dataclasses import replace

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from torch import fx, nn

from codesign.errors import BadInputError
from codesign.models.econt import (
    Architecture,
    AutoEncoder,
    decode,
    float_model,
    quantised_model,
    reconstruct,
)
from codesign.models.normalise import normalise
from codesign.models.quantisers import threshold

VARIANTS = [
    Architecture(),
    Architecture(latent_signed=False),
    Architecture(per_channel=True, bias_quantised=False),
    Architecture(batch_norm=True),
    Architecture(weight_bits=None, batch_norm=True, input_signed=True),
    Architecture(quantised=False),
]


def charges(rows, seed=0):
    return np.random.default_rng(seed).integers(0, 4000, (rows, 48))


def trained(architecture, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoEncoder(replace(architecture, quantised=False)).eval()
    return quantised_model(model, architecture, torch.tensor(normalise(charges(64)), dtype=torch.float32))


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m, module_qualified_name):
        return m.__module__.startswith("brevitas.nn") or super().is_leaf_module(m, module_qualified_name)


@pytest.mark.parametrize("architecture", VARIANTS)
def test_the_encoder_is_traced_by_fx_with_equal_values(architecture):
    encoder = trained(architecture).encoder
    graph = _Tracer().trace(encoder)
    targets = [node.target for node in graph.nodes if node.op == "call_module"]
    norms = (["conv_norm"], ["dense_norm"]) if architecture.batch_norm else ([], [])
    assert targets == ["input_quant", "conv", *norms[0], "conv_act", "dense", *norms[1], "latent"]
    x = torch.tensor(normalise(charges(8, seed=1)), dtype=torch.float32)
    assert torch.equal(fx.GraphModule(encoder, graph)(x), encoder(x))


@pytest.mark.parametrize("architecture", VARIANTS)
def test_latents_lie_on_the_grid_of_their_quantiser(architecture):
    model = trained(architecture)
    x = torch.tensor(normalise(charges(32)), dtype=torch.float32)
    latent = model.encoder(x).detach()
    assert latent.shape == (32, 16)
    if not architecture.quantised:
        return
    codes = latent / model.encoder.latent.act_quant.scale()
    # Float32: a code of 9 bits times its scale and divided by it again is off by 2**-15 at most.
    assert torch.allclose(codes, codes.round(), rtol=0, atol=1e-4)
    low = -(2 ** (architecture.latent_bits - 1)) if architecture.latent_signed else 0
    assert low <= int(codes.round().min()) and int(codes.round().max()) < low + 2**architecture.latent_bits


def test_calibrated_thresholds_cover_the_activations():
    model = trained(Architecture())
    x = torch.tensor(normalise(charges(64)), dtype=torch.float32)
    assert threshold(model.encoder.input_quant).item() == float(x.max())
    assert threshold(model.encoder.conv_act).item() > 0


def test_the_float_twin_has_the_same_weights_and_no_quantisers():
    model = trained(Architecture())
    twin = float_model(model)
    assert torch.equal(twin.encoder.conv.weight, model.encoder.conv.weight)
    assert not any(isinstance(module, qnn.QuantConv2d | qnn.QuantReLU) for module in twin.modules())
    assert isinstance(twin.encoder.conv, nn.Conv2d)
    rows = charges(5)
    assert not np.array_equal(reconstruct(twin, rows), reconstruct(model, rows))


def test_reconstruct_is_decode_of_the_latents_and_needs_no_equal_batches():
    model = trained(Architecture())
    rows = charges(5000)
    with torch.no_grad():
        latent = model.encoder(torch.tensor(normalise(rows), dtype=torch.float32)).numpy()
    assert reconstruct(model, rows).shape == (5000, 48)
    # Float32, fractions of the sum of an image: batches of other sizes add in another order.
    assert np.allclose(decode(model, latent), reconstruct(model, rows), rtol=0, atol=1e-5)
    assert reconstruct(model, rows[:0]).shape == (0, 48)


@pytest.mark.parametrize(
    "options", [{"input_bits": 1}, {"weight_bits": 17}, {"latent_bits": 2.5}, {"weight_bits": True}]
)
def test_bad_bit_widths_are_refused(options):
    with pytest.raises(BadInputError, match="must be a whole number from 2 to 16"):
        Architecture(**options)


def test_latents_of_a_wrong_shape_are_refused():
    with pytest.raises(BadInputError, match="latents must have the shape"):
        decode(trained(Architecture()), np.zeros((3, 15)))
