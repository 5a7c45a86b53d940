"""The all-to-all interaction network of jet constituents: every pair has an edge in both directions.

Battaglia et al., NeurIPS (2016); sizes of Odagiu et al., Mach. Learn.: Sci. Technol. 5 (2024) 035017: edges 6-12-6 on
[receiver, sender], their sum at the receiver, nodes 9-36-18-6 on [constituent, sum], the sum over constituents (a mean
in that paper: a constant factor), classifier 6-170-5.
"""

from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn

from codesign.models.jet_layers import FEATURES, OUTPUTS, Architecture, open_perceptron, perceptron, value

EDGES, NODES, CLASSIFIER = (2 * FEATURES, 12, 6), (FEATURES + 6, 36, 18, 6), (6, 170, OUTPUTS)


class AllToAll(nn.Module):
    """Normalised constituents (jets, n, 3) to class scores (jets, 5); no order of the constituents matters."""

    VALUES = ("constituent", "effect", "pooled")
    receiver: Tensor
    sender: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        pairs = torch.tensor(list(permutations(range(architecture.constituents), 2)))
        self.register_buffer("receiver", pairs[:, 0].contiguous(), persistent=False)
        self.register_buffer("sender", pairs[:, 1].contiguous(), persistent=False)
        self.constituent, self.effect, self.pooled = (value(architecture, name) for name in self.VALUES)
        self.edges = open_perceptron(architecture, EDGES)
        self.nodes = perceptron(architecture, NODES)
        self.classifier = open_perceptron(architecture, CLASSIFIER)

    def forward(self, x: Tensor) -> Any:
        """Return the class scores (jets, 5), in the order of `codesign.data.jets.CLASSES`."""
        nodes = self.constituent(x)
        pairs = torch.cat([nodes.index_select(1, self.receiver), nodes.index_select(1, self.sender)], dim=2)
        effects = self.effect(torch.relu(self.edges(pairs)))
        nothing = effects.new_zeros(x.shape[0], x.shape[1], EDGES[-1])
        totals = nothing.index_add(1, self.receiver, effects)
        return self.classifier(self.pooled(self.nodes(torch.cat([nodes, totals], dim=2)).sum(dim=1)))
