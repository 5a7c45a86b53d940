"""Read npz files of plain arrays; a file that wants to run code is refused."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of the npz file at `path`; `BadInputError` if it is missing, damaged or holds objects."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise BadInputError(f"{path} is a single array; an npz file with named arrays is needed")
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise BadInputError(f"cannot read {path} as npz: {error}") from error
