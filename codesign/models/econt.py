"""The ECON-T autoencoder: a Brevitas encoder for the chip and a float decoder for the back end.

The topology is that of the autoencoder in the CMS HGCAL endcap concentrator (Di Guglielmo et al., IEEE TNS 68 (2021)
2179): one 3 x 3 convolution and one dense layer to 16 latent values; the decoder mirrors it.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Int32Bias,
    Uint8ActPerTensorFloat,
)
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.data.geometry import from_image
from codesign.errors import BadInputError
from codesign.models.normalise import normalise

FILTERS = 8
LATENTS = 16
FEATURES = FILTERS * 4 * 4
BIT_RANGE = (2, 16)
# The percentile Brevitas itself uses for activation ranges: one value in 1e5 may saturate.
CALIBRATION_QUANTILE = 0.99999
ROWS_PER_BATCH = 4096
# Where Brevitas keeps the learned threshold of an activation quantiser.
THRESHOLD_NAME = "act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"


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
                _check_bits(name, bits)

    def as_dict(self) -> dict[str, int | bool | None]:
        """Return the fields as a dictionary that JSON can hold."""
        return asdict(self)


def _check_bits(name: str, bits: Any) -> None:
    low, high = BIT_RANGE
    if isinstance(bits, bool) or not isinstance(bits, int) or not low <= bits <= high:
        raise BadInputError(f"{name} must be a whole number from {low} to {high}, got {bits!r}")


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


class AutoEncoder(nn.Module):
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


def _activation(bits: int, signed: bool, carries_scale: bool) -> nn.Module:
    """Quantiser with one learned float threshold; `carries_scale` hands the scale on to the next layer's bias."""
    quantiser: nn.Module = qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFloat if signed else Uint8ActPerTensorFloat,
        bit_width=bits,
        scaling_impl_type=ScalingImplType.PARAMETER,
        scaling_init=1.0,
        return_quant_tensor=carries_scale,
    )
    return quantiser


def _relu(bits: int, carries_scale: bool) -> nn.Module:
    relu: nn.Module = qnn.QuantReLU(
        bit_width=bits,
        scaling_impl_type=ScalingImplType.PARAMETER,
        scaling_init=1.0,
        return_quant_tensor=carries_scale,
    )
    return relu


def _input_quantiser(architecture: Architecture) -> nn.Module:
    if not architecture.quantised:
        return nn.Identity()
    return _activation(architecture.input_bits, architecture.input_signed, architecture.weight_bits is not None)


def _conv_activation(architecture: Architecture) -> nn.Module:
    if not architecture.quantised:
        return nn.ReLU()
    return _relu(architecture.activation_bits, architecture.weight_bits is not None)


def _latent_activation(architecture: Architecture) -> nn.Module:
    if not architecture.quantised:
        return nn.Identity() if architecture.latent_signed else nn.ReLU()
    if architecture.latent_signed:
        return _activation(architecture.latent_bits, True, False)
    return _relu(architecture.latent_bits, False)


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
        weight_quant=_weight_quantiser(architecture),
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
        weight_quant=_weight_quantiser(architecture),
        bias_quant=Int32Bias if architecture.bias_quantised else None,
    )
    return dense


def _weight_quantiser(architecture: Architecture) -> Any:
    return Int8WeightPerChannelFloat if architecture.per_channel else Int8WeightPerTensorFloat


def threshold(quantiser: nn.Module) -> nn.Parameter:
    """Return the learned threshold of an activation quantiser, shape (): the magnitude of its highest code."""
    return quantiser.get_parameter(THRESHOLD_NAME)


def float_model(model: AutoEncoder) -> AutoEncoder:
    """Return the twin of `model` without quantisers: same weights, biases and norms, evaluation mode."""
    architecture = replace(model.architecture, quantised=False)
    return _with_weights_of(model, architecture)


def quantised_model(model: AutoEncoder, architecture: Architecture, x: Tensor) -> AutoEncoder:
    """Return a model of `architecture` with the weights of the float `model`, thresholds calibrated on images `x`.

    Each threshold becomes the `CALIBRATION_QUANTILE` of the magnitude of the values its quantiser meets on `x`
    (rows, 1, 8, 8) in the float model. (Brevitas's own calibration runs inside the first 300 training steps and is
    lost when a run is resumed.)
    """
    quantised = _with_weights_of(model, architecture)
    if architecture.quantised:
        for name, values in _activations(model, x).items():
            _calibrate(threshold(quantised.encoder.get_submodule(name)), values)
    return quantised


def _with_weights_of(model: AutoEncoder, architecture: Architecture) -> AutoEncoder:
    twin = AutoEncoder(architecture)
    wanted = twin.state_dict()
    state = {name: value for name, value in model.state_dict().items() if name in wanted}
    twin.load_state_dict(wanted | state)
    return twin.eval()


@torch.no_grad()
def _activations(model: AutoEncoder, x: Tensor) -> dict[str, Tensor]:
    encoder = model.encoder
    met = {"input_quant": x}
    hooks = [
        encoder.get_submodule(name).register_forward_pre_hook(
            lambda _module, inputs, name=name: met.__setitem__(name, inputs[0].detach())
        )
        for name in ("conv_act", "latent")
    ]
    encoder(x)
    for hook in hooks:
        hook.remove()
    return met


@torch.no_grad()
def _calibrate(value: nn.Parameter, met: Tensor) -> None:
    magnitudes = met.abs().flatten().sort().values
    rank = min(math.ceil(CALIBRATION_QUANTILE * len(magnitudes)), len(magnitudes) - 1)
    value.fill_(max(float(magnitudes[rank]), torch.finfo(torch.float32).eps))


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
