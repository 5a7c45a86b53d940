"""The command `codesign upset-rate`; what is slow to load is imported inside of it."""

from pathlib import Path
from typing import Any

import click

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
def upset_rate(
    folder: Path,
    cross_section_cm2: float,
    flux_per_cm2_s: float,
    live_s: float,
    **given: Any,
) -> None:
    """Say how many failures a chip of the run in FOLDER has in its live time; needs `codesign inject` before."""
    from codesign.flows.upset_rate import RateOptions, rate_of_run
    from codesign.upset_rate import Radiation

    radiation = Radiation(cross_section_cm2, flux_per_cm2_s, live_s)
    click.echo(rate_of_run(folder, RateOptions(radiation, **given)))
