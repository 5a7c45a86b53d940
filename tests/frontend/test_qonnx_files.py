"""Graphs of stored QONNX files equal the files' evaluation in float64 on every value of every tensor."""

import numpy as np
import onnx
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from codesign.fixed import Fixed
from codesign.frontend.qonnx import capture
from codesign.frontend.vectors import corner_inputs, random_inputs
from tests.frontend.qonnx_reference import Reference, report_of

FILES = {
    "jet_tagger_qkeras": ("models/jet_tagger_qkeras_6bit.onnx", Fixed(16, 10, True)),
    "tfc": ("models/tfc_1w2a.onnx", None),
    "tfc_input_type": ("models/tfc_1w2a.onnx", Fixed(8, 8)),
    "econ": ("bench/econ_trained.onnx", None),
    "jet": ("bench/jet_trained.onnx", None),
    "jet_sparse": ("bench/jet_sp50.onnx", None),
}


def vectors(captured, count=200):
    return np.concatenate([corner_inputs(captured, 32)[-120:], random_inputs(captured, count, 7)])


@pytest.mark.parametrize("name", FILES)
def test_graph_equals_the_file(shared_data, name):
    path, input_type = FILES[name]
    captured = capture(shared_data / path, input_type=input_type)
    report = report_of(captured, shared_data / path, vectors(captured))
    assert report.is_exact, report.summary()
    assert report.total_values > 50_000
    assert {tensor for tensor, bound in captured.node_of.items() if bound.quantised}


@pytest.mark.parametrize("name", ["jet", "econ"])
def test_reference_is_what_qonnx_executes(shared_data, name):
    """In float32, where qonnx can execute whole files, with onnxruntime."""
    path = shared_data / FILES[name][0]
    captured = capture(path)
    real = random_inputs(captured, 20, 3).astype(np.float32)
    reference = Reference(path, np.float32)(real)
    model = ModelWrapper(str(path))
    for number, row in enumerate(real):
        context = execute_onnx(model, {"global_in": row[None]}, return_full_exec_context=True)
        for tensor in captured.node_of:
            assert np.array_equal(context[tensor][0], reference[tensor][number])


def test_softmax_is_left_to_software(shared_data):
    captured = capture(shared_data / "models/jet_tagger_qkeras_6bit.onnx", input_type=Fixed(16, 10, True))
    assert captured.notes == ("Softmax 'Softmax_0' is left to software; output 'global_out' is its input",)
    assert "global_out" not in captured.node_of
    real = random_inputs(captured, 50, 5)
    integers = captured.quantise_input(real)
    (port,) = captured.graph.outputs
    logits = port.decode(captured.graph.evaluate({captured.input: integers})[port.node])
    expected = Reference(shared_data / "models/jet_tagger_qkeras_6bit.onnx")(captured.model_input(real))["global_out"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    # Probabilities, at most 1: the exponential function amplifies float64 rounding by the size of the logits.
    assert np.allclose(powers / powers.sum(axis=1, keepdims=True), expected, rtol=0, atol=1e-12)


def test_a_changed_weight_is_noticed(shared_data, tmp_path):
    """Negative control: the same comparison with a file of which one weight differs by one step."""
    path = shared_data / "bench/jet_trained.onnx"
    captured = capture(path)
    model = onnx.load(path)
    (tensor,) = (one for one in model.graph.initializer if one.name == "Quant_7_param0")
    values = np.array(onnx.numpy_helper.to_array(tensor))
    values[0, 0] += 2.0**-6
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(model, tmp_path / "other.onnx")
    report = report_of(captured, tmp_path / "other.onnx", vectors(captured, 50))
    assert set(report.mismatches) == {"global_out"}
    assert not report.is_explained
