"""The command line: reads options, calls one function per command, turns every failure into one line and a code.

Exit codes: 0 ok, 1 verification failed, 2 bad input, 3 tool missing, 4 tool failed, 70 internal error, 130 interrupted.
What is slow to load is imported inside the commands.
"""

import dataclasses
import functools
import json
import math
import os
import pkgutil
import signal
import sys
import traceback as tracebacks
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from codesign import __version__
from codesign.cli_options import NEW_FOLDER, data_option, rounding_option
from codesign.errors import BadInputError
from codesign.exits import TOOL_MISSING, explain
from codesign.inject_options import InjectOptions, inject_options
from codesign.options import (
    ARCHITECTURES,
    TMR_MODES,
    RunOptions,
    parse_cuts,
    parse_engines,
    parse_reuse,
    parse_tmr,
    parse_tmr_nodes,
)
from codesign.radiation_commands import check_tmr, upset_rate
from codesign.register_map import CONFIG_BUSES
from codesign.train.commands import train


class PositiveNumber(click.ParamType[float]):
    """A finite number above zero."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read `value`; a usage error if it is no number, not finite or not positive."""
        try:
            number = float(str(value))
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            self.fail(f"must be a finite number above 0, not {value}", param, ctx)
        return number


def design_names() -> tuple[str, ...]:
    """Names of the designs that come with the package, sorted: one module each in `flows/designs`."""
    from codesign.flows import designs

    return tuple(sorted(found.name for found in pkgutil.iter_modules(designs.__path__)))


def _known_design(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    names = design_names()
    if name is not None and name not in names:
        raise BadInputError(f"no design {name!r}: choose one of {', '.join(names)}")
    return name


def _reuse_pairs(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return parse_reuse(texts)


def _cut_pairs(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return parse_cuts(texts)


def _engine_pairs(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    return parse_engines(texts)


def _known_mode(ctx: click.Context, param: click.Parameter, text: str) -> str:
    return parse_tmr(text)


def _node_modes(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return parse_tmr_nodes(texts)


def _known_technology(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    if name is not None:
        from codesign.delay import technology

        technology(name)  # an error that lists the names
    return name


_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_OLD_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

design_argument = click.argument("design", callback=_known_design)
model_option = click.option("--model", type=_FILE, help="Trained model; default: the design's own checkpoint.")
reuse_option = click.option(
    "--reuse",
    multiple=True,
    metavar="NODE=R",
    callback=_reuse_pairs,
    help="Reuse factor of a node, or of all: '*=R'; repeatable.",
)
tmr_option = click.option(
    "--tmr", default="registers", show_default=True, metavar="MODE", callback=_known_mode,
    help=f"What is triplicated: {', '.join(TMR_MODES)} or selective:FILE with a campaign's ranking. docs/radiation.md",
)  # fmt: skip
tmr_node_option = click.option(
    "--tmr-node", "tmr_nodes", multiple=True, metavar="NODE=MODE", callback=_node_modes,
    help="Another mode of triplication for a node; repeatable.",
)  # fmt: skip
tmr_budget_option = click.option(
    "--tmr-budget", type=click.IntRange(min=1), metavar="BITS",
    help="Register bits that --tmr selective:FILE may triplicate.",
)  # fmt: skip
spacing_option = click.option(
    "--copy-spacing-um", type=PositiveNumber(), metavar="UM",
    help="Least distance of copies of a bit, for the constraint files; default: groups without a distance.",
)  # fmt: skip
clock_option = click.option("--clock-ns", type=PositiveNumber(), help="Clock period in ns; default: the design's.")
technology_option = click.option(
    "--technology",
    metavar="NAME",
    callback=_known_technology,
    help="xcup, nangate45, osu018 or sky130hd: choose reuse factors and registers for it, of least area at the clock.",
)
cuts_option = click.option(
    "--cuts", "inner_cuts", multiple=True, metavar="NODE=N", callback=_cut_pairs,
    help="Pipeline cuts inside the shared adders of a node; repeatable.",
)  # fmt: skip
architecture_option = click.option(
    "--architecture", type=click.Choice(ARCHITECTURES),
    help="How rows (nodes, edges) are worked on; default: the design's. docs/graph_networks.md",
)  # fmt: skip
engines_option = click.option(
    "--engines", multiple=True, metavar="ROWS=P", callback=_engine_pairs,
    help="Engines that work on a set of ROWS rows, for an architecture with engines; repeatable.",
)  # fmt: skip
bus_option = click.option(
    "--config-bus", type=click.Choice(CONFIG_BUSES), default="bytes", show_default=True,
    help="How programmable parameters are reached: a port of bytes, I2C or APB.",
)  # fmt: skip
ii_option = click.option(
    "--ii", "ii_cycles", type=click.IntRange(min=1), metavar="N",
    help="Longest initiation interval in cycles; default: what the given reuse factors need. Needs --technology.",
)  # fmt: skip
latency_option = click.option(
    "--latency", "latency_cycles", type=click.IntRange(min=1), metavar="N",
    help="Longest latency in cycles. Needs --technology.",
)  # fmt: skip
area_option = click.option(
    "--area-budget", type=PositiveNumber(), metavar="AREA",
    help="Largest estimated area, LUTs or um2: then the shortest latency is chosen. Needs --technology.",
)  # fmt: skip
liberty_option = click.option("--liberty", type=_FILE, help="Liberty file for area and power; default: gate counts.")
vectors_option = click.option("--vectors", type=click.IntRange(min=1), help="Number of vectors; default: the design's.")
output_option = click.option(
    "--output", type=NEW_FOLDER, default=Path("runs"), show_default=True, help="Folder for the results."
)
constraint_option = click.option(
    "--constraint", "constraints", multiple=True, metavar="TEXT", help='Such as "latency <= 100 ns"; repeatable.'
)


weight_bits_option = click.option(
    "--weight-bits", type=click.IntRange(2, 32), help="Quantise float weights to this width; refused otherwise."
)
input_format_option = click.option(
    "--input-format",
    help="Port format such as u8.7, with the model's first quantiser in hardware; default: its integers.",
)
drop_option = click.option(
    "--drop-bits", type=click.IntRange(0, 16), help="Low bits that charge codes in the data lack."
)
case_option = click.option("--case", metavar="NAME", help="Weight set of a design with several; default: the first.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="codesign")
@click.option("--traceback", is_flag=True, help="Show where an error arose, for bug reports.")
def codesign(traceback: bool) -> None:
    """Quantised neural networks to verified, triplicated Verilog."""


@codesign.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say which tools are found, in which version, and what each is for."""
    from rich.console import Console
    from rich.table import Table

    from codesign.flows.doctor import diagnose, missing_tools

    statuses = diagnose()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(status) for status in statuses], indent=1))
    else:
        table = Table("tool", "version", "state", "needed for")
        for status in statuses:
            table.add_row(status.name, status.version or "-", status.state, status.needed_for)
        Console(markup=False).print(table)
        for status in statuses:
            if status.version is None:
                click.echo(f"{status.name} is {status.state}: {status.remedy}")
    if missing_tools(statuses):
        ctx.exit(TOOL_MISSING)


@codesign.command()
@click.option("--output", type=NEW_FOLDER, default=Path("runs/demo"), show_default=True, help="Folder for the results.")
def demo(output: Path) -> None:
    """Run the ECON-T design end to end on embedded data."""
    from codesign.flows.run import run_demo

    click.echo(run_demo(output))


_MODEL = (model_option, weight_bits_option, input_format_option)
_DATA = (data_option, rounding_option, drop_option, vectors_option)
_ROWS = (architecture_option, engines_option)
_SCHEDULE = (*_ROWS, technology_option, ii_option, latency_option, area_option, cuts_option)
_TMR = (tmr_option, tmr_node_option, tmr_budget_option, spacing_option)
_HARDWARE = (reuse_option, *_TMR, clock_option, bus_option, *_SCHEDULE)


def design_command(*options: Callable[[Any], Any]) -> Callable[[Callable[[RunOptions], str]], None]:
    """Make a command of a function: design, output folder and `options` come as RunOptions, its text is printed."""

    def register(step: Callable[[RunOptions], str]) -> None:
        @functools.wraps(step)
        def call(**given: Any) -> None:
            click.echo(step(RunOptions(**given)))

        decorated: Any = call
        for option in reversed((design_argument, *options, output_option)):
            decorated = option(decorated)
        codesign.command(step.__name__.rstrip("_"))(decorated)

    return register


@design_command(*_MODEL, *_DATA, *_HARDWARE, liberty_option, constraint_option)
def run(options: RunOptions) -> str:
    """Take DESIGN from model to verified Verilog and report."""
    from codesign.flows.run import run_design

    return run_design(options)


@design_command(*_MODEL, *_DATA)
def check(options: RunOptions) -> str:
    """Compare DESIGN's integer graph with its model, value for value; --vectors random inputs and all corners."""
    from codesign.flows.run import check_design

    return check_design(options)


@design_command(*_MODEL, *_DATA, *_HARDWARE)
def compile_(options: RunOptions) -> str:
    """Emit the Verilog of DESIGN, nothing more."""
    from codesign.flows.run import compile_design

    return compile_design(options)


@design_command(*_MODEL, *_DATA, *_HARDWARE)
def verify(options: RunOptions) -> str:
    """Simulate the Verilog of DESIGN and compare it with the integer graph."""
    from codesign.flows.run import verify_design

    return verify_design(options)


@design_command(*_MODEL, *_DATA, *_HARDWARE, liberty_option)
def synth(options: RunOptions) -> str:
    """Synthesise DESIGN and count area and registers."""
    from codesign.flows.run import synthesise_design

    return synthesise_design(options)


@design_command(*_MODEL, *_DATA, case_option)
def damage(options: RunOptions) -> str:
    """Flip every weight bit of DESIGN, one at a time, and rank them by the change of its metric on --vectors events."""
    from codesign.flows.damage import damage_design

    return damage_design(options)


def inject(**given: Any) -> None:
    """Flip every register bit and gate of DESIGN, or of a --netlist, in every cycle and say what becomes of it."""
    from codesign.flows.inject import inject as run_campaign

    own = {field.name: given.pop(field.name) for field in dataclasses.fields(InjectOptions)}
    if (given["design"] is None) == (own["netlist"] is None):
        raise BadInputError("inject needs either a design or a --netlist")
    click.echo(run_campaign(RunOptions(**given), InjectOptions(**own)))


_CAMPAIGN: tuple[Callable[[Any], Any], ...] = (
    click.argument("design", required=False, callback=_known_design),
    *(*_MODEL, *_DATA, *_HARDWARE, liberty_option, *inject_options, output_option),
)
codesign.command()(functools.reduce(lambda command, option: option(command), reversed(_CAMPAIGN), inject))


@codesign.command()
@click.argument("folder", type=_OLD_FOLDER)
def report(folder: Path) -> None:
    """Print the summary of the run whose results are in FOLDER."""
    from codesign.flows.run import show_report

    click.echo(show_report(folder))


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
