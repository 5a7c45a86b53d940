"""What lies outside of the calibrated designs is named, what lies inside is not."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.estimate_range import Range, outside, sizes
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.argmax import ArgMax
from codesign.ops.dense import Dense
from codesign.ops.sources import Constant, Input
from codesign.schedule import schedule

WEIGHTS = np.array([[1, -2, 3], [0, 7, -8]])
NODES = (
    Node("x", Input((3,), Fixed(5, 0, True))),
    Node("w", Constant(WEIGHTS)),
    Node("b", Constant(np.array([0, 1]))),
    Node("y", Dense(), ("x", "w", "b")),
)
GRAPH = Graph("net", NODES, (Port("x"),), (Port("y"),))
RANGES = {
    "outputs": Range(2, 4), "inputs of an output": Range(3, 4), "weight bits": Range(4, 6), "data bits": Range(5, 8),
    "reuse factor": Range(1, 2), "pipeline cuts": Range(0, 0), "share of zero weights": Range(0, 0.5),
    "clock_ns": Range(5, 25),
}  # fmt: skip


def test_sizes_of_a_layer() -> None:
    ((name, numbers),) = sizes(GRAPH, schedule(GRAPH, cuts=("y",)))
    assert name == "y"
    assert numbers == {
        "outputs": 2, "inputs of an output": 3, "weight bits": 5, "data bits": 5, "reuse factor": 1,
        "pipeline cuts": 0, "share of zero weights": pytest.approx(1 / 6),
    }  # fmt: skip


def test_inside_says_nothing() -> None:
    assert outside(GRAPH, schedule(GRAPH, cuts=("y",)), RANGES, 5.0) == ()


def test_a_number_outside_is_named() -> None:
    ranges = RANGES | {"data bits": Range(6, 8)}
    assert outside(GRAPH, schedule(GRAPH, cuts=("y",)), ranges, 5.0) == (
        "node 'y': data bits 5, calibrated for 6 to 8",
    )
    assert outside(GRAPH, schedule(GRAPH, cuts=("y",)), RANGES, 2.0) == ("clock of 2 ns, calibrated for 5 to 25",)


def test_an_operator_without_calibration_is_named() -> None:
    graph = replace(GRAPH, nodes=(*NODES, Node("best", ArgMax(), ("y",))), outputs=(Port("best"),))
    plan = schedule(graph, cuts=("best",))
    assert outside(graph, plan, RANGES, 5.0) == ("node 'best': operator argmax is in no calibrated design",)
