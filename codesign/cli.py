"""The command line: reads options, calls one function per command, turns every failure into one line and a code.

Exit codes are in `codesign.exits`. What is slow to load is imported inside the commands.
"""

import dataclasses
import functools
import os
import signal
import sys
import traceback as tracebacks
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from codesign import __version__
from codesign.answer import Answer
from codesign.cli_options import (
    DATA,
    HARDWARE,
    MODEL,
    NEW_FOLDER,
    OLD_FOLDER,
    PLACE,
    VENDOR,
    answering,
    architecture_option,
    case_option,
    clock_option,
    constraint_option,
    corner_option,
    cuts_option,
    design_argument,
    known_design,
    liberty_option,
    output_option,
    place_option,
    quiet_option,
    reuse_option,
    run_options,
    scale_option,
    tag_option,
    tmr_option,
)
from codesign.errors import BadInputError
from codesign.exits import EXIT_CODES, TOOL_MISSING, explain
from codesign.inject_options import InjectOptions, inject_options
from codesign.options import RunOptions
from codesign.radiation_commands import check_tmr, upset_rate
from codesign.train.commands import train

_CODES = ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=f"Exit codes: {_CODES}.")
@click.version_option(__version__, prog_name="codesign")
@click.option("--traceback", is_flag=True, help="Show where an error arose, for bug reports.")
def codesign(traceback: bool) -> None:
    """Quantised neural networks to verified, triplicated Verilog."""


@codesign.command()
@quiet_option
@answering
def doctor(quiet: bool) -> Answer:
    """Say which tools are found, in which version, and what each is for."""
    from codesign.flows.doctor import diagnose, missing_tools, status_text

    statuses = diagnose()
    records = [dataclasses.asdict(status) for status in statuses]
    return Answer(status_text(statuses), records, TOOL_MISSING if missing_tools(statuses) else 0)


@codesign.command()
@output_option
@tag_option
@quiet_option
@answering
def demo(**given: Any) -> Answer:
    """Run the ECON-T design end to end on embedded data."""
    from codesign.flows.run import run_demo

    return run_demo(RunOptions("econt", **given))


def design_command(*options: Callable[[Any], Any]) -> Callable[[Callable[[RunOptions], Answer]], None]:
    """Make a command of a function: design, output folder and `options` come as RunOptions, its answer is printed."""

    def register(step: Callable[[RunOptions], Answer]) -> None:
        @functools.wraps(step)
        def call(**given: Any) -> Answer:
            return step(RunOptions(**given))

        decorated: Any = answering(call)
        for option in reversed((design_argument, *options, *PLACE)):
            decorated = option(decorated)
        codesign.command(step.__name__.rstrip("_"))(decorated)

    return register


@design_command(
    *MODEL, *DATA, *HARDWARE, liberty_option, corner_option, *VENDOR, scale_option, constraint_option, *run_options
)
def run(options: RunOptions) -> Answer:
    """Take DESIGN from model to verified Verilog and report."""
    from codesign.flows.run import run_design

    return run_design(options)


@design_command(*MODEL, *DATA)
def check(options: RunOptions) -> Answer:
    """Compare DESIGN's integer graph with its model, value for value; --vectors random inputs and all corners."""
    from codesign.flows.run import check_design

    return check_design(options)


@design_command(*MODEL, *DATA, *HARDWARE)
def compile_(options: RunOptions) -> Answer:
    """Emit the Verilog of DESIGN, nothing more."""
    from codesign.flows.run import compile_design

    return compile_design(options)


def estimate(sweep: bool, **given: Any) -> Answer:
    """Say what DESIGN would take, without synthesis, from formulas that are calibrated on synthesised designs."""
    from codesign.flows.estimate import estimate_design

    return estimate_design(RunOptions(**given, output=Path()), sweep=sweep)


_ESTIMATED: tuple[Callable[[Any], Any], ...] = (
    design_argument,
    *(*MODEL, *DATA, reuse_option, cuts_option, tmr_option, clock_option, architecture_option),
    click.option("--sweep", is_flag=True, help="At every reuse factor that all layers share."),
    quiet_option,
)
codesign.command()(functools.reduce(lambda command, option: option(command), reversed(_ESTIMATED), answering(estimate)))


@design_command(*MODEL, *DATA, *HARDWARE)
def verify(options: RunOptions) -> Answer:
    """Simulate the Verilog of DESIGN and compare it with the integer graph."""
    from codesign.flows.run import verify_design

    return verify_design(options)


@design_command(*MODEL, *DATA, *HARDWARE, liberty_option, place_option)
def synth(options: RunOptions) -> Answer:
    """Synthesise DESIGN and count area and registers."""
    from codesign.flows.run import synthesise_design

    return synthesise_design(options)


@design_command(*MODEL, *DATA, case_option)
def damage(options: RunOptions) -> Answer:
    """Flip every weight bit of DESIGN, one at a time, and rank them by the change of its metric on --vectors events."""
    from codesign.flows.damage import damage_design

    return damage_design(options)


def inject(**given: Any) -> Answer:
    """Flip every register bit and gate of DESIGN, or of a --netlist, in every cycle and say what becomes of it."""
    from codesign.flows.inject import inject as run_campaign

    own = {field.name: given.pop(field.name) for field in dataclasses.fields(InjectOptions)}
    if (given["design"] is None) == (own["netlist"] is None):
        raise BadInputError("inject needs either a design or a --netlist")
    return run_campaign(RunOptions(**given), InjectOptions(**own))


_CAMPAIGN: tuple[Callable[[Any], Any], ...] = (
    click.argument("design", required=False, callback=known_design),
    *(*MODEL, *DATA, *HARDWARE, liberty_option, *inject_options, *PLACE),
)
codesign.command()(functools.reduce(lambda command, option: option(command), reversed(_CAMPAIGN), answering(inject)))


@codesign.command()
@click.argument("folder", type=OLD_FOLDER)
@click.option("--html", "as_page", is_flag=True, help="Write report.html and its figures into FOLDER again.")
@quiet_option
@answering
def report(folder: Path, as_page: bool, quiet: bool) -> Answer:
    """Print the summary of the run whose results are in FOLDER."""
    from codesign.flows.run import show_report, write_report_page

    return write_report_page(folder) if as_page else show_report(folder)


@codesign.command()
@click.argument("folders", nargs=-1, type=NEW_FOLDER)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="METRIC=PERCENT",
    help="Fail with 1 if a metric gets worse by more; METRIC may hold * and ?; repeatable, the last that fits counts.",
)
@quiet_option
@answering
def compare(folders: tuple[Path, ...], thresholds: tuple[str, ...], quiet: bool) -> Answer:
    """Show how the metrics of the runs in FOLDERS differ from those of the first."""
    from codesign.flows.compare import compare as compare_folders

    return compare_folders(folders, thresholds)


codesign.add_command(upset_rate)
codesign.add_command(check_tmr)
codesign.add_command(train)


def execute(arguments: Sequence[str]) -> int:
    """Run the command line `arguments` and return the exit code; every failure is one line on stderr."""
    try:
        with codesign.make_context("codesign", list(arguments)) as ctx:
            codesign.invoke(ctx)
    except click.exceptions.Exit as done:
        return done.exit_code
    except BrokenPipeError:
        return 0  # The reader, such as `head`, has what it wanted.
    except (Exception, KeyboardInterrupt) as error:
        if "--traceback" in arguments:
            tracebacks.print_exc()
        return _fail(error)
    return 0


def _fail(error: BaseException) -> int:
    code, line = explain(error)
    click.echo(f"codesign: {line}", err=True)
    return code


def main() -> None:
    """Entry point of the `codesign` program; without arguments it prints its help."""
    # Ended from outside (a batch system, `timeout`), the tools that were started are ended too, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = execute(sys.argv[1:] or ["--help"])
    try:
        sys.stdout.flush()
    except OSError as error:
        # What is buffered goes nowhere: flushing it at exit would fail a second time, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or _fail(error)
    sys.exit(code)
