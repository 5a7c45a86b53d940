"""What a front end returns: the integer graph, and what it has to do with the model it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.frontend.inputs import InputForm
from codesign.frontend.values import Quantiser, Stage, Value, per_element, scale_and_offset
from codesign.graph import Graph, Port


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

    def decode(self, integers: Integers) -> NDArray[np.float64]:
        """Return the real values of `integers` (batch, *shape)."""
        flat = integers.reshape(len(integers), len(self.scale), -1)
        real = flat * self.scale[:, None] + self.offset[:, None]
        return np.asarray(real.reshape(integers.shape), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Captured:
    """An integer graph and what it has to do with the model it came from.

    `node_of` maps a module path (or fx node name of a function) to its value, `stages` a requantise node to the
    real map it rounds, `forms` every input node to what the driver sends there, in the order of the model's arguments.
    `notes` say, a line each, what of the model is left to software. Without `has_batch_axis` the model reads a batch
    of events as their disjoint union, rows first (`codesign.models.rows`).
    """

    graph: Graph
    node_of: Mapping[str, Binding]
    stages: Mapping[str, Stage]
    forms: Mapping[str, InputForm]
    notes: tuple[str, ...] = ()
    has_batch_axis: bool = True

    @property
    def input(self) -> str:
        """Name of the first input node, the only one of most models."""
        return next(iter(self.forms))

    @property
    def input_type(self) -> Fixed | None:
        """Format of the first input port, if it carries real numbers."""
        return self.forms[self.input].fixed

    @property
    def input_quantiser(self) -> Quantiser | None:
        """What makes the integers of the first input, if it has no format."""
        return self.forms[self.input].quantiser

    def quantise_input(self, real: ArrayLike) -> Integers:
        """Return the integers (batch, *shape) that the driver sends for real inputs (batch, *shape), first input.

        Float64 division and rounding as in Brevitas, or the nearest number of `input_type` (saturating).
        Raises `BadInputError` for NaN, infinity or a wrong shape.
        """
        return self.forms[self.input].integers(self.input, real, self.graph.types[self.input].shape)

    def model_input(self, real: ArrayLike) -> NDArray[np.float64]:
        """Return what the model reads for the same real inputs: rounded to `input_type` if the port has one."""
        return self.forms[self.input].numbers(self.input, real, self.graph.types[self.input].shape)

    def quantise_inputs(self, given: Mapping[str, ArrayLike]) -> dict[str, Integers]:
        """Return the integers that the driver sends, by input: of reals (batch, *shape) as `quantise_input`, indices
        (batch, length) as they are. Raises `BadInputError` too for a missing input and for an index out of range.
        """
        return {name: form.integers(name, *self._given(name, given)) for name, form in self.forms.items()}

    def model_inputs(self, given: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
        """Return what the model reads for the same inputs."""
        return {name: form.numbers(name, *self._given(name, given)) for name, form in self.forms.items()}

    def _given(self, name: str, given: Mapping[str, ArrayLike]) -> tuple[ArrayLike, tuple[int, ...]]:
        if name not in given:
            raise BadInputError(f"no values given for input '{name}'; the inputs are {', '.join(self.forms)}")
        return given[name], self.graph.types[name].shape


def output_values(known: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the outputs of the model; `BadInputError` unless integers stand for each of them."""
    if not known or any(value.node is None or value.is_pending or value.rows is not None for value in known):
        raise BadInputError("an output of the model is not quantised; end the model with a quantiser")
    return known


def binding(path: str, value: Value) -> dict[str, Binding]:
    """Return where the value of `path` lives, if integers stand for it."""
    if value.node is None or value.is_pending or value.rows is not None:
        return {}  # nothing that integers stand for yet: the quantiser or convolution that follows is compared
    scale, offset = scale_and_offset(value)
    magnitude = np.broadcast_to(np.array(value.magnitude), (len(scale),))
    return {path: Binding(value.node, np.array(scale), np.array(offset), magnitude, value.quantised and value.direct)}


def output_port(value: Value) -> Port:
    """Return the meaning of an output."""
    assert value.node is not None
    scale, offset = scale_and_offset(value)
    return Port(value.node, per_element(scale, value.shape), per_element(offset, value.shape))
