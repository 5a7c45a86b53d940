"""Small ONNX files from text: nodes in the syntax of onnx.parser, tensors as numpy arrays."""

import numpy as np
import onnx
from onnx import numpy_helper

QUANT = 'qonnx.custom_op.general.Quant <signed = 1, narrow = 0, rounding_mode = "ROUND">'
UNSIGNED = 'qonnx.custom_op.general.Quant <signed = 0, narrow = 0, rounding_mode = "ROUND">'
# Scales, zero and bit widths that every model may use.
COMMON = {"zero": 0.0, "half": 0.5, "quarter": 0.25, "b1": 1.0, "b4": 4.0, "b6": 6.0, "b8": 8.0}
COMMON["odd"] = float(np.float32(0.3371))  # as learned scales: no power of two, 24 bits


def model_of(nodes, shape, tensors=None, *, outputs="y", opset=13, batch=1):
    """Return the model of `nodes` that reads x (batch, *shape)."""
    sizes = ", ".join(map(str, (batch, *shape)))
    outs = ", ".join(f"float[n] {name}" for name in outputs.split())
    text = (
        f'<ir_version: 8, opset_import: ["": {opset}, "qonnx.custom_op.general": 1]> g (float[{sizes}] x) => ({outs})'
    )
    model = onnx.parser.parse_model(f"{text} {{ {nodes} }}")
    given = {**COMMON, **(tensors or {})}
    used = {name for node in model.graph.node for name in node.input}
    for name in sorted(used & set(given)):
        array = np.asarray(given[name])
        array = array.astype(np.float64) if array.dtype.kind == "f" else array
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def write(model, folder, name="model.onnx"):
    """Write a model into `folder` and return its path."""
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path
