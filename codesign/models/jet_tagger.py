"""The jet tagger: 16 substructure features to five classes through 64, 32 and 32 hidden units, a Brevitas model.

Topology and bit widths are those of the benchmark of Duarte et al., JINST 13 (2018) P07027, and Coelho et al., Nature
Mach. Intell. 3 (2021) 675. The classifier ends in the accumulators of its last layer: the largest of the five wins.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas.quant import Int32Bias
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.models.checkpoint import Family, Model
from codesign.models.quantisers import (
    calibrate,
    check_bits,
    quantised_identity,
    quantised_relu,
    weight_quantiser,
    with_weights_of,
)

Reals = NDArray[np.float64]
WIDTHS = (16, 64, 32, 32, 5)
QUANTISERS = ("input_quant", "act1", "act2", "act3")
# The central interval that becomes -1..1 holds 68 % of the training jets.
CENTRAL_68 = (16.0, 84.0)
# Correlation ratios have long tails; uncut, they would cost the input quantiser its resolution.
LIMIT = 4.0


@dataclass(frozen=True)
class Architecture:
    """Bit widths of the classifier; `quantised=False` removes every quantiser.

    Raises `BadInputError` for a bit width outside 2..16.
    """

    input_bits: int = 8
    weight_bits: int = 6
    activation_bits: int = 6
    per_channel: bool = False
    quantised: bool = True

    def __post_init__(self) -> None:
        for name in ("input_bits", "weight_bits", "activation_bits"):
            check_bits(name, getattr(self, name))


class Classifier(nn.Module):
    """Normalised features (rows, 16) to class scores (rows, 5); torch.fx traces it with brevitas.nn as leaves."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.input_quant = _input_quantiser(architecture)
        self.fc1, self.fc2, self.fc3, self.fc4 = (_dense(architecture, *sizes) for sizes in pairwise(WIDTHS))
        self.act1, self.act2, self.act3 = (_activation(architecture) for _ in range(3))

    def forward(self, x: Tensor) -> Any:
        """Return the class scores (rows, 5), in the order of `codesign.data.jets.CLASSES`."""
        y = self.act1(self.fc1(self.input_quant(x)))
        return self.fc4(self.act3(self.fc3(self.act2(self.fc2(y)))))


class JetTagger(Model):
    """The classifier with the normalisation of its features, which runs outside the detector."""

    centre: Tensor
    spread: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.register_buffer("centre", torch.zeros(WIDTHS[0], dtype=torch.float64))
        self.register_buffer("spread", torch.ones(WIDTHS[0], dtype=torch.float64))
        self.classifier = Classifier(architecture)

    def forward(self, x: Tensor) -> Tensor:
        """Return the class scores (rows, 5) of normalised features (rows, 16)."""
        scores: Tensor = self.classifier(x)
        return scores

    def normalise(self, features: NDArray[Any]) -> Reals:
        """Return (features - centre) / spread, cut at +-`LIMIT`, (rows, 16).

        Raises `BadInputError` for another shape, NaN or infinity.
        """
        if features.ndim != 2 or features.shape[1] != WIDTHS[0]:
            raise BadInputError(f"features must have the shape (rows, {WIDTHS[0]}), got {features.shape}")
        if not np.isfinite(features).all():
            raise BadInputError("features must be finite; remove the jets that are not")
        return np.asarray(np.clip((features - self.centre.numpy()) / self.spread.numpy(), -LIMIT, LIMIT))


def with_normalisation(model: JetTagger, features: Reals) -> JetTagger:
    """Return `model` with median and half of the central 68 % of `features` (rows, 16) as centre and spread."""
    low, median, high = np.percentile(features, [CENTRAL_68[0], 50.0, CENTRAL_68[1]], axis=0)
    spread = (high - low) / 2
    model.centre.copy_(torch.tensor(median))
    model.spread.copy_(torch.tensor(np.where(spread > 0, spread, 1.0)))  # a feature that never changes
    return model


def float_model(model: JetTagger) -> JetTagger:
    """Return the twin of `model` without quantisers: same weights, biases and normalisation, evaluation mode."""
    return with_weights_of(model, JetTagger(replace(model.architecture, quantised=False)))


def quantised_model(model: JetTagger, architecture: Architecture, x: Tensor) -> JetTagger:
    """Return a model of `architecture` with the weights of the float `model`, thresholds calibrated on `x` (rows, 16).

    See `codesign.models.quantisers.calibrate`.
    """
    quantised = with_weights_of(model, JetTagger(architecture))
    if architecture.quantised:
        calibrate(quantised.classifier, model.classifier, QUANTISERS, x)
    return quantised


@torch.no_grad()
def scores(model: JetTagger, x: NDArray[Any]) -> Reals:
    """Return the class scores (rows, 5) of normalised features (rows, 16), computed in the model's own precision."""
    result = model(torch.as_tensor(x).to(next(model.parameters())))
    return np.asarray(result.double().cpu().numpy())


def _input_quantiser(architecture: Architecture) -> nn.Module:
    return quantised_identity(architecture.input_bits, True, True) if architecture.quantised else nn.Identity()


def _activation(architecture: Architecture) -> nn.Module:
    return quantised_relu(architecture.activation_bits, True) if architecture.quantised else nn.ReLU()


def _dense(architecture: Architecture, inputs: int, outputs: int) -> nn.Module:
    if not architecture.quantised:
        return nn.Linear(inputs, outputs)
    dense: nn.Module = qnn.QuantLinear(
        inputs,
        outputs,
        bias=True,
        weight_bit_width=architecture.weight_bits,
        weight_quant=weight_quantiser(architecture.per_channel),
        bias_quant=Int32Bias,
    )
    return dense


FAMILY = Family("jet_tagger", lambda fields: JetTagger(Architecture(**fields)))
