"""Quantisation-aware training of the jet tagger with cross-entropy.

Two stages, each with its own optimiser and a cosine-falling learning rate:
1. `float`: no quantisers; its activations then calibrate the quantisers;
2. `qat`: quantisers in place. The epoch with the fewest wrong validation jets is the best.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from codesign.data.jet_files import Jets, generated_jets, load_jets, split
from codesign.errors import BadInputError
from codesign.files import sha256_of
from codesign.models.jet_tagger import FAMILY, Architecture, JetTagger, quantised_model, scores, with_normalisation
from codesign.train import loop
from codesign.train.two_stages import TwoStageOptions

# One split for all seeds, so that models trained from different seeds can be compared on the same rows.
SPLIT_SEED = 0


@dataclass(frozen=True, kw_only=True)
class JetTaggerOptions(TwoStageOptions):
    """Which tagger to train, on which jets, for how long; the rest stands at `TwoStageOptions`."""

    architecture: Architecture = field(default_factory=Architecture)
    batch_size: int = 128
    float_epochs: int = 15
    qat_epochs: int = 30
    learning_rate: float = 3e-3
    qat_learning_rate: float = 2e-3


def train_jet_tagger(options: JetTaggerOptions) -> loop.TrainResult:
    """Train; see `loop.train`. Raises `BadInputError` for data or options that cannot be used."""
    with loop.one_thread():
        facts = loop.facts_of(options, None if options.data is None else sha256_of(options.data))
        training, validation = _jets(options)
        floating = replace(options.architecture, quantised=False)
        normalised = with_normalisation(JetTagger(floating), training.features).normalise(training.features)
        inputs = torch.tensor(normalised, dtype=torch.float32)
        task = loop.Task(
            family=FAMILY,
            stages=options.stages(floating, options.architecture),
            rows=loop.Rows(inputs, torch.tensor(training.labels)),
            facts=facts,
            fresh=lambda: with_normalisation(JetTagger(floating), training.features),
            convert=lambda model, architecture: quantised_model(model, architecture, inputs),
            loss=lambda _: nn.CrossEntropyLoss(),
            validate=lambda model: wrong_fraction(model, validation),
            figure="fraction of wrong validation jets",
        )
        return loop.train(task, options)


def wrong_fraction(model: JetTagger, jets: Jets) -> float:
    """Return the fraction of `jets` whose largest score is not that of their class."""
    predicted = scores(model, model.normalise(jets.features)).argmax(axis=1)
    return float(np.mean(predicted != jets.labels))


def _jets(options: JetTaggerOptions) -> tuple[Jets, Jets]:
    """Jets to train on and to validate on."""
    jets = generated_jets(options.events, options.seed) if options.data is None else load_jets(options.data)
    training, validation = split(jets, options.validation_fraction, SPLIT_SEED)
    if len(training.labels) < options.batch_size or len(validation.labels) == 0:
        raise BadInputError(
            f"{len(training.labels)} jets to train on and {len(validation.labels)} to validate on are too few "
            f"for batches of {options.batch_size}; give more data or a smaller batch_size"
        )
    return training, validation
