"""The integer programme that picks a variant and a start for every node: least area, or least latency.

One binary for every variant of every node, an integer start for every node, one binary for every edge: whether the
value goes through a register. Registers are counted as `schedule` counts them: exactly at an interval of one cycle;
above, never more than `schedule` will place, so that the optimum is a lower bound. Solved by HiGHS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from codesign.estimate import Variant
from codesign.graph import Graph, Node, Wiring

Terms = Mapping[int, float]
Picks = Mapping[str, Variant]


@dataclass(frozen=True)
class Problem:
    """What may be chosen: variants by node, delay that fits between registers, area of a register bit, limits."""

    graph: Graph
    variants: Mapping[str, tuple[Variant, ...]]
    budget_ns: float
    register_area: float
    ii_cycles: int
    latency_cycles: int

    @cached_property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Operand and reader of every value that events bring, each pair once."""
        pairs = [(o, u) for u in self.variants for o in self.graph.by_name[u].operands if o not in self.graph.static]
        return tuple(dict.fromkeys(pairs))

    @cached_property
    def wiring(self) -> frozenset[str]:
        """Nodes that are nothing but wires."""
        return frozenset(name for name in self.variants if is_wiring(self.graph, self.graph.by_name[name]))

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Serial nodes and the readers that may work inside them."""
        return tuple(
            (o, u) for o, u in self.edges if any(one.is_fused and not one.is_serial for one in self.variants[u])
        )


@dataclass(frozen=True)
class Solution:
    """The variants picked, the latency of the whole graph, and the objective: area, or cycles."""

    picks: Picks
    latency_cycles: int
    value: float


def is_wiring(graph: Graph, node: Node) -> bool:
    """Whether the node is nothing but wires."""
    return isinstance(node.op.rtl(1, *graph.operand_types(node.name)), Wiring)


def solve(problem: Problem, excluded: Iterable[Picks] = (), *, fastest: bool = False) -> Solution | None:
    """Return the optimum without the picks of `excluded`, or None if nothing fits; `fastest` minimises latency."""
    return _Programme(problem, fastest).solve(excluded)


class _Programme:
    """Variables and rows; a row says that the sum of its terms is at least its limit."""

    def __init__(self, problem: Problem, fastest: bool) -> None:
        self.problem, self.fastest = problem, fastest
        self.costs: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.whole: list[int] = []
        self.rows: list[tuple[Terms, float]] = []
        most = problem.latency_cycles
        cycle_cost = 1.0 if fastest else problem.register_area  # one valid pulse a cycle
        self.latency = self._variable(0, most, cost=cycle_cost, whole=True)
        self.pick = {
            name: [self._variable(0, 1, cost=0 if fastest else one.area, whole=True) for one in variants]
            for name, variants in problem.variants.items()
        }
        self.start = {name: self._variable(0, most, whole=True) for name in problem.variants}
        self.arrival = {name: self._variable(0, problem.budget_ns) for name in problem.variants}
        self.held = {name: self._held(name) for name in dict.fromkeys(o for o, _ in self._uses())}
        self.through = {edge: self._variable(0, 1, whole=True) for edge in problem.edges}
        self.last = {name: self._variable(0, 2 * most + 2 * problem.ii_cycles) for name in self.held}
        self._add_picks()
        for name in problem.variants:
            self._add_arrival(name)
        for name in self.held:
            self._add_window(name)
        for edge in problem.edges:
            self._add_edge(*edge)
        for pair in problem.pairs:
            self._add_pair(*pair)
        for port in problem.graph.outputs:
            self._add_output(port.node)

    def _uses(self) -> list[tuple[str, str]]:
        return [*self.problem.edges, *((port.node, "") for port in self.problem.graph.outputs)]

    def _held(self, name: str) -> int:
        """Registers of a value, one behind the other."""
        bits = self.problem.graph.types[name].bounds.live_bits
        cost = 0 if self.fastest else bits * self.problem.register_area
        return self._variable(0, self.problem.latency_cycles + 1, cost=cost, whole=True)

    def _variable(self, low: float, high: float, *, cost: float = 0.0, whole: bool = False) -> int:
        self.costs.append(cost)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(int(whole))
        return len(self.costs) - 1

    def _at_least(self, limit: float, *parts: Terms) -> None:
        total: dict[int, float] = {}
        for terms in parts:
            for variable, factor in terms.items():
                total[variable] = total.get(variable, 0.0) + factor
        self.rows.append((total, limit))

    def _of_pick(self, name: str, values: Iterable[float], sign: float = 1.0) -> Terms:
        """The value that belongs to the picked variant."""
        return {k: sign * value for k, value in zip(self.pick[name], values, strict=True)}

    def _latency_of(self, name: str, sign: float = 1.0) -> Terms:
        return self._of_pick(name, (one.latency_cycles for one in self.problem.variants[name]), sign)

    def _ready(self, name: str, sign: float = 1.0) -> list[Terms]:
        """The cycle of a result: start and latency; 0 for an input."""
        if name not in self.start:
            return []
        return [{self.start[name]: sign}, self._latency_of(name, sign)]

    def _add_picks(self) -> None:
        for picks in self.pick.values():
            self._at_least(1, dict.fromkeys(picks, 1.0))
            self._at_least(-1, dict.fromkeys(picks, -1.0))
        if self.problem.ii_cycles > 1:
            slowest = [
                k
                for name, picks in self.pick.items()
                for k, one in zip(picks, self.problem.variants[name], strict=True)
                if one.ii_cycles == self.problem.ii_cycles
            ]
            self._at_least(1, dict.fromkeys(slowest, 1.0))

    def _add_arrival(self, name: str) -> None:
        """The result arrives after the operands, or a while after the last register inside."""
        variants, budget = self.problem.variants[name], self.problem.budget_ns
        stops = [one.latency_cycles > 0 for one in variants]
        tails = (one.tail_ns if stop else 0.0 for one, stop in zip(variants, stops, strict=True))
        self._at_least(0, {self.arrival[name]: 1}, self._of_pick(name, tails, -1))
        for operand in (o for o, u in self.problem.edges if u == name and o in self.arrival):
            registered = {self.through[operand, name]: budget}
            head = self._of_pick(name, (one.head_ns for one in variants), -1)
            self._at_least(-budget, {self.arrival[operand]: -1}, registered, head)
            passed = (2 * budget if stop else -one.head_ns for one, stop in zip(variants, stops, strict=True))
            came = {self.arrival[name]: 1, self.arrival[operand]: -1}
            self._at_least(0, came, registered, self._of_pick(name, passed))
        direct = (0.0 if stop else -one.head_ns for one, stop in zip(variants, stops, strict=True))
        self._at_least(0, {self.arrival[name]: 1}, self._of_pick(name, direct))

    def _add_window(self, name: str) -> None:
        """`last`: a cycle up to which the node itself holds its value; the longest that is possible."""
        if name not in self.start:
            self._at_least(0, {self.last[name]: -1})
            return
        ii, variants = self.problem.ii_cycles, self.problem.variants[name]
        # A reader inside a serial node ends with it: no window is longer than an interval.
        windows = (ii if one.is_clean else one.latency_cycles + ii - 1 for one in variants)
        self._at_least(0, {self.last[name]: -1, self.start[name]: 1}, self._of_pick(name, windows))
        far = 2 * self.problem.latency_cycles + 2 * ii
        for operand in (o for o, u in self.problem.edges if u == name):
            free = self._of_pick(name, (far if one.is_serial else one.latency_cycles for one in variants))
            self._at_least(0, {self.last[name]: -1, self.last[operand]: 1, self.held[operand]: far}, free)

    def _add_edge(self, operand: str, reader: str) -> None:
        """A reader starts when its operand is there, a cycle later if through a register; it may have to hold still."""
        through, ii = self.through[operand, reader], self.problem.ii_cycles
        self._at_least(0, {self.start[reader]: 1, through: -1}, *self._ready(operand, -1))
        self._at_least(0, {self.held[operand]: 1, through: -1})
        hold = self._of_pick(reader, (one.hold_cycles - 1 for one in self.problem.variants[reader]), -1)
        used = [{self.last[operand]: 1, self.start[reader]: -1}, hold]
        self._at_least(0, {self.held[operand]: ii}, *used)
        self._at_least(0, {through: 2 * self.problem.latency_cycles + 2 * ii}, *used)
        if ii == 1:
            self._at_least(0, {self.held[operand]: 1, self.start[reader]: -1}, *self._ready(operand))

    def _add_pair(self, leader: str, reader: str) -> None:
        """Both are fused, and then in one cycle, or none is: a serial leader then has a register behind it."""
        fused = [
            self._of_pick(name, (float(one.is_fused) for one in self.problem.variants[name]))
            for name in (leader, reader)
        ]
        self._at_least(0, fused[0], {k: -value for k, value in fused[1].items()})
        self._at_least(0, fused[1], {k: -value for k, value in fused[0].items()})
        alone = (float(one.is_serial and not one.is_fused) for one in self.problem.variants[leader])
        self._at_least(0, {self.through[leader, reader]: 1}, self._of_pick(leader, alone, -1))
        most = self.problem.latency_cycles + 1
        inside = self._of_pick(reader, (float(one.is_fused) for one in self.problem.variants[reader]), -most)
        self._at_least(-most, {self.held[leader]: -1}, inside)
        self._at_least(-most, {self.start[reader]: -1}, inside, *self._ready(leader))

    def _add_output(self, name: str) -> None:
        """Outputs are read in the last cycle, from registers; wires alone may stand between these and the port."""
        ii = self.problem.ii_cycles
        self._at_least(0, {self.held[name]: ii, self.last[name]: 1, self.latency: -1})
        if ii == 1:
            self._at_least(0, {self.held[name]: 1, self.latency: -1}, *self._ready(name))
        ends = [name]
        while ends:
            end = ends.pop()
            self._at_least(0, {self.latency: 1}, *self._ready(end, -1))
            if end in self.problem.wiring:
                ends += [operand for operand, reader in self.problem.edges if reader == end]
            elif end in self.start:
                unclean = [float(not one.is_clean) for one in self.problem.variants[end]]
                self._at_least(0, {self.latency: 1}, *self._ready(end, -1), self._of_pick(end, unclean, -1))
                if end == name:
                    self._at_least(0, {self.held[end]: 1}, self._of_pick(end, unclean, -1))
            else:
                self._at_least(1, {self.latency: 1})
                if end == name:
                    self._at_least(1, {self.held[end]: 1})

    def solve(self, excluded: Iterable[Picks]) -> Solution | None:
        """Return the optimum."""
        for picks in excluded:
            taken = [self.pick[name][self.problem.variants[name].index(one)] for name, one in picks.items()]
            self._at_least(1 - len(taken), dict.fromkeys(taken, -1.0))
        entries = [(r, k, factor) for r, (terms, _) in enumerate(self.rows) for k, factor in terms.items()]
        row, column, factor = zip(*entries, strict=True)
        matrix = csr_array((factor, (row, column)), shape=(len(self.rows), len(self.costs)))
        found = milp(
            self.costs,
            integrality=self.whole,
            bounds=Bounds(np.array(self.low), np.array(self.high)),
            constraints=LinearConstraint(matrix, lb=np.array([limit for _, limit in self.rows])),
            options={"mip_rel_gap": 0.0},
        )
        if found.x is None:
            return None
        assert found.success, found.message
        picks = {
            name: self.problem.variants[name][int(np.argmax(found.x[variables]))]
            for name, variables in self.pick.items()
        }
        return Solution(picks, round(found.x[self.latency]), float(found.fun))
