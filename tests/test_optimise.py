"""Choosing for a technology: limits are kept, looser ones never cost area, and simulation measures the schedule."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.models import load_bench
from codesign.adders import EXTRA_DEPTH
from codesign.delay import NAMES, Technology, technology
from codesign.errors import BadInputError
from codesign.estimate import Estimator
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops import Add, Constant, Dense, Input, Requantise, Reshape
from codesign.optimise import Choice, Limits, optimise
from codesign.rtl import emit, write_rtl
from tests.ops.check_op import Bench, check_response, check_text, random_values

XCUP = technology("xcup")


def network(seed: int = 1, name: str = "mlp") -> Graph:
    """Dense 8 -> 8, rounded, added to the input, dense 8 -> 4."""
    rng = np.random.default_rng(seed)
    nodes = (
        Node("x", Input((8,), Fixed(5, 0, True))),
        Node("w1", Constant(rng.integers(-15, 16, (8, 8)))),
        Node("b1", Constant(rng.integers(-9, 9, 8))),
        Node("w2", Constant(rng.integers(-15, 16, (4, 8)))),
        Node("b2", Constant(rng.integers(-9, 9, 4))),
        Node("first", Dense(), ("x", "w1", "b1")),
        Node("act", Requantise(Fixed(5), (1,), (0,), 4, "half_even"), ("first",)),
        Node("same", Reshape((8,)), ("x",)),
        Node("sum", Add(), ("act", "same")),
        Node("y", Dense(), ("sum", "w2", "b2")),
    )
    return Graph(name, nodes, (Port("x"),), (Port("y"),))


GRAPH = network()


def fastest_clock(graph: Graph, tech: Technology) -> float:
    """The clock period that the errors of faster ones name."""
    clock_ns = 1.0
    for _ in graph.nodes:
        try:
            optimise(graph, tech, clock_ns)
        except BadInputError as error:
            needed_ns = float(str(error).split("must be ")[1].split(" ns")[0])
            assert needed_ns > clock_ns
            clock_ns = needed_ns + 0.0005  # the message rounds
    return clock_ns


FAST_NS = fastest_clock(GRAPH, XCUP)


def simulated(graph: Graph, choice: Choice, bench: Bench, tech: str) -> None:
    rtl = emit(graph, choice.schedule, tmr="registers", clock_ns=5.0, fabric=technology(tech).fabric)
    rtl_dir = write_rtl(rtl, bench.work / "rtl")
    check_text(graph, choice.schedule, rtl_dir, bench.work / "lint", cuts=choice.inner_cuts)
    check_response(graph, choice.schedule, rtl_dir, bench, random_values(graph, bench.events, 1))


@pytest.mark.parametrize("name", NAMES)
def test_every_path_fits_and_a_faster_clock_costs_area(name):
    fast_ns = fastest_clock(GRAPH, technology(name))
    clocks = (25.0, 2 * fast_ns, 1.3 * fast_ns, fast_ns)
    choices = [optimise(GRAPH, technology(name), clock_ns) for clock_ns in clocks]
    for clock_ns, choice in zip(clocks, choices, strict=True):
        assert choice.path.ns <= clock_ns
        assert choice.schedule.ii_cycles == 1
    areas = [choice.area for choice in choices]
    assert areas == sorted(areas)
    latencies = [choice.schedule.latency_cycles for choice in choices]
    assert latencies == sorted(latencies)


def test_registers_and_adders_make_up_the_area():
    choice = optimise(GRAPH, XCUP, FAST_NS)
    assert choice.inner_cuts, "the clock is so fast that adders are cut"
    rtl = emit(GRAPH, choice.schedule, tmr="registers", clock_ns=FAST_NS, fabric="lut", choice=choice.record())
    free = replace(XCUP, areas=replace(XCUP.areas, register=0.0, voter=0.0))
    bare = Estimator(GRAPH, free, 3, choice.extra_depth)
    logic = sum(bare.variant(name, 1, slot.latency_cycles).area for name, slot in choice.schedule.slots.items())
    assert choice.area == pytest.approx(logic + XCUP.register_area(rtl.manifest["register_bits"], 3))
    assert rtl.manifest["choice"]["inner_cuts"] == choice.inner_cuts
    assert rtl.manifest["choice"]["critical_path_ns"] == pytest.approx(choice.path.ns, abs=1e-4)
    assert "choice" not in emit(GRAPH, choice.schedule, tmr="none", clock_ns=FAST_NS).manifest


def test_the_depth_of_sums_follows_from_the_clock():
    slow, fast = (optimise(GRAPH, XCUP, clock_ns) for clock_ns in (100.0, FAST_NS))
    assert slow.extra_depth == EXTRA_DEPTH > fast.extra_depth == 0
    assert fast.record()["extra_depth"] == 0
    texts = [dict(emit(GRAPH, one.schedule, tmr="none", clock_ns=1.0).files) for one in (slow, fast)]
    assert texts[0] != texts[1]


def test_looser_limits_never_cost_area():
    free = optimise(GRAPH, XCUP, FAST_NS)
    fastest = free.schedule.latency_cycles
    for name in ("ii_cycles", "latency_cycles"):
        areas = [optimise(GRAPH, XCUP, FAST_NS, limits=Limits(**{name: fastest + n})).area for n in range(6)]
        assert areas == sorted(areas, reverse=True)
        assert areas[-1] <= free.area * (1 + 1e-9)
    with pytest.raises(BadInputError, match="latency must be"):
        optimise(GRAPH, XCUP, FAST_NS, limits=Limits(latency_cycles=1))


def test_reuse_is_chosen_only_where_it_saves_area():
    """A small reuse factor can cost more than shared adders without reuse; whatever is forced is never smaller."""
    limits = Limits(ii_cycles=64)
    free = optimise(GRAPH, XCUP, 4 * FAST_NS, limits=limits)
    for reuse in ({"first": 2}, {"first": 2, "y": 2}, {"first": 8, "y": 8}, {"*": 4}, {"first": 64}):
        forced = optimise(GRAPH, XCUP, 4 * FAST_NS, reuse, limits)
        assert forced.area >= free.area * (1 - 1e-9)
        wanted = dict.fromkeys(("first", "y"), 4) if "*" in reuse else reuse
        assert {name: forced.reuse.get(name) for name in wanted} == wanted


def test_with_an_area_budget_the_latency_is_least():
    least = optimise(GRAPH, XCUP, 2 * FAST_NS, limits=Limits(ii_cycles=64))
    quick = optimise(GRAPH, XCUP, 2 * FAST_NS, limits=Limits(ii_cycles=64, area=1e9))
    tight = optimise(GRAPH, XCUP, 2 * FAST_NS, limits=Limits(ii_cycles=64, area=least.area + 1e-6))
    assert tight.schedule.latency_cycles == least.schedule.latency_cycles
    assert quick.schedule.latency_cycles < least.schedule.latency_cycles
    fewer = Limits(ii_cycles=64, latency_cycles=quick.schedule.latency_cycles - 1)
    with pytest.raises(BadInputError, match="latency must be"):
        optimise(GRAPH, XCUP, 2 * FAST_NS, limits=fewer)


def test_cuts_that_the_user_gives_are_kept():
    assert optimise(GRAPH, XCUP, 25.0).inner_cuts == {}
    choice = optimise(GRAPH, XCUP, 25.0, inner_cuts={"first": 2}, limits=Limits(ii_cycles=64))
    assert choice.inner_cuts["first"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clock_ns": 0.1}, r"clock must be above 0\.\d+ ns for a register alone, not 0.1"),
        ({"clock_ns": 0.9}, r"node '\w+': the clock must be \d\.\d+ ns or more for it, not 0.9 ns"),
        ({"limits": Limits(latency_cycles=1)}, r"latency must be \d+ cycles or more at this clock and interval, not 1"),
        ({"limits": Limits(area=10)}, r"area must be \d+ LUT or more within the other limits, not 10"),
        (
            {"reuse": {"first": 8}, "limits": Limits(ii_cycles=4)},
            r"node 'first': its reuse factor needs an initiation interval of \d+, not 4",
        ),
        ({"reuse": {"first": 3}}, r"node 'first': reuse factor must be one of \(1, 2, 4, 8, 16, 32, 64\), not 3"),
        ({"reuse": {"act": 2}}, r"node 'act': reuse factor must be one of \(1,\), not 2"),
        ({"inner_cuts": {"sum": 1}}, "node 'sum': only shared adders at reuse factor 1 can be cut"),
    ],
)
def test_what_cannot_be_met_is_one_line_that_says_what_can(arguments, message):
    with pytest.raises(BadInputError, match=message) as caught:
        optimise(GRAPH, XCUP, **({"clock_ns": FAST_NS} | arguments))
    assert "\n" not in str(caught.value)


def test_the_clock_that_an_error_names_is_enough_and_no_more():
    with pytest.raises(BadInputError, match="the clock must be"):
        optimise(GRAPH, XCUP, FAST_NS - 0.002)
    assert optimise(GRAPH, XCUP, FAST_NS).inner_cuts


def test_the_choice_is_the_same_in_every_process(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(GRAPH.to_json())
    code = (
        "import sys, pathlib\n"
        "from codesign.delay import technology\n"
        "from codesign.graph_json import graph_from_json\n"
        "from codesign.ops import OPERATORS\n"
        "from codesign.optimise import Limits, optimise\n"
        "graph = graph_from_json(pathlib.Path(sys.argv[1]).read_text(), OPERATORS)\n"
        "for clock_ns in (25.0, 8.0):\n"
        "    choice = optimise(graph, technology('xcup'), clock_ns, limits=Limits(ii_cycles=64))\n"
        "    print(choice.record(), choice.schedule)"
    )
    texts = [
        subprocess.run(
            (sys.executable, "-c", code, path), env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert texts[0] == texts[1]
    assert "first" in texts[0]


@pytest.mark.parametrize(
    ("clock_ns", "limits"),
    [(FAST_NS, Limits()), pytest.param(2 * FAST_NS, Limits(ii_cycles=64), marks=pytest.mark.slow)],
)
def test_the_simulation_measures_the_schedule(tmp_path, build_cache, clock_ns, limits):
    choice = optimise(GRAPH, XCUP, clock_ns, limits=limits)
    simulated(GRAPH, choice, Bench(tmp_path, build_cache), "xcup")


@pytest.mark.slow
@pytest.mark.parametrize(("clock_ns", "tech"), [(25.0, "nangate45"), (5.0, "xcup"), (2.5, "xcup")])
def test_the_simulation_measures_the_schedule_of_a_benchmark(shared_data, tmp_path, build_cache, clock_ns, tech):
    graph = load_bench(shared_data / "bench" / "in_edge.json", "half_even")
    choice = optimise(graph, technology(tech), clock_ns)
    assert choice.path.ns <= clock_ns
    simulated(graph, choice, Bench(tmp_path, build_cache), tech)
