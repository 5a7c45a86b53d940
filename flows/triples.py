"""Enforcement of triplication in the flat netlist: every register bit is three flip-flops, or three times a constant.

Synthesis keeps the names of the copies (qA, qB, qC of `tmr_register`); a bit that never changes may become a
constant, but then in all three copies, to the same value.
"""

import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from codesign.errors import VerificationError
from codesign.flows.netlist import read_module

COPIES = ("qA", "qB", "qC")
MEMORY_COPIES = ("wordsA", "wordsB", "wordsC")
Bit = int | str


@dataclass(frozen=True)
class Triples:
    """Registers found by name, bits that stand three times, and bits that are constant in all copies."""

    registers: int
    protected_bits: int
    constant_bits: int


def check_triples(netlist: Path, top: str) -> Triples:
    """Check every triplicated register of a flat Yosys JSON netlist; `VerificationError` names register and bit."""
    module = read_module(netlist, top)
    outputs = _flip_flop_outputs(module)
    nets: dict[str, dict[str, list[Bit]]] = {}
    for name, net in module["netnames"].items():
        match = re.fullmatch(rf"(.*\.)?({'|'.join(COPIES)})", name)
        if match:
            nets.setdefault(match.group(1) or "", {})[match.group(2)] = net["bits"]
    counts = [_check(name.rstrip("."), copies, outputs) for name, copies in sorted(nets.items())]
    return Triples(len(counts), sum(p for p, _ in counts), sum(c for _, c in counts))


def _flip_flop_outputs(module: dict[str, Any]) -> set[Bit]:
    cells = module["cells"].values()
    return {bit for cell in cells if "DFF" in cell["type"].upper() for bit in cell["connections"].get("Q", [])}


def _check(name: str, copies: dict[str, list[Bit]], outputs: set[Bit]) -> tuple[int, int]:
    if set(copies) != set(COPIES):
        raise VerificationError(f"register {name}: only copies {', '.join(sorted(copies))} are left after synthesis")
    protected = constant = 0
    for index, bits in enumerate(zip(*(copies[copy] for copy in COPIES), strict=True)):
        if len(set(bits)) == 1 and isinstance(bits[0], str):
            constant += 1
        elif len(set(bits)) == len(COPIES) and outputs.issuperset(bits):
            protected += 1
        else:
            raise VerificationError(f"register {name}, bit {index}: its copies are not three flip-flops")
    return protected, constant


def memory_bits(netlist: Path, top: str, *, copies: int) -> int:
    """Return the bits of one copy of all memories of a flat netlist whose memories are not mapped to anything yet.

    Tables, which nothing writes, hold no state and are left out. `copies`: 3 with triplication, else 1.
    `VerificationError` names a memory that does not stand that often.
    """
    found: dict[str, dict[str, int]] = {}
    for name, cell in read_module(netlist, top)["cells"].items():
        if cell["type"].startswith("$mem") and int(cell["parameters"]["WR_PORTS"], 2):
            where, _, copy = str(cell["parameters"]["MEMID"]).rpartition(".")
            size = (int(cell["parameters"][key], 2) for key in ("SIZE", "WIDTH"))
            found.setdefault(where or name, {})[copy] = prod(size)
    for where, parts in found.items():
        if sorted(parts) != sorted(MEMORY_COPIES[:copies]) or len(set(parts.values())) != 1:
            raise VerificationError(f"memory {where}: its copies after synthesis are {', '.join(sorted(parts))}")
    return sum(next(iter(parts.values())) for parts in found.values())
