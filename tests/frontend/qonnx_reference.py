"""Evaluates an ONNX file in float64 or float32, all tensors: numpy operators of `onnx`, quantisers of `qonnx`.

qonnx itself executes standard operators with onnxruntime, which has no float64 kernels for most of them. Here the
file's float tensors are cast to the wanted type, standard operators run in onnx's own reference evaluator (numpy, which
computes in the type of its operands), and Quant, BipolarQuant and Trunc call qonnx's Python functions.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.quant import quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from codesign.frontend.exactness import compare_evaluations

DOMAIN = "qonnx.custom_op.general"
ROUNDING = {"ROUND_TO_ZERO": "DOWN"}  # Brevitas's name for it, which qonnx does not know


class Quant(OpRun):
    op_domain = DOMAIN

    def _run(self, x, scale, zero_point, bits, signed=None, narrow=None, rounding_mode="ROUND"):
        bits = np.asarray(bits, x.dtype)  # some files hold integers
        zero_point = zero_point.astype(x.dtype)
        return (
            np.asarray(quant(x, scale, zero_point, bits, signed, narrow, ROUNDING.get(rounding_mode, rounding_mode))),
        )


class IntQuant(Quant):
    op_domain = DOMAIN


class BipolarQuant(OpRun):
    op_domain = DOMAIN

    def _run(self, x, scale):
        return (np.asarray(binary_quant(x, scale)),)


class Trunc(OpRun):
    op_domain = DOMAIN

    def _run(self, x, *operands, signed=1, narrow=0, rounding_mode="FLOOR"):
        mode = ROUNDING.get(rounding_mode, rounding_mode)
        if len(operands) == 4:
            return (np.asarray(trunc_v1(x, *operands, mode)),)
        scale, zero_point, bits, out_scale, out_bits = operands
        return (np.asarray(trunc_v2(x, scale, zero_point, bits, narrow, signed, out_scale, out_bits, mode)),)


class BatchNormalization(OpRun):
    """Inference, by the formula of ONNX; onnx's evaluator updates the statistics first in files of opset 9."""

    def _run(self, x, gamma, beta, mean, variance, **attributes):
        gamma, beta, mean, variance = (one.reshape(-1, *[1] * (x.ndim - 2)) for one in (gamma, beta, mean, variance))
        return ((gamma * (x - mean) / np.sqrt(variance + attributes["epsilon"]) + beta).astype(x.dtype),)


class DequantizeLinear(OpRun):
    """The formula of ONNX along an axis, for opsets that onnx's evaluator leaves out."""

    def _run(self, x, scale, zero_point=None, axis=1, **attributes):
        def along(array):
            return (
                array.reshape(-1, *[1] * (x.ndim - 1 - axis % x.ndim)) if array.ndim == 1 and array.size > 1 else array
            )

        zero = 0 if zero_point is None else along(zero_point).astype(np.int64)
        return ((x.astype(np.int64) - zero).astype(scale.dtype) * along(scale),)


class Reference:
    """The file in floats of `dtype`; called with real inputs (n, *shape), it returns every tensor (n, *shape)."""

    def __init__(self, path: Path, dtype=np.float64):
        self.dtype = np.dtype(dtype)
        self.model = cast(onnx.load(path), self.dtype)
        self.input = next(i.name for i in self.model.graph.input if i.name not in initialised(self.model))
        self.evaluator = ReferenceEvaluator(
            self.model, new_ops=[Quant, IntQuant, BipolarQuant, Trunc, BatchNormalization, DequantizeLinear]
        )

    def __call__(self, real):
        # one by one: files may hold the size of the batch in their shapes
        rows = [self._row(row[None].astype(self.dtype)) for row in np.asarray(real)]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0] if rows[0][name].ndim > 0}

    def _row(self, row):
        results = self.evaluator.run(None, {self.input: row}, intermediate=True)
        constants = initialised(self.model)
        return {name: value for name, value in results.items() if name and name not in constants and value is not None}


def initialised(model):
    return {tensor.name for tensor in model.graph.initializer}


def cast(model, dtype):
    """Return `model` with every float of type `dtype`, and QONNX operators in one domain."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    floats = (TensorProto.FLOAT, TensorProto.DOUBLE)

    def changed(tensor):
        return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name)

    for tensor in model.graph.initializer:
        if tensor.data_type in floats:
            tensor.CopyFrom(changed(tensor))
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        if value.type.tensor_type.elem_type in floats:
            value.type.tensor_type.elem_type = kind
    for node in model.graph.node:
        node.domain = DOMAIN if node.domain else ""
        for attribute in node.attribute:
            if attribute.name == "value" and attribute.t.data_type in floats:
                attribute.t.CopyFrom(changed(attribute.t))
            if node.op_type == "Cast" and attribute.i in floats:
                attribute.i = kind
    standard = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    del model.opset_import[:]
    model.opset_import.extend([*standard, onnx.helper.make_opsetid(DOMAIN, 1)])
    return model


def report_of(captured, path, inputs):
    """Compare the graph with the file in float64 and float32, on every value of every bound tensor."""

    def evaluation(dtype):
        reference = Reference(path, dtype)

        def evaluate(given):
            results = reference(given[captured.input])
            shapes = {name: captured.graph.types[bound.node].shape for name, bound in captured.node_of.items()}
            return {name: results[name].astype(np.float64).reshape(-1, *shape) for name, shape in shapes.items()}

        return evaluate

    return compare_evaluations(captured, evaluation(np.float64), evaluation(np.float32), inputs)
