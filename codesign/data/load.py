"""Read trigger-cell charges (events, 48) from npz, CSV, floating-code and ROOT files, and split them without leaks.

A file may be named PATH:KEY, where KEY is an array of an npz file or a tree of a ROOT file; KEY+KEY joins several.
"""

import csv
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.data.codes import decode
from codesign.data.geometry import CELLS
from codesign.data.shower import DROP_BITS
from codesign.errors import BadInputError, ToolMissingError
from codesign.options import Rounding

IntArray = NDArray[np.int64]
CHARGE_LIMIT = 2**31  # far above any sum of a module; keeps the sums of 48 exact in every later step
IS_CODE = re.compile(r"(?<!de)(?<!en)code", re.IGNORECASE)  # ttbar_codes, but not decoded_charges
TREE_CLASSES = ("TTree", "ROOT::RNTuple")


def data_file(path: Path) -> Path:
    """Return the file that PATH or PATH:KEY names; `BadInputError` if there is none."""
    return _file_and_keys(path)[0]


def _file_and_keys(path: Path) -> tuple[Path, tuple[str, ...]]:
    name, _, keys = (str(path), "", "") if path.exists() else str(path).rpartition(":")
    if not name or not Path(name).is_file():
        raise BadInputError(f"no file {path}: give the path of an npz, csv or root file, or PATH:KEY")
    return Path(name), tuple(key for key in keys.split("+") if key)


def load_charges(path: Path, *, rounding: Rounding | None = None, drop: int = DROP_BITS) -> IntArray:
    """Return the charges (events, 48) in CALQ order, whole numbers, not negative.

    npz: an array (events, 48), named by KEY if there are several; CSV: columns CALQ_0..CALQ_47 in any order (or
    CODE_0..CODE_47); ROOT: a tree with such branches, or one branch CALQ of 48 numbers. Floating codes (an array or
    columns with "code" in the name, as in ttbar_codes) need `rounding`, since the conventions differ; `drop` is their
    number of dropped bits. Charges need neither.
    Raises `BadInputError` naming file, cause and remedy; `ToolMissingError` if ROOT files need uproot.
    """
    file, keys = _file_and_keys(path)
    readers = {".npz": _read_npz, ".csv": _read_csv, ".root": _read_root}
    if file.suffix not in readers:
        raise BadInputError(f"{file}: unknown kind of file '{file.suffix}'; use npz, csv or root")
    parts = [_charges(values, name, file, rounding, drop) for name, values in readers[file.suffix](file, keys)]
    return np.concatenate(parts)


def split_distinct(charges: IntArray, test_fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Return the row numbers of a training and a test part of the distinct rows: no row stands in both.

    Of equal rows only the first is used. `BadInputError` on a fraction outside 0 <= fraction < 1.
    """
    if not 0 <= test_fraction < 1:
        raise BadInputError(f"the fraction of test rows must lie in 0..1, below 1, got {test_fraction}")
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
    if (values < 0).any() or (values >= CHARGE_LIMIT).any() or (values != np.floor(values)).any():
        raise BadInputError(
            f"{file}: '{name}' must hold whole numbers, 0 to {CHARGE_LIMIT - 1} (charges in ADC counts)"
        )
    whole = values.astype(np.int64)
    if not IS_CODE.search(name):
        return whole
    if rounding is None:
        raise BadInputError(f"{file}: '{name}' holds floating codes; say how to read them with --rounding")
    return decode(whole, rounding=rounding, drop=drop)


def _read_npz(file: Path, keys: tuple[str, ...]) -> list[tuple[str, NDArray[Any]]]:
    if not zipfile.is_zipfile(file):
        raise BadInputError(f"{file} is no complete npz file; it may be cut off: write it anew with numpy.savez")
    try:
        with np.load(file, allow_pickle=False) as archive:
            missing = [name for name in keys if name not in archive.files]
            if missing:
                raise BadInputError(f"{file} has no array '{missing[0]}', but {', '.join(archive.files) or 'none'}")
            arrays = {name: archive[name] for name in (keys or archive.files)}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInputError(f"cannot read {file} as npz of plain arrays: {_one_line(error)}") from error
    found = {name: array for name, array in arrays.items() if keys or array.shape[1:] == (CELLS,)}
    if not found:
        shapes = ", ".join(f"'{name}' {array.shape}" for name, array in arrays.items()) or "nothing"
        raise BadInputError(f"{file}: no array (events, {CELLS}), but {shapes[:200]}")
    if not keys and len(found) != 1:
        raise BadInputError(f"{file}: name one array (events, {CELLS}) as PATH:KEY out of {', '.join(found)}")
    return list(found.items())


def _read_csv(file: Path, keys: tuple[str, ...]) -> list[tuple[str, NDArray[Any]]]:
    if keys:
        raise BadInputError(f"{file}: a CSV file has no keys")
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = [row for row in csv.reader(stream) if row]
        name, columns = _columns([name.strip() for name in rows[0]] if rows else [], file)
        wanted = [[row[column] for column in columns] for row in rows[1:]]
        return [(name, np.array(wanted, dtype=np.float64).reshape(-1, CELLS))]
    except IndexError as error:
        raise BadInputError(f"{file}: a row has fewer columns than the first line; it may be cut off") from error
    except (OSError, ValueError, csv.Error) as error:
        raise BadInputError(f"cannot read {file} as CSV: {_one_line(error)}") from error


def _columns(names: list[str], file: Path) -> tuple[str, list[int]]:
    """Return which of the two kinds of columns are there, complete and once, and their places."""
    for kind in ("CALQ", "CODE"):
        columns = [f"{kind}_{cell}" for cell in range(CELLS)]
        wrong = [column for column in columns if names.count(column) != 1]
        if not wrong:
            return kind, [names.index(column) for column in columns]
        if len(wrong) < CELLS:
            raise BadInputError(f"{file}: each of {columns[0]}..{columns[-1]} must stand once; {wrong[0]} does not")
    raise BadInputError(f"{file}: no columns CALQ_0..CALQ_{CELLS - 1} (or CODE_0..CODE_{CELLS - 1})")


def _read_root(file: Path, keys: tuple[str, ...]) -> list[tuple[str, NDArray[Any]]]:
    try:
        import uproot
    except ImportError as error:
        raise ToolMissingError("ROOT files need uproot: pip install 'codesign[root]'") from error
    try:
        with uproot.open(file) as root:
            trees = [name for name, kind in root.classnames(cycle=False).items() if kind in TREE_CLASSES]
            if not keys and len(trees) != 1:
                raise BadInputError(f"{file}: name one tree as PATH:KEY out of {', '.join(trees) or 'none'}")
            return [_read_tree(root[tree], file) for tree in keys or trees]
    except BadInputError:
        raise
    except Exception as error:  # uproot raises many kinds for damaged files
        raise BadInputError(f"cannot read {file} as ROOT: {_one_line(error)}") from error


def _read_tree(tree: Any, file: Path) -> tuple[str, NDArray[Any]]:
    names = [str(name) for name in tree.keys()]  # noqa: SIM118 - a tree is no mapping
    if "CALQ" in names:
        return "CALQ", np.asarray(tree["CALQ"].array(library="np"))
    kind, columns = _columns(names, file)
    return kind, np.stack([np.asarray(tree[names[column]].array(library="np")) for column in columns], axis=1)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
