"""The commands over the flow of a design; each runs some of its steps in the folder of the run."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from codesign.answer import Answer
from codesign.errors import BadInputError
from codesign.files import read_json
from codesign.flows.corners import check_corners
from codesign.flows.design import Bound, Design
from codesign.flows.flow import EQUALITY_TEXT, EXACTNESS, FLOW, MANIFEST, PLACED_TEXT, RTL, SYNTHESIS_TEXT
from codesign.flows.liberty import read_liberty, require_mappable
from codesign.flows.place_ecp5 import tool_version as nextpnr_version
from codesign.flows.planning import estimate_text
from codesign.flows.runner import METRICS_JSON, Run, chosen_steps, open_run, report_of
from codesign.flows.scaling import require_nodes
from codesign.flows.upset_rate import RESULT as RATE_RESULT
from codesign.flows.upset_rate import rate_text
from codesign.flows.vendor_reports import read_vendor_reports
from codesign.options import RunOptions
from codesign.page.files import PAGE
from codesign.page.render import write_page
from codesign.report import parse_constraints, render_text
from codesign.report_text import columns, heading
from codesign.target import read_target

DEMO = "demo"


def load_design(name: str) -> Design:
    """Return the design of `flows/designs/<name>.py`."""
    design: Design = importlib.import_module(f"codesign.flows.designs.{name}").DESIGN
    return design


def run_demo(options: RunOptions) -> Answer:
    """Run the ECON-T encoder end to end on embedded data."""
    return run_design(replace(options, tag=options.tag or DEMO))


def run_design(options: RunOptions, design: Design | None = None) -> Answer:
    """Run the steps that are asked for and return the summary, ending with the path of the report."""
    parse_constraints(options.constraints)
    steps = [step.name for step in chosen_steps(FLOW, options)]
    with opened(options, design) as run:
        run.run(chosen_steps(FLOW, options))
        if steps[-1] != FLOW[-1].name:
            return _answer(run, f"{run.folder(steps[-1]).path}")
        write_page(run.path)
        return _answer(run, f"{_report_text(run.path)}\nreport: {run.path / PAGE}")


def check_design(options: RunOptions) -> Answer:
    """Compare the integer graph with the model on corners and random inputs."""
    asked = replace(options, vectors=None, check_vectors=options.vectors or options.check_vectors)
    with opened(asked) as run:
        run.run(_steps("bind"))
        if run.bind().check is None:
            raise BadInputError(f"design '{options.design}' has no model to check against; use `codesign verify`")
        run.run(_steps("bind", "check"))
        return _answer(run, read_json(run.folder("check").path / EXACTNESS)["text"])


def compile_design(options: RunOptions, design: Design | None = None) -> Answer:
    """Emit the Verilog."""
    with opened(options, design) as run:
        run.run(_steps("bind", "compile"))
        folder = run.folder("compile").path
        manifest = read_json(folder / MANIFEST)
        return _answer(
            run,
            f"{manifest['top']}: latency {manifest['latency_cycles']} cycles, initiation interval "
            f"{manifest['ii_cycles']}, {manifest['register_bits']} register bits\n"
            f"{estimate_text(manifest)}{folder / RTL}",
        )


def verify_design(options: RunOptions, design: Design | None = None) -> Answer:
    """Emit, simulate and compare."""
    with opened(options, design) as run:
        run.run(_steps("bind", "compile", "verify"))
        return _answer(run, _text(run.folder("verify").path / EQUALITY_TEXT))


def synthesise_design(options: RunOptions) -> Answer:
    """Emit and synthesise."""
    with opened(options) as run:
        run.run(_steps("bind", "compile", "synthesis", *(["place"] if options.place else [])))
        text = _text(run.folder("synthesis").path / SYNTHESIS_TEXT)
        placed = f"\n{_text(run.folder('place').path / PLACED_TEXT)}" if options.place else ""
        return _answer(run, text + placed)


@contextmanager
def opened(options: RunOptions, design: Design | None = None) -> Iterator[Run]:
    """Take the folder of the run; what is needed only at the end is read first, so that a mistake costs seconds.

    Without a `design` it is the one of that name that comes with the package.
    """
    if options.liberty is not None:
        require_mappable(read_liberty(options.liberty), str(options.liberty))
        check_corners(dict(options.corners), options.liberty)
    elif options.corners or options.scale:
        raise BadInputError("--corner and --scale need --liberty: the library that the design is mapped to")
    if options.scale is not None:
        require_nodes(*options.scale)
    if options.place is not None:
        nextpnr_version()
    read_target(options.target)
    read_vendor_reports(options.vendor_reports)
    with open_run(FLOW, options, design or load_design(options.design)) as run:
        yield run


def compiled(run: Run) -> tuple[Bound, dict[str, Any], Path]:
    """Emit the design for a command of its own; return it bound, its manifest and the folder of its Verilog."""
    run.run(_steps("bind", "compile"))
    folder = run.folder("compile").path
    return run.bind(), read_json(folder / MANIFEST), folder / RTL


def show_report(folder: Path) -> Answer:
    """Return the summary of an earlier run, with its upset campaign and failures per chip if there are any."""
    rate, upsets = folder / RATE_RESULT, folder / "inject" / "seu.txt"
    rates = rate_text(read_json(rate)) if rate.exists() else ""
    text = _report_text(folder) + (_text(upsets) if upsets.exists() else "") + rates
    return Answer(text, read_json(folder / METRICS_JSON))


def write_report_page(folder: Path) -> Answer:
    """Write the page of an earlier run again, with what other commands have left in its folder since."""
    path = write_page(folder)
    return Answer(str(path), {"page": str(path)})


def _report_text(folder: Path) -> str:
    """The report, and how long each step took when it ran: times are no part of it, since no two runs have the same."""
    steps = sorted(folder.glob("[0-9][0-9]-*/runtime.json"))
    times = [[path.parent.name, f"{read_json(path)['wall_s']:.1f}", "s"] for path in steps]
    return "\n".join([render_text(report_of(folder)).rstrip("\n"), *heading("Wall time", columns(times))]) + "\n"


def _steps(*names: str) -> Any:
    return tuple(step for step in FLOW if step.name in names)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").rstrip("\n")


def _answer(run: Run, text: str) -> Answer:
    return Answer(text, {"folder": str(run.path), "metrics": read_json(run.path / METRICS_JSON)})
