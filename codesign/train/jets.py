"""Quantisation-aware training of the jet networks of constituents with cross-entropy.

Two stages, each with its own optimiser and a cosine-falling learning rate:
1. `float`: no quantisers; its values then choose the formats and calibrate the quantisers;
2. `qat`: quantisers in place. The epoch with the fewest wrong validation jets is the best.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from codesign.data.jet_files import Jets, generated_constituents, load_constituents, split
from codesign.errors import BadInputError
from codesign.files import sha256_of
from codesign.models.jet_layers import Architecture
from codesign.models.jet_networks import JetModel, family, quantised_model, scores, with_normalisation
from codesign.train import loop
from codesign.train.two_stages import TwoStageOptions

# One split for all seeds, so that models trained from different seeds can be compared on the same rows.
SPLIT_SEED = 0
CALIBRATION_JETS = 4000


@dataclass(frozen=True, kw_only=True)
class JetsOptions(TwoStageOptions):
    """Which network of jet constituents to train, on which jets, for how long; the rest stands at `TwoStageOptions`."""

    architecture: Architecture
    batch_size: int = 256
    float_epochs: int = 20
    qat_epochs: int = 20
    learning_rate: float = 5e-3
    qat_learning_rate: float = 3e-3


def train_jets(options: JetsOptions) -> loop.TrainResult:
    """Train; see `loop.train`. Raises `BadInputError` for data or options that cannot be used."""
    with loop.one_thread():
        facts = loop.facts_of(options, None if options.data is None else sha256_of(options.data))
        training, validation = _jets(options)
        floating = replace(options.architecture, quantised=False, formats={})
        normalised = with_normalisation(JetModel(floating), training.features).normalise(training.features)
        inputs = torch.tensor(normalised, dtype=torch.float32)
        task = loop.Task(
            family=family(options.architecture.network),
            stages=options.stages(floating, options.architecture),
            rows=loop.Rows(inputs, torch.tensor(training.labels)),
            facts=facts,
            fresh=lambda: with_normalisation(JetModel(floating), training.features),
            convert=lambda model, wanted: quantised_model(model, wanted, inputs[:CALIBRATION_JETS]),
            loss=lambda _: nn.CrossEntropyLoss(),
            validate=lambda model: wrong_fraction(model, validation),
            figure="fraction of wrong validation jets",
        )
        return loop.train(task, options)


def wrong_fraction(model: JetModel, jets: Jets) -> float:
    """Return the fraction of `jets` whose largest score is not that of their class."""
    predicted = scores(model, model.normalise(jets.features)).argmax(axis=1)
    return float(np.mean(predicted != jets.labels))


def _jets(options: JetsOptions) -> tuple[Jets, Jets]:
    """Jets to train on and to validate on."""
    count = options.architecture.constituents
    if options.data is None:
        jets = generated_constituents(options.events, options.seed, count)
    else:
        jets = load_constituents(options.data, count)
    training, validation = split(jets, options.validation_fraction, SPLIT_SEED)
    if len(training.labels) < options.batch_size or len(validation.labels) == 0:
        raise BadInputError(
            f"{len(training.labels)} jets to train on and {len(validation.labels)} to validate on are too few "
            f"for batches of {options.batch_size}; give more data or a smaller batch_size"
        )
    return training, validation
