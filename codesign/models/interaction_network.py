"""The interaction network of charged-particle tracking: is this segment between two hits part of a track?

Elabd et al., Frontiers in Big Data 5 (2022) 828666, and DeZoort et al., Comput. Softw. Big Sci. 5 (2021) 26: r1
10-H-H-4 on [x_receiver, x_sender, edge], the sum over incoming edges, o 7-H-H-3 on [x, sum], r2 10-H-H-1 on
[x'_receiver, x'_sender, message], sigmoid; no biases.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas.inject.enum import ScalingImplType
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.data.tracking import SectorGraphs
from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.models.checkpoint import Family, Model
from codesign.models.published import read_npz
from codesign.models.quantisers import (
    best_fixed,
    calibrate,
    check_bits,
    fixed_quantiser,
    quantised_relu,
    values_met,
    weight_quantiser,
    with_weights_of,
)
from codesign.models.rows import segment_sum, take
from codesign.models.state import load_state, refuse_pickle

Reals = NDArray[np.float64]
NODE_FEATURES, EDGE_FEATURES, MESSAGE_FEATURES = 3, 4, 4
# The values between the layers that a quantiser can stand on, in the order in which they arise.
VALUES = ("node", "edge", "message", "total", "state", "logit")
ACTIVATIONS = tuple(f"{network}.{act}" for network in ("r1", "o", "r2") for act in ("act1", "act2"))
Graph = tuple[Tensor, Tensor, Tensor, Tensor]  # arguments of `InteractionNetwork.forward`


@dataclass(frozen=True)
class Architecture:
    """Hidden units and bit widths; `quantised=False` removes every quantiser.

    `formats` gives each value of `VALUES` a fixed-point format ("s8.6"); a value it does not name is not quantised, as
    in the published models. `node_shift`, `edge_shift`: see `InteractionNetwork.normalise`; without them, as in the
    published models, features are taken as they are. Raises `BadInputError` for a bit width outside 2..16, an unknown
    value or format, and shifts that do not fit.
    """

    hidden: int = 8
    weight_bits: int = 8
    activation_bits: int = 8
    formats: Mapping[str, str] = field(default_factory=dict)
    node_shift: tuple[int, ...] | None = None
    edge_shift: tuple[int, ...] | None = None
    quantised: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.hidden, bool) or not isinstance(self.hidden, int) or self.hidden < 1:
            raise BadInputError(f"hidden must be a whole number from 1, got {self.hidden!r}")
        for name in ("weight_bits", "activation_bits"):
            check_bits(name, getattr(self, name))
        for name, text in self.formats.items():
            if name not in VALUES:
                raise BadInputError(f"formats: there is no value {name!r}; the values are {', '.join(VALUES)}")
            Fixed.parse(text)
        for name, features in (("node_shift", NODE_FEATURES), ("edge_shift", EDGE_FEATURES)):
            given = getattr(self, name)
            if given is None:
                continue
            if len(given) != features or not all(isinstance(shift, int) for shift in given):
                raise BadInputError(f"{name} must be {features} whole numbers, one a feature, got {given!r}")
            object.__setattr__(self, name, tuple(given))  # JSON has lists only


class InteractionNetwork(Model):
    """Edge scores (E, 1) in 0..1 of a graph; torch.fx traces it with the modules of brevitas.nn as leaves."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        pair = 2 * NODE_FEATURES
        self.node, self.edge, self.message, self.total, self.state, self.logit = (
            _value(architecture, name) for name in VALUES
        )
        self.r1 = _perceptron(architecture, pair + EDGE_FEATURES, MESSAGE_FEATURES)
        self.o = _perceptron(architecture, NODE_FEATURES + MESSAGE_FEATURES, NODE_FEATURES)
        self.r2 = _perceptron(architecture, pair + MESSAGE_FEATURES, 1)
        self.sigmoid = _sigmoid(architecture)

    def forward(self, x: Tensor, edge_attr: Tensor, sender: Tensor, receiver: Tensor) -> Tensor:
        """Return the scores (E, 1) of nodes x (N, 3), edges edge_attr (E, 4), their ends (E,) of 0..N, N is no node."""
        scores: Tensor = self.sigmoid(self.logits(x, edge_attr, sender, receiver))
        return scores

    def logits(self, x: Tensor, edge_attr: Tensor, sender: Tensor, receiver: Tensor) -> Tensor:
        """Return what the sigmoid reads, (E, 1)."""
        nodes, edges = self.node(x), self.edge(edge_attr)
        messages = self.message(self.r1(torch.cat([take(nodes, receiver), take(nodes, sender), edges], dim=1)))
        totals = self.total(segment_sum(messages, receiver, x.shape[0]))
        states = self.state(self.o(torch.cat([nodes, totals], dim=1)))
        logits: Tensor = self.logit(self.r2(torch.cat([take(states, receiver), take(states, sender), messages], dim=1)))
        return logits

    def normalise(self, x: Reals, edge_attr: Reals) -> tuple[Reals, Reals]:
        """Return features (N, 3) and (E, 4) as the network reads them, the driver's work.

        Columns have very different spreads: each is multiplied by 2**shift and cut at +-1. Raises `BadInputError` for
        another shape, NaN or infinity.
        """
        shifts = self.architecture.node_shift, self.architecture.edge_shift
        return _normalised("x", x, NODE_FEATURES, shifts[0]), _normalised(
            "edge_attr", edge_attr, EDGE_FEATURES, shifts[1]
        )


def _normalised(name: str, values: Reals, features: int, shift: tuple[int, ...] | None) -> Reals:
    if values.ndim != 2 or values.shape[1] != features:
        raise BadInputError(f"{name} must have the shape (rows, {features}), got {values.shape}")
    if not np.isfinite(values).all():
        raise BadInputError(f"{name} must be finite; remove the graphs that are not")
    return values if shift is None else np.asarray(np.clip(np.ldexp(values, np.array(shift)), -1.0, 1.0))


def _perceptron(architecture: Architecture, inputs: int, outputs: int) -> nn.Module:
    sizes = (inputs, architecture.hidden, architecture.hidden, outputs)
    fc1, fc2, fc3 = (_dense(architecture, *pair) for pair in pairwise(sizes))
    act1, act2 = (_activation(architecture) for _ in range(2))
    return nn.Sequential(OrderedDict(fc1=fc1, act1=act1, fc2=fc2, act2=act2, fc3=fc3))


def _dense(architecture: Architecture, inputs: int, outputs: int) -> nn.Module:
    if not architecture.quantised:
        return nn.Linear(inputs, outputs, bias=False)
    dense: nn.Module = qnn.QuantLinear(
        inputs,
        outputs,
        bias=False,
        weight_bit_width=architecture.weight_bits,
        weight_quant=weight_quantiser(per_channel=False),
    )
    return dense


def _activation(architecture: Architecture) -> nn.Module:
    return quantised_relu(architecture.activation_bits, False) if architecture.quantised else nn.ReLU()


def _sigmoid(architecture: Architecture) -> nn.Module:
    if not architecture.quantised:
        return nn.Sigmoid()
    sigmoid: nn.Module = qnn.QuantSigmoid(
        bit_width=architecture.activation_bits,
        scaling_impl_type=ScalingImplType.PARAMETER,
        scaling_init=1.0,
        return_quant_tensor=False,
    )
    return sigmoid


def _value(architecture: Architecture, name: str) -> nn.Module:
    if not architecture.quantised or name not in architecture.formats:
        return nn.Identity()
    return fixed_quantiser(Fixed.parse(architecture.formats[name]))


def float_model(model: InteractionNetwork) -> InteractionNetwork:
    """Return the twin of `model` without quantisers: same weights, evaluation mode."""
    return with_weights_of(model, InteractionNetwork(replace(model.architecture, quantised=False)))


def quantised_model(model: InteractionNetwork, architecture: Architecture, graph: Graph) -> InteractionNetwork:
    """Return a model of `architecture` with the weights of the float `model`, calibrated on `graph`.

    Where the architecture has no formats they are chosen for its activation bits b: values have b bits, the sum over
    edges b + 2, the logit b + 1 between -8 and 8, beyond which a sigmoid of 12 bits is 0 or 1.
    """
    if architecture.quantised and not architecture.formats:
        architecture = replace(architecture, formats=_default_formats(model, architecture.activation_bits, graph))
    quantised = with_weights_of(model, InteractionNetwork(architecture))
    if architecture.quantised:
        calibrate(quantised, model, ACTIVATIONS, *graph)
    return quantised


def _default_formats(model: InteractionNetwork, bits: int, graph: Graph) -> dict[str, str]:
    """The point of each format stands where the mean squared error on the values of `graph` is least."""
    widths = {"node": bits, "edge": bits, "message": bits, "total": bits + 2, "state": bits}
    met = values_met(float_model(model), tuple(widths), *graph)
    formats = {name: str(best_fixed(met[name], width)) for name, width in widths.items()}
    return {**formats, "logit": str(Fixed(bits + 1, max(bits - 3, 0), signed=True))}


def union(model: InteractionNetwork, graphs: SectorGraphs) -> Graph:
    """Return the arguments of `model.forward` for the disjoint union of `graphs`, features in its own precision."""
    given = next(model.parameters())
    x, edge_attr = (torch.as_tensor(part).to(given) for part in model.normalise(graphs.x, graphs.edge_attr))
    sender, receiver = torch.as_tensor(graphs.union_index)
    return x, edge_attr, sender, receiver


@torch.no_grad()
def scores(model: InteractionNetwork, graphs: SectorGraphs) -> Reals:
    """Return the score (E,) in 0..1 of every edge of `graphs`.

    A learned scale may put the highest code a little above 1, which then counts as 1.
    """
    result = model(*union(model, graphs))
    return np.asarray(result.double().cpu().numpy()[:, 0].clip(0.0, 1.0))


def with_formats(model: InteractionNetwork, formats: Mapping[str, str]) -> InteractionNetwork:
    """Return `model`, evaluation mode, with quantisers of these `formats` on its values and on no others."""
    return with_weights_of(model, InteractionNetwork(replace(model.architecture, formats=dict(formats))))


def load_published(path: Path) -> InteractionNetwork:
    """Return a stored model of abdelabd/manual_GNN_conversion in evaluation mode.

    The bit width, of weights and activations alike, is not in the file; it comes from its name (`..._6b.npz`). Errors
    as for `codesign.models.published.load_published`.
    """
    path = Path(path)
    refuse_pickle(path)
    state = {_our_name(name): value for name, value in read_npz(path).items()}
    if "r1.fc1.weight" not in state:
        raise BadInputError(f"{path}: tensor 'R1.layers.0.weight' is missing; the file holds no interaction network")
    bits = _bits_of(path)
    model = InteractionNetwork(Architecture(len(state["r1.fc1.weight"]), bits, bits))
    load_state(model, state, path)
    return model.eval()


_LAYERS = MappingProxyType({"0": "fc1", "1": "act1", "2": "fc2", "3": "act2", "4": "fc3"})


def _our_name(name: str) -> str:
    """The published class numbers the layers: R1.layers.0.weight is r1.fc1.weight."""
    if name.startswith("forwardSig."):
        return f"sigmoid.{name.removeprefix('forwardSig.')}"
    network, _, rest = name.partition(".layers.")
    layer, _, tensor = rest.partition(".")
    return f"{network.lower()}.{_LAYERS.get(layer, layer)}.{tensor}"


def _bits_of(path: Path) -> int:
    digits = path.stem.rpartition("_")[2].removesuffix("b")
    if not digits.isdigit() or path.stem.endswith(digits):
        raise BadInputError(f"{path}: the name tells no bit width; name it ..._<bits>b.npz")
    return int(digits)


FAMILY: Family[Any] = Family("interaction_network", lambda fields: InteractionNetwork(Architecture(**fields)))
