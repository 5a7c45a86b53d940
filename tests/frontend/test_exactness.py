"""The comparison itself: it counts every value, notices one wrong bit, and locates and explains roundings."""

from dataclasses import replace

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.inject.enum import ScalingImplType
from torch import nn

from codesign.errors import BadInputError
from codesign.frontend.brevitas import Captured, capture
from codesign.frontend.exactness import check_exactness
from codesign.frontend.vectors import corner_inputs, random_inputs
from codesign.graph import Graph
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Constant
from tests.frontend.zoo import small


def identity(bits, threshold):
    return qnn.QuantIdentity(bit_width=bits, scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=threshold)


@pytest.fixture(scope="module")
def model():
    return small(3)


@pytest.fixture(scope="module")
def captured(model):
    return capture(model, (2, 5, 5))


def with_op(captured: Captured, name: str, op) -> Captured:
    nodes = tuple(replace(node, op=op) if node.name == name else node for node in captured.graph.nodes)
    graph = captured.graph
    return replace(captured, graph=Graph(graph.name, nodes, graph.inputs, graph.outputs))


def test_every_value_of_every_node_is_counted(model, captured):
    done = []
    report = check_exactness(captured, model, random_inputs(captured, 10, 0), batch=4, advance=done.append)
    assert done == [4, 4, 2]
    sizes = {path: 10 * captured.graph.types[binding.node].size for path, binding in captured.node_of.items()}
    assert dict(report.values) == sizes
    assert {"quant", "conv", "act", "dense", "out"} <= set(report.values)
    assert report.vectors == 10
    assert report.is_exact
    assert "0 differ from float64" in report.summary()


@pytest.mark.parametrize("name", ["conv.weight", "dense.weight"])
def test_one_flipped_weight_bit_is_noticed(model, captured, name):
    values = captured.graph.by_name[name].op.values.copy()
    values.flat[1] ^= 1
    report = check_exactness(with_op(captured, name, Constant(values)), model, random_inputs(captured, 50, 0))
    assert report.total_mismatches > 0
    assert report.float64_broken > 0
    assert not report.is_explained


def test_one_flipped_constant_of_a_requantisation_is_noticed(model, captured):
    op = captured.graph.by_name["act"].op
    assert isinstance(op, Requantise)
    wrong = replace(op, addend=(op.addend[0] ^ (1 << op.shift), *op.addend[1:]))
    report = check_exactness(with_op(captured, "act", wrong), model, random_inputs(captured, 50, 0))
    assert report.mismatches["act"] > 0
    assert any(not tie.is_explained for tie in report.float64_ties)
    assert not report.is_explained


def test_wrong_scale_of_a_node_is_noticed(model, captured):
    binding = captured.node_of["conv"]
    moved = replace(captured, node_of={**captured.node_of, "conv": replace(binding, scale=binding.scale * 1.001)})
    assert not check_exactness(moved, model, random_inputs(captured, 50, 0)).is_explained


def test_another_model_is_an_error(captured):
    with pytest.raises(BadInputError, match="compare a graph with the model it was captured from"):
        check_exactness(captured, nn.Sequential(identity(4, 1.0)), random_inputs(captured, 5, 0))


def test_float32_ties_are_located_and_measured():
    """Inputs on the ties of a scale that float32 rounds: float32 disagrees with float64 there, and only there."""
    model = nn.Sequential(identity(8, 1.1), qnn.QuantLinear(6, 3, weight_bit_width=4), identity(10, 2.3)).eval()
    torch.manual_seed(0)
    captured = capture(model, (6,))
    report = check_exactness(captured, model, corner_inputs(captured))
    assert report.is_exact
    assert report.float32_ties
    for tie in report.float32_ties:
        assert tie.distance_lsb < 1e-3
        assert tie.is_explained


def test_equal_scales_make_ties_that_float64_rounds_by_accident():
    """2 a + b over one learned scale, halved: exact ties, and float64's rounded sums fall on either side."""

    class Halved(nn.Module):
        def __init__(self):
            super().__init__()
            self.quant, self.halved = identity(8, 1.1), identity(8, 2.2)

        def forward(self, x):
            x = self.quant(x)
            return self.halved(x + x + x)

    model = Halved().eval()
    captured = capture(model, (4,))
    report = check_exactness(captured, model, corner_inputs(captured))
    assert report.is_explained
    assert all(tie.distance_lsb < 1e-12 for tie in report.float64_ties)


def test_a_tie_is_decided_as_the_float64_model_does():
    """x = 64 / 128 on a scale 1 / 255 is the tie 127.5 but for float64's rounding of the scale."""
    from codesign.fixed import Fixed

    quantiser = qnn.QuantReLU(bit_width=8, scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=1.0)
    captured = capture(nn.Sequential(quantiser), (1,), input_type=Fixed(8, 7))
    assert check_exactness(captured, nn.Sequential(quantiser), np.arange(256).reshape(-1, 1) / 128).is_exact


def test_corner_inputs_hold_what_they_promise(captured):
    inputs = corner_inputs(captured, levels=16).reshape(-1, 50)
    integers = captured.quantise_input(inputs.reshape(-1, 2, 5, 5)).reshape(-1, 50)
    quantiser = captured.input_quantiser
    for row in (
        np.full(50, quantiser.low),
        np.full(50, quantiser.high),
        captured.quantise_input(np.zeros((1, 2, 5, 5))).ravel(),
    ):
        assert (integers == row).all(axis=1).any()
    scale, zero = float(quantiser.scale[0]), float(quantiser.zero_point[0])
    assert (np.abs((inputs / scale + zero) % 1 - 0.5) < 1e-9).any()
    assert inputs.min() < (quantiser.low - zero) * scale
    assert np.array_equal(inputs, corner_inputs(captured, levels=16).reshape(-1, 50))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_inputs_are_refused(captured, bad):
    with pytest.raises(BadInputError, match="NaN or infinite"):
        captured.quantise_input(np.full((1, 2, 5, 5), bad))


def test_inputs_of_another_shape_are_refused(captured):
    with pytest.raises(BadInputError, match=r"must have shape \(batch, 2, 5, 5\), not \(1, 3\)"):
        captured.quantise_input(np.zeros((1, 3)))
