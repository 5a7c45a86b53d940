"""What the jet networks of constituents share: bit widths, quantised layers, values with a fixed-point format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import brevitas.nn as qnn
from torch import nn

from codesign.data.jet_files import CONSTITUENT_COUNTS
from codesign.data.jets import CLASSES
from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.models.quantisers import check_bits, fixed_quantiser, quantised_relu, weight_quantiser

FEATURES = 3  # transverse momentum, eta and phi of a constituent
OUTPUTS = len(CLASSES)


@dataclass(frozen=True)
class Architecture:
    """Which network of how many constituents, and its bit widths; `quantised=False` removes every quantiser.

    `formats` gives values of the network fixed-point formats ("s8.6"); `codesign.models.jet_networks.quantised_model`
    chooses them. Raises `BadInputError` for a number of constituents other than 8 and 16, a bit width outside 2..16.
    """

    network: str
    constituents: int = 8
    weight_bits: int = 8
    activation_bits: int = 8
    formats: Mapping[str, str] = field(default_factory=dict)
    quantised: bool = True

    def __post_init__(self) -> None:
        if self.constituents not in CONSTITUENT_COUNTS:
            counts = " or ".join(map(str, CONSTITUENT_COUNTS))
            raise BadInputError(f"the number of constituents must be {counts}, not {self.constituents}")
        for name in ("weight_bits", "activation_bits"):
            check_bits(name, getattr(self, name))
        for text in self.formats.values():
            Fixed.parse(text)


def dense(architecture: Architecture, inputs: int, outputs: int) -> nn.Module:
    """Dense layer with a float bias, which the front end folds into what its sums mean."""
    if not architecture.quantised:
        return nn.Linear(inputs, outputs)
    layer: nn.Module = qnn.QuantLinear(
        inputs,
        outputs,
        bias=True,
        weight_bit_width=architecture.weight_bits,
        weight_quant=weight_quantiser(per_channel=False),
    )
    return layer


def relu(architecture: Architecture) -> nn.Module:
    """ReLU; quantised with a learned threshold."""
    return quantised_relu(architecture.activation_bits, False) if architecture.quantised else nn.ReLU()


def value(architecture: Architecture, name: str) -> nn.Module:
    """Quantiser of the value `name` to its fixed-point format."""
    if not architecture.quantised:
        return nn.Identity()
    if name not in architecture.formats:
        raise BadInputError(f"the {architecture.network} network has no format for its value {name!r}")
    return fixed_quantiser(Fixed.parse(architecture.formats[name]))


def perceptron(architecture: Architecture, sizes: Sequence[int]) -> nn.Sequential:
    """Dense layers of these sizes, each with a ReLU: modules fc1, act1, fc2, ..."""
    layers = nn.Sequential()
    for number, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        layers.add_module(f"fc{number}", dense(architecture, inputs, outputs))
        layers.add_module(f"act{number}", relu(architecture))
    return layers


def open_perceptron(architecture: Architecture, sizes: Sequence[int]) -> nn.Sequential:
    """Dense layers of these sizes with ReLUs between them, none behind the last."""
    layers = perceptron(architecture, sizes[:-1])
    layers.add_module(f"fc{len(sizes) - 1}", dense(architecture, sizes[-2], sizes[-1]))
    return layers
