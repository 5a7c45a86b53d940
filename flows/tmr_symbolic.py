"""The netlist as functions of the protected values, and what a changed net does to them; both exact.

As long as the copies of every bit agree, each net is a function of one variable per triple, per other flip-flop and
per input: an and-inverter graph in which voters vanish. An upset copy is the inverse of its variable; only nets whose
function changes are followed, until no function changes any more or a flip-flop or an output takes a wrong value.
"""

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from codesign.errors import BadInputError
from codesign.flows.aig import FALSE, TRUE, Aig
from codesign.flows.flat_netlist import FlatNetlist, Memory, Storage
from codesign.flows.gate_library import function_of
from codesign.flows.liberty import FlipFlop
from codesign.flows.logic import Expression
from codesign.flows.triple_names import Triple
from codesign.verilog_names import LANES

# What a flip-flop does, in this order.
# Inputs that are resets by their name: they may be part of the logic in front of a flip-flop, like any other input.
RESET = re.compile(r"(?<![a-z])[a-z]?(?:rst|reset)", re.IGNORECASE)
ROLES = ("data", "clock", "clear", "preset")
Reader = TypeVar("Reader")
Readers = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class Symbolic:
    """Literals of all nets where copies agree; by net, who reads it: gates, flip-flops, outputs, memories.

    `settled` gives for each flip-flop the last gate that drives one of its pins, -1 if none does.
    """

    netlist: FlatNetlist
    aig: Aig
    literals: Mapping[int, int]
    gates: Readers
    flip_flops: Readers
    ports: Mapping[int, tuple[str, ...]]
    memories: Readers
    settled: tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """What changed nets do: new literals of nets, the gates evaluated on the way, and what takes a wrong value.

    `flip_flops` are (index, role), `ports` names, `memories` indices. `proven` is False where the solver's limit left
    one of them open. A change that certainly reaches one is followed no further.
    """

    literals: Mapping[int, int]
    gates: tuple[int, ...]
    flip_flops: tuple[tuple[int, str], ...]
    ports: tuple[str, ...]
    memories: tuple[int, ...]
    proven: bool


def symbolic(netlist: FlatNetlist, triples: Sequence[Triple], constants: Mapping[str, int] | None = None) -> Symbolic:
    """Evaluate all gates where the copies agree; inputs `constants` hold these values.

    Inputs xA, xB, xC carry the same value too if each reaches one copy alone; clocks and resets do in any case.
    """
    aig = Aig()
    literals = {0: FALSE, 1: TRUE}
    for triple in triples:
        value = aig.variable()
        for index, inverted in zip(triple.flip_flops, triple.inverted, strict=True):
            literals[netlist.flip_flops[index].state] = value ^ int(inverted)
    for name, value in (constants or {}).items():
        literals.update({net: value >> k & 1 for k, net in enumerate(input_nets(netlist, name, value))})
    lanes = {*_clocks_and_resets(netlist), *_lane_inputs(netlist, triples)}
    _share(aig, literals, {name: nets for name, nets in netlist.inputs.items() if name not in lanes}, merge=False)
    _share(aig, literals, {name: netlist.inputs[name] for name in lanes}, merge=True)
    _share(aig, literals, {memory.name: memory.outputs for memory in netlist.memories}, merge=True)
    # A net without a driver may be anything, as may the state of a flip-flop outside of the triples.
    driven = {gate.output: k for k, gate in enumerate(netlist.gates)}
    for net in (net for nets in _read(netlist) for net in nets):
        if net not in literals and net not in driven:
            literals[net] = aig.variable()
    for gate in netlist.gates:
        literals[gate.output] = gate.function.of(aig, [literals[net] for net in gate.inputs])
    return Symbolic(
        netlist, aig, literals,
        gates=_readers((k, gate.inputs) for k, gate in enumerate(netlist.gates)),
        flip_flops=_readers((k, (f.state, *f.pins.values())) for k, f in enumerate(netlist.flip_flops)),
        ports=_readers(netlist.outputs.items()),
        memories=_readers((k, nets) for k, m in enumerate(netlist.memories) for nets in m.inputs.values()),
        settled=tuple(max((driven.get(n, -1) for n in f.pins.values()), default=-1) for f in netlist.flip_flops),
    )  # fmt: skip


def input_nets(netlist: FlatNetlist, name: str, value: int) -> tuple[int, ...]:
    """Return the nets of an input that is to hold `value`; `BadInputError` if there is none or it does not fit."""
    nets = netlist.inputs.get(name, ())
    if not nets or value < 0 or value >> len(nets):
        has = f"an input of {len(nets)} bits" if nets else f"no input of {netlist.top}: {', '.join(netlist.inputs)}"
        raise BadInputError(f"constant {name}={value}: {name} is {has}")
    return nets


def _clocks_and_resets(netlist: FlatNetlist) -> list[str]:
    clocks = {net for storage in netlist.flip_flops for net in clock_nets(storage)}
    clocks |= {net for memory in netlist.memories for net in memory.clocks}
    return [n for n, nets in netlist.inputs.items() if RESET.search(n) or not clocks.isdisjoint(nets)]


def _lane_inputs(netlist: FlatNetlist, triples: Sequence[Triple]) -> list[str]:
    """Return the inputs xA, xB, xC of which each reaches one copy alone, of any register: data of the lanes.

    Three inputs whose names end so by chance (operands A, B and C), or that are wired to another lane, do not.
    """
    named = [name for name in netlist.inputs if lane_name(name, netlist.inputs) != name]
    if not named:
        return []
    reached = _copies_reached(netlist, triples)
    labels = {name: {reached.get(net, 0) for net in netlist.inputs[name]} - {0} for name in named}
    stems = {name[:-1] for name in named}
    alone = [s for s in stems if all(labels[s + c] <= {1 << k} for k, c in enumerate(LANES))]
    return [stem + copy for stem in alone for copy in LANES]


def _copies_reached(netlist: FlatNetlist, triples: Sequence[Triple]) -> dict[int, int]:
    """Return for each net the copies that it reaches within a cycle, as bits 1, 2, 4."""
    reached: dict[int, int] = {}
    for lane, copy in enumerate(LANES):
        memories = [m[lane] for m in memory_groups(netlist).values() if len(m) == len(LANES)]
        for net in lane_ends(netlist, triples, memories, copy):
            reached[net] = reached.get(net, 0) | 1 << lane
    for gate in reversed(netlist.gates):
        label = reached.get(gate.output, 0)
        if label:
            for net in gate.inputs:
                reached[net] = reached.get(net, 0) | label
    return reached


def lane_ends(netlist: FlatNetlist, triples: Sequence[Triple], memories: Iterable[Memory], copy: str) -> list[int]:
    """Return the nets at which copy `copy` ends: pins of flip-flops and of `memories`, outputs that are a copy."""
    storages = (netlist.flip_flops[triple.flip_flops[LANES.index(copy)]] for triple in triples)
    nets = [net for storage in storages for net in storage.pins.values()]
    nets += [net for memory in memories for pin in memory.inputs.values() for net in pin]
    own = [n for n in netlist.outputs if n.endswith(copy) and lane_name(n, netlist.outputs) != n]
    return nets + [net for name in own for net in netlist.outputs[name]]


def memory_groups(netlist: FlatNetlist) -> dict[str, tuple[Memory, ...]]:
    """Return the memories that something writes, the copies of one together in the order of their letters."""
    written = {memory.name: memory for memory in netlist.memories if memory.written}
    groups: dict[str, tuple[Memory, ...]] = {}
    for name in sorted(written):
        stem = lane_name(name, written)
        groups[stem] = (*groups.get(stem, ()), written[name])
    return groups


def clock_nets(storage: Storage) -> list[int]:
    """Return the nets of the clock pins of a flip-flop."""
    return [storage.pins.get(pin, 0) for pin in storage.loads.clocked_on.variables]


def lane_name(name: str, names: Mapping[str, object]) -> str:
    """Return `name` without the letter of its copy if all three copies are among `names`."""
    return name[:-1] if name[-1] in LANES and all(name[:-1] + copy in names for copy in LANES) else name


def _share(aig: Aig, literals: dict[int, int], groups: Mapping[str, tuple[int, ...]], *, merge: bool) -> None:
    known: dict[tuple[str, int], int] = {}
    for name, nets in sorted(groups.items()):
        for index, net in enumerate(nets):
            key = (lane_name(name, groups) if merge else name, index)
            if net in literals:
                continue
            if key not in known:
                known[key] = aig.variable()
            literals[net] = known[key]


def _read(netlist: FlatNetlist) -> Iterable[Iterable[int]]:
    yield from (gate.inputs for gate in netlist.gates)
    yield from ((storage.state, *storage.pins.values()) for storage in netlist.flip_flops)
    yield from netlist.outputs.values()
    yield from (nets for memory in netlist.memories for nets in memory.inputs.values())


def _readers(pairs: Iterable[tuple[Reader, Iterable[int]]]) -> dict[int, tuple[Reader, ...]]:
    found: dict[int, list[Reader]] = {}
    for reader, nets in pairs:
        for net in nets:
            found.setdefault(net, []).append(reader)
    return {net: tuple(readers) for net, readers in found.items()}


def does(model: Symbolic, storage: Storage, changed: Mapping[int, int]) -> tuple[int, ...]:
    """Return the literals of what a flip-flop does, in the order of `ROLES`, where nets have `changed` literals."""
    loads = storage.loads

    def literal(expression: Expression | None) -> int:
        if expression is None:
            return FALSE
        function = function_of(expression)
        nets = [_net_of(storage, loads, pin) for pin in function.pins]
        return function.of(model.aig, [changed.get(net, model.literals[net]) for net in nets])

    return literal(loads.next_state), literal(loads.clocked_on), literal(loads.clear), literal(loads.preset)


def _net_of(storage: Storage, loads: FlipFlop, pin: str) -> int:
    return storage.state if pin == loads.state else storage.pins.get(pin, 0)


def follow(
    model: Symbolic,
    changed: Mapping[int, int],
    *,
    ignored: frozenset[str],
    only: frozenset[int] | None = None,
    to_end: bool = False,
    counters: frozenset[int] = frozenset(),
) -> Change:
    """Follow `changed` nets through the gates (`only` these, if given); outputs `ignored` may take any value.

    Flip-flops `counters` may load anything: they do not end the search, and are not among what changes.

    With `to_end` a change that certainly reaches something is followed on.
    """
    literals = dict(changed)
    waiting = sorted({gate for net in literals for gate in model.gates.get(net, ())})
    seen, evaluated = set(waiting), list[int]()
    certain = any(_certainly_taken(model, net, -1, literals, ignored, counters) for net in changed)
    while waiting and (to_end or not certain):
        index = heapq.heappop(waiting)
        if only is not None and index not in only:
            continue
        evaluated.append(index)
        gate = model.netlist.gates[index]
        after = gate.function.of(model.aig, [literals.get(net, model.literals[net]) for net in gate.inputs])
        if model.aig.equal_in_window(model.literals[gate.output], after):
            continue
        literals[gate.output] = after
        certain = _certainly_taken(model, gate.output, index, literals, ignored, counters)
        for reader in model.gates.get(gate.output, ()):
            if reader not in seen:
                seen.add(reader)
                heapq.heappush(waiting, reader)
    return _change(model, literals, tuple(evaluated), ignored, counters)


def _certainly_taken(  # noqa: PLR0917
    model: Symbolic, net: int, at: int, literals: Mapping[int, int], ignored: frozenset[str], counters: frozenset[int]
) -> bool:
    """Whether a random assignment shows that some flip-flop, output or memory takes a wrong value from `net`.

    Of flip-flops those are asked whose pins no gate after `at` drives: another pin may undo what this one does.
    """
    differ = model.aig.surely_differ
    if any(name not in ignored for name in model.ports.get(net, ())) or net in model.memories:
        return differ(model.literals[net], literals[net])
    done = (k for k in model.flip_flops.get(net, ()) if k not in counters and model.settled[k] <= at)
    storages = (model.netlist.flip_flops[k] for k in done)
    pairs = (zip(does(model, s, {}), does(model, s, literals), strict=True) for s in storages)
    return any(differ(before, after) for roles in pairs for before, after in roles)


def _change(
    model: Symbolic,
    literals: Mapping[int, int],
    evaluated: tuple[int, ...],
    ignored: frozenset[str],
    counters: frozenset[int],
) -> Change:
    answers: list[bool | None] = []

    def wrong(before: int, after: int) -> bool:
        answers.append(model.aig.equal(before, after))
        return not answers[-1]

    def taken(readers: Mapping[int, tuple[Reader, ...]]) -> list[Reader]:
        pairs = [(net, reader) for net in literals for reader in readers.get(net, ()) if reader not in ignored]
        return list(dict.fromkeys(r for net, r in pairs if wrong(model.literals[net], literals[net])))

    flip_flops = []
    for k in sorted({k for net in literals for k in model.flip_flops.get(net, ())} - counters):
        storage = model.netlist.flip_flops[k]
        pairs = zip(ROLES, does(model, storage, {}), does(model, storage, literals), strict=True)
        flip_flops += [(k, role) for role, before, after in pairs if wrong(before, after)]
    ports, memories = taken(model.ports), taken(model.memories)
    return Change(literals, evaluated, tuple(flip_flops), tuple(ports), tuple(memories), None not in answers)
