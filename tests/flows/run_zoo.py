"""A flow of three steps that only write numbers, and a process that runs it until it is killed."""

import os
import signal
import sys
from pathlib import Path

from codesign.files import read_json, sha256_of, write_json
from codesign.flows.design import Bound, Design
from codesign.flows.run_folder import Flow, Step, Work
from codesign.flows.runner import Run, chosen_steps, open_run
from codesign.options import RunOptions
from codesign.report import Quantity, Resources, Sections

NUMBER = "parts/number.json"
# File operations at which a process may be killed; every one that changes something is among them.
EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "shutil.rmtree", "os.chmod"}


def keep(work: Work, value: float) -> Sections:
    """Write a number into a folder in the step's own, and put it into the report as an area."""
    path = write_json(work.folder / NUMBER, {"number": value})
    write_json(work.cache / f"{work.place}.json", value)
    work.say(f"the number is {value}")
    found = Quantity(value=value, unit="um2", kind="estimated", source=f"{work.place}/{NUMBER}", sha256=sha256_of(path))
    return Sections(area=(Resources(name=work.place, method="given", quantities={"cell area": found}),))


def number(work: Work, step: str) -> float:
    """The number that an earlier step left."""
    return read_json(work.of(step) / NUMBER)["number"]


FLOW: Flow = (
    Step("first", (), ("vectors", "model"), lambda work: keep(work, work.options.vectors or 1)),
    Step("second", ("first",), ("clock_ns",), lambda work: keep(work, number(work, "first") * work.clock_ns)),
    Step("third", ("first",), ("liberty",), lambda work: keep(work, 10.0), lambda given: bool(given.liberty)),
    Step("last", ("second", "third"), ("constraints",), lambda work: keep(work, number(work, "second") + 100)),
)  # fmt: skip
DESIGN = Design("zoo", "numbers", 2.0, (), 1, lambda options: Bound(None, {}))  # type: ignore[arg-type]


def run_zoo(folder: Path, flow: Flow = FLOW, **options) -> Run:
    """Run the steps of the flow that the options leave."""
    given = RunOptions(**{"design": "zoo", "output": folder, "quiet": True, **options})
    with open_run(flow, given, DESIGN) as run:
        run.run(chosen_steps(flow, given))
    return run


def run_until(folder: Path, killed_at: int) -> None:
    """Run in this process, which kills itself at file operation number `killed_at`."""
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in EVENTS and str(folder) in str(arguments[0]):
            count += 1
            if count == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    run_zoo(folder)


def serve() -> None:
    """Read "number of the operation, folder" from each line, run until then in another process, print its exit code."""
    for line in sys.stdin:
        killed_at, folder = line.rstrip("\n").split(" ", maxsplit=1)
        process = os.fork()
        if not process:
            run_until(Path(folder), int(killed_at))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def content(folder: Path) -> dict[str, bytes]:
    """Files of the run that have to be the same in every run."""
    apart = ("log.txt", "runtime.json", ".lock")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in apart and "cache" not in path.parts
    }


if __name__ == "__main__":
    serve()
