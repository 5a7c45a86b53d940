"""Serial engines with the requantisation of their results inside, layer behind layer, and a wrong table."""

import re
from pathlib import Path

import numpy as np
import pytest

from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops import Constant, Conv2d, Dense, Input, Requantise, Reshape, Threshold
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.exchange import PHASES
from codesign.sim.exchange import Plan as Drive
from codesign.sim.run import simulate
from codesign.verify import compare, stimulus
from tests.ops.check_op import Bench, check_response, check_text, random_values

RNG = np.random.default_rng(31)


def constant(low, high, *shape):
    return Constant(RNG.integers(low, high + 1, shape))


NODES = (
    Node("x", Input((2, 4, 4), Fixed(4, 0, True))),
    Node("k", constant(-7, 7, 4, 1, 3, 3)),
    Node("kb", constant(-20, 20, 4)),
    Node("conv", Conv2d((2, 2), (1, 0, 0, 1), pad_value=-3, groups=2), ("x", "k", "kb")),
    Node("act", Requantise(Fixed(5), (3, 5, -2, 7), (9, -4, 30, 1), 4, "half_even"), ("conv",)),
    Node("flat", Reshape((16,)), ("act",)),
    Node("w", constant(-15, 15, 6, 16)),
    Node("b", constant(-90, 90, 6)),
    Node("fc", Dense(bias_shift=1), ("flat", "w", "b")),
    Node("levels", Threshold(Fixed(3), np.sort(RNG.integers(-600, 600, (6, 5))), (0, 1, 0, 0, 1, 0), 1), ("fc",)),
    Node("v", constant(-7, 7, 3, 6)),
    Node("c", constant(-9, 9, 3)),
    Node("last", Dense(), ("levels", "v", "c")),
)
GRAPH = Graph("engines", NODES, (Port("x"),), (Port("last"),))
REUSE = [
    {"conv": 2, "fc": 2, "last": 3},  # positions; digits of 3 bits; digits of 1 bit
    {"conv": 4, "fc": 4, "last": 2},  # one window in turn; digits of 2 bits
    {"conv": 36, "fc": 16, "last": 18},  # digits and rows too
    {"conv": 144, "fc": 96, "last": 1},  # fewer phases than the reuse factor
]


def written(tmp_path, reuse, tmr="registers"):
    plan = schedule(GRAPH, reuse)
    return plan, write_rtl(emit(GRAPH, plan, tmr=tmr, clock_ns=25.0), tmp_path / "rtl")


@pytest.mark.parametrize("reuse", [pytest.param(one, marks=pytest.mark.slow) for one in REUSE[:-2]] + REUSE[-2:-1])
def test_layers_in_phases(tmp_path: Path, build_cache: Path, reuse):
    plan, rtl_dir = written(tmp_path, reuse)
    assert plan.fused == {"act": "conv", "levels": "fc"}
    check_text(GRAPH, plan, rtl_dir, tmp_path / "lint")
    check_response(GRAPH, plan, rtl_dir, Bench(tmp_path, build_cache), random_values(GRAPH, 60, 5))


ROWS = (  # every element of the result has constants of its own
    Node("x", Input((4, 3), Fixed(4, 0, True))),
    Node("w", constant(-7, 7, 2, 3)),
    Node("b", constant(-9, 9, 2)),
    Node("fc", Dense(), ("x", "w", "b")),
    Node("act", Requantise(Fixed(5), tuple(range(3, 11)), tuple(range(-20, 60, 10)), 4, "half_even"), ("fc",)),
)


@pytest.mark.slow
@pytest.mark.parametrize("reuse", [2, 12])  # two rows at once; row by row, digits of 2 bits
def test_rows_with_their_requantisation(tmp_path: Path, build_cache: Path, reuse):
    graph = Graph("row_engine", ROWS, (Port("x"),), (Port("act"),))
    plan = schedule(graph, {"fc": reuse})
    assert plan.fused == {"act": "fc"}
    rtl_dir = write_rtl(emit(graph, plan, tmr="none", clock_ns=25.0), tmp_path / "rtl")
    check_text(graph, plan, rtl_dir, tmp_path / "lint")
    check_response(graph, plan, rtl_dir, Bench(tmp_path, build_cache), random_values(graph, 60, 7))


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_fewer_phases_than_the_reuse_factor(tmp_path: Path, build_cache: Path, tmr):
    plan, rtl_dir = written(tmp_path, REUSE[-1], tmr)
    assert (plan.slots["fc"].latency_cycles, plan.slots["fc"].ii_cycles) == (30, 96)
    check_text(GRAPH, plan, rtl_dir, tmp_path / "lint")
    check_response(GRAPH, plan, rtl_dir, Bench(tmp_path, build_cache), random_values(GRAPH, 40, 6))


def test_a_wrong_table_entry_is_caught(tmp_path: Path, build_cache: Path):
    """Negative control: one bit of one table entry flipped in the Verilog."""
    _, rtl_dir = written(tmp_path, REUSE[2])
    values = random_values(GRAPH, 60, 5)
    events, expected = stimulus(GRAPH, values), GRAPH.evaluate(values)
    table = rtl_dir / "engines_last_serial_tables.v"
    text = table.read_text()
    found = re.search(r" 0: (\w+) = (-?\d+'d)(\d+);", text)
    wrong = f" 0: {found[1]} = {found[2]}{int(found[3]) ^ 1};"
    table.write_text(text.replace(found[0], wrong, 1))
    drive = Drive(gap_events=len(events), reset_events=8)
    response = simulate(rtl_dir, events, drive, tmp_path / "run", build_cache, b"")
    assert compare(GRAPH, expected, response.phases[PHASES[0]]).mismatches > 0


def test_a_value_that_is_read_twice_is_not_fused():
    nodes = (*GRAPH.nodes, Node("again", Reshape((6, 1)), ("fc",)))
    plan = schedule(Graph("g", nodes, (Port("x"),), (Port("last"), Port("again"))), {"fc": 4})
    assert plan.fused == {}


def test_a_register_that_is_asked_for_keeps_both_apart():
    plan = schedule(GRAPH, {"fc": 4}, apart=frozenset({("fc", "levels")}))
    assert plan.fused == {}
    assert any(register.node == "levels" for register in plan.registers)


def test_emission_is_deterministic():
    texts = [emit(GRAPH, schedule(GRAPH, REUSE[2]), tmr="none", clock_ns=5.0).files for _ in range(2)]
    assert texts[0] == texts[1]
