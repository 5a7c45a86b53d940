"""The commands `codesign upset-rate` and `check-tmr`; what is slow to load is imported inside of them."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from codesign.answer import Answer
from codesign.cli_options import answering, quiet_option
from codesign.errors import BadInputError, VerificationError
from codesign.options import SELECTIVE, TMR_MODES

SECONDS_OF_YEAR = 365.25 * 86400
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_CYCLES = click.IntRange(min=1)


@click.command("upset-rate")
@click.argument("folder", type=_FOLDER)
@click.option("--cross-section-cm2", type=float, required=True, help="Of one bit (one copy), in cm2.")
@click.option("--flux-per-cm2-s", type=float, required=True, help="Particles per cm2 and second.")
@click.option(
    "--live-seconds", "live_s", type=float, default=SECONDS_OF_YEAR, show_default=True, help="Default: 365.25 days."
)
@click.option("--healing-cycles", type=_CYCLES, default=1, show_default=True, help="Registers are corrected so often.")
@click.option("--gated-cycles", type=_CYCLES, help="The same while the clock is gated.")
@click.option("--gated-fraction", type=click.FloatRange(0, 1), default=0.0, help="Fraction of time with gated clock.")
@click.option("--memory-healing-cycles", type=_CYCLES, help="Of memory words; default: the latency.")
@click.option(
    "--transients",
    multiple=True,
    metavar="NAME=CM2[*COUNT]",
    help="Cross-section of single points, such as clock=2e-10*40 or voter=1e-12; repeatable. Names, numbers of nodes "
    "and probabilities: those of the campaign.",
)
@click.option("--confidence", type=click.FloatRange(0.5, 0.9999), default=0.95, show_default=True)
@quiet_option
@answering
def upset_rate(
    folder: Path,
    cross_section_cm2: float,
    flux_per_cm2_s: float,
    live_s: float,
    quiet: bool,
    **given: Any,
) -> Answer:
    """Say how many failures a chip of the run in FOLDER has in its live time; needs `codesign inject` before."""
    from codesign.flows.upset_rate import RateOptions, rate_of_run
    from codesign.upset_rate import Radiation

    radiation = Radiation(cross_section_cm2, flux_per_cm2_s, live_s)
    return rate_of_run(folder, RateOptions(radiation, **given))


TMR_CHECKS = (*TMR_MODES, SELECTIVE)


@click.command("check-tmr")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--top", metavar="MODULE", help="Top module of a netlist; default: the one marked so.")
@click.option("--mode", type=click.Choice(TMR_CHECKS), help="What is required; default: the manifest's, or registers.")
@click.option(
    "--except", "exceptions", multiple=True, metavar="PREFIX=MODE",
    help="Registers and outputs whose name starts with PREFIX need only MODE; repeatable.",
)  # fmt: skip
@click.option(
    "--counter", "counters", multiple=True, metavar="PREFIX",
    help="Registers whose name starts with PREFIX count errors, and may load what one copy changes; repeatable.",
)  # fmt: skip
@click.option("--expected-bits", type=click.IntRange(min=0), help="How many bits must stand three times.")
@click.option("--error-output", default="tmr_err", show_default=True, help="Output that is high while a copy differs.")
@click.option(
    "--constant", "constants", multiple=True, metavar="PORT=VALUE",
    help="An input that holds VALUE while the chip runs, such as scan_en=0; repeatable.",
)  # fmt: skip
@click.option("--require-error-output", is_flag=True, help="A missing error output is a violation.")
@click.option(
    "--liberty", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Liberty file whose cells are in the netlist, or that a folder is mapped to.",
)  # fmt: skip
@click.option(
    "--work", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/check-tmr"), show_default=True,
    help="Folder for what has to be synthesised first.",
)  # fmt: skip
@quiet_option
@answering
def check_tmr(path: Path, liberty: Path | None, top: str | None, work: Path, quiet: bool, **given: Any) -> Answer:
    """Prove triplication in PATH: a netlist (Yosys JSON or Verilog) or emitted Verilog. Exit code 1 if broken."""
    from codesign.flows.check_tmr import check_path, manifest_requirement, requirement_for

    mode, bits = given["mode"], given["expected_bits"]
    promised = manifest_requirement(path) if mode is None else requirement_for(mode)
    requirement = dataclasses.replace(
        promised,
        exceptions={**promised.exceptions, **_exceptions(given["exceptions"])},
        counters=(*promised.counters, *given["counters"]),
        protected_bits=promised.protected_bits if bits is None else bits,
        error_output=given["error_output"],
        constants=_constants(given["constants"]),
        error_output_required=promised.error_output_required or given["require_error_output"],
    )
    report = check_path(path, top, requirement, liberty, work)
    return Answer(report.text, dataclasses.asdict(report), VerificationError.exit_code if report.violations else 0)


def _exceptions(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(text.rpartition("=")[::2] for text in texts)
    if "" in pairs or len(pairs) < len(texts):
        raise BadInputError(f"--except {' '.join(texts)}: give each once as PREFIX=MODE, for example u_fifo=none")
    return pairs


def _constants(texts: tuple[str, ...]) -> dict[str, int]:
    pairs = dict(text.rpartition("=")[::2] for text in texts)
    if "" in pairs or len(pairs) < len(texts) or not all(value.isdecimal() for value in pairs.values()):
        raise BadInputError(f"--constant {' '.join(texts)}: give each once as PORT=VALUE, for example scan_en=0")
    return {port: int(value) for port, value in pairs.items()}
