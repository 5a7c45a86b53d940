"""An AXI4-Stream wrapper with back-pressure around an emitted design: its top level, and the sizes of its stores.

The pipeline of a design cannot stop, so an event starts only when there is room for its whole result (`axis_stream.v`).
"""

from dataclasses import dataclass
from typing import Any

from codesign.errors import BadInputError
from codesign.protection import Protection
from codesign.rtl_text import INDENT, header, instance
from codesign.verilog_literals import counter_bits

# From out_valid to the output of the store 2 cycles; the place that an event leaves can be taken in the next cycle.
RETURN_CYCLES = 3


@dataclass(frozen=True)
class Pipeline:
    """What the wrapper needs of a design: beats and their bits, timing in cycles, ports of its register block.

    `config_ports`: declarations of further ports, which the wrapper hands through, and their names.
    `in_memory`: results wait in a memory, as the rows of the design do.
    """

    name: str
    in_width: int
    out_width: int
    in_beats: int
    out_beats: int
    latency_cycles: int
    ii_cycles: int
    config_ports: tuple[str, ...] = ()
    config_names: tuple[str, ...] = ()
    in_memory: bool = False


@dataclass(frozen=True)
class AxisWrapper:
    """The wrapper `<design>_axis` of a pipeline."""

    pipeline: Pipeline
    protection: Protection

    def __post_init__(self) -> None:
        if self.protection.nodes or self.protection.selected:
            raise BadInputError("--wrapper axis needs one mode of triplication for the whole design, not single nodes")

    @property
    def name(self) -> str:
        """Name of the module."""
        return f"{self.pipeline.name}_axis"

    @property
    def events(self) -> int:
        """Events between their start and the sink: as many as start until the first one has left, if nobody waits."""
        return -(-(self.pipeline.latency_cycles + RETURN_CYCLES) // self.pipeline.ii_cycles)

    @property
    def words(self) -> int:
        """Words of the store behind the pipeline: the beats of all events but the one that waits at its output."""
        return max(1, self.events * self.pipeline.out_beats - 1)

    @property
    def in_words(self) -> int:
        """Words of the store in front of it: one event is collected while another one starts; none for single beats."""
        return 2 * self.pipeline.in_beats if self.pipeline.in_beats > 1 else 0

    @property
    def register_bits(self) -> int:
        """Register bits of the wrapper itself."""
        pipe = self.pipeline
        bits = _gate_bits(self.events, pipe.ii_cycles) + counter_bits(pipe.out_beats)
        bits += self._fifo_bits(self.words, pipe.out_width)
        if pipe.in_beats > 1:
            bits += _gate_bits(self.in_words, 1) + 2 * counter_bits(pipe.in_beats) + self.in_words.bit_length()
            bits += self._fifo_bits(self.in_words, pipe.in_width)
        return bits

    @property
    def memory_bits(self) -> int:
        """Memory bits of the wrapper itself."""
        pipe = self.pipeline
        return self.words * pipe.out_width + self.in_words * pipe.in_width if pipe.in_memory else 0

    def _fifo_bits(self, words: int, width: int) -> int:
        stored = 1 if self.pipeline.in_memory else (words + 1) * width  # the flag of a read, or words and output
        return words.bit_length() + 1 + 2 * counter_bits(words) + stored

    @property
    def in_bits(self) -> int:
        """Bits of `s_axis_tdata`: whole bytes."""
        return 8 * -(-self.pipeline.in_width // 8)

    @property
    def out_bits(self) -> int:
        """Bits of `m_axis_tdata`: whole bytes."""
        return 8 * -(-self.pipeline.out_width // 8)

    @property
    def has_packets(self) -> bool:
        """Whether an event comes in several beats."""
        return self.pipeline.in_beats > 1

    def record(self) -> dict[str, Any]:
        """Return what the manifest says of the wrapper."""
        return {
            "kind": "axis",
            "core": self.pipeline.name,
            "events": self.events,
            "store_words": self.words,
            "collect_words": self.in_words,
            "s_axis_tdata_bits": self.in_bits,
            "m_axis_tdata_bits": self.out_bits,
        }

    @property
    def text(self) -> str:
        """The Verilog text."""
        lines = [*self._header(), *self._ports(), *self._wires(), *self._core(), *self._stream()]
        return "\n".join([*lines, f"{INDENT}assign tmr_err = core_err | stream_err;", "endmodule"]) + "\n"

    def _header(self) -> list[str]:
        pipe = self.pipeline
        beats = f"{pipe.in_beats} beat(s) in, {pipe.out_beats} beat(s) out"
        lines = [
            f"{pipe.name} behind AXI4-Stream with back-pressure: {beats}, tlast at the last one.",
            f"Latency: {pipe.latency_cycles + 2} cycles from the start of an event to its last beat, if nobody waits.",
            f"Initiation interval: one event every {pipe.ii_cycles} cycle(s), if nobody waits.",
            f"Store: {self.words} word(s) and one at the output, for {self.events} event(s): latency and "
            f"{RETURN_CYCLES} cycles by the interval.",
            "Ports: clk, rst   clock; synchronous reset, active high: events under way are lost",
            "       s_axis_*   the source; beat as in_data of the design in the lowest bits, padded to bytes",
            "       m_axis_*   the sink; beat as out_data of the design in the lowest bits, padded to bytes with zeros",
            "       tmr_err    a copy of some register differs from the others",
        ]
        lines += ["       frame_fault  s_axis_tlast is early or missing: reset"] if self.has_packets else []
        lines += [f"       {', '.join(pipe.config_names)}  those of the design"] if pipe.config_names else []
        return header(self.name, lines)

    def _ports(self) -> list[str]:
        ports = [
            "input  wire clk",
            "input  wire rst",
            "input  wire s_axis_tvalid",
            "output wire s_axis_tready",
            f"input  wire [{self.in_bits - 1}:0] s_axis_tdata",
            *(["input  wire s_axis_tlast"] if self.has_packets else []),
            *(one.strip().rstrip(",") for one in self.pipeline.config_ports),
            "output wire m_axis_tvalid",
            "input  wire m_axis_tready",
            f"output wire [{self.out_bits - 1}:0] m_axis_tdata",
            "output wire m_axis_tlast",
            *(["output wire frame_fault"] if self.has_packets else []),
            "output wire tmr_err",
        ]
        lines = [f"{INDENT}{port}," for port in ports[:-1]] + [f"{INDENT}{ports[-1]}"]
        parameter = f"{INDENT}parameter TMR = {self.protection.tmr_value}"
        return [f"module {self.name} #(", parameter, ") (", *lines, ");"]

    def _wires(self) -> list[str]:
        pipe = self.pipeline
        unused = [] if self.has_packets else [f"{INDENT}wire frame_fault, unused;"]
        unused += [] if self.has_packets else [f"{INDENT}assign unused = &{{1'b0, frame_fault}};"]
        return [
            f"{INDENT}wire core_in_valid, core_out_valid, core_err, stream_err;",
            f"{INDENT}wire [{pipe.in_width - 1}:0] core_in_data;",
            f"{INDENT}wire [{pipe.out_width - 1}:0] core_out_data;",
            *unused,
            "",
        ]

    def _core(self) -> list[str]:
        ports = [("clk", "clk"), ("rst", "rst"), ("in_valid", "core_in_valid"), ("in_data", "core_in_data")]
        ports += [(name, name) for name in self.pipeline.config_names]
        ports += [("out_valid", "core_out_valid"), ("out_data", "core_out_data"), ("tmr_err", "core_err")]
        return instance(self.pipeline.name, [("TMR", "TMR")], "u_core", ports)

    def _stream(self) -> list[str]:
        pipe = self.pipeline
        sizes = {
            "IN_WIDTH": pipe.in_width,
            "OUT_WIDTH": pipe.out_width,
            "IN_BEATS": pipe.in_beats,
            "OUT_BEATS": pipe.out_beats,
            "INTERVAL": pipe.ii_cycles,
            "EVENTS": self.events,
            "IN_A_WIDTH": max(1, counter_bits(max(1, self.in_words))),
            "WORDS": self.words,
            "A_WIDTH": max(1, counter_bits(self.words)),
            "MEMORY": int(pipe.in_memory),
        }
        own = ("clk", "rst", "s_axis_tvalid", "s_axis_tready", "s_axis_tdata", "m_axis_tvalid", "m_axis_tready")
        ports = [(name, name) for name in (*own, "m_axis_tdata", "m_axis_tlast", "frame_fault")]
        ports += [("s_axis_tlast", "s_axis_tlast" if self.has_packets else "1'b1"), ("tmr_err", "stream_err")]
        ports += [(name, f"core_{name}") for name in ("in_valid", "in_data", "out_valid", "out_data")]
        parameters = [*((name, str(size)) for name, size in sizes.items()), ("TMR", "TMR")]
        return instance("axis_stream", parameters, "u_stream", ports)


def _gate_bits(places: int, interval: int) -> int:
    """Register bits of `axis_gate`: what is under way, and the cycles to the next start."""
    return places.bit_length() + (max(1, counter_bits(interval)) if interval > 1 else 0)
