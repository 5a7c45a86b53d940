"""Telescope loss: squared errors of trigger cells, of 2 x 2 supercells and of 4 x 4 groups, weighted by the charge.

Formula: C. Herwig's telescope metric, as used to train the ECON-T autoencoder (Di Guglielmo et al., IEEE TNS 68 (2021)
2179). Each squared error is weighted with the larger of the two charges, so that large deposits matter most; the
supercell weights let each trigger cell contribute equally, however many supercells it enters.
"""

import numpy as np
import torch
from torch import Tensor, nn

from codesign.data.geometry import CELLS, IMAGE_PIXELS, REMAP_8X8, RHOMBUS_CELLS, SUPERCELL_WEIGHTS, SUPERCELLS

CELL_FACTOR = 4.0
SUPERCELL_FACTOR = 2.0
GROUP_FACTOR = 1.0


class TelescopeLoss(nn.Module):
    """Loss () of images (rows, 1, 8, 8) against their reconstruction; the mean over rows."""

    cells: Tensor
    supercells: Tensor
    supercell_weights: Tensor
    groups: Tensor

    def __init__(self) -> None:
        super().__init__()
        members = np.zeros((CELLS, len(SUPERCELLS)), dtype=np.float32)
        members[SUPERCELLS.T, np.arange(len(SUPERCELLS))] = 1.0
        groups = np.kron(np.eye(CELLS // RHOMBUS_CELLS), np.ones((RHOMBUS_CELLS, 1)))
        self.register_buffer("cells", torch.tensor(REMAP_8X8))
        self.register_buffer("supercells", torch.tensor(members))
        self.register_buffer("supercell_weights", torch.tensor(SUPERCELL_WEIGHTS, dtype=torch.float32))
        self.register_buffer("groups", torch.tensor(groups, dtype=torch.float32))

    def forward(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Return 4 x the cell term + 2 x the supercell term + the group term."""
        p, t = (image.reshape(-1, IMAGE_PIXELS)[:, self.cells] for image in (prediction, truth))
        supercell = _weighted_error(p @ self.supercells, t @ self.supercells) * self.supercell_weights
        cell, group = _weighted_error(p, t), _weighted_error(p @ self.groups, t @ self.groups)
        return CELL_FACTOR * cell.mean() + SUPERCELL_FACTOR * supercell.mean() + GROUP_FACTOR * group.mean()


def _weighted_error(prediction: Tensor, truth: Tensor) -> Tensor:
    return (prediction - truth).square() * torch.maximum(prediction, truth)
