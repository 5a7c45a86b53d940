"""QONNX front end: an ONNX file with quantisers (QONNX or QCDQ) becomes an integer graph of the same numbers.

The same tracked values, layers and requantisations as for Brevitas models; the reference is the file's evaluation in
float64. Needs neither torch nor Brevitas nor the qonnx package.
"""

from collections.abc import Mapping
from pathlib import Path

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.captured import Binding, Captured, binding, output_port, output_values
from codesign.frontend.inputs import RealInput, input_form, input_port, input_value
from codesign.frontend.qonnx_constants import Known, fold
from codesign.frontend.qonnx_lower import SOFTWARE, lower
from codesign.frontend.qonnx_model import OnnxModel, OnnxNode, read_model
from codesign.frontend.qonnx_qcdq import ALL_FOLDS
from codesign.frontend.qonnx_site import Result, Site
from codesign.frontend.values import Builder, Value
from codesign.graph import Graph

WEIGHTED = ("MatMul", "Gemm", "Conv")  # operators that can take a bias over


def capture(path: str | Path, *, input_type: Fixed | None = None, name: str = "top") -> Captured:
    """Return the integer graph of the ONNX file `path`, for one sample (the batch axis is left out).

    With `input_type` the input port carries real numbers of that format and every quantiser is in the graph (needed
    if the file does not quantise its input); without it, the port carries the integers of the first quantiser.
    `node_of` names values by their ONNX tensor; `notes` say what is left to software. Raises `BadInputError` naming
    the ONNX node for anything that has no exact integer form.
    """
    model = read_model(Path(path))
    builder, given = Builder(), RealInput(model.input_shape, input_type)
    results: dict[str, Result] = {tensor: Known(values) for tensor, values in model.tensors.items()}
    results[model.input] = input_value(builder, model.input, given)
    _fold_constants(model, results)
    bindings: dict[str, Binding] = {}
    for node in model.nodes:
        if node.outputs[0] in results:
            continue
        try:
            made, result = _lowered(builder, model, node, results)
            results[made] = result
            bindings.update(_binding(node, made, result))
        except (OverflowError, ZeroDivisionError) as error:
            raise node.error("its numbers are too large or too small") from error
        except MemoryError as error:
            raise node.error("it needs more memory than there is") from error
    outputs = output_values(tuple(_output(tensor, results) for tensor in model.outputs))
    try:
        ports = (input_port(builder, model.input, given),)
    except OverflowError as error:
        raise BadInputError(f"input '{model.input}': the scale of its quantiser is too large or too small") from error
    graph = Graph(name, tuple(builder.nodes), ports, tuple(map(output_port, outputs)))
    forms = {ports[0].node: input_form(builder, model.input, given)}
    return Captured(graph, bindings, dict(builder.stages), forms, tuple(builder.notes))


def _binding(node: OnnxNode, tensor: str, result: Result) -> dict[str, Binding]:
    return binding(tensor, result) if isinstance(result, Value) and node.kind not in SOFTWARE else {}


def _fold_constants(model: OnnxModel, results: dict[str, Result]) -> None:
    """Compute every node that reads constants alone."""
    for node in model.nodes:
        operands = tuple(results.get(tensor) for tensor in node.inputs if tensor)
        known = tuple(one for one in operands if isinstance(one, Known))
        if len(known) == len(operands):
            results[node.outputs[0]] = fold(node, known, ALL_FOLDS)


def _lowered(builder: Builder, model: OnnxModel, node: OnnxNode, results: Mapping[str, Result]) -> tuple[str, Result]:
    """Return the tensor that a node makes (with its bias, that of the Add), and what stands for it."""
    used = [tensor for tensor in node.outputs[1:] if model.readers(tensor) or tensor in model.outputs]
    if used:
        raise node.error(f"its second output '{used[0]}' is not supported")
    operands = tuple(results[tensor] if tensor else None for tensor in node.inputs)
    constants = tuple(one for one in operands if isinstance(one, Known))
    if len(constants) == len([one for one in operands if one is not None]):
        return node.outputs[0], fold(node, constants, ALL_FOLDS)  # of shapes, known by now
    add = _bias_add(model, node, results)
    bias = None if add is None else _constant_of(add, results)
    made = node.outputs[0] if add is None else add.outputs[0]
    return made, lower(builder, Site(node, operands, model.batch, bias, model.readers(made), made in model.outputs))


def _bias_add(model: OnnxModel, node: OnnxNode, results: Mapping[str, Result]) -> OnnxNode | None:
    """Return the Add of a constant, one number a filter, that alone reads a layer without a bias of its own."""
    tensor = node.outputs[0]
    readers = model.readers(tensor)
    if (
        node.kind not in WEIGHTED
        or any(node.inputs[2:])
        or len(readers) != 1
        or readers[0].kind != "Add"
        or tensor in model.outputs
    ):
        return None
    known = _constant_of(readers[0], results)
    behind = 0 if node.kind != "Conv" else _rank(results.get(node.inputs[1])) - 2
    if known is None or not _is_per_filter(known, behind):
        return None
    return readers[0]


def _constant_of(add: OnnxNode, results: Mapping[str, Result]) -> Known | None:
    return next((one for tensor in add.inputs if isinstance(one := results.get(tensor), Known)), None)


def _rank(weights: Result | None) -> int:
    return weights.values.ndim if isinstance(weights, Known) else 0


def _is_per_filter(known: Known, behind: int) -> bool:
    """Whether a constant varies along one axis only, with `behind` axes of size 1 after it."""
    shape = known.values.shape
    axis = len(shape) - 1 - behind
    return all(size == 1 for i, size in enumerate(shape) if i != axis)


def _output(tensor: str, results: Mapping[str, Result]) -> Value:
    result = results[tensor]
    if not isinstance(result, Value):
        raise BadInputError(f"output '{tensor}' does not depend on the input, or lacks its DequantizeLinear")
    return result
