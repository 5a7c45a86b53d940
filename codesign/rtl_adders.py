"""Verilog of constant matrix products: one adder a line, every wire as wide as its own interval asks.

Adders are cut into pipeline stages by `pipeline.stages`; what crosses a cut goes into one register a cut.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter

import numpy as np

from codesign.adder_solver import scaled, solve, solve_blocks
from codesign.adders import EXTRA_DEPTH, AdderGraph, Term, widths
from codesign.fixed import Integers
from codesign.graph import Products, Scaling, TensorType
from codesign.pipeline import stages
from codesign.ranges import Interval
from codesign.rtl_text import INDENT, header, instance
from codesign.unsigned_form import Code, Fabric, encode, input_codes, term_code


@dataclass(frozen=True, eq=False)
class Inputs:
    """The operand's elements as the adders see them: constant bits and elements taken out of matrix and start."""

    bounds: Interval
    lowest: tuple[int, ...]  # position of each element's lowest bit that changes

    @classmethod
    def of(cls, data: TensorType) -> "Inputs":
        """Return the elements of a packed value, each without the low bits that are always zero."""
        zeros = np.where(data.bounds.low == data.bounds.high, 0, data.bounds.trailing).ravel()
        bounds = Interval(data.bounds.low.ravel() >> zeros, data.bounds.high.ravel() >> zeros)
        return cls(bounds, tuple((np.arange(data.size) * data.fixed.width + zeros).tolist()))

    @cached_property
    def codes(self) -> tuple[Code, ...]:
        """The code of every element."""
        return input_codes(self.bounds)

    def signed_wire(self, element: int, width: int) -> str:
        """Return the declaration of one element as a signed number of `width` bits."""
        low, bits = self.lowest[element], self.codes[element].width
        zero = "" if self.bounds.low[element] < 0 else "1'b0, "
        return f"{INDENT}wire signed [{width - 1}:0] x{element} = {{{zero}x[{low + bits - 1}:{low}]}};"

    def wire(self, element: int) -> str:
        """Return the declaration of the code of one element: a negative element has its sign bit inverted."""
        low, width = self.lowest[element], self.codes[element].width
        return code_wire(f"x{element}", "x", low, width, is_signed=bool(self.bounds.low[element] < 0))


def code_wire(name: str, source: str, low: int, width: int, *, is_signed: bool) -> str:
    """Return the declaration of code `name`: `width` bits of `source` from `low` on, the sign bit inverted."""
    text = f"{source}[{low + width - 1}:{low}]"
    if is_signed:
        rest = f", {source}[{low + width - 2}:{low}]" if width > 1 else ""
        text = f"{{~{source}[{low + width - 1}]{rest}}}"
    return f"{INDENT}wire [{width - 1}:0] {name} = {text};"


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


def plan(
    how: Products | Scaling,
    data: TensorType,
    scaling: Scaling | None = None,
    fabric: Fabric = "cells",
    *,
    extra_depth: int = EXTRA_DEPTH,
) -> Plan:
    """Return the adder graphs of `how` for an operand of type `data`, its sums scaled by `scaling` if there is one.

    `extra_depth`: adders on the longest path beyond the shallowest tree.
    """
    found = _identity(how, data) if isinstance(how, Scaling) else _products(how, data, fabric, extra_depth)
    scaling = how if isinstance(how, Scaling) else scaling
    if scaling is None:
        return found
    sums = scaled(found.sums, scaling.multiplier.tolist())
    return replace(found, sums=sums, start=found.start * scaling.multiplier + scaling.addend)


def _identity(how: Scaling, data: TensorType) -> Plan:
    """Every element as it is."""
    inputs, low, high = Inputs.of(data), data.bounds.low.ravel(), data.bounds.high.ravel()
    shifts = data.bounds.trailing.ravel().tolist()
    moves = enumerate(zip(shifts, (low != high).tolist(), strict=True))
    terms = tuple(Term(k, shift) if is_moving else None for k, (shift, is_moving) in moves)
    return Plan(inputs, None, AdderGraph(data.size, (), terms), inputs.bounds, np.where(low == high, low, 0))


def _products(how: Products, data: TensorType, fabric: Fabric, extra_depth: int) -> Plan:
    inputs = Inputs.of(data)
    shifts = np.where(data.bounds.low == data.bounds.high, 0, data.bounds.trailing).ravel()
    constant = (data.bounds.low == data.bounds.high).ravel()
    fixed_part = (how.matrix * np.where(constant, data.bounds.low.ravel(), 0)) >> how.truncate
    start = how.start + fixed_part.sum(axis=1)
    matrix = np.where(constant, 0, how.matrix << shifts)
    if not how.truncate:
        sums = solve_blocks(matrix, inputs.bounds, how.blocks, fabric, extra_depth=extra_depth)
        return Plan(inputs, None, sums, inputs.bounds, start)
    return _truncated(matrix, start, how, inputs, fabric)


def _truncated(matrix: Integers, start: Integers, how: Products, inputs: Inputs, fabric: Fabric) -> Plan:
    """Every distinct product of an input and a weight once, floored, then sums of them."""
    rows, columns = np.nonzero(matrix)
    pairs, which = np.unique(np.stack([columns, matrix[rows, columns]], axis=1), axis=0, return_inverse=True)
    multiples = np.zeros((len(pairs), matrix.shape[1]), np.int64)
    multiples[np.arange(len(pairs)), pairs[:, 0]] = pairs[:, 1]
    products = solve(multiples, inputs.bounds, fabric)
    ends = [(bound[pairs[:, 0]] * pairs[:, 1]) >> how.truncate for bound in (inputs.bounds.low, inputs.bounds.high)]
    bounds = Interval(np.minimum(*ends), np.maximum(*ends))
    ones = np.zeros((len(matrix), len(pairs)), np.int64)
    np.add.at(ones, (rows, which.ravel()), 1)
    constant = bounds.low == bounds.high
    start = start + ones @ np.where(constant, bounds.low, 0)
    return Plan(inputs, products, solve_blocks(np.where(constant, 0, ones), bounds, how.blocks, fabric), bounds, start)


@dataclass(frozen=True, eq=False)
class AddersModule:
    """A module of shared adders: ports x (the operand, of type `data`) and y (the sums, of type `result`).

    `scaling`: factors and constants of a reader that takes all sums. The adders are cut into `cuts` + 1 stages.
    """

    name: str
    how: Products | Scaling
    data: TensorType
    result: TensorType
    scaling: Scaling | None = None
    cuts: int = 0
    fabric: Fabric = "cells"
    extra_depth: int = EXTRA_DEPTH

    @cached_property
    def _writer(self) -> "_Writer":
        planned = plan(self.how, self.data, self.scaling, self.fabric, extra_depth=self.extra_depth)
        return _Writer(planned, self._truncate, self.cuts, self.fabric)

    @property
    def _truncate(self) -> int:
        return self.how.truncate if isinstance(self.how, Products) else 0

    @cached_property
    def register_bits(self) -> int:
        """Bits that cross the cuts, before triplication."""
        return sum(self._writer.crossing())

    @cached_property
    def text(self) -> str:
        """The Verilog."""
        clocked = [f"{INDENT}input  wire clk,", f"{INDENT}input  wire rst,"] if self.cuts else []
        flagged = [f"{INDENT}output wire tmr_err,"] if self.cuts else []
        opened = [f"module {self.name} #(", f"{INDENT}parameter TMR = 1", ") ("]
        lines = [
            *self._header(),
            *(opened if self.cuts else [f"module {self.name} ("]),
            *clocked,
            f"{INDENT}input  wire [{self.data.bits - 1}:0] x,",
            *flagged,
            f"{INDENT}output wire [{self.result.bits - 1}:0] y",
            ");",
            *self._writer.body(self.result),
            "endmodule",
        ]
        return "\n".join(lines) + "\n"

    def _header(self) -> list[str]:
        what = f"{self.result.size} sums of {self.data.size} elements"
        if isinstance(self.how, Products):
            what = "constant {} x {} matrix times a vector".format(*self.how.matrix.shape)
        floored = f", every product floored by {self._truncate} bits" if self._truncate else ""
        factors = ", times constant factors" if self.scaling or isinstance(self.how, Scaling) else ""
        lines = [
            f"{what}{floored}{factors}: {self._writer.adder_count} shared adders.",
            f"Latency: {self.cuts} cycle(s)." if self.cuts else "Latency: combinational.",
            f"Ports: x element i in bits i*{self.data.fixed.width} and up; y row o likewise",
        ]
        if self.cuts:
            lines.append("       clk, rst clock and synchronous reset; tmr_err a copy of a register differs")
        return header(self.name, lines)


class _Writer:
    """Lines of one module; codes are x<i> (inputs), p<k> (floored products), a<k> (adders), with _s<n> behind cut n."""

    def __init__(self, plan: Plan, truncate: int, cuts: int, fabric: Fabric = "cells") -> None:
        self.plan, self.truncate, self.cuts, self.fabric = plan, truncate, cuts, fabric
        graph = plan.sums
        codes = input_codes(plan.sum_bounds)
        self.encoding = encode(graph, plan.sum_bounds, codes, fabric, start=plan.start.tolist())
        self.widths = self.encoding.widths
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
        return products + len(self.plan.sums.adders)

    def crossing(self) -> list[int]:
        """Bits that cross each cut."""
        return [
            sum(width for width, s, last in zip(self.widths, self.stage, self.last, strict=True) if s < cut <= last)
            for cut in range(1, self.cuts + 1)
        ]

    def body(self, result: TensorType) -> list[str]:
        graph = self.plan.sums
        lines = self._products() if self.plan.products else [self.plan.inputs.wire(k) for k in used_inputs(graph)]
        for stage in range(self.cuts + 1):
            lines += self._registers(stage) if stage else []
            numbers = range(graph.inputs, graph.inputs + len(graph.adders))
            lines += [self._adder(k) for k in numbers if self.stage[k] == stage]
        lines += [line for o, term in enumerate(graph.outputs) for line in self._output(o, term, result)]
        if self.cuts:
            lines += [f"{INDENT}assign tmr_err = |err;"]
            lines = [f"{INDENT}wire [{self.cuts - 1}:0] err;", *lines]
        return lines

    def _products(self) -> list[str]:
        """Products are true signed numbers, since a floor looks at their low bits; their results become codes."""
        graph = self.plan.products
        assert graph is not None
        names = [f"x{k}" for k in range(graph.inputs)] + [f"m{k}" for k in range(len(graph.adders))]
        every = widths(graph.bounds(self.plan.inputs.bounds))
        lines = [self.plan.inputs.signed_wire(k, every[k]) for k in used_inputs(graph)]
        for number, adder in enumerate(graph.adders, start=graph.inputs):
            expression = _sum([(names[term.value], term) for term in adder.terms])
            lines.append(f"{INDENT}wire signed [{every[number] - 1}:0] {names[number]} = {expression};")
        used = set(used_inputs(self.plan.sums))
        for k, term in enumerate(graph.outputs):
            if k in used and term is not None:
                is_signed = bool(self.plan.sum_bounds.low[k] < 0)
                full = self.widths[k] + self.truncate + (not is_signed)
                lines.append(f"{INDENT}wire signed [{full - 1}:0] f{k} = {_sum([(names[term.value], term)])};")
                lines.append(code_wire(f"p{k}", f"f{k}", self.truncate, self.widths[k], is_signed=is_signed))
        return lines

    def _name(self, number: int, stage: int) -> str:
        inputs = self.plan.sums.inputs
        letter = "p" if self.plan.products else "x"
        name = f"{letter}{number}" if number < inputs else f"a{number - inputs}"
        return name if stage == self.stage[number] else f"{name}_s{stage}"

    def _adder(self, number: int) -> str:
        graph, stage = self.plan.sums, self.stage[number]
        terms, flips = graph.adders[number - graph.inputs].terms, self.encoding.complemented[number - graph.inputs]
        (plus, minus), width = sorted(zip(terms, flips, strict=True), key=itemgetter(1)), self.widths[number]
        left = _operand(self._name(plus[0].value, stage), plus[0].shift)
        name, right = self._name(minus[0].value, stage), minus[0].shift
        wire = f"wire [{width - 1}:0] {self._name(number, stage)}"
        if self.fabric == "cells":
            return f"{INDENT}{wire} = {left} + {_operand(f'~{name}' if minus[1] else name, right)};"
        # One carry chain: keep bars synthesis from merging adders; ones above the subtrahend leave those bits alone.
        ones = width - right - self.widths[minus[0].value]
        if minus[1]:
            above = f"{ones}'d{(1 << ones) - 1}, " if ones > 0 else ""
            return f"{INDENT}(* keep *) {wire} = {left} - {_operand(f'{above}{name}', right, braces=True)};"
        return f"{INDENT}(* keep *) {wire} = {left} + {_operand(name, right)};"

    def _registers(self, stage: int) -> list[str]:
        """One register for everything that crosses the cut before `stage`."""
        crossing = [k for k in range(len(self.stage)) if self.stage[k] < stage <= self.last[k]]
        bits = sum(self.widths[k] for k in crossing)
        lines = [f"{INDENT}wire [{bits - 1}:0] cut{stage}, cut{stage}_next;"]
        parts, low = [], 0
        for k in crossing:
            width = self.widths[k]
            parts.append(self._name(k, stage - 1))
            lines.append(f"{INDENT}wire [{width - 1}:0] {self._name(k, stage)} = cut{stage}[{low + width - 1}:{low}];")
            low += width
        joined = f",\n{INDENT * 2}".join(reversed(parts))
        lines.append(f"{INDENT}assign cut{stage}_next = {{\n{INDENT * 2}{joined}\n{INDENT}}};")
        ports = [
            ("clk", "clk"), ("rst", "rst"), ("en", "1'b1"), ("d", f"cut{stage}_next"), ("q", f"cut{stage}"),
            ("err", f"err[{stage - 1}]"),
        ]  # fmt: skip
        return lines + instance("tmr_register", [("WIDTH", str(bits)), ("TMR", "TMR")], f"u_cut{stage}", ports)

    def _output(self, output: int, term: Term | None, result: TensorType) -> list[str]:
        """One output as a signed number: the constant, and the code with its sign."""
        width, constant = result.fixed.width, int(self.plan.start[output])
        inner, texts = width, []
        if term is not None:
            sign, offset = term_code(term, self.encoding.codes)
            constant += offset
            inner = max(width, self.widths[term.value] + term.shift + 1)
            code = _operand(self._name(term.value, self.cuts), term.shift)
            texts = [("- " if sign < 0 else "") + f"$signed({{1'b0, {code}}})"]
        inner = max(inner, abs(constant).bit_length() + 1)
        if constant or not texts:
            minus = "-" if constant < 0 else ""
            texts = [f"{minus}{inner}'sd{abs(constant)}"] + [t if t[0] == "-" else f"+ {t}" for t in texts]
        return [
            f"{INDENT}wire signed [{inner - 1}:0] y{output} = {' '.join(texts)};",
            f"{INDENT}assign y[{(output + 1) * width - 1}:{output * width}] = y{output}[{width - 1}:0];",
        ]


def used_inputs(graph: AdderGraph) -> list[int]:
    """Return the inputs that an adder or an output of the graph reads."""
    used = {term.value for adder in graph.adders for term in adder.terms}
    used |= {term.value for term in graph.outputs if term}
    return sorted(k for k in used if k < graph.inputs)


def _operand(text: str, shift: int, *, braces: bool = False) -> str:
    """Return a code shifted left; braces fix its width, so that nothing above it is complemented."""
    if shift:
        return f"{{{text}, {shift}'d0}}"
    return f"{{{text}}}" if braces or text[0] == "~" else text


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
