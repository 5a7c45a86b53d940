"""The ECON-T autoencoder: a Brevitas encoder for the chip and a float decoder for the back end.

The topology is that of the autoencoder in the CMS HGCAL endcap concentrator (Di Guglielmo et al., IEEE TNS 68 (2021)
2179): one 3 x 3 convolution and one dense layer to 16 latent values; the decoder mirrors it.
"""

from dataclasses import dataclass, replace
from typing import Any

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas.quant import Int32Bias
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.data.geometry import from_image
from codesign.errors import BadInputError
from codesign.models.checkpoint import Family, Model
from codesign.models.normalise import normalise
from codesign.models.quantisers import (
    calibrate,
    check_bits,
    quantised_identity,
    quantised_relu,
    weight_quantiser,
    with_weights_of,
)

FILTERS = 8
LATENTS = 16
FEATURES = FILTERS * 4 * 4
ROWS_PER_BATCH = 4096


@dataclass(frozen=True)
class Architecture:
    """Bit widths and variants of the encoder; the decoder is always float.

    `latent_signed` ends the encoder in a signed quantiser instead of a ReLU, whose units tend to die in training.
    `weight_bits=None` keeps float weights between the activation quantisers (no integer graph exists then);
    `bias_quantised` rounds biases to the accumulator's scale; `quantised=False` removes every quantiser.
    Raises `BadInputError` for a bit width outside 2..16.
    """

    input_bits: int = 8
    input_signed: bool = False
    weight_bits: int | None = 6
    activation_bits: int = 8
    latent_bits: int = 9
    latent_signed: bool = True
    per_channel: bool = False
    batch_norm: bool = False
    bias_quantised: bool = True
    quantised: bool = True

    def __post_init__(self) -> None:
        for name in ("input_bits", "weight_bits", "activation_bits", "latent_bits"):
            bits = getattr(self, name)
            if not (name == "weight_bits" and bits is None):
                check_bits(name, bits)


class Encoder(nn.Module):
    """Images (rows, 1, 8, 8) to latents (rows, 16); torch.fx traces it with the modules of brevitas.nn as leaves.

    Modules in order: `input_quant`, `conv`, [`conv_norm`], `conv_act`, flatten (filter, row, column), `dense`,
    [`dense_norm`], `latent`.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.input_quant = _input_quantiser(architecture)
        self.conv = _convolution(architecture)
        self.conv_norm = nn.BatchNorm2d(FILTERS) if architecture.batch_norm else None
        self.conv_act = _conv_activation(architecture)
        self.dense = _dense(architecture)
        self.dense_norm = nn.BatchNorm1d(LATENTS) if architecture.batch_norm else None
        self.latent = _latent_activation(architecture)

    def forward(self, x: Tensor) -> Any:
        """Return the latents (rows, 16) of normalised images (rows, 1, 8, 8)."""
        y = self.conv(self.input_quant(x))
        if self.conv_norm is not None:
            y = self.conv_norm(y)
        y = self.dense(torch.flatten(self.conv_act(y), 1))
        if self.dense_norm is not None:
            y = self.dense_norm(y)
        return self.latent(y)


class Decoder(nn.Module):
    """Latents (rows, 16) to images (rows, 1, 8, 8) with pixels in (0, 1); float, it runs outside the detector."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(LATENTS, FEATURES)
        self.upsample = nn.ConvTranspose2d(FILTERS, FILTERS, 3, stride=2, padding=1, output_padding=1)
        self.image = nn.ConvTranspose2d(FILTERS, 1, 3, stride=1, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """Return the images (rows, 1, 8, 8) of latents (rows, 16)."""
        y = torch.relu(self.dense(latent)).reshape(-1, FILTERS, 4, 4)
        return torch.sigmoid(self.image(torch.relu(self.upsample(y))))


class AutoEncoder(Model):
    """Encoder and decoder with the architecture that rebuilds them."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.encoder = Encoder(architecture)
        self.decoder = Decoder()

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructed images (rows, 1, 8, 8) of normalised images of the same shape."""
        image: Tensor = self.decoder(self.encoder(x))
        return image


def _input_quantiser(architecture: Architecture) -> nn.Module:
    if not architecture.quantised:
        return nn.Identity()
    return quantised_identity(architecture.input_bits, architecture.input_signed, architecture.weight_bits is not None)


def _conv_activation(architecture: Architecture) -> nn.Module:
    if not architecture.quantised:
        return nn.ReLU()
    return quantised_relu(architecture.activation_bits, architecture.weight_bits is not None)


def _latent_activation(architecture: Architecture) -> nn.Module:
    if not architecture.quantised:
        return nn.Identity() if architecture.latent_signed else nn.ReLU()
    if architecture.latent_signed:
        return quantised_identity(architecture.latent_bits, True, False)
    return quantised_relu(architecture.latent_bits, False)


def _convolution(architecture: Architecture) -> nn.Module:
    if architecture.weight_bits is None or not architecture.quantised:
        return nn.Conv2d(1, FILTERS, 3, stride=2, padding=1)
    conv: nn.Module = qnn.QuantConv2d(
        1,
        FILTERS,
        3,
        stride=2,
        padding=1,
        weight_bit_width=architecture.weight_bits,
        weight_quant=weight_quantiser(architecture.per_channel),
        bias_quant=Int32Bias if architecture.bias_quantised else None,
    )
    return conv


def _dense(architecture: Architecture) -> nn.Module:
    if architecture.weight_bits is None or not architecture.quantised:
        return nn.Linear(FEATURES, LATENTS)
    dense: nn.Module = qnn.QuantLinear(
        FEATURES,
        LATENTS,
        bias=True,
        weight_bit_width=architecture.weight_bits,
        weight_quant=weight_quantiser(architecture.per_channel),
        bias_quant=Int32Bias if architecture.bias_quantised else None,
    )
    return dense


def float_model(model: AutoEncoder) -> AutoEncoder:
    """Return the twin of `model` without quantisers: same weights, biases and norms, evaluation mode."""
    return with_weights_of(model, AutoEncoder(replace(model.architecture, quantised=False)))


def quantised_model(model: AutoEncoder, architecture: Architecture, x: Tensor) -> AutoEncoder:
    """Return a model of `architecture` with the weights of the float `model`, thresholds calibrated on images `x`.

    See `codesign.models.quantisers.calibrate`; `x` is (rows, 1, 8, 8).
    """
    quantised = with_weights_of(model, AutoEncoder(architecture))
    if architecture.quantised:
        calibrate(quantised.encoder, model.encoder, ("input_quant", "conv_act", "latent"), x)
    return quantised


@torch.no_grad()
def decode(model: AutoEncoder, latent: NDArray[Any]) -> NDArray[np.float64]:
    """Return the reconstructed cells (rows, 48), in CALQ order and normalised units, of real latents (rows, 16)."""
    if latent.ndim != 2 or latent.shape[1] != LATENTS:
        raise BadInputError(f"latents must have the shape (rows, {LATENTS}), got {latent.shape}")
    like = model.decoder.dense.weight
    images = [model.decoder(torch.as_tensor(part).to(like)) for part in _batches(latent)]
    return from_image(torch.cat(images).double().cpu().numpy())


@torch.no_grad()
def reconstruct_images(model: AutoEncoder, x: NDArray[Any]) -> NDArray[np.float64]:
    """Return the reconstructed cells (rows, 48), in CALQ order, of encoder inputs (rows, 1, 8, 8); normalised units."""
    like = model.decoder.dense.weight
    images = [model(torch.as_tensor(part).to(like)) for part in _batches(x)]
    return from_image(torch.cat(images).double().cpu().numpy())


def reconstruct(model: AutoEncoder, calq: NDArray[Any]) -> NDArray[np.float64]:
    """Return the reconstructed cells (rows, 48), in CALQ order and normalised units, of charges `calq` (rows, 48).

    Raises `BadInputError` for a wrong shape, a negative charge or NaN.
    """
    return reconstruct_images(model, normalise(calq))


def _batches(rows: NDArray[Any]) -> list[NDArray[Any]]:
    return [rows[start : start + ROWS_PER_BATCH] for start in range(0, max(len(rows), 1), ROWS_PER_BATCH)]


FAMILY = Family("econt", lambda fields: AutoEncoder(Architecture(**fields)))
