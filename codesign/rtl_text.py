"""Verilog text: literals, instances, constant and ROM modules. Knows the language, not the graph."""

import re
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np

from codesign.fixed import Integers
from codesign.verilog_literals import literal

INDENT = "    "
LINE = 110


def section(title: str) -> list[str]:
    """Return a comment line that opens a part of a module."""
    return ["", f"{INDENT}// {title}"]


def header(name: str, lines: Iterable[str]) -> list[str]:
    """Return the comment block that opens a file: what the module does, its latency and its ports."""
    return [f"// {name}: {next(iterator := iter(lines))}", *(f"// {line}" for line in iterator)]


def module_ports(name: str, *, tmr: int, in_width: int, out_width: int, more: Sequence[str] = ()) -> list[str]:
    """Return the head of a top level: its parameter and ports; `more` lines of input ports behind the data's."""
    return [
        f"module {name} #(",
        f"{INDENT}parameter TMR = {tmr}",
        ") (",
        f"{INDENT}input  wire clk,",
        f"{INDENT}input  wire rst,",
        f"{INDENT}input  wire in_valid,",
        f"{INDENT}input  wire [{in_width - 1}:0] in_data,",
        *more,
        f"{INDENT}output wire out_valid,",
        f"{INDENT}output wire [{out_width - 1}:0] out_data,",
        f"{INDENT}output wire tmr_err",
        ");",
    ]


def verilog_parameters(top_text: str) -> dict[str, int]:
    """Return the parameters of an emitted top level and their values: TMR, or none among lanes."""
    return {name: int(value) for name, value in re.findall(r"^ +parameter (\w+) = (\d+)$", top_text, re.MULTILINE)}


def instance(
    module: str, parameters: Sequence[tuple[str, str]], name: str, ports: Sequence[tuple[str, str]]
) -> list[str]:
    """Return a module instance with named parameters and ports, one to a line."""
    lines = [f"{INDENT}{module} #("] if parameters else [f"{INDENT}{module} {name} ("]
    if parameters:
        lines += _connections(parameters)
        lines += [f"{INDENT}) {name} ("]
    return [*lines, *_connections(ports), f"{INDENT});"]


def _connections(pairs: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in pairs)
    texts = [f".{name:<{width}} ({value})" for name, value in pairs]
    ended = [f"{text}," for text in texts[:-1]] + texts[-1:]
    return [line for text in ended for line in _wrapped(text)]


def _wrapped(text: str) -> list[str]:
    """Break a long connection (a list of constants) at its commas."""
    return (
        textwrap.wrap(
            text,
            LINE,
            initial_indent=INDENT * 2,
            subsequent_indent=INDENT * 3,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if len(text) > LINE
        else [f"{INDENT * 2}{text}"]
    )


def pick(wire: str, bits: Iterable[int]) -> str:
    """Return the concatenation of some bits of a wire, the lowest in the lowest place."""
    runs: list[list[int]] = []
    for bit in sorted(bits):
        if runs and runs[-1][1] == bit - 1:
            runs[-1][1] = bit
        else:
            runs.append([bit, bit])
    return "{" + ", ".join(f"{wire}[{last}:{first}]" for first, last in reversed(runs)) + "}"


def wiring(source: str, width: int, index: Sequence[int], size: int) -> str:
    """Return the expression of elements `index` of a packed `source` of `size` elements; -1 is zero."""
    if list(index) == list(range(size)):
        return source
    runs: list[list[int]] = []  # [first, last] of rising neighbours; [-1, count] for zeros
    for element in index:
        if element == -1 and runs and runs[-1][0] == -1:
            runs[-1][1] += 1
        elif element >= 0 and runs and runs[-1][0] >= 0 and runs[-1][1] == element - 1:
            runs[-1][1] = element
        else:
            runs.append([element, element if element >= 0 else 1])
    parts = [
        f"{last * width}'d0" if first < 0 else f"{source}[{(last + 1) * width - 1}:{first * width}]"
        for first, last in reversed(runs)
    ]
    lines = f",\n{INDENT * 2}".join(parts)
    return f"{{\n{INDENT * 2}{lines}\n{INDENT}}}" if len(parts) > 1 else parts[0]


def _rows(values: Integers, width: int, indent: str) -> list[str]:
    """Concatenate `values` (rows, lanes), the last row first as Verilog wants it, one row a line."""
    rows = [", ".join(literal(int(value), width) for value in row[::-1]) for row in values[::-1]]
    count = len(rows)
    ends = ["," if k < count - 1 else "" for k in range(count)]
    return [f"{indent}{row}{end}  // row {count - 1 - k}" for k, (row, end) in enumerate(zip(rows, ends, strict=True))]


def constant_module(name: str, values: Integers, width: int, title: str) -> str:
    """Return a module whose output `y` is `values` packed, element 0 in the lowest bits; one row of axis 0 a line."""
    rows = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(1, -1)
    lines = [
        *header(
            name,
            [
                f"{title}, shape {values.shape}, {width} bits each.",
                "Latency: none, wired constants.",
                "Ports: y, element 0 (row-major) in the lowest bits, so the last row stands first.",
            ],
        ),
        f"module {name} (",
        f"{INDENT}output wire [{values.size * width - 1}:0] y",
        ");",
        f"{INDENT}assign y = {{",
        *_rows(rows, width, INDENT * 2),
        f"{INDENT}}};",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def rom_module(name: str, words: Integers, width: int, address_bits: int, title: str) -> str:
    """Return a ROM: `words` (words, lanes); lane 0 in the lowest bits; addresses beyond the last word read zero."""
    bits = words.shape[1] * width
    cases = []
    for address, word in enumerate(words):
        row = ", ".join(literal(int(value), width) for value in word[::-1])
        cases.append(f"{INDENT * 3}{address_bits}'d{address}: word = {{{row}}};")
    lines = [
        *header(
            name,
            [
                f"{title} as a ROM, {len(words)} words of {words.shape[1]} x {width} bits.",
                "Latency: combinational.",
                "Ports: address; word, lane 0 in the lowest bits (written last).",
            ],
        ),
        f"module {name} (",
        f"{INDENT}input  wire [{address_bits - 1}:0] address,",
        f"{INDENT}output reg  [{bits - 1}:0] word",
        ");",
        f"{INDENT}always @*",
        f"{INDENT * 2}case (address)",
        *cases,
        *([] if len(words) == 1 << address_bits else [f"{INDENT * 3}default: word = {bits}'d0;"]),
        f"{INDENT * 2}endcase",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def rom_words(values: Integers, index: Integers) -> Integers:
    """Return the words (words, lanes) of a constant operand."""
    return np.asarray(values.ravel()[index], dtype=np.int64)
