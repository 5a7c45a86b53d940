"""Models exported by Brevitas: the graph of the file equals the graph of the model, and both equal float64."""

import copy

import numpy as np
import pytest
import torch

from codesign.frontend import brevitas, qonnx
from codesign.frontend.exactness import check_exactness
from codesign.frontend.vectors import corner_inputs, random_inputs
from tests.frontend.qonnx_reference import report_of
from tests.frontend.qonnx_zoo import LEVELS, Point, export, net, pairs, pairwise

POINTS = pairwise()
FAST = 5


def names(points):
    return [f"{number}-{point.body}-{point.weights}-{point.file}" for number, point in points]


@pytest.fixture
def compared(tmp_path):
    """Check one point: graph of the file == graph of the model on every output, each == its own model in float64."""

    def check(number, point, change=lambda model: None):
        model = net(point, number)
        path = tmp_path / "model.onnx"
        exported = copy.deepcopy(model)
        change(exported)
        export(exported, path)
        from_model, from_file = brevitas.capture(model, model.shape), qonnx.capture(path)
        inputs = np.concatenate([corner_inputs(from_model, 16)[-60:], random_inputs(from_model, 100, number)])
        model_report = check_exactness(from_model, model, inputs)
        file_report = report_of(from_file, path, inputs)
        assert model_report.is_exact, model_report.summary()
        assert file_report.is_exact, file_report.summary()
        assert from_file.graph.outputs[0].scale == from_model.graph.outputs[0].scale
        assert from_file.graph.outputs[0].offset == from_model.graph.outputs[0].offset
        outputs = [outputs_of(captured, inputs) for captured in (from_file, from_model)]
        assert np.array_equal(*outputs)
        return from_file

    return check


def outputs_of(captured, inputs):
    results = captured.graph.evaluate({captured.input: captured.quantise_input(inputs)})
    return results[captured.graph.outputs[0].node]


@pytest.mark.parametrize(("number", "point"), list(enumerate(POINTS))[:FAST], ids=names(list(enumerate(POINTS))[:FAST]))
def test_graph_equals_the_model(compared, number, point):
    compared(number, point)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "point"), list(enumerate(POINTS))[FAST:], ids=names(list(enumerate(POINTS))[FAST:]))
def test_graph_equals_the_model_over_the_grid(compared, number, point):
    compared(number, point)


def test_the_grid_covers_every_pair_of_values():
    """All pairs of values of two fields, but those that Brevitas cannot export."""
    covered = set().union(*(pairs(point) for point in POINTS))
    fields = list(LEVELS)
    missing = set()
    for i, left in enumerate(fields):
        for right in fields[i + 1 :]:
            missing |= {((left, a), (right, b)) for a in LEVELS[left] for b in LEVELS[right]} - covered
    illegal = {"binary", "ternary", 12}
    assert all(illegal & {left[1], right[1]} for left, right in missing), missing
    assert all({"qcdq", "int32"} & {left[1], right[1]} for left, right in missing), missing


def test_a_model_of_other_weights_is_noticed(compared):
    """Negative control: the file is exported from a model with one weight changed by a quarter of the range."""

    def change(model):
        with torch.no_grad():
            model.dense.weight[0, 0] += model.dense.weight.abs().max() / 2

    point = Point("dense", "fixed_point", 5, 4, 5, "float", "learned", 1, 1, 0, False, True, "qonnx")
    compared(0, point)
    with pytest.raises(AssertionError):
        compared(0, point, change)
