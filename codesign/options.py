"""What a user may ask of a run, as one frozen value; None means: as the design says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from codesign.errors import BadInputError

TmrMode = Literal["registers", "none"]
TMR_MODES: tuple[TmrMode, ...] = get_args(TmrMode)
Rounding = Literal["truncate", "half", "half-nonzero"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)


@dataclass(frozen=True)
class RunOptions:
    """Options of one run of a design.

    `reuse` holds (node, reuse factor) pairs, each node once; node "*" stands for all others that can be reused.
    `constraints` are texts such as "latency <= 100 ns" that replace the design's own when there is at least one.
    `weight_bits` quantises layers with float weights, which is refused otherwise. `input_format` puts the model's
    first quantiser into the hardware, behind a port of that format ("u8.7"). `rounding` and `drop_bits` say how
    floating charge codes in the data are read.
    """

    design: str
    output: Path
    model: Path | None = None
    data: Path | None = None
    liberty: Path | None = None
    reuse: tuple[tuple[str, int], ...] = ()
    tmr: TmrMode = "registers"
    clock_ns: float | None = None
    vectors: int | None = None
    constraints: tuple[str, ...] = ()
    weight_bits: int | None = None
    input_format: str | None = None
    rounding: Rounding | None = None
    drop_bits: int | None = None


def parse_reuse(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Read "NODE=R" texts into (node, reuse factor) pairs; `BadInputError` names the text that is wrong.

    NODE "*" gives every other node that can be reused one factor.
    Whether the node exists and R is legal for it is for the schedule to say, which knows the graph.
    """
    pairs = tuple(_parse_pair(text) for text in texts)
    nodes = [node for node, _ in pairs]
    repeated = sorted({node for node in nodes if nodes.count(node) > 1})
    if repeated:
        raise BadInputError(f"--reuse names {', '.join(repeated)} more than once: give each node one reuse factor")
    return pairs


def _parse_pair(text: str) -> tuple[str, int]:
    node, equals, factor = (part.strip() for part in text.partition("="))
    if not node or not equals:
        raise BadInputError(f"--reuse {text!r} must be NODE=R, for example --reuse conv=4")
    if not (factor.isascii() and factor.isdigit() and len(factor) < 10 and int(factor) > 0):
        raise BadInputError(f"--reuse {text!r}: the reuse factor must be a whole number from 1, not {factor!r}")
    return node, int(factor)
