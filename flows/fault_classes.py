"""What the nets of a netlist are: copies of one bit, voters, error logic, reset; found by function, then by name."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.flows.fault_netlist import COPY, FaultNetlist, lane_ports
from codesign.sim.seu import MAJORITY_TABLES, NO_COPIES, OPERATORS, SEVERAL, Circuit, Indices

# How often a net is high in each word of 64 states: where half of all inputs are high, what saturates always does.
PATTERN_DENSITIES = (1 / 2,) * 4 + (1 / 8,) * 4 + (1 / 32,) * 4 + (7 / 8,) * 4
PATTERN_SEED = 2_023
VOTER_NAME = "voter"
LOGIC, VOTER, ERROR, RESET, INPUT = "logic", "voter", "error", "reset", "input"


@dataclass(frozen=True)
class Copies:
    """Sets of three copies of a bit: flip-flops (sets, 3), and the set of every flip-flop or NO_COPIES."""

    sets: Indices
    group: Indices


def find_copies(netlist: FaultNetlist, circuit: Circuit) -> Copies:
    """Three flip-flops are copies if two of these hold: a net is their majority, equal next state, names A, B, C.

    Equal next state means: the same in 1024 random states, in which ports that stand three times are equal, as are
    flip-flops called A, B, C (words of memories hold themselves), and not the same in all of them. A copy may hold the
    inverse.
    """
    flip_flops, tables = circuit.supports()
    voted = flip_flops[np.isin(tables, MAJORITY_TABLES) & (flip_flops[:, 0] >= 0) & (flip_flops[:, 2] >= 0)]
    named = _named_triples(netlist.registers)
    evidence: Counter[tuple[int, ...]] = Counter({tuple(map(int, row)) for row in voted})
    evidence.update(named)
    lettered = np.array(sorted(_named_triples(netlist.registers, "ABC")), np.int64).reshape(-1, 3)
    signature = next_states(netlist, circuit, lettered)
    signature ^= np.uint64(0) - (signature[:, :1] & np.uint64(1))
    changes = (signature != 0).any(axis=1)
    found, used = [], set[int]()
    for triple, count in sorted(evidence.items()):
        equal = (signature[list(triple)] == signature[triple[0]]).all() and changes[triple[0]]
        if count + equal >= 2 and used.isdisjoint(triple):
            found.append(triple)
            used.update(triple)
    sets = np.array(found, np.int32).reshape(-1, 3)
    group = np.full(len(netlist.d), NO_COPIES, np.int32)
    group[sets] = np.arange(len(sets))[:, None]
    return Copies(sets, group)


def _named_triples(names: tuple[str, ...], copies: str = "ABCabc012") -> set[tuple[int, ...]]:
    """Flip-flops whose names differ in one last letter or digit of `copies` only, and that are three."""
    stems: dict[tuple[str, str], list[int]] = {}
    for index, name in enumerate(names):
        match = COPY.fullmatch(name)
        if match and match["copy"] in copies:
            stems.setdefault((match["stem"], match["bit"]), []).append(index)
    return {tuple(sorted(members)) for members in stems.values() if len(members) == 3}


def next_states(netlist: FaultNetlist, circuit: Circuit, equal: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return (flip-flops, words) what every flip-flop loads in random states; rows of `equal` hold the same in them."""
    random = np.random.default_rng(PATTERN_SEED)
    columns, values = [], np.zeros(netlist.net_count, np.uint64)
    sources = np.concatenate([netlist.q, *(netlist.ports[name].nets for name in netlist.inputs())])
    for density in PATTERN_DENSITIES:
        states = random.random((len(sources), 64), np.float32) < density
        values[sources] = np.packbits(states, axis=1, bitorder="little").view(np.uint64)[:, 0]
        values[netlist.q[equal]] = values[netlist.q[equal[:, :1]]]
        for name in netlist.inputs():
            lanes = lane_ports(name[:-1], netlist.inputs()) if name.endswith("A") else ()
            for lane in lanes:
                values[netlist.ports[lane].nets] = values[netlist.ports[name].nets]
        columns.append(circuit.evaluate(values)[netlist.d])
    return np.stack(columns, axis=1)


def compared_state(netlist: FaultNetlist, circuit: Circuit, telemetry: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return by flip-flop whether its state is compared: not what is there for `telemetry` outputs alone.

    Such as a counter of errors, which is to differ after an error; what reaches no output at all is compared.
    """
    others = tuple(name for name in netlist.outputs() if name not in telemetry)
    return (_reaching(netlist, circuit, others) | ~_reaching(netlist, circuit, telemetry)).astype(np.uint8)


def _reaching(netlist: FaultNetlist, circuit: Circuit, outputs: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which flip-flops reach the outputs, in any number of cycles."""
    nets = np.concatenate([np.zeros(0, np.int64), *(netlist.ports[name].nets for name in outputs)])
    found = np.zeros(len(netlist.q), bool)
    while True:
        now = circuit.reaching(np.concatenate([nets, netlist.d[found]]).astype(np.int32))[netlist.q]
        if (now == found).all():
            return found
        found = now


def node_classes(
    netlist: FaultNetlist, circuit: Circuit, copies: Copies, errors: tuple[str, ...], resets: tuple[str, ...]
) -> Mapping[int, str]:
    """Return the class of every node and of every input bit, by net."""
    classes = {int(net): LOGIC for net in netlist.nodes}
    classes |= {int(net): INPUT for name in netlist.inputs() for net in netlist.ports[name].nets}
    for net in _error_nets(netlist, circuit, errors):
        classes[net] = ERROR
    for net in _voter_nets(netlist, circuit, copies):
        classes[net] = VOTER
    for net in _reset_nets(netlist, resets):
        classes[net] = RESET
    return classes


def _error_nets(netlist: FaultNetlist, circuit: Circuit, errors: tuple[str, ...]) -> list[int]:
    """Nodes that reach the error outputs and neither another output nor a flip-flop within the cycle."""
    if not errors:
        return []
    others = [netlist.ports[name].nets for name in netlist.outputs() if name not in errors]
    data = circuit.reaching(np.concatenate([*others, netlist.d]).astype(np.int32))
    error = circuit.reaching(np.concatenate([netlist.ports[name].nets for name in errors]).astype(np.int32))
    return [int(net) for net in netlist.nodes[error[netlist.nodes] & ~data[netlist.nodes]]]


def _voter_nets(netlist: FaultNetlist, circuit: Circuit, copies: Copies) -> list[int]:
    """Nodes that are functions of two or three copies of one bit alone, or whose name says so."""
    support = circuit.supports()[0][netlist.nodes]
    group = np.where(support >= 0, copies.group[support], SEVERAL)
    first = group[:, :1]
    alone = ((group == first) | (support < 0)).all(axis=1) & (first[:, 0] >= 0) & (support[:, 1] >= 0)
    named = np.array([VOTER_NAME in netlist.node_names.get(int(net), "") for net in netlist.nodes], bool)
    return [int(net) for net in netlist.nodes[alone | named]]


def _reset_nets(netlist: FaultNetlist, resets: tuple[str, ...]) -> list[int]:
    """The reset ports and what buffers and inverters make of them."""
    found = {int(net) for name in resets for net in netlist.ports[name].nets}
    gates = netlist.gates
    single = np.isin(gates.operators, [OPERATORS.index("buf"), OPERATORS.index("not")])
    readers: dict[int, list[int]] = {}
    for source, out in zip(gates.inputs[single, 0], gates.outputs[single], strict=True):
        readers.setdefault(int(source), []).append(int(out))
    waiting = list(found)
    while waiting:
        new = [net for net in readers.get(waiting.pop(), ()) if net not in found]
        found.update(new)
        waiting += new
    return sorted(found)
