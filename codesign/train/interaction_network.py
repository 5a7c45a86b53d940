"""Quantisation-aware training of the interaction network with binary cross-entropy on edges.

Two stages, each with its own optimiser and a cosine-falling learning rate:
1. `float`: no quantisers; its values then choose the formats and calibrate the quantisers;
2. `qat`: quantisers in place, or none for the float model that quantised ones are compared with. The epoch with the
   largest area under the ROC curve of the validation edges is the best.

A batch is the disjoint union of its graphs. The loss reads logits: a quantised score of 0 or 1 has no finite logarithm.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.data.tracking import SectorGraphs, generated_graphs, load_graphs, split
from codesign.errors import BadInputError
from codesign.files import sha256_of
from codesign.models.interaction_network import (
    FAMILY,
    Architecture,
    InteractionNetwork,
    quantised_model,
    scores,
    union,
)
from codesign.tracking_metrics import edge_auc
from codesign.train import loop
from codesign.train.two_stages import TwoStageOptions

Reals = NDArray[np.float64]
# One split for all seeds, so that models trained from different seeds can be compared on the same graphs.
SPLIT_SEED = 2
# Bring most of each column of sector graphs into -1..1.
NODE_SHIFT = (2, 0, 0)
EDGE_SHIFT = (2, 3, 1, 1)


def architecture(hidden: int = 8, bits: int | None = 7) -> Architecture:
    """Return the architecture that is trained: `bits` bits for weights, activations and values; None: no quantiser.

    Formats of values are left open; `codesign.models.interaction_network.quantised_model` chooses them.
    """
    blank = Architecture(hidden, node_shift=NODE_SHIFT, edge_shift=EDGE_SHIFT, quantised=False)
    return blank if bits is None else replace(blank, weight_bits=bits, activation_bits=bits, quantised=True)


@dataclass(frozen=True, kw_only=True)
class InteractionNetworkOptions(TwoStageOptions):
    """Which network to train, on which sector graphs, for how long; the rest stands at `TwoStageOptions`.

    `test_fraction` of the graphs, the same for every seed, are left out altogether (`held_out_graphs`).
    """

    events: int = 2000
    architecture: Architecture = field(default_factory=architecture)
    batch_size: int = 16
    float_epochs: int = 40
    qat_epochs: int = 40
    learning_rate: float = 1e-2
    qat_learning_rate: float = 5e-3
    test_fraction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test_fraction != 0:
            loop.check_range("test_fraction", self.test_fraction, 0.9)


@dataclass(frozen=True, eq=False)
class _Unions:
    """Graphs to train on; a batch is their disjoint union."""

    model: InteractionNetwork
    graphs: SectorGraphs

    def __len__(self) -> int:
        return len(self.graphs)

    def batch(self, events: NDArray[np.int64]) -> loop.Batch:
        chosen = self.graphs.take(events)
        return loop.Batch(union(self.model, chosen), torch.tensor(chosen.y, dtype=torch.float32)[:, None])


def train_interaction_network(options: InteractionNetworkOptions) -> loop.TrainResult:
    """Train; see `loop.train`. Raises `BadInputError` for data or options that cannot be used."""
    with loop.one_thread():
        facts = loop.facts_of(options, None if options.data is None else sha256_of(options.data))
        training, validation = _graphs(options)
        floating = replace(options.architecture, quantised=False, formats={})
        blank = InteractionNetwork(floating)
        everything = union(blank, training)
        task = loop.Task(
            family=FAMILY,
            stages=options.stages(floating, options.architecture),
            rows=_Unions(blank, training),
            facts=facts,
            fresh=lambda: InteractionNetwork(floating),
            convert=lambda model, wanted: quantised_model(model, wanted, everything),
            loss=lambda _: nn.BCEWithLogitsLoss(),
            validate=lambda model: 1.0 - edge_auc(scores(model, validation), validation.y).value,
            figure="1 - validation AUC",
            outputs=_logits,
        )
        return loop.train(task, options)


def _logits(model: InteractionNetwork, *graph: Tensor) -> Tensor:
    x, edge_attr, sender, receiver = graph
    return model.logits(x, edge_attr, sender, receiver)


def _graphs(options: InteractionNetworkOptions) -> tuple[SectorGraphs, SectorGraphs]:
    """Graphs to train on and to validate on."""
    graphs = generated_graphs(options.events, options.seed) if options.data is None else load_graphs(options.data)
    training, validation = split(
        held_out_graphs(graphs, options.test_fraction)[0], options.validation_fraction, SPLIT_SEED
    )
    if len(training) < options.batch_size or len(set(validation.y)) < 2:
        raise BadInputError(
            f"{len(training)} graphs to train on and {len(validation)} to validate on are too few for batches of "
            f"{options.batch_size} and an area under the curve; give more data or a smaller batch_size"
        )
    return training, validation


def held_out_graphs(graphs: SectorGraphs, test_fraction: float) -> tuple[SectorGraphs, SectorGraphs]:
    """Return what training with `test_fraction` may read, and the graphs that it leaves out."""
    return split(graphs, test_fraction, SPLIT_SEED)
