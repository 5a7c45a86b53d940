"""Critical path of a scheduled graph as a technology predicts it, without any tool.

Every element of every value gets an arrival time within its clock cycle: registers launch it, adders, one by one, and
the steps of operators delay it. The longest arrival at a register, with its setup, is the critical path.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.adders import Adder, AdderGraph, widths
from codesign.delay import Technology
from codesign.graph import Graph, Node, Products, TensorType, Wiring
from codesign.pipeline import stages
from codesign.ranges import Interval
from codesign.rtl_adders import plan
from codesign.schedule import Schedule
from codesign.steps import Step, operator_steps

Times = NDArray[np.float64]


@dataclass(frozen=True)
class CriticalPath:
    """The longest path between registers: its length in ns, and the node whose result it computes."""

    ns: float
    node: str


def step_ns(step: Step, technology: Technology) -> float:
    """Return the delay of one step."""
    if step.kind == "multiplier":
        return technology.multiplier_ns(step.size, step.other)
    if step.kind == "adder":
        return technology.adder_ns(step.size)
    if step.kind == "compare":
        return technology.compare_ns(step.size)
    return technology.mux_ns(step.size) if step.kind == "mux" else technology.gate_ns(step.size)


def code_bits(bounds: Interval) -> list[int]:
    """Return the bits that tell the values of an interval apart."""
    return [int(high - low).bit_length() for low, high in zip(bounds.low, bounds.high, strict=True)]


def adder_delays(graph: AdderGraph, bounds: Interval, technology: Technology) -> list[float]:
    """Return the delay of every adder of a graph whose inputs lie in `bounds`."""
    bits = code_bits(graph.bounds(bounds))
    columns = (adder_columns(adder, bits, bits[k]) for k, adder in enumerate(graph.adders, start=graph.inputs))
    return [technology.adder_ns(*pair) for pair in columns]


def adder_columns(adder: Adder, bits: list[int], result_bits: int) -> tuple[int, int]:
    """Return the columns of an adder with two operands, and all columns through which its carry can go."""
    low = max(term.shift for term in adder.terms)
    high = min(bits[term.value] + term.shift for term in adder.terms)
    total = max(result_bits - low, 1)
    return min(max(high - low, 1), total), total


class _Walk:
    """Arrivals of every node's elements; the longest path so far."""

    def __init__(self, graph: Graph, schedule: Schedule, technology: Technology, copies: int) -> None:
        self.graph, self.schedule, self.technology = graph, schedule, technology
        self.launch = technology.launch_ns + (technology.voter_ns if copies == 3 else 0.0)
        self.setup = technology.register_ns - technology.launch_ns
        self.times: dict[str, Times] = {}
        self.longest = CriticalPath(0.0, "")

    def end(self, node: str, times: Times) -> None:
        """Let a register take `times`."""
        ns = float(times.max(initial=0.0)) + self.setup
        if ns > self.longest.ns:
            self.longest = CriticalPath(ns, node)

    def read(self, node: Node, position: int) -> Times:
        """Arrival of an operand's elements: through a register, or straight from its node."""
        name = node.operands[position]
        if self.schedule.reads.get((node.name, position), 0):
            return np.full(self.graph.types[name].size, self.launch)
        return self.times[name]

    def walk(self) -> CriticalPath:
        for node in self.graph.nodes:
            size = self.graph.types[node.name].size
            if node.op.kind == "input" or node.name in self.graph.static:
                self.times[node.name] = np.full(size, self.launch)
                continue
            self.times[node.name] = self.result(node)
        for register in self.schedule.registers:
            if not register.source:
                self.end(register.node, self.times[register.node])
        return self.longest

    def result(self, node: Node) -> Times:
        slot, types = self.schedule.slots[node.name], self.graph.operand_types(node.name)
        how = node.op.rtl(slot.reuse, *types)
        dynamic = [i for i, name in enumerate(node.operands) if name not in self.graph.static]
        size = self.graph.types[node.name].size
        delay = sum(step_ns(step, self.technology) for step in operator_steps(node.op, slot.reuse, *types))
        if isinstance(how, Products):
            return self.sums(node, how, types[0], slot.latency_cycles) + delay
        if isinstance(how, Wiring):
            index = np.array(how.index)
            return np.asarray(np.where(index < 0, 0.0, self.read(node, 0)[np.maximum(index, 0)]), dtype=np.float64)
        operands = [self.read(node, i) for i in dynamic]
        if slot.is_serial:
            self.end(node.name, np.array([max(times.max() for times in operands) + delay]))
            return np.full(size, self.launch)
        if all(len(times) == size for times in operands):
            return np.asarray(np.max(operands, axis=0) + delay, dtype=np.float64)
        return np.full(size, max(times.max() for times in operands) + delay)

    def sums(self, node: Node, how: Products, data: TensorType, cuts: int) -> Times:
        """Arrivals of the outputs of shared adders, within the last stage if they are cut into stages."""
        planned, times = plan(how, data), list(self.read(node, 0))
        bounds = planned.inputs.bounds
        if planned.products:
            times = self.adders(node.name, planned.products, bounds, times, 0)
            times = [times[term.value] if term else 0.0 for term in planned.products.outputs]
            bounds = planned.sum_bounds
        times = self.adders(node.name, planned.sums, bounds, times, cuts)
        return np.array([times[term.value] if term else 0.0 for term in planned.sums.outputs])

    def adders(self, node: str, graph: AdderGraph, bounds: Interval, times: list[float], cuts: int) -> list[float]:
        """Append the arrival of every adder to those of the inputs; a value read in a later stage is launched anew."""
        stage = stages(graph, widths(graph.bounds(bounds)), cuts)
        delays = adder_delays(graph, bounds, self.technology)
        for number, (adder, delay) in enumerate(zip(graph.adders, delays, strict=True), start=graph.inputs):
            ready = [self.crossed(node, t.value, stage[number], stage, times) for t in adder.terms]
            times.append(max(ready) + delay)
        return [self.crossed(node, value, cuts, stage, times) for value in range(len(times))]

    def crossed(self, node: str, value: int, reader: int, stage: tuple[int, ...], times: list[float]) -> float:
        """Arrival of a value as stage `reader` sees it."""
        if reader == stage[value]:
            return times[value]
        self.end(node, np.array(times[value]))
        return self.launch


def predicted_critical_path(
    graph: Graph, schedule: Schedule, technology: Technology, *, triplicated: bool = False
) -> CriticalPath:
    """Return the predicted critical path of `graph` as scheduled, with inputs and outputs in registers."""
    return _Walk(graph, schedule, technology, 3 if triplicated else 1).walk()
