"""What a user may ask of a run, as one frozen value; None means: as the design says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from codesign.data.codes import Rounding
from codesign.errors import BadInputError
from codesign.fixed import Fixed

TmrMode = Literal["registers", "none"]
TMR_MODES: tuple[TmrMode, ...] = get_args(TmrMode)


@dataclass(frozen=True)
class RunOptions:
    """Options of one run of a design.

    `reuse` holds (node, reuse factor) pairs, each node once. `constraints` are texts such as
    "latency <= 100 ns" that replace the design's own when there is at least one. `weight_bits` quantises layers
    with float weights, which is refused otherwise. `input_format` puts the model's first quantiser into the
    hardware, behind a port of that format. `rounding` says how floating charge codes in the data are read.
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
    input_format: Fixed | None = None
    rounding: Rounding | None = None


def parse_reuse(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Read "NODE=R" texts into (node, reuse factor) pairs; `BadInputError` names the text that is wrong.

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


def parse_format(text: str) -> Fixed:
    """Read a format such as "u8.7" (unsigned, 8 bits, 7 of them behind the binary point) or "s11"."""
    match = re.fullmatch(r"([us])(\d{1,3})(?:\.(\d{1,3}))?", text.strip())
    if not match:
        raise BadInputError(f"--input-format {text!r} must be like u8.7 (unsigned, 8 bits, 7 fraction bits) or s11")
    sign, width, frac = match.groups()
    return Fixed(int(width), int(frac or 0), signed=sign == "s")
