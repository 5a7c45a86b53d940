"""What stands between the engines of a row program: registers, banks and memories, and how rows get to the engines."""

from codesign.ops.global_pool import GlobalPool
from codesign.ops.segment_sum import SegmentSum
from codesign.row_schedule import PhaseSlot, RowSchedule
from codesign.rows import Feed, Phase, Reduction
from codesign.rtl_text import instance
from codesign.verilog_literals import counter_bits
from codesign.verilog_names import identifier


class RowParts:
    """Emits parts and counts their registers and memory words; `RowTop` puts them together."""

    def __init__(self, schedule: RowSchedule) -> None:
        self.schedule = schedule
        self.graph = schedule.program.graph
        self.phases = schedule.program.phases
        self.is_streaming = schedule.architecture == "streaming"
        self.register_bits = 0
        self.memory_bits = 0
        self.err_count = 0

    # Small parts ------------------------------------------------------------------------------------------------------

    def err(self) -> str:
        """Return the next wire of the error vector."""
        self.err_count += 1
        return f"err[{self.err_count - 1}]"

    def clocked(
        self, module: str, sizes: list[tuple[str, str]], name: str, ports: list[tuple[str, str]], err: str = "tmr_err"
    ) -> list[str]:
        """Return an instance with clock, reset and error ports."""
        return instance(module, sizes, name, [("clk", "clk"), ("rst", "rst"), *ports, (err, self.err())])

    def register(self, name: str, bits: int, enable: str, data: str, result: str) -> list[str]:
        """Return a register."""
        self.register_bits += bits
        ports = [("en", enable), ("d", data), ("q", result)]
        return self.clocked("tmr_register", [("WIDTH", str(bits)), ("TMR", "TMR")], name, ports, "err")

    def lanes(
        self, module: str, sizes: dict[str, int], name: str, count: int, ports: list[tuple[str, str]]
    ) -> list[str]:
        """Return `count` instances side by side, in generate block <name>; LANE in a port stands for their number."""
        lane = f"{name}_lane"
        ports = [("clk", "clk"), ("rst", "rst"), *ports, ("tmr_err", f"{name}_errs[LANE]")]
        parameters = [*((key, str(size)) for key, size in sizes.items()), ("TMR", "TMR")]
        inside = instance(module, parameters, "one", [(port, wire.replace("LANE", lane)) for port, wire in ports])
        return [
            f"    wire [{count - 1}:0] {name}_errs;",
            f"    assign {self.err()} = |{name}_errs;",
            f"    genvar {lane};",
            "    generate",
            f"        for ({lane} = 0; {lane} < {count}; {lane} = {lane} + 1) begin : {name}",
            *(f"        {line}" for line in inside),
            "        end",
            "    endgenerate",
        ]

    @staticmethod
    def counter_bits(count: int) -> int:
        """Bits of a `phase_counter`."""
        return counter_bits(count) if count > 1 else 0

    def sequencer_bits(self, beats: int, interval: int) -> int:
        """Bits of a `row_sequencer`."""
        return int(beats * interval > 1) + self.counter_bits(beats) + self.counter_bits(interval)

    def counter(self, name: str, count: int, enable: str) -> list[str]:
        """Return a counter of `count` steps: wires <name> and <name>_wraps."""
        self.register_bits += self.counter_bits(count)
        ports = [("en", enable), ("count", name), ("last", f"{name}_wraps")]
        sizes = [("COUNT", str(count)), ("TMR", "TMR")]
        return [
            f"    wire [31:0] {name};",
            f"    wire {name}_wraps;",
            *self.clocked("phase_counter", sizes, f"u_{name}", ports),
        ]

    # Values -----------------------------------------------------------------------------------------------------------

    def in_memory(self, value: str) -> bool:
        """Whether a value waits in memories."""
        return self.is_streaming and self.graph.types[value].shape[0] > 1

    def row_bits(self, value: str) -> int:
        """Bits of one row."""
        return self.graph.types[value].bits // self.graph.types[value].shape[0]

    def wire(self, value: str, stage: int = 0) -> str:
        """Return the wire of a value that waits in registers."""
        return f"{identifier(value)}_r{stage}" if stage else f"{identifier(value)}_y"

    def holds(self, value: str) -> list[str]:
        """Return the registers that take a value over from one interval to the next."""
        lines, bits = [], self.graph.types[value].bits
        for hold in self.schedule.holds:
            if hold.value == value:
                target = self.wire(value, hold.stage)
                lines += [f"    wire [{bits - 1}:0] {target};"]
                source, enable = self.wire(value, hold.source), f"pulse_{hold.capture}"
                lines += self.register(f"u_{target}", bits, enable, source, target)
        return lines

    def collected(self, phase: Phase, slot: PhaseSlot, value: str) -> list[str]:
        """Return the registers that collect the rows of a result."""
        width, name = self.row_bits(value) * slot.engines, identifier(value)
        self.register_bits += width * slot.beats
        sizes = [("BEATS", str(slot.beats)), ("WIDTH", str(width)), ("TMR", "TMR")]
        ports = [("en", f"{phase.name}_valid"), ("beat", f"{phase.name}_out"), ("d", f"{phase.name}_{name}_out")]
        lines = [f"    wire [{width * slot.beats - 1}:0] {self.wire(value)};"]
        lines += self.clocked("row_bank", sizes, f"u_{name}", [*ports, ("y", self.wire(value))])
        return lines + self.holds(value)

    def reduced(self, phase: Phase, slot: PhaseSlot, one: Reduction) -> list[str]:
        """Return the registers that add up rows."""
        p, name, result = phase.name, identifier(one.node), self.graph.types[one.node]
        self.register_bits += result.bits
        control = [("en", f"{p}_valid"), ("first", f"{p}_first")]
        values = [("values", f"{p}_{identifier(one.values)}_out"), ("y", self.wire(one.node))]
        if isinstance(one.op, SegmentSum):
            assert one.index is not None
            sizes = [("SEGMENTS", str(one.op.segments)), *self._sum_sizes(phase, one), ("LANES", str(slot.engines))]
            ports = [*control, ("index", f"{p}_{identifier(one.index)}_out"), *values]
            part = self.clocked("segment_bank", [*sizes, ("TMR", "TMR")], f"u_{name}", ports)
        else:
            assert isinstance(one.op, GlobalPool)
            values_type = phase.body.types[one.values]
            sizes = [
                ("LANES", str(slot.engines)),
                ("FEATURES", str(values_type.size)),
                ("MAXIMUM", str(int(one.op.mode == "max"))),
                ("V_WIDTH", str(values_type.fixed.width)),
                ("V_SIGNED", str(int(values_type.fixed.signed))),
                ("Y_WIDTH", str(result.fixed.width)),
            ]
            part = self.clocked("pool_bank", [*sizes, ("TMR", "TMR")], f"u_{name}", [*control, *values])
        return [f"    wire [{result.bits - 1}:0] {self.wire(one.node)};", *part, *self.holds(one.node)]

    def _sum_sizes(self, phase: Phase, one: Reduction) -> list[tuple[str, str]]:
        assert one.index is not None
        values, index = phase.body.types[one.values], phase.body.types[one.index]
        return [
            ("FEATURES", str(values.size)),
            ("I_WIDTH", str(index.fixed.width)),
            ("V_WIDTH", str(values.fixed.width)),
            ("V_SIGNED", str(int(values.fixed.signed))),
            ("S_WIDTH", str(self.graph.types[one.node].fixed.width)),
        ]

    # Rows to the engines ----------------------------------------------------------------------------------------------

    def feeds(self, number: int) -> list[str]:
        """Return what brings the rows of every feed of a phase to its engines: wires <phase>_<feed>."""
        phase, slot = self.phases[number], self.schedule.slots[number]
        indices = {feed.index for feed in phase.feeds if feed.index is not None}
        rows = {feed.value for feed in phase.feeds if feed.index is None} | indices
        lines: list[str] = []
        offsets: dict[str, int] = {}
        for value in sorted(rows):
            # Indices are read first: what they name is read one cycle later.
            offsets[value] = 0 if value in indices or slot.read_cycles < 3 else 1
            lines += self._rows_read(number, value, offsets[value])
        for feed in phase.feeds:
            if feed.index is None:
                ready = offsets[feed.value] + (1 if self.in_memory(feed.value) else 0)
                lines += self._delayed(phase, slot, feed, ready)
            else:
                lines += self._gathered(number, feed)
        return lines

    def _delayed(self, phase: Phase, slot: PhaseSlot, feed: Feed, ready: int) -> list[str]:
        """Return registers from the cycle in which rows are read to that in which engines take them."""
        name, bits = f"{phase.name}_{identifier(feed.name)}", self.row_bits(feed.value) * slot.engines
        lines, before = [], f"{phase.name}_{identifier(feed.value)}_rows"
        for cycle in range(ready + 1, slot.read_cycles + 1):
            target = name if cycle == slot.read_cycles else f"{name}_{cycle}"
            lines += [f"    wire [{bits - 1}:0] {target};"]
            lines += self.register(f"u_{target}", bits, "1'b1", before, target)
            before = target
        return lines

    def _rows_read(self, number: int, value: str, offset: int) -> list[str]:
        """Return the part that reads the rows of one beat in order: wire <phase>_<value>_rows."""
        phase, slot = self.phases[number], self.schedule.slots[number]
        width, target = self.row_bits(value) * slot.engines, f"{phase.name}_{identifier(value)}_rows"
        lines = [f"    wire [{width - 1}:0] {target};"]
        if not self.in_memory(value):
            sizes = [("BEATS", str(slot.beats)), ("WIDTH", str(width))]
            source = self.wire(value, self.schedule.reads[value, number])
            ports = [("x", source), ("beat", f"{phase.name}_count"), ("y", target)]
            return [*lines, *instance("row_select", sizes, f"u_{target}", ports)]
        beat = f"{phase.name}_read_{offset}" if offset else f"{phase.name}_beat"
        if isinstance(self.graph.by_name[value].op, SegmentSum):
            return [*lines, *self._sums_read(value, number, beat, target)]
        words = slot.beats * self.schedule.buffers[value, number]
        self.memory_bits += words * width
        self.register_bits += 2 * self.counter_bits(words) + 1
        memory = {"WIDTH": width, "WORDS": words, "A_WIDTH": max(1, self.counter_bits(words))}
        enable, data = self._written(value)
        ports = [("we", enable), ("d", data), ("re", beat), ("q", target)]
        sizes = [*((key, str(size)) for key, size in memory.items()), ("TMR", "TMR")]
        return [*lines, *self.clocked("row_store", sizes, f"u_{target}", ports)]

    def _written(self, value: str) -> tuple[str, str]:
        """Return the enable and the word with which a value is written into its memories."""
        number = self.schedule.program.writer.get(value)
        if number is None:
            return f"{identifier(value)}_y_valid", f"{identifier(value)}_y"
        name = self.phases[number].name
        return f"{name}_valid", f"{name}_{identifier(value)}_out"

    def _gathered(self, number: int, feed: Feed) -> list[str]:
        """Return the part that reads rows by number: wire <phase>_<feed>, one row for each engine."""
        assert feed.index is not None
        phase, slot = self.phases[number], self.schedule.slots[number]
        p, bits, width = phase.name, self.row_bits(feed.value), self.row_bits(feed.index)
        name, index = f"{p}_{identifier(feed.name)}", f"{p}_{identifier(feed.index)}_rows"
        lines = [f"    wire [{slot.engines * bits - 1}:0] {name};"]
        if not self.in_memory(feed.value):
            return lines + self._multiplexed(number, feed, name, index)
        rows, buffers = self.graph.types[feed.value].shape[0], self.schedule.buffers[feed.value, number]
        lanes = self.schedule.lanes(feed.value)
        words, lane_bits = rows // lanes * buffers, self.counter_bits(lanes)
        self.memory_bits += words * lanes * bits * slot.engines
        counters = self.counter_bits(words) + self.counter_bits(buffers)
        self.register_bits += (counters + 1 + max(1, lane_bits) + 1 + bits) * slot.engines
        sizes = {"ROWS": rows, "LANE_BITS": lane_bits, "BUFFERS": buffers, "WIDTH": bits, "I_WIDTH": width}
        sizes["A_WIDTH"] = max(1, self.counter_bits(words))
        enable, data = self._written(feed.value)
        ports = [
            ("we", enable),
            ("d", data),
            ("re", f"{p}_read_1"),
            ("ends", f"{name}_ends"),
            ("index", f"{index}[LANE*{width} +: {width}]"),
            ("y", f"{name}[LANE*{bits} +: {bits}]"),
        ]
        return [
            *lines,
            f"    wire {name}_ends;",
            *self.register(f"u_{name}_ends", 1, "1'b1", f"{p}_last", f"{name}_ends"),
            *self.lanes("gather_store", sizes, f"{name}_port", slot.engines, ports),
        ]

    def _multiplexed(self, number: int, feed: Feed, name: str, index: str) -> list[str]:
        """Rows of a value in registers: multiplexers, and a register behind them."""
        assert feed.index is not None
        slot, value = self.schedule.slots[number], self.graph.types[feed.value]
        bits = self.row_bits(feed.value) * slot.engines
        sizes = [
            ("ROWS", str(value.shape[0])),
            ("LEVELS", str((value.shape[0] - 1).bit_length())),
            ("ROW_BITS", str(self.row_bits(feed.value))),
            ("COUNT", str(slot.engines)),
            ("I_WIDTH", str(self.row_bits(feed.index))),
        ]
        source = self.wire(feed.value, self.schedule.reads[feed.value, number])
        ports = [("x", source), ("index", index), ("y", f"{name}_taken")]
        return [
            f"    wire [{bits - 1}:0] {name}_taken;",
            *instance("take", sizes, f"u_{name}_taken", ports),
            *self.register(f"u_{name}", bits, "1'b1", f"{name}_taken", name),
        ]

    def _sums_read(self, value: str, number: int, beat: str, target: str) -> list[str]:
        """Return the memories of sums: one for each engine that adds to them, added up when they are read."""
        from_phase = self.schedule.program.writer[value]
        source, writer = self.phases[from_phase], self.schedule.slots[from_phase]
        (one,) = (one for one in source.reductions if one.node == value)
        assert isinstance(one.op, SegmentSum)
        assert one.index is not None
        name, lanes, buffers = identifier(value), self.schedule.lanes(value), self.schedule.buffers[value, number]
        words, width = one.op.segments // lanes, self.graph.types[value].fixed.width
        sizes = {key: int(size) for key, size in self._sum_sizes(source, one)}
        sizes |= {"SEGMENTS": one.op.segments, "LANE_BITS": self.counter_bits(lanes), "BUFFERS": buffers}
        sizes |= {"A_WIDTH": max(1, self.counter_bits(words)), "B_WIDTH": max(1, self.counter_bits(buffers))}
        values, index = source.body.types[one.values].bits, source.body.types[one.index].bits
        word, p = self.row_bits(value) * lanes, source.name
        self._count_sums(sizes, word, values, words * writer.engines, writer.engines)
        ports = [
            *self._sums_ports(name, f"{p}_valid", beat, sizes["A_WIDTH"], sizes["B_WIDTH"]),
            ("index", f"{p}_{identifier(one.index)}_out[LANE*{index} +: {index}]"),
            ("values", f"{p}_{identifier(one.values)}_out[LANE*{values} +: {values}]"),
            ("sums", f"{name}_parts[LANE*{word} +: {word}]"),
        ]
        total = [("LANES", str(writer.engines)), ("SIZE", str(word // width)), ("WIDTH", str(width))]
        return [
            *self._sums_control(value, number, words, f"{p}_ended", beat),
            f"    wire [{writer.engines * word - 1}:0] {name}_parts;",
            *self.lanes("segment_store", sizes, f"{name}_store", writer.engines, ports),
            *instance("lane_sum", total, f"u_{name}_total", [("x", f"{name}_parts"), ("y", target)]),
        ]

    def _count_sums(self, sizes: dict[str, int], word: int, values: int, words: int, engines: int) -> None:
        """Count what `segment_store` holds: `words` of `word` bits for each event, and its pipeline of two cycles."""
        buffers, lanes = sizes["BUFFERS"], 1 << sizes["LANE_BITS"]
        place = sizes["A_WIDTH"] + max(1, sizes["LANE_BITS"]) + sizes["B_WIDTH"]
        self.memory_bits += buffers * words * word
        self.register_bits += (buffers * lanes + 2 + 2 * place + sizes["B_WIDTH"] + values + word // lanes) * engines

    @staticmethod
    def _sums_ports(name: str, valid: str, beat: str, a_width: int, b_width: int) -> list[tuple[str, str]]:
        return [
            ("clear", f"{name}_clear"),
            ("clear_word", f"{name}_cleared[{a_width - 1}:0]"),
            ("clear_buffer", f"{name}_clear_buffer[{b_width - 1}:0]"),
            ("add", valid),
            ("add_buffer", f"{name}_add_buffer[{b_width - 1}:0]"),
            ("read", beat),
            ("read_word", f"{name}_read[{a_width - 1}:0]"),
            ("read_buffer", f"{name}_read_buffer[{b_width - 1}:0]"),
        ]

    def _sums_control(self, value: str, number: int, words: int, ended: str, beat: str) -> list[str]:
        """Which word of which event is cleared, added to and read by phase `number`."""
        name, buffers = identifier(value), self.schedule.buffers[value, number]
        sizes = [("BEATS", str(words)), ("INTERVAL", "1"), ("TMR", "TMR")]
        ports = [
            ("start", f"pulse_{self.schedule.clear_start(value)}"),
            ("beat", f"{name}_clear"),
            ("count", f"{name}_cleared"),
            ("last", f"{name}_clear_last"),
        ]
        self.register_bits += self.sequencer_bits(words, 1)
        return [
            f"    wire {name}_clear, {name}_clear_last;",
            f"    wire [31:0] {name}_cleared;",
            *self.clocked("row_sequencer", sizes, f"u_{name}_clear", ports),
            *self.counter(f"{name}_clear_buffer", buffers, f"{name}_clear_last"),
            *self.counter(f"{name}_add_buffer", buffers, ended),
            *self.counter(f"{name}_read", words, beat),
            *self.counter(f"{name}_read_buffer", buffers, f"{beat} && {name}_read_wraps"),
        ]
