"""The commands `codesign train ...`; what is slow to load is imported inside of them."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from codesign.answer import Answer
from codesign.cli_options import NEW_FOLDER, answering, data_option, quiet_option, rounding_option


@click.group()
def train() -> None:
    """Train a model with quantisation in the loop."""


def train_command(name: str, *options: Callable[[Any], Any]) -> Callable[[Callable[..., Answer]], None]:
    """Make a command of a function; the options of every training come with `options`, its answer is printed."""

    def register(step: Callable[..., Answer]) -> None:
        @functools.wraps(step)
        def call(*, quiet: bool, **given: Any) -> Answer:
            return step(progress=not quiet, **given)

        decorated: Any = answering(call)
        for option in reversed((_TRAIN_OUTPUT, data_option, *options, *_TRAIN)):
            decorated = option(decorated)
        train.command(name)(decorated)

    return register


def _answer(result: Any, figure: str, value: float) -> Answer:
    """Say which epoch was best by its `figure` of merit, and where its checkpoint lies."""
    record = {"epoch": result.best_epoch, "figure": figure, "value": value, "checkpoint": str(result.best)}
    return Answer(f"epoch {result.best_epoch}: {figure} {value:.4f}\n{result.best}", record)


def _number_option(name: str, default: float, text: str | None = None) -> Callable[[Any], Any]:
    return click.option(name, type=type(default), default=default, show_default=True, help=text)


_TRAIN_OUTPUT = click.option(
    "--output", type=NEW_FOLDER, default=Path("runs/train"), show_default=True, help="For the checkpoints."
)
_TRAIN = (
    _number_option("--seed", 0),
    click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the output folder."),
    quiet_option,
)


@train_command(
    "econt",
    rounding_option,
    _number_option("--events", 20_000, "Images, of the embedded generator."),
    _number_option("--float-epochs", 30, "Epochs before quantisation."),
    _number_option("--qat-epochs", 10, "Epochs with the telescope loss."),
    _number_option("--emd-epochs", 40, "Epochs with the energy mover's distance."),
    _number_option("--batch-size", 64),
    _number_option("--weight-bits", 6, "2 to 16."),
    _number_option("--latent-bits", 9, "2 to 16."),
    _number_option("--test-fraction", 0.0, "Distinct rows to leave out."),
)
def train_econt_command(*, weight_bits: int, latent_bits: int, **given: Any) -> Answer:
    """Train the ECON-T encoder and decoder; the best checkpoint is a model for `run econt --model`."""
    from codesign.models.econt import Architecture
    from codesign.train.econt import EcontOptions, train_econt

    architecture = Architecture(weight_bits=weight_bits, latent_bits=latent_bits)
    result = train_econt(EcontOptions(architecture=architecture, **given))
    return _answer(result, "mean validation EMD", result.validation)


@train_command(
    "jet_tagger",
    _number_option("--events", 40_000, "Jets, of the embedded generator."),
    _number_option("--float-epochs", 15, "Epochs before quantisation."),
    _number_option("--qat-epochs", 30, "Epochs with quantisers."),
    _number_option("--batch-size", 128),
    _number_option("--weight-bits", 6, "2 to 16."),
    _number_option("--activation-bits", 6, "2 to 16."),
)
def train_jet_tagger_command(*, weight_bits: int, activation_bits: int, **given: Any) -> Answer:
    """Train the jet tagger; the best checkpoint is a model for `run jet_tagger --model`."""
    from codesign.models.jet_tagger import Architecture
    from codesign.train.jet_tagger import JetTaggerOptions, train_jet_tagger

    architecture = Architecture(weight_bits=weight_bits, activation_bits=activation_bits)
    result = train_jet_tagger(JetTaggerOptions(architecture=architecture, **given))
    return _answer(result, "validation accuracy", 1.0 - result.validation)


@train_command(
    "interaction_network",
    _number_option("--events", 2000, "Sector graphs, of the embedded generator."),
    _number_option("--float-epochs", 40, "Epochs before quantisation."),
    _number_option("--qat-epochs", 40, "Epochs with quantisers."),
    _number_option("--batch-size", 16),
    _number_option("--hidden", 8, "Hidden units of each layer."),
    _number_option("--bits", 7, "Of weights, activations and values, 2 to 16; 0: no quantisers at all."),
    _number_option("--test-fraction", 0.0, "Graphs to leave out."),
)
def train_interaction_network_command(*, hidden: int, bits: int, **given: Any) -> Answer:
    """Train the interaction network; the best checkpoint is a model for `run interaction_network... --model`."""
    from codesign.train.interaction_network import InteractionNetworkOptions, architecture, train_interaction_network

    options = InteractionNetworkOptions(architecture=architecture(hidden, bits or None), **given)
    result = train_interaction_network(options)
    return _answer(result, "validation AUC", 1.0 - result.validation)


def _jets_command(network: str, title: str) -> None:
    """Add the command that trains a network of jet constituents; `title` names it."""

    def step(*, constituents: int, weight_bits: int, activation_bits: int, **given: Any) -> Answer:
        from codesign.models.jet_layers import Architecture
        from codesign.train.jets import JetsOptions, train_jets

        architecture = Architecture(network, constituents, weight_bits, activation_bits)
        result = train_jets(JetsOptions(architecture=architecture, **given))
        return _answer(result, "validation accuracy", 1.0 - result.validation)

    name = f"{network}_jets"
    step.__doc__ = f"Train {title} of jet constituents; the best checkpoint is a model for `run {name} --model`."
    train_command(
        name,
        _number_option("--constituents", 8, "8 or 16."),
        _number_option("--events", 40_000, "Jets, of the embedded generator."),
        _number_option("--float-epochs", 20, "Epochs before quantisation."),
        _number_option("--qat-epochs", 20, "Epochs with quantisers."),
        _number_option("--batch-size", 256),
        _number_option("--weight-bits", 8, "2 to 16."),
        _number_option("--activation-bits", 8, "2 to 16."),
    )(step)


_jets_command("deep_sets", "Deep Sets")
_jets_command("interaction_network", "the all-to-all interaction network")
_jets_command("garnet", "GarNet")
