"""Static timing of an UltraScale+ netlist of Yosys: delays of primitives and typical wires, before placement.

Delays come from `codesign/data/technology/xcup_primitives.json`, which names their source. A wire costs what the
kind of connection costs after routing: within a slice next to nothing, elsewhere the median of routed nets.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from codesign.errors import ToolFailedError
from codesign.files import read_json
from codesign.flows.netlist import read_module
from codesign.flows.static_timing import PathStep, StaticTiming

# A shift register is timed as a flip-flop: its slower output is left out.
_REGISTER = re.compile(r"FD[RSCP]E(_1)?|SRL16E|SRLC32E")
_IGNORED = frozenset({"BUFG", "$scopeinfo"})
# Their nets are ideal: no path through logic starts there.
_CLOCK_OR_RESET = re.compile(r"(?:cfg_)?(?:clk|rst)[ABC]?")
Arc = tuple[str, int, str, int, float]  # input pin and bit, output pin and bit, ns


@dataclass(frozen=True)
class Primitives:
    """Delays in ns; `lut` by rank of the input from the fastest one on, the others by the names in the data file."""

    source: str
    launch: float
    setup: Mapping[str, float]
    lut: tuple[float, ...]
    muxf: Mapping[str, float]
    carry: Mapping[str, float]
    net: Mapping[str, float]

    def arcs(self, cell: str) -> tuple[Arc, ...]:
        """Return all input-to-output delays of a combinational primitive; `ToolFailedError` if it is not known."""
        lut = re.fullmatch(r"LUT([1-6])", cell)
        if lut:
            size = int(lut.group(1))
            return tuple((f"I{k}", 0, "O", 0, self.lut[size - 1 - k]) for k in range(size))
        if cell == "INV":
            return (("I", 0, "O", 0, self.lut[0]),)
        if re.fullmatch(r"MUXF[789]", cell):
            return tuple((pin, 0, "O", 0, delay) for pin, delay in self.muxf.items())
        if cell in ("CARRY4", "CARRY8"):
            return tuple(self._carry_arcs(int(cell[-1])))
        raise ToolFailedError(f"no delay is known for the primitive {cell}")

    def _carry_arcs(self, bits: int) -> Iterator[Arc]:
        carry = self.carry
        for pin in ("CI", "CYINIT"):
            for out in range(bits):
                yield pin, 0, "CO", out, carry["CI_CO"]
                yield pin, 0, "O", out, carry["CI_O"] + carry["bit_O"] * out
        for bit in range(bits):
            yield "S", bit, "O", bit, carry["S_O"]
            for pin in ("S", "DI"):
                for out in range(bit, bits):
                    yield pin, bit, "CO", out, carry[f"{pin}_CO"]
                for out in range(bit + 1, bits):
                    yield pin, bit, "O", out, carry[f"{pin}_CO"] + carry["carry_O"]

    def wire(self, driver: str, sink: str, pin: str) -> float:
        """Return the delay of the wire from a primitive to a pin of another one."""
        carries = driver.startswith("CARRY")
        if sink.startswith("CARRY") and pin in ("CI", "CYINIT") and carries:
            return self.net["carry_to_carry"]
        if sink.startswith("CARRY") and pin == "S" and driver.startswith(("LUT", "INV")):
            return self.net["lut_to_carry"]
        if sink.startswith("MUXF") and pin != "S" and driver.startswith(("LUT", "MUXF")):
            return self.net["lut_to_muxf"]
        if _REGISTER.fullmatch(sink) and pin == "D" and (carries or driver.startswith(("LUT", "MUXF"))):
            return self.net["to_register"]
        return self.net["any"]


@lru_cache(maxsize=1)
def primitives() -> Primitives:
    """Return the delays that come with the package."""
    with resources.as_file(resources.files("codesign.data") / "technology" / "xcup_primitives.json") as path:
        data = read_json(path)
    keys = ("source", "launch_ns", "setup_ns", "lut_ns", "muxf_ns", "carry_ns", "net_ns")
    source, launch, setup, lut, *maps = (data[key] for key in keys)
    return Primitives(source, launch, setup, tuple(lut), *maps)


def fpga_timing(netlist_json: Path, top: str, delays: Primitives | None = None) -> StaticTiming:
    """Return the longest path of a flat netlist that `synth_xilinx` wrote as JSON.

    Raises `ToolFailedError` for a primitive without delays, a combinational loop or a netlist without registers.
    """
    return _Timer(read_module(netlist_json, top), delays or primitives()).result()


class _Timer:
    """Arrival of every net, cell by cell in topological order."""

    def __init__(self, module: Mapping[str, Any], delays: Primitives) -> None:
        self.delays = delays
        cells = {name: cell for name, cell in module["cells"].items() if cell["type"] not in _IGNORED}
        self.types: dict[str, str] = {name: cell["type"] for name, cell in cells.items()}
        self.pins: dict[str, dict[str, list[Any]]] = {name: cell["connections"] for name, cell in cells.items()}
        self.arcs = {t: delays.arcs(t) for t in set(self.types.values()) if not _REGISTER.fullmatch(t)}
        self.arrival: dict[int, float] = {}
        self.cause: dict[int, tuple[str, int | None, float]] = {}  # net -> (cell, net before it, delay)
        self.driver: dict[int, str] = {}
        for name, port in module["ports"].items():
            if port["direction"] == "input" and not _CLOCK_OR_RESET.fullmatch(name):
                self._launch(port["bits"], name)
        self.registers = [name for name, cell in self.types.items() if _REGISTER.fullmatch(cell)]
        for name in self.registers:
            self._launch(self.pins[name]["Q"], name)

    def _launch(self, nets: list[Any], name: str) -> None:
        for net in nets:
            self.arrival[net], self.driver[net] = self.delays.launch, self.types.get(name, "port")
            self.cause[net] = (name, None, self.delays.launch)

    def _propagate(self) -> None:
        for name in self._ordered():
            cell, pins = self.types[name], self.pins[name]
            for source, source_bit, target, target_bit, delay in self.arcs[cell]:
                before = pins.get(source, [])[source_bit : source_bit + 1]
                after = pins.get(target, [])[target_bit : target_bit + 1]
                if before and after and before[0] in self.arrival:
                    step = self.delays.wire(self.driver[before[0]], cell, source) + delay
                    time = self.arrival[before[0]] + step
                    if time > self.arrival.get(after[0], -1.0):
                        self.arrival[after[0]], self.driver[after[0]] = time, cell
                        self.cause[after[0]] = (name, before[0], step)

    def _ordered(self) -> list[str]:
        """Combinational cells, each behind those that drive it (Kahn's algorithm)."""
        readers: dict[int, list[str]] = {}
        outputs: dict[str, list[int]] = {}
        waits: dict[str, int] = {}
        combinational = [name for name in self.types if self.types[name] in self.arcs]
        outside = self.arcs
        for name in combinational:
            targets = {arc[2] for arc in outside[self.types[name]]}
            outputs[name] = [net for pin in targets for net in self.pins[name].get(pin, [])]
        driven = {net for nets in outputs.values() for net in nets}
        for name in combinational:
            sources = {arc[0] for arc in outside[self.types[name]]}
            nets = {net for pin in sources for net in self.pins[name].get(pin, []) if net in driven}
            waits[name] = len(nets)
            for net in nets:
                readers.setdefault(net, []).append(name)
        ready = [name for name in combinational if not waits[name]]
        for name in ready:  # grows while it is walked
            for net in outputs[name]:
                for reader in readers.get(net, ()):
                    waits[reader] -= 1
                    if not waits[reader]:
                        ready.append(reader)
        if len(ready) != len(combinational):
            raise ToolFailedError(f"combinational loop through {next(n for n in combinational if waits[n])}")
        return ready

    def result(self) -> StaticTiming:
        self._propagate()
        ends = [
            (self.arrival[net] + self.delays.wire(self.driver[net], self.types[name], pin) + setup, net, name)
            for name in self.registers
            for pin, setup in self.delays.setup.items()
            for net in self.pins[name].get(pin, [])
            if net in self.arrival
        ]
        if not ends:
            raise ToolFailedError("the netlist has no path to a register")
        longest, net, register = max(ends, key=lambda end: end[0])
        rest = longest - self.arrival[net]
        path = [PathStep(register, self.types[register], rest, longest)]
        step: int | None = net
        while step is not None:
            name, before, delay = self.cause[step]
            path.append(PathStep(name, self.types.get(name, "port"), delay, self.arrival[step]))
            step = before
        method = "delays of routed UltraScale+ primitives and typical wires, before placement"
        return StaticTiming(longest, tuple(reversed(path)), len(self.types), method)
