"""Verilog of constant matrix products: one adder a line, every wire as wide as its own interval asks.

Adders are cut into pipeline stages by `pipeline.stages`; what crosses a cut goes into one register a cut.
"""

from dataclasses import dataclass

import numpy as np

from codesign.adder_solver import solve, solve_blocks
from codesign.adders import Adder, AdderGraph, Term, widths
from codesign.fixed import Integers
from codesign.graph import Products, TensorType
from codesign.pipeline import stages
from codesign.ranges import Interval
from codesign.rtl_text import INDENT, header, instance


@dataclass(frozen=True, eq=False)
class Inputs:
    """The operand's elements as the adders see them: constant bits and elements taken out of matrix and start."""

    bounds: Interval
    slices: tuple[tuple[int, int], ...]  # lowest bit, bits

    @classmethod
    def of(cls, data: TensorType) -> "Inputs":
        """Return the elements of a packed value, each without the low bits that are always zero."""
        zeros = np.where(data.bounds.low == data.bounds.high, 0, data.bounds.trailing).ravel()
        bounds = Interval(data.bounds.low.ravel() >> zeros, data.bounds.high.ravel() >> zeros)
        signed = bounds.low < 0
        bits = np.array(widths(bounds)) - ~signed
        lowest = np.arange(data.size) * data.fixed.width + zeros
        return cls(bounds, tuple(zip(lowest.tolist(), bits.tolist(), strict=True)))

    def wire(self, element: int) -> list[str]:
        """Return the declaration of one element as a signed number."""
        low, bits = self.slices[element]
        slice_ = f"x[{low + bits - 1}:{low}]"
        if self.bounds.low[element] < 0:
            return [f"{INDENT}wire signed [{bits - 1}:0] x{element} = {slice_};"]
        return [f"{INDENT}wire signed [{bits}:0] x{element} = {{1'b0, {slice_}}};"]


@dataclass(frozen=True, eq=False)
class Plan:
    """What a products module computes: sums of floored products of the inputs, or of the inputs themselves.

    `products` (with `truncate` > 0) forms each distinct product once; `sums` adds them up, and adds nothing else.
    """

    inputs: Inputs
    products: AdderGraph | None
    sums: AdderGraph
    sum_bounds: Interval
    start: Integers


def plan(how: Products, data: TensorType) -> Plan:
    """Return the adder graphs of `how` for an operand of type `data`."""
    inputs = Inputs.of(data)
    shifts = np.where(data.bounds.low == data.bounds.high, 0, data.bounds.trailing).ravel()
    constant = (data.bounds.low == data.bounds.high).ravel()
    fixed_part = (how.matrix * np.where(constant, data.bounds.low.ravel(), 0)) >> how.truncate
    start = how.start + fixed_part.sum(axis=1)
    matrix = np.where(constant, 0, how.matrix << shifts)
    if not how.truncate:
        sums = solve_blocks(matrix, inputs.bounds, how.blocks)
        return Plan(inputs, None, sums, inputs.bounds, start)
    return _truncated(matrix, start, how, inputs)


def _truncated(matrix: Integers, start: Integers, how: Products, inputs: Inputs) -> Plan:
    """Every distinct product of an input and a weight once, floored, then sums of them."""
    rows, columns = np.nonzero(matrix)
    pairs, which = np.unique(np.stack([columns, matrix[rows, columns]], axis=1), axis=0, return_inverse=True)
    multiples = np.zeros((len(pairs), matrix.shape[1]), np.int64)
    multiples[np.arange(len(pairs)), pairs[:, 0]] = pairs[:, 1]
    products = solve(multiples, inputs.bounds)
    ends = [(bound[pairs[:, 0]] * pairs[:, 1]) >> how.truncate for bound in (inputs.bounds.low, inputs.bounds.high)]
    bounds = Interval(np.minimum(*ends), np.maximum(*ends))
    ones = np.zeros((len(matrix), len(pairs)), np.int64)
    np.add.at(ones, (rows, which.ravel()), 1)
    constant = bounds.low == bounds.high
    start = start + ones @ np.where(constant, bounds.low, 0)
    return Plan(inputs, products, solve_blocks(np.where(constant, 0, ones), bounds, how.blocks), bounds, start)


def is_cuttable(how: Products) -> bool:
    """Whether the adders can be cut into pipeline stages: truncated products cannot."""
    return how.truncate == 0


def register_bits(how: Products, data: TensorType, cuts: int) -> int:
    """Return the bits that cross the cuts, before triplication."""
    return sum(bits for bits in _Writer(plan(how, data), how.truncate, cuts).crossing()) if cuts else 0


def adders_module(name: str, how: Products, data: TensorType, result: TensorType, cuts: int = 0) -> str:
    """Return module `name` with ports x (the operand) and y (one sum for every row), cut into `cuts` + 1 stages."""
    writer = _Writer(plan(how, data), how.truncate, cuts)
    body = writer.body(result)
    clocked = [f"{INDENT}input  wire clk,", f"{INDENT}input  wire rst,"] if cuts else []
    flagged = [f"{INDENT}output wire tmr_err,"] if cuts else []
    parameter = [f"module {name} #(", f"{INDENT}parameter TMR = 1", ") ("] if cuts else [f"module {name} ("]
    lines = [
        *_header(name, how, data, writer, cuts),
        *parameter,
        *clocked,
        f"{INDENT}input  wire [{data.bits - 1}:0] x,",
        *flagged,
        f"{INDENT}output wire [{result.bits - 1}:0] y",
        ");",
        *body,
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _header(name: str, how: Products, data: TensorType, writer: "_Writer", cuts: int) -> list[str]:
    outputs, inputs = how.matrix.shape
    floored = f", every product floored by {how.truncate} bits" if how.truncate else ""
    lines = [
        f"constant {outputs} x {inputs} matrix times a vector{floored}: {writer.adder_count} shared adders.",
        f"Latency: {cuts} cycle(s)." if cuts else "Latency: combinational.",
        f"Ports: x element i in bits i*{data.fixed.width} and up; y row o likewise",
    ]
    if cuts:
        lines.append("       clk, rst clock and synchronous reset; tmr_err a copy of a register differs")
    return header(name, lines)


class _Writer:
    """Lines of one module; wires are x<i> (inputs), p<k> (floored products), a<k> (adders), with _s<n> behind cut n."""

    def __init__(self, plan: Plan, truncate: int, cuts: int) -> None:
        self.plan, self.truncate, self.cuts = plan, truncate, cuts
        graph = plan.sums
        self.bounds = graph.bounds(plan.sum_bounds)
        self.widths = widths(self.bounds)
        self.stage = stages(graph, self.widths, cuts)
        self.last = [self.stage[k] for k in range(len(self.stage))]
        for number, adder in enumerate(graph.adders, start=graph.inputs):
            for term in adder.terms:
                self.last[term.value] = max(self.last[term.value], self.stage[number])
        for output in graph.outputs:
            if output:
                self.last[output.value] = cuts

    @property
    def adder_count(self) -> int:
        products = len(self.plan.products.adders) if self.plan.products else 0
        return products + len(self.plan.sums.adders) + int(np.count_nonzero(self.plan.start))

    def crossing(self) -> list[int]:
        """Bits that cross each cut."""
        return [
            sum(width for width, s, last in zip(self.widths, self.stage, self.last, strict=True) if s < cut <= last)
            for cut in range(1, self.cuts + 1)
        ]

    def body(self, result: TensorType) -> list[str]:
        graph = self.plan.sums
        lines = [line for k in self._used_inputs() for line in self.plan.inputs.wire(k)]
        lines += self._products()
        for stage in range(self.cuts + 1):
            lines += self._registers(stage) if stage else []
            numbers = range(graph.inputs, graph.inputs + len(graph.adders))
            lines += [self._adder(k, graph.adders[k - graph.inputs]) for k in numbers if self.stage[k] == stage]
        lines += [line for o, term in enumerate(graph.outputs) for line in self._output(o, term, result)]
        if self.cuts:
            lines += [f"{INDENT}assign tmr_err = |err;"]
            lines = [f"{INDENT}wire [{self.cuts - 1}:0] err;", *lines]
        return lines

    def _used_inputs(self) -> list[int]:
        graph = self.plan.products or self.plan.sums
        used = {term.value for adder in graph.adders for term in adder.terms}
        used |= {term.value for term in graph.outputs if term}
        return sorted(k for k in used if k < graph.inputs)

    def _products(self) -> list[str]:
        graph = self.plan.products
        if not graph:
            return []
        names = [f"x{k}" for k in range(graph.inputs)] + [f"m{k}" for k in range(len(graph.adders))]
        every = widths(graph.bounds(self.plan.inputs.bounds))
        lines = []
        for number, adder in enumerate(graph.adders, start=graph.inputs):
            expression = _sum([(names[term.value], term) for term in adder.terms])
            lines.append(f"{INDENT}wire signed [{every[number] - 1}:0] {names[number]} = {expression};")
        for k, term in enumerate(graph.outputs):
            assert term is not None
            full = self.widths[k] + self.truncate
            lines.append(f"{INDENT}wire signed [{full - 1}:0] f{k} = {_sum([(names[term.value], term)])};")
            lines.append(f"{INDENT}wire signed [{self.widths[k] - 1}:0] p{k} = f{k} >>> {self.truncate};")
        return lines

    def _name(self, number: int, stage: int) -> str:
        inputs = self.plan.sums.inputs
        letter = "p" if self.plan.products else "x"
        name = f"{letter}{number}" if number < inputs else f"a{number - inputs}"
        return name if stage == self.stage[number] else f"{name}_s{stage}"

    def _adder(self, number: int, adder: Adder) -> str:
        stage = self.stage[number]
        expression = _sum([(self._name(term.value, stage), term) for term in adder.terms])
        return f"{INDENT}wire signed [{self.widths[number] - 1}:0] {self._name(number, stage)} = {expression};"

    def _registers(self, stage: int) -> list[str]:
        """One register for everything that crosses the cut before `stage`."""
        crossing = [k for k in range(len(self.stage)) if self.stage[k] < stage <= self.last[k]]
        bits = sum(self.widths[k] for k in crossing)
        lines = [f"{INDENT}wire [{bits - 1}:0] cut{stage}, cut{stage}_next;"]
        parts, low = [], 0
        for k in crossing:
            width = self.widths[k]
            parts.append(self._name(k, stage - 1))
            lines.append(
                f"{INDENT}wire signed [{width - 1}:0] {self._name(k, stage)} = cut{stage}[{low + width - 1}:{low}];"
            )
            low += width
        joined = f",\n{INDENT * 2}".join(reversed(parts))
        lines.append(f"{INDENT}assign cut{stage}_next = {{\n{INDENT * 2}{joined}\n{INDENT}}};")
        ports = [
            ("clk", "clk"), ("rst", "rst"), ("en", "1'b1"), ("d", f"cut{stage}_next"), ("q", f"cut{stage}"),
            ("err", f"err[{stage - 1}]"),
        ]  # fmt: skip
        return lines + instance("tmr_register", [("WIDTH", str(bits)), ("TMR", "TMR")], f"u_cut{stage}", ports)

    def _output(self, output: int, term: Term | None, result: TensorType) -> list[str]:
        width, start = result.fixed.width, int(self.plan.start[output])
        spare = self.widths[term.value] + term.shift + 1 if term else 1
        inner = max(width, spare, abs(start).bit_length() + 1)
        texts = [_sum([(self._name(term.value, self.cuts), term)])] if term else []
        if start or not term:
            sign = "-" if start < 0 else "+" if term else ""
            texts.append(f"{sign} {inner}'sd{abs(start)}".strip())
        return [
            f"{INDENT}wire signed [{inner - 1}:0] y{output} = {' '.join(texts)};",
            f"{INDENT}assign y[{(output + 1) * width - 1}:{output * width}] = y{output}[{width - 1}:0];",
        ]


def _sum(terms: list[tuple[str, Term]]) -> str:
    """Return the Verilog of a sum of named terms, the first negative one last."""
    ordered = sorted(terms, key=lambda pair: pair[1].negative)
    texts = [f"({name} <<< {term.shift})" if term.shift else name for name, term in ordered]
    first = "-" if ordered[0][1].negative else ""
    return (
        first
        + texts[0]
        + "".join(
            f" {'-' if term.negative else '+'} {text}" for text, (_, term) in zip(texts[1:], ordered[1:], strict=True)
        )
    )
