"""Read trigger-cell charges (events, 48) from npz, CSV, floating-code and ROOT files, and split them without leaks.

A file may be named PATH:KEY, where KEY is an array of an npz file or a tree of a ROOT file; KEY+KEY joins several.
"""

import csv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.data.codes import Rounding, decode
from codesign.data.geometry import CELLS
from codesign.data.shower import DROP_BITS
from codesign.errors import BadInputError, ToolMissingError

IntArray = NDArray[np.int64]
CHARGE_COLUMNS = tuple(f"CALQ_{cell}" for cell in range(CELLS))
CODE_COLUMNS = tuple(f"CODE_{cell}" for cell in range(CELLS))


def data_file(path: Path) -> Path:
    """Return the file that PATH or PATH:KEY names; `BadInputError` if there is none."""
    file = path if path.exists() else path.with_name(path.name.rpartition(":")[0] or path.name)
    if not file.is_file():
        raise BadInputError(f"no file {path}: give the path of an npz, csv or root file, or PATH:KEY")
    return file


def load_charges(path: Path, *, rounding: Rounding | None = None, drop: int = DROP_BITS) -> IntArray:
    """Return the charges (events, 48) in CALQ order, whole numbers, not negative.

    npz: an array (events, 48), named by KEY if there are several; CSV: columns CALQ_0..CALQ_47 in any order (or
    CODE_0..CODE_47); ROOT: a tree with such branches, or one branch CALQ of 48 numbers. Floating codes (an array or
    columns whose name has "code" in it) need `rounding`, since two conventions exist; `drop` is their dropped bits.
    Raises `BadInputError` naming file, cause and remedy; `ToolMissingError` if ROOT files need uproot.
    """
    file = data_file(path)
    keys = tuple(key for key in path.name[len(file.name) + 1 :].split("+") if key)
    readers = {".npz": _read_npz, ".csv": _read_csv, ".root": _read_root}
    if file.suffix not in readers:
        raise BadInputError(f"{file}: unknown kind of file '{file.suffix}'; use npz, csv or root")
    parts = [_charges(values, name, file, rounding, drop) for name, values in readers[file.suffix](file, keys)]
    return np.concatenate(parts)


def split_distinct(charges: IntArray, test_fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Return row numbers of a training and a test part of the distinct rows: no row of one equals a row of the other."""
    _, first = np.unique(charges, axis=0, return_index=True)
    order = np.random.default_rng(seed).permutation(np.sort(first))
    count = round(len(order) * test_fraction)
    return np.sort(order[count:]).astype(np.int64), np.sort(order[:count]).astype(np.int64)


def _charges(values: NDArray[Any], name: str, file: Path, rounding: Rounding | None, drop: int) -> IntArray:
    if values.ndim != 2 or values.shape[1] != CELLS or not len(values):
        raise BadInputError(f"{file}: '{name}' must be (events, {CELLS}) with at least one event, not {values.shape}")
    if values.dtype.kind not in "iuf":
        raise BadInputError(f"{file}: '{name}' must hold numbers, not {values.dtype}")
    if not np.isfinite(values).all():
        event = int(np.argwhere(~np.isfinite(values))[0][0])
        raise BadInputError(f"{file}: '{name}' holds NaN or infinity, first in event {event}; remove such events")
    whole = values.astype(np.int64)
    if (whole != values).any() or (whole < 0).any():
        raise BadInputError(f"{file}: '{name}' must hold whole numbers of at least 0 (charges in ADC counts)")
    if "code" not in name.lower():
        return whole
    if rounding is None:
        raise BadInputError(f"{file}: '{name}' holds floating codes; say how to read them with rounding")
    return decode(whole, rounding=rounding, drop=drop)


def _read_npz(file: Path, keys: tuple[str, ...]) -> list[tuple[str, NDArray[Any]]]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise BadInputError(f"{file} is a single array; save it as npz with a name")
            arrays = {name: archive[name] for name in (keys or archive.files)}
    except KeyError as error:
        raise BadInputError(f"{file} has no array {error.args[0]}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadInputError(f"cannot read {file} as npz of plain arrays: {error}") from error
    found = {name: array for name, array in arrays.items() if keys or array.shape[1:] == (CELLS,)}
    if not keys and len(found) != 1:
        raise BadInputError(f"{file}: name one array as {file.name}:KEY out of {', '.join(found) or 'none'}")
    return list(found.items())


def _read_csv(file: Path, keys: tuple[str, ...]) -> list[tuple[str, NDArray[Any]]]:
    if keys:
        raise BadInputError(f"{file}: a CSV file has no keys")
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            header = [name.strip() for name in next(csv.reader(stream), [])]
            name, columns = _columns(header, file)
            values = np.loadtxt(stream, delimiter=",", usecols=[header.index(column) for column in columns], ndmin=2)
    except (OSError, ValueError, UnicodeDecodeError, csv.Error, IndexError) as error:
        raise BadInputError(f"cannot read {file} as CSV: {error}") from error
    return [(name, values.reshape(-1, CELLS))]


def _columns(names: list[str], file: Path) -> tuple[str, tuple[str, ...]]:
    """Return which of the two kinds of columns are there, complete."""
    for kind, columns in (("CALQ", CHARGE_COLUMNS), ("CODE", CODE_COLUMNS)):
        missing = [column for column in columns if column not in names]
        if not missing:
            return kind, columns
        if len(missing) < CELLS:
            raise BadInputError(f"{file}: {len(missing)} columns are missing, the first is {missing[0]}")
    raise BadInputError(f"{file}: no columns CALQ_0..CALQ_{CELLS - 1} (or CODE_0..CODE_{CELLS - 1})")


def _read_root(file: Path, keys: tuple[str, ...]) -> list[tuple[str, NDArray[Any]]]:
    try:
        import uproot
    except ImportError as error:
        raise ToolMissingError("ROOT files need uproot: pip install 'codesign[root]'") from error
    try:
        with uproot.open(file) as root:
            trees = keys or [name for name, kind in root.classnames(cycle=False).items() if kind == "TTree"][:1]
            return [_read_tree(root[tree], file) for tree in trees]
    except BadInputError:
        raise
    except Exception as error:  # uproot raises many kinds for damaged files
        raise BadInputError(f"cannot read {file} as ROOT: {' '.join(str(error).split())[:200]}") from error


def _read_tree(tree: Any, file: Path) -> tuple[str, NDArray[Any]]:
    names = [str(name) for name in tree.keys()]  # noqa: SIM118 - a tree is no mapping
    if "CALQ" in names:
        return "CALQ", np.asarray(tree["CALQ"].array(library="np"))
    kind, columns = _columns(names, file)
    return kind, np.stack([np.asarray(tree[column].array(library="np")) for column in columns], axis=1)
