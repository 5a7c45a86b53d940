"""Verilog of a serial engine: counters, operand digits, sums, accumulators, finished elements, result registers."""

from collections.abc import Sequence

import numpy as np

from codesign.element_form import Element, ElementPort
from codesign.fixed import Fixed, Integers
from codesign.graph import Products, TensorType
from codesign.ranges import Interval
from codesign.rtl_adders import AddersModule
from codesign.rtl_tables import tables_module
from codesign.rtl_text import INDENT, header, instance, section
from codesign.serial import Serial
from codesign.unsigned_form import Fabric
from codesign.verilog_literals import concatenation, counter_bits, literal


class SerialEngine:
    """The text of an engine for one node, and of the module that forms its sums.

    `sums`: type of the products' sums; `element`: what turns each of them into an element of `result`, if anything.
    """

    def __init__(
        self, name: str, how: Serial, types: tuple[TensorType, TensorType, TensorType], element: Element | None
    ) -> None:
        self.name, self.how, self.element = name, how, element
        self.data, self.sums, self.result = types
        self.phases = how.phases
        self.columns: list[int] = np.flatnonzero(how.matrix.any(axis=0)).tolist() or [0]
        self._err_count = 0

    @property
    def register_bits(self) -> int:
        """Register bits before triplication."""
        return self.how.state_bits + self.result.bounds.live_bits

    def modules(self, fabric: Fabric, extra_depth: int) -> list[tuple[str, str]]:
        """File names and texts."""
        return [
            (f"{name}.v", text) for name, text in (self._sums_module(fabric, extra_depth), (self.name, self._text()))
        ]

    # Sums of a phase --------------------------------------------------------------------------------------------------

    def _sums_module(self, fabric: Fabric, extra_depth: int) -> tuple[str, str]:
        """Name and text of the module that multiplies the operands of one position."""
        how = self.how
        if not self.phases.has_adders:
            padded = np.vstack([how.matrix, np.zeros_like(how.matrix[:1])])[:, self.columns]
            lanes = [how.rows_of(lane) for lane in range(how.lanes)]
            weights = np.stack([padded[rows] for rows in lanes])
            starts = np.append(how.sum_starts, 0)[np.array(lanes)]
            name, size = self._sums_name, self.phases.digit_bits
            return name, tables_module(name, weights, starts, size, self._sum_bits)
        start = how.start if self.phases.is_whole else how.sum_starts
        products = Products(how.matrix[:, self.columns], start, how.truncate)
        result = TensorType.full((len(how.matrix),), self._sum_format)
        module = AddersModule(
            self._sums_name, products, self._operands_type, result, fabric=fabric, extra_depth=extra_depth
        )
        return module.name, module.text

    @property
    def _sums_name(self) -> str:
        return f"{self.name}_{'adders' if self.phases.has_adders else 'tables'}"

    @property
    def _sum_format(self) -> Fixed:
        """Format of a phase's sums."""
        if self.phases.is_whole:
            return self.sums.fixed
        low, high = self.how.sum_ends
        return Fixed.covering(min(int(low.min()), -1), int(high.max()))

    @property
    def _sum_bits(self) -> int:
        return self._sum_format.width

    @property
    def _operands_type(self) -> TensorType:
        """Type of what is multiplied in a phase: digits, or whole elements with their bounds at all positions."""
        if not self.phases.is_whole:
            return TensorType.full((len(self.columns),), Fixed(self.phases.digit_bits))
        seen = self.how.windows[:, self.columns]
        low, high = (
            np.append(bound.ravel(), self.how.pad_value)[seen]
            for bound in (self.data.bounds.low, self.data.bounds.high)
        )
        return TensorType((len(self.columns),), self.data.fixed, Interval(low.min(axis=0), high.max(axis=0)))

    # Engine -----------------------------------------------------------------------------------------------------------

    def _text(self) -> str:
        body = [*self._counters(), *self._operands(), *self._all_lanes(), *self._results()]
        lines = [
            *self._header(),
            f"module {self.name} #(",
            f"{INDENT}parameter TMR = 1",
            ") (",
            f"{INDENT}input  wire clk,",
            f"{INDENT}input  wire rst,",
            f"{INDENT}input  wire in_valid,",
            f"{INDENT}input  wire [{self.data.bits - 1}:0] x,",
            f"{INDENT}output wire out_valid,",
            f"{INDENT}output wire [{self.result.bits - 1}:0] y,",
            f"{INDENT}output wire tmr_err",
            ");",
            f"{INDENT}wire [{self._err_count - 1}:0] err;",
            *body,
            f"{INDENT}assign tmr_err = |err;",
            "endmodule",
        ]
        return "\n".join(lines) + "\n"

    def _header(self) -> list[str]:
        phases, how = self.phases, self.how
        shape = f"{len(how.matrix)} x {len(self.columns)} matrix at {len(how.windows)} position(s)"
        parts = f"{phases.positions} position group(s) x {phases.rows} row group(s) x {phases.digits} digit(s)"
        said = [
            f"constant {shape} in {phases.count} phases:",
            f"{parts} of {phases.digit_bits} bits, digits fastest, least significant first.",
            f"Latency: {phases.count} cycles. x must hold still from in_valid on for all of them.",
            f"Initiation interval: {phases.count + phases.idle} cycles.",
            "Ports: in_valid, x first phase and operand; out_valid, y the result, in the cycle after the last phase,",
            "       kept until the first group of the next event is complete; tmr_err a copy of a register differs",
        ]
        return header(self.name, said)

    def _err(self) -> str:
        self._err_count += 1
        return f"err[{self._err_count - 1}]"

    def _register(self, name: str, bits: int, enable: str, data: str, target: str) -> list[str]:
        ports = [("clk", "clk"), ("rst", "rst"), ("en", enable), ("d", data), ("q", target), ("err", self._err())]
        return instance("tmr_register", [("WIDTH", str(bits)), ("TMR", "TMR")], name, ports)

    def _counters(self) -> list[str]:
        """Nested counters, all zero while idle; the cycle of in_valid is the first phase."""
        lines = [*section("phase"), f"{INDENT}wire busy, active, last;"]
        enable = "active"
        counts = (("digit", self.phases.digits), ("row", self.phases.rows), ("position", self.phases.positions))
        for name, count in counts:
            ports = [
                ("clk", "clk"), ("rst", "rst"), ("en", enable), ("count", name), ("last", f"{name}_last"),
                ("tmr_err", self._err()),
            ]  # fmt: skip
            lines += [f"{INDENT}wire [31:0] {name};", f"{INDENT}wire {name}_last;"]
            lines += instance("phase_counter", [("COUNT", str(count)), ("TMR", "TMR")], f"u_{name}", ports)
            enable += f" & {name}_last"
        lines += [f"{INDENT}assign busy = (digit != 0) | (row != 0) | (position != 0);"]
        lines += [f"{INDENT}assign last = {enable};", *self._rest()]
        return lines + self._register("u_done", 1, "1'b1", "last", "out_valid")

    def _rest(self) -> list[str]:
        """The cycles after the last phase in which no event is taken."""
        if not self.phases.idle:
            return [f"{INDENT}assign active = in_valid | busy;"]
        ports = [
            ("clk", "clk"), ("rst", "rst"), ("en", "last | (rest != 0)"), ("count", "rest"), ("last", "rest_last"),
            ("tmr_err", self._err()),
        ]  # fmt: skip
        count = [("COUNT", str(self.phases.idle + 1)), ("TMR", "TMR")]
        return [
            f"{INDENT}wire [31:0] rest;",
            f"{INDENT}wire rest_last;",
            f"{INDENT}assign active = (in_valid & (rest == 0)) | busy;",
            *instance("phase_counter", count, "u_rest", ports),
        ]

    def _number(self, name: str, count: int) -> str:
        return f"{name}[{counter_bits(count) - 1}:0]"

    # Operands ---------------------------------------------------------------------------------------------------------

    def _operands(self) -> list[str]:
        """One wire of operands for every position of a phase: first the digit of each element, then the position."""
        seen = self.how.windows[:, self.columns]
        groups = seen.reshape(self.phases.positions, self.how.group_positions, len(self.columns))
        lines = section("operands of this phase")
        for element in np.unique(seen).tolist():
            lines += self._digit(element)
        width, chosen = self.phases.digit_bits, dict[tuple[int, ...], str]()
        for place in range(self.how.group_positions):
            names = []
            for column in range(len(self.columns)):
                sources = tuple(groups[:, place, column].tolist())
                if sources not in chosen:
                    chosen[sources] = f"w{len(chosen)}"
                    lines += self._position(chosen[sources], sources)
                names.append(chosen[sources])
            lines += [f"{INDENT}wire [{width * len(names) - 1}:0] window{place} = {{"]
            lines += _listed(list(reversed(names)))
            lines += [f"{INDENT}}};"]
        return lines

    def _digit(self, element: int) -> list[str]:
        """The digit of one element, -1 for padding."""
        name, phases, width = _digit_name(element), self.phases, self.data.fixed.width
        if element < 0:
            value = self.how.pad_value + self.how.moved_by
            text = literal(value & ((1 << width) - 1), width)
        elif self.how.moved_by and width == 1:
            text = f"~x[{element}]"
        elif self.how.moved_by:  # half of the range more: the sign bit inverted
            high = (element + 1) * width - 1
            text = f"{{~x[{high}], x[{high - 1}:{element * width}]}}"
        else:
            text = f"x[{(element + 1) * width - 1}:{element * width}]"
        if phases.digits == 1:
            return [f"{INDENT}wire [{width - 1}:0] {name} = {text};"]
        full = phases.digits * phases.digit_bits
        padded = f"{{{full - width}'d0, {text}}}" if full > width else text
        chosen = f"{name}_whole[{self._number('digit', phases.digits)}*{phases.digit_bits} +: {phases.digit_bits}]"
        return [
            f"{INDENT}wire [{full - 1}:0] {name}_whole = {padded};",
            f"{INDENT}wire [{phases.digit_bits - 1}:0] {name} = {chosen};",
        ]

    def _position(self, name: str, sources: tuple[int, ...]) -> list[str]:
        width = self.phases.digit_bits
        if len(set(sources)) == 1:
            return [f"{INDENT}wire [{width - 1}:0] {name} = {_digit_name(sources[0])};"]
        every = ", ".join(_digit_name(source) for source in reversed(sources))
        return [
            f"{INDENT}wire [{width * len(sources) - 1}:0] {name}_every = {{{every}}};",
            f"{INDENT}wire [{width - 1}:0] {name} = "
            f"{name}_every[{self._number('position', len(sources))}*{width} +: {width}];",
        ]

    # Lanes ------------------------------------------------------------------------------------------------------------

    def _all_lanes(self) -> list[str]:
        lines = section("sums, accumulators and finished elements")
        for place in range(self.how.group_positions):
            lines += [f"{INDENT}wire [{self.how.lanes * self._sum_bits - 1}:0] sums{place};"]
            ports = [("x", f"window{place}"), ("y", f"sums{place}")]
            if self.phases.rows > 1:
                ports.insert(0, ("row", self._number("row", self.phases.rows)))
            lines += instance(self._sums_name, [], f"u_sums{place}", ports)
            for lane in range(self.how.lanes):
                lines += self._lane(place, lane)
        return lines

    def _lane(self, place: int, lane: int) -> list[str]:
        """Wire z<place>_<lane>: the finished element of the phase."""
        tag, bits = f"{place}_{lane}", self._sum_bits
        part = f"sums{place}[{(lane + 1) * bits - 1}:{lane * bits}]"
        if self.phases.is_whole:
            lines = [f"{INDENT}wire [{self.sums.fixed.width - 1}:0] total{tag} = {part};"]
        else:
            lines = self._accumulated(tag, lane, part)
        if self.element is None:
            return [*lines, f"{INDENT}wire [{self.result.fixed.width - 1}:0] z{tag} = total{tag};"]
        ports = [("x", f"total{tag}")]
        for port in self.element.ports:
            lines += self._constants(f"{port.name}{tag}", port, place, lane)
            ports.append((port.name, f"{port.name}{tag}"))
        lines += [f"{INDENT}wire [{self.result.fixed.width - 1}:0] z{tag};"]
        ports.append(("y", f"z{tag}"))
        return lines + instance(self.element.module, self.element.parameters, f"u_element{tag}", ports)

    def _accumulated(self, tag: str, lane: int, part: str) -> list[str]:
        """Wire total<tag>: the sum over the digits, complete in the phase of the last one."""
        how, phases, size = self.how, self.phases, self.phases.digit_bits
        width, kept = how.running_bits(lane), how.kept_bits(lane)
        sum_ = f"sum{tag}"
        lines = [f"{INDENT}wire [{self._sum_bits - 1}:0] {sum_} = {part};"]
        if phases.digits == 1:
            return [*lines, *self._total(tag, sum_, self._sum_bits)]
        low = (phases.digits - 1) * size
        first = np.append(how.starts[1], 0)[how.rows_of(lane)]
        lines += self._word(f"first{tag}", first.reshape(-1, 1), width, (("row", phases.rows), ("digit", 1)))
        old = _extended(f"kept{tag}[{kept - 1}:{low}]", kept - low, width, sign=f"kept{tag}[{kept - 1}]")
        # A difference, as in tables, so that the sum enters the carry chain: sum - ~old is one more than sum + old.
        lines += [
            f"{INDENT}wire [{kept - 1}:0] kept{tag}, kept{tag}_next;",
            f"{INDENT}wire [{width - 1}:0] old{tag} = (digit == 0) ? first{tag} : {old};",
            f"{INDENT}(* keep *) wire [{width - 1}:0] running{tag} = "
            f"{_extended(sum_, self._sum_bits, width)} - ~old{tag};",
        ]
        upper = f"running{tag}[{width - 1}:{size}]" if width > size else f"running{tag}[{width - 1}]"
        lower = f"kept{tag}[{low - 1}:{size}]" if low > size else ""
        out = _extended(f"running{tag}", width, size) if width < size else f"running{tag}[{size - 1}:0]"
        parts = ", ".join(text for text in (upper, out, lower) if text)
        lines += [f"{INDENT}assign kept{tag}_next = {{{parts}}};"]
        lines += self._register(f"u_kept{tag}", kept, "active", f"kept{tag}_next", f"kept{tag}")
        lines += [f"{INDENT}wire [{width + low - 1}:0] whole{tag} = {{running{tag}, kept{tag}[{low - 1}:0]}};"]
        return [*lines, *self._total(tag, f"whole{tag}", width + low)]

    def _total(self, tag: str, source: str, width: int) -> list[str]:
        wanted = self.sums.fixed.width
        text = f"{source}[{wanted - 1}:0]" if width >= wanted else _extended(source, width, wanted)
        return [f"{INDENT}wire [{wanted - 1}:0] total{tag} = {text};"]

    def _constants(self, name: str, port: ElementPort, place: int, lane: int) -> list[str]:
        """The constants of the element that a lane finishes in this phase."""
        rows, count = self.how.rows_of(lane), self.phases.positions
        elements = [
            self.how.element(max(row, 0), group * self.how.group_positions + place)
            for group in range(count)
            for row in rows
        ]
        dimensions = (("position", count), ("row", self.phases.rows))
        return self._word(name, port.values[elements], port.width, dimensions)

    def _word(
        self, name: str, words: Integers, width: int, dimensions: tuple[tuple[str, int], tuple[str, int]]
    ) -> list[str]:
        """Wire `name`: a word (constants, each of `width` bits) for every value of two counters, the second faster."""
        (outer, outer_count), (inner, inner_count) = dimensions
        table = words.reshape(outer_count, inner_count, -1)
        chosen = [
            (counter, count, axis)
            for axis, (counter, count) in enumerate(((outer, outer_count), (inner, inner_count)))
            if np.any(table != np.take(table, [0], axis=axis))
        ]
        bits = width * table.shape[2]
        if not chosen:
            return [f"{INDENT}wire [{bits - 1}:0] {name} = {_word_text(table[0, 0], width)};"]
        kept = table if len(chosen) == 2 else np.take(table, 0, axis=1 - chosen[0][2])
        if len(chosen) == 1:
            entries = [(f"{k}", word) for k, word in enumerate(kept)]
        else:
            shift = counter_bits(inner_count)
            entries = [((f"{(a << shift) + b}"), table[a, b]) for a in range(outer_count) for b in range(inner_count)]
        address = ", ".join(self._number(counter, count) for counter, count, _ in chosen)
        lines = [f"{INDENT}reg [{bits - 1}:0] {name};", f"{INDENT}always @*", f"{INDENT * 2}case ({{{address}}})"]
        lines += [f"{INDENT * 3}{key}: {name} = {_word_text(word, width)};" for key, word in entries]
        return [*lines, f"{INDENT * 3}default: {name} = {bits}'d0;", f"{INDENT * 2}endcase"]

    # Results ----------------------------------------------------------------------------------------------------------

    def _results(self) -> list[str]:
        """One register for the elements that a phase completes; bits that never change are not stored."""
        lines, values = section("result"), dict[int, str]()
        for position in range(self.phases.positions):
            for row in range(self.phases.rows):
                lines += self._group(position, row, values)
        width = self.result.fixed.width
        for element in range(self.result.size):
            lines.append(f"{INDENT}assign y[{(element + 1) * width - 1}:{element * width}] = {values[element]};")
        return lines

    def _group(self, position: int, row: int, values: dict[int, str]) -> list[str]:
        """Register of one group; `values` gets the text of its elements."""
        bounds, width, name = self.result.bounds, self.result.fixed.width, f"group{position}_{row}"
        counts, low, parts = bounds.element_bits, 0, []
        for lane in range(self.how.lanes):
            number = row * self.how.lanes + lane
            for place in range(self.how.group_positions if number < len(self.how.matrix) else 0):
                element = self.how.element(number, position * self.how.group_positions + place)
                count, zeros = counts[element], int(bounds.trailing.flat[element])
                first = int(bounds.low.flat[element])
                if not count:
                    values[element] = literal(first & ((1 << width) - 1), width)
                    continue
                stored = f"{name}[{low + count - 1}:{low}]"
                above = width - count - zeros
                fill = f"{{{above}{{{name}[{low + count - 1}]}}}}" if first < 0 else f"{above}'d0"
                pieces = [fill] * (above > 0) + [stored] + [f"{zeros}'d0"] * (zeros > 0)
                values[element] = f"{{{', '.join(pieces)}}}" if len(pieces) > 1 else stored
                parts.append(f"z{place}_{lane}[{zeros + count - 1}:{zeros}]")
                low += count
        if not low:
            return []
        enable = f"active & digit_last & (row == {row}) & (position == {position})"
        joined = _listed(list(reversed(parts)))
        lines = [f"{INDENT}wire [{low - 1}:0] {name}, {name}_next;", f"{INDENT}assign {name}_next = {{", *joined]
        return [*lines, f"{INDENT}}};", *self._register(f"u_{name}", low, enable, f"{name}_next", name)]


def _digit_name(element: int) -> str:
    return "pad" if element < 0 else f"d{element}"


def _extended(name: str, bits: int, wanted: int, sign: str = "") -> str:
    """A signed wire at `wanted` bits; `sign` is its highest bit if `name` is a part of a wire."""
    if wanted <= bits:
        return name if wanted == bits else f"{name}[{wanted - 1}:0]"
    return f"{{{{{wanted - bits}{{{sign or f'{name}[{bits - 1}]'}}}}}, {name}}}"


def _word_text(word: Integers, width: int) -> str:
    return concatenation([int(value) for value in word], width)


def _listed(names: Sequence[str]) -> list[str]:
    """Names with commas, eight a line."""
    rows = [", ".join(names[k : k + 8]) for k in range(0, len(names), 8)]
    return [f"{INDENT * 2}{row}{',' if k + 1 < len(rows) else ''}" for k, row in enumerate(rows)]
