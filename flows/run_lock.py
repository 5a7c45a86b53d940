"""One run at a time in a folder: a lock that ends with the process that holds it, however that ended."""

import contextlib
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from codesign.errors import BadInputError
from codesign.files import read_json, write_json

LOCK, HOLDER = ".lock", ".holder.json"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which is made if need be; `BadInputError` saying who holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"cannot write {folder}: {error.strerror or error}") from error
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise BadInputError(
            f"{folder} is in use by {_holder(folder)}: wait until it ends, or choose another --tag"
        ) from error
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(folder / HOLDER, {"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    """Who holds the lock; the file is absent for a moment after the lock was taken."""
    try:
        found = read_json(folder / HOLDER)
        return f"process {found['pid']} on {found['host']} since {found['since']}"
    except (BadInputError, KeyError, TypeError):
        return "another process"
