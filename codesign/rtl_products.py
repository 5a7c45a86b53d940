"""Wired products with a constant matrix: one readable sum for every output, in the order of the weights."""

import textwrap

import numpy as np

from codesign.fixed import Fixed
from codesign.graph import Products
from codesign.rtl_text import INDENT, LINE, header


def products_module(name: str, products: Products, data: Fixed, result: Fixed) -> str:
    """Return module `name` with ports x (positions x inputs elements) and y (outputs x positions sums).

    Weights of zero do not appear. Sums are formed in enough bits for the operand, the result and, where products
    are truncated, for every single product.
    """
    outputs, inputs = products.matrix.shape
    width = _inner_width(products, data, result)
    used = [bool(column.any()) for column in products.matrix.T]
    lines = [
        *_header(name, products),
        f"module {name} (",
        f"{INDENT}input  wire [{products.positions * inputs * data.width - 1}:0] x,",
        f"{INDENT}output wire [{outputs * products.positions * result.width - 1}:0] y",
        ");",
        f"{INDENT}genvar p;",
        f"{INDENT}generate",
        f"{INDENT * 2}for (p = 0; p < {products.positions}; p = p + 1) begin : position",
        *(_operand(i, inputs, width, data) for i in range(inputs) if used[i]),
        *(line for o in range(outputs) for line in _output(o, products, width, result)),
        f"{INDENT * 2}end",
        f"{INDENT}endgenerate",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _inner_width(products: Products, data: Fixed, result: Fixed) -> int:
    weight_bits = int(np.abs(products.matrix).max(initial=0)).bit_length() + 1
    product_bits = data.width + weight_bits + 1 if products.truncate else 0
    return max(result.width, data.width + 1, weight_bits, product_bits)


def _header(name: str, products: Products) -> list[str]:
    outputs, inputs = products.matrix.shape
    floored = f", every product floored by {products.truncate} bits" if products.truncate else ""
    return header(
        name,
        [
            f"constant {outputs} x {inputs} matrix times {products.positions} vector(s){floored}.",
            "Latency: combinational.",
            f"Ports: x element p*{inputs} + i, element 0 in the lowest bits; y element o*{products.positions} + p",
        ],
    )


def _operand(element: int, inputs: int, width: int, data: Fixed) -> str:
    source = f"x[(p*{inputs} + {element})*{data.width} +: {data.width}]"
    if data.signed:
        sign = f"x[(p*{inputs} + {element})*{data.width} + {data.width - 1}]"
        extended = f"{{{{{width - data.width}{{{sign}}}}}, {source}}}"
    else:
        extended = f"{{{width - data.width}'d0, {source}}}"
    return f"{INDENT * 3}wire signed [{width - 1}:0] x{element} = {extended};"


def _output(output: int, products: Products, width: int, result: Fixed) -> list[str]:
    start = int(products.start[output])
    terms = [f"-{width}'sd{-start}" if start < 0 else f"{width}'sd{start}"]
    row = products.matrix[output]
    terms += [_term(int(weight), element, width, products.truncate) for element, weight in enumerate(row) if weight]
    text = f"wire signed [{width - 1}:0] sum{output} = {' '.join(terms)};"
    wrapped = textwrap.wrap(text, LINE, initial_indent=INDENT * 3, subsequent_indent=INDENT * 4)
    target = f"y[({output}*{products.positions} + p)*{result.width} +: {result.width}]"
    return [*wrapped, f"{INDENT * 3}assign {target} = sum{output}[{result.width - 1}:0];"]


def _term(weight: int, element: int, width: int, truncate: int) -> str:
    if truncate:
        sign = "-" if weight < 0 else ""
        return f"+ (({sign}{width}'sd{abs(weight)} * x{element}) >>> {truncate})"
    return f"{'-' if weight < 0 else '+'} {width}'sd{abs(weight)} * x{element}"
