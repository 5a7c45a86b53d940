"""Brevitas front end: a quantised torch module becomes an integer graph that computes the same numbers.

Values are tracked as real = integer * scale + offset with exact rational scale and offset, so batch norms, float
biases and zero points need no arithmetic of their own; the next quantiser becomes one exact requantisation.
"""

import copy
from collections.abc import Mapping
from typing import Any

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from torch import nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend import read
from codesign.frontend.captured import Binding, Captured, binding, output_port, output_values
from codesign.frontend.inputs import (
    Given,
    IndexInput,
    RealInput,
    index_fault,
    input_form,
    input_port,
    input_value,
)
from codesign.frontend.lower import lower
from codesign.frontend.record import Call, Trace, trace
from codesign.frontend.rows import CONSTANTS
from codesign.frontend.site import Site
from codesign.frontend.values import Builder, Value
from codesign.graph import Graph

PROBE_BATCH = 3  # no layer size of a real model, so that a lost batch axis shows


def capture(
    model: nn.Module, input_shape: tuple[int, ...], *, input_type: Fixed | None = None, name: str = "top"
) -> Captured:
    """Return the integer graph of a Brevitas `model` that reads one tensor (batch, *input_shape).

    With `input_type` the input port carries real numbers of that format and every quantiser is in the graph;
    without it, the port carries the integers of the model's first quantiser. `model` is left as it is. Raises
    `BadInputError` naming the module path for anything that has no exact integer form.
    """
    traced = checked_trace(model)
    paths = _input_paths(traced)
    if len(paths) != 1:
        raise BadInputError(f"the model must read one tensor, not {len(paths)} ({', '.join(paths)})")
    return lowered(traced, {paths[0]: RealInput(input_shape, input_type)}, name)


def capture_graph_network(model: nn.Module, inputs: Mapping[str, Given], *, name: str = "top") -> Captured:
    """Return the integer graph of a Brevitas `model` of graphs, whose `inputs` by argument name are given in order.

    The model has no batch axis: rows of nodes and edges lead, an `IndexInput` names rows of nodes. Beside the outputs
    of the model the graph has `index_fault` (1,): whether any index is above the null index. Every real input needs a
    quantiser (or a format), and so does every value that a layer multiplies: `insert_quantisers`. Raises
    `BadInputError` as `capture`.
    """
    traced = checked_trace(model)
    paths = _input_paths(traced)
    if tuple(inputs) != paths:
        raise BadInputError(f"the model reads {', '.join(paths)}; give these inputs in order, not {', '.join(inputs)}")
    return lowered(traced, inputs, name, leading=0)


def checked_trace(model: nn.Module) -> Trace:
    """Return the trace of `model` in float64; `BadInputError` for NaN or infinity in it."""
    read.check_finite(model)
    return trace(model, torch.float64)


def lowered(traced: Trace, inputs: Mapping[str, Given], name: str, leading: int = 1) -> Captured:
    """Return what a trace with `leading` batch axes becomes."""
    builder = Builder()
    values: dict[Any, Value] = {}
    outputs: list[Value] = []
    bindings: dict[str, Binding] = {}

    def observe(call: Call, arguments: tuple[Any, ...], result: Any) -> None:
        tracked = tuple(values.get(node) for node in call.operands)
        site = Site(call, tracked, arguments, result, leading)
        if call.node.op == "placeholder":
            values[call.node] = input_value(builder, call.path, inputs[call.path])
        elif call.node.op == "output":
            outputs.extend(output_values(site.values))
        elif site.values and call.target not in CONSTANTS and isinstance(read.value_of(result), torch.Tensor):
            values[call.node] = lower(builder, site)
            for path, value in (*builder.inner.items(), (call.path, values[call.node])):
                bindings.update(binding(path, value))

    batch = (PROBE_BATCH,) * leading
    traced.run([_probe(given, batch) for given in inputs.values()], observe)
    ports = {path: input_port(builder, path, given) for path, given in inputs.items()}
    forms = {port.node: input_form(builder, path, inputs[path]) for path, port in ports.items()}
    results = tuple(map(output_port, outputs)) + index_fault(builder, inputs)
    graph = Graph(name, tuple(builder.nodes), tuple(ports.values()), results)
    return Captured(graph, bindings, dict(builder.stages), forms, has_batch_axis=bool(leading))


def _probe(given: Given, batch: tuple[int, ...]) -> torch.Tensor:
    kind = torch.int64 if isinstance(given, IndexInput) else torch.float64
    return torch.zeros(*batch, *given.shape, dtype=kind)


def _input_paths(traced: Trace) -> tuple[str, ...]:
    return tuple(call.path for call in traced.calls if call.node.op == "placeholder")


def quantise_weights(model: nn.Module, bits: int | Mapping[str, int], *, per_channel: bool = False) -> nn.Module:
    """Return a copy of `model` whose float convolutions and Linear layers are Brevitas layers with the same numbers.

    `bits` is one weight width for all float layers, or a width for each module path. The result, with symmetric
    narrow-range weights (one scale a layer, or one an output channel), is the reference of the integer graph; its
    biases stay float. Raises `BadInputError` for a path that is no float layer or a width outside 2..32.
    """
    twin = copy.deepcopy(model)
    layers = float_layers(twin)
    widths = dict.fromkeys(layers, bits) if isinstance(bits, int) else dict(bits)
    for path, width in widths.items():
        if path not in layers:
            raise BadInputError(f"'{path}' is no layer with float weights; those are {', '.join(layers) or 'none'}")
        if isinstance(width, bool) or not isinstance(width, int) or not 2 <= width <= 32:
            raise BadInputError(f"'{path}': weight bits must be a whole number from 2 to 32, not {width!r}")
        _replace(twin, path, _with_weight_bits(layers[path], width, per_channel))
    return twin.eval()


def float_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the Conv1d, Conv2d and Linear layers of `model` that have float weights, by module path."""
    return {path: module for path, module in model.named_modules() if _has_float_weights(module)}


def _has_float_weights(module: nn.Module) -> bool:
    if isinstance(module, qnn.QuantConv1d | qnn.QuantConv2d | qnn.QuantLinear):
        return not module.weight_quant.is_quant_enabled
    return type(module) in (nn.Conv1d, nn.Conv2d, nn.Linear)


def _with_weight_bits(layer: Any, width: int, per_channel: bool) -> nn.Module:
    options: dict[str, Any] = {
        "bias": layer.bias is not None,
        "weight_quant": Int8WeightPerChannelFloat if per_channel else Int8WeightPerTensorFloat,
        "weight_bit_width": width,
        "dtype": layer.weight.dtype,
    }
    if isinstance(layer, nn.Linear):
        twin = qnn.QuantLinear(layer.in_features, layer.out_features, **options)
    else:
        geometry = {key: getattr(layer, key) for key in ("stride", "padding", "dilation", "groups", "padding_mode")}
        kind = qnn.QuantConv1d if isinstance(layer, nn.Conv1d) else qnn.QuantConv2d
        twin = kind(layer.in_channels, layer.out_channels, layer.kernel_size, **geometry, **options)
    twin.load_state_dict({key: value for key, value in layer.state_dict().items() if key in ("weight", "bias")})
    built: nn.Module = twin
    return built


def _replace(model: nn.Module, path: str, layer: nn.Module) -> None:
    parent, _, child = path.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)
