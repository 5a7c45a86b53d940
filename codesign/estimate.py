"""Area and delay of one node in each way to build it, from the constants of a technology.

Shared adders are counted and timed one by one. Any other node is its operator's `steps` for every element of its
result; constant products in phases are the sums of one phase, other time-multiplexed ones general multipliers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from codesign.adders import EXTRA_DEPTH
from codesign.critical_path import Sums, step_ns
from codesign.delay import Technology
from codesign.element_form import ElementForm
from codesign.errors import BadInputError
from codesign.graph import Graph, Node, Products, Wiring
from codesign.rtl_adders import AddersModule, Plan, plan
from codesign.serial import Serial, table_data_bits
from codesign.steps import Step, operator_steps
from codesign.unsigned_form import Fabric


@dataclass(frozen=True)
class Variant:
    """One way to build a node: reuse factor and pipeline cuts inside, and what it takes.

    Delays: from the operands to the first register inside (to the result if there is none), the longest between
    registers inside, and from the last register inside to the result.
    """

    reuse: int
    inner_cuts: int
    area: float
    latency_cycles: int
    ii_cycles: int
    head_ns: float
    inner_ns: float = 0.0
    tail_ns: float = 0.0
    is_fused: bool = False  # a serial node with its reader inside, or that reader

    @property
    def is_clean(self) -> bool:
        """Whether the result comes straight from registers of the node itself."""
        return self.is_serial or self.is_fused

    @property
    def is_serial(self) -> bool:
        """Whether the node works phase by phase on operands that must hold still."""
        return self.reuse > 1

    @property
    def hold_cycles(self) -> int:
        """Cycles for which the operands must hold still."""
        return self.latency_cycles if self.is_serial else 1

    @property
    def longest_ns(self) -> float:
        """The longest of the three delays."""
        return max(self.head_ns, self.inner_ns, self.tail_ns)


@dataclass(frozen=True)
class Estimator:
    """Area and delay of the nodes of one graph in one technology; registers in `copies` (1, or 3 if triplicated)."""

    graph: Graph
    technology: Technology
    copies: int
    extra_depth: int = EXTRA_DEPTH
    _plans: dict[str, Plan] = field(default_factory=dict, repr=False)

    @property
    def fabric(self) -> Fabric:
        """How the adders are written for the technology."""
        return self.technology.fabric

    def variant(self, name: str, reuse: int, inner_cuts: int = 0) -> Variant:
        """Return what node `name` takes at `reuse` with `inner_cuts` pipeline cuts inside."""
        node, operands = self.graph.by_name[name], self.graph.operand_types(name)
        timing = node.op.timing(reuse, *operands)
        latency = timing.latency_cycles + inner_cuts
        area, delays = self.node_area(node, reuse, inner_cuts), self._delays(node, reuse, inner_cuts)
        return Variant(reuse, inner_cuts, area, latency, timing.ii_cycles, *delays)

    def variants(self, name: str, reuse: Sequence[int], inner_cuts: int | None, budget_ns: float) -> Iterator[Variant]:
        """Yield the ways to build a node at each reuse factor: with `inner_cuts` if it is given, else with as few cuts
        as fit into `budget_ns` a stage, and with one more. More than that only add registers and latency.

        A serial node and a reader that can work inside it are there twice: alone, and fused.
        """
        for factor in reuse:
            try:
                whole = self.variant(name, factor, inner_cuts or 0)
            except BadInputError:  # more weights than shared adders are found for
                if factor == reuse[-1]:
                    raise
                continue
            yield whole
            reader = self._reader_inside(name, factor)
            if reader:
                yield self._with_reader(name, whole, reader)
            yield from self._cut_variants(name, whole, budget_ns) if inner_cuts is None else ()
        if self._leader_of(name):
            yield Variant(1, 0, 0.0, 0, 1, 0.0, is_fused=True)

    def _cut_variants(self, name: str, whole: Variant, budget_ns: float) -> Iterator[Variant]:
        most, spare = self._most_cuts(name, whole.reuse), int(whole.longest_ns > budget_ns)
        # Stages that fit are at least as many as the budgets in the whole delay.
        fewest = max(1, min(most, ceil(whole.longest_ns / budget_ns) - 1))
        for cuts in range(fewest, most + 1):
            found = self.variant(name, whole.reuse, cuts)
            yield found
            spare -= found.longest_ns <= budget_ns
            if spare < 0:
                break

    def _leader_of(self, name: str) -> str | None:
        """The node that `name` alone reads, and could work inside."""
        node = self.graph.by_name[name]
        if not isinstance(node.op, ElementForm):
            return None
        leader = node.operands[0]
        is_alone = list(self.graph.nx.successors(leader)) == [name]
        computes = bool(self.graph.by_name[leader].operands)
        shown = leader in {port.node for port in self.graph.outputs}
        return leader if computes and is_alone and not shown else None

    def _reader_inside(self, name: str, reuse: int) -> str | None:
        """The reader that works inside the serial engine of `name`, if there is one."""
        how = self.graph.by_name[name].op.rtl(reuse, *self.graph.operand_types(name))
        readers = list(self.graph.nx.successors(name))
        inside = isinstance(how, Serial) and len(readers) == 1 and self._leader_of(readers[0]) == name
        return readers[0] if inside else None

    def _with_reader(self, name: str, alone: Variant, reader: str) -> Variant:
        """The reader's elements of one phase, its result in the registers instead of the sums."""
        how = self.graph.by_name[name].op.rtl(alone.reuse, *self.graph.operand_types(name))
        assert isinstance(how, Serial)
        inner, result = self.variant(reader, 1), self.graph.types[reader]
        spared = self.graph.types[name].bounds.live_bits - result.bounds.live_bits
        shared = inner.area * how.lanes * how.group_positions / result.size
        area = alone.area + shared - spared * self.technology.register_area(1, self.copies)
        return replace(alone, area=area, head_ns=alone.head_ns + inner.head_ns, is_fused=True)

    def _most_cuts(self, name: str, reuse: int) -> int:
        node = self.graph.by_name[name]
        how = node.op.rtl(reuse, *self.graph.operand_types(name))
        if not isinstance(how, Products) or how.truncate:
            return 0
        return max(self._plan(node, how).sums.depths, default=0)

    def _plan(self, node: Node, how: Products) -> Plan:
        """The adder graph of a node, solved once: there is one way to build it without reuse."""
        if node.name not in self._plans:
            data = self.graph.operand_types(node.name)[0]
            self._plans[node.name] = plan(how, data, fabric=self.fabric, extra_depth=self.extra_depth)
        return self._plans[node.name]

    def adder_columns(self, node: Node, how: Products) -> list[tuple[int, int]]:
        """Return the columns with two operands, and all columns of the carry, of every shared adder of a node."""
        return _columns(self._plan(node, how), self.fabric)

    def cut_bits(self, node: Node, how: Products, inner_cuts: int) -> int:
        """Return the register bits of the pipeline cuts inside a node."""
        data, result = self.graph.operand_types(node.name)[0], self.graph.types[node.name]
        return AddersModule(node.name, how, data, result, None, inner_cuts, self.fabric, self.extra_depth).register_bits

    def node_area(self, node: Node, reuse: int, inner_cuts: int) -> float:
        """Return the area of a node with the registers inside it."""
        operands, technology = self.graph.operand_types(node.name), self.technology
        how, cost = node.op.rtl(reuse, *operands), node.op.cost(reuse, *operands)
        registers = technology.register_area(cost.register_bits, self.copies)
        if isinstance(how, Wiring):
            return 0.0
        if isinstance(how, Serial):
            return registers + self._phase(node, how)
        if node.op.static_operands and not isinstance(how, Products):
            return registers + self._multipliers(node, reuse, cost.multipliers)
        area = registers
        if isinstance(how, Products):
            area += sum(technology.adder_area(*columns) for columns in self.adder_columns(node, how))
            result = self.graph.types[node.name]
            area += technology.register_area(self.cut_bits(node, how, inner_cuts), self.copies)
            area += result.size * technology.constant_area(result.fixed.width)
        steps = operator_steps(node.op, reuse, *operands)
        return area + self.graph.types[node.name].size * sum(s.count * step_area(s, technology) for s in steps)

    def _phase(self, node: Node, how: Serial) -> float:
        """What works in every phase of a serial engine: sums of digits, accumulators, selection of the operands.

        Sums are the shared adders of reuse 1, as much narrower as a digit, or tables that stand in their adders.
        """
        technology, phases = self.technology, how.phases
        inputs = int(np.count_nonzero(how.matrix.any(axis=0)))
        sums = self._shared_sums(node, how) if phases.has_adders else self.table_sums(how)
        if phases.digits > 1:
            sums += sum(technology.adder_area(how.running_bits(lane)) for lane in range(how.lanes))
        chosen = phases.positions * phases.digits
        selected = technology.mux_area(inputs * phases.digit_bits, chosen) if chosen > 1 else 0.0
        return how.group_positions * (sums + selected)

    def _shared_sums(self, node: Node, how: Serial) -> float:
        wired = node.op.rtl(1, *self.graph.operand_types(node.name))
        assert isinstance(wired, Products)
        narrower = how.data.width - how.phases.digit_bits
        pairs = ((max(n - narrower, 1), max(m - narrower, 1)) for n, m in self.adder_columns(node, wired))
        return sum(self.technology.adder_area(*pair) for pair in pairs) / len(how.windows)

    def table_sums(self, how: Serial) -> float:
        """Return the area of one position's sums of a phase as tables that stand in their adders."""
        technology, phases = self.technology, how.phases
        inputs = int(np.count_nonzero(how.matrix.any(axis=0)))
        data_bits = table_data_bits(phases.rows)
        words = 1 << (data_bits + (phases.rows - 1).bit_length())
        running = (how.running_bits(lane) for lane in range(how.lanes))
        table = [technology.adder_area(n) + (self.fabric == "cells") * technology.rom_area(words, n) for n in running]
        return ceil(inputs * phases.digit_bits / data_bits) * sum(table)

    def _multipliers(self, node: Node, reuse: int, count: int) -> float:
        """General multipliers with an adder each, the words of the weights, and the selection of the data."""
        data, weight = self.graph.operand_types(node.name)[:2]
        technology, width = self.technology, self.graph.types[node.name].fixed.width
        one = technology.multiplier_area(data.fixed.width, weight.fixed.width) + technology.adder_area(width)
        if reuse == 1:
            return count * one
        word_bits = min(count, weight.size) * weight.fixed.width
        words = max(1, ceil(weight.size / count))
        stored = technology.rom_area(words, word_bits)
        if not weight.is_constant:
            stored = technology.mux_area(word_bits, words)
        return count * one + stored + technology.mux_area(data.bits)

    def _delays(self, node: Node, reuse: int, inner_cuts: int) -> tuple[float, float, float]:
        operands = self.graph.operand_types(node.name)
        how = node.op.rtl(reuse, *operands)
        finish = sum(step_ns(step, self.technology) for step in operator_steps(node.op, reuse, *operands))
        if not isinstance(how, Products):
            return (finish, 0.0, 0.0)
        delays = _stage_delays(self._plan(node, how), inner_cuts, self.technology)
        delays[-1] += self.technology.constant_ns(self.graph.types[node.name].fixed.width) + finish
        return (delays[0], max(delays[1:-1], default=0.0), delays[-1] if inner_cuts else 0.0)


def step_area(step: Step, technology: Technology) -> float:
    """Return the area of one step."""
    if step.kind == "multiplier":
        return technology.multiplier_area(step.size, step.other)
    if step.kind == "adder":
        return technology.adder_area(step.size)
    if step.kind == "compare":
        return technology.compare_area(step.size)
    # A tree of gates counts as one multiplexer for each of its inputs but one, as does a multiplexer of one bit.
    return technology.mux_area(max(step.other, 1), step.size)


def _columns(planned: Plan, fabric: Fabric) -> list[tuple[int, int]]:
    """Columns with two operands, and all columns of the carry, of every adder."""
    found = list(Sums.of(planned.sums, planned.sum_bounds, 0, fabric).columns)
    if planned.products:
        found += Sums.of(planned.products, planned.inputs.bounds, 0, fabric).columns
    return found


def _stage_delays(planned: Plan, cuts: int, technology: Technology) -> list[float]:
    """Longest delay of every stage of the adders."""
    start = [0.0] * planned.sums.inputs
    if planned.products:
        products = Sums.of(planned.products, planned.inputs.bounds, 0, technology.fabric)
        arrival = products.arrivals([0.0] * planned.products.inputs, 0.0, technology)
        start = [arrival[term.value] if term else 0.0 for term in planned.products.outputs]
    sums = Sums.of(planned.sums, planned.sum_bounds, cuts, technology.fabric)
    every = sums.arrivals(start, 0.0, technology)
    return [
        max((ns for ns, s in zip(every, sums.stage, strict=True) if s == one), default=0.0) for one in range(cuts + 1)
    ]
