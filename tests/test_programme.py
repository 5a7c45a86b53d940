"""The integer programme against trying every combination of variants, on random graphs with made-up variants."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.estimate import Variant
from codesign.optimise import Plan, intervals, least_area, planned, soonest
from codesign.programme import Picks, Problem
from codesign.schedule import is_cuttable, reusable
from tests.test_schedule import Model, add, dense, make, narrow, start_times, wires

MOST = 7  # cycles


@st.composite
def problems(draw: st.DrawFn, most_reuse: int) -> Problem:
    """Up to three nodes; a product may be cut once, or be reused, alone or with its reader; a chain of 10 ns fits."""
    names, nodes = ["x"], []
    for i in range(draw(st.integers(1, 3))):
        left, right = (draw(st.sampled_from(names)) for _ in range(2))
        name = f"n{i}"
        nodes.append(
            draw(st.sampled_from([dense(name, left), add(name, left, right), narrow(name, left), wires(name, left)]))
        )
        names.append(name)
    read = {operand for node in nodes for operand in node.operands}
    graph = make(*nodes, outputs=tuple(name for name in names if name not in read))
    delay, area = st.integers(1, 10), st.integers(0, 40)
    variants = {}
    for node in nodes:
        is_wires = node.op.kind == "reshape"
        found = [Variant(1, 0, 0, 0, 1, 0) if is_wires else Variant(1, 0, draw(area), 0, 1, draw(delay))]
        if node.op.kind == "dense":
            assert is_cuttable(graph, node.name)
            found.append(Variant(1, 1, draw(area), 1, 1, draw(delay), 0, draw(delay)))
            for reuse in reusable(graph)[node.name][1:]:
                timing = node.op.timing(reuse, *graph.operand_types(node.name))
                one = Variant(reuse, 0, draw(area), timing.latency_cycles, timing.ii_cycles, draw(delay))
                inside = [other for other in nodes if other.operands[0] == node.name and other.op.kind == "requantise"]
                is_fusable = inside and list(graph.nx.successors(node.name)) == [inside[0].name]
                if timing.ii_cycles <= most_reuse:
                    found += [one, replace(one, area=draw(area), is_fused=True)] if is_fusable else [one]
        leader = node.operands[0]
        if node.op.kind == "requantise" and any(one.is_fused for one in variants.get(leader, ())):
            found.append(Variant(1, 0, 0, 0, 1, 0, is_fused=True))
        variants[node.name] = tuple(found)
    return Problem(graph, variants, 10.0, draw(st.sampled_from([0.5, 3.0])), most_reuse, MOST)


def every_plan(problem: Problem) -> list[Plan]:
    """Every combination of variants, at every latency where the interval is one cycle."""
    found = []
    for one in intervals(problem):
        for variants in itertools.product(*one.variants.values()):
            picks = dict(zip(one.variants, variants, strict=True))
            if max(pick.ii_cycles for pick in variants) == one.ii_cycles:
                latencies = range(MOST + 1) if one.ii_cycles == 1 else [0]
                found += [plan for cycles in latencies if (plan := plan_of(one, picks, cycles)) is not None]
    return found


def plan_of(problem: Problem, picks: Picks, latency_cycles: int) -> Plan | None:
    if any(picks[leader].is_fused != picks[reader].is_fused for leader, reader in problem.pairs):
        return None
    try:
        return planned(problem, picks, latency_cycles)
    except BadInputError:  # a latency that the picks cannot have
        return None


def check(problem: Problem) -> None:
    every, plan = every_plan(problem), least_area(problem)
    if plan is None:
        assert not every
        return
    assert plan.area == pytest.approx(min(one.area for one in every))
    fused = {reader: leader for leader, reader in problem.pairs if plan.picks[reader].is_fused}
    assert plan.schedule.fused == fused
    Model(problem.graph, plan.schedule, start_times(plan.schedule.ii_cycles, [0, 1, 0, 2, 0])).run()
    area = plan.area * 1.2 + 5
    quick = soonest(problem, area, 0, plan)
    assert quick.schedule.latency_cycles == min(one.schedule.latency_cycles for one in every if one.area <= area)


@settings(derandomize=True, deadline=None, max_examples=15, report_multiple_bugs=False)
@given(problems(1))
def test_no_combination_needs_less_area_at_an_interval_of_one(problem):
    check(problem)


@settings(derandomize=True, deadline=None, max_examples=15, report_multiple_bugs=False)
@given(problems(4))
def test_no_combination_needs_less_area_at_any_interval(problem):
    check(problem)
