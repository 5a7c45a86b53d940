"""What stands three times besides the flip-flops: voters, logic, clocks and resets, read off the structure.

Buffers and inverters behind a flip-flop are part of its copy, as a fault in one is a fault of that copy; buffers behind
an input are part of that input.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codesign.flows.flat_netlist import FlatNetlist, Gate, Memory
from codesign.flows.gate_library import relevant_pins
from codesign.flows.tmr_rules import Violation
from codesign.flows.tmr_symbolic import RESET, Change, Symbolic, does, follow, lane_ends
from codesign.flows.triple_names import Triple, origins
from codesign.verilog_names import LANES

_TRIPLES_AT_ONCE = 2048
_FAN_OUT = re.compile(r"(?:.*\.)?fan_\w+\.x")
_SHARED = frozenset({3, 5, 6, 7})
MemoryGroups = Mapping[str, tuple[Memory, ...]]


@dataclass(frozen=True)
class Lanes:
    """For each gate the copies that it reaches, as bits 1, 2, 4; whether shared gates stand before it; inputs' copies.

    `driver` gives the gate of a net, without those that are part of a copy or of an input.
    """

    driver: Mapping[int, int]
    labels: Sequence[int]
    behind_shared: Sequence[bool]
    inputs: Mapping[str, int]


def find_lanes(
    model: Symbolic, triples: Sequence[Triple], memories: MemoryGroups, ends: frozenset[int] = frozenset()
) -> Lanes:
    """Label every gate with the copies in whose fan-in it stands, but for inputs that constants make irrelevant.

    The fan-in ends at the nets `ends`, which become lanes there.
    """
    netlist = model.netlist
    passed = _passed(netlist)
    drives = {gate.output: k for k, gate in enumerate(netlist.gates) if gate.output not in passed}
    driver = {net: k for net, k in drives.items() if net not in ends}
    labels = [0] * len(netlist.gates)
    reached: dict[int, int] = {}
    for lane, copy in enumerate(LANES):
        bit = 1 << lane
        gates, seen = _reach(model, driver, lane_ends(netlist, triples, [m[lane] for m in memories.values()], copy))
        for k in gates:
            labels[k] |= bit
        for net in seen:
            reached[net] = reached.get(net, 0) | bit
    behind = [False] * len(netlist.gates)
    for k, gate in enumerate(netlist.gates):
        behind[k] = labels[k] in _SHARED or any(behind[driver[net]] for net in gate.inputs if net in driver)
    inputs = {
        name: _union(reached.get(net, 0) for net in (*nets, *(p for p, source in passed.items() if source in nets)))
        for name, nets in netlist.inputs.items()
    }
    return Lanes(driver, labels, behind, inputs)


def fan_outs(netlist: FlatNetlist) -> frozenset[int]:
    """Return the nets that a `tmr_fanout` of the emitted design makes lanes of."""
    found = (bits for name, (_, bits) in netlist.names.items() if _FAN_OUT.fullmatch(name))
    return frozenset(bit for bits in found for bit in bits if isinstance(bit, int))


def _passed(netlist: FlatNetlist) -> dict[int, int]:
    """Nets behind buffers (and, of flip-flops, inverters) by the net that they carry on."""
    source = dict.fromkeys(origins(netlist), -1)
    inputs = {net for nets in netlist.inputs.values() for net in nets}
    for gate in netlist.gates:
        net = gate.inputs[0] if gate.function.passes == 0 else -1
        if net in inputs or source.get(net, -1) in inputs:
            source[gate.output] = net if net in inputs else source[net]
    return source


def _union(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= bit
    return found


def _reach(model: Symbolic, driver: Mapping[int, int], nets: list[int]) -> tuple[set[int], set[int]]:
    """Return the gates and the nets in the combinational fan-in of `nets`."""
    gates: set[int] = set()
    seen: set[int] = set()
    while nets:
        net = nets.pop()
        if net not in seen:
            seen.add(net)
            gate = driver.get(net)
            if gate is not None and gate not in gates:
                gates.add(gate)
                nets.extend(_relevant(model, model.netlist.gates[gate]))
    return gates, seen


def _relevant(model: Symbolic, gate: Gate) -> Sequence[int]:
    values = [model.literals[net] for net in gate.inputs]
    if min(values, default=2) >= 2:
        return gate.inputs
    constants = tuple(value if value < 2 else None for value in values)
    return [net for net, needed in zip(gate.inputs, relevant_pins(gate.function, constants), strict=True) if needed]


def shared_gates(netlist: FlatNetlist, lanes: Lanes, pins: Iterable[int]) -> tuple[str, ...]:
    """Return the nearest cells in front of a register's pins that also stand in front of another copy, if any."""
    waiting = list(pins)
    if not any(lanes.behind_shared[lanes.driver[net]] for net in waiting if net in lanes.driver):
        return ()
    found: dict[str, None] = {}
    seen: set[int] = set()
    while waiting:
        gate = lanes.driver.get(waiting.pop(0), -1)
        if gate < 0 or gate in seen or not lanes.behind_shared[gate]:
            continue
        seen.add(gate)
        if lanes.labels[gate] in _SHARED:
            found[netlist.gates[gate].cell] = None
        else:
            waiting.extend(netlist.gates[gate].inputs)
    return tuple(found)


def unvoted_outputs(
    model: Symbolic, lanes: Lanes, ignored: Sequence[frozenset[str]], triples: Sequence[Triple]
) -> Iterator[Violation]:
    """Yield the outputs that go wrong when all logic and flip-flops of one copy take arbitrary values at once."""
    netlist = model.netlist
    outside = frozenset(k for k, label in enumerate(lanes.labels) if label == 0)
    for lane, copy in enumerate(LANES):
        nets = {g.output for g, label in zip(netlist.gates, lanes.labels, strict=True) if label == 1 << lane}
        nets |= {netlist.flip_flops[triple.flip_flops[lane]].state for triple in triples}
        edge = sorted(n for n in nets if n in model.ports or not outside.isdisjoint(model.gates.get(n, ())))
        free = {net: model.aig.variable() for net in edge}
        change = follow(model, free, ignored=ignored[lane], only=outside, to_end=True)
        for port in change.ports:
            yield Violation(f"output {port}", "voted output", f"copy {copy} alone changes it")


def shared_clocks(netlist: FlatNetlist, clocks: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, tuple[str, ...]]:
    """Return, by register or memory, clock inputs that reach more than one copy; `clocks` are the nets of each copy."""
    owner: dict[str, int] = {}
    inputs = _inputs_of(netlist, [nets for copies in clocks.values() for nets in copies])
    sources = {name: inputs[3 * k : 3 * k + 3] for k, name in enumerate(clocks)}
    for copies in sources.values():
        for lane, names in enumerate(copies):
            for name in names:
                owner[name] = owner.get(name, 0) | 1 << lane
    wrong: dict[str, tuple[str, ...]] = {}
    for register, copies in sources.items():
        shared = sorted({name for names in copies for name in names if owner[name] in _SHARED})
        missing = [f"none for copy {copy}" for copy, names in zip(LANES, copies, strict=True) if not names]
        if shared or missing:
            wrong[register] = (*shared, *missing)
    return wrong


def shared_resets(netlist: FlatNetlist, lanes: Lanes) -> list[Violation]:
    """Return the resets that reach more than one copy."""
    pins = _reset_pins(netlist)
    return [
        Violation(f"input {name}", "separate resets", f"one reset reaches copies {_letters(lanes.inputs[name])}")
        for name in sorted(name for name in netlist.inputs if RESET.search(name) or name in pins)
        if lanes.inputs[name] in _SHARED
    ]


def _letters(label: int) -> str:
    return ", ".join(copy for lane, copy in enumerate(LANES) if label >> lane & 1)


def _reset_pins(netlist: FlatNetlist) -> frozenset[str]:
    conditions = ((s, e) for s in netlist.flip_flops for e in (s.loads.clear, s.loads.preset) if e is not None)
    nets = {s.pins.get(pin, 0) for s, e in conditions for pin in e.variables if pin in s.pins}
    return frozenset(name for names in _inputs_of(netlist, [[net] for net in nets]) for name in names)


def _inputs_of(netlist: FlatNetlist, groups: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
    """Return for each group of nets the inputs in their combinational fan-in."""
    driver = {gate.output: k for k, gate in enumerate(netlist.gates)}
    port = {net: name for name, nets in netlist.inputs.items() for net in nets}
    known: dict[int, frozenset[str]] = {}

    def of(net: int) -> frozenset[str]:
        stack = [net]
        while stack:
            top = stack[-1]
            below = netlist.gates[driver[top]].inputs if top in driver else ()
            open_ = [n for n in below if n not in known]
            if open_:
                stack += open_
                continue
            stack.pop()
            own = {port[top]} if top in port else set()
            known[top] = frozenset(own).union(*(known[n] for n in below))
        return known[net]

    return [tuple(sorted(frozenset().union(*map(of, nets)))) for nets in groups]


def private_voters(netlist: FlatNetlist, lanes: Lanes, changes: Sequence[Change], matters: Sequence[bool]) -> bool:
    """Whether two copies at least have voters that reach no other copy, and no two voters share a cell.

    `changes` are those of the three upsets of a triple: gates on the way whose output never changes are its voters.
    The third voter may be the one that the logic around reads.
    """
    touched = sorted({k for change in changes for k in change.gates if matters[k]})
    changed = {net for change in changes for net in change.literals}
    driver = {netlist.gates[k].output: k for k in touched}
    cells: dict[int, set[str]] = {}
    by_label: dict[int, set[str]] = {}
    for k in touched:  # in topological order
        gate = netlist.gates[k]
        cells[k] = {gate.cell}.union(*(cells[driver[net]] for net in gate.inputs if net in driver))
        if gate.output not in changed:
            label = lanes.labels[k] if lanes.labels[k] not in _SHARED else 0
            by_label.setdefault(label, set()).update(cells[k])
    voters = list(by_label.values())
    disjoint = all(a.isdisjoint(b) for i, a in enumerate(voters) for b in voters[i + 1 :])
    return disjoint and len(by_label.keys() - {0}) >= len(LANES) - 1


def reaches_itself(model: Symbolic, triples: Sequence[Triple]) -> list[bool]:
    """Return for each triple whether what it holds is part of what it loads next."""
    found = []
    for start in range(0, len(triples), _TRIPLES_AT_ONCE):
        part = triples[start : start + _TRIPLES_AT_ONCE]
        storages = [model.netlist.flip_flops[triple.flip_flops[0]] for triple in part]
        states = [model.literals[storage.state] for storage in storages]
        masks = model.aig.supports([does(model, storage, {})[0] for storage in storages], states)
        found += [bool(mask >> k & 1) for k, mask in enumerate(masks)]
    return found


def returns(model: Symbolic, triples: Sequence[Triple]) -> list[bool]:
    """Return for each triple whether what it holds comes back to it, from itself or through other registers."""
    storages = [model.netlist.flip_flops[triple.flip_flops[0]] for triple in triples]
    states = [model.literals[storage.state] for storage in storages]
    return model.aig.in_loops(states, [does(model, storage, {}) for storage in storages])


def gates_that_matter(model: Symbolic, errors: Collection[str]) -> list[bool]:
    """Return for each gate whether it reaches anything but the error outputs."""
    netlist = model.netlist
    matters = [False] * len(netlist.gates)
    needed = {net for name, nets in netlist.outputs.items() if name not in errors for net in nets}
    needed |= {net for storage in netlist.flip_flops for net in storage.pins.values()}
    needed |= {net for memory in netlist.memories for nets in memory.inputs.values() for net in nets}
    for k in reversed(range(len(netlist.gates))):
        if netlist.gates[k].output in needed:
            matters[k] = True
            needed.update(netlist.gates[k].inputs)
    return matters
