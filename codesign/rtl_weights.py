"""The register block of programmable parameters: shadow registers on a bus, active ones that the data path reads.

Shadow bytes are written and read back through the byte bus; a commit copies them into the active registers, for
each parameter when the swap reaches the stage of the pipeline that reads it (`swap_control.v`). All of it runs on the
free-running clock, so that upset copies heal while the clock of the data path stands still.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from codesign.graph import Graph
from codesign.register_map import ADDRESS_BITS, COUNTER_BITS, Register, RegisterMap
from codesign.rtl_text import INDENT, header, instance, section
from codesign.schedule import Schedule
from codesign.verilog_literals import counter_bits

CLOCKS = [("clk", "clk"), ("rst", "rst")]


@dataclass(frozen=True)
class Swap:
    """When a swap may start and how far it travels.

    `stages`: the first cycle of an event in which it reads a parameter, by parameter; `quiet_cycles`: cycles after an
    `in_valid` until the last read of that event is behind the swap, wherever it is.
    """

    stages: Mapping[str, int]
    quiet_cycles: int

    @property
    def last(self) -> int:
        """The stage that swaps last."""
        return max(self.stages.values())

    @property
    def register_bits(self) -> int:
        """Bits of swap_control.v."""
        return 1 + counter_bits(self.last + 1) + counter_bits(max(self.quiet_cycles, 1))


def swap_of(graph: Graph, schedule: Schedule) -> Swap:
    """Return the swap of all parameters of `graph`.

    An event reads an operand from its node's start on for at most an initiation interval, so a swap that follows
    `ii_cycles - 1` cycles behind an event never overtakes it. A parameter that is read in several stages swaps with the
    first of them, and the swap waits for as many cycles more as the others lie behind.
    """
    reads: dict[str, set[int]] = {node.name: set() for node in graph.sources("parameter")}
    for name, slot in schedule.slots.items():
        for operand in graph.by_name[name].operands:
            for parameter in _parameters_behind(graph, operand):
                reads[parameter].add(slot.start)
    stages = {name: min(found, default=0) for name, found in reads.items()}
    spread = max(max(found, default=0) - stages[name] for name, found in reads.items())
    return Swap(stages, schedule.ii_cycles - 1 + spread)


def _parameters_behind(graph: Graph, name: str) -> set[str]:
    """Parameters that the static value `name` is computed from; none behind a value that events bring."""
    if name not in graph.static:
        return set()
    node = graph.by_name[name]
    if node.op.kind == "parameter":
        return {name}
    return set().union(*(_parameters_behind(graph, operand) for operand in node.operands))


class ParameterStore:
    """Text and register bits of module `<design>_parameters`; without copies there are no errors to count."""

    def __init__(self, registers: RegisterMap, graph: Graph, swap: Swap, *, counts_errors: bool) -> None:
        self.map = registers
        self.graph = graph
        self.swap = swap
        self.counts_errors = counts_errors
        self.name = f"{registers.design}_parameters"
        self.register_bits = 0
        self._errors: dict[str, list[str]] = {}  # signals that say that a copy differs, by block
        self._counts = 0

    @cached_property
    def text(self) -> str:
        """The Verilog text of the module."""
        body = [
            *self._swap(),
            *(line for block in range(self.map.blocks) for line in self._block(block)),
            *self._control(),
            *self._read_back(),
        ]
        return "\n".join([*self._head(), *body, "endmodule"]) + "\n"

    def _head(self) -> list[str]:
        names = ", ".join(f"{name} in cycle {stage}" for name, stage in self.swap.stages.items())
        lines = [
            f"programmable parameters: {self.map.bits} bits in {self.map.blocks} block(s), double-buffered.",
            "Latency: a byte written in one cycle is read back in the next; a commit swaps all parameters behind one",
            f"event, each in the cycle of an event that reads it first: {names}.",
            "Ports: clk, rst      free-running clock; synchronous reset to zero, active high",
            "       clk_on        the rising edge that ends this cycle reaches the data path too",
            "       in_valid      an event enters the data path",
            "       we, address, data  write one byte; refused, without effect, unless write_ok",
            "       byte_q, read_ok    the byte at address; whether there is one",
            "       write_ok      whether the byte at address can be written now",
            "       bus_err       a copy of a register of the bus differs: it is counted here",
            "       parameters    what the data path reads",
            "       tmr_err       a copy of some register differs",
        ]
        bits = self.map.bits
        ports = [
            *("input  wire clk,", "input  wire rst,", "input  wire clk_on,", "input  wire in_valid,"),
            *("input  wire we,", f"input  wire [{ADDRESS_BITS - 1}:0] address,", "input  wire [7:0] data,"),
            *("output wire [7:0] byte_q,", "output wire read_ok,", "output wire write_ok,", "input  wire bus_err,"),
            *(f"output wire [{bits - 1}:0] parameters,", "output wire tmr_err"),
        ]
        opening = [f"module {self.name} #(", f"{INDENT}parameter TMR = 1", ") ("]
        declared = [f"{INDENT}wire [{bits - 1}:0] shadow;", f"{INDENT}wire busy, write, clear_errors;"]
        return [*header(self.name, lines), *opening, *(INDENT + port for port in ports), ");", *declared]

    def _swap(self) -> list[str]:
        swap, err = self.swap, self._error("control")
        self.register_bits += swap.register_bits
        sizes = [("LAST", str(swap.last)), ("QUIET", str(swap.quiet_cycles)), ("TMR", "TMR")]
        ports = [
            *CLOCKS, ("clk_on", "clk_on"), ("in_valid", "in_valid"), ("commit", "commit"), ("busy", "busy"),
            ("moving", "moving"), ("stage", "stage"), ("tmr_err", err),
        ]  # fmt: skip
        loads = [
            f"{INDENT}wire load_{stage};\n{INDENT}assign load_{stage} = moving & (stage == 32'd{stage});"
            for stage in sorted(set(swap.stages.values()))
        ]
        lines = [*section("swap"), f"{INDENT}wire moving, commit, {err};", f"{INDENT}wire [31:0] stage;"]
        return [*lines, *instance("swap_control", sizes, "u_swap", ports), *loads]

    def _block(self, block: int) -> list[str]:
        """Shadow, active registers and error counter of one block."""
        first, end = self.map.block_range(block)
        weights, errors = self.map.registers[2 * block : 2 * block + 2]
        self.register_bits += 2 * (end - first)
        name, err = weights.block, self._error(weights.block)
        ports = [
            *CLOCKS, ("we", f"write & at_{name}"), ("address", f"{name}_offset[{self._offset_bits - 1}:0]"),
            ("data", "data"), ("byte_q", f"{name}_byte"), ("q", f"shadow[{end - 1}:{first}]"), ("tmr_err", err),
        ]  # fmt: skip
        sizes = [("BITS", str(end - first)), ("A_WIDTH", str(self._offset_bits)), ("TMR", "TMR")]
        lines = [
            *section(f"block {block}: bytes 0x{weights.address:04x} to 0x{weights.address + weights.count - 1:04x}"),
            f"{INDENT}wire [{ADDRESS_BITS - 1}:0] {name}_offset;",
            f"{INDENT}wire [7:0] {name}_byte;",
            f"{INDENT}wire at_{name}, {err};",
            f"{INDENT}assign {name}_offset = address - {ADDRESS_BITS}'d{weights.address};",
            f"{INDENT}assign at_{name} = {name}_offset < {ADDRESS_BITS}'d{weights.count};",
            *instance("register_bank", sizes, f"u_{name}_shadow", ports),
        ]
        for low, high, stage in self._segments(first, end):
            lines += self._active(name, low, high, stage)
        return lines + self._counter(errors, weights.block)

    @property
    def _offset_bits(self) -> int:
        """Address bits inside a block."""
        return max(1, counter_bits(min(self.map.bytes, self.map.block_bytes)))

    def _segments(self, first: int, end: int) -> list[tuple[int, int, int]]:
        """Ranges (low, high + 1, stage) of bits `first` to `end - 1` that load together."""
        found: list[tuple[int, int, int]] = []
        low = 0
        for node in self.graph.sources("parameter"):
            high, stage = low + self.graph.types[node.name].bits, self.swap.stages[node.name]
            start, stop = max(low, first), min(high, end)
            if start < stop and found and found[-1][2] == stage:
                found[-1] = (found[-1][0], stop, stage)
            elif start < stop:
                found.append((start, stop, stage))
            low = high
        return found

    def _active(self, block: str, low: int, high: int, stage: int) -> list[str]:
        err, bits = self._error(block), f"[{high - 1}:{low}]"
        ports = [
            *CLOCKS, ("en", f"load_{stage}"), ("d", f"shadow{bits}"), ("q", f"parameters{bits}"), ("err", err),
        ]  # fmt: skip
        sizes = [("WIDTH", str(high - low)), ("TMR", "TMR")]
        return [f"{INDENT}wire {err};", *instance("tmr_register", sizes, f"u_active_{low}", ports)]

    def _counter(self, register: Register, block: str) -> list[str]:
        """Return the counter of the cycles in which a copy of `block` differs; its own copies count as control."""
        differ, name = " | ".join(self._errors[block]), register.full_name
        err = self._error("count")
        declared = [
            f"{INDENT}wire [{COUNTER_BITS - 1}:0] {name};",
            f"{INDENT}wire at_{name}, {block}_differ, {err};",
            f"{INDENT}assign at_{name} = address == {ADDRESS_BITS}'d{register.address};",
            f"{INDENT}assign {block}_differ = {differ};",
        ]
        self.register_bits += COUNTER_BITS if self.counts_errors else 0
        ports = [
            *CLOCKS, ("clear", f"clear_errors | (write & at_{name})"), ("differ", f"{block}_differ"),
            ("count", name), ("tmr_err", err),
        ]  # fmt: skip
        return [
            *declared,
            *instance("error_counter", [("WIDTH", str(COUNTER_BITS)), ("TMR", "TMR")], f"u_{name}", ports),
        ]

    def _control(self) -> list[str]:
        command, status, errors = self.map.registers[-3:]
        self._errors["control"] += ["bus_err", *self._errors["count"]]
        lines = [
            *section("control and status"),
            f"{INDENT}wire at_{command.full_name}, at_{status.full_name};",
            f"{INDENT}assign at_{command.full_name} = address == {ADDRESS_BITS}'d{command.address};",
            f"{INDENT}assign at_{status.full_name} = address == {ADDRESS_BITS}'d{status.address};",
        ]
        for field in command.fields:
            lines.append(f"{INDENT}assign {field.name} = write & at_{command.full_name} & data[{field.low}];")
        return lines + self._counter(errors, "control")

    def _read_back(self) -> list[str]:
        """Drive what the bus sees, and the error output."""
        command, status, _ = self.map.registers[-3:]
        blocks = [r.block for r in self.map.registers if r.name == "weights"]
        counts = [r.full_name for r in self.map.registers if r.name == "errors"]
        bytes_ = [(f"at_{name}", f"{name}_byte") for name in blocks] + [(f"at_{name}", name) for name in counts]
        bytes_ += [(f"at_{status.full_name}", "{7'd0, busy}")]
        holding = " | ".join([*(f"at_{name}" for name in blocks), f"at_{command.full_name}"])
        counting = " | ".join(f"at_{name}" for name in counts)
        differ = " | ".join([*(f"{name}_differ" for name in blocks), "control_differ", self._errors["count"][-1]])
        return [
            *section("bus: what is to be loaded holds still while a commit is under way"),
            f"{INDENT}wire holding, counting;",
            *_assigned("holding", holding),
            *_assigned("counting", counting),
            f"{INDENT}assign write_ok = counting | (holding & ~busy);",
            f"{INDENT}assign read_ok = counting | holding | at_{status.full_name};",
            f"{INDENT}assign write = we & write_ok;",
            *_assigned("byte_q", " | ".join(f"({{8{{{at}}}}} & {value})" for at, value in bytes_)),
            *_assigned("tmr_err", differ),
        ]

    def _error(self, block: str) -> str:
        """Return the name of a new error signal of `block`."""
        self._counts += 1
        found = self._errors.setdefault(block, [])
        found.append(f"err_{self._counts}")
        return found[-1]


def _assigned(target: str, expression: str) -> list[str]:
    """Return an assignment, one operand of the top-level `|` a line."""
    parts = expression.split(" | ")
    ends = [" |"] * (len(parts) - 1) + [";"]
    lines = [f"{INDENT * 2}{part}{end}" for part, end in zip(parts, ends, strict=True)]
    return [f"{INDENT}assign {target} =", *lines]
