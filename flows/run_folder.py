"""The folder of a run: numbered folders of steps, each whole or absent, kept while all that they depend on is the same.

A step writes into `NN-name.unfinished`, which gets its name only when it is complete; a run that was killed at any
moment therefore goes on with the step in which it was. Beside its results a step leaves `command.json` (what was asked,
of which code and tools), `inputs.json` and `outputs.json` (path: SHA-256), `sections.json` and `metrics.json` (its
numbers), `log.txt` and `runtime.json`. Logs and times are not hashed; everything else is the same in every run.
"""

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from codesign import __version__
from codesign.errors import BadInputError
from codesign.files import read_json, sha256_of, write_json, write_text
from codesign.flows.design import Bound, Design
from codesign.flows.environment import program_version, source_sha256, tool_versions
from codesign.flows.input_files import content_sha256, input_files, plain_option
from codesign.options import RunOptions
from codesign.report import Sections
from codesign.run_metrics import metrics_of, metrics_record

UNFINISHED, OLD = ".unfinished", ".old"
COMMAND, INPUTS, OUTPUTS, SECTIONS, METRICS = (
    f"{name}.json" for name in ("command", "inputs", "outputs", "sections", "metrics")
)
LOG, RUNTIME = "log.txt", "runtime.json"
CACHE, MANIFEST = "cache", "manifest.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """What a step works with: options, design, the design bound to its model and data (on demand), and folders.

    It writes into `folder`, which will be called `place` in the folder of the run; `of(step)` is the folder of an
    earlier step, `cache` holds builds and jobs by the hash of what went in, and `say` writes a line to the step's log.
    """

    options: RunOptions
    design: Design
    bind: Callable[[], Bound]
    run_folder: Path
    place: str
    of: Callable[[str], Path]
    say: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Where the step writes."""
        return self.run_folder / f"{self.place}{UNFINISHED}"

    @property
    def cache(self) -> Path:
        """Builds and jobs by the hash of what went in; may be deleted between runs."""
        return self.run_folder / CACHE

    @property
    def clock_ns(self) -> float:
        """Clock period in ns: the user's, or the design's."""
        return self.options.clock_ns or self.design.clock_ns


@dataclass(frozen=True)
class Step:
    """One step of a flow: the earlier steps that it reads, the fields of the options and the programs it depends on.

    `run` fills the step's folder and returns its sections of the report. A step that does not apply to the options is
    left out. `ahead` may begin the work beside other steps, as soon as those that it reads are done; what it hands out
    is called before `run`.
    """

    name: str
    reads: tuple[str, ...]
    options: tuple[str, ...]
    run: Callable[[Work], Sections]
    applies: Callable[[RunOptions], bool] = lambda options: True
    ahead: Callable[[Work], AbstractContextManager[Callable[[], object]]] | None = None
    programs: tuple[tuple[str, ...], ...] = ()


Flow = tuple[Step, ...]


def place_of(flow: Flow, name: str) -> str:
    """Return the name of the folder of step `name`: its number in the flow and its name."""
    return next(f"{number:02}-{name}" for number, step in enumerate(flow, 1) if step.name == name)


def command_of(step: Step, options: RunOptions) -> Json:
    """Return what is asked of `step`, of which code and tools; the same wherever and whenever it is asked."""
    unknown = set(step.options) - {field.name for field in fields(RunOptions)}
    assert not unknown, unknown
    return {
        "step": step.name,
        "options": {name: plain_option(name, getattr(options, name)) for name in step.options},
        "codesign": __version__,
        "sources": source_sha256(),
        "tools": tool_versions(),
        "programs": {program[0]: program_version(*program) for program in step.programs},
    }


@dataclass(frozen=True)
class StepFolder:
    """The folder of one finished step, or where it will be."""

    path: Path

    def exists(self) -> bool:
        """Whether the step was finished."""
        return self.path.is_dir()

    def outputs(self) -> dict[str, str]:
        """Return the recorded outputs (path in the folder: SHA-256)."""
        found: dict[str, str] = read_json(self.path / OUTPUTS)
        return found

    def sections(self) -> Sections:
        """Return the step's part of the report."""
        return Sections.model_validate(read_json(self.path / SECTIONS))

    def record(self) -> Json:
        """Return what the manifest says of the step."""
        names = (COMMAND, INPUTS, OUTPUTS, METRICS)
        return {name.removesuffix(".json"): read_json(self.path / name) for name in names}

    def wall_s(self) -> float:
        """Return how long the step took when it ran."""
        return float(read_json(self.path / RUNTIME)["wall_s"])

    def option(self, name: str) -> Any:
        """Return an option that the step ran with; None if it did not run or its record is damaged."""
        try:
            return read_json(self.path / COMMAND)["options"].get(name)
        except BadInputError:
            return None

    def difference(self, command: Json, inputs: Mapping[str, str]) -> str:
        """Return why the step has to run (again) for that command and these inputs; "" if what is there is right."""
        if not self.exists():
            return "it was not run yet"
        try:
            asked, read, made = (read_json(self.path / name) for name in (COMMAND, INPUTS, OUTPUTS))
        except BadInputError:
            return "its records are damaged"
        return (
            _changed("", asked, command)
            or _changed("input ", read, inputs)
            or _changed("output ", made, output_hashes(self.path))
        )

    def remove(self) -> None:
        """Remove the folder: first its name, so that a part of it can never pass for the whole."""
        if self.exists():
            gone = self.path.with_name(self.path.name + OLD)
            shutil.rmtree(gone, ignore_errors=True)
            self.path.rename(gone)
            shutil.rmtree(gone)


def _changed(what: str, before: Any, now: Any) -> str:
    """The first difference, in words; nested values are named by the way to them."""
    if before == now:
        return ""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before | now):
            if name not in before or name not in now:
                return f"{what}{name} is {'new' if name in now else 'gone'}"
            if before[name] != now[name]:
                return _changed(f"{what}{name} ", before[name], now[name])
    return f"{what.strip()} changed"


def output_hashes(folder: Path) -> dict[str, str]:
    """Return path and SHA-256 of all files of a step but its records, logs and times."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_apart(path, folder))
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in found}


# Logs of tools and records of times, which differ from run to run.
_APART = ("job.json", "results.xml")


def _is_apart(path: Path, folder: Path) -> bool:
    records = (COMMAND, INPUTS, OUTPUTS, LOG, RUNTIME)
    return path.suffix == ".log" or path.name in _APART or (path.parent == folder and path.name in records)


def inputs_of(step: Step, options: RunOptions, folders: Mapping[str, StepFolder]) -> dict[str, str]:
    """Return path and SHA-256 of all that `step` reads: outputs of earlier steps and the user's files."""
    # Files of one option may have one name, in different folders.
    own = {
        f"{option}/{number}/{name}" if number else f"{option}/{name}": content_sha256(path)
        for option in step.options
        for number, (name, path) in enumerate(input_files(option, getattr(options, option)))
    }
    earlier = {
        f"{folders[name].path.name}/{path}": digest
        for name in step.reads
        if name in folders
        for path, digest in folders[name].outputs().items()
    }
    return own | earlier


def write_step(  # noqa: PLR0917
    work: Work, step: Step, command: Json, inputs: Mapping[str, str], log: list[str], wall_s: Callable[[], float]
) -> None:
    """Run `step` in its unfinished folder and give that its name; an earlier result is gone before it begins.

    What a step that fails had written stays there until the next run.
    """
    target = StepFolder(work.run_folder / work.place)
    target.remove()
    shutil.rmtree(work.folder, ignore_errors=True)
    write_json(work.folder / COMMAND, command)
    write_json(work.folder / INPUTS, dict(inputs))
    try:
        sections = step.run(work)
    except BaseException as error:
        log.append(f"failed: {error}")
        raise
    finally:
        write_text(work.folder / LOG, "".join(f"{line}\n" for line in log))
    write_json(work.folder / SECTIONS, sections.model_dump(mode="json", exclude_unset=True))
    write_json(work.folder / METRICS, metrics_record(metrics_of(sections)))
    write_json(work.folder / RUNTIME, {"wall_s": round(wall_s(), 2)})
    write_json(work.folder / OUTPUTS, output_hashes(work.folder))
    work.folder.rename(target.path)


def remove_leftovers(folder: Path, places: Iterable[str]) -> None:
    """Remove what a killed run left unfinished, in the steps and in the jobs of the cache."""
    for place in places:
        for suffix in (UNFINISHED, OLD):
            shutil.rmtree(folder / f"{place}{suffix}", ignore_errors=True)
    jobs = [path for path in (folder / CACHE).glob("*") if path.is_dir() and not path.is_symlink()]
    for path in (*folder.glob(".*.*.*"), *(path for job in jobs for path in job.glob(".*"))):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
