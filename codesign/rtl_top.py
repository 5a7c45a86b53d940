"""The top level of a design: one instance per node, registers where the schedule put them, the valid pulses."""

from functools import cached_property

from codesign.element_form import ElementForm
from codesign.graph import Graph, Instance, Node, Products, Rtl, Scaling, Wiring
from codesign.protection import Protection
from codesign.register_map import ConfigBus, RegisterMap
from codesign.rtl_adders import AddersModule
from codesign.rtl_bus import Bus
from codesign.rtl_serial import SerialEngine
from codesign.rtl_state import StateParts
from codesign.rtl_text import (
    INDENT,
    constant_module,
    header,
    instance,
    module_ports,
    rom_module,
    rom_words,
    section,
    wiring,
)
from codesign.rtl_weights import ParameterStore, swap_of
from codesign.schedule import Schedule
from codesign.serial import Serial
from codesign.unsigned_form import Fabric
from codesign.valid_pulses import valid_pulses
from codesign.verilog_names import identifier


class Top(StateParts):
    """Text of the top level and of the constant modules that it needs; bit counts for the manifest."""

    def __init__(
        self,
        graph: Graph,
        schedule: Schedule,
        *,
        protection: Protection,
        fabric: Fabric = "cells",
        bus: ConfigBus = "bytes",
    ) -> None:
        super().__init__(protection)
        self.graph = graph
        self.schedule = schedule
        self.fabric = fabric
        has_registers = self.parameter_bits or bus != "bytes"
        self.registers = RegisterMap(graph.name, self.parameter_bits, bus) if has_registers else None
        self.modules: list[tuple[str, str]] = []

    @property
    def _extra_depth(self) -> int:
        return self.schedule.extra_depth

    @cached_property
    def in_width(self) -> int:
        """Bits of `in_data`."""
        return sum(self.graph.types[port.node].bits for port in self.graph.inputs)

    @cached_property
    def out_width(self) -> int:
        """Bits of `out_data`."""
        return sum(self.graph.types[port.node].bits for port in self.graph.outputs)

    @cached_property
    def parameter_bits(self) -> int:
        """Bits of all programmable parameters."""
        return sum(self.graph.types[node.name].bits for node in self.graph.sources("parameter"))

    @cached_property
    def text(self) -> str:
        """The Verilog text of the top level."""
        body = [
            *self._inputs(),
            *self._parameters(),
            *self._valid_pulses(),
            *(line for node in self.graph.nodes for line in self._node(node)),
            *self._outputs(),
        ]
        lines = [*self._header(), *self._ports(), f"    wire [{max(self.err_count, 1) - 1}:0] err;", *body]
        reduced = "|err" if self.err_count else "1'b0"
        return "\n".join([*lines, f"    assign tmr_err = {reduced};", "endmodule"]) + "\n"

    def _header(self) -> list[str]:
        schedule = self.schedule
        names = ", ".join(f"{port.node} {self.graph.types[port.node].shape}" for port in self.graph.inputs)
        results = ", ".join(f"{port.node} {self.graph.types[port.node].shape}" for port in self.graph.outputs)
        lines = [
            f"{names} -> {results}",
            f"Latency: {schedule.latency_cycles} cycles from in_valid to out_valid.",
            f"Initiation interval: events come at least {schedule.ii_cycles} cycle(s) apart; longer gaps are free.",
            "Ports: clk, rst            clock; synchronous reset, active high: events in flight are lost",
            "       in_valid, in_data   one event; element 0 of the first input in the lowest bits",
            "       out_valid, out_data its result; element 0 of the first output in the lowest bits",
            "       tmr_err             a copy of some register differs from the others",
        ]
        lines += Bus(self.registers).header if self.registers else []
        return header(self.graph.name, lines)

    def _ports(self) -> list[str]:
        config = Bus(self.registers).ports if self.registers else []
        return module_ports(
            self.graph.name,
            tmr=self.protection.tmr_value,
            in_width=self.in_width,
            out_width=self.out_width,
            more=config,
        )

    def _inputs(self) -> list[str]:
        lines, low = section("inputs"), 0
        for port in self.graph.inputs:
            bits = self.graph.types[port.node].bits
            lines += [
                self._declare(port.node),
                f"    assign {self._wire(port.node)} = in_data[{low + bits - 1}:{low}];",
            ]
            low += bits
        return lines

    def _parameters(self) -> list[str]:
        if not self.registers:
            return []
        tmr = self.tmr("u_parameters", None)
        swap, is_protected = swap_of(self.graph, self.schedule), tmr[1] != "0" and self.protection.protects(None)
        store = ParameterStore(self.registers, self.graph, swap, counts_errors=is_protected)
        bus = Bus(self.registers)
        self.modules.append((f"{store.name}.v", store.text))
        self.count("u_parameters", store.register_bits + bus.register_bits, None)
        lines = bus.lines(store.name, self.parameter_bits, self.err, tmr)
        low = 0
        for node in self.graph.sources("parameter"):
            bits = self.graph.types[node.name].bits
            lines += [self._declare(node.name)]
            lines += [f"    assign {self._wire(node.name)} = parameters[{low + bits - 1}:{low}];"]
            low += bits
        return lines

    def _valid_pulses(self) -> list[str]:
        """One pulse for every cycle in which something starts, loads or leaves; serial nodes hand theirs on."""
        serial = [name for name, slot in self.schedule.slots.items() if slot.is_serial]
        pulses = valid_pulses(self.schedule)
        lines = [*section("valid pulses: valid_<n> is in_valid n cycles later"), "    wire valid_0;"]
        lines += ["    assign valid_0 = in_valid;"]
        lines += [f"    wire {identifier(name)}_done;" for name in serial]
        for cycle, name in pulses.items():
            lines += [f"    wire valid_{cycle};"]
            if name is not None:
                lines += [f"    assign valid_{cycle} = {identifier(name)}_done;"]
            else:
                lines += self.register(f"u_valid_{cycle}", 1, "1'b1", (f"valid_{cycle - 1}", f"valid_{cycle}"))
        spare = [f"{identifier(name)}_done" for name in serial if name not in pulses.values()]
        if spare:
            lines += [f"    wire unused = &{{1'b0, {', '.join(spare)}}};"]
        return lines

    def _node(self, node: Node) -> list[str]:
        if node.op.kind in ("input", "parameter") or node.name in self.schedule.fused:
            return self._registers(node.name)
        value = self.graph.types[node.name]
        title = f"{node.name}: {node.op.kind}, {value.shape} x {value.fixed}"
        if node.op.kind == "constant":
            return self._constant(node, title)
        reuse = self.schedule.slots[node.name].reuse if node.name in self.schedule.slots else 1
        how = node.op.rtl(reuse, *self.graph.operand_types(node.name))
        if node.name in self._scaled_by:
            return section(f"{title}: its sums are formed where {self._scaled_by[node.name]} scales them")
        lines = [
            *section(title + (f", reuse factor {reuse}" if reuse > 1 else "")),
            self._declare(self._shown(node).name),
        ]
        if isinstance(how, Products):
            flat, data = identifier(node.name), self.graph.types[node.operands[0]]
            name = f"{self.graph.name}_{flat}_adders"
            module = AddersModule(name, how, data, value, None, self._cuts(node), self.fabric, self._extra_depth)
            lines += self._adders(module, node, self._read(node, 0), self._wire(node.name))
        elif isinstance(how, Serial):
            lines += self._serial(node, how)
        elif isinstance(how, Scaling):
            lines += self._scaling(node, how)
        elif isinstance(how, Wiring):
            source = self.graph.types[node.operands[0]]
            expression = wiring(self._read(node, 0), source.fixed.width, how.index, source.size)
            lines += [f"    assign {self._wire(node.name)} = {expression};"]
        else:
            lines += self._instance(node, how, reuse)
        return lines + self._registers(node.name)

    def _shown(self, node: Node) -> Node:
        """The node whose result a node's hardware gives: itself, or the one that works inside it."""
        inside = [name for name, leader in self.schedule.fused.items() if leader == node.name]
        return self.graph.by_name[inside[0]] if inside else node

    def _serial(self, node: Node, how: Serial) -> list[str]:
        """Emit a serial engine and its instance."""
        flat, shown, types = identifier(node.name), self._shown(node), self.graph.types
        name, operands = f"{self.graph.name}_{flat}_serial", self.graph.operand_types(node.name)
        element = shown.op.element(types[node.name]) if isinstance(shown.op, ElementForm) else None
        engine = SerialEngine(name, how, (operands[0], types[node.name], types[shown.name]), element)
        self.modules += engine.modules(self.fabric, self._extra_depth)
        self.count(f"u_{flat}", engine.register_bits, node.name)
        ports = [
            ("clk", "clk"), ("rst", "rst"), ("in_valid", f"valid_{self.schedule.slots[node.name].start}"),
            ("x", self._read(node, 0)), ("out_valid", f"{flat}_done"), ("y", self._wire(shown.name)),
            ("tmr_err", self.err()),
        ]  # fmt: skip
        note = [] if shown is node else [f"{INDENT}// with {shown.name}: {shown.op.kind}"]
        return [*note, *instance(name, [self.tmr(f"u_{flat}", node.name)], f"u_{flat}", ports)]

    @cached_property
    def nodes_with_hardware(self) -> frozenset[str]:
        """Nodes whose logic or registers stand under their own name, not inside another node's."""
        own = {*self.schedule.slots, *(register.node for register in self.schedule.registers)}
        return frozenset(own - self.schedule.fused.keys() - self._scaled_by.keys())

    @cached_property
    def _scaled_by(self) -> dict[str, str]:
        """Nodes of shared adders whose sums one node scales in the same cycle and nothing else reads: its name."""
        registered = {register.node for register in self.schedule.registers}
        kept = registered | {port.node for port in self.graph.outputs}
        found = {}
        for node in self.graph.nodes:
            readers = {reader.name for reader, _ in self._readers(node.name)}
            if isinstance(self._how(node), Products) and len(readers) == 1 and node.name not in kept:
                (reader,) = readers
                if isinstance(self._how(self.graph.by_name[reader]), Scaling):
                    found[node.name] = reader
        return found

    def _how(self, node: Node) -> Rtl | None:
        """How a node that runs stands in the Verilog."""
        slot = self.schedule.slots.get(node.name)
        return node.op.rtl(slot.reuse, *self.graph.operand_types(node.name)) if slot else None

    def _cuts(self, node: Node) -> int:
        """Pipeline cuts inside a node of shared adders."""
        slot = self.schedule.slots.get(node.name)
        return slot.latency_cycles if slot else 0

    def _scaling(self, node: Node, how: Scaling) -> list[str]:
        """Emit the sums, scaled, and the instance that finishes them."""
        flat = identifier(node.name)
        source = self.graph.by_name[node.operands[0]]
        cuts, first = self._cuts(node), node
        products = self._how(source) if self._scaled_by.get(source.name) == node.name else None
        if isinstance(products, Products):
            first, cuts = source, cuts + self._cuts(source)
        data = self.graph.types[first.operands[0]]
        name = f"{self.graph.name}_{flat}_adders"
        formed = (products, how) if isinstance(products, Products) else (how, None)
        module = AddersModule(name, formed[0], data, how.sums, formed[1], cuts, self.fabric, self._extra_depth)
        lines = [f"{INDENT}wire [{how.sums.bits - 1}:0] {flat}_sums;"]
        lines += self._adders(module, node, self._read(first, 0), f"{flat}_sums")
        finished = [("x", f"{flat}_sums"), ("y", self._wire(node.name))]
        return lines + instance(how.finish.module, how.finish.parameters, f"u_{flat}_finish", finished)

    def _adders(self, module: AddersModule, node: Node, source: str, target: str) -> list[str]:
        """Emit a module of shared adders and its instance."""
        self.modules.append((f"{module.name}.v", module.text))
        name = f"u_{identifier(node.name)}"
        ports, parameters = [("x", source), ("y", target)], []
        if module.cuts:
            self.count(name, module.register_bits, node.name)
            ports = [("clk", "clk"), ("rst", "rst"), *ports, ("tmr_err", self.err())]
            parameters = [self.tmr(name, node.name)]
        return instance(module.name, parameters, name, ports)

    def _constant(self, node: Node, title: str) -> list[str]:
        """Emit the constant as wires if a node reads it whole; words of it are emitted with their reader."""
        if not any(self._reads_whole(reader, i) for reader, i in self._readers(node.name)):
            return []
        name = f"{self.graph.name}_{identifier(node.name)}"
        value = self.graph.types[node.name]
        text = constant_module(name, value.bounds.low, value.fixed.width, node.name)
        self.modules.append((f"{name}.v", text))
        return [
            *section(title),
            self._declare(node.name),
            *instance(name, [], f"u_{identifier(node.name)}", [("y", self._wire(node.name))]),
        ]

    def _instance(self, node: Node, how: Instance, reuse: int) -> list[str]:
        words = how.words
        ports = []
        lines: list[str] = []
        for i, port in enumerate(how.operand_ports):
            if words and port == words.port:
                ports.append((f"{port}_address", f"{identifier(node.name)}_address"))
                ports.append((port, f"{identifier(node.name)}_word"))
                lines += self._words(node, i, how)
            else:
                ports.append((port, self._read(node, i)))
        ports.append(("y", self._wire(node.name)))
        parameters = list(how.parameters)
        if words:
            slot = self.schedule.slots[node.name]
            bits = node.op.cost(reuse, *self.graph.operand_types(node.name)).register_bits
            self.count(f"u_{identifier(node.name)}", bits, node.name)
            control = [("clk", "clk"), ("rst", "rst"), ("in_valid", f"valid_{slot.start}")]
            ports = [*control, *ports, ("out_valid", f"{identifier(node.name)}_done"), ("tmr_err", self.err())]
            parameters.append(self.tmr(f"u_{identifier(node.name)}", node.name))
        return lines + instance(how.module, parameters, f"u_{identifier(node.name)}", ports)

    def _words(self, node: Node, position: int, how: Instance) -> list[str]:
        assert how.words is not None
        operand, words, flat = node.operands[position], how.words, identifier(node.name)
        value = self.graph.types[operand]
        width = words.index.shape[1] * value.fixed.width
        lines = [f"    wire [{words.address_bits - 1}:0] {flat}_address;", f"    wire [{width - 1}:0] {flat}_word;"]
        ports = [("address", f"{flat}_address"), ("word", f"{flat}_word")]
        if self.graph.by_name[operand].op.kind != "constant":
            sizes = [*words.select_parameters, ("A_WIDTH", str(words.address_bits))]
            return lines + instance(
                "weight_select", sizes, f"u_{flat}_word", [("weights", self._read(node, position)), *ports]
            )
        name = f"{self.graph.name}_{flat}_rom"
        content = rom_words(value.bounds.low, words.index)
        text = rom_module(name, content, value.fixed.width, words.address_bits, operand)
        self.modules.append((f"{name}.v", text))
        return lines + instance(name, [], f"u_{flat}_rom", ports)

    def _registers(self, name: str) -> list[str]:
        lines = []
        bits = self.graph.types[name].bits
        for register in self.schedule.registers:
            if register.node == name:
                target = self._wire(name, register.stage)
                # At one event a cycle every register reloads every cycle; an enable would only cost area.
                enable = f"valid_{register.capture}" if self.schedule.ii_cycles > 1 else "1'b1"
                lines += [f"    wire [{bits - 1}:0] {target};"]
                lines += self.value_register(
                    name, self.graph.types[name], self._wire(name, register.source), target, enable
                )
        return lines

    def _outputs(self) -> list[str]:
        stages = zip(self.graph.outputs, self.schedule.outputs, strict=True)
        wires = [self._wire(port.node, stage) for port, stage in stages]
        return [
            *section("outputs"),
            f"    assign out_valid = valid_{self.schedule.latency_cycles};",
            f"    assign out_data = {{{', '.join(reversed(wires))}}};",
        ]

    def _declare(self, name: str) -> str:
        return f"    wire [{self.graph.types[name].bits - 1}:0] {self._wire(name)};"

    def _wire(self, name: str, stage: int = 0) -> str:
        return f"{identifier(name)}_r{stage}" if stage else f"{identifier(name)}_y"

    def _read(self, node: Node, position: int) -> str:
        return self._wire(node.operands[position], self.schedule.reads.get((node.name, position), 0))

    def _readers(self, name: str) -> list[tuple[Node, int]]:
        return [(node, i) for node in self.graph.nodes for i, operand in enumerate(node.operands) if operand == name]

    def _reads_whole(self, reader: Node, position: int) -> bool:
        slot = self.schedule.slots.get(reader.name)
        how = reader.op.rtl(slot.reuse if slot else 1, *self.graph.operand_types(reader.name))
        if not isinstance(how, Instance):
            return position == 0  # weights and bias are in the text of the products, an index is in the wires
        return how.words is None or how.operand_ports[position] != how.words.port
