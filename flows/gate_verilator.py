"""Simulate a mapped netlist with Verilator, its cells as modules written from the liberty file: outputs and toggles.

Zero delay: a toggle is a change of a net's settled value from one cycle to the next.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesign.errors import ToolFailedError
from codesign.files import write_text
from codesign.flows.cell_models import cell_models
from codesign.flows.gate_bundles import SAMPLE, bundled_verilog
from codesign.flows.gate_simulation import Activity, Stimulus, clock_nets, driven_ports, stimulus_cycles
from codesign.flows.liberty import Library
from codesign.flows.netlist import HIGH, Indices, Netlist
from codesign.sim.gates import ACTIVITY_SAIF, START_SAIF, Playback, simulate_gates
from codesign.sim.verilator import version

# The rest is large, or says how long the tools took.
KEPT = (".v", ".saif")
# What Verilator writes for one bit of a signal, times at 0 and 1, and toggles; a signal of one bit has no number.
_ENTRY = re.compile(r"^\s*\(nets(\d+)(?:\\\[(\d+)\\\])? \(T0 \d+\) \(T1 (\d+)\) .*\(TC (\d+)\)\)$", re.MULTILINE)


def simulate_in_verilator(
    netlist: Netlist,
    library: Library,
    stimulus: Stimulus,
    *,
    setup: Stimulus,
    warm_up_cycles: int,
    folder: Path,
) -> Activity:
    """Simulate `setup`, `warm_up_cycles` cycles of zeros, then `stimulus`, of which toggles and outputs are returned.

    `folder` is replaced and keeps Verilog and SAIF, and after an error all files. Errors are those of `cell_models`,
    `bundled_verilog`, `driven_ports` and `simulate_gates`, and `ToolFailedError` if a net is missing in the SAIF.
    """
    played, lead = stimulus_cycles(stimulus), stimulus_cycles(setup)
    clocks = set(clock_nets(netlist, library).tolist())
    playback = Playback(
        clocks=[SAMPLE, *(name for name, port in netlist.ports.items() if clocks & set(port.nets.tolist()))],
        widths={name: len(port.nets) for name, port in netlist.ports.items()},
        inputs={
            name: [*setup.get(name, [0] * lead), *[0] * warm_up_cycles, *stimulus.get(name, [0] * played)]
            for name in driven_ports(netlist, stimulus, setup)
        },
        outputs=[name for name, port in netlist.ports.items() if port.direction == "output"],
        lead_cycles=lead + warm_up_cycles,
        cycles=played,
    )
    bundles, vectors = bundled_verilog(netlist, library)
    texts = {"cells.v": cell_models(library, netlist.cells), "bundles.v": bundles}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = [write_text(folder / name, text) for name, text in texts.items()]
    outputs = simulate_gates(sources, netlist.top, playback, folder)
    for path in folder.iterdir():
        if path.suffix not in KEPT:
            path.unlink()
    toggles, ones = read_activity(vectors, netlist.net_count, folder)
    ones[HIGH] = playback.cycles
    return Activity("zero", playback.cycles, toggles, ones, outputs, f"Verilator {version()}")


def read_activity(
    vectors: Sequence[Indices], net_count: int, folder: Path
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return by net the toggles, and the cycles that end high, of the SAIF in `folder`; its unit is half a period.

    `vectors` are the nets of each vector. Verilator counts one toggle of every net that is high when the dump starts,
    half a period before the first cycle; START_SAIF has nothing but these.
    """
    _, start = _entries(folder / START_SAIF, vectors)
    high, counted = _entries(folder / ACTIVITY_SAIF, vectors)
    toggled, nets = counted - start, np.concatenate(vectors)
    # A net's values count from the middle of one cycle to that of the next: half of the first and of the last.
    end = (start + toggled) & 1
    toggles, ones = (np.zeros(net_count, np.int64) for _ in range(2))
    toggles[nets], ones[nets] = toggled, (high + end - start) // 2
    # The last net stands for no connection.
    toggles[-1] = ones[-1] = 0
    return toggles, ones


def _entries(path: Path, vectors: Sequence[Indices]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return times at 1 and toggle counts of every bit of the vectors."""
    found = [(k, bit or 0, high, toggles) for k, bit, high, toggles in _ENTRY.findall(path.read_text(encoding="utf-8"))]
    rows = np.array(found, dtype=np.int64).reshape(-1, 4)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    bits = [(k, bit) for k, nets in enumerate(vectors) for bit in range(len(nets))]
    if rows[:, :2].tolist() != [list(place) for place in bits]:
        raise ToolFailedError(
            f"{path} has not one entry for each of {len(bits)} nets: this Verilator writes another SAIF"
        )
    return rows[:, 2], rows[:, 3]
