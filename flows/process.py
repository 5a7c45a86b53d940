"""Run an external tool: its own process group, its output in a log file, a time limit, a clean end."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from codesign.errors import BadInputError, ToolFailedError, ToolMissingError


@dataclass(frozen=True)
class Command:
    """What to run: `name` is the word used in messages, `environment` is added to the present one."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


def run_tool(command: Command, directory: Path, log: Path, timeout_s: float) -> None:
    """Run `command` in `directory` with all its output in `log`.

    Raises `ToolMissingError` when it cannot be started and `ToolFailedError`, naming the log, when it ends with
    another code than 0 or outlives `timeout_s`. On an interrupt or a time-out its whole process group is ended.
    """
    with _open(log) as output:
        process = _start(command, directory, output.fileno())
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            end_group(process)
            raise ToolFailedError(f"{command.name} did not end within {timeout_s:g} s: see {log}") from error
        except BaseException:
            end_group(process)
            raise
    if code != 0:
        raise ToolFailedError(f"{command.name} failed with code {code} ({_last_line(log)}): see {log}")


def _open(log: Path) -> BinaryIO:
    try:
        return log.open("wb")
    except OSError as error:
        raise BadInputError(f"cannot write {log}: {error.strerror or error}") from error


def _start(command: Command, directory: Path, output: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command.arguments),
            cwd=directory,
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ToolMissingError(f"cannot start {command.name}: {reason}; run `codesign doctor`") from error


def end_group(process: subprocess.Popen[bytes], grace_s: float = 2.0) -> None:
    """End the process group that `process` leads: first by an interrupt, after `grace_s` seconds by force."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[-1][:200]
