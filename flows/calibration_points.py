"""The small designs that the delay and area model is fitted on: random, seeded, and none of them a benchmark.

Networks go through the flow's own emission, so that the adders stand in the netlist as they do in a real design; single
pieces (multiplexer, multiplier, ROM, register) are a line of Verilog between two registers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codesign.files import write_json, write_text
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops.dense import Dense
from codesign.ops.requantise import Requantise, Rounding
from codesign.ops.sources import Constant, Input
from codesign.rtl import emit, template_text, write_rtl
from codesign.schedule import Schedule, default_cuts, schedule
from codesign.unsigned_form import Fabric

CLOCK_NS = 25.0


@dataclass(frozen=True)
class Layer:
    """A dense layer of random weights; `shift` of 0 leaves its sums as they are."""

    outputs: int
    weight_bits: int
    shift: int = 0
    bits: int = 0
    rounding: Rounding = "half_even"


@dataclass(frozen=True)
class NetworkPoint:
    """A network of dense layers with registers at the inputs and behind every requantisation."""

    name: str
    inputs: int
    input_bits: int
    layers: tuple[Layer, ...]

    @property
    def graph(self) -> Graph:
        """The network; its weights depend on its name alone."""
        rng = np.random.default_rng(list(self.name.encode()))
        nodes, data, size = [Node("x", Input((self.inputs,), Fixed(self.input_bits, 0, True)))], "x", self.inputs
        for k, layer in enumerate(self.layers):
            high = (1 << (layer.weight_bits - 1)) - 1
            weights = rng.integers(-high, high + 1, (layer.outputs, size))
            bias = rng.integers(-1 << layer.shift, 1 << layer.shift, layer.outputs)
            nodes += [Node(f"w{k}", Constant(weights)), Node(f"b{k}", Constant(bias))]
            nodes += [Node(f"layer{k}", Dense(), (data, f"w{k}", f"b{k}"))]
            data, size = f"layer{k}", layer.outputs
            if layer.shift:
                quantise = Requantise(Fixed(layer.bits, 0, False), (1,), (0,), layer.shift, layer.rounding)
                nodes += [Node(f"act{k}", quantise, (data,))]
                data = f"act{k}"
        return Graph(self.name, tuple(nodes), (Port("x"),), (Port(data),))

    @property
    def schedule(self) -> Schedule:
        """Registers at the inputs and behind every requantisation."""
        return registered(self.graph)

    def write(self, folder: Path, fabric: Fabric) -> Path:
        """Emit the network for `fabric` into `folder`."""
        return write_rtl(emit(self.graph, self.schedule, tmr="none", clock_ns=CLOCK_NS, fabric=fabric), folder)


def registered(graph: Graph) -> Schedule:
    """Return the default schedule with registers at the inputs too, so that every path starts at one."""
    return schedule(graph, cuts=(*(port.node for port in graph.inputs), *default_cuts(graph)))


@dataclass(frozen=True)
class PiecePoint:
    """One expression y of x between two registers; `sizes` are what the formulas of the technology take."""

    name: str
    kind: str
    sizes: tuple[int, ...]
    input_bits: int
    output_bits: int
    body: str
    triplicated: bool = False

    def write(self, folder: Path, fabric: Fabric) -> Path:
        """Write the module, the register it uses and a manifest into `folder`; the same for every `fabric`."""
        for template in ("tmr_register.v", "majority_voter.v"):
            write_text(folder / template, template_text(template))
        write_text(folder / f"{self.name}.v", _MODULE.format(p=self, copies=int(self.triplicated)))
        manifest = {"top": self.name, "sources": ["majority_voter.v", "tmr_register.v", f"{self.name}.v"]}
        tmr = "registers" if self.triplicated else "none"
        write_json(
            folder / "manifest.json", manifest | {"register_bits": self.input_bits + self.output_bits, "tmr": tmr}
        )
        return folder


Point = NetworkPoint | PiecePoint
_MODULE = """\
module {p.name} (
    input clk, input rst,
    input [{p.input_bits}-1:0] in_data, output [{p.output_bits}-1:0] out_data, output [1:0] tmr_err
);
    wire [{p.input_bits}-1:0] x;
    wire [{p.output_bits}-1:0] y;
    tmr_register #(.WIDTH({p.input_bits}), .TMR({copies})) first (clk, rst, 1'b1, in_data, x, tmr_err[0]);
    tmr_register #(.WIDTH({p.output_bits}), .TMR({copies})) last (clk, rst, 1'b1, y, out_data, tmr_err[1]);
{p.body}
endmodule
"""


def _networks() -> tuple[NetworkPoint, ...]:
    """Sums alone, layers with both roundings, two layers: (inputs, their bits, outputs, weight bits, ...)."""
    sums = [(4, 6, 4, 4), (8, 8, 4, 6), (16, 8, 4, 6), (24, 6, 4, 6), (6, 10, 4, 8)]
    points = [NetworkPoint(f"sums_{n}x{out}_{w}b_{x}b", n, x, (Layer(out, w),)) for n, x, out, w in sums]
    even: Rounding = "half_even"
    down: Rounding = "floor"
    layers: list[tuple[int, int, int, int, int, int, Rounding]] = [
        (6, 8, 4, 5, 6, 5, down),
        (24, 8, 4, 6, 9, 6, down),
        (10, 8, 4, 6, 8, 6, even),
        (16, 6, 6, 5, 7, 6, even),
        (12, 8, 4, 6, 7, 8, even),
    ]
    for n, x, out, w, shift, bits, rounding in layers:
        name = f"layer_{n}x{out}_{w}b_{x}b_{rounding}"
        points.append(NetworkPoint(name, n, x, (Layer(out, w, shift, bits, rounding),)))
    points.append(NetworkPoint("two_12x10x4", 12, 8, (Layer(10, 6, 8, 6), Layer(4, 6, 7, 6))))
    return tuple(points)


def _mux(inputs: int, bits: int) -> PiecePoint:
    select = (inputs - 1).bit_length()
    body = f"    assign y = x[{select} +: {inputs * bits}] >> (x[{select - 1}:0] * {bits});"
    return PiecePoint(f"mux_{inputs}", "mux", (bits, inputs), inputs * bits + select, bits, body)


def _multiplier(first: int, second: int) -> PiecePoint:
    body = f"    assign y = $signed(x[{first - 1}:0]) * $signed(x[{first + second - 1}:{first}]);"
    name = f"multiplier_{first}x{second}"
    return PiecePoint(name, "multiplier", (first, second), first + second, first + second, body)


def _rom(words: int, bits: int) -> PiecePoint:
    content = np.random.default_rng(words).integers(0, 1 << bits, words)
    cases = "".join(f"        {address}: word = {bits}'d{value};\n" for address, value in enumerate(content.tolist()))
    body = f"    reg [{bits - 1}:0] word;\n    assign y = word;\n    always @* case (x)\n{cases}    endcase"
    return PiecePoint(f"rom_{words}", "rom", (words, bits), (words - 1).bit_length(), bits, body)


def _gates(bits: int) -> PiecePoint:
    return PiecePoint(f"gates_{bits}", "gates", (bits,), bits, 1, "    assign y = &x;")


def _pieces() -> tuple[PiecePoint, ...]:
    wire = "    assign y = x;"
    return (
        PiecePoint("registers", "register", (32,), 32, 32, wire),
        PiecePoint("voted_registers", "voter", (32,), 32, 32, wire, triplicated=True),
        *(_mux(inputs, 4) for inputs in (4, 16, 64)),
        *(_multiplier(*sizes) for sizes in ((4, 4), (6, 8), (8, 8), (6, 12))),
        *(_rom(words, 12) for words in (8, 32, 128)),
        *(_gates(bits) for bits in (8, 24, 64)),
    )


def points() -> tuple[Point, ...]:
    """Return all calibration points."""
    return (*_networks(), *_pieces())
