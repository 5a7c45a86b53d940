"""The files that a user's options name: what they are called in records, and their content."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError
from codesign.files import sha256_of
from codesign.options import SELECTIVE


def plain_option(name: str, value: Any) -> Any:
    """Return an option as JSON can hold it, files without their folder: where they lie changes no result."""
    if isinstance(value, Path):
        return value.name
    if name == "tmr":
        kind, colon, file = str(value).partition(":")
        return f"{kind}{colon}{Path(file).name}" if colon else kind
    if isinstance(value, tuple):
        return [plain_option("", one) for one in value]
    return value


def input_files(name: str, value: Any) -> Iterator[tuple[str, Path]]:
    """Return name and path of every file that the value of an option names, as such or in tuples.

    Data may be named PATH:KEY; `BadInputError` if there is no such file.
    """
    if name == "tmr" and str(value).startswith(f"{SELECTIVE}:"):
        value = Path(str(value).partition(":")[2])
    if isinstance(value, tuple):
        for inner in value:
            yield from input_files(name, inner)
    elif isinstance(value, Path):
        found = value if value.exists() else Path(str(value).rpartition(":")[0])
        if not found.exists() or found == Path():
            raise BadInputError(f"no file {value}: check the path of --{name.replace('_', '-')}")
        yield value.name, found


def content_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files in a folder."""
    if path.is_file():
        return sha256_of(path)
    digest = hashlib.sha256()
    for inner in sorted(path.rglob("*")):
        if inner.is_file():
            digest.update(f"{inner.relative_to(path).as_posix()} {sha256_of(inner)}\n".encode())
    return digest.hexdigest()
