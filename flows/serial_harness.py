"""Verilog around a block that has more ports than a package has pins: data in and out by one pin each.

The harness is for place and route alone and no part of the design, so its registers stand once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from codesign.verilog_source import ModuleSource

BLOCK = "u_block"


@dataclass(frozen=True)
class Harness:
    """The text of module `name`, and its own flip-flops: one for every data input and data output of the block."""

    name: str
    text: str
    flip_flop_bits: int


def serial_harness(block: ModuleSource, clocks: tuple[str, ...], resets: tuple[str, ...]) -> Harness:
    """Return the harness of `block`: all its clocks are one pin, all its resets another, `tmr_err` a third.

    Inputs come from a shift register that runs through all of them. Outputs are added, modulo 2, to a second one,
    so that each of them has to be computed and ends in a register.
    """
    widths = {name: _width(block.signals[name]) for name in block.ports}
    data = [name for name in block.ports if name not in (*clocks, *resets, "tmr_err")]
    inputs = {name: widths[name] for name in data if block.ports[name].direction == "input"}
    outputs = {name: widths[name] for name in data if block.ports[name].direction == "output"}
    wires = {**dict.fromkeys(clocks, "clk"), **dict.fromkeys(resets, "rst"), "tmr_err": "tmr_err"}
    wires |= _slices(inputs, "shift") | _slices(outputs, "result")
    connections = ",\n".join(f"        .{name} ({wires[name]})" for name in block.ports)
    ins, outs = sum(inputs.values()), sum(outputs.values())
    name = f"{block.name}_harness"
    text = _TEXT.format(block.name, name, ins, outs, ins - 1, outs - 1, ins - 2, connections)
    return Harness(name, text, ins + outs)


def _slices(widths: Mapping[str, int], vector: str) -> dict[str, str]:
    """Give every port its bits of `vector`, the first one the lowest."""
    low, found = 0, {}
    for name, width in widths.items():
        found[name] = f"{vector}[{low + width - 1}:{low}]"
        low += width
    return found


def _width(span: str) -> int:
    """Bits of a range such as "[47:0]"; one without a range."""
    return int(span.strip().strip("[]").partition(":")[0]) + 1 if span.strip() else 1


_TEXT = """\
// {0} behind a few pins, to place and route it by itself.
// Latency: that of the block and one cycle; {2} cycles to shift an input in, {3} to shift a result out.
// Ports: clk, rst     clock of all, synchronous reset of the block
//        serial_in    shifted through all data inputs of the block
//        serial_out   end of a shift register to which every data output is added modulo 2
//        tmr_err      that of the block
module {1} (
    input  wire clk,
    input  wire rst,
    input  wire serial_in,
    output wire serial_out,
    output wire tmr_err
);
    reg  [{4}:0] shift;
    reg  [{5}:0] sum;
    wire [{5}:0] result;
    always @(posedge clk) shift <= {{shift[{6}:0], serial_in}};
    always @(posedge clk) sum <= (sum << 1) ^ result;
    assign serial_out = sum[{5}];
    {0} u_block (
{7}
    );
endmodule
"""
