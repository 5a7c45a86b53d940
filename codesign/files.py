"""Files that are either whole or absent: write to a temporary name, then rename."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file at `path` as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_with(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it to `path`.

    Raises `BadInputError` when the target cannot be written (full disk, no permission);
    whatever stood at `path` before is then unchanged.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise BadInputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write `text` to `path`, whole or not at all."""
    return write_with(path, lambda temporary: _write_and_sync(temporary, text))


def _write_and_sync(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def write_json(path: Path, content: Any) -> Path:
    """Write `content` as readable, key-sorted JSON to `path`, whole or not at all."""
    return write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path, written_by: str = "") -> Any:
    """Read the JSON file at `path`; `BadInputError` if it is missing (naming what writes it, if given) or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = f": {written_by} writes it" if written_by else ""
        raise BadInputError(f"cannot read {path}: {error.strerror}{remedy}") from error
    except OSError as error:
        raise BadInputError(f"cannot read {path}: {error.strerror or error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is not a complete JSON file: {error}") from error


def text_sha256(text: str) -> str:
    """Return the SHA-256 of `text` in UTF-8 as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def replace_directory(directory: Path, fill: Callable[[Path], None]) -> Path:
    """Let `fill` write into a new directory beside `directory`, then put it in its place, whole or not at all."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as temporary:
            fresh, old = Path(temporary) / "new", Path(temporary) / "old"
            fresh.mkdir()
            fill(fresh)
            if directory.exists():
                directory.replace(old)
            fresh.replace(directory)
    except OSError as error:
        raise BadInputError(f"cannot write {directory}: {error.strerror or error}") from error
    return directory
