"""Choose reuse factors, pipeline cuts and registers: least estimated area for a clock and limits.

An integer programme picks, exactly (codesign/programme.py). What the user gives is fixed; the rest is chosen.
docs/schedule.md has the formulae and their sources.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from codesign.adders import EXTRA_DEPTH
from codesign.critical_path import CriticalPath, predicted_critical_path
from codesign.delay import Technology
from codesign.errors import BadInputError
from codesign.estimate import Estimator, Variant
from codesign.graph import Graph
from codesign.programme import Picks, Problem, solve
from codesign.schedule import Schedule, checked_inner_cuts, checked_reuse, held_bits, reusable, schedule

MARGIN = 0.1  # of the clock period, kept for what the delay model does not know
TOLERANCE_NS = 1e-4  # beyond the solver's own
EXTRA_DEPTHS = (EXTRA_DEPTH, 0)  # of shared sums, the shallowest last


@dataclass(frozen=True)
class Limits:
    """Upper limits; None is no limit, for the interval: what the given reuse factors ask for, 1 without any."""

    ii_cycles: int | None = None
    latency_cycles: int | None = None
    area: float | None = None


@dataclass(frozen=True)
class Choice:
    """What was chosen for a technology, the schedule of it, and what it is estimated to take."""

    technology: str
    reuse: Mapping[str, int]
    inner_cuts: Mapping[str, int]
    schedule: Schedule
    area: float
    area_unit: str
    path: CriticalPath

    @property
    def extra_depth(self) -> int:
        """Adders in a row that the shared sums may have beyond the shallowest tree."""
        return self.schedule.extra_depth

    @property
    def cuts(self) -> tuple[str, ...]:
        """Nodes whose result stands in a register, in order."""
        return tuple(dict.fromkeys(register.node for register in self.schedule.registers))

    def record(self) -> dict[str, Any]:
        """Return the choice for the manifest, without the schedule."""
        return {
            "technology": self.technology,
            "reuse": dict(self.reuse),
            "inner_cuts": dict(self.inner_cuts),
            "cuts": list(self.cuts),
            "extra_depth": self.extra_depth,
            "area": round(self.area, 3),
            "area_unit": self.area_unit,
            "critical_path_ns": round(self.path.ns, 4),
            "critical_node": self.path.node,
            "margin": MARGIN,
        }


def optimise(
    graph: Graph,
    technology: Technology,
    clock_ns: float,
    reuse: Mapping[str, int] | None = None,
    limits: Limits | None = None,
    *,
    inner_cuts: Mapping[str, int] | None = None,
    copies: int = 3,
) -> Choice:
    """Return the choice of least estimated area within `limits`; with an area limit, of least latency.

    The depth of shared sums is chosen with the rest: a tight clock asks for shallow ones, or for fewer cuts.
    `reuse`, `inner_cuts`: what is given by node. `copies` of every register: 3, or 1 without triplication.
    Raises `BadInputError` naming the limit that cannot be met and what can be reached.
    """
    limits = limits or Limits()
    factors = checked_reuse(graph, reuse or {})
    choices = reusable(graph)
    given = {name: factors[name] for name in (choices if "*" in (reuse or {}) else reuse or {})}
    cuts = checked_inner_cuts(graph, inner_cuts or {}, factors)
    ii_cycles = _interval(limits, {name: _ii_of(graph, name, reuse) for name, reuse in given.items()})
    budget_ns = clock_ns * (1 - MARGIN) - technology.register_ns - (technology.voter_ns if copies == 3 else 0.0)
    if budget_ns <= 0:
        needed = (clock_ns * (1 - MARGIN) - budget_ns) / (1 - MARGIN)
        raise BadInputError(f"clock must be above {needed:.3f} ns for a register alone, not {clock_ns:g}")
    task = _Task(graph, technology, clock_ns, budget_ns, factors, given, cuts, limits, ii_cycles, copies)
    return _best_way([partial(task.choice, depth) for depth in EXTRA_DEPTHS], limits)


@dataclass(frozen=True)
class _Task:
    """What is chosen for: the checked arguments of `optimise`."""

    graph: Graph
    technology: Technology
    clock_ns: float
    budget_ns: float
    factors: Mapping[str, int]
    given: Mapping[str, int]
    cuts: Mapping[str, int]
    limits: Limits
    ii_cycles: int
    copies: int

    def choice(self, extra_depth: int) -> Choice:
        """Return the best choice whose sums have at most `extra_depth` adders more than the shallowest tree."""
        graph, technology = self.graph, self.technology
        variants = self._variants(Estimator(graph, technology, self.copies, extra_depth))
        most = sum(max(one.latency_cycles for one in found) + 1 for found in variants.values()) + 1
        register_area = technology.register_area(1, self.copies)
        problem = Problem(graph, variants, self.budget_ns, register_area, self.ii_cycles, most)
        plan = _best(problem, self.limits, technology.area_unit)
        chosen = replace(plan.schedule, extra_depth=extra_depth)
        path = predicted_critical_path(graph, chosen, technology, triplicated=self.copies == 3)
        return Choice(
            technology.name,
            {name: one.reuse for name, one in plan.picks.items() if one.reuse > 1},
            {name: one.inner_cuts for name, one in plan.picks.items() if one.inner_cuts},
            chosen,
            plan.area,
            technology.area_unit,
            path,
        )

    def _variants(self, estimator: Estimator) -> dict[str, tuple[Variant, ...]]:
        choices, variants = reusable(self.graph), {}
        for name in self.factors:
            legal = tuple(r for r in choices.get(name, (1,)) if _ii_of(self.graph, name, r) <= self.ii_cycles)
            if name in self.given or self.cuts.get(name):
                legal = (self.factors[name],)
            every = estimator.variants(name, legal, self.cuts.get(name), self.budget_ns)
            variants[name] = _fitting(name, tuple(every), self.budget_ns, self.clock_ns)
        return variants


def _best_way(ways: Sequence[Callable[[], Choice]], limits: Limits) -> Choice:
    """Return the best of what is possible; the error of the last, the shallowest, if nothing is."""
    found: list[Choice] = []
    for position, way in enumerate(ways):
        try:
            found.append(way())
        except BadInputError:
            if position == len(ways) - 1 and not found:
                raise
    if limits.area is None:
        return min(found, key=lambda choice: choice.area)
    return min(found, key=lambda choice: (choice.schedule.latency_cycles, choice.area))


@dataclass(frozen=True)
class Plan:
    """Picked variants, their schedule and its area."""

    picks: Picks
    schedule: Schedule
    area: float


def _ii_of(graph: Graph, name: str, reuse: int) -> int:
    return graph.by_name[name].op.timing(reuse, *graph.operand_types(name)).ii_cycles


def _interval(limits: Limits, given: Mapping[str, int]) -> int:
    """The longest initiation interval; `given` by nodes whose reuse factor is given."""
    slowest = max(given, key=lambda name: given[name], default=None)
    needed = given[slowest] if slowest else 1
    if limits.ii_cycles is not None and limits.ii_cycles < needed:
        raise BadInputError(
            f"node '{slowest}': its reuse factor needs an initiation interval of {needed}, not {limits.ii_cycles}"
        )
    return limits.ii_cycles or needed


def _fitting(name: str, found: tuple[Variant, ...], budget_ns: float, clock_ns: float) -> tuple[Variant, ...]:
    """The variants whose own delays fit between two registers, without those that another one beats in all respects."""
    fit = tuple(one for one in found if one.longest_ns <= budget_ns)
    if not fit:
        least = min(one.longest_ns for one in found)
        needed = (least + (clock_ns * (1 - MARGIN) - budget_ns)) / (1 - MARGIN)
        raise BadInputError(f"node '{name}': the clock must be {needed:.3f} ns or more for it, not {clock_ns:g} ns")
    return tuple(one for one in fit if not any(_beats(other, one) for other in fit))


def _beats(one: Variant, other: Variant) -> bool:
    """Whether `one` can take the place of `other` everywhere, and is smaller."""
    kinds = [(v.is_serial, v.is_fused, v.latency_cycles, v.ii_cycles) for v in (one, other)]
    faster = one.head_ns <= other.head_ns and one.tail_ns <= other.tail_ns
    return kinds[0] == kinds[1] and faster and one.area < other.area


def _best(problem: Problem, limits: Limits, unit: str) -> Plan:
    fastest = min(
        (found.latency_cycles for one in intervals(problem) if (found := solve(one, fastest=True))), default=0
    )
    most = problem.latency_cycles if limits.latency_cycles is None else limits.latency_cycles
    plan = least_area(replace(problem, latency_cycles=min(most, problem.latency_cycles)))
    while plan is None:
        # Above an interval of one cycle `fastest` is a lower bound: say what a schedule really reaches.
        plan = least_area(replace(problem, latency_cycles=fastest))
        if plan is not None:
            raise BadInputError(f"latency must be {fastest} cycles or more at this clock and interval, not {most}")
        fastest += 1
    if limits.area is None:
        return plan
    if plan.area > limits.area:
        raise BadInputError(
            f"area must be {plan.area:.0f} {unit} or more within the other limits, not {limits.area:g}; "
            f"a longer initiation interval or latency may need less"
        )
    return soonest(problem, limits.area, fastest, plan)


def soonest(problem: Problem, area: float, fastest: int, plan: Plan) -> Plan:
    """Return the plan of least latency that fits into `area`; the least area never grows with the latency."""
    low, high = fastest, plan.schedule.latency_cycles
    while low < high:
        middle = (low + high) // 2
        found = least_area(replace(problem, latency_cycles=middle))
        if found is not None and found.area <= area:
            plan, high = found, min(middle, found.schedule.latency_cycles)
        else:
            low = middle + 1
    return plan


def intervals(problem: Problem) -> Iterator[Problem]:
    """Yield the problem at every initiation interval that its variants can have."""
    every = {1, *(one.ii_cycles for found in problem.variants.values() for one in found)}
    for ii_cycles in sorted(every):
        if ii_cycles > problem.ii_cycles:
            continue
        variants = {
            name: tuple(one for one in found if one.ii_cycles <= ii_cycles) for name, found in problem.variants.items()
        }
        if all(variants.values()):
            yield replace(problem, variants=variants, ii_cycles=ii_cycles)


def least_area(problem: Problem) -> Plan | None:
    """Return the plan of least area, None if nothing fits.

    The programme's optimum is a lower bound; its picks are scheduled, then excluded, until the bound reaches the best.
    """
    best: Plan | None = None
    for one in intervals(problem):
        excluded: list[Picks] = []
        while (found := solve(one, excluded)) is not None:
            if best is not None and found.value >= best.area * (1 - 1e-9):
                break
            plan = planned(one, found.picks, found.latency_cycles)
            if plan is not None and (best is None or plan.area < best.area):
                best = plan
            excluded.append(found.picks)
    return best


def planned(problem: Problem, picks: Picks, latency_cycles: int) -> Plan | None:
    """Return the schedule and area of `picks`, None if the latency does not fit.

    At an interval of one cycle the programme says which latency needs the fewest registers; above, the least is taken.
    """
    graph = problem.graph
    plan = schedule(
        graph,
        {name: one.reuse for name, one in picks.items() if one.reuse > 1},
        (),
        {name: one.inner_cuts for name, one in picks.items() if one.inner_cuts},
        apart=frozenset([*_too_long(problem, picks), *_separate(problem, picks)]),
        latency_cycles=latency_cycles if problem.ii_cycles == 1 else None,
    )
    if plan.latency_cycles > problem.latency_cycles:
        return None
    bits = held_bits(graph, plan) + plan.latency_cycles  # one valid pulse a cycle
    return Plan(picks, plan, sum(one.area for one in picks.values()) + problem.register_area * bits)


def _separate(problem: Problem, picks: Picks) -> Iterator[tuple[str, str]]:
    """Yield serial nodes and readers that are not to work inside them."""
    yield from (pair for pair in problem.pairs if picks[pair[0]].is_serial and not picks[pair[1]].is_fused)


def _too_long(problem: Problem, picks: Picks) -> Iterator[tuple[str, str]]:
    """Yield pairs of nodes that would be too long a chain without a register between them."""
    readers: dict[str, list[str]] = {}
    for operand, reader in problem.edges:
        readers.setdefault(operand, []).append(reader)
    for first, pick in picks.items():
        arrival = {first: pick.tail_ns if pick.latency_cycles else pick.head_ns}
        for name in picks:  # in topological order
            if name in arrival and (name == first or not picks[name].latency_cycles):
                for reader in readers.get(name, ()):
                    arrival[reader] = max(arrival.get(reader, 0.0), arrival[name] + picks[reader].head_ns)
        yield from (
            (first, name) for name, ns in arrival.items() if name != first and ns > problem.budget_ns + TOLERANCE_NS
        )
