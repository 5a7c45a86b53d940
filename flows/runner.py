"""Run steps of a flow in the folder of a run: keep what is right, run the rest, leave one manifest of all."""

import functools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from codesign.errors import BadInputError
from codesign.files import read_json, sha256_of, write_json, write_text
from codesign.flows.design import Bound, Design
from codesign.flows.progress import progress_bar
from codesign.flows.run_folder import (
    CACHE,
    INPUTS,
    MANIFEST,
    Flow,
    Step,
    StepFolder,
    Work,
    command_of,
    inputs_of,
    place_of,
    remove_leftovers,
    write_step,
)
from codesign.flows.run_lock import locked
from codesign.options import RunOptions
from codesign.page.files import PAGE
from codesign.report import Report, Sections, read_report
from codesign.run_metrics import metrics_csv, metrics_of, metrics_record
from codesign.sections import merged

LINKED = ("report.json", "report.txt")
METRICS_JSON, METRICS_CSV = "metrics.json", "metrics.csv"


@dataclass(frozen=True)
class Run:
    """A run of a flow that holds the lock of its folder; `bind` gives the design bound to its model and data."""

    options: RunOptions
    flow: Flow
    design: Design
    bind: Callable[[], Bound]

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self.options.run_folder

    def folder(self, name: str) -> StepFolder:
        """The folder of step `name`."""
        return StepFolder(self.path / place_of(self.flow, name))

    def say(self, text: str) -> None:
        """Tell the user what goes on."""
        if not self.options.quiet:
            click.echo(text, err=True)

    def run(self, chosen: Flow) -> None:
        """Run or keep the `chosen` steps; `BadInputError` if one needs a step that is not there."""
        self._require_earlier(chosen)
        whole = {step.name for step in chosen} == {step.name for step in self._applicable()}
        if self.options.overwrite and whole:
            shutil.rmtree(self.path / CACHE, ignore_errors=True)
        try:
            with ExitStack() as stack:
                ahead: dict[str, Callable[[], object]] = {}
                advance = stack.enter_context(progress_bar("steps", len(chosen), quiet=self.options.quiet))
                for number, step in enumerate(chosen):
                    self._run_or_keep(step, ahead)
                    advance(1)
                    for later in chosen[number + 1 :]:
                        # Asked when the last of what it reads is done, and only then.
                        if later.ahead and step.name in later.reads and self._can_begin(later, chosen[: number + 1]):
                            ahead[later.name] = stack.enter_context(later.ahead(self._work(later)))
        finally:
            self._remove_stale(whole=whole)
        self._publish()

    def _applicable(self) -> Flow:
        return tuple(step for step in self.flow if step.applies(self.options))

    def _folders(self) -> dict[str, StepFolder]:
        return {step.name: self.folder(step.name) for step in self._applicable()}

    def _difference(self, step: Step) -> str:
        command = command_of(step, self.options)
        return self.folder(step.name).difference(command, inputs_of(step, self.options, self._folders()))

    def _require_earlier(self, chosen: Flow) -> None:
        """Steps that are read but not chosen must be there, made as these options say."""
        names = {step.name for step in chosen}
        for step in chosen:
            for earlier in self._applicable():
                if earlier.name in step.reads and earlier.name not in names:
                    self._require_earlier((earlier,))
                    why = self._difference(earlier)
                    if why:
                        raise BadInputError(
                            f"step '{step.name}' needs step '{earlier.name}' of {self.path}, but {why}: "
                            f"begin with --from {earlier.name}"
                        )

    def _can_begin(self, step: Step, done: Flow) -> bool:
        """Whether all that `step` reads is done, and its result is not there already."""
        ready = {one.name for one in done}
        reads = {one.name for one in self._applicable() if one.name in step.reads}
        return reads <= ready and bool(self.options.overwrite or self._difference(step))

    def _work(self, step: Step, say: Callable[[str], None] = lambda line: None) -> Work:
        place = place_of(self.flow, step.name)
        return Work(self.options, self.design, self.bind, self.path, place, lambda name: self.folder(name).path, say)

    def _run_or_keep(self, step: Step, ahead: dict[str, Callable[[], object]]) -> None:
        why = "it is to be overwritten" if self.options.overwrite else self._difference(step)
        if not why:
            self.say(f"{step.name}: kept")
            return
        self._retract()
        self.say(f"{step.name} ...")
        started = time.perf_counter()
        if step.name in ahead:
            ahead[step.name]()
        inputs = inputs_of(step, self.options, self._folders())
        log = [f"{step.name} runs: {why}"]
        write_step(
            self._work(step, log.append),
            step,
            command_of(step, self.options),
            inputs,
            log,
            lambda: time.perf_counter() - started,
        )
        self.say(f"{step.name}: {self.folder(step.name).wall_s()} s")

    def _retract(self) -> None:
        """While a step is missing there is no manifest, no metrics and no report of the run."""
        for name in (MANIFEST, METRICS_JSON, METRICS_CSV, PAGE, *LINKED):
            (self.path / name).unlink(missing_ok=True)

    def _remove_stale(self, *, whole: bool) -> None:
        """Remove steps made from other results than are there now, and after a whole run those left out of it."""
        present: dict[str, str] = {}
        for step in self.flow:
            folder = self.folder(step.name)
            if not folder.exists():
                continue
            if (whole and not step.applies(self.options)) or not _fits(folder, self.flow, present):
                self._retract()
                folder.remove()
            else:
                present |= {f"{folder.path.name}/{name}": digest for name, digest in folder.outputs().items()}

    def _publish(self) -> None:
        """Write manifest and metrics of all steps that are there, and link the report."""
        present = [folder for folder in map(self.folder, (step.name for step in self.flow)) if folder.exists()]
        sections: Sections = merged(folder.sections() for folder in present)
        report_file: tuple[str, str | None] = ("", None)
        for name in LINKED:
            found = [folder.path.name for folder in present if (folder.path / name).exists()]
            (self.path / name).unlink(missing_ok=True)
            for place in found:
                (self.path / name).symlink_to(Path(place) / name)
                if name == LINKED[0]:
                    sections = read_report(self.path / name)
                    report_file = f"{place}/{name}", sha256_of(self.path / name)
        metrics = metrics_of(sections, report_file)
        write_json(self.path / METRICS_JSON, metrics_record(metrics))
        write_text(self.path / METRICS_CSV, metrics_csv(metrics))
        steps = {folder.path.name: folder.record() for folder in present}
        write_json(self.path / MANIFEST, {"design": self.design.name, "steps": steps})


def _fits(folder: StepFolder, flow: Flow, present: dict[str, str]) -> bool:
    """Whether what a step read of earlier steps is what is there now."""
    try:
        inputs: dict[str, str] = read_json(folder.path / INPUTS)
        folder.outputs()
    except BadInputError:
        return False
    places = {place_of(flow, step.name) for step in flow}
    return all(present.get(name) == digest for name, digest in inputs.items() if name.split("/")[0] in places)


@contextmanager
def open_run(flow: Flow, options: RunOptions, design: Design) -> Iterator[Run]:
    """Take the folder of the run; `BadInputError` saying who holds it if it is in use."""
    bind: Callable[[], Bound] = functools.cache(lambda: design.bind(options))
    with locked(options.run_folder):
        _require_same_design(flow, options)
        remove_leftovers(options.run_folder, [place_of(flow, step.name) for step in flow])
        yield Run(options, flow, design, bind)


def _require_same_design(flow: Flow, options: RunOptions) -> None:
    """The run of another design is not replaced unless that is asked for."""
    there = StepFolder(options.run_folder / place_of(flow, flow[0].name)).option("design")
    if there not in (None, options.design) and not options.overwrite:
        raise BadInputError(
            f"{options.run_folder} holds a run of design '{there}': give another --tag, or --overwrite to replace it"
        )


def chosen_steps(flow: Flow, options: RunOptions) -> Flow:
    """Return the steps that --from, --to and --only leave; `BadInputError` for one that is unknown or is left out."""
    applicable = [step.name for step in flow if step.applies(options)]
    given = {"--from": options.first_step, "--to": options.last_step, "--only": options.only_step}
    for option, name in given.items():
        if name is not None and name not in [step.name for step in flow]:
            raise BadInputError(
                f"{option} {name!r}: no such step; choose one of {', '.join(step.name for step in flow)}"
            )
        if name is not None and name not in applicable:
            raise BadInputError(f"{option} {name}: this step needs --liberty")
    if options.only_step and (options.first_step or options.last_step):
        raise BadInputError("--only stands for --from and --to of one step: give it alone")
    first = applicable.index(options.only_step or options.first_step or applicable[0])
    last = applicable.index(options.only_step or options.last_step or applicable[-1])
    if first > last:
        raise BadInputError(f"--from {options.first_step} comes after --to {options.last_step}: exchange them")
    return tuple(step for step in flow if step.name in applicable[first : last + 1])


def report_of(path: Path) -> Report:
    """Return the report in the folder of a run; `BadInputError` if it has none."""
    return read_report(path / LINKED[0])
