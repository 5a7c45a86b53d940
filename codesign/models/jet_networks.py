"""Networks of jet constituents: Deep Sets, the all-to-all interaction network and GarNet, Brevitas models."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.models.checkpoint import Family, Model
from codesign.models.deep_sets import DeepSets
from codesign.models.garnet import GarNet
from codesign.models.jet_interaction import AllToAll
from codesign.models.jet_layers import FEATURES, Architecture
from codesign.models.quantisers import best_fixed, calibrate, values_met, with_weights_of

Reals = NDArray[np.float64]
NETWORKS: Mapping[str, Any] = {"deep_sets": DeepSets, "interaction_network": AllToAll, "garnet": GarNet}
CENTRAL_90 = (5.0, 95.0)
# Momenta have a long tail; uncut, it would cost the input quantiser its resolution.
LIMIT = 4.0
# Products and sums over constituents are wider than what enters them.
WIDER = {"gathered": 2, "pooled": 2}


class JetModel(Model):
    """A network of constituents with the normalisation of their features, which runs outside the detector."""

    centre: Tensor
    spread: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        if architecture.network not in NETWORKS:
            raise BadInputError(f"no jet network {architecture.network!r}: choose one of {', '.join(NETWORKS)}")
        self.architecture = architecture
        self.register_buffer("centre", torch.zeros(FEATURES, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(FEATURES, dtype=torch.float64))
        self.network: nn.Module = NETWORKS[architecture.network](architecture)

    def forward(self, x: Tensor) -> Tensor:
        """Return the class scores (jets, 5) of normalised constituents (jets, n, 3)."""
        scores: Tensor = self.network(x)
        return scores

    def normalise(self, jets: NDArray[Any]) -> Reals:
        """Return (jets - centre) / spread, cut at +-`LIMIT`, (jets, n, 3).

        Raises `BadInputError` for another shape, NaN or infinity.
        """
        shape = (self.architecture.constituents, FEATURES)
        if jets.shape[1:] != shape:
            raise BadInputError(f"constituents must have the shape (jets, {shape[0]}, {shape[1]}), got {jets.shape}")
        if not np.isfinite(jets).all():
            raise BadInputError("constituents must be finite; remove the jets that are not")
        return np.asarray(np.clip((jets - self.centre.numpy()) / self.spread.numpy(), -LIMIT, LIMIT))


def family(network: str) -> Family[JetModel]:
    """Return the checkpoints of `network`, named as its design and as in `codesign train`."""
    return Family(f"{network}_jets", partial(_built, network))


def _built(network: str, fields: Mapping[str, Any]) -> JetModel:
    architecture = Architecture(**fields)
    if architecture.network != network:
        raise ValueError(f"it holds the network {architecture.network!r}")
    return JetModel(architecture)


def with_normalisation(model: JetModel, jets: Reals) -> JetModel:
    """Return `model` with the median and the width of the central 90 % of all constituents (jets, n, 3)."""
    low, median, high = np.percentile(jets.reshape(-1, FEATURES), [CENTRAL_90[0], 50.0, CENTRAL_90[1]], axis=0)
    model.centre.copy_(torch.tensor(median))
    model.spread.copy_(torch.tensor(np.where(high > low, high - low, 1.0)))
    return model


def float_model(model: JetModel) -> JetModel:
    """Return the twin of `model` without quantisers: same weights, biases and normalisation, evaluation mode."""
    return with_weights_of(model, JetModel(replace(model.architecture, quantised=False)))


def quantised_model(model: JetModel, architecture: Architecture, x: Tensor) -> JetModel:
    """Return a model of `architecture` with the weights of the float `model`, calibrated on `x` (jets, n, 3).

    Where the architecture has no formats, each value has one of the activation bits (`WIDER` more for sums) whose
    point stands where the mean squared error is least.
    """
    values: tuple[str, ...] = NETWORKS[architecture.network].VALUES
    if architecture.quantised and not architecture.formats:
        met = values_met(model.network, values, x)
        bits = {name: architecture.activation_bits + WIDER.get(name, 0) for name in values}
        formats = {name: str(best_fixed(met[name], width)) for name, width in bits.items()}
        architecture = replace(architecture, formats=formats)
    quantised = with_weights_of(model, JetModel(architecture))
    if architecture.quantised:
        relus = [path for path, module in model.network.named_modules() if isinstance(module, nn.ReLU)]
        calibrate(quantised.network, model.network, relus, x)
    return quantised


@torch.no_grad()
def scores(model: JetModel, x: NDArray[Any]) -> Reals:
    """Return the class scores (jets, 5) of normalised constituents, computed in the model's own precision."""
    result = model(torch.as_tensor(x).to(next(model.parameters())))
    return np.asarray(result.double().cpu().numpy())
