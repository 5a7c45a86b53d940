"""The training loop that all models share: stages, checkpoints, an exact resume, progress.

A model's own file says what is trained on what (`Task`); everything that makes a run repeatable is here.
"""

import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.files import write_json
from codesign.models.checkpoint import Family, M, read_checkpoint, save_checkpoint

BEST_NAME = "best.safetensors"
LAST_NAME = "last.safetensors"
FACTS_NAME = "train.json"


@dataclass(frozen=True, kw_only=True)
class LoopOptions:
    """What every training takes; `BadInputError` for a value out of range.

    `validation_fraction` of the rows choose the best epoch and are never trained on; every `validate_every`-th epoch
    and the last of a stage are validated. `resume` goes on from `output`/last.safetensors, which must have been
    written with the same options.
    """

    output: Path
    batch_size: int = 64
    validation_fraction: float = 0.1
    validate_every: int = 5
    seed: int = 0
    resume: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        for name, low in (("batch_size", 1), ("validate_every", 1), ("seed", 0)):
            check_whole(name, getattr(self, name), low)
        check_range("validation_fraction", self.validation_fraction, 0.9)


def check_whole(name: str, value: Any, low: int) -> None:
    """Raise `BadInputError` unless `value` is a whole number from `low`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise BadInputError(f"{name} must be a whole number from {low}, got {value!r}")


def check_range(name: str, value: Any, high: float) -> None:
    """Raise `BadInputError` unless `value` is above 0 and at most `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
        raise BadInputError(f"{name} must be above 0 and at most {high:g}, got {value!r}")


@dataclass(frozen=True)
class Stage:
    """Epochs with one optimiser, one cosine-falling learning rate and one architecture.

    `is_final`: the architecture is that of the final model, so its epochs are validated.
    """

    name: str
    first: int
    epochs: int
    learning_rate: float
    architecture: Any
    is_final: bool


@dataclass(frozen=True)
class Batch:
    """What one step reads: arguments of the model, and what the loss compares its outputs with."""

    inputs: tuple[Tensor, ...]
    targets: Tensor


class Samples(Protocol):
    """What is trained on, as many events as `len` says."""

    def __len__(self) -> int:
        """Return the number of events."""
        ...

    def batch(self, events: NDArray[np.int64]) -> Batch:
        """Return the events with these numbers."""
        ...


@dataclass(frozen=True)
class Rows:
    """Events of one shape: model inputs and targets, row by row."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, events: NDArray[np.int64]) -> Batch:
        """Return the rows `events`."""
        rows = torch.tensor(events)
        return Batch((self.inputs[rows],), self.targets[rows])


@dataclass(frozen=True)
class Task(Generic[M]):
    """What one model gives to the loop.

    `fresh` makes the untrained model; `convert` turns a model into one of a stage's architecture; `outputs` is called
    with the model and the inputs of a batch, `loss` with (outputs, targets); `validate` gives the figure of merit,
    named `figure`: lower is better. `facts` (JSON) are what a resumed run must have in common with the run it
    continues.
    """

    family: Family[M]
    stages: tuple[Stage, ...]
    rows: Samples
    facts: Mapping[str, Any]
    fresh: Callable[[], M]
    convert: Callable[[M, Any], M]
    loss: Callable[[Stage], nn.Module]
    validate: Callable[[M], float]
    figure: str
    outputs: Callable[..., Tensor] = operator.call


@dataclass(frozen=True)
class Epoch:
    """One epoch: the mean training loss and, where it was measured, the figure of merit of the validation rows."""

    epoch: int
    stage: str
    loss: float
    validation: float | None


@dataclass(frozen=True)
class TrainResult:
    """The best checkpoint (for the flow), the last (for resuming), and how it went."""

    best: Path
    last: Path
    best_epoch: int
    validation: float
    history: tuple[Epoch, ...]


@dataclass(frozen=True)
class _State(Generic[M]):
    """Where a run stands after some epochs: exactly what the last checkpoint holds."""

    model: M
    optimiser: torch.optim.Optimizer | None
    history: tuple[Epoch, ...]
    best: Epoch | None


def stages(*plan: tuple[str, int, float, Any, bool]) -> tuple[Stage, ...]:
    """Return stages that follow each other: (name, epochs, learning rate, architecture, is final) each."""
    found, first = [], 0
    for name, epochs, rate, architecture, is_final in plan:
        found.append(Stage(name, first, epochs, rate, architecture, is_final))
        first += epochs
    return tuple(found)


def facts_of(options: LoopOptions, data_sha256: str | None) -> dict[str, Any]:
    """Return what a resumed run must have in common with the run it continues: all options that change numbers."""
    left_out = ("output", "data", "resume", "progress")
    same = {name: value for name, value in asdict(options).items() if name not in left_out}
    # As a file gives it back: JSON has lists, no tuples.
    return {"options": json.loads(json.dumps(same)), "data_sha256": data_sha256}


def train(task: Task[M], options: LoopOptions) -> TrainResult:
    """Train, writing `best.safetensors`, `last.safetensors` and `train.json` to `options.output` as it goes.

    Every random choice follows from the seed and the epoch number, so a run that was killed and resumed ends in the
    same bits as one that was not. Raises `BadInputError` when the loss is no longer finite; `KeyboardInterrupt` passes
    through and leaves the checkpoints of the last whole epoch.
    """
    state = _resumed(task, options) if options.resume else _State(_fresh(task, options), None, (), None)
    total = sum(stage.epochs for stage in task.stages)
    with _progress(options) as progress:
        shown = progress.add_task("training", total=total, completed=len(state.history))
        for epoch in range(len(state.history), total):
            state = _trained(state, epoch, task, options)
            _save(state, task, options)
            progress.update(shown, advance=1, description=_describe(state, task.figure))
    return _result(state, options)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread: faster for models this small, and the order of additions no longer depends on the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _progress(options: LoopOptions) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
    )
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), disable=not options.progress)


def _describe(state: _State[M], figure: str) -> str:
    last = state.history[-1]
    best = "" if state.best is None else f", best {figure} {state.best.validation:.4f}"
    return f"{last.stage}: loss {last.loss:.5f}{best}"


def _fresh(task: Task[M], options: LoopOptions) -> M:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        return task.fresh()


def _stage_of(epoch: int, task: Task[M]) -> Stage:
    return next(stage for stage in task.stages if stage.first <= epoch < stage.first + stage.epochs)


def _trained(state: _State[M], epoch: int, task: Task[M], options: LoopOptions) -> _State[M]:
    """Return the state after one more epoch."""
    stage = _stage_of(epoch, task)
    model, optimiser = _staged(state, stage, epoch, task)
    criterion = task.loss(stage)
    loss = _train_epoch(
        model,
        optimiser,
        lambda batch: criterion(task.outputs(model, *batch.inputs), batch.targets),
        _steps(task.rows, stage, epoch, options),
    )
    if not math.isfinite(loss):
        raise BadInputError(f"the loss is not finite in epoch {epoch}: lower the learning rate of stage {stage.name}")
    done = Epoch(epoch, stage.name, loss, _validation(model, stage, epoch, task, options))
    return _State(model, optimiser, (*state.history, done), _better(state.best, done))


def _staged(state: _State[M], stage: Stage, epoch: int, task: Task[M]) -> tuple[M, torch.optim.Optimizer]:
    """Return model and optimiser for `epoch`: those of the state, or new ones at the start of a stage."""
    if epoch > stage.first and state.optimiser is not None:
        return state.model, state.optimiser
    model = state.model
    if model.architecture != stage.architecture:
        model = task.convert(model, stage.architecture)
    return model, _optimiser(model, stage)


def _optimiser(model: nn.Module, stage: Stage) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=stage.learning_rate, fused=True)


def _train_epoch(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss: Callable[[Batch], Any],
    steps: Sequence[tuple[float, Batch]],
) -> float:
    """Take one optimiser step for each (learning rate, batch); return the mean loss."""
    model.train()
    total = 0.0
    for rate, batch in steps:
        for group in optimiser.param_groups:
            group["lr"] = rate
        value = loss(batch)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        total += float(value.detach())
    model.eval()
    return total / len(steps)


def _steps(rows: Samples, stage: Stage, epoch: int, options: LoopOptions) -> list[tuple[float, Batch]]:
    """Learning rate and shuffled events of each batch; the order depends on seed and epoch alone.

    The last events that do not fill a batch are left out of this epoch.
    """
    order = np.random.default_rng([options.seed, epoch]).permutation(len(rows))
    count = len(order) // options.batch_size
    batches = np.split(order[: count * options.batch_size], count)
    done = [(epoch - stage.first + index / count) / stage.epochs for index in range(count)]
    rates = [stage.learning_rate * 0.5 * (1.0 + math.cos(math.pi * part)) for part in done]
    return [(rate, rows.batch(batch)) for rate, batch in zip(rates, batches, strict=True)]


def _validation(model: M, stage: Stage, epoch: int, task: Task[M], options: LoopOptions) -> float | None:
    """Figure of merit of every `validate_every`-th and last epoch of the stages that train the final model."""
    done = epoch - stage.first + 1
    if not stage.is_final or (done % options.validate_every and done < stage.epochs):
        return None
    return task.validate(model)


def _better(best: Epoch | None, done: Epoch) -> Epoch | None:
    if done.validation is None:
        return best
    if best is None or best.validation is None or done.validation < best.validation:
        return done
    return best


def _save(state: _State[M], task: Task[M], options: LoopOptions) -> None:
    """Write the best before the last: a run killed in between repeats the epoch and writes the same best again."""
    best = None if state.best is None else asdict(state.best)
    facts = dict(task.facts)
    record = facts | {"history": [asdict(epoch) for epoch in state.history], "best": best, "optimiser": "Adam"}
    if state.best is not None and state.best == state.history[-1]:
        save_checkpoint(options.output / BEST_NAME, task.family, state.model, facts | {"best": best})
    save_checkpoint(options.output / LAST_NAME, task.family, state.model, record, _optimiser_tensors(state))
    write_json(options.output / FACTS_NAME, record)


def _optimiser_tensors(state: _State[M]) -> dict[str, Tensor]:
    if state.optimiser is None:
        return {}
    entries = state.optimiser.state_dict()["state"].items()
    return {f"optimiser.{index}.{name}": value.clone() for index, entry in entries for name, value in entry.items()}


def _resumed(task: Task[M], options: LoopOptions) -> _State[M]:
    path = options.output / LAST_NAME
    model, record, tensors = read_checkpoint(path, task.family)
    _check_same(task.facts, record, path)
    history = tuple(Epoch(**epoch) for epoch in record["history"])
    best = None if record["best"] is None else Epoch(**record["best"])
    stage = _stage_of(len(history) - 1, task)
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


def _result(state: _State[M], options: LoopOptions) -> TrainResult:
    best = state.best
    if best is None or best.validation is None:
        raise BadInputError(f"{options.output} holds no validated epoch")
    return TrainResult(
        options.output / BEST_NAME, options.output / LAST_NAME, best.epoch, best.validation, state.history
    )
