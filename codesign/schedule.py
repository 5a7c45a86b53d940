"""Schedule: when every node runs, and which registers carry values from one cycle to another.

Cycle 0 is the cycle in which `in_valid` and the input are on the ports. A value has a window of
cycles in which its wires hold it: an input port one cycle, a register `ii` cycles, a combinational
result as long as all of its operands. A time-multiplexed node needs its operands held for `reuse`
cycles. Where a window does not reach, a register takes over; so skip paths align by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from codesign.errors import BadInputError
from codesign.graph import Graph, Node, Products, Wiring


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
    """Slots by node, registers in order of creation, and which register stage every operand and output reads."""

    slots: Mapping[str, Slot]
    registers: tuple[Register, ...]
    reads: Mapping[tuple[str, int], int]
    outputs: tuple[int, ...]
    latency_cycles: int
    ii_cycles: int


@dataclass(frozen=True)
class _Tap:
    """A place where a value can be read: register stage (0: the node itself) and its window of cycles."""

    stage: int
    first: int
    last: int
    is_clean: bool  # comes straight from registers, fit for an output port


@dataclass
class _State:
    ii_cycles: int
    taps: dict[str, list[_Tap]] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    registers: list[Register] = field(default_factory=list)
    reads: dict[tuple[str, int], int] = field(default_factory=dict)


def schedule(
    graph: Graph,
    reuse: Mapping[str, int] | None = None,
    cuts: tuple[str, ...] | None = None,
    inner_cuts: Mapping[str, int] | None = None,
) -> Schedule:
    """Return the schedule of `graph` as soon as possible.

    `reuse`: reuse factor by node, 1 where absent. `cuts`: nodes whose result is registered at once
    (default: `default_cuts`). `inner_cuts`: pipeline cuts inside the adders of a node, 0 where absent.
    Raises `BadInputError` naming the node and the legal values.
    """
    factors = _checked_reuse(graph, reuse or {})
    inner = _checked_inner_cuts(graph, inner_cuts or {}, factors)
    cuts = default_cuts(graph) if cuts is None else _checked_cuts(graph, cuts)
    timings = {
        node.name: node.op.timing(factors[node.name], *graph.operand_types(node.name)) for node in _computed(graph)
    }
    state = _State(max((timing.ii_cycles for timing in timings.values()), default=1))
    for node in graph.nodes:
        if node.op.kind == "input":
            state.taps[node.name] = [_Tap(0, 0, 0, is_clean=False)]
        elif node.name not in graph.static:
            _place(graph, node, factors[node.name], inner.get(node.name, 0), state)
        if node.name in cuts:
            _cut(node.name, state)
    latency, outputs = _place_outputs(graph, state)
    return Schedule(state.slots, tuple(state.registers), state.reads, outputs, latency, state.ii_cycles)


def default_cuts(graph: Graph) -> tuple[str, ...]:
    """Nodes to register: each requantisation behind a matrix product, where the value is narrowest."""
    wide = {node.name for node in graph.nodes if node.op.kind in ("dense", "conv2d")}
    narrow = ("requantise", "threshold")
    return tuple(node.name for node in graph.nodes if node.op.kind in narrow and wide.intersection(node.operands))


def reusable(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Legal reuse factors of every node that has a choice."""
    factors = {node.name: node.op.reuse_factors(*graph.operand_types(node.name)) for node in _computed(graph)}
    return {name: legal for name, legal in factors.items() if len(legal) > 1}


def _computed(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op.kind != "input" and node.name not in graph.static]


def _checked_reuse(graph: Graph, reuse: Mapping[str, int]) -> dict[str, int]:
    choices = reusable(graph)
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


def _checked_inner_cuts(graph: Graph, inner: Mapping[str, int], reuse: Mapping[str, int]) -> Mapping[str, int]:
    for name, cuts in inner.items():
        if name not in reuse or cuts < 0:
            raise BadInputError(f"node '{name}': pipeline cuts must be 0 or more, of a node that computes, not {cuts}")
        if cuts and not is_cuttable(graph, name, reuse[name]):
            raise BadInputError(f"node '{name}': only shared adders at reuse factor 1 can be cut into pipeline stages")
    return inner


def is_cuttable(graph: Graph, name: str, reuse: int = 1) -> bool:
    """Whether pipeline cuts can be put inside a node: its RTL is shared adders without truncated products."""
    how = graph.by_name[name].op.rtl(reuse, *graph.operand_types(name))
    return isinstance(how, Products) and not how.truncate


def _place(graph: Graph, node: Node, reuse: int, inner_cuts: int, state: _State) -> None:
    timing = node.op.timing(reuse, *graph.operand_types(node.name))
    hold = max(timing.latency_cycles, 1)
    dynamic = [(i, name) for i, name in enumerate(node.operands) if name not in graph.static]
    start = max(_ready(state.taps[name], hold) for _, name in dynamic)
    taps = [_deliver(name, start, hold, state) for _, name in dynamic]
    for (i, _), tap in zip(dynamic, taps, strict=True):
        state.reads[node.name, i] = tap.stage
    state.slots[node.name] = Slot(reuse, start, timing.latency_cycles + inner_cuts, timing.ii_cycles)
    if timing.latency_cycles:
        # The first accumulator changes at the end of the next event's first cycle, start + ii.
        result = _Tap(0, start + timing.latency_cycles, start + state.ii_cycles, is_clean=True)
    else:
        is_wiring = isinstance(node.op.rtl(reuse, *graph.operand_types(node.name)), Wiring)
        is_clean = is_wiring and all(tap.is_clean for tap in taps)
        # The cuts load every cycle, so the operand's window moves through them.
        result = _Tap(0, start + inner_cuts, min(tap.last for tap in taps) + inner_cuts, is_clean)
    state.taps[node.name] = [result]


def _ready(taps: list[_Tap], hold: int) -> int:
    """First cycle from which the value can be had for `hold` cycles; a register behind the first tap always can."""
    direct = [tap.first for tap in taps if tap.last - tap.first + 1 >= hold]
    return min([*direct, taps[0].first + 1])


def _deliver(name: str, start: int, hold: int, state: _State, *, clean: bool = False) -> _Tap:
    """Return a tap that holds value `name` from `start` on for `hold` cycles, adding registers where none does."""
    taps = state.taps[name]
    for tap in taps:
        if tap.first <= start and start + hold - 1 <= tap.last and (tap.is_clean or not clean):
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


def _place_outputs(graph: Graph, state: _State) -> tuple[int, tuple[int, ...]]:
    for port in graph.outputs:
        if port.node in graph.static:
            raise BadInputError(f"output '{port.node}' does not depend on an input")
    firsts = [_first_clean(state.taps[port.node]) for port in graph.outputs]
    latency = max(firsts, default=0)
    return latency, tuple(_deliver(port.node, latency, 1, state, clean=True).stage for port in graph.outputs)


def _first_clean(taps: list[_Tap]) -> int:
    clean = [tap.first for tap in taps if tap.is_clean]
    return min([*clean, taps[0].first + 1])
