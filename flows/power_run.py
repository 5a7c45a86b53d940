"""Power of a synthesised design on the run's own events: simulate the mapped netlist, then estimate.

The outputs of the gate-level simulation are compared with the integer graph, so the netlist is checked as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codesign.errors import BadInputError
from codesign.files import sha256_of, write_text
from codesign.flows.activity_files import saif, structural_verilog
from codesign.flows.design import Bound
from codesign.flows.gate_simulation import Activity, DelayModel, Stimulus, simulate
from codesign.flows.gate_verilator import simulate_in_verilator
from codesign.flows.liberty import Library, read_liberty
from codesign.flows.netlist import Netlist, load_netlist
from codesign.flows.power import estimate_power
from codesign.flows.report_sections import power_section
from codesign.flows.yosys import AsicResult
from codesign.flows.yosys_job import SourceFile
from codesign.packing import Words
from codesign.register_map import RegisterMap
from codesign.report import Resources
from codesign.verify import compare, parameter_bytes, stimulus

NETLIST = "netlist.v"
RESET_CYCLES = 2
LARGEST_STIMULUS_CYCLES = 4096
SMALLEST_STIMULUS_EVENTS = 16
DELAY_MODELS: tuple[DelayModel, ...] = ("zero", "unit")
# Verilator and its C++ take a millisecond for each cell (docs/asic.md): of more cells, several minutes.
LARGEST_VERILATED_CELLS = 300_000
VERILATOR_FOLDER = "verilator"


@dataclass(frozen=True)
class _Stimulus:
    """Values of the ports in the cycles that count, and before them; cycles of zeros between; initiation interval."""

    played: Stimulus
    setup: Stimulus
    warm_up_cycles: int
    interval_cycles: int


def estimate_powers(
    bound: Bound,
    asic: AsicResult,
    liberty: Path,
    manifest: dict[str, Any],
    folder: Path,
    *,
    models: Sequence[DelayModel] = DELAY_MODELS,
) -> tuple[Resources, ...]:
    """Return the power without glitches and with unit-delay glitches, at one event every initiation interval.

    Writes the netlist and its activity in each model as Verilog and SAIF into `folder`, which sources are named from.
    Raises `VerificationError` if the mapped netlist computes anything else than the integer graph.
    """
    library = read_liberty(liberty)
    netlist = load_netlist(asic.netlist_json, manifest["top"])
    latency, ii = manifest["latency_cycles"], manifest["ii_cycles"]
    events = stimulus(bound.graph, bound.inputs)[: max(LARGEST_STIMULUS_CYCLES // ii, SMALLEST_STIMULUS_EVENTS)]
    write_text(folder / NETLIST, structural_verilog(netlist, asic.nodes))
    parts = []
    for delay_model in models:
        activity = _simulated(
            netlist,
            library,
            delay_model,
            _Stimulus(
                played(manifest, events),
                setup_ports(manifest, parameter_bytes(bound.graph, bound.cases[0].parameters)),
                warm_up_cycles=-(-(latency + ii) // ii) * ii,
                interval_cycles=ii,
            ),
            folder,
        )
        _check(bound, events, activity, manifest)
        power = estimate_power(netlist, library, activity, clock_ns=manifest["clock_ns"], nodes=asic.nodes)
        name, interval_ns = f"{delay_model}_delay.saif", ii * manifest["clock_ns"]
        path = write_text(folder / name, saif(netlist, activity, manifest["clock_ns"], manifest["clocks"]))
        parts.append(
            power_section(power, f"{liberty.name}, {delay_model} delay", SourceFile(name, sha256_of(path)), interval_ns)
        )
    return tuple(parts)


def _simulated(
    netlist: Netlist, library: Library, delay_model: DelayModel, stimulus: _Stimulus, folder: Path
) -> Activity:
    """Simulate with zero delay in Verilator if the netlist is small enough, else bit-parallel in numpy."""
    cells = sum(netlist.count(kind) for kind in netlist.cells)
    if delay_model == "zero" and cells <= LARGEST_VERILATED_CELLS:
        return simulate_in_verilator(
            netlist,
            library,
            stimulus.played,
            setup=stimulus.setup,
            warm_up_cycles=stimulus.warm_up_cycles,
            folder=folder / VERILATOR_FOLDER,
        )
    return simulate(
        netlist,
        library,
        stimulus.played,
        setup=stimulus.setup,
        delay_model=delay_model,
        warm_up_cycles=stimulus.warm_up_cycles,
        cut_multiple=stimulus.interval_cycles,
    )


def played(manifest: Mapping[str, Any], words: Words, beats: int = 1) -> dict[str, list[int]]:
    """One event in the first `beats` of every initiation interval, in one word each."""
    values = [int.from_bytes(row.tobytes(), "little") for row in words]
    idle = [0] * (manifest["ii_cycles"] - beats)
    starts = range(0, len(values), beats)
    valid = [bit for _ in starts for bit in (*[1] * beats, *idle)]
    data = [value for at in starts for value in (*values[at : at + beats], *idle)]
    return {"in_valid": valid, "in_data": data} | ({"clk_on": [1] * len(valid)} if RegisterMap.of(manifest) else {})


def setup_ports(manifest: Mapping[str, Any], parameters: bytes) -> dict[str, list[int]]:
    """Reset; then write programmable parameters, commit them and wait: values of the ports in every cycle."""
    reset, registers = [1] * RESET_CYCLES, RegisterMap.of(manifest)
    if registers is None:
        return dict.fromkeys(manifest["resets"], reset)
    if registers.bus != "bytes":
        raise BadInputError(f"a netlist is simulated with --config-bus bytes, not {registers.bus}: leave that out")
    writes = [(registers.byte_address(byte), value) for byte, value in enumerate(parameters)]
    writes += [(registers.control, 1), *[(0, 0)] * (manifest["latency_cycles"] + manifest["ii_cycles"])]
    quiet = [0] * RESET_CYCLES
    return {
        **dict.fromkeys((*manifest["resets"], *manifest["config_resets"]), reset + [0] * len(writes)),
        "clk_on": [1] * (RESET_CYCLES + len(writes)),
        "cfg_we": quiet + [int(address > 0) for address, _ in writes],
        "cfg_address": quiet + [address for address, _ in writes],
        "cfg_data": quiet + [value for _, value in writes],
    }


def _check(bound: Bound, events: Words, activity: Activity, manifest: dict[str, Any]) -> None:
    """Every result that leaves inside the stimulus equals the integer graph's."""
    latency, ii = manifest["latency_cycles"], manifest["ii_cycles"]
    cycles = range(latency, activity.cycles, ii)
    count = min(len(cycles), len(events))
    size = (manifest["out_width"] + 7) // 8
    rows = [activity.outputs["out_data"][cycle].to_bytes(size, "little") for cycle in cycles][:count]
    words = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(count, size)
    inputs = {name: values[:count] for name, values in bound.inputs.items()}
    expected = bound.graph.evaluate({**inputs, **bound.cases[0].parameters})
    compare(bound.graph, expected, words).require("mapped netlist and graph")
