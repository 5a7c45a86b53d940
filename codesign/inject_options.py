"""What a user may ask of an upset campaign, as one frozen value, and its options on the command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import click

from codesign.errors import BadInputError

Fault = Literal["registers", "transients", "reset", "clock"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True)
class InjectOptions:
    """Options of a campaign; without `samples` every target is hit in every cycle of the window.

    `samples` are drawn for flip-flops and as many for nodes, with `seed`; `chunk` experiments make one file. With a
    `netlist` (Yosys JSON) of module `top`: its `clocks` and `resets` (ports, or stems of three lanes), the level at
    which these reset, its `errors` outputs, inputs by port from the npz file `stimulus` or random ones for `cycles`
    cycles, and how many cycles every fault is observed for.
    """

    faults: tuple[Fault, ...] = FAULTS
    samples: int | None = None
    seed: int = 1
    chunk: int = 16384
    netlist: Path | None = None
    top: str | None = None
    clocks: tuple[str, ...] = ()
    resets: tuple[str, ...] = ()
    reset_level: int = 1
    errors: tuple[str, ...] = ("tmr_err",)
    stimulus: Path | None = None
    cycles: int = 64
    horizon: int = 32

    def __post_init__(self) -> None:
        if self.netlist is None and (self.top or self.clocks or self.resets or self.stimulus):
            raise BadInputError("--top, --clock, --reset and --stimulus describe a --netlist: give one, or no design")
        if self.netlist is not None and self.top is None:
            raise BadInputError("--netlist needs --top, the module to inject into")


_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_COUNT = click.IntRange(min=1)
inject_options: tuple[Any, ...] = (
    click.option(
        "--faults", multiple=True, type=click.Choice(FAULTS), default=FAULTS, show_default=True,
        help="Kinds of faults; repeatable.",
    ),
    click.option("--samples", type=_COUNT, help="Draw so many of flip-flops, and of nodes; default: all of them."),
    click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of what is drawn."),
    click.option("--chunk", type=_COUNT, default=16384, show_default=True, help="Experiments in one file of results."),
    click.option("--netlist", type=_FILE, help="Yosys JSON netlist to inject into, in place of a design."),
    click.option("--top", help="Module of the netlist."),
    click.option("--clock", "clocks", multiple=True, help="Clock port of the netlist; default: found. Repeatable."),
    click.option("--reset", "resets", multiple=True, help="Reset port, or stem of rstA, rstB, rstC; repeatable."),
    click.option("--reset-level", type=click.IntRange(0, 1), default=1, show_default=True, help="Level that resets."),
    click.option(
        "--error", "errors", multiple=True, default=("tmr_err",), show_default=True,
        help="Output that flags or counts corrected upsets; repeatable.",
    ),
    click.option("--stimulus", type=_FILE, help="Npz file of input ports by cycle; default: random values."),
    click.option("--cycles", type=_COUNT, default=64, show_default=True, help="Cycles with random values to hit."),
    click.option(
        "--horizon", type=click.IntRange(1, 65_535), default=32, show_default=True,
        help="Cycles that a fault in a netlist is observed for.",
    ),
)  # fmt: skip
