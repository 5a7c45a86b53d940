"""The Verilog of any flow through this project's cocotb testbench: is it the model, and how fast does it run."""

import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.generate import Generated, random_inputs
from codesign.errors import VerificationError
from codesign.files import read_json, replace_directory, write_json, write_text
from codesign.fixed import Fixed
from codesign.graph import Graph
from codesign.packing import unpack
from codesign.sim.exchange import Plan
from codesign.sim.run import simulate
from codesign.sim.verilator import build
from codesign.verify import stimulus

# The testbench's ports around a pipeline that has none: the valid pulse takes as many cycles as the data.
_WRAPPER = """// testbench ports of {instance}
module bench_ports (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [{in_high}:0] in_data,
    output wire out_valid,
    output wire [{out_high}:0] out_data,
    output wire tmr_err
);
    reg [{latency}:0] valid;
    always @(posedge clk) valid <= rst ? {{{latency}+1{{1'b0}}}} : {{valid[{latency}-1:0], in_valid}};
    assign out_valid = valid[{latency}-1];
    assign tmr_err = 1'b0;
    {instance} network (.clk(clk), .{x}(in_data), .{y}(out_data));
endmodule
"""


@dataclass(frozen=True)
class Simulation:
    """Events compared with the graph, seconds to build the simulation, events per second through cocotb."""

    events: int
    build_s: float
    events_per_s: float


def check(made: Generated, graph: Graph, cache: Path, events: int) -> Simulation:
    """Simulate `events` random and extreme events; `VerificationError` if one result differs from the graph.

    The result is kept in `cache` by the hashes of Verilog and graph: technologies share it.
    """
    folder = cache / f"{graph.name}-{made.sha256[:12]}-{graph.digest[:12]}"
    kept = folder / "simulation.json"
    if not kept.exists():
        write_json(kept, asdict(_simulated(made, graph, folder, events)))
    return Simulation(**read_json(kept))


def _simulated(made: Generated, graph: Graph, folder: Path, events: int) -> Simulation:
    rtl = folder / "ports"
    manifest = _manifest(made, graph, rtl)
    started = time.perf_counter()
    build(rtl, manifest["sources"], manifest["top"], folder)
    build_s = time.perf_counter() - started
    inputs = random_inputs(graph, events)
    started = time.perf_counter()
    response = simulate(rtl, stimulus(graph, {graph.inputs[0].node: inputs}), Plan(50, 50), folder / "run", folder)
    seconds = time.perf_counter() - started
    got = _decoded(response.phases["back_to_back"], manifest["out_width"], graph)
    wanted = graph.evaluate({graph.inputs[0].node: inputs})[graph.outputs[0].node]
    wrong = int((got != wanted).sum())
    if wrong:
        raise VerificationError(f"{made.top} is not the model: {wrong} of {wanted.size} values differ")
    return Simulation(events, round(build_s, 1), round(response.measured.cycles / seconds))


def _decoded(words: Any, out_width: int, graph: Graph) -> Any:
    """Elements as wide as the flow made them, all alike."""
    value = graph.types[graph.outputs[0].node]
    width, left = divmod(out_width, value.size)
    if left:
        raise VerificationError(f"{out_width} output bits are not {value.size} equal elements")
    return unpack(words, [value.shape], [Fixed(width, 0, value.fixed.signed)])[0]


def _manifest(made: Generated, graph: Graph, rtl: Path) -> dict[str, Any]:
    if made.top == "bench":  # this flow: its own top level has the ports
        source = made.files[0].parent
        manifest = read_json(source / "manifest.json")
        files = {path.name: path.read_text(encoding="utf-8") for path in made.files if path.stem != "bench"}
    else:
        files = {path.name: path.read_text(encoding="utf-8") for path in made.files}
        instance, x, y = (
            ("plain", "x", "y") if made.top == "plain" else (f"{made.top}_wrapper", "model_inp", "model_out")
        )
        out_width = _port_bits(files[f"{instance}.v"], y)
        manifest = {
            "top": "bench_ports",
            "clocks": ["clk"],
            "resets": ["rst"],
            "config_resets": [],
            "latency_cycles": made.latency_cycles,
            "ii_cycles": 1,
            "in_width": graph.types[graph.inputs[0].node].bits,
            "out_width": out_width,
        }
        widths = {"in_high": manifest["in_width"] - 1, "out_high": out_width - 1}
        # Style of other generators is not checked here.
        files["unchecked.vlt"] = "`verilator_config\nlint_off\n"
        files["bench_ports.v"] = _WRAPPER.format(instance=instance, x=x, y=y, latency=made.latency_cycles, **widths)
    manifest = {**manifest, "sources": sorted(files, key=lambda name: (not name.endswith(".vlt"), name))}

    def fill(target: Path) -> None:
        for name, text in files.items():
            write_text(target / name, text)
        write_json(target / "manifest.json", manifest)

    replace_directory(rtl, fill)
    return manifest


def _port_bits(text: str, port: str) -> int:
    (high,) = re.findall(rf"output\s+(?:reg\s+|wire\s+)?\[(\d+):0\]\s+{port}\b", text)
    return int(high) + 1
