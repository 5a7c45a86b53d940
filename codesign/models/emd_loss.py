"""Energy mover's distance as a training loss: exact transport, with its dual potentials as the gradient."""

from typing import Any

import numpy as np
import ot
import torch
from torch import Tensor, nn

from codesign.data.geometry import HEX_METRIC, IMAGE_PIXELS, REMAP_8X8


class _ExactTransport(torch.autograd.Function):
    """Cost (rows,) of moving `truth` (rows, cells) to `prediction`, both with rows of sum 1."""

    @staticmethod
    def forward(ctx: Any, prediction: Tensor, truth: Tensor) -> Tensor:
        """Solve each row and keep the dual potential of the prediction: it is the derivative of the cost."""
        costs, potentials = _solve(prediction.double().cpu().numpy(), truth.double().cpu().numpy())
        ctx.save_for_backward(torch.as_tensor(potentials).to(prediction))
        return torch.as_tensor(costs).to(prediction)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None]:
        """Return the derivative for the prediction; the truth has none."""
        (potentials,) = ctx.saved_tensors
        return gradients[0][:, None] * potentials, None


def _solve(prediction: Any, truth: Any) -> tuple[Any, Any]:
    costs, potentials = np.empty(len(truth)), np.empty_like(prediction)
    for row, (p, t) in enumerate(zip(prediction, truth, strict=True)):
        log = ot.emd(t / t.sum(), p / p.sum(), HEX_METRIC, log=True, check_marginals=False)[1]
        costs[row], potentials[row] = log["cost"], log["v"] - log["v"].mean()
    return costs, potentials


class EmdLoss(nn.Module):
    """Mean energy mover's distance () of the shapes of images (rows, 1, 8, 8), in half trigger-cell pitches.

    Both images are divided by their sum, so the loss says nothing about the energy. The subgradient of an optimal
    transport cost for a marginal is its dual potential (Peyre and Cuturi, Computational Optimal Transport, 2019,
    proposition 9.2). No row of the truth may be empty.
    """

    cells: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("cells", torch.tensor(REMAP_8X8))

    def forward(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Return the mean distance over the rows."""
        p, t = (image.reshape(-1, IMAGE_PIXELS)[:, self.cells] for image in (prediction, truth))
        shapes = p / p.sum(dim=1, keepdim=True), t / t.sum(dim=1, keepdim=True)
        distances: Tensor = _ExactTransport.apply(*shapes)  # type: ignore[no-untyped-call]
        return distances.mean()
