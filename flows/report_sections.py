"""What the steps of a run found, as sections of a report; sources are named as the caller sees them."""

from collections.abc import Mapping
from typing import Any

from codesign.flows.node_area import NodeCells
from codesign.flows.place_ecp5 import Placed
from codesign.flows.power import NodePower, PowerResult
from codesign.flows.static_timing import StaticTiming
from codesign.flows.yosys import AsicResult, FlipFlopCount, FpgaResult
from codesign.flows.yosys_job import SourceFile
from codesign.report import Comparison, Equality, Kind, Quantity, Registers, Resources, Sections


def quantity(value: float, unit: str, kind: Kind, source: SourceFile) -> Quantity:
    """Return a number with the file that it was read from."""
    return Quantity(value=value, unit=unit, kind=kind, source=source.name, sha256=source.sha256)


def predicted_sections(manifest: Mapping[str, Any], expected_bits: int, source: SourceFile) -> Sections:
    """Return what the manifest of the Verilog promises: latency, interval, throughput, register bits."""
    clock_ns, latency, ii = (manifest[name] for name in ("clock_ns", "latency_cycles", "ii_cycles"))

    def one(value: float, unit: str) -> Comparison:
        return Comparison(predicted=quantity(value, unit, "predicted", source))

    return Sections(
        latency_cycles=one(latency, "cycles"),
        latency=one(latency * clock_ns, "ns"),
        initiation_interval_cycles=one(ii, "cycles"),
        initiation_interval=one(ii * clock_ns, "ns"),
        throughput=quantity(1e3 / (ii * clock_ns), "events/us", "predicted", source),
        registers=Registers(
            declared=quantity(manifest["register_bits"], "bit", "predicted", source),
            expected=quantity(expected_bits, "bit", "predicted", source),
        ),
    )


def measured_sections(latency_cycles: int, ii_cycles: int, clock_ns: float, source: SourceFile) -> Sections:
    """Return what the testbench measured in every case (all alike, or it would have failed)."""

    def one(value: float, unit: str) -> Comparison:
        return Comparison(measured=quantity(value, unit, "measured", source))

    return Sections(
        latency_cycles=one(latency_cycles, "cycles"),
        latency=one(latency_cycles * clock_ns, "ns"),
        initiation_interval_cycles=one(ii_cycles, "cycles"),
        initiation_interval=one(ii_cycles * clock_ns, "ns"),
    )


def equality_rows(counts: Mapping[str, tuple[int, int]], source: SourceFile) -> tuple[Equality, ...]:
    """Return a row for every comparison: name, how many values are equal, and of how many."""
    return tuple(
        Equality(name=name, equal=equal, total=total, source=source.name, sha256=source.sha256)
        for name, (equal, total) in counts.items()
    )


def timing_section(timing: StaticTiming, name: str, clock_ns: float, source: SourceFile) -> Resources:
    """Return critical path, what is left of the clock period and of the hold time, and the highest frequency.

    A timing that knows no hold times leaves out launch and setup as well, and is an estimate.
    """
    numbers = {
        "critical path": (timing.critical_path_ns, "ns"),
        "setup slack": (round(timing.slack_ns(clock_ns), 4), "ns"),
        "Fmax": (1e3 / timing.critical_path_ns, "MHz"),
    }
    if timing.hold_slack_ns is not None:
        numbers["hold slack"] = timing.hold_slack_ns, "ns"
    kind: Kind = "estimated" if timing.hold_slack_ns is None else "synthesised"
    found = {key: quantity(value, unit, kind, source) for key, (value, unit) in numbers.items()}
    return Resources(name=name, method=timing.method, quantities=found)


def registers_section(count: FlipFlopCount, manifest: SourceFile) -> Registers:
    """Return declared, expected and synthesised register bits; `manifest` is the file that declares them."""
    return Registers(
        declared=quantity(count.declared_bits, "bit", "predicted", manifest),
        expected=quantity(count.expected_bits, "bit", "predicted", manifest),
        after_synthesis=_synthesised(count.flip_flop_bits, "bit", count.source),
    )


def area_section(result: AsicResult) -> Resources:
    """Return cell area, NAND2 equivalents, cells and flip-flops; transistors where no library was given."""
    numbers: dict[str, tuple[float | None, str]] = {
        "cell area": (result.area_um2, "um2"),
        "of it flip-flops": (result.sequential_area_um2, "um2"),
        "transistors": (result.transistor_count, ""),
        "NAND2 equivalents": (result.nand2_equivalents, ""),
        "cells": (result.cell_count, ""),
        "flip-flops": (result.flip_flop_bits, "bit"),
    }
    name = "no library" if result.liberty is None else result.liberty.name
    found = {
        key: _synthesised(value, unit, result.source) for key, (value, unit) in numbers.items() if value is not None
    }
    nodes = {node: _node_area(part, result) for node, part in result.nodes.items()}
    name += ", node by node" if nodes else ""
    return Resources(name=name, method=result.method, quantities=found, nodes=nodes)


def _node_area(part: NodeCells, result: AsicResult) -> dict[str, Quantity]:
    numbers: dict[str, tuple[float, str]] = {
        "cell area": (part.area_um2, "um2"),
        "of it flip-flops": (part.sequential_area_um2, "um2"),
        "cells": (part.cell_count, ""),
        "flip-flops": (part.flip_flop_bits, "bit"),
    }
    if result.nand2_um2:
        numbers["NAND2 equivalents"] = part.area_um2 / result.nand2_um2, ""
    return {key: _synthesised(value, unit, result.source) for key, (value, unit) in numbers.items()}


def fpga_section(result: FpgaResult) -> Resources:
    """Return the primitives of the FPGA mapping, and those of each node where they are known."""

    def quantities(counts: Mapping[str, int]) -> dict[str, Quantity]:
        return {key: _synthesised(value, "", result.source) for key, value in counts.items()}

    nodes = {node: quantities(counts) for node, counts in result.nodes.items()}
    return Resources(name="Xilinx UltraScale+", method=result.method, quantities=quantities(result.counts), nodes=nodes)


def placed_sections(placed: Placed) -> tuple[Resources, Resources]:
    """Return timing and resources of a routed block."""
    name, source = f"Lattice {placed.part}", placed.source
    times = {"Fmax": (placed.fmax_mhz, "MHz"), "critical path": (1e3 / placed.fmax_mhz, "ns")}
    timing = {
        key: Quantity(value=value, unit=unit, kind="measured", source=source.name, sha256=source.sha256)
        for key, (value, unit) in times.items()
    }
    counts = {key: _synthesised(value, "", source) for key, value in placed.counts.items()}
    return (
        Resources(name=name, method=placed.method, quantities=timing),
        Resources(name=name, method=placed.method, quantities=counts),
    )


def power_section(result: PowerResult, library_name: str, activity: SourceFile, interval_ns: float) -> Resources:
    """Return the estimated power and its parts, and the energy per inference: power x `interval_ns`, the interval.

    `activity` is the file of the toggles that were simulated.
    """

    def quantities(power: NodePower) -> dict[str, Quantity]:
        numbers = {
            "total": (power.total_mw, "mW"),
            "switching": (power.switching_mw, "mW"),
            "internal": (power.internal_mw, "mW"),
            "leakage": (power.leakage_mw, "mW"),
            # mW x ns is pJ.
            "energy per inference": (power.total_mw * interval_ns, "pJ"),
        }
        return {key: _estimated(value, unit, activity) for key, (value, unit) in numbers.items()}

    nodes = {node: quantities(power) for node, power in result.nodes.items()} if len(result.nodes) > 1 else {}
    return Resources(name=library_name, method=result.method, quantities=quantities(result.whole), nodes=nodes)


def _estimated(value: float, unit: str, source: SourceFile) -> Quantity:
    return quantity(value, unit, "estimated", source)


def _synthesised(value: float, unit: str, source: SourceFile) -> Quantity:
    return quantity(value, unit, "synthesised", source)
