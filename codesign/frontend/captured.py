"""What a front end returns: the integer graph, and what it has to do with the model it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers, quantise
from codesign.frontend.values import Builder, Quantiser, Stage, Value, per_element, scale_and_offset
from codesign.graph import Graph, Port
from codesign.ops.sources import Input


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
    real map it rounds. `input_type` is the format of the input port, or `input_quantiser` makes its integers. `notes`
    say, a line each, what of the model is left to software.
    """

    graph: Graph
    node_of: Mapping[str, Binding]
    stages: Mapping[str, Stage]
    input_type: Fixed | None
    input_quantiser: Quantiser | None
    notes: tuple[str, ...] = ()

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


def input_value(builder: Builder, shape: tuple[int, ...], input_type: Fixed | None) -> Value:
    """Return the model's input: real-valued, or the integers of `input_type`."""
    zero = (Fraction(0),)
    if input_type is None:
        return Value(None, shape, (Fraction(1),), zero, (0.0,))
    node = builder.add(builder.input_path, Input(shape, input_type))
    scale = (Fraction(1, 2**input_type.frac) if input_type.frac >= 0 else Fraction(2**-input_type.frac),)
    return Value(node, shape, scale, zero, (0.0,), quantised=True, direct=True)


def output_values(known: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the outputs of the model; `BadInputError` unless integers stand for each of them."""
    if not known or any(value.node is None or value.relu or any(value.pad) for value in known):
        raise BadInputError("an output of the model is not quantised; end the model with a quantiser")
    return known


def binding(path: str, value: Value) -> dict[str, Binding]:
    """Return where the value of `path` lives, if integers stand for it."""
    if value.node is None or value.relu or any(value.pad):
        return {}  # nothing that integers stand for yet: the quantiser or convolution that follows is compared
    scale, offset = scale_and_offset(value)
    magnitude = np.broadcast_to(np.array(value.magnitude), (len(scale),))
    return {path: Binding(value.node, np.array(scale), np.array(offset), magnitude, value.quantised and value.direct)}


def output_port(value: Value) -> Port:
    """Return the meaning of an output."""
    assert value.node is not None
    scale, offset = scale_and_offset(value)
    return Port(value.node, per_element(scale, value.shape), per_element(offset, value.shape))


def input_port(builder: Builder, input_type: Fixed | None) -> Port:
    """Return the meaning of the input."""
    inputs = [node for node in builder.nodes if node.op.kind == "input"]
    if not inputs:
        raise BadInputError("the model does not use its input")
    if input_type is not None:
        return Port(inputs[0].name, (2.0**-input_type.frac,), (0.0,))
    quantiser = builder.input_quantiser
    assert quantiser is not None
    offset = tuple(-s * z for s, z in zip(quantiser.scale, quantiser.zero_point, strict=True))
    value = Value(inputs[0].name, builder.types[inputs[0].name].shape, quantiser.scale, offset, (0.0,))
    return output_port(value)
