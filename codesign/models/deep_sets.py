"""Deep Sets of jet constituents: phi on each constituent, their sum, rho on the sum.

Zaheer et al., NeurIPS (2017); sizes of Odagiu et al., Mach. Learn.: Sci. Technol. 5 (2024) 035017: phi 3-32-32-32, rho
32-32-5. The sum stands where that paper has the mean: a constant factor, which the weights behind it take up.
"""

from typing import Any

from torch import Tensor, nn

from codesign.models.jet_layers import FEATURES, OUTPUTS, Architecture, open_perceptron, perceptron, value

PHI, RHO = (FEATURES, 32, 32, 32), (32, 32, OUTPUTS)


class DeepSets(nn.Module):
    """Normalised constituents (jets, n, 3) to class scores (jets, 5); no order of the constituents matters."""

    VALUES = ("constituent", "pooled")

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.constituent, self.pooled = (value(architecture, name) for name in self.VALUES)
        self.phi = perceptron(architecture, PHI)
        self.rho = open_perceptron(architecture, RHO)

    def forward(self, x: Tensor) -> Any:
        """Return the class scores (jets, 5), in the order of `codesign.data.jets.CLASSES`."""
        return self.rho(self.pooled(self.phi(self.constituent(x)).sum(dim=1)))
