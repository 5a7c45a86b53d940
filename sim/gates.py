"""Simulate a mapped netlist, cells as Verilog modules, with Verilator: outputs of every cycle, toggles as SAIF.

Zero delay: only settled values are dumped (see gates.cpp), of the top level's nets alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from codesign.files import write_text
from codesign.flows.process import Command, run_tool
from codesign.sim.verilator import MAKE_VARIABLES, TIMEOUT_S, require_build_tools, verilate

HARNESS = "gates.cpp"
START_SAIF, ACTIVITY_SAIF = "start.saif", "activity.saif"
# The netlist holds what synthesis left: loops through bits of one output port, open pins, nets without a load.
_VERILATE = (
    *("--cc", "--exe", "-Mdir", ".", "--prefix", "Vgates", "-o", "gates", "--no-timing", "--timescale", "1ps/1ps"),
    *("--trace-saif", "--trace-depth", "1", "--x-assign", "0", "--x-initial", "0", "--output-split", "100000"),
    *("--decorations", "none", "-Wno-lint", "-Wno-UNOPTFLAT"),
)
# It runs once, for some thousand cycles: most of its time is the compiler's.
_QUICK = ("OPT_FAST=-O0", "OPT_GLOBAL=-O0")


@dataclass(frozen=True)
class Playback:
    """What is played: widths of the ports, values of inputs in every cycle; the first `lead_cycles` do not count.

    Inputs that are not named stay 0; `clocks` rise and fall once in each cycle, and the others change before the rise.
    """

    clocks: Sequence[str]
    widths: Mapping[str, int]
    inputs: Mapping[str, Sequence[int]]
    outputs: Sequence[str]
    lead_cycles: int
    cycles: int


def simulate_gates(sources: Sequence[Path], top: str, playback: Playback, folder: Path) -> dict[str, list[int]]:
    """Build and run the simulation in the empty `folder`; return the outputs of every cycle that counts.

    Leaves START_SAIF and ACTIVITY_SAIF there, half a clock period as their unit of time. `ToolMissingError` without a
    compiler, `ToolFailedError`, naming the log, if Verilator, the compiler or the simulation fails.
    """
    require_build_tools()
    write_text(folder / HARNESS, (resources.files("codesign.sim") / HARNESS).read_text(encoding="utf-8"))
    write_text(folder / "ports.h", _ports_header(playback))
    (folder / "stimulus.bin").write_bytes(_stimulus(playback))
    files = [HARNESS, *(str(path.resolve()) for path in sources)]
    verilate([*_VERILATE, "--top-module", top, *files], folder, folder / "verilator.log")
    make = ["make", "-s", "-j2", "-f", "Vgates.mk", *MAKE_VARIABLES, *_QUICK]
    run_tool(Command("make", make, {}), folder, folder / "make.log", TIMEOUT_S)
    numbers = (playback.lead_cycles, playback.cycles)
    program = Command("the simulation of the netlist", [str(folder.resolve() / "gates"), *map(str, numbers)], {})
    run_tool(program, folder, folder / "run.log", TIMEOUT_S)
    return _outputs((folder / "outputs.bin").read_bytes(), playback)


def _ports_header(playback: Playback) -> str:
    lists = {"CLOCKS": playback.clocks, "INPUTS": playback.inputs, "OUTPUTS": playback.outputs}
    return "".join(f"#define {name}(P) {' '.join(f'P({port})' for port in ports)}\n" for name, ports in lists.items())


def _bytes(width: int) -> int:
    """Bytes of the variable that Verilator makes of a port: an integer, above 64 bits an array of 32-bit words."""
    return next((size for size in (1, 2, 4, 8) if width <= 8 * size), 4 * -(-width // 32))


def _stimulus(playback: Playback) -> bytes:
    sizes = {name: _bytes(playback.widths[name]) for name in playback.inputs}
    columns = [[value.to_bytes(sizes[name], "little") for value in values] for name, values in playback.inputs.items()]
    return b"".join(part for cycle in zip(*columns, strict=True) for part in cycle)


def _outputs(content: bytes, playback: Playback) -> dict[str, list[int]]:
    sizes = {name: _bytes(playback.widths[name]) for name in playback.outputs}
    stride, at, found = sum(sizes.values()), 0, {}
    for name, size in sizes.items():
        starts = range(at, playback.cycles * stride, stride)
        found[name] = [int.from_bytes(content[start : start + size], "little") for start in starts]
        at += size
    return found
