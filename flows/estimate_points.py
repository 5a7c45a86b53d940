"""The designs that the estimates are calibrated on: random, seeded networks at many reuse factors, widths and clocks.

Each goes through the flow's own schedule and emission. No design of the package is among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from codesign.fixed import Fixed, Integers
from codesign.graph import Graph, Node, Port
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Constant, Input
from codesign.schedule import Schedule, default_cuts, is_cuttable, reusable, schedule

EVENTS = 192


@dataclass(frozen=True)
class Shape:
    """A network: (channels, height, width) of an image or (elements,), filters of a 3x3 convolution, dense layers.

    `zeros`: share of the weights that are pruned. `scale_bits`: of the factor between two layers, as learned scales
    leave it; 0 for powers of two.
    """

    name: str
    inputs: tuple[int, ...]
    layers: tuple[int, ...]
    filters: int = 0
    zeros: float = 0.0
    scale_bits: int = 0


@dataclass(frozen=True)
class EstimatePoint:
    """A network at one choice of widths, reuse factor, pipeline cuts in every layer, triplication and clock."""

    shape: Shape
    weight_bits: int
    data_bits: int
    reuse: int
    inner_cuts: int
    tmr: str
    clock_ns: float

    @property
    def name(self) -> str:
        """All choices, readable."""
        return (
            f"{self.shape.name}_w{self.weight_bits}d{self.data_bits}_r{self.reuse}c{self.inner_cuts}"
            f"_{self.tmr}_{self.clock_ns:g}ns"
        )

    @property
    def graph(self) -> Graph:
        """The network; its weights depend on its shape and widths alone, normally distributed as trained ones are."""
        rng = np.random.default_rng(list(f"{self.shape.name}{self.weight_bits}{self.data_bits}".encode()))
        data = Fixed(self.data_bits, 0, False)
        nodes, last = [Node("x", Input(self.shape.inputs, Fixed(self.data_bits, 0, True)))], "x"
        size = int(np.prod(self.shape.inputs))
        high = (1 << (self.weight_bits - 1)) - 1

        def layer(name: str, op: Conv2d | Dense, shape: tuple[int, ...]) -> str:
            drawn = np.rint(np.clip(rng.normal(0, high / 2.5, shape), -high, high)).astype(np.int64)
            weights = np.where(rng.random(shape) < self.shape.zeros, 0, drawn)
            fan_in = int(np.prod(shape[1:]))
            # So that the result uses its range: the deviation of a sum of `fan_in` products, at half of full scale.
            shift = max(self.weight_bits - 2 + int(np.log2(fan_in)) // 2, 1)
            bias = rng.integers(-1 << shift, 1 << shift, shape[0])
            nodes.extend((Node(f"{name}_w", Constant(weights)), Node(f"{name}_b", Constant(bias))))
            nodes.append(Node(name, op, (last, f"{name}_w", f"{name}_b")))
            if self.shape.scale_bits:
                low = 1 << (self.shape.scale_bits - 1)
                factor, added = int(rng.integers(low, 2 * low)) | 1, self.shape.scale_bits
                quantise = Requantise(data, (factor,), (low << shift,), shift + added)
            else:
                quantise = Requantise(data, (1,), (0,), shift, "half_even")
            nodes.append(Node(f"{name}_act", quantise, (name,)))
            return f"{name}_act"

        if self.shape.filters:
            last = layer("conv", Conv2d((2, 2), (1, 1, 1, 1)), (self.shape.filters, self.shape.inputs[0], 3, 3))
            rows, columns = (-(-n // 2) for n in self.shape.inputs[1:])
            size = self.shape.filters * rows * columns
            nodes.append(Node("flat", Reshape((size,)), (last,)))
            last = "flat"
        for k, outputs in enumerate(self.shape.layers):
            last, size = layer(f"dense{k}", Dense(), (outputs, size)), outputs
        return Graph(self.shape.name, tuple(nodes), (Port("x"),), (Port(last),))

    def schedule(self, graph: Graph) -> Schedule:
        """Every layer at its largest legal factor up to `reuse`; registers behind every layer."""
        factors = {name: max(r for r in legal if r <= self.reuse) for name, legal in reusable(graph).items()}
        cuts = {}
        if self.inner_cuts:
            cuts = {name: self.inner_cuts for name, r in factors.items() if r == 1 and is_cuttable(graph, name)}
        return schedule(graph, factors, default_cuts(graph), cuts)

    @property
    def events(self) -> Mapping[str, Integers]:
        """Random inputs over their whole range, for the power."""
        rng = np.random.default_rng(1)
        half = 1 << (self.data_bits - 1)
        return {"x": rng.integers(-half, half, (EVENTS, *self.shape.inputs))}


_SHAPES = (
    Shape("narrow", (8,), (16, 8, 4)),
    Shape("tagger", (16,), (32, 16, 5), zeros=0.3),
    Shape("edges", (10,), (8, 8, 4)),
    Shape("wide", (32,), (16, 8), zeros=0.5),
    Shape("tall", (6,), (24, 12), zeros=0.1),
    Shape("encoder", (1, 6, 6), (12,), filters=6, zeros=0.2),
    Shape("single", (24,), (12,)),
    Shape("images", (3, 4, 4), (8, 4), filters=8),
)
# Layers as large as those of real designs: at one choice of widths, and up to a reuse factor that leaves them small.
_LARGE = (Shape("rows", (16,), (64, 8), zeros=0.2), Shape("inputs", (128,), (16,), zeros=0.3))
# Scales between layers as training leaves them.
_SCALED = (
    Shape("scaled_tagger", (12,), (24, 12, 5), scale_bits=13),
    Shape("scaled_encoder", (1, 6, 6), (8,), filters=4, scale_bits=20),
    Shape("scaled_single", (16,), (16,), zeros=0.2, scale_bits=16),
)
_WIDTHS = ((4, 5), (6, 8), (8, 7))
_CLOCKS_NS = (25.0, 5.0, 10.0)


def estimate_points() -> tuple[EstimatePoint, ...]:
    """Return all points: shapes, widths and reuse factors; clocks, triplication and cuts in turn."""
    found = []
    for s, shape in enumerate(_SHAPES):
        for w, (weight_bits, data_bits) in enumerate(_WIDTHS):
            for r, reuse in enumerate((1, 2, 4, 8, 16)):
                turn = s + w + r
                tmr = ("none", "registers")[turn % 2]
                cuts = (s + w) % 3 if reuse == 1 else 0
                point = EstimatePoint(shape, weight_bits, data_bits, reuse, cuts, tmr, _CLOCKS_NS[turn % 3])
                found.append(point)
    for s, shape in enumerate(_LARGE):
        for r, reuse in enumerate((1, 2, 4, 8, 16, 32)):
            found.append(EstimatePoint(shape, 6, 8, reuse, 0, ("none", "registers")[(s + r) % 2], _CLOCKS_NS[r % 3]))
    for s, shape in enumerate(_SCALED):
        for r, reuse in enumerate((1, 2, 4, 8, 16)):
            found.append(
                EstimatePoint(shape, 6, 6 + s, reuse, 0, ("none", "registers")[(s + r) % 2], _CLOCKS_NS[r % 3])
            )
    return tuple(found)
