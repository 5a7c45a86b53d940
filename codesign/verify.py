"""Bit-exact comparison of a response with the integer graph: every value of every event, no tolerance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True)
class Beats:
    """How events come and results leave: in one word, or in beats of some rows of every input (output).

    `rows`: rows in a beat, by input and output. Beyond its last row an input is padded with zeros.
    """

    inputs: int = 1
    outputs: int = 1
    rows: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Beats":
        """Read the beats of an emitted design from its manifest."""
        return cls(manifest.get("in_beats", 1), manifest.get("out_beats", 1), manifest.get("beat_rows", {}))

    def split(self, name: str, values: Integers) -> Integers:
        """(events, rows, *rest) -> (events * beats, rows of a beat, *rest)."""
        if self.inputs == 1:
            return values
        lanes, rest = self.rows[name], values.shape[2:]
        missing = self.inputs * lanes - values.shape[1]
        padded = np.pad(values, [(0, 0), (0, missing), *[(0, 0)] * len(rest)])
        return padded.reshape(len(values) * self.inputs, lanes, *rest)

    def joined(self, values: Integers, shape: tuple[int, ...]) -> Integers:
        """(events * beats, rows of a beat, *rest) -> (events, *shape)."""
        if self.outputs == 1:
            return values
        rows = values.reshape(len(values) // self.outputs, -1, *shape[1:])
        return rows[:, : shape[0]]

    def shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of an output in one beat."""
        return shape if self.outputs == 1 else (self.rows[name], *shape[1:])


ONE_WORD = Beats()


def stimulus(graph: Graph, inputs: Mapping[str, Integers], beats: Beats = ONE_WORD) -> Words:
    """Return the packed words, one a beat, for `inputs` (events, *shape) by input name."""
    names = [port.node for port in graph.inputs]
    values = [beats.split(name, np.asarray(inputs[name])) for name in names]
    return pack(values, [graph.types[name].fixed for name in names])


def parameter_bytes(graph: Graph, parameters: Mapping[str, Integers]) -> bytes:
    """Return the programmable parameters as they are written byte by byte, little endian."""
    nodes = graph.sources("parameter")
    if not nodes:
        return b""
    values = [np.asarray(parameters[node.name])[None] for node in nodes]
    return bytes(pack(values, [graph.types[node.name].fixed for node in nodes])[0])


def decode_words(graph: Graph, words: Words, beats: Beats = ONE_WORD) -> dict[str, Integers]:
    """Return the output integers (events, *shape) by node from a packed response."""
    names = [port.node for port in graph.outputs]
    types = [graph.types[name] for name in names]
    shapes = [beats.shape(name, value.shape) for name, value in zip(names, types, strict=True)]
    arrays = unpack(words, shapes, [value.fixed for value in types])
    joined = [beats.joined(array, value.shape) for array, value in zip(arrays, types, strict=True)]
    return dict(zip(names, joined, strict=True))


def compare(graph: Graph, expected: Mapping[str, Integers], words: Words, beats: Beats = ONE_WORD) -> Equality:
    """Compare a packed response with the first events of `expected` (events, *shape) by output node."""
    result = Equality(0, 0, 0)
    for name, got in decode_words(graph, words, beats).items():
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
    return Equality(len(words) // beats.outputs, result.values, result.mismatches, result.first)
