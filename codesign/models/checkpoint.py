"""Checkpoints of trained models: safetensors whose metadata holds the architecture, so a path is enough."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.files import write_with
from codesign.models.state import load_state, refuse_pickle

METADATA_KEY = "codesign"
MODEL_PREFIX = "model."


class Model(nn.Module):
    """A module that a checkpoint can hold: `architecture`, a dataclass of JSON values, says how to rebuild it."""

    architecture: Any


M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Family(Generic[M]):
    """Models of one topology: `name` as in `codesign train NAME`; `build` makes one from its architecture's fields."""

    name: str
    build: Callable[[Mapping[str, Any]], M]

    @property
    def format(self) -> str:
        """What the metadata of a checkpoint must name."""
        return f"codesign-{self.name.replace('_', '-')}-1"


def save_checkpoint(
    path: Path, family: Family[M], model: M, facts: Mapping[str, Any], extra: Mapping[str, Tensor] | None = None
) -> Path:
    """Write `model` to `path`, whole or not at all.

    `facts` (JSON values) go into the metadata; `extra` tensors (optimiser state) beside the weights, under names that
    do not start with "model.".
    """
    record = {"format": family.format, "architecture": asdict(model.architecture), "facts": dict(facts)}
    # One entry only: safetensors writes several in an order that changes from run to run.
    metadata = {METADATA_KEY: json.dumps(record, sort_keys=True, allow_nan=False)}
    weights = {MODEL_PREFIX + name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    return write_with(path, lambda temporary: save_file(weights | dict(extra or {}), temporary, metadata))


def read_checkpoint(path: Path, family: Family[M]) -> tuple[M, dict[str, Any], dict[str, Tensor]]:
    """Return the model in evaluation mode, the facts and the extra tensors of a checkpoint.

    Raises `BadInputError` for a missing, damaged, pickled or foreign file, and for weights that do not fit.
    """
    refuse_pickle(path)
    metadata, tensors = _read_tensors(path)
    model, facts = _record(metadata, path, family)
    state = {name.removeprefix(MODEL_PREFIX): value for name, value in tensors.items() if name.startswith(MODEL_PREFIX)}
    load_state(model, state, path)
    extra = {name: value for name, value in tensors.items() if not name.startswith(MODEL_PREFIX)}
    return model.eval(), facts, extra


def load_checkpoint(path: Path, family: Family[M]) -> M:
    """Return the model of a checkpoint in evaluation mode; errors as for `read_checkpoint`."""
    return read_checkpoint(Path(path), family)[0]


def _read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise BadInputError(f"{path} is not a complete safetensors file: {error}") from error
    return metadata, tensors


def _record(metadata: Mapping[str, str], path: Path, family: Family[M]) -> tuple[M, dict[str, Any]]:
    try:
        record = json.loads(metadata.get(METADATA_KEY, "{}"))
        if record.get("format") == family.format:
            return family.build(record["architecture"]), dict(record["facts"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"{path}: the metadata of the checkpoint is damaged ({error})") from error
    raise BadInputError(
        f"{path} is no checkpoint of `codesign train {family.name}`; its metadata must name {family.format!r}"
    )
