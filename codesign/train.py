"""Quantisation-aware training of the ECON-T autoencoder with the telescope loss; an interrupted run can go on exactly.

Three stages, each with its own optimiser and a cosine-falling learning rate:
1. `float`: no quantisers, telescope loss; its activations then calibrate the quantisers;
2. `qat`: quantisers in place, telescope loss;
3. `emd`: quantisers in place, telescope loss plus the exact energy mover's distance, the figure of merit.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

from codesign.data.geometry import HEX_METRIC
from codesign.data.load import data_file, load_charges, split_distinct
from codesign.data.shower import generate
from codesign.errors import BadInputError
from codesign.files import sha256_of, write_json
from codesign.metrics import emd_shape
from codesign.models.checkpoint import read_checkpoint, save_checkpoint
from codesign.models.econt import Architecture, AutoEncoder, quantised_model, reconstruct
from codesign.models.emd_loss import EmdLoss
from codesign.models.normalise import normalise
from codesign.models.telescope import TelescopeLoss
from codesign.options import Rounding

StageName = Literal["float", "qat", "emd"]
BEST_NAME = "best.safetensors"
LAST_NAME = "last.safetensors"
FACTS_NAME = "train.json"
# One split for all seeds, so that models trained from different seeds can be compared on the same rows.
SPLIT_SEED = 0


@dataclass(frozen=True)
class TrainOptions:
    """What to train, on what, for how long; `BadInputError` for a value out of range.

    `data=None` trains on `events` images of the embedded generator; `rounding` says how floating codes are read.
    `test_fraction` of the distinct rows, the same for every seed, are left out altogether (`held_out_rows`);
    `validation_fraction` of the rest choose the best epoch and are never trained on. Learning rates are the highest
    of each stage. `resume` goes on from `output`/last.safetensors, which must have been written with the same
    options.
    """

    output: Path
    data: Path | None = None
    rounding: Rounding | None = None
    events: int = 20_000
    architecture: Architecture = field(default_factory=Architecture)
    float_epochs: int = 30
    qat_epochs: int = 10
    emd_epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 5e-3
    qat_learning_rate: float = 2e-3
    emd_learning_rate: float = 1.5e-2
    test_fraction: float = 0.0
    validation_fraction: float = 0.1
    validate_every: int = 5
    seed: int = 0
    resume: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        for name, low in (("events", 20), ("batch_size", 1), ("validate_every", 1), ("seed", 0)):
            _check_whole(name, getattr(self, name), low)
        for name in ("float_epochs", "qat_epochs", "emd_epochs"):
            _check_whole(name, getattr(self, name), 0)
        for name in ("learning_rate", "qat_learning_rate", "emd_learning_rate"):
            _check_range(name, getattr(self, name), 1.0)
        _check_range("validation_fraction", self.validation_fraction, 0.9)
        if self.test_fraction != 0:
            _check_range("test_fraction", self.test_fraction, 0.9)
        if self.qat_epochs + self.emd_epochs == 0:
            raise BadInputError("qat_epochs and emd_epochs are both 0: one of them must train the final model")

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return self.float_epochs + self.qat_epochs + self.emd_epochs


def _check_whole(name: str, value: Any, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise BadInputError(f"{name} must be a whole number from {low}, got {value!r}")


def _check_range(name: str, value: Any, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
        raise BadInputError(f"{name} must be above 0 and at most {high:g}, got {value!r}")


@dataclass(frozen=True)
class Epoch:
    """One epoch: the mean training loss and, where it was measured, the mean `emd_shape` of the validation rows."""

    epoch: int
    stage: StageName
    loss: float
    validation_emd: float | None


@dataclass(frozen=True)
class TrainResult:
    """The best checkpoint (for the flow), the last (for resuming), and how it went."""

    best: Path
    last: Path
    best_epoch: int
    validation_emd: float
    history: tuple[Epoch, ...]


@dataclass(frozen=True)
class _Stage:
    name: StageName
    first: int
    epochs: int
    learning_rate: float
    architecture: Architecture


@dataclass(frozen=True)
class _Rows:
    """Training images (rows, 1, 8, 8) and validation charges (rows, 48)."""

    images: Tensor
    validation: NDArray[Any]


@dataclass(frozen=True)
class _State:
    """Where a run stands after some epochs: exactly what the last checkpoint holds."""

    model: AutoEncoder
    optimiser: torch.optim.Optimizer | None
    history: tuple[Epoch, ...]
    best: Epoch | None


def train_econt(options: TrainOptions) -> TrainResult:
    """Train, writing `best.safetensors`, `last.safetensors` and `train.json` to `options.output` as it goes.

    Every random choice follows from the seed and the epoch number, so a run that was killed and resumed ends in the
    same bits as one that was not. Raises `BadInputError` for data or options that cannot be used, or when the loss is
    no longer finite; `KeyboardInterrupt` passes through and leaves the checkpoints of the last whole epoch.
    """
    with _one_thread():
        facts = _facts(options)
        rows = _rows(options)
        state = _resumed(options, facts) if options.resume else _fresh(options)
        with _progress(options) as progress:
            task = progress.add_task("training", total=options.epochs, completed=len(state.history))
            for epoch in range(len(state.history), options.epochs):
                state = _trained(state, epoch, rows, options)
                _save(state, options, facts)
                progress.update(task, advance=1, description=_describe(state))
    return _result(state, options)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread: faster for a model this small, and the order of additions no longer depends on the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _progress(options: TrainOptions) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
    )
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), disable=not options.progress)


def _describe(state: _State) -> str:
    last = state.history[-1]
    best = "" if state.best is None else f", best validation EMD {state.best.validation_emd:.4f}"
    return f"{last.stage}: loss {last.loss:.5f}{best}"


def _rows(options: TrainOptions) -> _Rows:
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
    return _Rows(torch.tensor(normalise(charges[training]), dtype=torch.float32), charges[validation])


def held_out_rows(charges: NDArray[np.int64], test_fraction: float) -> NDArray[np.int64]:
    """Return the numbers of the distinct rows of `charges` (rows, 48) that training with `test_fraction` leaves out."""
    return split_distinct(charges, test_fraction, SPLIT_SEED)[1]


def _stages(options: TrainOptions) -> tuple[_Stage, ...]:
    plan: tuple[tuple[StageName, int, float, bool], ...] = (
        ("float", options.float_epochs, options.learning_rate, False),
        ("qat", options.qat_epochs, options.qat_learning_rate, True),
        ("emd", options.emd_epochs, options.emd_learning_rate, True),
    )
    stages, first = [], 0
    for name, epochs, rate, final in plan:
        architecture = options.architecture if final else replace(options.architecture, quantised=False)
        stages.append(_Stage(name, first, epochs, rate, architecture))
        first += epochs
    return tuple(stages)


def _stage_of(epoch: int, options: TrainOptions) -> _Stage:
    return next(stage for stage in _stages(options) if stage.first <= epoch < stage.first + stage.epochs)


def _fresh(options: TrainOptions) -> _State:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = AutoEncoder(replace(options.architecture, quantised=False))
    return _State(model, None, (), None)


def _trained(state: _State, epoch: int, rows: _Rows, options: TrainOptions) -> _State:
    """Return the state after one more epoch."""
    stage = _stage_of(epoch, options)
    model, optimiser = _staged(state, stage, epoch, rows)
    loss = _train_epoch(model, optimiser, _loss(stage), _steps(rows.images, stage, epoch, options))
    if not math.isfinite(loss):
        raise BadInputError(f"the loss is not finite in epoch {epoch}: lower the learning rate of stage {stage.name}")
    done = Epoch(epoch, stage.name, loss, _validate(model, stage, epoch, rows, options))
    return _State(model, optimiser, (*state.history, done), _better(state.best, done))


def _staged(state: _State, stage: _Stage, epoch: int, rows: _Rows) -> tuple[AutoEncoder, torch.optim.Optimizer]:
    """Return model and optimiser for `epoch`: those of the state, or new ones at the start of a stage."""
    if epoch > stage.first and state.optimiser is not None:
        return state.model, state.optimiser
    model = state.model
    if model.architecture != stage.architecture:
        model = quantised_model(model, stage.architecture, rows.images)
    return model, _optimiser(model, stage)


def _optimiser(model: AutoEncoder, stage: _Stage) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=stage.learning_rate, fused=True)


class _TelescopeAndEmd(nn.Module):
    """The distance ignores the energy of an image; the telescope term holds it in place."""

    def __init__(self) -> None:
        super().__init__()
        self.telescope, self.emd = TelescopeLoss(), EmdLoss()

    def forward(self, prediction: Tensor, truth: Tensor) -> Tensor:
        total: Tensor = self.telescope(prediction, truth) + self.emd(prediction, truth)
        return total


def _loss(stage: _Stage) -> nn.Module:
    return _TelescopeAndEmd() if stage.name == "emd" else TelescopeLoss()


def _train_epoch(
    model: AutoEncoder, optimiser: torch.optim.Optimizer, loss: nn.Module, steps: Sequence[tuple[float, Tensor]]
) -> float:
    """Take one optimiser step for each (learning rate, images); return the mean loss."""
    model.train()
    total = 0.0
    for rate, images in steps:
        for group in optimiser.param_groups:
            group["lr"] = rate
        value = loss(model(images), images)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        total += float(value.detach())
    model.eval()
    return total / len(steps)


def _steps(images: Tensor, stage: _Stage, epoch: int, options: TrainOptions) -> list[tuple[float, Tensor]]:
    """Learning rate and shuffled images of each batch; the order depends on seed and epoch alone.

    The last rows that do not fill a batch are left out of this epoch.
    """
    order = np.random.default_rng([options.seed, epoch]).permutation(len(images))
    count = len(images) // options.batch_size
    batches = np.split(order[: count * options.batch_size], count)
    done = [(epoch - stage.first + index / count) / stage.epochs for index in range(count)]
    rates = [stage.learning_rate * 0.5 * (1.0 + math.cos(math.pi * part)) for part in done]
    return [(rate, images[torch.tensor(batch)]) for rate, batch in zip(rates, batches, strict=True)]


def _validate(model: AutoEncoder, stage: _Stage, epoch: int, rows: _Rows, options: TrainOptions) -> float | None:
    """Mean validation distance of every `validate_every`-th and last epoch of the stages that train the final model."""
    done = epoch - stage.first + 1
    if stage.name == "float" or (done % options.validate_every and done < stage.epochs):
        return None
    return float(np.mean(emd_shape(rows.validation, reconstruct(model, rows.validation), HEX_METRIC)))


def _better(best: Epoch | None, done: Epoch) -> Epoch | None:
    if done.validation_emd is None:
        return best
    if best is None or best.validation_emd is None or done.validation_emd < best.validation_emd:
        return done
    return best


def _facts(options: TrainOptions) -> dict[str, Any]:
    """What a resumed run must have in common with the run it continues."""
    same = asdict(options)
    for name in ("output", "data", "resume", "progress"):
        del same[name]
    return {"options": same, "data_sha256": None if options.data is None else sha256_of(data_file(options.data))}


def _save(state: _State, options: TrainOptions, facts: Mapping[str, Any]) -> None:
    """Write the best before the last: a run killed in between repeats the epoch and writes the same best again."""
    record = dict(facts) | {
        "history": [asdict(epoch) for epoch in state.history],
        "best": None if state.best is None else asdict(state.best),
        "optimiser": "Adam",
    }
    if state.best is not None and state.best == state.history[-1]:
        save_checkpoint(options.output / BEST_NAME, state.model, dict(facts) | {"best": record["best"]})
    save_checkpoint(options.output / LAST_NAME, state.model, record, _optimiser_tensors(state))
    write_json(options.output / FACTS_NAME, record)


def _optimiser_tensors(state: _State) -> dict[str, Tensor]:
    if state.optimiser is None:
        return {}
    entries = state.optimiser.state_dict()["state"].items()
    return {f"optimiser.{index}.{name}": value.clone() for index, entry in entries for name, value in entry.items()}


def _resumed(options: TrainOptions, facts: Mapping[str, Any]) -> _State:
    path = options.output / LAST_NAME
    model, record, tensors = read_checkpoint(path)
    _check_same(facts, record, path)
    history = tuple(Epoch(**epoch) for epoch in record["history"])
    best = None if record["best"] is None else Epoch(**record["best"])
    stage = _stage_of(len(history) - 1, options)
    return _State(model, _restored(_optimiser(model, stage), tensors), history, best)


def _check_same(facts: Mapping[str, Any], record: Mapping[str, Any], path: Path) -> None:
    if "history" not in record:
        raise BadInputError(f"{path} holds no training state; resume from the {LAST_NAME} of a training run")
    if facts["data_sha256"] != record["data_sha256"]:
        raise BadInputError(f"{path} was trained on other data; resume with the same data file")
    for name, value in facts["options"].items():
        if record["options"].get(name) != value:
            raise BadInputError(f"{path} was trained with {name}={record['options'].get(name)}, not {value}")


def _restored(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> torch.optim.Optimizer:
    entries: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        _, index, part = name.split(".")
        entries.setdefault(int(index), {})[part] = value
    optimiser.load_state_dict({"state": entries, "param_groups": optimiser.state_dict()["param_groups"]})
    return optimiser


def _result(state: _State, options: TrainOptions) -> TrainResult:
    best = state.best
    if best is None or best.validation_emd is None:
        raise BadInputError(f"{options.output} holds no validated epoch")
    return TrainResult(
        options.output / BEST_NAME, options.output / LAST_NAME, best.epoch, best.validation_emd, state.history
    )
