"""One way in for a model of any kind that a front end reads: a Brevitas module, or the path of an ONNX file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.frontend.captured import Captured
from codesign.frontend.inputs import Given
from codesign.frontend.vectors import random_graphs, random_inputs

# Shape of the one input without its batch axis, or the inputs of a graph network by argument name.
InputShape = tuple[int, ...] | Mapping[str, Given]


def capture_model(
    model: Any, input_shape: InputShape | None, input_type: Fixed | None, weight_bits: int | None, name: str
) -> tuple[Captured, Any]:
    """Return what a front end captures of `model`, and the module that the graph is to equal (None: an ONNX file).

    `weight_bits` quantises the float weights of a module. Raises `BadInputError` for anything that is no model, and for
    an input shape that is missing, or that an ONNX file does not need.
    """
    if isinstance(model, Path):
        return _from_file(model, input_shape, input_type, weight_bits, name), None
    from torch import nn

    if not isinstance(model, nn.Module):
        raise BadInputError(f"model {type(model).__name__} must be a Brevitas module, a .onnx file or a design's name")
    from codesign.frontend import brevitas

    if input_shape is None:
        raise BadInputError("a module needs input_shape: the shape of its input without the batch axis, such as (16,)")
    module = model if weight_bits is None else brevitas.quantise_weights(model, weight_bits)
    if not isinstance(input_shape, Mapping):
        return brevitas.capture(module, tuple(input_shape), input_type=input_type, name=name), module
    if input_type is not None:
        raise BadInputError("input_format is for one input; give each RealInput of the input_shape its own format")
    return brevitas.capture_graph_network(module, input_shape, name=name), module


def _from_file(
    path: Path, input_shape: InputShape | None, input_type: Fixed | None, weight_bits: int | None, name: str
) -> Captured:
    from codesign.frontend import qonnx

    given = {"input_shape": input_shape, "weight_bits": weight_bits}
    for option, value in given.items():
        if value is not None:
            raise BadInputError(f"{path} says its {option} itself; leave {option} out")
    return qonnx.capture(path, input_type=input_type, name=name)


def random_events(captured: Captured, count: int, seed: int) -> dict[str, Integers]:
    """Return the integers of `count` random events by input node."""
    if len(captured.forms) > 1 or not captured.has_batch_axis:
        return captured.quantise_inputs(random_graphs(captured, count, seed))
    return {captured.input: captured.quantise_input(random_inputs(captured, count, seed))}


def content_sha256(captured: Captured, module: Any) -> str:
    """Return the SHA-256 of a module as it is now: its parameters and buffers, and the graph that it became."""
    digest = hashlib.sha256(captured.graph.digest.encode())
    for name, tensor in module.state_dict().items():
        values = np.ascontiguousarray(tensor.detach().cpu().numpy())
        digest.update(f"{name} {values.dtype} {values.shape} ".encode() + values.tobytes())
    return digest.hexdigest()
