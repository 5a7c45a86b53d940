"""Quantisation-aware training of the ECON-T autoencoder with the telescope loss.

Three stages, each with its own optimiser and a cosine-falling learning rate:
1. `float`: no quantisers, telescope loss; its activations then calibrate the quantisers;
2. `qat`: quantisers in place, telescope loss;
3. `emd`: quantisers in place, telescope loss plus the exact energy mover's distance, the figure of merit.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.data.geometry import HEX_METRIC
from codesign.data.load import data_file, load_charges, split_distinct
from codesign.data.shower import generate
from codesign.errors import BadInputError
from codesign.files import sha256_of
from codesign.metrics import emd_shape
from codesign.models.econt import FAMILY, Architecture, AutoEncoder, quantised_model, reconstruct
from codesign.models.emd_loss import EmdLoss
from codesign.models.normalise import normalise
from codesign.models.telescope import TelescopeLoss
from codesign.options import Rounding
from codesign.train import loop

# One split for all seeds, so that models trained from different seeds can be compared on the same rows.
SPLIT_SEED = 0


@dataclass(frozen=True, kw_only=True)
class EcontOptions(loop.LoopOptions):
    """What to train, on what, for how long; `BadInputError` for a value out of range.

    `data=None` trains on `events` images of the embedded generator; `rounding` says how floating codes are read.
    `test_fraction` of the distinct rows, the same for every seed, are left out altogether (`held_out_rows`).
    Learning rates are the highest of each stage.
    """

    data: Path | None = None
    rounding: Rounding | None = None
    events: int = 20_000
    architecture: Architecture = field(default_factory=Architecture)
    float_epochs: int = 30
    qat_epochs: int = 10
    emd_epochs: int = 40
    learning_rate: float = 5e-3
    qat_learning_rate: float = 2e-3
    emd_learning_rate: float = 1.5e-2
    test_fraction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        loop.check_whole("events", self.events, 20)
        for name in ("float_epochs", "qat_epochs", "emd_epochs"):
            loop.check_whole(name, getattr(self, name), 0)
        for name in ("learning_rate", "qat_learning_rate", "emd_learning_rate"):
            loop.check_range(name, getattr(self, name), 1.0)
        if self.test_fraction != 0:
            loop.check_range("test_fraction", self.test_fraction, 0.9)
        if self.qat_epochs + self.emd_epochs == 0:
            raise BadInputError("qat_epochs and emd_epochs are both 0: one of them must train the final model")

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return self.float_epochs + self.qat_epochs + self.emd_epochs


def train_econt(options: EcontOptions) -> loop.TrainResult:
    """Train; see `loop.train`. Raises `BadInputError` for data or options that cannot be used."""
    with loop.one_thread():
        facts = loop.facts_of(options, None if options.data is None else sha256_of(data_file(options.data)))
        images, validation = _rows(options)
        floating = replace(options.architecture, quantised=False)
        task = loop.Task(
            family=FAMILY,
            stages=loop.stages(
                ("float", options.float_epochs, options.learning_rate, floating, False),
                ("qat", options.qat_epochs, options.qat_learning_rate, options.architecture, True),
                ("emd", options.emd_epochs, options.emd_learning_rate, options.architecture, True),
            ),
            rows=loop.Rows(images, images),
            facts=facts,
            fresh=lambda: AutoEncoder(floating),
            convert=lambda model, architecture: quantised_model(model, architecture, images),
            loss=lambda stage: _TelescopeAndEmd() if stage.name == "emd" else TelescopeLoss(),
            validate=lambda model: _mean_distance(model, validation),
            figure="validation EMD",
        )
        return loop.train(task, options)


class _TelescopeAndEmd(nn.Module):
    """The distance ignores the energy of an image; the telescope term holds it in place."""

    def __init__(self) -> None:
        super().__init__()
        self.telescope, self.emd = TelescopeLoss(), EmdLoss()

    def forward(self, prediction: Tensor, truth: Tensor) -> Tensor:
        total: Tensor = self.telescope(prediction, truth) + self.emd(prediction, truth)
        return total


def _mean_distance(model: AutoEncoder, charges: NDArray[np.int64]) -> float:
    return float(np.mean(emd_shape(charges, reconstruct(model, charges), HEX_METRIC)))


def _rows(options: EcontOptions) -> tuple[Tensor, NDArray[np.int64]]:
    """Training images (rows, 1, 8, 8) and validation charges (rows, 48)."""
    charges = (
        generate(options.events, options.seed)
        if options.data is None
        else load_charges(options.data, rounding=options.rounding)
    )
    charges = charges[split_distinct(charges, options.test_fraction, SPLIT_SEED)[0]]
    charges = charges[charges.sum(axis=1) > 0]
    training, validation = split_distinct(charges, options.validation_fraction, SPLIT_SEED)
    if len(training) < options.batch_size or len(validation) == 0:
        raise BadInputError(
            f"{len(training)} distinct rows to train on and {len(validation)} to validate on are too few "
            f"for batches of {options.batch_size}; give more data or a smaller batch_size"
        )
    return torch.tensor(normalise(charges[training]), dtype=torch.float32), charges[validation]


def held_out_rows(charges: NDArray[np.int64], test_fraction: float) -> NDArray[np.int64]:
    """Return the numbers of the distinct rows of `charges` (rows, 48) that training with `test_fraction` leaves out."""
    return split_distinct(charges, test_fraction, SPLIT_SEED)[1]
