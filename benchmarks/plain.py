"""A plain behavioural description of a benchmark model: products and sums as one writes them, a register a layer."""

from collections.abc import Sequence

import numpy as np

from benchmarks.models import Layer, Model, Rounding
from codesign.fixed import Integers


def plain_verilog(model: Model, rounding: Rounding) -> str:
    """Return module `plain` with ports clk, x and y; all elements of y are equally wide."""
    bits, size = model.input_format.width, int(np.prod(model.shape))
    names, lines = [f"x{i}" for i in range(size)], []
    for i, name in enumerate(names):
        slice_ = f"x[{(i + 1) * bits - 1}:{i * bits}]"
        text = slice_ if model.input_format.signed else f"{{1'b0, {slice_}}}"
        lines += [f"wire signed [{bits}:0] {name} = $signed({text});"]
    greatest, width = max(-model.input_format.low, model.input_format.high), 0
    for number, layer in enumerate(model.layers):
        body, names, width = _layer(number, layer, names, greatest, rounding)
        lines += body
        greatest = (1 << layer.bits) - 1
    out = model.layers[-1].bits or width
    packed = ", ".join(f"{name}[{out - 1}:0]" for name in reversed(names))
    header = f"module plain (input clk, input [{size * bits - 1}:0] x, output [{len(names) * out - 1}:0] y);"
    return "\n".join([header, *lines, f"assign y = {{{packed}}};", "endmodule", ""])


def _layer(
    number: int, layer: Layer, inputs: Sequence[str], greatest: int, rounding: Rounding
) -> tuple[list[str], list[str], int]:
    """Lines, names of the results, and the width of the sums, which holds rounding too."""
    rows, starts = _rows(layer)
    half = (1 << layer.shift) >> 1
    width = int((np.abs(rows).sum(1) * greatest + np.abs(starts)).max() + half).bit_length() + 1
    lines, names = [], []
    for o, (row, start) in enumerate(zip(rows, starts, strict=True)):
        name = f"l{number}_{o}"
        terms = [f"{'-' if w < 0 else '+'} {width}'sd{abs(w)} * {inputs[i]}" for i, w in enumerate(row) if w]
        constant = f"{'-' if start < 0 else ''}{width}'sd{abs(int(start))}"
        lines.append(f"wire signed [{width - 1}:0] {name}_sum = {' '.join([constant, *terms])};")
        if layer.bits:
            lines += _activation(name, layer, width, rounding)
        else:
            lines.append(f"reg signed [{width - 1}:0] {name}; always @(posedge clk) {name} <= {name}_sum;")
        names.append(name)
    return lines, names, width


def _activation(name: str, layer: Layer, width: int, rounding: Rounding) -> list[str]:
    half, top = (1 << layer.shift) >> 1, (1 << layer.bits) - 1
    tie = f"({name}_sum[{layer.shift - 1}:0] == {half}) & {name}_near[0]"
    even = f" - $signed({{1'b0, {tie}}})" if rounding == "half_even" else ""
    return [
        f"wire signed [{width - 1}:0] {name}_near = ({name}_sum + {width}'sd{half}) >>> {layer.shift};",
        f"wire signed [{width - 1}:0] {name}_round = {name}_near{even};",
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
