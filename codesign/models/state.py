"""Strict loading of weights: every tensor present, of the right shape, finite; never a pickle."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from codesign.errors import BadInputError

PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin")


def refuse_pickle(path: Path) -> None:
    """Raise `BadInputError` for a file name of a pickled model, or if no file is there."""
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise BadInputError(
            f"{path} is a pickle file, which can run code when it is read; save the weights as safetensors instead"
        )
    if not path.is_file():
        raise BadInputError(f"cannot read {path}: no such file")


def load_state(model: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Copy `state`, read from `path`, into `model`; `BadInputError` names the first tensor that does not fit."""
    wanted = model.state_dict()
    for problem in (_key_problem(set(wanted), set(state)), _value_problem(wanted, state)):
        if problem is not None:
            raise BadInputError(f"{path}: {problem}")
    model.load_state_dict(dict(state), strict=True)


def _key_problem(wanted: set[str], given: set[str]) -> str | None:
    missing, unknown = sorted(wanted - given), sorted(given - wanted)
    if missing:
        return f"tensor {missing[0]!r} is missing; the file does not hold this architecture"
    if unknown:
        return f"tensor {unknown[0]!r} is unknown; the file does not hold this architecture"
    return None


def _value_problem(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str | None:
    for name in sorted(wanted.keys() & given.keys()):
        problem = _tensor_problem(name, wanted[name], given[name])
        if problem is not None:
            return f"tensor {name!r} {problem}"
    return None


def _tensor_problem(name: str, wanted: Tensor, given: Tensor) -> str | None:
    if given.shape != wanted.shape:
        return f"must have the shape {tuple(wanted.shape)}, got {tuple(given.shape)}"
    if given.is_floating_point() != wanted.is_floating_point():
        return f"must have the type {wanted.dtype}, got {given.dtype}"
    if not bool(torch.isfinite(given).all()):
        return "holds NaN or infinity"
    if name.endswith("scaling_impl.value") and bool((given == 0).any()):
        return "is a threshold of zero"
    if name.endswith("running_var") and bool((given < 0).any()):
        return "holds a negative variance"
    return None
