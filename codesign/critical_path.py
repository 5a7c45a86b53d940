"""Critical path of a scheduled graph as a technology predicts it, without any tool.

Every element of every value gets an arrival time within its clock cycle: registers launch it, adders, one by one, and
the steps of operators delay it. The longest arrival at a register, with its setup, is the critical path.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codesign.adders import AdderGraph
from codesign.delay import Technology
from codesign.graph import Graph, Node, Products, Scaling, TensorType, Wiring
from codesign.pipeline import stages
from codesign.ranges import Interval
from codesign.rtl_adders import plan
from codesign.schedule import Schedule
from codesign.steps import Step, Steps, operator_steps
from codesign.unsigned_form import Encoding, Fabric, encode, input_codes

Times = NDArray[np.float64]


@dataclass(frozen=True)
class CriticalPath:
    """The longest path between registers: its length in ns, and the node whose result it computes."""

    ns: float
    node: str


@dataclass(frozen=True)
class Sum:
    """Adders that become one sum in hardware: the values it reads, columns with two operands, and all columns."""

    operands: tuple[int, ...]
    overlap_bits: int
    total_bits: int


@dataclass(frozen=True, eq=False)
class Sums:
    """An adder graph as hardware forms it: one entry an adder, None where it is merged into its only reader.

    `columns`: columns with two operands and all columns of every adder; `stage` of every value.
    """

    graph: AdderGraph
    stage: tuple[int, ...]
    cuts: int
    sums: tuple[Sum | None, ...]
    columns: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, graph: AdderGraph, bounds: Interval, cuts: int, fabric: Fabric) -> "Sums":
        """Return the sums of a graph whose inputs lie in `bounds`, cut into `cuts` + 1 stages."""
        encoding = encode(graph, bounds, input_codes(bounds), fabric)
        stage = stages(graph, encoding.widths, cuts)
        merged = _merged(graph, encoding, stage) if fabric == "cells" else frozenset()
        operands: list[tuple[int, ...]] = [(k,) for k in range(graph.inputs)]
        sums: list[Sum | None] = []
        columns: list[tuple[int, int]] = []
        for number, adder in enumerate(graph.adders, start=graph.inputs):
            read = tuple(v for t in adder.terms for v in (operands[t.value] if t.value in merged else (t.value,)))
            operands.append(read)
            spans = [(term.shift, term.shift + encoding.widths[term.value]) for term in adder.terms]
            low, high = max(span[0] for span in spans), min(span[1] for span in spans)
            total = max(encoding.widths[number] - low, 1)
            columns.append((min(max(high - low, 1), total), total))
            sums.append(None if number in merged else Sum(read, *columns[-1]))
        return cls(graph, stage, cuts, tuple(sums), tuple(columns))

    def arrivals(self, ready: list[float], launch: float, technology: Technology) -> list[float]:
        """Return when every value is there within its stage: inputs at `ready`, what crosses a cut at `launch`."""
        times = list(ready)
        for number, one in enumerate(self.sums, start=self.graph.inputs):
            if one is None:
                times.append(0.0)
                continue
            read = [times[v] if self.stage[v] == self.stage[number] else launch for v in one.operands]
            times.append(_carry_save(read, technology) + technology.adder_ns(one.overlap_bits, one.total_bits))
        return times

    def crossing(self) -> list[int]:
        """Return the values that a later stage reads."""
        reads = [(v, self.stage[k]) for k, one in enumerate(self.sums, self.graph.inputs) if one for v in one.operands]
        reads += [(term.value, self.cuts) for term in self.graph.outputs if term]
        return sorted({value for value, stage in reads if stage > self.stage[value]})


def _carry_save(ready: list[float], technology: Technology) -> float:
    """Arrival of the last two of many operands: three become two, the earliest first."""
    heapq.heapify(ready)
    while len(ready) > 2:
        late = max(heapq.heappop(ready) for _ in range(3)) + technology.carry_save_ns
        heapq.heappush(ready, late)
        heapq.heappush(ready, late)
    return max(ready)


def _merged(graph: AdderGraph, encoding: Encoding, stage: tuple[int, ...]) -> frozenset[int]:
    """Values that synthesis adds in their only reader, as a carry-save sum (Yosys: alumacc).

    They stand there unshifted and not complemented, and cannot have lost a carry in their own wires.
    """
    uses = Counter(term.value for adder in graph.adders for term in adder.terms)
    uses.update(term.value for term in graph.outputs if term)
    found, width = set(), encoding.widths
    for number, adder in enumerate(graph.adders, start=graph.inputs):
        for term, flipped in zip(adder.terms, encoding.complemented[number - graph.inputs], strict=True):
            value = term.value
            is_alone = value >= graph.inputs and uses[value] == 1 and stage[value] == stage[number]
            if is_alone and not term.shift and not flipped:
                inner = graph.adders[value - graph.inputs].terms
                most = sum((1 << (width[t.value] + t.shift)) - 1 for t in inner)
                if most.bit_length() <= width[value] or width[value] == width[number]:
                    found.add(value)
    return frozenset(found)


def step_ns(step: Step, technology: Technology) -> float:
    """Return the delay of one step."""
    if step.kind == "multiplier":
        return technology.multiplier_ns(step.size, step.other)
    formulas: dict[str, Callable[[int], float]] = {
        "adder": technology.adder_ns,
        "constant": technology.constant_ns,
        "compare": technology.compare_ns,
        "mux": technology.mux_ns,
        "gates": technology.gate_ns,
    }
    return formulas[step.kind](step.size)


@dataclass(frozen=True, eq=False)
class _Place:
    """What a node is: shared sums (truncated products before them), wires, or an instance; and its steps."""

    products: Sums | None
    sums: Sums | None
    wires: tuple[int, ...] | None
    steps: Steps


class PathModel:
    """A scheduled graph taken apart once, for any number of technologies of one fabric."""

    def __init__(self, graph: Graph, schedule: Schedule, fabric: Fabric) -> None:
        self.graph, self.schedule, self.fabric = graph, schedule, fabric

    @cached_property
    def places(self) -> dict[str, _Place]:
        """What every node that runs is made of."""
        return {node.name: self._place(node) for node in self.graph.nodes if node.name in self.schedule.slots}

    def _place(self, node: Node) -> _Place:
        slot, types = self.schedule.slots[node.name], self.graph.operand_types(node.name)
        how = node.op.rtl(slot.reuse, *types)
        steps = operator_steps(node.op, slot.reuse, *types)
        if isinstance(how, Products):
            return self._sums(how, self.graph.types[node.name], types[0], slot.latency_cycles, steps)
        if isinstance(how, Scaling) and not self._reads_sums(node):
            steps = (Step("constant", how.sums.fixed.width), *steps)
        return _Place(None, None, how.index if isinstance(how, Wiring) else None, steps)

    def _reads_sums(self, node: Node) -> bool:
        """Whether the operand is shared adders, which add a constant anyway."""
        slot, operand = self.schedule.slots.get(node.operands[0]), self.graph.by_name[node.operands[0]]
        types = self.graph.operand_types(operand.name)
        return slot is not None and isinstance(operand.op.rtl(slot.reuse, *types), Products)

    def _sums(self, how: Products, result: TensorType, data: TensorType, cuts: int, steps: Steps) -> _Place:
        planned = plan(how, data, fabric=self.fabric, extra_depth=self.schedule.extra_depth)
        products = Sums.of(planned.products, planned.inputs.bounds, 0, self.fabric) if planned.products else None
        sums = Sums.of(planned.sums, planned.sum_bounds, cuts, self.fabric)
        return _Place(products, sums, None, (Step("constant", result.fixed.width), *steps))

    def critical_path(self, technology: Technology, *, triplicated: bool = False) -> CriticalPath:
        """Return the longest path, with inputs launched by registers outside."""
        return _Walk(self, technology, triplicated).walk()


class _Walk:
    """Arrivals of every node's elements in one technology; the longest path so far."""

    def __init__(self, model: PathModel, technology: Technology, triplicated: bool) -> None:
        self.model, self.graph, self.schedule, self.technology = model, model.graph, model.schedule, technology
        self.launch = technology.launch_ns + (technology.voter_ns if triplicated else 0.0)
        self.setup = technology.register_ns - technology.launch_ns
        self.times: dict[str, Times] = {}
        self.longest = CriticalPath(0.0, "")

    def walk(self) -> CriticalPath:
        for node in self.graph.nodes:
            if node.name in self.schedule.slots:
                self.times[node.name] = self.result(node)
            else:
                self.times[node.name] = np.full(self.graph.types[node.name].size, self.launch)
        for register in self.schedule.registers:
            if not register.source:
                self.end(register.node, self.times[register.node])
        return self.longest

    def end(self, node: str, times: Times | float) -> None:
        """Let a register take `times`."""
        ns = float(np.max(times)) + self.setup
        if ns > self.longest.ns:
            self.longest = CriticalPath(ns, node)

    def read(self, node: Node, position: int) -> Times:
        """Arrival of an operand's elements: through a register, or straight from its node."""
        name = node.operands[position]
        if self.schedule.reads.get((node.name, position), 0):
            return np.full(self.graph.types[name].size, self.launch)
        return self.times[name]

    def result(self, node: Node) -> Times:
        place, size = self.model.places[node.name], self.graph.types[node.name].size
        delay = sum(step_ns(step, self.technology) for step in place.steps)
        if place.sums:
            times = self.read(node, 0)
            if place.products:
                times = self.outputs(place.products, node.name, times)
            return self.outputs(place.sums, node.name, times) + delay
        if place.wires is not None:
            index, times = np.array(place.wires), self.read(node, 0)
            return np.asarray(np.where(index < 0, 0.0, times[np.maximum(index, 0)]), dtype=np.float64)
        operands = [self.read(node, i) for i, name in enumerate(node.operands) if name not in self.graph.static]
        if self.schedule.slots[node.name].is_serial:
            self.end(node.name, max(float(times.max()) for times in operands) + delay)
            return np.full(size, self.launch)
        if all(len(times) == size for times in operands):
            return np.asarray(np.max(operands, axis=0) + delay, dtype=np.float64)
        return np.full(size, max(float(times.max()) for times in operands) + delay)

    def outputs(self, sums: Sums, node: str, arrivals: Times) -> Times:
        """Arrivals of the outputs of shared adders in their last stage; what crosses a cut ends at a register."""
        times = sums.arrivals(arrivals.tolist(), self.launch, self.technology)
        for value in sums.crossing():
            self.end(node, times[value])
        ends = [(t.value, sums.stage[t.value] == sums.cuts) if t else None for t in sums.graph.outputs]
        return np.array([0.0 if end is None else times[end[0]] if end[1] else self.launch for end in ends])


def predicted_critical_path(
    graph: Graph, schedule: Schedule, technology: Technology, *, triplicated: bool = False
) -> CriticalPath:
    """Return the predicted critical path of `graph` as scheduled, with inputs and outputs in registers."""
    return PathModel(graph, schedule, technology.fabric).critical_path(technology, triplicated=triplicated)
