"""The path model against delays added up by hand."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.critical_path import PathModel, predicted_critical_path, step_ns
from codesign.delay import technology
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Constant, Input, Parameter
from codesign.schedule import schedule
from codesign.steps import Step, operator_steps

TECH = technology("xcup")


def dense(matrix, *, shift=0, bits=4, inputs_bits=6):
    weights = np.array(matrix)
    nodes = [
        Node("x", Input((weights.shape[1],), Fixed(inputs_bits, 0, False))),
        Node("w", Constant(weights)),
        Node("b", Constant(np.zeros(len(weights), np.int64))),
        Node("sum", Dense(), ("x", "w", "b")),
    ]
    if shift:
        nodes.append(Node("act", Requantise(Fixed(bits, 0, False), (1,), (0,), shift, "half_even"), ("sum",)))
    return Graph("net", tuple(nodes), (Port("x"),), (Port(nodes[-1].name),))


def test_one_sum_is_launch_adder_constant_and_setup():
    path = predicted_critical_path(dense([[1, 1]]), schedule(dense([[1, 1]])), TECH)
    assert path.ns == pytest.approx(TECH.register_ns + TECH.adder_ns(6, 7) + TECH.constant_ns(7))
    assert path.node == "sum"


def test_three_in_a_row_take_two_carry_chains_or_one_carry_save_stage():
    graph, cells = dense([[1, 1, 1]]), technology("nangate45")
    plan = schedule(graph)
    chains = predicted_critical_path(graph, plan, TECH).ns - TECH.register_ns
    assert chains > 2 * TECH.adder_ns(6, 7)
    saved = replace(cells, delays=replace(cells.delays, carry_save=5.0))
    more = predicted_critical_path(graph, plan, saved).ns - predicted_critical_path(graph, plan, cells).ns
    assert more == pytest.approx(5.0 - cells.carry_save_ns)


def test_a_value_with_two_readers_is_not_merged():
    """Negative control for the merging above: x0 + x1 is an output too, so it has to be there as a number."""
    graph, cells = dense([[1, 1, 1], [1, 1, 0]]), technology("nangate45")
    saved = replace(cells, delays=replace(cells.delays, carry_save=5.0))
    paths = [predicted_critical_path(graph, schedule(graph), tech).ns for tech in (cells, saved)]
    assert paths[0] == paths[1]


def test_cuts_inside_the_sums_shorten_the_path():
    graph = dense([[1, 2, 3, 5, 7, 9], [3, 5, 7, 11, 13, 1]])
    whole, *cut = (
        predicted_critical_path(graph, schedule(graph, inner_cuts={"sum": cuts}), TECH).ns for cuts in (0, 1, 2)
    )
    assert whole > cut[0] >= cut[1] > TECH.register_ns + TECH.adder_ns(6)


def test_requantisation_adds_its_steps_and_a_register_ends_the_path():
    plain, graph = dense([[1, 1]]), dense([[1, 1]], shift=2)
    op, types = graph.by_name["act"].op, graph.operand_types("act")
    steps = operator_steps(op, 1, *types)
    assert [step.kind for step in steps] == ["compare", "compare", "mux"]
    extra = sum(step_ns(step, TECH) for step in steps)
    path = predicted_critical_path(graph, schedule(graph), TECH)
    assert path.ns == pytest.approx(predicted_critical_path(plain, schedule(plain), TECH).ns + extra)
    assert path.node == "act"


def test_triplication_costs_a_voter_a_cycle():
    graph = dense([[1, 3]], shift=2)
    once, voted = (predicted_critical_path(graph, schedule(graph), TECH, triplicated=t).ns for t in (False, True))
    assert voted - once == pytest.approx(TECH.voter_ns)


def test_a_serial_node_with_programmable_weights_reads_a_word_multiplies_and_accumulates():
    graph = dense([[1, 3, 2, 5]])
    nodes = tuple(Node("w", Parameter((1, 4), Fixed(4, 0, True))) if node.name == "w" else node for node in graph.nodes)
    graph = Graph("net", nodes, graph.inputs, graph.outputs)
    model = PathModel(graph, schedule(graph, {"sum": 2}), TECH.fabric)
    kinds = [step.kind for step in model.places["sum"].steps]
    assert kinds[:2] == ["mux", "multiplier"]
    assert set(kinds[2:]) == {"adder"}
    assert model.critical_path(TECH).ns > TECH.register_ns + TECH.multiplier_ns(6, 4)


def test_a_serial_node_with_constant_weights_has_no_multiplier():
    graph = dense([[1, 3, 2, 5]])
    kinds = [step.kind for step in PathModel(graph, schedule(graph, {"sum": 2}), TECH.fabric).places["sum"].steps]
    assert "multiplier" not in kinds
    assert kinds[-1] == "adder"


def test_every_step_has_a_delay():
    kinds = ("adder", "constant", "compare", "mux", "gates")
    assert all(step_ns(Step(kind, 8), TECH) >= 0 for kind in kinds)
    assert step_ns(Step("multiplier", 8, 6), TECH) == TECH.multiplier_ns(8, 6)
