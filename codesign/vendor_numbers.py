"""What a report of a vendor's tool says, before it enters a report of this project."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from codesign.errors import BadInputError

SectionName = Literal["timing", "area", "fpga", "power"]
VendorKind = Literal["measured", "synthesised", "estimated"]
Numbers = dict[str, tuple[float, str]]


@dataclass(frozen=True)
class VendorNumbers:
    """Numbers of one report: `numbers` maps a name to value and unit; `subject` is the device or block they are for.

    `tool` names the tool with its version, as far as the report does. Timing is "measured" after routing.
    """

    section: SectionName
    tool: str
    subject: str
    method: str
    kind: VendorKind
    numbers: Mapping[str, tuple[float, str]]


@dataclass(frozen=True)
class Format:
    """A kind of report: its name, how the tool is told to write it, a text only it holds, and what reads it."""

    name: str
    written_by: str
    mark: re.Pattern[str]
    read: Callable[[str], VendorNumbers]


def number(text: str) -> float:
    """Read a number as these tools print it, with commas between thousands; `BadInputError` for anything else."""
    plain = text.strip().replace(",", "")
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain) is None:
        raise BadInputError(f"holds {text.strip()!r} where a number is due")
    return float(plain)


def found(pattern: str, text: str, what: str) -> str:
    """Return the first group of `pattern` in `text`; `BadInputError` naming `what` if it is not there."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise BadInputError(f"lacks {what}")
    return match.group(1).strip()


def optional(pattern: str, text: str, otherwise: str = "") -> str:
    """Return the first group of `pattern` in `text`, or `otherwise`."""
    match = re.search(pattern, text, re.MULTILINE)
    return otherwise if match is None else match.group(1).strip()


def frequency(period_ns: float, slack_ns: float) -> Numbers:
    """Return critical path and the frequency that it allows, from a clock period and the worst setup slack in ns."""
    path_ns = period_ns - slack_ns
    if path_ns <= 0:
        raise BadInputError(f"has a slack of {slack_ns:g} ns at a period of {period_ns:g} ns: no path is timed")
    return {"critical path": (path_ns, "ns"), "Fmax": (1e3 / path_ns, "MHz")}
