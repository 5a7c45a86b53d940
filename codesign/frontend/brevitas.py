"""Brevitas front end: a quantised torch module becomes an integer graph that computes the same numbers.

Values are tracked as real = integer * scale + offset with exact rational scale and offset, so batch norms, float
biases and zero points need no arithmetic of their own; the next quantiser becomes one exact requantisation.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from numpy.typing import ArrayLike, NDArray
from torch import nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers, quantise
from codesign.frontend import read
from codesign.frontend.lower import Site, lower
from codesign.frontend.record import Call, trace
from codesign.frontend.values import Builder, Quantiser, Stage, Value, per_element, scale_and_offset
from codesign.graph import Graph, Port
from codesign.ops.sources import Input

PROBE_BATCH = 3  # no layer size of a real model, so that a lost batch axis shows


@dataclass(frozen=True, eq=False)
class Binding:
    """Where a value of the model lives: node, and real = integer * scale[c] + offset[c], channel c leading.

    `magnitude[c]` is the sum of the absolute terms of the offset. `quantised`: the value is the output of a
    quantiser, exact in any float format.
    """

    node: str
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    quantised: bool


@dataclass(frozen=True, eq=False)
class Captured:
    """An integer graph and what it has to do with the model it came from.

    `node_of` maps a module path (or fx node name of a function) to its value, `stages` a requantise node to the
    real map it rounds. `input_type` is the format of the input port, or `input_quantiser` makes its integers.
    """

    graph: Graph
    node_of: Mapping[str, Binding]
    stages: Mapping[str, Stage]
    input_type: Fixed | None
    input_quantiser: Quantiser | None

    @property
    def input(self) -> str:
        """Name of the input node."""
        return self.graph.inputs[0].node

    def quantise_input(self, real: ArrayLike) -> Integers:
        """Return the integers (batch, *shape) that the driver sends for real inputs (batch, *shape).

        Float64 division and rounding as in Brevitas, or the nearest number of `input_type` (saturating).
        Raises `BadInputError` for NaN, infinity or a wrong shape.
        """
        values = np.asarray(real, dtype=np.float64)
        shape = self.graph.types[self.input].shape
        if values.shape[1:] != shape:
            wanted = ", ".join(map(str, ("batch", *shape)))
            raise BadInputError(f"input '{self.input}' must have shape ({wanted}), not {values.shape}")
        if self.input_type is not None:
            return quantise(values, self.input_type)
        if not np.isfinite(values).all():
            raise BadInputError("cannot quantise NaN or infinite values; clean the data first")
        assert self.input_quantiser is not None
        channels = len(self.input_quantiser.scale)
        return self.input_quantiser.quantise(values.reshape(len(values), channels, -1)).reshape(values.shape)

    def model_input(self, real: ArrayLike) -> NDArray[np.float64]:
        """Return what the model reads for the same real inputs: rounded to `input_type` if the port has one."""
        if self.input_type is None:
            return np.asarray(real, dtype=np.float64)
        return np.ldexp(self.quantise_input(real).astype(np.float64), -self.input_type.frac)


def capture(
    model: nn.Module, input_shape: tuple[int, ...], *, input_type: Fixed | None = None, name: str = "top"
) -> Captured:
    """Return the integer graph of a Brevitas `model` that reads one tensor (batch, *input_shape).

    With `input_type` the input port carries real numbers of that format and every quantiser is in the graph;
    without it, the port carries the integers of the model's first quantiser. `model` is left as it is. Raises
    `BadInputError` naming the module path for anything that has no exact integer form.
    """
    read.check_finite(model)
    traced = trace(model, torch.float64)
    builder = Builder(_input_path(traced.calls))
    values: dict[Any, Value] = {}
    outputs: list[Value] = []
    bindings: dict[str, Binding] = {}

    def observe(call: Call, arguments: tuple[Any, ...], result: Any) -> None:
        known = tuple(values[node] for node in call.operands if node in values)
        if call.node.op == "placeholder":
            values[call.node] = _input(builder, input_shape, input_type)
        elif call.node.op == "output":
            outputs.extend(_output(call, known))
        elif known and isinstance(read.value_of(result), torch.Tensor):
            values[call.node] = lower(builder, Site(call, known, arguments, result))
            for path, value in (*builder.inner.items(), (call.path, values[call.node])):
                bindings.update(_binding(path, value))

    traced.run(torch.zeros(PROBE_BATCH, *input_shape, dtype=torch.float64), observe)
    graph = Graph(name, tuple(builder.nodes), (_input_port(builder, input_type),), tuple(map(_port, outputs)))
    return Captured(graph, bindings, dict(builder.stages), input_type, builder.input_quantiser)


def _input_path(calls: tuple[Call, ...]) -> str:
    names = [call.path for call in calls if call.node.op == "placeholder"]
    if len(names) != 1:
        raise BadInputError(f"the model must read one tensor, not {len(names)} ({', '.join(names)})")
    return names[0]


def _input(builder: Builder, shape: tuple[int, ...], input_type: Fixed | None) -> Value:
    zero = (Fraction(0),)
    if input_type is None:
        return Value(None, shape, (Fraction(1),), zero, (0.0,))
    node = builder.add(builder.input_path, Input(shape, input_type))
    scale = (Fraction(1, 2**input_type.frac) if input_type.frac >= 0 else Fraction(2**-input_type.frac),)
    return Value(node, shape, scale, zero, (0.0,), quantised=True, direct=True)


def _output(call: Call, known: tuple[Value, ...]) -> tuple[Value, ...]:
    if not known or any(value.node is None or value.relu or any(value.pad) for value in known):
        raise BadInputError("an output of the model is not quantised; end the model with a brevitas quantiser")
    return known


def _binding(path: str, value: Value) -> dict[str, Binding]:
    if value.node is None or value.relu or any(value.pad):
        return {}  # nothing that integers stand for yet: the quantiser or convolution that follows is compared
    scale, offset = scale_and_offset(value)
    magnitude = np.broadcast_to(np.array(value.magnitude), (len(scale),))
    return {path: Binding(value.node, np.array(scale), np.array(offset), magnitude, value.direct)}


def _port(value: Value) -> Port:
    assert value.node is not None
    scale, offset = scale_and_offset(value)
    return Port(value.node, per_element(scale, value.shape), per_element(offset, value.shape))


def _input_port(builder: Builder, input_type: Fixed | None) -> Port:
    inputs = [node for node in builder.nodes if node.op.kind == "input"]
    if not inputs:
        raise BadInputError("the model does not use its input")
    if input_type is not None:
        return Port(inputs[0].name, (2.0**-input_type.frac,), (0.0,))
    quantiser = builder.input_quantiser
    assert quantiser is not None
    offset = tuple(-s * z for s, z in zip(quantiser.scale, quantiser.zero_point, strict=True))
    value = Value(inputs[0].name, builder.types[inputs[0].name].shape, quantiser.scale, offset, (0.0,))
    return _port(value)


def quantise_weights(model: nn.Module, bits: int | Mapping[str, int], *, per_channel: bool = False) -> nn.Module:
    """Return a copy of `model` whose float Conv2d and Linear layers are Brevitas layers with the same numbers.

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
    """Return the Conv2d and Linear layers of `model` that have float weights, by module path."""
    return {path: module for path, module in model.named_modules() if _has_float_weights(module)}


def _has_float_weights(module: nn.Module) -> bool:
    if isinstance(module, qnn.QuantConv2d | qnn.QuantLinear):
        return not module.weight_quant.is_quant_enabled
    return type(module) in (nn.Conv2d, nn.Linear)


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
        twin = qnn.QuantConv2d(layer.in_channels, layer.out_channels, layer.kernel_size, **geometry, **options)
    twin.load_state_dict({key: value for key, value in layer.state_dict().items() if key in ("weight", "bias")})
    built: nn.Module = twin
    return built


def _replace(model: nn.Module, path: str, layer: nn.Module) -> None:
    parent, _, child = path.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)
