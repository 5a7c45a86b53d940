"""Bit-exact comparison of a response with the integer graph: every value of every event, no tolerance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codesign.errors import VerificationError
from codesign.fixed import Integers
from codesign.graph import Graph
from codesign.packing import Words, pack, unpack


@dataclass(frozen=True)
class Equality:
    """How many events and values were compared and how many differ; the first difference as text."""

    events: int
    values: int
    mismatches: int
    first: str = ""

    def __add__(self, other: "Equality") -> "Equality":
        return Equality(
            self.events + other.events,
            self.values + other.values,
            self.mismatches + other.mismatches,
            self.first or other.first,
        )

    def require(self, what: str) -> "Equality":
        """Return self; `VerificationError` if anything differs or nothing was compared."""
        if self.mismatches or not self.values:
            raise VerificationError(f"{what}: {self.mismatches} of {self.values} values differ; {self.first}")
        return self


def stimulus(graph: Graph, inputs: Mapping[str, Integers]) -> Words:
    """Return the packed events for `inputs` (events, *shape) by input name."""
    names = [port.node for port in graph.inputs]
    return pack([np.asarray(inputs[name]) for name in names], [graph.types[name].fixed for name in names])


def parameter_bytes(graph: Graph, parameters: Mapping[str, Integers]) -> bytes:
    """Return the programmable parameters as they are written byte by byte, little endian."""
    nodes = graph.sources("parameter")
    if not nodes:
        return b""
    values = [np.asarray(parameters[node.name])[None] for node in nodes]
    return bytes(pack(values, [graph.types[node.name].fixed for node in nodes])[0])


def decode_words(graph: Graph, words: Words) -> dict[str, Integers]:
    """Return the output integers (events, *shape) by node from a packed response."""
    names = [port.node for port in graph.outputs]
    types = [graph.types[name] for name in names]
    arrays = unpack(words, [value.shape for value in types], [value.fixed for value in types])
    return dict(zip(names, arrays, strict=True))


def compare(graph: Graph, expected: Mapping[str, Integers], words: Words) -> Equality:
    """Compare a packed response with the first events of `expected` (events, *shape) by output node."""
    result = Equality(0, 0, 0)
    for name, got in decode_words(graph, words).items():
        want = np.asarray(expected[name])[: len(got)]
        if want.shape != got.shape:
            raise VerificationError(f"{name}: {len(got)} events came back, {len(want)} were expected")
        wrong = np.argwhere(got != want)
        first = ""
        if len(wrong):
            event, *index = (int(i) for i in wrong[0])
            at = (event, *index)
            first = f"event {event}, {name}{index}: got {got[at]}, expected {want[at]}"
        result += Equality(0, got.size, len(wrong), first)
    return Equality(len(words), result.values, result.mismatches, result.first)
