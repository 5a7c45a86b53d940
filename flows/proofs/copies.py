"""The stored bits of a flat Yosys netlist, found by the names of their copies, and upsets of them.

The netlist comes from Yosys JSON before any optimisation, so each register of the source is one cell `$dff`, under the
name it has in `tmr_register`, `tmr_register_full`, `tmr_memory` or `tmr_memory_full` (a word of a memory is one too).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codesign.errors import VerificationError
from codesign.flows.proofs.edit import Editor, Module
from codesign.verilog_names import LANES

REGISTER, READ, WORD = "register", "read", "word"

# <instance>.<block of the form>.<copy>: the blocks tell the forms apart, the instance is the same in all of them.
# Yosys adds a block genblk1 to the second and third branch of an if in a generate block.
_NAME = re.compile(
    r"(?P<path>.*?)(?:^|\.)(?:(?:genblk\d+\.)*(?:single|triplicated|triplicated_voters\.copies)\.)?"
    r"(?P<leaf>q|copy|read|words)(?P<lane>[ABC])(?:\[(?P<word>\d+)\])?"
)
_KINDS = {"q": REGISTER, "copy": REGISTER, "read": READ, "words": WORD}


@dataclass(frozen=True, order=True)
class Place:
    """What is stored: the instance, whether it is a register, the read register or a word of a memory, and which."""

    path: str
    kind: str
    word: int = 0


@dataclass(frozen=True)
class Stored:
    """One copy of a place: its lane, the flip-flop cell, and the nets of its bits."""

    place: Place
    lane: str
    cell: str
    bits: tuple[Any, ...]


def stored(module: Module) -> dict[Place, dict[str, Stored]]:
    """Return every copy of every stored word of a flat module, by place and lane.

    `VerificationError` names a flip-flop whose name is not that of a copy: it is state that no proof would cover.
    """
    found: dict[Place, dict[str, Stored]] = {}
    for one in _all_stored(module):
        lanes = found.setdefault(one.place, {})
        if one.lane in lanes:
            raise VerificationError(f"copy {one.lane} of {one.place.path or 'the register'} stands twice")
        lanes[one.lane] = one
    return dict(sorted(found.items()))


def _all_stored(module: Module) -> Iterator[Stored]:
    names = _copy_names(module)
    for name, cell in module["cells"].items():
        if not _holds_state(cell["type"]):
            continue
        bits = tuple(cell["connections"].get("Q", ()))
        if cell["type"] != "$dff" or bits not in names:
            raise VerificationError(f"cell {name} ({cell['type']}) is state outside of the triplicated register")
        match = names[bits]
        place = Place(match["path"], _KINDS[match["leaf"]], int(match["word"] or 0))
        yield Stored(place, match["lane"], name, bits)


def _copy_names(module: Module) -> Mapping[tuple[Any, ...], re.Match[str]]:
    public = ((name, net) for name, net in module["netnames"].items() if not net.get("hide_name"))
    matched = ((_NAME.fullmatch(name), tuple(net["bits"])) for name, net in public)
    return {bits: match for match, bits in matched if match}


def _holds_state(kind: str) -> bool:
    return re.search(r"ff|latch|^\$mem|^\$sr|^\$_SR", kind, re.IGNORECASE) is not None


def check_same_words(
    once: Mapping[Place, Mapping[str, Stored]],
    thrice: Mapping[Place, Mapping[str, Stored]],
    golden: Sequence[str] = ("A",),
) -> None:
    """`VerificationError` unless both store the same words, in copies `golden` and in three copies."""
    if once.keys() != thrice.keys():
        place = min(once.keys() ^ thrice.keys())
        raise VerificationError(f"{place.path or 'the top'}: {place.kind} {place.word} is stored in one design only")
    for place, lanes in thrice.items():
        widths = {len(one.bits) for one in lanes.values()} | {len(one.bits) for one in once[place].values()}
        if set(lanes) != set(LANES) or set(once[place]) != set(golden) or len(widths) != 1:
            found = f"copies {', '.join(sorted(lanes))} beside golden {', '.join(sorted(once[place]))}"
            needed = f"A, B, C beside {', '.join(golden)}, of one width"
            raise VerificationError(f"{place.path or 'the top'}: {found}, not {needed}")


def with_upsets(module: Module, copies: Mapping[str, Stored]) -> Editor:
    """Return `module` with an input port of each name that inverts the next state of that copy, bit by bit.

    The next state before the upset becomes the output port <name>_next.
    """
    editor = Editor(module)
    for name, one in copies.items():
        connections = editor.cells[one.cell]["connections"]
        editor.port("output", f"{name}_next", connections["D"])
        connections["D"] = editor.gate("$xor", connections["D"], editor.input(name, len(one.bits)))
    return editor
