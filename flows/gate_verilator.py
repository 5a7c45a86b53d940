"""Simulate a mapped netlist with Verilator, its cells as modules written from the liberty file: outputs and toggles.

Zero delay: a toggle is a change of a net's settled value from one cycle to the next. One vector of VECTOR nets is
one signal of the simulation: one signal for each net takes the compiler several times as long.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesign.errors import ToolFailedError
from codesign.files import write_text
from codesign.flows.activity_files import net_names
from codesign.flows.cell_models import cell_models
from codesign.flows.gate_simulation import Activity, Stimulus, clock_nets, driven_ports, stimulus_cycles
from codesign.flows.liberty import Library
from codesign.flows.netlist import HIGH, Netlist
from codesign.sim.gates import ACTIVITY_SAIF, START_SAIF, Playback, simulate_gates
from codesign.sim.verilator import version

VECTOR = 32
WATCHER = "watch_nets"
# The rest is large, or says how long the tools took.
KEPT = (".v", ".saif")
# What Verilator writes for one bit of a signal: times at 0 and 1, toggles.
_ENTRY = re.compile(r"^\s*\(watch(\d+)\\\[(\d+)\\\] \(T0 \d+\) \(T1 (\d+)\) .*\(TC (\d+)\)\)$", re.MULTILINE)


def simulate_in_verilator(
    netlist: Netlist,
    library: Library,
    stimulus: Stimulus,
    *,
    setup: Stimulus,
    warm_up_cycles: int,
    verilog: Path,
    folder: Path,
) -> Activity:
    """Simulate `setup`, `warm_up_cycles` cycles of zeros, then `stimulus`, of which toggles and outputs are returned.

    `verilog` is the netlist as `structural_verilog` writes it. `folder` is replaced and keeps Verilog and SAIF, and
    after an error all files. Errors are those of `cell_models`, `driven_ports` and `simulate_gates`, and
    `ToolFailedError` if a net is missing in the SAIF.
    """
    played, lead = stimulus_cycles(stimulus), stimulus_cycles(setup)
    clocks = set(clock_nets(netlist, library).tolist())
    playback = Playback(
        clocks=[name for name, port in netlist.ports.items() if clocks & set(port.nets.tolist())],
        widths={name: len(port.nets) for name, port in netlist.ports.items()},
        inputs={
            name: [*setup.get(name, [0] * lead), *[0] * warm_up_cycles, *stimulus.get(name, [0] * played)]
            for name in driven_ports(netlist, stimulus, setup)
        },
        outputs=[name for name, port in netlist.ports.items() if port.direction == "output"],
        lead_cycles=lead + warm_up_cycles,
        cycles=played,
    )
    texts = {"cells.v": cell_models(library, netlist.cells), "watch.v": watcher(netlist)}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = [write_text(folder / name, text) for name, text in texts.items()]
    outputs = simulate_gates([verilog, *sources], WATCHER, playback, folder)
    for path in folder.iterdir():
        if path.suffix not in KEPT:
            path.unlink()
    toggles, ones = read_activity(netlist, folder)
    ones[HIGH] = playback.cycles
    return Activity("zero", playback.cycles, toggles, ones, outputs, f"Verilator {version()}")


def watcher(netlist: Netlist) -> str:
    """Return a module around the netlist with the same ports and with all of its nets in vectors `watch<k>`."""
    names = net_names(netlist)
    inner = [name if names[net] != f"n{net}" else f"netlist.{name}" for net, name in sorted(names.items())]
    ports = [
        f"  {port.direction} wire {f'[{len(port.nets) - 1}:0] ' if len(port.nets) > 1 else ''}{name}"
        for name, port in netlist.ports.items()
    ]
    connections = ", ".join(f".{name}({name})" for name in netlist.ports)
    lines = [f"module {WATCHER} (", ",\n".join(ports), ");", f"  {netlist.top} netlist ({connections});"]
    return "\n".join([*lines, *_vectors(inner), "endmodule", ""])


def _vectors(names: list[str]) -> Iterator[str]:
    for k in range(0, len(names), VECTOR):
        bits = names[k : k + VECTOR]
        bits += ["1'b0"] * (VECTOR - len(bits))
        yield f"  wire [{VECTOR - 1}:0] watch{k // VECTOR} = {{{', '.join(reversed(bits))}}};"


def read_activity(netlist: Netlist, folder: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return by net the toggles, and the cycles that end high, of the SAIF in `folder`; its unit is half a period.

    Verilator counts one toggle of every net that is high when the dump starts, half a period before the first
    cycle; START_SAIF has nothing but these.
    """
    nets = np.array(sorted(net_names(netlist)))
    _, start = _entries(folder / START_SAIF, len(nets))
    high, counted = _entries(folder / ACTIVITY_SAIF, len(nets))
    toggled = counted - start
    # A net's values count from the middle of one cycle to that of the next: half of the first and of the last.
    end = (start + toggled) & 1
    toggles, ones = (np.zeros(netlist.net_count, np.int64) for _ in range(2))
    toggles[nets], ones[nets] = toggled, (high + end - start) // 2
    return toggles, ones


def _entries(path: Path, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return times at 1 and toggle counts of the `count` bits in the vectors."""
    rows = np.array(_ENTRY.findall(path.read_text(encoding="utf-8")), dtype=np.int64).reshape(-1, 4)
    index = rows[:, 0] * VECTOR + rows[:, 1]
    if sorted(index.tolist()) != list(range(-(-count // VECTOR) * VECTOR)):
        raise ToolFailedError(f"{path} has not one entry for each of {count} nets: this Verilator writes another SAIF")
    order = np.argsort(index)[:count]
    return rows[order, 2], rows[order, 3]
