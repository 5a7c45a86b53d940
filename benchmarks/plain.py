"""A plain behavioural description of a benchmark model: products and sums as one writes them, a register a layer."""

import numpy as np

from benchmarks.models import Layer, Model, Rounding
from codesign.fixed import Integers

WIDTH = 32  # one width for every intermediate value: synthesis narrows it


def plain_verilog(model: Model, rounding: Rounding) -> str:
    """Return module `plain` with ports clk, x and y."""
    bits, size = model.input_format.width, int(np.prod(model.shape))
    last = model.layers[-1]
    out_bits = last.bits or WIDTH
    outputs = len(last.weight)
    lines = [f"module plain (input clk, input [{size * bits - 1}:0] x, output reg [{outputs * out_bits - 1}:0] y);"]
    names = []
    for i in range(size):
        slice_ = f"x[{(i + 1) * bits - 1}:{i * bits}]"
        text = slice_ if model.input_format.signed else f"{{1'b0, {slice_}}}"
        lines += [f"wire signed [{bits}:0] x{i} = $signed({text});"]
        names.append(f"x{i}")
    for number, layer in enumerate(model.layers):
        body, names = _layer(number, layer, names, rounding)
        lines += body
    packed = ", ".join(f"{name}[{out_bits - 1}:0]" for name in reversed(names))
    return "\n".join([*lines, f"always @* y = {{{packed}}};", "endmodule", ""])


def _layer(number: int, layer: Layer, inputs: list[str], rounding: Rounding) -> tuple[list[str], list[str]]:
    rows, starts = _rows(layer)
    lines, names = [], []
    for o, (row, start) in enumerate(zip(rows, starts, strict=True)):
        name = f"l{number}_{o}"
        terms = [f"{WIDTH}'sd{abs(w)} * {'-' if w < 0 else ''}{inputs[i]}" for i, w in enumerate(row) if w]
        constant = f"{'-' if start < 0 else ''}{WIDTH}'sd{abs(int(start))}"
        lines.append(f"wire signed [{WIDTH - 1}:0] {name}_sum = {' + '.join([constant, *terms])};")
        if not layer.bits:
            lines.append(f"reg signed [{WIDTH - 1}:0] {name}; always @(posedge clk) {name} <= {name}_sum;")
        else:
            lines += _activation(name, layer, rounding)
        names.append(name)
    return lines, names


def _activation(name: str, layer: Layer, rounding: Rounding) -> list[str]:
    half, top = (1 << layer.shift) >> 1, (1 << layer.bits) - 1
    nearest = f"({name}_sum + {half}) >>> {layer.shift}"
    tie = f"({name}_sum[{layer.shift - 1}:0] == {half}) & {name}_near[0]"
    even = f" - $signed({{1'b0, {tie}}})" if rounding == "half_even" else ""
    return [
        f"wire signed [{WIDTH - 1}:0] {name}_near = {nearest};",
        f"wire signed [{WIDTH - 1}:0] {name}_round = {name}_near{even};",
        f"reg signed [{layer.bits}:0] {name};",
        f"always @(posedge clk) {name} <= {name}_round < 0 ? 0 : {name}_round > {top} ? {top} : {name}_round;",
    ]


def _rows(layer: Layer) -> tuple[Integers, Integers]:
    """The matrix and bias of a layer; a convolution row by filter, then position."""
    if layer.weight.ndim == 2:
        return layer.weight, layer.bias
    rows = np.zeros((8, 4, 4, 10, 10), np.int64)
    for r in range(4):
        for c in range(4):
            rows[:, r, c, 2 * r : 2 * r + 3, 2 * c : 2 * c + 3] = layer.weight[:, 0]
    return rows[..., 1:9, 1:9].reshape(128, 64), np.repeat(layer.bias, 16)
