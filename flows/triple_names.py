"""Which flip-flops are copies of one bit: found by net names whose last part ends in A, B, C (`u.qA`, `u.qB`, `u.qC`).

Where no last part does, another part of the hierarchical name may (`u_regA.q`, `u_regB.q`, `u_regC.q`). Weaker names
find what is left: `q_a`, `q_b`, `q_c`; digits (`q_tmr0` to `2`, or `1` to `3`); inputs `a`, `b`, `c` of a voter
that was a module.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from codesign.flows.flat_netlist import Bit, FlatNetlist
from codesign.verilog_names import LANES

# The names that the register templates give their copies: only there a bit may be a constant in all three.
_REGISTER = re.compile(r"(.*\.)?(triplicated\.q|copy)\?", re.DOTALL)
_SINGLE = "single.qA"
# What may follow: what tools add to registers, and the index of a bit: q[3], q(3), q<3>, q_3_.
_END = r"((?:_reg)?(?:\[-?\d+\]|\(-?\d+\)|<-?\d+>|_\d+_)*)"
_COPY = re.compile(rf"(.*)([ABC]){_END}", re.DOTALL)
# Weaker names, the best first, and what the copies are called.
_WEAK = (
    (re.compile(rf"(.*_)([abc]){_END}", re.DOTALL), "abc"),
    (re.compile(rf"(.*[^\d])([012]){_END}", re.DOTALL), "012"),
    (re.compile(rf"(.*[^\d])([123]){_END}", re.DOTALL), "123"),
    (re.compile(rf"()([abc]){_END}", re.DOTALL), "abc"),
)


@dataclass(frozen=True, slots=True)
class Triple:
    """One protected bit: the name with `?` for the copy, and of each copy the flip-flop and whether it is inverted."""

    name: str
    flip_flops: tuple[int, int, int]
    inverted: tuple[bool, bool, bool]


@dataclass(frozen=True)
class Triples:
    """The triples found, bits that are the same constant in all copies, and faults as (register bit, reason, cells)."""

    triples: tuple[Triple, ...]
    constant_bits: int
    faults: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Names that differ in the letter of the copy alone; `rank` orders them, the best first; `bits` by A, B, C."""

    name: str
    rank: tuple[int, int, int, str]
    offset: int
    bits: Mapping[str, tuple[Bit, ...]]

    @property
    def width(self) -> int:
        return max(map(len, self.bits.values()))

    def label(self, index: int) -> str:
        return self.name if self.width == 1 else f"{self.name}[{self.offset + index}]"


def find_triples(netlist: FlatNetlist, *, weak: bool = False, outer_first: bool = False) -> Triples:
    """Find the copies of every register bit; flip-flops of incomplete, merged or half-constant groups are faults.

    `weak`: by weaker names too. Names that differ in their last part come first, or last with `outer_first`.
    """
    origin = origins(netlist)

    def ranked(pattern: re.Pattern[str], letters: str) -> list[_Group]:
        sign = -1 if outer_first else 1
        found = _groups(netlist, origin, pattern, letters)
        return sorted(found, key=lambda group: (sign * group.rank[0], *group.rank[1:]))

    groups = ranked(_COPY, "".join(LANES))
    taken: set[int] = set()
    triples = list(_take(groups, origin, taken))
    taken |= _alone(netlist, origin)
    for style in _WEAK:
        if weak and len(taken) < len(netlist.flip_flops):
            triples += _take(ranked(*style), origin, taken)
    registers = (bits for group in groups if _is_register(group) for _, bits in _positions(group))
    constant = sum(len(bits) == len(LANES) and _constant(bits) is not None for bits in registers)
    return Triples(tuple(triples), constant, tuple(_faults(groups, origin, taken, netlist)))


def _take(groups: Iterable[_Group], origin: Mapping[int, tuple[int, bool]], taken: set[int]) -> Iterator[Triple]:
    """Yield the triples of `groups` none of whose flip-flops is `taken`, and take them."""
    for group in groups:
        for index, bits in _positions(group):
            found = [origin.get(bit) if isinstance(bit, int) else None for bit in bits]
            if len(bits) == len(LANES) and None not in found:
                a, b, c = (one for one in found if one is not None)
                copies = (a[0], b[0], c[0])
                if len(set(copies)) == len(LANES) and taken.isdisjoint(copies):
                    taken.update(copies)
                    yield Triple(group.label(index), copies, (a[1], b[1], c[1]))


def origins(netlist: FlatNetlist) -> dict[int, tuple[int, bool]]:
    """Return the nets that carry the state of a flip-flop, itself or through buffers and inverters: which, inverted."""
    found = {storage.state: (k, False) for k, storage in enumerate(netlist.flip_flops)}
    for gate in netlist.gates:
        passes = gate.function.passes
        if passes is not None and gate.inputs[0] in found:
            index, inverted = found[gate.inputs[0]]
            found[gate.output] = (index, inverted != bool(passes))
    return found


def _groups(
    netlist: FlatNetlist, origin: Mapping[int, tuple[int, bool]], pattern: re.Pattern[str], letters: str
) -> Iterator[_Group]:
    found: dict[tuple[str, int], dict[str, tuple[Bit, ...]]] = {}
    offsets: dict[tuple[str, int], int] = {}
    for name, (offset, bits) in netlist.names.items():
        # What Yosys makes up ("$auto$maccmap.cc:114:fulladd$7.A") says nothing of copies.
        if "$auto$" in name or (name.startswith("$") and "." not in name):
            continue
        parts = name.split(".")
        for depth, part in enumerate(reversed(parts)):
            match = pattern.fullmatch(part)
            if match:
                at = len(parts) - 1 - depth
                key = ".".join((*parts[:at], f"{match.group(1)}?{match.group(3)}", *parts[at + 1 :]))
                found.setdefault((key, depth), {})[LANES[letters.index(match.group(2))]] = bits
                offsets[key, depth] = offset
    for (name, depth), copies in found.items():
        stored = any(isinstance(bit, str) or bit in origin for bits in copies.values() for bit in bits)
        if stored and len(copies) > 1:
            yield _Group(name, (depth, name.count("."), len(name), name), offsets[name, depth], copies)


def _positions(group: _Group) -> Iterator[tuple[int, tuple[Bit, ...]]]:
    for index in range(group.width):
        yield index, tuple(group.bits[c][index] for c in LANES if c in group.bits and index < len(group.bits[c]))


def _constant(bits: tuple[Bit, ...]) -> str | None:
    return bits[0] if len(set(bits)) == 1 and isinstance(bits[0], str) else None


def _is_register(group: _Group) -> bool:
    return _REGISTER.fullmatch(group.name) is not None


def _faults(
    groups: list[_Group], origin: Mapping[int, tuple[int, bool]], taken: set[int], netlist: FlatNetlist
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield for every flip-flop outside of a triple, once, why the names that it has make no triple."""
    said: set[int] = set()
    for group in groups:
        for index, bits in _positions(group):
            stored = [origin[bit][0] for bit in bits if isinstance(bit, int) and bit in origin]
            new = [k for k in stored if k not in taken and k not in said]
            half = _is_register(group) and any(isinstance(bit, str) for bit in bits) and _constant(bits) is None
            if new or (half and not stored):
                said.update(stored)
                cells = tuple(netlist.flip_flops[k].cell for k in dict.fromkeys(stored))
                yield group.label(index), _reason(group, index, origin), cells


def _alone(netlist: FlatNetlist, origin: Mapping[int, tuple[int, bool]]) -> set[int]:
    """Flip-flops that `tmr_register` holds once, as it was told to: whatever else they are called is chance."""
    names = ((name, bits) for name, (_, bits) in netlist.names.items() if name.endswith(_SINGLE))
    return {origin[bit][0] for _, bits in names for bit in bits if isinstance(bit, int) and bit in origin}


def _reason(group: _Group, index: int, origin: Mapping[int, tuple[int, bool]]) -> str:
    owners: dict[int, list[str]] = {}
    wrong = []
    for copy in LANES:
        bits = group.bits.get(copy, ())
        bit = bits[index] if index < len(bits) else None
        if bit is None:
            wrong.append(f"copy {copy} is missing")
        elif isinstance(bit, str):
            wrong.append(f"copy {copy} is the constant {bit}")
        elif bit not in origin:
            wrong.append(f"copy {copy} is no flip-flop")
        else:
            owners.setdefault(origin[bit][0], []).append(copy)
    wrong += [f"copies {' and '.join(copies)} are one flip-flop" for copies in owners.values() if len(copies) > 1]
    return ", ".join(wrong) or "its flip-flops belong to another register too"
