"""Results of synthesis and of the power estimate as sections of a report."""

from collections.abc import Mapping

from codesign.flows.node_area import NodeCells
from codesign.flows.place_ecp5 import Placed
from codesign.flows.power import NodePower, PowerResult
from codesign.flows.yosys import AsicResult, FlipFlopCount, FpgaResult
from codesign.flows.yosys_job import SourceFile
from codesign.report import Quantity, Registers, Resources


def registers_section(count: FlipFlopCount, manifest: SourceFile) -> Registers:
    """Return declared, expected and synthesised register bits; `manifest` is the file that declares them."""
    declared = {"kind": "predicted", "source": manifest.name, "sha256": manifest.sha256}
    return Registers(
        declared=Quantity.model_validate({"value": count.declared_bits, "unit": "bit", **declared}),
        expected=Quantity.model_validate({"value": count.expected_bits, "unit": "bit", **declared}),
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


def power_section(result: PowerResult, library_name: str, netlist: SourceFile, interval_ns: float) -> Resources:
    """Return the estimated power and its parts, and the energy per inference: power x `interval_ns`, the interval.

    `netlist` is the mapped netlist that was simulated.
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
        return {key: _estimated(value, unit, netlist) for key, (value, unit) in numbers.items()}

    nodes = {node: quantities(power) for node, power in result.nodes.items()} if len(result.nodes) > 1 else {}
    return Resources(name=library_name, method=result.method, quantities=quantities(result.whole), nodes=nodes)


def _estimated(value: float, unit: str, source: SourceFile) -> Quantity:
    return Quantity(value=value, unit=unit, kind="estimated", source=source.name, sha256=source.sha256)


def _synthesised(value: float, unit: str, source: SourceFile) -> Quantity:
    return Quantity(value=value, unit=unit, kind="synthesised", source=source.name, sha256=source.sha256)
