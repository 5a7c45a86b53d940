"""The top level of a row program: phases of equal engines, and the registers or memories between them."""

from functools import cached_property

from codesign.graph import Port
from codesign.ops.segment_sum import SegmentSum
from codesign.protection import Protection
from codesign.row_schedule import OUTPUTS, PhaseSlot, RowSchedule
from codesign.rows import Phase
from codesign.rtl_row_parts import RowParts
from codesign.rtl_text import header, module_ports, section
from codesign.rtl_top import Top
from codesign.unsigned_form import Fabric
from codesign.verilog_names import identifier


class RowTop(RowParts):
    """Text of the top level and of the engines; bit counts for the manifest. Same interface as `rtl_top.Top`."""

    parameter_bits = 0

    def __init__(self, schedule: RowSchedule, *, protection: Protection, fabric: Fabric = "cells") -> None:
        super().__init__(schedule)
        self.protection = protection
        self.fabric = fabric
        self.modules: list[tuple[str, str]] = []

    @property
    def protected_bits(self) -> int:
        """Register bits that are triplicated: all or none."""
        return self.register_bits if self.protection.protects(None) else 0

    @cached_property
    def in_width(self) -> int:
        """Bits of one beat of `in_data`."""
        return sum(self.beat_bits(port) for port in self.graph.inputs)

    @cached_property
    def out_width(self) -> int:
        """Bits of one beat of `out_data`."""
        return sum(self.beat_bits(port) for port in self.graph.outputs)

    def beat_bits(self, port: Port) -> int:
        """Bits of a port in one beat."""
        return self.row_bits(port.node) * self.beat_rows(port.node)

    def beat_rows(self, value: str) -> int:
        """Rows of an input or output in one beat: all of them, or one for each engine."""
        return self.schedule.lanes(value) if self.is_streaming else self.graph.types[value].shape[0]

    @cached_property
    def text(self) -> str:
        """The Verilog text of the top level."""
        body = [
            *self._control(),
            *self._inputs(),
            *(line for number in range(len(self.phases)) for line in self._phase(number)),
            *self._outputs(),
        ]
        lines = [*self._header(), *self._ports(), f"    wire [{max(self.err_count, 1) - 1}:0] err;", *body]
        return "\n".join([*lines, "    assign tmr_err = |err;", "endmodule"]) + "\n"

    def _header(self) -> list[str]:
        plan, graph = self.schedule, self.graph
        names = ", ".join(f"{port.node} {graph.types[port.node].shape}" for port in graph.inputs)
        results = ", ".join(f"{port.node} {graph.types[port.node].shape}" for port in graph.outputs)
        beats = (
            f"in {plan.in_beats} beat(s) in successive cycles" if self.is_streaming else "in one word",
            f"in {plan.out_beats} beat(s)" if self.is_streaming else "in one word",
        )
        lines = [
            f"{names} -> {results}",
            *(self._summary(phase, slot) for phase, slot in zip(self.phases, plan.slots, strict=True)),
            f"Latency: {plan.latency_cycles} cycles from the first beat in to the last beat out.",
            f"Initiation interval: events come at least {plan.ii_cycles} cycle(s) apart; longer gaps are free.",
            "Ports: clk, rst            clock; synchronous reset, active high: events in flight are lost",
            f"       in_valid, in_data   an event {beats[0]}; row 0 of the first input in the lowest bits",
            f"       out_valid, out_data its result {beats[1]}; row 0 of the first output in the lowest bits",
            "       tmr_err             a copy of some register or memory word differs from the others",
        ]
        return header(graph.name, lines)

    @staticmethod
    def _summary(phase: Phase, slot: PhaseSlot) -> str:
        what = (
            f"{phase.name}: {phase.rows} rows on {slot.engines} engine(s), {slot.beats} beat(s) from cycle {slot.start}"
        )
        return f"{what} on, one every {slot.interval_cycles}; engine latency {slot.plan.latency_cycles}."

    def _ports(self) -> list[str]:
        tmr = self.protection.tmr_value
        return module_ports(self.graph.name, tmr=tmr, in_width=self.in_width, out_width=self.out_width)

    # Control ----------------------------------------------------------------------------------------------------------

    def _control(self) -> list[str]:
        """Wires that say when beats come and go, and the pulses in between."""
        lines = [*section("control: pulse_<n> is the first in_valid of an event n cycles later"), "    wire pulse_0;"]
        if self.is_streaming and self.schedule.in_beats > 1:
            lines += self.counter("in_beat", self.schedule.in_beats, "in_valid")
            lines += ["    assign pulse_0 = in_valid && in_beat == 32'd0;"]
        else:
            lines += ["    assign pulse_0 = in_valid;"]
        for phase in self.phases:
            p = phase.name
            lines += [f"    wire {p}_beat, {p}_last, {p}_valid, {p}_first, {p}_ended;", f"    wire [31:0] {p}_count;"]
        anchors = self._anchors()
        defined: set[int] = {0}
        for cycle in sorted(self._needed()):
            lines += self._pulse(cycle, anchors, defined)
        return lines

    def _anchors(self) -> dict[int, str]:
        """Cycles in which a pulse exists anyhow."""
        found: dict[int, str] = {}
        if self.is_streaming:
            found |= {beat: f"in_valid && in_beat == 32'd{beat}" for beat in range(1, self.schedule.in_beats)}
        for phase, slot in zip(self.phases, self.schedule.slots, strict=True):
            if slot.last_start > slot.start:  # else it is the pulse that starts the phase
                found.setdefault(slot.last_start, f"{phase.name}_last")
            found.setdefault(slot.first_result, f"{phase.name}_first")
            found.setdefault(slot.last_result, f"{phase.name}_ended")
        return found

    def _needed(self) -> set[int]:
        needed = {slot.start for slot in self.schedule.slots} | {hold.capture for hold in self.schedule.holds}
        if self.is_streaming:
            sums = {value for value, _ in self.schedule.buffers if isinstance(self.graph.by_name[value].op, SegmentSum)}
            return needed | {self.schedule.clear_start(value) for value in sums}
        return needed | {self.schedule.latency_cycles}

    def _pulse(self, cycle: int, anchors: dict[int, str], defined: set[int]) -> list[str]:
        """Define pulse_<cycle>: what exists anyhow, or the pulse before it one cycle later."""
        if cycle in defined:
            return []
        defined.add(cycle)
        if cycle in anchors:
            return [f"    wire pulse_{cycle};", f"    assign pulse_{cycle} = {anchors[cycle]};"]
        before = self._pulse(cycle - 1, anchors, defined)
        own = self.register(f"u_pulse_{cycle}", 1, "1'b1", f"pulse_{cycle - 1}", f"pulse_{cycle}")
        return [*before, f"    wire pulse_{cycle};", *own]

    def _inputs(self) -> list[str]:
        lines, low = section("inputs"), 0
        for port in self.graph.inputs:
            bits = self.beat_bits(port)
            name = f"{identifier(port.node)}_y"
            lines += [f"    wire [{bits - 1}:0] {name};", f"    assign {name} = in_data[{low + bits - 1}:{low}];"]
            if self.in_memory(port.node):
                beats, fewer = self.schedule.beats(port.node), self.schedule.beats(port.node) < self.schedule.in_beats
                lines += [f"    wire {name}_valid;"]
                lines += [f"    assign {name}_valid = in_valid{f' && in_beat < 32{chr(39)}d{beats}' if fewer else ''};"]
            else:
                lines += self.holds(port.node)
            low += bits
        return lines

    # Phases -----------------------------------------------------------------------------------------------------------

    def _phase(self, number: int) -> list[str]:
        phase, slot = self.phases[number], self.schedule.slots[number]
        p = phase.name
        lines = section(self._summary(phase, slot))
        sizes = [("BEATS", str(slot.beats)), ("INTERVAL", str(slot.interval_cycles)), ("TMR", "TMR")]
        ports = [
            ("start", f"pulse_{slot.start}"),
            ("beat", f"{p}_beat"),
            ("count", f"{p}_count"),
            ("last", f"{p}_last"),
        ]
        lines += self.clocked("row_sequencer", sizes, f"u_{p}_sequencer", ports)
        self.register_bits += self.sequencer_bits(slot.beats, slot.interval_cycles)
        for cycle in range(1, slot.read_cycles + 1):
            before = f"{p}_beat" if cycle == 1 else f"{p}_read_{cycle - 1}"
            lines += [f"    wire {p}_read_{cycle};"]
            lines += self.register(f"u_{p}_read_{cycle}", 1, "1'b1", before, f"{p}_read_{cycle}")
        lines += self.feeds(number)
        lines += self._engines(phase, slot)
        lines += [*self.counter(f"{p}_out", slot.beats, f"{p}_valid")]
        lines += [f"    assign {p}_first = {p}_valid && {p}_out == 32'd0;"]
        lines += [f"    assign {p}_ended = {p}_valid && {p}_out == 32'd{slot.beats - 1};"]
        for value in phase.results:
            if not self.in_memory(value):
                lines += self.collected(phase, slot, value)
        for one in phase.reductions:
            if not self.in_memory(one.node):
                lines += self.reduced(phase, slot, one)
        return lines

    def _engines(self, phase: Phase, slot: PhaseSlot) -> list[str]:
        """The engines of a phase side by side, and their results by value."""
        p, body, count = phase.name, phase.body, slot.engines
        top = Top(body, slot.plan, protection=self.protection, fabric=self.fabric)
        text = top.text
        self.modules += [*top.modules, (f"{body.name}.v", text)]
        self.register_bits += top.register_bits * count
        row = [(f"{p}_{identifier(feed.name)}", body.types[feed.name].bits) for feed in phase.feeds]
        outputs = [(f"{p}_{identifier(port.node)}_out", body.types[port.node].bits) for port in body.outputs]
        data = ", ".join(f"{name}[LANE*{bits} +: {bits}]" for name, bits in reversed(row))
        results = ", ".join(f"{name}[LANE*{bits} +: {bits}]" for name, bits in reversed(outputs))
        ports = [
            ("in_valid", f"{p}_read_{slot.read_cycles}"),
            ("in_data", f"{{{data}}}"),
            ("out_valid", f"{p}_valids[LANE]"),
            ("out_data", f"{{{results}}}"),
        ]
        return [
            f"    wire [{count - 1}:0] {p}_valids;",
            f"    assign {p}_valid = &{p}_valids;",
            *(f"    wire [{count * bits - 1}:0] {name};" for name, bits in outputs),
            *self.lanes(body.name, {}, f"{p}_engine", count, ports),
        ]

    def _outputs(self) -> list[str]:
        last = self.phases[-1]
        wires, lines = [], section("outputs")
        for port in self.graph.outputs:
            if (port.node, OUTPUTS) in self.schedule.reads:
                wires.append(self.wire(port.node, self.schedule.reads[port.node, OUTPUTS]))
            else:
                wires.append(f"{last.name}_{identifier(port.node)}_out")
        valid = f"{last.name}_valid" if self.is_streaming else f"pulse_{self.schedule.latency_cycles}"
        return [
            *lines,
            f"    assign out_valid = {valid};",
            f"    assign out_data = {{{', '.join(reversed(wires))}}};",
        ]
