"""Power of a synthesised design on the run's own events: simulate the mapped netlist, then estimate.

The outputs of the gate-level simulation are compared with the integer graph, so the netlist is checked as well.
"""

from pathlib import Path
from typing import Any

import numpy as np

from codesign.flows.design import Bound
from codesign.flows.gate_simulation import Activity, DelayModel, simulate
from codesign.flows.liberty import read_liberty
from codesign.flows.netlist import load_netlist
from codesign.flows.power import estimate_power
from codesign.flows.report_sections import power_section
from codesign.flows.yosys import AsicResult
from codesign.packing import Words
from codesign.report import Resources
from codesign.verify import compare, parameter_bytes, stimulus

RESET_CYCLES = 2
LARGEST_STIMULUS_CYCLES = 4096
SMALLEST_STIMULUS_EVENTS = 16
DELAY_MODELS: tuple[DelayModel, ...] = ("zero", "unit")


def estimate_powers(bound: Bound, asic: AsicResult, liberty: Path, manifest: dict[str, Any]) -> tuple[Resources, ...]:
    """Return the power without glitches and with unit-delay glitches, at one event every initiation interval.

    Raises `VerificationError` if the mapped netlist computes anything else than the integer graph.
    """
    library = read_liberty(liberty)
    netlist = load_netlist(asic.netlist_json, manifest["top"])
    latency, ii = manifest["latency_cycles"], manifest["ii_cycles"]
    events = stimulus(bound.graph, bound.inputs)[: max(LARGEST_STIMULUS_CYCLES // ii, SMALLEST_STIMULUS_EVENTS)]
    parts = []
    for delay_model in DELAY_MODELS:
        activity = simulate(
            netlist,
            library,
            played(events, ii),
            setup=setup_ports(parameter_bytes(bound.graph, bound.cases[0].parameters)),
            delay_model=delay_model,
            warm_up_cycles=-(-(latency + ii) // ii) * ii,
            cut_multiple=ii,
        )
        _check(bound, events, activity, manifest)
        power = estimate_power(netlist, library, activity, clock_ns=manifest["clock_ns"])
        parts.append(power_section(power, f"{liberty.name}, {delay_model} delay", asic.source))
    return tuple(parts)


def played(words: Words, ii_cycles: int, beats: int = 1) -> dict[str, list[int]]:
    """One event in the first `beats` of every `ii_cycles` cycles, in one word each."""
    values = [int.from_bytes(row.tobytes(), "little") for row in words]
    idle = [0] * (ii_cycles - beats)
    starts = range(0, len(values), beats)
    return {
        "in_valid": [bit for _ in starts for bit in (*[1] * beats, *idle)],
        "in_data": [value for at in starts for value in (*values[at : at + beats], *idle)],
    }


def setup_ports(parameters: bytes) -> dict[str, list[int]]:
    """Reset, then write the programmable parameters: values of the ports in every cycle."""
    reset = {"rst": [1] * RESET_CYCLES + [0] * len(parameters)}
    if not parameters:
        return reset
    quiet = [0] * RESET_CYCLES
    return reset | {
        "cfg_we": quiet + [1] * len(parameters),
        "cfg_address": quiet + list(range(len(parameters))),
        "cfg_data": quiet + list(parameters),
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
