"""Schedule: when every node runs, and which registers carry values from one cycle to another, with the fewest bits.

Cycle 0 is the cycle in which `in_valid` and the input are on the ports. A value has a window of
cycles in which its wires hold it: an input port one cycle, a register `ii` cycles, a combinational
result as long as all of its operands. A time-multiplexed node needs its operands held for `reuse`
cycles. Where a window does not reach, a register takes over; so skip paths align by themselves.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from codesign.adders import EXTRA_DEPTH
from codesign.element_form import ElementForm
from codesign.errors import BadInputError
from codesign.graph import Graph, Node, Products, Scaling, Timing, Wiring
from codesign.retiming import AtLeast, cheapest_times
from codesign.serial import Serial


@dataclass(frozen=True)
class Slot:
    """When a node runs: operands are read from cycle `start` on, the result is there `latency_cycles` later.

    The latency is that of a time-multiplexed node (`is_serial`), or the number of pipeline cuts inside a node.
    """

    reuse: int
    start: int
    latency_cycles: int
    ii_cycles: int

    @property
    def is_serial(self) -> bool:
        """Whether the node works phase by phase on operands that must hold still."""
        return self.reuse > 1


@dataclass(frozen=True)
class Register:
    """Register number `stage` (from 1) of a value: loads at the end of cycle `capture`, from stage `source`."""

    node: str
    stage: int
    source: int
    capture: int


@dataclass(frozen=True)
class Schedule:
    """Slots by node, registers in order of creation, and which register stage every operand and output reads.

    `fused`: nodes that work inside the serial node they read, element by element as its sums become complete.
    `extra_depth`: adders that the shared sums may have in a row beyond the shallowest tree.
    """

    slots: Mapping[str, Slot]
    registers: tuple[Register, ...]
    reads: Mapping[tuple[str, int], int]
    outputs: tuple[int, ...]
    latency_cycles: int
    ii_cycles: int
    fused: Mapping[str, str] = field(default_factory=dict)
    extra_depth: int = EXTRA_DEPTH


@dataclass(frozen=True)
class _Tap:
    """A place where a value can be read: register stage (0: the node itself) and its window of cycles."""

    stage: int
    first: int
    last: int
    is_clean: bool  # comes straight from registers, fit for an output port
    chained: frozenset[str] = frozenset()  # nodes that work in the same cycle on the way to here


@dataclass
class _State:
    ii_cycles: int
    taps: dict[str, list[_Tap]] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    registers: list[Register] = field(default_factory=list)
    reads: dict[tuple[str, int], int] = field(default_factory=dict)
    # Cycles that a reader must wait after its operand is there, by (operand, reader).
    waits: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Task:
    """What is to be scheduled, checked; `timings` of all nodes that compute."""

    graph: Graph
    reuse: Mapping[str, int]
    cuts: tuple[str, ...]
    inner_cuts: Mapping[str, int]
    apart: frozenset[tuple[str, str]]
    timings: Mapping[str, Timing]
    fused: Mapping[str, str]

    @property
    def ii_cycles(self) -> int:
        return max((timing.ii_cycles for timing in self.timings.values()), default=1)

    def latency_cycles(self, name: str) -> int:
        """Cycles from the first read of the operands to the result."""
        return self.timings[name].latency_cycles + self.inner_cuts.get(name, 0)

    def dynamic(self, node: Node) -> list[tuple[int, str]]:
        """Positions and names of the operands that events bring."""
        return [(i, name) for i, name in enumerate(node.operands) if name not in self.graph.static]

    def forbidden(self, name: str) -> frozenset[str]:
        """Nodes that may not work in the same cycle in front of `name`."""
        return frozenset(early for early, late in self.apart if late == name)


def schedule(
    graph: Graph,
    reuse: Mapping[str, int] | None = None,
    cuts: tuple[str, ...] | None = None,
    inner_cuts: Mapping[str, int] | None = None,
    *,
    apart: frozenset[tuple[str, str]] = frozenset(),
    latency_cycles: int | None = None,
) -> Schedule:
    """Return the schedule of `graph` with the fewest register bits.

    `reuse`: reuse factor by node ("*": all others), 1 where absent. `cuts`: nodes whose result is registered at once
    (default: `default_cuts`). `inner_cuts`: pipeline cuts inside the adders of a node, 0 where absent. `apart`: pairs
    (early, late) of nodes with a register somewhere between them, as both do not fit into one cycle. `latency_cycles`
    of the whole graph: the least possible if it is None. At an interval of one cycle no schedule has fewer bits;
    above, it has no more than the one that starts every node as soon as possible.
    Raises `BadInputError` naming the node and the legal values.
    """
    factors = checked_reuse(graph, reuse or {})
    inner = checked_inner_cuts(graph, inner_cuts or {}, factors)
    cuts = default_cuts(graph) if cuts is None else _checked_cuts(graph, cuts)
    fused = _fused(graph, factors, apart)
    cuts = tuple(name for name in cuts if name not in fused)  # their results are in registers already
    _check_outputs(graph)
    timings = {
        node.name: node.op.timing(factors[node.name], *graph.operand_types(node.name)) for node in _computed(graph)
    }
    task = _Task(graph, factors, cuts, inner, apart, timings, fused)
    state, soon = _placed(task, {}, latency_cycles or 0)
    if latency_cycles is not None and soon.latency_cycles != latency_cycles:
        raise BadInputError(f"latency must be {soon.latency_cycles} cycles or more, not {latency_cycles}")
    starts = _cheapest_starts(task, state, soon.latency_cycles)
    _, cheap = _placed(task, starts, soon.latency_cycles)
    return min((soon, cheap), key=lambda plan: (plan.latency_cycles, held_bits(graph, plan)))


def held_bits(graph: Graph, plan: Schedule) -> int:
    """Bits of all registers between nodes, before triplication; valid pulses and registers inside nodes not counted."""
    bits = {name: graph.types[name].bounds.live_bits for name in {register.node for register in plan.registers}}
    return sum(bits[register.node] for register in plan.registers)


def _placed(task: _Task, starts: Mapping[str, int], latency_cycles: int) -> tuple[_State, Schedule]:
    """Place every node as soon as possible, but not before its cycle in `starts`."""
    state = _State(task.ii_cycles)
    for node in task.graph.nodes:
        if node.op.kind == "input":
            state.taps[node.name] = [_Tap(0, 0, 0, is_clean=False)]
        elif node.name in task.timings:
            _place(task, node, starts.get(node.name, 0), state)
        if node.name in task.cuts:
            _cut(node.name, state)
    latency, outputs = _place_outputs(task.graph, latency_cycles, state)
    return state, Schedule(
        state.slots, tuple(state.registers), state.reads, outputs, latency, state.ii_cycles, task.fused
    )


def _fused(graph: Graph, reuse: Mapping[str, int], apart: frozenset[tuple[str, str]]) -> dict[str, str]:
    """Return the serial node of every node that can work inside it: its only reader, element by element."""
    shown = {port.node for port in graph.outputs}
    found = {}
    for node in graph.nodes:
        leader = node.operands[0] if isinstance(node.op, ElementForm) else ""
        if reuse.get(leader, 1) == 1 or leader in shown or (leader, node.name) in apart:
            continue
        how = graph.by_name[leader].op.rtl(reuse[leader], *graph.operand_types(leader))
        if isinstance(how, Serial) and list(graph.nx.successors(leader)) == [node.name]:
            found[node.name] = leader
    return found


def default_cuts(graph: Graph) -> tuple[str, ...]:
    """Nodes to register: each requantisation behind a matrix product, where the value is narrowest."""
    wide = {node.name for node in graph.nodes if node.op.static_operands}
    narrow = ("requantise", "threshold")
    return tuple(node.name for node in graph.nodes if node.op.kind in narrow and wide.intersection(node.operands))


def reusable(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Legal reuse factors of every node that has a choice."""
    factors = {node.name: node.op.reuse_factors(*graph.operand_types(node.name)) for node in _computed(graph)}
    return {name: legal for name, legal in factors.items() if len(legal) > 1}


def _computed(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op.kind != "input" and node.name not in graph.static]


def checked_reuse(graph: Graph, reuse: Mapping[str, int]) -> dict[str, int]:
    """Return the reuse factor of every node that computes; `BadInputError` naming the legal ones."""
    choices = reusable(graph)
    if "*" in reuse and choices:
        reuse = dict.fromkeys(choices, reuse["*"]) | {name: reuse[name] for name in reuse if name != "*"}
    for name, factor in reuse.items():
        if name not in graph.by_name:
            raise BadInputError(f"no node '{name}' to reuse; nodes with a reuse factor: {', '.join(choices) or 'none'}")
        legal = choices.get(name, (1,))
        if factor not in legal:
            raise BadInputError(f"node '{name}': reuse factor must be one of {legal}, not {factor}")
    return {node.name: reuse.get(node.name, 1) for node in _computed(graph)}


def _checked_cuts(graph: Graph, cuts: tuple[str, ...]) -> tuple[str, ...]:
    for name in cuts:
        if name not in graph.by_name or name in graph.static:
            raise BadInputError(f"no node '{name}' whose result could be registered")
    return cuts


def checked_inner_cuts(graph: Graph, inner: Mapping[str, int], reuse: Mapping[str, int]) -> Mapping[str, int]:
    """Return `inner`, checked; `BadInputError` naming the node that cannot be cut."""
    for name, cuts in inner.items():
        if name not in reuse:
            raise BadInputError(f"no node '{name}' that computes, to be cut: choose one of {', '.join(sorted(reuse))}")
        if cuts < 0:
            raise BadInputError(f"node '{name}': pipeline cuts must be 0 or more, not {cuts}")
        if cuts and not is_cuttable(graph, name, reuse[name]):
            raise BadInputError(f"node '{name}': only shared adders at reuse factor 1 can be cut into pipeline stages")
    return inner


def is_cuttable(graph: Graph, name: str, reuse: int = 1) -> bool:
    """Whether pipeline cuts can be put inside a node: it is shared adders, without truncated products."""
    how = graph.by_name[name].op.rtl(reuse, *graph.operand_types(name))
    return isinstance(how, Scaling) or (isinstance(how, Products) and not how.truncate)


def _check_outputs(graph: Graph) -> None:
    for port in graph.outputs:
        if port.node in graph.static:
            raise BadInputError(f"output '{port.node}' does not depend on an input")


def _place(task: _Task, node: Node, not_before: int, state: _State) -> None:
    timing, inner_cuts = task.timings[node.name], task.inner_cuts.get(node.name, 0)
    hold, forbidden = max(timing.latency_cycles, 1), task.forbidden(node.name)
    dynamic = task.dynamic(node)
    if node.name in task.fused:
        _place_fused(task, node, state)
        return
    start = max(not_before, *(_ready(state.taps[name], hold, forbidden) for _, name in dynamic))
    for _, name in dynamic:
        state.waits[name, node.name] = _ready(state.taps[name], hold) - _available(name, state)
    taps = [_deliver(name, start, hold, state, forbidden=forbidden) for _, name in dynamic]
    for (i, _), tap in zip(dynamic, taps, strict=True):
        state.reads[node.name, i] = tap.stage
    state.slots[node.name] = Slot(task.reuse[node.name], start, timing.latency_cycles + inner_cuts, timing.ii_cycles)
    if timing.latency_cycles:
        # The first accumulator changes at the end of the next event's first cycle, start + ii.
        end = start + state.ii_cycles
        result = _Tap(0, start + timing.latency_cycles, end, is_clean=True, chained=frozenset({node.name}))
    else:
        is_clean = _is_wiring(task, node) and all(tap.is_clean for tap in taps)
        before = frozenset() if inner_cuts else frozenset().union(*(tap.chained for tap in taps))
        # The cuts load every cycle, so the operand's window moves through them.
        last = min(tap.last for tap in taps) + inner_cuts
        result = _Tap(0, start + inner_cuts, last, is_clean, before | {node.name})
    state.taps[node.name] = [result]


def _place_fused(task: _Task, node: Node, state: _State) -> None:
    """The leader's result registers hold this node's result."""
    leader = task.fused[node.name]
    (tap,) = state.taps[leader]
    state.reads[node.name, 0] = tap.stage
    state.waits[leader, node.name] = 0
    state.slots[node.name] = Slot(1, tap.first, 0, 1)
    state.taps[node.name] = [tap]


def _is_wiring(task: _Task, node: Node) -> bool:
    return isinstance(node.op.rtl(task.reuse[node.name], *task.graph.operand_types(node.name)), Wiring)


def _available(name: str, state: _State) -> int:
    """Cycle in which the node itself has its result."""
    slot = state.slots.get(name)
    return slot.start + slot.latency_cycles if slot else 0


def _ready(taps: list[_Tap], hold: int, forbidden: frozenset[str] = frozenset()) -> int:
    """First cycle from which the value can be had for `hold` cycles; a register behind the first tap always can."""
    fit = [tap for tap in taps if tap.last - tap.first + 1 >= hold and not tap.chained & forbidden]
    return min([*(tap.first for tap in fit), taps[0].first + 1])


def _deliver(
    name: str, start: int, hold: int, state: _State, *, clean: bool = False, forbidden: frozenset[str] = frozenset()
) -> _Tap:
    """Return a tap that holds value `name` from `start` on for `hold` cycles, adding registers where none does."""
    taps = state.taps[name]
    for tap in taps:
        is_fit = (tap.is_clean or not clean) and not tap.chained & forbidden
        if is_fit and tap.first <= start and start + hold - 1 <= tap.last:
            return tap
    while not any(tap.first <= start - 1 <= tap.last for tap in taps):
        latest = max(taps, key=lambda tap: tap.last)
        _register(name, latest, latest.last, state)
    source = next(tap for tap in taps if tap.first <= start - 1 <= tap.last)
    return _register(name, source, start - 1, state)


def _register(name: str, source: _Tap, capture: int, state: _State) -> _Tap:
    stage = 1 + max((tap.stage for tap in state.taps[name]), default=0)
    tap = _Tap(stage, capture + 1, capture + state.ii_cycles, is_clean=True)
    state.registers.append(Register(name, stage, source.stage, capture))
    state.taps[name].append(tap)
    return tap


def _cut(name: str, state: _State) -> None:
    source = state.taps[name][0]
    state.taps[name] = [_register(name, source, source.first, state)]


def _place_outputs(graph: Graph, latency_cycles: int, state: _State) -> tuple[int, tuple[int, ...]]:
    firsts = [_first_clean(state.taps[port.node]) for port in graph.outputs]
    latency = max([latency_cycles, *firsts])
    return latency, tuple(_deliver(port.node, latency, 1, state, clean=True).stage for port in graph.outputs)


def _first_clean(taps: list[_Tap]) -> int:
    clean = [tap.first for tap in taps if tap.is_clean]
    return min([*clean, taps[0].first + 1])


# Fewest register bits -------------------------------------------------------------------------------------------------

_INPUTS = "<inputs>"  # the cycle of `in_valid`; no name of a node


def _cheapest_starts(task: _Task, soon: _State, latency_cycles: int) -> dict[str, int]:
    """Return the start of every node for which values live shortest, weighted with their bits.

    The time of a node is the cycle of its result. A value lives until its last reader starts (a vertex of its own),
    and is held in one register a cycle at an interval of one cycle, in fewer above.
    """
    rules, costs = _output_rules(task, latency_cycles), Counter[Hashable]()
    for node in (task.graph.by_name[name] for name in task.timings):
        latency = task.latency_cycles(node.name)
        rules.append(AtLeast(_INPUTS, node.name, latency))
        for _, operand in task.dynamic(node):
            rules.append(AtLeast(_vertex(task, operand), node.name, soon.waits[operand, node.name] + latency))
            rules.append(AtLeast(node.name, _last_read(operand), -latency))
        if node.name in task.fused:
            rules.append(AtLeast(node.name, task.fused[node.name], 0))
    rules += [AtLeast(early, late, 1 + task.latency_cycles(late)) for early, late in sorted(task.apart)]
    for name in {rule.late[1] for rule in rules if isinstance(rule.late, tuple)}:
        bits = task.graph.types[name].bounds.live_bits
        costs[_last_read(name)] += bits
        costs[_vertex(task, name)] -= bits
    times = cheapest_times(rules, costs, _INPUTS)
    assert times is not None, "the starts as soon as possible satisfy every rule"
    return {name: times[name] - task.latency_cycles(name) for name in task.timings}


def _output_rules(task: _Task, latency_cycles: int) -> list[AtLeast]:
    """Outputs are read in the last cycle, from registers: wires alone may stand between these and the port."""
    rules = []
    for port in task.graph.outputs:
        rules.append(AtLeast(_INPUTS, _last_read(port.node), latency_cycles))
        ends = [port.node]
        while ends:
            name = ends.pop()
            node, is_cut = task.graph.by_name[name], name in task.cuts
            passes = not is_cut and name in task.timings and _is_wiring(task, node)
            is_serial = name in task.timings and task.timings[name].latency_cycles > 0
            is_clean = passes or (not is_cut and (is_serial or name in task.fused))
            rules.append(AtLeast(_vertex(task, name), _INPUTS, int(not is_clean) - latency_cycles))
            ends += [operand for _, operand in task.dynamic(node)] if passes else []
    return rules


def _vertex(task: _Task, name: str) -> str:
    return name if name in task.timings else _INPUTS


def _last_read(name: str) -> tuple[str, str]:
    return ("last read of", name)
