"""Bits of weights: every bit once, flips in two's complement, and answers equal to those of the whole graph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.flows.designs.econt_chip import PARAMETERS, WEIGHT, Settings, build
from codesign.graph import Graph, Node, Port
from codesign.ops import Constant, Dense, Input, Requantise
from codesign.weight_bits import UpsetWeights, WeightBit, flipped, programmable, weight_bits

RNG = np.random.default_rng(5)
NODES = (
    Node("x", Input((3,), Fixed(4, 0, True))),
    Node("w1", Constant(np.array([[1, -2, 3], [-4, 0, 2]]))),
    Node("b1", Constant(np.array([5, -6]))),
    Node("hidden", Dense(), ("x", "w1", "b1")),
    Node("relu", Requantise(Fixed(4)), ("hidden",)),
    Node("w2", Constant(np.array([[1, -1]]))),
    Node("b2", Constant(np.array([0]))),
    Node("y", Dense(), ("relu", "w2", "b2")),
)
GRAPH = Graph("small", NODES, (Port("x"),), (Port("y"),))
X = {"x": RNG.integers(-8, 8, (40, 3))}


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 12), st.booleans(), st.data())
def test_a_flip_changes_one_bit_and_twice_is_none(width: int, signed: bool, data: st.DataObject):
    fixed = Fixed(width, 0, signed)
    values = np.array([data.draw(st.integers(fixed.low, fixed.high)) for _ in range(3)])
    bit = data.draw(st.integers(0, width - 1))
    once = flipped(values, fixed, 1, bit)
    mask = (1 << width) - 1
    assert [(a ^ b) & mask for a, b in zip(values.tolist(), once.tolist(), strict=True)] == [0, 1 << bit, 0]
    assert fixed.low <= once[1] <= fixed.high
    assert np.array_equal(flipped(once, fixed, 1, bit), values)


def test_constant_weights_become_parameters_of_the_narrowest_format():
    graph, values = programmable(GRAPH)
    assert {name: str(graph.types[name].fixed) for name in values} == {"w1": "s3", "b1": "s4", "w2": "s2", "b2": "u1"}
    assert np.array_equal(graph.evaluate({**X, **values})["y"], GRAPH.evaluate(X)["y"])
    bits = weight_bits(graph)
    assert len(bits) == len(set(bits)) == 6 * 3 + 2 * 4 + 2 * 2 + 1


def test_parameters_of_a_graph_are_its_weights_and_other_constants_are_not():
    graph, values = programmable(build(Settings()))
    assert values == {} and len(weight_bits(graph)) == 12_864


def test_a_graph_without_weights_is_refused():
    bare = Graph("bare", (NODES[0], Node("r", Requantise(Fixed(2)), ("x",))), (Port("x"),), (Port("r"),))
    with pytest.raises(BadInputError, match="no weights"):
        programmable(bare)


def test_every_flip_gives_what_the_whole_graph_gives():
    graph, values = programmable(GRAPH)
    upset = UpsetWeights(graph, {**X, **values})
    changed = 0
    for bit in weight_bits(graph):
        wrong = flipped(values[bit.parameter], graph.types[bit.parameter].fixed, bit.element, bit.bit)
        expected = graph.evaluate({**X, **values, bit.parameter: wrong})["y"]
        assert np.array_equal(upset.flip(bit)["y"], expected)
        changed += not np.array_equal(expected, upset.base["y"])
    assert changed > 10


def test_flips_of_the_chip_reach_through_reshaped_weights_and_truncated_products():
    graph = build(Settings())
    codes = {"codes": RNG.integers(0, 128, (6, 48))}
    values = {name: RNG.integers(WEIGHT.low, WEIGHT.high + 1, size) for name, size in PARAMETERS.items()}
    upset = UpsetWeights(graph, {**codes, **values})
    for name, size in PARAMETERS.items():
        bit = WeightBit(name, int(RNG.integers(size)), 5)
        wrong = flipped(values[name], WEIGHT, bit.element, bit.bit)
        expected = graph.evaluate({**codes, **values, name: wrong})
        assert all(np.array_equal(array, expected[port]) for port, array in upset.flip(bit).items())
    signs = {name: array ^ -32 for name, array in values.items()}
    expected = graph.evaluate({**codes, **signs})
    assert all(np.array_equal(array, expected[port]) for port, array in upset.flip_all_signs().items())


def test_nothing_changed_is_what_the_graph_gives():
    graph, values = programmable(GRAPH)
    assert np.array_equal(UpsetWeights(graph, {**X, **values}).changed({})["y"], GRAPH.evaluate(X)["y"])
    assert np.array_equal(UpsetWeights(graph, {**X, **values}).changed(values)["y"], GRAPH.evaluate(X)["y"])
