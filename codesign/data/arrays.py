"""Read npz files of plain arrays; a file that wants to run code is refused."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of the npz file at `path`; `BadInputError` if it is missing, damaged or holds objects."""
    if not path.is_file():
        raise BadInputError(f"no file {path}: give the path of an npz file")
    if not zipfile.is_zipfile(path):
        raise BadInputError(f"{path} is no complete npz file; it may be cut off: write it anew with numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise BadInputError(f"cannot read {path} as npz of plain arrays: {error}") from error
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise BadInputError(f"{path} holds other files than arrays: write it anew with numpy.savez")
    return arrays
