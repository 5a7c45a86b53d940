"""A graph of two small layers, for flows that synthesise it."""

import numpy as np

from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Constant, Input

NODES = (
    Node("x", Input((6,), Fixed(4))),
    Node("w", Constant(np.arange(24).reshape(4, 6) * 5 % 17 - 8)),
    Node("b", Constant(np.array([3, -4, 5, 0]))),
    Node("net.fc", Dense(), ("x", "w", "b")),
    Node("q", Requantise(Fixed(4), (3,), (1,), 4, "half_even"), ("net.fc",)),
    Node("w2", Constant(np.arange(12).reshape(3, 4) * 7 % 13 - 6)),
    Node("b2", Constant(np.array([1, -1, 0]))),
    Node("out", Dense(), ("q", "w2", "b2")),
)
LAYERS = Graph("layers", NODES, (Port("x"),), (Port("out"),))
