"""Integer benchmark models: JSON files of small networks (an MLP, or a convolution and a dense layer) as graphs.

MLP: per layer acc = W x + b, then y = clip(round(acc / 2**shift)) to `bits` unsigned bits; the last layer gives acc.
Encoder: 8x8x1 unsigned 8 bit, conv 3x3 stride 2 padding 1, 8 filters, 8 bit, then dense 16, 9 bit unsigned.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.graph import Graph, Node, Port
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Constant, Input

Rounding = Literal["half_up", "half_even"]


@dataclass(frozen=True)
class Layer:
    """One layer: a convolution if `weight` has 4 axes; `bits` of 0 leaves the raw accumulator."""

    weight: Integers
    bias: Integers
    shift: int
    bits: int


@dataclass(frozen=True)
class Model:
    """Name, input format and shape, layers."""

    name: str
    input_format: Fixed
    shape: tuple[int, ...]
    layers: tuple[Layer, ...]


def read_model(path: Path) -> Model:
    """Return the model of a JSON file; `BadInputError` if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _encoder(content) if "K" in content else _mlp(content)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BadInputError(f"{path} is no benchmark model: {error}") from error


def _mlp(content: Mapping[str, Any]) -> Model:
    layers = content["layers"]
    found = [
        Layer(np.array(one["W"]), np.array(one["b"]), *((one["shift"], one["bits"]) if k + 1 < len(layers) else (0, 0)))
        for k, one in enumerate(layers)
    ]
    form = Fixed(content["in_bits"], 0, bool(content["in_signed"]))
    return Model(content["name"], form, (found[0].weight.shape[1],), tuple(found))


def _encoder(content: Mapping[str, Any]) -> Model:
    kernel = np.array(content["K"]).reshape(8, 1, 3, 3)
    conv = Layer(kernel, np.array(content["kb"]), content["s1"], 8)
    dense = Layer(np.array(content["W"]), np.array(content["b"]), content["s2"], content["out_bits"])
    return Model(content["name"], Fixed(8, 0, False), (1, 8, 8), (conv, dense))


def load_bench(path: Path, rounding: Rounding) -> Graph:
    """Return the graph of a benchmark model. Half up adds half a result bit to the bias; half to even tests ties."""
    if rounding not in get_args(Rounding):
        raise BadInputError(f"rounding must be one of {get_args(Rounding)}, not {rounding!r}")
    model = read_model(path)
    nodes, data = [Node("x", Input(model.shape, model.input_format))], "x"
    for k, layer in enumerate(model.layers, start=1):
        half = (1 << layer.shift) >> 1 if rounding == "half_up" and layer.bits else 0
        nodes += [Node(f"w{k}", Constant(layer.weight)), Node(f"b{k}", Constant(layer.bias + half))]
        if layer.weight.ndim == 2 and k > 1 and model.layers[k - 2].weight.ndim == 4:
            nodes += [Node("flatten", Reshape((layer.weight.shape[1],)), (data,))]
            data = "flatten"
        op = Conv2d((2, 2), (1, 1, 1, 1)) if layer.weight.ndim == 4 else Dense()
        nodes += [Node(f"layer{k}", op, (data, f"w{k}", f"b{k}"))]
        data = f"layer{k}"
        if layer.bits:
            kind: Literal["floor", "half_even"] = "floor" if rounding == "half_up" else "half_even"
            quantise = Requantise(Fixed(layer.bits, 0, False), (1,), (0,), layer.shift, kind)
            nodes += [Node(f"act{k}", quantise, (data,))]
            data = f"act{k}"
    return Graph(f"{model.name.replace('-', '_')}", tuple(nodes), (Port("x"),), (Port(data),))
