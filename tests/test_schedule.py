"""The schedule against a plain cycle model on random graphs, and a handful of them in Verilog."""

import itertools
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.add import Add
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Constant, Input
from codesign.rtl import emit, write_rtl
from codesign.schedule import Schedule, default_cuts, held_bits, reusable, schedule
from tests.ops.check_op import Bench, check_response, check_text, random_values

HEAD = (
    Node("x", Input((2,), Fixed(3, 0, True))),
    Node("w", Constant(np.array([[1, -2], [3, 1]]))),
    Node("b", Constant(np.array([1, 0]))),
)


def dense(name: str, operand: str) -> Node:
    return Node(name, Dense(), (operand, "w", "b"))


def add(name: str, left: str, right: str) -> Node:
    return Node(name, Add(), (left, right))


def narrow(name: str, operand: str) -> Node:
    return Node(name, Requantise(Fixed(2, 0, True)), (operand,))


def wires(name: str, operand: str) -> Node:
    return Node(name, Reshape((2,)), (operand,))


def make(*nodes: Node, outputs: tuple[str, ...] = ()) -> Graph:
    names = outputs or (nodes[-1].name,)
    return Graph("design", (*HEAD, *nodes), (Port("x"),), tuple(Port(name) for name in names))


RESIDUAL = make(dense("slow", "x"), Node("q", Requantise(Fixed(3, 0, True)), ("slow",)), add("y", "q", "x"))
REVERSED = make(dense("slow", "x"), Node("q", Requantise(Fixed(3, 0, True)), ("slow",)), add("y", "x", "q"))
BRANCHES = make(dense("left", "x"), dense("right", "x"), add("y", "left", "right"))
DEEP = make(
    dense("a", "x"), dense("c", "a"), add("d", "c", "x"), dense("e", "d"), add("f", "e", "a"), add("y", "f", "x")
)
TWO_OUTPUTS = make(dense("a", "x"), dense("c", "a"), outputs=("c", "a", "x"))


# A plain model of time: values are the numbers of events, None is anything else ---------------------------------------


class Model:
    """Runs a schedule cycle by cycle and asserts that every node reads one event at a time."""

    def __init__(self, graph: Graph, plan: Schedule, starts: list[int]) -> None:
        self.graph, self.plan, self.starts = graph, plan, starts
        self.register: dict[tuple[str, int], int | None] = {}
        self.result: dict[str, int | None] = {}
        self.outputs: dict[int, list[int | None]] = {}

    def run(self) -> None:
        for cycle in range(self.starts[-1] + self.plan.latency_cycles + 1):
            self.step(cycle)

    def event_at(self, cycle: int) -> int | None:
        """The event whose pulse has run for some cycles, if it is `cycle` cycles since it came."""
        return self.starts.index(cycle) if cycle in self.starts else None

    def step(self, cycle: int) -> None:
        wires: dict[tuple[str, int], int | None] = dict(self.register)
        for node in self.graph.nodes:
            if node.op.kind == "input":
                wires[node.name, 0] = self.event_at(cycle)
            elif node.name not in self.graph.static:
                wires[node.name, 0] = self.value(node, wires)
        result = {name: self.phase(name, cycle, wires) for name in self.serial()}
        for name, event in result.items():
            if event is not False:
                self.result[name] = event
        event = self.event_at(cycle - self.plan.latency_cycles)
        if event is not None:
            ports = zip(self.graph.outputs, self.plan.outputs, strict=True)
            assert [wires.get((port.node, stage)) for port, stage in ports] == [event] * len(self.graph.outputs)
        for one in self.plan.registers:
            if self.plan.ii_cycles == 1 or self.event_at(cycle - one.capture) is not None:
                self.register[one.node, one.stage] = wires.get((one.node, one.source))

    def serial(self) -> list[str]:
        return [name for name, slot in self.plan.slots.items() if slot.latency_cycles]

    def value(self, node: Node, wires: dict) -> int | None:
        if self.plan.slots[node.name].latency_cycles:
            return self.result.get(node.name)
        read = {wires.get(key) for key in self.reads(node.name)}
        return read.pop() if len(read) == 1 else None

    def reads(self, name: str) -> list[tuple[str, int]]:
        operands = self.graph.by_name[name].operands
        return [(o, self.plan.reads[name, i]) for i, o in enumerate(operands) if o not in self.graph.static]

    def phase(self, name: str, cycle: int, wires: dict) -> int | bool | None:
        """What the accumulators hold after this cycle: an event, None while running, False if unchanged."""
        slot = self.plan.slots[name]
        for event, came in enumerate(self.starts):
            phase = cycle - came - slot.start
            if 0 <= phase < slot.latency_cycles:
                assert all(wires.get(key) == event for key in self.reads(name)), f"{name}, phase {phase}, event {event}"
                return event if phase == slot.latency_cycles - 1 else None
        return False


@st.composite
def cases(draw: st.DrawFn) -> tuple[Graph, dict[str, int], tuple[str, ...], list[int]]:
    names, nodes = ["x"], []
    for i in range(draw(st.integers(1, 7))):
        operands = [draw(st.sampled_from(names)) for _ in range(2)]
        kind = draw(st.sampled_from(["dense", "add", "reshape"]))
        one = {"dense": dense(f"n{i}", operands[0]), "add": add(f"n{i}", *operands)}
        nodes.append(one.get(kind, Node(f"n{i}", Reshape((2,)), (operands[0],))))
        names.append(f"n{i}")
    outputs = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    graph = make(*nodes, outputs=tuple(outputs))
    reuse = {name: draw(st.sampled_from(legal)) for name, legal in reusable(graph).items()}
    cuts = tuple(name for name in names if draw(st.booleans()))
    gaps = draw(st.lists(st.integers(0, 3), min_size=5, max_size=5))
    return graph, reuse, cuts, gaps


def start_times(ii_cycles: int, gaps: list[int]) -> list[int]:
    return np.cumsum([0, *(ii_cycles + gap for gap in gaps)]).tolist()


@settings(derandomize=True, deadline=None, max_examples=400)
@given(cases())
def test_random_graphs_read_one_event_at_a_time(case):
    graph, reuse, cuts, gaps = case
    plan = schedule(graph, reuse, cuts)
    assert plan.ii_cycles == max([1, *reuse.values()])
    for spacing in ([0] * 5, gaps):
        Model(graph, plan, start_times(plan.ii_cycles, spacing)).run()
    assert all(one.stage >= 1 for one in plan.registers if one.node in cuts)
    assert {name for name in cuts if name not in {one.node for one in plan.registers}} == set()


@pytest.mark.parametrize("change", ["capture", "latency", "read", "source"])
def test_the_model_catches_a_wrong_schedule(change):
    plan = schedule(DEEP, {"a": 2, "c": 4})
    first = plan.registers[1]
    wrong = {
        "capture": replace(plan, registers=tuple(replace(one, capture=one.capture + 1) for one in plan.registers)),
        "latency": replace(plan, latency_cycles=plan.latency_cycles + plan.ii_cycles),
        "read": replace(plan, reads=dict.fromkeys(plan.reads, 0)),
        "source": replace(plan, registers=(*plan.registers[:1], replace(first, capture=0), *plan.registers[2:])),
    }[change]
    with pytest.raises(AssertionError):
        Model(DEEP, wrong, start_times(plan.ii_cycles, [0, 1, 0, 2, 0])).run()


# Fewest register bits -------------------------------------------------------------------------------------------------


def bits_of(graph: Graph, starts: dict[str, int], latency: int, cuts: tuple[str, ...], apart: set) -> int | None:
    """Register bits at an interval of one cycle of nodes that all start as given; None where that is not possible."""
    times = {"x": 0, **starts}
    ends: dict[str, list[int]] = {name: [] for name in times}
    for node in graph.nodes:
        for operand in (name for name in node.operands if node.name in starts and name in times):
            if times[node.name] < times[operand] + (operand in cuts):
                return None
            ends[operand].append(times[node.name])
    if any(times[late] <= times[early] for early, late in apart):
        return None
    for port in graph.outputs:
        if times[port.node] > latency or (
            times[port.node] == latency and not is_registered(graph, port.node, times, cuts)
        ):
            return None
        ends[port.node].append(latency)
    held = {name: max([*cycles, times[name] + (name in cuts)]) - times[name] for name, cycles in ends.items()}
    return sum(cycles * graph.types[name].bounds.live_bits for name, cycles in held.items())


def is_registered(graph: Graph, name: str, times: dict[str, int], cuts: tuple[str, ...]) -> bool:
    """Whether wires alone stand between a value and registers."""
    node = graph.by_name[name]
    if node.op.kind != "reshape" or name in cuts:
        return False
    (operand,) = node.operands
    return times[operand] < times[name] or is_registered(graph, operand, times, cuts)


@st.composite
def small_cases(draw: st.DrawFn) -> tuple[Graph, tuple[str, ...], set, int]:
    """Graphs of nodes that widen and narrow, so that it matters where a value waits."""
    names, nodes = ["x"], []
    for i in range(draw(st.integers(1, 4))):
        operands = [draw(st.sampled_from(names)) for _ in range(2)]
        name, left = f"n{i}", operands[0]
        nodes.append(
            draw(st.sampled_from([dense(name, left), add(name, *operands), narrow(name, left), wires(name, left)]))
        )
        names.append(f"n{i}")
    read = {operand for node in nodes for operand in node.operands}
    outputs = [name for name in names if name not in read or draw(st.integers(0, 3)) == 0]
    graph = make(*nodes, outputs=tuple(outputs))
    cuts = tuple(name for name in names if draw(st.booleans()))
    chains = [(a, b) for a in names[1:] for b in names[1:] if a != b and nx.has_path(graph.nx, a, b)]
    apart = {pair for pair in chains if draw(st.integers(0, 3)) == 0}
    return graph, cuts, apart, draw(st.integers(0, 1))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(small_cases())
def test_no_schedule_has_fewer_register_bits(case):
    graph, cuts, apart, more = case
    shortest = schedule(graph, {}, cuts, apart=frozenset(apart)).latency_cycles
    plan = schedule(graph, {}, cuts, apart=frozenset(apart), latency_cycles=shortest + more)
    Model(graph, plan, start_times(1, [0, 1, 0, 2, 0])).run()
    names = list(plan.slots)
    found = [
        bits_of(graph, dict(zip(names, starts, strict=True)), plan.latency_cycles, cuts, apart)
        for starts in itertools.product(range(plan.latency_cycles + 1), repeat=len(names))
    ]
    assert held_bits(graph, plan) == min(bits for bits in found if bits is not None)
    assert plan.latency_cycles == shortest + more


def test_values_wait_where_they_are_narrow():
    graph = make(dense("slow", "x"), Node("q", Requantise(Fixed(2, 0, True)), ("x",)), add("y", "slow", "q"))
    plan = schedule(graph, cuts=("slow",))
    assert [one.node for one in plan.registers] == ["slow", "q", "y"]
    assert held_bits(graph, plan) == sum(graph.types[name].bounds.live_bits for name in ("slow", "q", "y"))


def test_nodes_apart_have_a_register_between_them():
    plan = schedule(DEEP, cuts=(), apart=frozenset({("a", "d"), ("d", "f")}))
    starts = {name: slot.start for name, slot in plan.slots.items()}
    assert starts["a"] < starts["d"] < starts["f"]
    assert schedule(DEEP, cuts=()).latency_cycles == 1


def test_nodes_apart_have_a_register_between_them_where_values_are_held():
    """At an interval above one cycle a later start alone would be no register: the value still stands on the wires."""
    graph = make(dense("slow", "x"), add("a", "x", "x"), add("y", "a", "slow"))
    reuse = {"slow": 2}
    plain, plan = schedule(graph, reuse, ()), schedule(graph, reuse, (), apart=frozenset({("a", "y")}))
    assert plan.reads["y", 0] >= 1
    Model(graph, plan, start_times(2, [0, 1, 0, 2, 0])).run()
    assert plain.latency_cycles <= plan.latency_cycles


def test_a_latency_below_the_shortest_is_an_error():
    with pytest.raises(BadInputError, match="latency must be 2 cycles or more, not 1"):
        schedule(RESIDUAL, latency_cycles=1)


def test_a_skip_path_waits_for_the_serial_branch():
    plan = schedule(RESIDUAL, {"slow": 2})
    # x -> register (cycle 1) -> two phases, with q inside -> sum -> output register
    assert (plan.slots["slow"].start, plan.slots["y"].start, plan.latency_cycles) == (1, 3, 4)
    assert plan.ii_cycles == 2
    waits = [one for one in plan.registers if one.node == "x"]
    assert len(waits) >= 2  # one register holds a value for two cycles


def test_both_operand_orders_have_the_same_schedule():
    left, right = (schedule(graph, {"slow": 2}) for graph in (RESIDUAL, REVERSED))
    assert left.latency_cycles == right.latency_cycles
    assert left.registers == right.registers


def test_default_cuts_are_behind_matrix_products():
    assert default_cuts(RESIDUAL) == ("q",)
    assert default_cuts(BRANCHES) == ()


def test_an_input_can_be_registered():
    plain, cut = schedule(RESIDUAL, cuts=()), schedule(RESIDUAL, cuts=("x",))
    assert cut.latency_cycles == plain.latency_cycles + 1


@pytest.mark.parametrize(
    ("reuse", "cuts", "message"),
    [
        ({"slow": 3}, None, r"node 'slow': reuse factor must be one of \(1, 2, 4\), not 3"),
        ({"slow": 0}, None, r"node 'slow': reuse factor must be one of \(1, 2, 4\), not 0"),
        ({"y": 2}, None, r"node 'y': reuse factor must be one of \(1,\), not 2"),
        ({"w": 2}, None, r"node 'w': reuse factor must be one of \(1,\), not 2"),
        ({"nothing": 2}, None, "no node 'nothing' to reuse; nodes with a reuse factor: slow"),
        ({}, ("nothing",), "no node 'nothing' whose result could be registered"),
        ({}, ("w",), "no node 'w' whose result could be registered"),
    ],
)
def test_illegal_options_are_errors(reuse, cuts, message):
    with pytest.raises(BadInputError, match=message):
        schedule(RESIDUAL, reuse, cuts)


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ({"nothing": 1}, "no node 'nothing' that computes, to be cut: choose one of .*slow"),
        ({"slow": -1}, "node 'slow': pipeline cuts must be 0 or more, not -1"),
        ({"y": 1}, "node 'y': only shared adders at reuse factor 1 can be cut"),
    ],
)
def test_illegal_cuts_inside_adders_are_errors(inner, message):
    with pytest.raises(BadInputError, match=message):
        schedule(RESIDUAL, inner_cuts=inner)


def test_an_output_must_depend_on_an_input():
    graph = make(add("y", "x", "x"), outputs=("y", "b"))
    with pytest.raises(BadInputError, match="output 'b' does not depend on an input"):
        schedule(graph)


def in_verilog(graph, reuse, cuts, name, tmp_path, cache):
    graph = replace(graph, name=name)
    plan = schedule(graph, reuse, cuts)
    rtl_dir = write_rtl(emit(graph, plan, tmr="registers", clock_ns=25.0), tmp_path / "rtl")
    check_text(graph, plan, rtl_dir, tmp_path / "lint")
    check_response(graph, plan, rtl_dir, Bench(tmp_path, cache), random_values(graph, 40, 1))


def test_skip_paths_in_verilog(tmp_path: Path, build_cache: Path):
    in_verilog(DEEP, {"a": 2, "c": 4}, (), "deep", tmp_path, build_cache)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "graph", "reuse", "cuts"),
    [
        ("residual", RESIDUAL, {"slow": 4}, None),
        ("reversed", REVERSED, {"slow": 2}, ("x", "y")),
        ("branches", BRANCHES, {"left": 4, "right": 2}, ("left",)),
        ("parallel", DEEP, {}, ("a", "d", "y")),
        ("two_outputs", TWO_OUTPUTS, {"a": 4}, None),
        ("late", DEEP, {"e": 4, "a": 2}, ("f",)),
    ],
)
def test_more_skip_paths_in_verilog(tmp_path: Path, build_cache: Path, name, graph, reuse, cuts):
    in_verilog(graph, reuse, cuts, name, tmp_path, build_cache)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(cases())
def test_valid_pulses_are_where_the_schedule_needs_them(case):
    graph, reuse, cuts, _ = case
    plan = schedule(graph, reuse, cuts)
    text = dict(emit(replace(graph, name="pulses"), plan, tmr="none", clock_ns=1.0).files)["pulses.v"]
    declared = re.findall(r"wire valid_(\d+);", text)
    assert len(declared) == len(set(declared))
    used = Counter(re.findall(r"\bvalid_(\d+)\b", text))
    assert set(used) == set(declared)
    assert min(used.values()) > 2, "a pulse is declared, driven and read"
    delayed = re.findall(r"u_valid_(\d+) \(.*?\.d +\(valid_(\d+)\)", text, re.DOTALL)
    handed_on = re.findall(r"assign valid_(\d+) = (\w+)_done;", text)
    assert all(int(later) == int(earlier) + 1 for later, earlier in delayed)
    assert all(int(cycle) == plan.slots[name].start + plan.slots[name].latency_cycles for cycle, name in handed_on)
    assert sorted(declared) == sorted(["0", *(later for later, _ in delayed), *(cycle for cycle, _ in handed_on)])
    enables = {str(one.capture) for one in plan.registers} if plan.ii_cycles > 1 else set()
    starts = {str(slot.start) for slot in plan.slots.values() if slot.latency_cycles}
    assert enables | starts | {str(plan.latency_cycles)} <= set(declared)
