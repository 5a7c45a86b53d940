"""Options that several commands take, as click declares them, and how a command shows its answer."""

import functools
import json
import math
import pkgutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from codesign.answer import Answer
from codesign.errors import BadInputError
from codesign.options import (
    ARCHITECTURES,
    PLACES,
    ROUNDINGS,
    TMR_MODES,
    WRAPPERS,
    parse_corners,
    parse_cuts,
    parse_engines,
    parse_reuse,
    parse_scale,
    parse_tag,
    parse_tmr,
    parse_tmr_nodes,
)
from codesign.register_map import CONFIG_BUSES

NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
data_option = click.option(
    "--data", type=click.Path(path_type=Path), metavar="PATH[:KEY]", help="Data file; default: the embedded generator."
)
rounding_option = click.option(
    "--rounding", type=click.Choice(ROUNDINGS), help="How charge codes in the data are read."
)
quiet_option = click.option("--quiet", is_flag=True, help="Say nothing on the way, only the result and errors.")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else.")


def answering(function: Callable[..., Answer]) -> Callable[..., None]:
    """Make a command of a function that returns an answer: print its text, or with --json its record, quietly."""

    @_json_option
    @functools.wraps(function)
    def call(*, as_json: bool, quiet: bool, **given: Any) -> None:
        answer = function(quiet=quiet or as_json, **given)
        click.echo(json.dumps(answer.record, indent=1) if as_json else answer.text)
        if answer.exit_code:
            click.get_current_context().exit(answer.exit_code)

    return call


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


def known_design(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """Check the name of a design; `BadInputError` with those that there are."""
    names = design_names()
    if name is not None and name not in names:
        raise BadInputError(f"no design {name!r}: choose one of {', '.join(names)}")
    return name


def _reuse_pairs(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return parse_reuse(texts)


def _corner_files(ctx: click.Context, param: click.Parameter, texts: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    return parse_corners(texts)


def _scale_nodes(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, int] | None:
    return None if text is None else parse_scale(text)


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


FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
OLD_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

design_argument = click.argument("design", callback=known_design)
model_option = click.option("--model", type=FILE, help="Trained model; default: the design's own checkpoint.")
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
wrapper_option = click.option(
    "--wrapper", type=click.Choice(WRAPPERS), default="none", show_default=True,
    help="Emit the design behind AXI4-Stream with back-pressure too, into axis/. docs/packaging.md",
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
liberty_option = click.option("--liberty", type=FILE, help="Liberty file for area and power; default: gate counts.")
corner_option = click.option(
    "--corner", "corners", multiple=True, metavar="NAME=FILE", callback=_corner_files,
    help="Liberty file of another corner of the same cells, for static timing; repeatable. Needs --liberty.",
)  # fmt: skip
scale_option = click.option(
    "--scale", metavar="FROM:TO", callback=_scale_nodes,
    help="Estimate the cell area at another process node, in nm such as 45:65; listed apart. Needs --liberty.",
)  # fmt: skip
place_option = click.option(
    "--place", type=click.Choice(PLACES), help="Place and route as well, for LFE5U-85F-6, with nextpnr. docs/fpga.md"
)
target_option = click.option(
    "--target", type=FILE, help="JSON with parts and libraries of the vendors' projects. docs/vendor_tools.md"
)
vendor_option = click.option(
    "--vendor-report", "vendor_reports", type=FILE, multiple=True,
    help="Report of Vivado, Quartus, Genus, Innovus, LibreLane or nextpnr to take numbers from; repeatable.",
)  # fmt: skip
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
tag_option = click.option(
    "--tag", callback=lambda ctx, param, text: parse_tag(text), help="Name of the run's folder; default: the design's."
)
run_options: tuple[Callable[[Any], Any], ...] = (
    click.option("--from", "first_step", metavar="STEP", help="First step to run; those before it must be there."),
    click.option("--to", "last_step", metavar="STEP", help="Last step to run."),
    click.option("--only", "only_step", metavar="STEP", help="The one step to run."),
    click.option("--overwrite", is_flag=True, help="Run these steps again, even where their results are there."),
)

MODEL = (model_option, weight_bits_option, input_format_option)
DATA = (data_option, rounding_option, drop_option, vectors_option)
_ROWS = (architecture_option, engines_option)
_SCHEDULE = (*_ROWS, technology_option, ii_option, latency_option, area_option, cuts_option)
_TMR = (tmr_option, tmr_node_option, tmr_budget_option, spacing_option)
HARDWARE = (reuse_option, *_TMR, clock_option, bus_option, wrapper_option, *_SCHEDULE)
VENDOR = (place_option, target_option, vendor_option)
PLACE = (output_option, tag_option, quiet_option)
