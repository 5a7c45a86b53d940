"""The check of triplication after synthesis: a flat netlist against the mode that was asked for.

Read `docs/radiation.md` for the rules. `check_netlist` returns all that it found; `require` turns it into an error.
"""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codesign.errors import VerificationError
from codesign.flows.flat_netlist import FlatNetlist, flat_netlist
from codesign.flows.liberty import Library
from codesign.flows.netlist import read_module
from codesign.flows.tmr_lanes import (
    fan_outs,
    find_lanes,
    gates_that_matter,
    private_voters,
    reaches_itself,
    returns,
    shared_clocks,
    shared_gates,
    shared_resets,
    unvoted_outputs,
)
from codesign.flows.tmr_rules import LEVELS, Requirement, Violation
from codesign.flows.tmr_symbolic import Symbolic, clock_nets, memory_groups, symbolic
from codesign.flows.tmr_upsets import (
    ErrorOutput,
    check_memories,
    difference_violations,
    error_ports,
    lane_outputs,
    masking_violations,
    quiet_violations,
)
from codesign.flows.triple_names import Triple, Triples, find_triples
from codesign.single_points import single_points
from codesign.verilog_names import LANES

LISTED = 100  # violations in the text


@dataclass(frozen=True, slots=True)
class TripleFound:
    """One protected bit and the highest mode that it satisfies."""

    name: str
    level: str


@dataclass(frozen=True)
class TmrReport:
    """What the check found. `remains` says in words what stays unprotected or unproven though the mode is met."""

    top: str
    mode: str
    flip_flops: int
    protected_bits: int
    constant_bits: int
    unprotected_bits: int
    memory_bits: int
    triples: tuple[TripleFound, ...]
    violations: tuple[Violation, ...]
    remains: tuple[str, ...]

    @property
    def levels(self) -> dict[str, int]:
        """Number of protected bits by the mode that they satisfy."""
        counts = Counter(triple.level for triple in self.triples)
        return {level: counts[level] for level in LEVELS if counts[level]}

    @property
    def text(self) -> str:
        """The report in lines: counts, violations (the first `LISTED`), what remains."""
        levels = ", ".join(f"{number} {level}" for level, number in self.levels.items()) or "none"
        counts = (
            f"{self.top}: {self.flip_flops} flip-flops, {self.protected_bits} bits in three copies ({levels}), "
            f"{self.constant_bits} constant, {self.unprotected_bits} unprotected; {self.memory_bits} memory bits"
        )
        empty = not self.triples and not self.constant_bits and not self.memory_bits
        proven = f"{self.mode}: nothing that holds state stands three times" if empty else f"{self.mode}: proven"
        verdict = f"{len(self.violations)} violations of mode {self.mode}" if self.violations else proven
        lines = [counts, *(violation.line for violation in self.violations[:LISTED])]
        if len(self.violations) > LISTED:
            lines.append(f"... and {len(self.violations) - LISTED} more violations, all in --json")
        return "\n".join([*lines, *(f"remains: {one}" for one in self.remains), verdict])


def check_netlist(path: Path, top: str, requirement: Requirement, library: Library | None = None) -> TmrReport:
    """Check module `top` of the flat Yosys JSON netlist at `path`; `BadInputError` if it is not one."""
    with no_garbage_collection():
        return check(flat_netlist(read_module(path, top), path, top, library), requirement)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Millions of small values without cycles are made: looking for cycles among them would take half of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def check(netlist: FlatNetlist, requirement: Requirement) -> TmrReport:
    """Check a flat netlist against what is required of it."""
    # Only where every flip-flop has to be a copy, chance in weaker names does no harm.
    weak = not requirement.selective and requirement.mode != "none"
    found = find_triples(netlist, weak=weak)
    report = _report(netlist, found, requirement)
    if report.violations:
        other = find_triples(netlist, weak=weak, outer_first=True)
        if {t.flip_flops for t in other.triples} != {t.flip_flops for t in found.triples}:
            second = _report(netlist, other, requirement)
            return report if second.violations else second
    return report


def _report(netlist: FlatNetlist, found: Triples, requirement: Requirement) -> TmrReport:
    """Check a flat netlist whose copies are `found`. Copies that pass are copies, however they were found."""
    top = netlist.top
    model = symbolic(netlist, found.triples, requirement.constants)
    structure = list(_structure(netlist, found, requirement))
    levels, violations, memory_bits = _examine(model, found.triples, requirement)
    counted = len(found.triples) + found.constant_bits
    if requirement.protected_bits is not None and counted != requirement.protected_bits:
        what = f"{counted} bits stand three times, {requirement.protected_bits} are expected"
        structure.append(Violation(top, "count", what))
    single = len(netlist.flip_flops) - len(LANES) * len(found.triples) + len(netlist.latches)
    return TmrReport(
        top=top,
        mode="selective" if requirement.selective else requirement.mode,
        flip_flops=len(netlist.flip_flops),
        protected_bits=len(found.triples),
        constant_bits=found.constant_bits,
        unprotected_bits=single,
        memory_bits=memory_bits,
        triples=tuple(TripleFound(t.name, level) for t, level in zip(found.triples, levels, strict=True)),
        violations=(*structure, *violations),
        remains=tuple(_remains(netlist, found.triples, requirement, levels, single)),
    )


def require(report: TmrReport) -> TmrReport:
    """Return `report`, or raise `VerificationError` with its first violations."""
    if report.violations:
        first = "; ".join(violation.line for violation in report.violations[:3])
        more = f"; and {len(report.violations) - 3} more" if len(report.violations) > 3 else ""
        raise VerificationError(f"the netlist of {report.top} breaks triplication ({report.mode}): {first}{more}")
    return report


def _structure(netlist: FlatNetlist, found: Triples, requirement: Requirement) -> Iterator[Violation]:
    """Yield flip-flops that are in no triple though they should be, with the reason where names give one."""
    if not requirement.at_least("registers"):
        return
    named: set[str] = set()
    for bit, reason, cells in found.faults:
        if requirement.at_least("registers", bit):
            yield Violation(bit, "copies", reason, cells)
        named.update(cells)
    if requirement.selective:
        return
    covered = {k for triple in found.triples for k in triple.flip_flops}
    names = _names(netlist)
    for k, storage in enumerate(netlist.flip_flops):
        called = names.get(storage.state, [storage.cell])
        needed = all(requirement.at_least("registers", name) for name in called)
        if k not in covered and storage.cell not in named and needed:
            yield Violation(called[0], "copies", "a flip-flop that belongs to no triple", (storage.cell,))
    for cell in netlist.latches:
        yield Violation(cell, "copies", "a latch: only flip-flops are protected", (cell,))


def _names(netlist: FlatNetlist) -> dict[int, list[str]]:
    """Return the names of each net, public ones first, then the shortest first."""
    names: dict[int, list[str]] = {}
    for name, (offset, bits) in sorted(netlist.names.items(), key=lambda item: (item[0].count("$"), len(item[0]))):
        for k, bit in enumerate(bits):
            if isinstance(bit, int):
                names.setdefault(bit, []).append(f"{name}[{offset + k}]" if len(bits) > 1 else name)
    return names


def _examine(
    model: Symbolic, triples: Sequence[Triple], requirement: Requirement
) -> tuple[list[str], list[Violation], int]:
    """Return the level of each triple, the violations of what is required, and the memory bits of one copy."""
    copy_of = {k: copy for triple in triples for copy, k in zip(LANES, triple.flip_flops, strict=True)}
    ignored = [lane_outputs(model, copy, requirement) for copy in LANES]
    memories = check_memories(model, copy_of, ignored)
    ports = error_ports(model.netlist.outputs, requirement.error_output)
    nets = tuple(net for port in ports for net in model.netlist.outputs[port])
    error = ErrorOutput(nets, memories.readers) if ports else None
    violations: list[Violation] = []
    if requirement.at_least("registers"):
        violations += memories.violations if not requirement.selective else ()
        violations += quiet_violations(model, requirement.error_output, error) if error and triples else ()
        if error is None and requirement.error_output_required:
            violations.append(Violation(requirement.error_output, "error output", "the port is missing"))
    # An output that is high anyway says nothing about a single triple.
    noisy = any(violation.rule == "error output" for violation in violations)
    levels = []
    examined = _Examination(model, triples, requirement, None if noisy else error, ignored)
    loops = reaches_itself(model, triples) if requirement.logic_once else returns(model, triples)
    for triple, loop in zip(triples, loops, strict=True):
        level, faults = examined.triple(triple, loop)
        levels.append(level)
        violations += [f for f in faults if requirement.at_least(_NEEDED_FROM.get(f.rule, "registers"), triple.name)]
    if requirement.mode in {"full", "full_clocks"}:
        violations += unvoted_outputs(model, examined.lanes, examined.ignored, examined.in_lanes)
        violations += examined.memories()
    if requirement.mode == "full_clocks":
        violations += examined.resets
    return levels, violations, memories.bits


_NEEDED_FROM = {"separate voters": "triplicated_voters", "separate logic": "full", "separate clocks": "full_clocks"}


class _Examination:
    """What is computed once for all triples of a netlist."""

    def __init__(
        self, model: Symbolic, triples: Sequence[Triple], requirement: Requirement,
        error: ErrorOutput | None, ignored: Sequence[frozenset[str]],
    ) -> None:  # fmt: skip
        self.model = model
        self.requirement = requirement
        self.error = error
        self.ignored = ignored
        # Where single registers need less than the design, their shared logic says nothing about the lanes.
        in_lanes = [triple for triple in triples if requirement.at_least("full", triple.name)]
        self.in_lanes = in_lanes or triples
        ends = fan_outs(model.netlist) if requirement.mixes_lanes else frozenset[int]()
        self.groups = {
            stem: copies
            for stem, copies in memory_groups(model.netlist).items()
            if len(copies) == len(LANES) and requirement.at_least("full", stem)
        }
        self.lanes = find_lanes(model, self.in_lanes, self.groups, ends)
        counting = [triple for triple in triples if triple.name.startswith(requirement.counters)]
        self.counters = frozenset(k for triple in counting for k in triple.flip_flops)
        flip_flops = model.netlist.flip_flops
        clocks = {t.name: [clock_nets(flip_flops[k]) for k in t.flip_flops] for t in triples}
        self.clocks = shared_clocks(
            model.netlist, clocks | {stem: [one.clocks for one in copies] for stem, copies in self.groups.items()}
        )
        self.resets = shared_resets(model.netlist, self.lanes)
        self.matters = gates_that_matter(model, error_ports(model.netlist.outputs, requirement.error_output))

    def triple(self, triple: Triple, loop: bool) -> tuple[str, list[Violation]]:
        """Return the level of a triple and all that keeps it from the highest; `loop`: it is part of what it loads."""
        faults = list(difference_violations(self.model, triple))
        unmasked, changes = masking_violations(self.model, triple, self.ignored, self.error, self.counters)
        faults += unmasked
        protected = all(fault.rule == "error output" for fault in faults)
        pins = [net for k in triple.flip_flops for net in self.model.netlist.flip_flops[k].pins.values()]
        shared = shared_gates(self.model.netlist, self.lanes, pins)
        voters = not loop or not shared or private_voters(self.model.netlist, self.lanes, changes, self.matters)
        if not voters:
            what = "copies A, B and C do not have a voter each in their feedback"
            faults.append(Violation(triple.name, "separate voters", what, shared))
        if shared:
            what = "cells stand in front of more than one copy"
            faults.append(Violation(triple.name, "separate logic", what, shared))
        clocks = self._clocks(triple.name)
        return _level(protected, voters, not shared, not clocks and not self.resets), faults + clocks

    def _clocks(self, name: str) -> list[Violation]:
        what = f"the copies do not have a clock each: {', '.join(self.clocks.get(name, ()))}"
        return [Violation(name, "separate clocks", what)] if name in self.clocks else []

    def memories(self) -> Iterator[Violation]:
        """Yield what the copies of memories share: cells in front of them, and in `full_clocks` clocks."""
        for stem, copies in self.groups.items():
            pins = [net for memory in copies for nets in memory.inputs.values() for net in nets]
            shared = shared_gates(self.model.netlist, self.lanes, pins)
            if shared:
                yield Violation(stem, "separate logic", "cells stand in front of more than one copy", shared)
            if self.requirement.at_least("full_clocks", stem):
                yield from self._clocks(stem)


def _level(*holds: bool) -> str:
    """Return the highest level whose condition, and those of all levels before it, hold."""
    reached = 0
    while reached < len(holds) and holds[reached]:
        reached += 1
    return LEVELS[reached]


def _remains(
    netlist: FlatNetlist, triples: Sequence[Triple], requirement: Requirement, levels: Sequence[str], single: int
) -> Iterator[str]:
    if not error_ports(netlist.outputs, requirement.error_output):
        yield f"no output {requirement.error_output}: upsets are masked, but nothing shows them"
    if single:
        yield f"{single} flip-flops or latches outside of triples"
    gated = _gated(netlist, triples)
    if gated:
        yield f"{gated} bits have a clock from logic: while it stands, upsets stay, and a second one is not outvoted"
    if levels:
        lowest = LEVELS[min(map(LEVELS.index, levels))]
        yield f"single points of failure: {'; '.join(single_points(lowest))}"


def _gated(netlist: FlatNetlist, triples: Sequence[Triple]) -> int:
    """Number of triples whose clock is made by a gate, not by buffers and inverters of an input alone."""
    driver = {gate.output: gate for gate in netlist.gates}

    def made(net: int) -> bool:
        while net in driver and driver[net].function.passes is not None:
            net = driver[net].inputs[0]
        return net in driver

    clocks = ([net for k in triple.flip_flops for net in clock_nets(netlist.flip_flops[k])] for triple in triples)
    return sum(any(map(made, nets)) for nets in clocks)
