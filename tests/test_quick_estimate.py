"""Parts of a design: registers are those of the emitted Verilog, logic is near what solved adders give."""

import pytest

from codesign.delay import technology
from codesign.estimate import Estimator
from codesign.flows.estimate_points import EstimatePoint, Shape, estimate_points
from codesign.quick_estimate import STYLES, QuickEstimator, parts, register_bits
from codesign.rtl import emit
from codesign.serial import Serial

SHAPE = Shape("net", (10,), (12, 6), zeros=0.2, scale_bits=9)
IMAGES = Shape("pictures", (2, 4, 4), (5,), filters=4)
POINTS = [EstimatePoint(shape, 5, 6, reuse, 0, "none", 5.0) for shape in (SHAPE, IMAGES) for reuse in (1, 2, 4, 8)]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_register_bits_are_those_of_the_verilog(point: EstimatePoint) -> None:
    graph = point.graph
    plan = point.schedule(graph)
    estimator = QuickEstimator(graph, technology("xcup"), 1)
    found = list(parts(dict.fromkeys(STYLES, estimator), plan))
    emitted = emit(graph, plan, tmr="none", clock_ns=5.0, fabric="lut").manifest
    assert register_bits(found, estimator, plan) == emitted["register_bits"]
    assert sum(part.register_bits for part in found) < emitted["register_bits"]  # some stand between the nodes


@pytest.mark.parametrize("reuse", [1, 2])
def test_logic_is_near_that_of_solved_adders(reuse: int) -> None:
    point = EstimatePoint(SHAPE, 6, 7, reuse, 0, "none", 5.0)
    graph = point.graph
    plan = point.schedule(graph)
    quick, solved = (
        {part.name: part.logic for part in parts(dict.fromkeys(STYLES, kind(graph, technology("nangate45"), 1)), plan)}
        for kind in (QuickEstimator, Estimator)
    )
    assert quick.keys() == solved.keys()
    for name in ("dense0", "dense1"):
        assert quick[name] == pytest.approx(solved[name], rel=0.15)
        assert quick[name] != solved[name]


def test_styles_and_busy_shares() -> None:
    point = EstimatePoint(SHAPE, 6, 6, 4, 0, "none", 5.0)
    graph = point.graph
    plan = point.schedule(graph)
    found = {p.name: p for p in parts(dict.fromkeys(STYLES, QuickEstimator(graph, technology("xcup"), 1)), plan)}
    for name in ("dense0", "dense1"):
        how = graph.by_name[name].op.rtl(plan.slots[name].reuse, *graph.operand_types(name))
        assert isinstance(how, Serial)
        assert found[name].style == ("sums" if how.phases.has_adders else "tables")
        assert found[name].busy == plan.slots[name].latency_cycles / plan.ii_cycles
    assert {found[f"dense{k}_act"].style for k in (0, 1)} == {"fused"}


def test_calibration_points_differ_and_are_enough() -> None:
    names = [point.name for point in estimate_points()]
    assert len(set(names)) == len(names) >= 120
    assert len({point.shape for point in estimate_points()}) == 13
    assert {point.clock_ns for point in estimate_points()} == {5.0, 10.0, 25.0}
