"""Every upset of one copy is masked, shown by the error output and healed; the three copies load the same function."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codesign.flows.aig import FALSE, TRUE
from codesign.flows.flat_netlist import Memory, Storage
from codesign.flows.tmr_rules import Requirement, Violation
from codesign.flows.tmr_symbolic import ROLES, Change, Symbolic, does, follow, lane_name, memory_groups
from codesign.flows.triple_names import Triple
from codesign.verilog_names import LANES

_NOT_PROVEN = "not proven within the solver's limit: "


@dataclass(frozen=True)
class ErrorOutput:
    """The nets of the port that says that a copy differs, and the registers whose upsets it need not show at once."""

    nets: tuple[int, ...]
    excused: frozenset[int]


def error_ports(outputs: Collection[str], name: str) -> tuple[str, ...]:
    """Return the ports of the error output, which may stand three times; none if there is none."""
    lanes = tuple(f"{name}{copy}" for copy in LANES)
    return (name,) if name in outputs else lanes if set(lanes) <= set(outputs) else ()


def lane_outputs(model: Symbolic, copy: str, requirement: Requirement) -> frozenset[str]:
    """Return the outputs that may be wrong while `copy` is: of errors, of that copy, and those that need no mode."""
    outputs = model.netlist.outputs
    own = {name for name in outputs if name.endswith(copy) and lane_name(name, outputs) != name}
    free = {name for name in outputs if requirement.exceptions and not requirement.at_least("registers", name)}
    return frozenset(own | free).union(error_ports(outputs, requirement.error_output))


def masking_violations(
    model: Symbolic,
    triple: Triple,
    ignored: Sequence[frozenset[str]],
    error: ErrorOutput | None,
    counters: frozenset[int] = frozenset(),
) -> tuple[list[Violation], list[Change]]:
    """Flip each copy of `triple` in turn; return what is wrong and what was touched.

    `ignored` holds the outputs that may be wrong, for each copy; `counters` the flip-flops that count errors.
    """
    violations: list[Violation] = []
    changes = []
    counters = counters.difference(triple.flip_flops)  # a counter itself must vote what it counts on from
    for copy, index, allowed in zip(LANES, triple.flip_flops, ignored, strict=True):
        state = model.netlist.flip_flops[index].state
        change = follow(model, {state: model.literals[state] ^ 1}, ignored=allowed, counters=counters)
        changes.append(change)
        found = list(_unmasked(model, triple, copy, change))
        violations += found
        if error is not None and not found and index not in error.excused:
            violations += _unseen(model, triple, copy, change, error)
    return violations, changes


def _unmasked(model: Symbolic, triple: Triple, copy: str, change: Change) -> Iterator[Violation]:
    open_ = "" if change.proven else _NOT_PROVEN
    own = [k for k, _ in change.flip_flops if k in triple.flip_flops]
    if own:
        what = f"{open_}copy {copy} reaches the next value of the register without a vote"
        yield Violation(triple.name, "feedback", what, _cells(model, own))
    others = [k for k, _ in change.flip_flops if k not in triple.flip_flops]
    if others:
        roles = sorted({role for k, role in change.flip_flops if k in others})
        what = f"{open_}copy {copy} alone changes the {' and '.join(roles)} of flip-flops"
        yield Violation(triple.name, "masking", what, _cells(model, others))
    if change.ports:
        what = f"{open_}copy {copy} alone changes output {', '.join(change.ports)}"
        yield Violation(triple.name, "masking", what)
    if change.memories:
        names = tuple(model.netlist.memories[k].name for k in change.memories)
        yield Violation(triple.name, "masking", f"{open_}copy {copy} alone changes what a memory does", names)


def _cells(model: Symbolic, flip_flops: Sequence[int]) -> tuple[str, ...]:
    return tuple(model.netlist.flip_flops[k].cell for k in dict.fromkeys(flip_flops))


def _unseen(model: Symbolic, triple: Triple, copy: str, change: Change, error: ErrorOutput) -> Iterator[Violation]:
    seen = _any_high(model, error, change.literals)
    shown = model.aig.equal(seen, TRUE)
    if not shown:
        open_ = "" if shown is False else _NOT_PROVEN
        yield Violation(triple.name, "error output", f"{open_}stays low while copy {copy} differs")


def _any_high(model: Symbolic, error: ErrorOutput, changed: Mapping[int, int]) -> int:
    high = FALSE
    for net in error.nets:
        high = model.aig.either(high, changed.get(net, model.literals[net]))
    return high


def quiet_violations(model: Symbolic, name: str, error: ErrorOutput) -> Iterator[Violation]:
    """The error output is low as long as all copies agree."""
    quiet = model.aig.equal(_any_high(model, error, {}), FALSE)
    if not quiet:
        open_ = "" if quiet is False else _NOT_PROVEN
        yield Violation(name, "error output", f"{open_}is high while all copies agree")


def difference_violations(model: Symbolic, triple: Triple) -> Iterator[Violation]:
    """The copies start alike and load the same function at the same edge."""
    storages = [model.netlist.flip_flops[k] for k in triple.flip_flops]
    kinds = [_normal(model, s, inverted) for s, inverted in zip(storages, triple.inverted, strict=True)]
    for role, (a, *others) in zip(ROLES, zip(*kinds, strict=True), strict=True):
        for copy, storage, other in zip(LANES[1:], storages[1:], others, strict=True):
            same = a == other or model.aig.equal(a, other)
            if not same:
                open_ = "" if same is False else _NOT_PROVEN
                what = f"{open_}the {role} of copy {copy} is another function than that of copy A"
                yield Violation(triple.name, "same function", what, (storages[0].cell, storage.cell))
    starts = {_initial(model, s, inverted) for s, inverted in zip(storages, triple.inverted, strict=True)}
    if len(starts) > 1:
        cells = tuple(storage.cell for storage in storages)
        yield Violation(triple.name, "same function", "the copies start with different values at power-up", cells)


def _normal(model: Symbolic, storage: Storage, inverted: bool) -> tuple[int, ...]:
    data, clock, clear, preset = does(model, storage, {})
    return (data ^ 1, clock, preset, clear) if inverted else (data, clock, clear, preset)


def _initial(model: Symbolic, storage: Storage, inverted: bool) -> str | None:
    value = model.netlist.initial.get(storage.state)
    return value if value is None or not inverted else str(1 - int(value))


@dataclass(frozen=True)
class Memories:
    """What was found of memories: faults, the flip-flops that hold words read, and the bits of one copy."""

    violations: tuple[Violation, ...]
    readers: frozenset[int]
    bits: int


def check_memories(model: Symbolic, copy_of: Mapping[int, str], ignored: Sequence[frozenset[str]]) -> Memories:
    """Check that memories stand three times, write and read alike, and are each read by flip-flops of their own copy.

    `copy_of` gives the copy of each flip-flop that is in a triple, `ignored` the outputs that may be wrong for each
    copy. Tables, which nothing writes, hold no state.
    """
    groups = memory_groups(model.netlist)
    violations: list[Violation] = []
    readers: set[int] = set()
    for stem, copies in groups.items():
        if len(copies) != len(LANES):
            violations.append(Violation(stem, "copies", "a memory that does not stand three times"))
        elif not _alike(model, copies):
            violations.append(Violation(stem, "same function", "the copies of a memory do not write and read alike"))
        for memory in copies:
            free = {net: model.aig.variable() for net in memory.outputs}
            copy = memory.name[-1] if len(copies) == len(LANES) else ""
            change = follow(model, free, ignored=ignored[LANES.index(copy)] if copy else frozenset(), to_end=True)
            readers |= {k for k, _ in change.flip_flops}
            violations += _misread(model, stem, copy, copy_of, change) if copy else ()
    return Memories(tuple(violations), frozenset(readers), sum(copies[0].bits for copies in groups.values()))


def _misread(model: Symbolic, stem: str, copy: str, copy_of: Mapping[int, str], change: Change) -> Iterator[Violation]:
    """Yield what takes any words of copy `copy` of a memory without a vote, but for flip-flops of that copy."""
    found = sorted({k for k, _ in change.flip_flops})
    if any(copy_of.get(k) != copy for k in found):
        yield Violation(stem, "masking", f"copy {copy} is read by flip-flops of another copy", _cells(model, found))
    reached = (*change.ports, *(model.netlist.memories[k].name for k in change.memories))
    if reached:
        yield Violation(stem, "masking", f"copy {copy} alone changes {', '.join(reached)}")


def _alike(model: Symbolic, copies: Sequence[Memory]) -> bool:
    first, *others = ([model.literals[n] for _, nets in sorted(m.inputs.items()) for n in nets] for m in copies)
    same_kind = all(memory.parameters == copies[0].parameters for memory in copies)
    return same_kind and all(len(other) == len(first) and all(map(model.aig.equal, first, other)) for other in others)
