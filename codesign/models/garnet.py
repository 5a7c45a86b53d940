"""GarNet of jet constituents: aggregators gather features, weighted with a Gaussian of a learned distance.

Qasim et al., Eur. Phys. J. C 79 (2019) 608, in the form of Iiyama et al., Front. Big Data 3 (2021) 598927: of each
constituent v dense layers give features f_v and its distances d_va to the aggregators a; with w_va = exp(-d_va^2) an
aggregator holds h_a = sum_v w_va f_v, and a constituent receives the w_va h_a of all aggregators through a dense layer.
The sum over constituents is classified.
"""

from typing import Any

import torch
from torch import Tensor, nn

from codesign.models.jet_layers import FEATURES, OUTPUTS, Architecture, dense, open_perceptron, perceptron, value

AGGREGATORS, LEARNED = 4, 8
RETURNED, CLASSIFIER = (AGGREGATORS * LEARNED, 16), (16, 16, OUTPUTS)


class GarNet(nn.Module):
    """Normalised constituents (jets, n, 3) to class scores (jets, 5); no order of the constituents matters."""

    VALUES = ("constituent", "feature", "distance", "weight", "gathered", "returned", "pooled")

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.constituent, self.feature, self.distance, self.weight = (
            value(architecture, name) for name in self.VALUES[:4]
        )
        self.gathered, self.returned, self.pooled = (value(architecture, name) for name in self.VALUES[4:])
        self.features = dense(architecture, FEATURES, LEARNED)
        self.distances = dense(architecture, FEATURES, AGGREGATORS)
        self.output = perceptron(architecture, RETURNED)
        self.classifier = open_perceptron(architecture, CLASSIFIER)

    def forward(self, x: Tensor) -> Any:
        """Return the class scores (jets, 5), in the order of `codesign.data.jets.CLASSES`."""
        nodes = self.constituent(x)
        features = self.feature(self.features(nodes))
        weights = self.weight(torch.exp(-self.distance(self.distances(nodes)).square()))
        columns = [weights[:, :, a : a + 1] for a in range(AGGREGATORS)]
        gathered = self.gathered(torch.cat([(column * features).sum(dim=1, keepdim=True) for column in columns], dim=1))
        rows = [gathered[:, a : a + 1] for a in range(AGGREGATORS)]
        returned = torch.cat([column * row for column, row in zip(columns, rows, strict=True)], dim=2)
        return self.classifier(self.pooled(self.output(self.returned(returned)).sum(dim=1)))
