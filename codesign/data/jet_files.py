"""Read jets of five classes from npz files, as constituents or as ready features, and split them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.data.arrays import read_arrays
from codesign.data.jet_features import NAMES, features
from codesign.data.jets import CLASSES, generate
from codesign.errors import BadInputError

Reals = NDArray[np.float64]
LARGEST = 1e9  # far above any feature; keeps the squares of all numbers finite
CONSTITUENT_COUNTS = (8, 16)


@dataclass(frozen=True, eq=False)
class Jets:
    """Features (n, 16), or constituents (n, count, 3); classes (n,), numbers in `CLASSES`."""

    features: Reals
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64] | slice) -> "Jets":
        """Return the jets `rows`."""
        return Jets(self.features[rows], self.labels[rows])


def generated_jets(count: int, seed: int) -> Jets:
    """Return jets of the embedded generator; errors as for `codesign.data.jets.generate`."""
    jets, labels = generate(count, seed)
    return Jets(features(jets), labels)


def generated_constituents(count: int, seed: int, constituents: int) -> Jets:
    """Return the `constituents` hardest particles of generated jets; errors as for `codesign.data.jets.generate`."""
    jets, labels = generate(count, seed)
    return Jets(jets[:, :constituents], labels)


def load_constituents(path: Path, constituents: int) -> Jets:
    """Return the `constituents` hardest particles of the jets of an npz file, hardest first, from any order.

    Arrays and errors as for `load_jets`.
    """
    given, labels = _given(path)
    _check_constituents(path, given)
    if given.shape[1] < constituents:
        raise BadInputError(f"{path}: x has {given.shape[1]} constituents a jet; the model reads {constituents}")
    order = np.argsort(-given[..., 0], axis=1, kind="stable")[:, :constituents]
    return Jets(np.take_along_axis(given, order[..., None], axis=1), labels)


def load_jets(path: Path) -> Jets:
    """Return the jets of an npz file with arrays `x` and `y`.

    `x`: constituents (n, 8 or 16, 3) with pT [GeV], eta and phi relative to the jet, absent ones 0; or ready features
    (n, 16), in whatever meaning the model was trained on. `y`: one-hot (n, 5) or class numbers (n,) in the order
    g, q, W, Z, t. Raises `BadInputError` naming file, cause and remedy.
    """
    given, labels = _given(path)
    if given.shape[1:] == (len(NAMES),):
        return Jets(given, labels)
    _check_constituents(path, given)
    return Jets(features(given), labels)


def _given(path: Path) -> tuple[Reals, NDArray[np.int64]]:
    arrays = read_arrays(path)
    for name in ("x", "y"):
        if name not in arrays:
            raise BadInputError(f"{path} has no array '{name}': x holds jets, y their classes")
    given, labels = _numbers(path, "x", arrays["x"]), _labels(path, arrays["y"])
    if len(given) != len(labels) or not len(given):
        raise BadInputError(f"{path}: x has {len(given)} jets, y {len(labels)}; both must have the same, at least one")
    return given, labels


def _check_constituents(path: Path, given: Reals) -> None:
    if given.shape[1:] not in [(count, 3) for count in CONSTITUENT_COUNTS]:
        raise BadInputError(f"{path}: x must be (n, 8, 3), (n, 16, 3) or (n, {len(NAMES)}), not {given.shape}")
    if (given[..., 0] < 0).any():
        raise BadInputError(f"{path}: x[..., 0] is the transverse momentum and must not be negative")


def _labels(path: Path, given: NDArray[Any]) -> NDArray[np.int64]:
    values = _numbers(path, "y", given)
    if values.ndim == 2 and values.shape[1] == len(CLASSES):
        if not (np.isin(values, (0.0, 1.0)).all() and (values.sum(axis=1) == 1).all()):
            raise BadInputError(f"{path}: each row of y must hold a single 1 and {len(CLASSES) - 1} zeros")
        return np.asarray(values.argmax(axis=1))
    if values.ndim != 1 or not np.isin(values, range(len(CLASSES))).all():
        raise BadInputError(f"{path}: y must be one-hot (n, {len(CLASSES)}) or numbers 0..{len(CLASSES) - 1} (n,)")
    return values.astype(np.int64)


def _numbers(path: Path, name: str, array: NDArray[Any]) -> Reals:
    if array.dtype.kind not in "iufb":
        raise BadInputError(f"{path}: '{name}' must hold numbers, not {array.dtype}")
    values = array.astype(np.float64)
    wrong = ~(np.abs(values) < LARGEST)
    if wrong.any():
        where = int(np.argwhere(wrong)[0][0])
        raise BadInputError(f"{path}: '{name}' holds NaN or a number above {LARGEST:g} in jet {where}; remove it")
    return values


def split(jets: Jets, fraction: float, seed: int) -> tuple[Jets, Jets]:
    """Return two parts of `jets`, the second with `fraction` of them; equal rows never stand in both."""
    _, group = np.unique(jets.features, axis=0, return_inverse=True)
    groups = int(group.max(initial=-1)) + 1
    chosen = np.random.default_rng(seed).permutation(groups)[: round(groups * fraction)]
    is_second = np.isin(group.ravel(), chosen)
    return jets.take(np.flatnonzero(~is_second)), jets.take(np.flatnonzero(is_second))
