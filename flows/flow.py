"""The flow of a design as a list of steps; what each reads, what it depends on, and what it adds to the report."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from codesign.errors import VerificationError
from codesign.files import read_json, sha256_of, write_json, write_text
from codesign.fixed import Integers
from codesign.flows import yosys
from codesign.flows.corners import time_corners
from codesign.flows.design import Bound
from codesign.flows.environment import tool_versions
from codesign.flows.header_check import verify_header
from codesign.flows.input_files import content_sha256
from codesign.flows.place_ecp5 import place_ecp5
from codesign.flows.planning import compile_bound
from codesign.flows.power_run import estimate_powers
from codesign.flows.report_sections import (
    area_section,
    equality_rows,
    fpga_section,
    measured_sections,
    placed_sections,
    predicted_sections,
    quantity,
    registers_section,
)
from codesign.flows.rtl_input import read_rtl
from codesign.flows.run_folder import Flow, Step, StepFolder, Work
from codesign.flows.scaling import scaled_area
from codesign.flows.stream_check import verify_stream
from codesign.flows.synthesis import synthesis_ahead, synthesise
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.flows.tmr_constraints import describe, write_constraints
from codesign.flows.vendor_projects import write_projects
from codesign.flows.vendor_reports import vendor_resources
from codesign.flows.verification import CaseResult, verify_cases
from codesign.flows.yosys_job import KEPT, SourceFile
from codesign.options import RunOptions
from codesign.package import packaged
from codesign.report import Design, Equality, Report, Resources, Sections, check_constraints, write_report
from codesign.rtl import Rtl, write_rtl
from codesign.sections import in_folder, merged
from codesign.sim.exchange import read_words
from codesign.sim.verilator import lint
from codesign.target import read_target
from codesign.verify import Beats, decode_words

RTL, MANIFEST, GRAPH, BINDING = "rtl", "rtl/manifest.json", "graph.json", "binding.json"
EXACTNESS, SIMULATION, EQUALITY = "exactness.json", "simulation", "equality.json"
EQUALITY_TEXT, SYNTHESIS_TEXT, PLACED_TEXT = "equality.txt", "synthesis.txt", "placed.txt"
VENDOR_REPORTS = "reports"
WRAPPED, HEADER_EQUALITY, STREAM_EQUALITY = "axis", "header_equality.json", "stream_equality.json"
YOSYS_CACHE, SIMULATOR_CACHE = "yosys", "simulator"
BINDING_OPTIONS = (
    *("design", "model", "model_sha256", "data", "vectors", "weight_bits", "input_format", "rounding", "drop_bits"),
)
TIMING_OPTIONS = ("liberty", "corners", "clock_ns")
HARDWARE_OPTIONS = (
    *("reuse", "tmr", "tmr_nodes", "tmr_budget", "copy_spacing_um", "clock_ns", "config_bus", "wrapper"),
    *("architecture", "engines", "technology", "ii_cycles", "latency_cycles", "area_budget", "inner_cuts"),
)


def bind(work: Work) -> Sections:
    """Bind the design to its model and data; leave the graph, and digests of what it will be run on."""
    bound = work.bind()
    write_text(work.folder / GRAPH, bound.graph.to_json())
    write_json(work.folder / BINDING, _binding(bound))
    return Sections()


def _binding(bound: Bound) -> dict[str, Any]:
    cases = {one.name: {"parameters": _digests(one.parameters), "golden": _digests(one.golden)} for one in bound.cases}
    files = {path.name: content_sha256(path) for path in bound.files}
    return {"inputs": _digests(bound.inputs), "cases": cases, "files": files}


def _digests(arrays: Mapping[str, Integers]) -> dict[str, Any]:
    def digest(values: Integers) -> str:
        return hashlib.sha256(np.ascontiguousarray(values, dtype=np.int64).tobytes()).hexdigest()

    return {name: {"shape": list(np.shape(array)), "sha256": digest(array)} for name, array in arrays.items()}


def check(work: Work) -> Sections:
    """Compare the integer graph with the model, where the design has one; `VerificationError` if they differ."""
    bound = work.bind()
    if bound.check is None:
        work.say("the design has no model to compare its graph with")
        return Sections()
    found = bound.check(work.options.check_vectors, quiet=work.options.quiet)
    write_json(work.folder / EXACTNESS, vars(found))
    if found.mismatches or found.float32_unexplained:
        raise VerificationError(f"integer graph and model differ: {found.text}")
    rows = {f"integer graph = {found.reference}, every node": (found.values - found.mismatches, found.values)}
    return Sections(equality=equality_rows(rows, _own(work, EXACTNESS)))


def compile_(work: Work) -> Sections:
    """Emit the Verilog, lint it, and prove that all state goes through the triplicated register."""
    bound = work.bind()
    rtl = packaged(compile_bound(bound, work.options, work.clock_ns), bound.graph)
    _write_block(rtl, work.folder / RTL, work.folder / "lint")
    if rtl.wrapped:
        _write_block(rtl.wrapped, work.folder / WRAPPED, work.folder / "lint_wrapped")
    if work.options.tmr != "none":
        write_constraints(describe(rtl.manifest, work.options.copy_spacing_um), work.folder / "constraints")
    expected = read_rtl(work.folder / RTL).expected_flip_flop_bits
    return predicted_sections(rtl.manifest, expected, _own(work, MANIFEST))


def _write_block(rtl: Rtl, folder: Path, lint_dir: Path) -> None:
    write_rtl(rtl, folder)
    lint([folder / name for name, _ in rtl.files], rtl.manifest["top"], lint_dir)
    if rtl.manifest["protected_bits"]:
        prove_all_state_is_triplicated(folder)


def verify(work: Work) -> Sections:
    """Simulate every case and compare each value with the graph; `VerificationError` at the first difference."""
    rtl_dir = work.of("compile") / RTL
    folders = rtl_dir, work.folder / SIMULATION, work.cache / SIMULATOR_CACHE
    cases = verify_cases(work.bind(), *folders, quiet=work.options.quiet)
    write_json(work.folder / EQUALITY, {case.case: case.counts() for case in cases})
    write_text(work.folder / EQUALITY_TEXT, "".join(f"{case.text()}\n" for case in cases))
    first, clock_ns = cases[0], manifest_of(work)["clock_ns"]
    source = _own(work, f"{SIMULATION}/{first.case}/measured.json")
    measured = measured_sections(first.measured.latency_cycles, first.measured.ii_cycles, clock_ns, source)
    rows = equality_rows(dict(row for case in cases for row in _equalities(case)), _own(work, EQUALITY))
    return merged((measured, Sections(equality=(*rows, *_verify_header(work), *_verify_wrapper(work)))))


def _verify_wrapper(work: Work) -> tuple[Equality, ...]:
    """Stream events through the AXI4-Stream wrapper, where one was emitted, with random stalls on both sides."""
    axis_dir = work.of("compile") / WRAPPED
    if not axis_dir.exists():
        return ()
    found = verify_stream(work.bind(), axis_dir, work.folder / "stream", work.cache / SIMULATOR_CACHE)
    with (work.folder / EQUALITY_TEXT).open("a", encoding="utf-8") as text:
        text.write(f"{found.text()}\n")
    equal = found.values.values - found.values.mismatches
    stalls = f"stalls of seed {found.stalls.seed}"
    rows = {f"beats out of AXI4-Stream = beats due, {stalls}": (found.beats_out, found.beats_due)}
    rows[f"AXI4-Stream = integer graph, {stalls}"] = (equal, found.values.values)
    write_json(work.folder / STREAM_EQUALITY, {name: {"equal": e, "total": total} for name, (e, total) in rows.items()})
    return equality_rows(rows, _own(work, STREAM_EQUALITY))


def _verify_header(work: Work) -> tuple[Equality, ...]:
    """Compare the C++ header with the graph on the same events."""
    bound = work.bind()
    found = verify_header(bound, work.of("compile") / RTL / f"{bound.graph.name}.hpp", work.folder / "header")
    counts = {name: {"equal": one.values - one.mismatches, "total": one.values} for name, one in found.items()}
    write_json(work.folder / HEADER_EQUALITY, counts)
    rows = {f"C++ header = integer graph, case {name}": (one["equal"], one["total"]) for name, one in counts.items()}
    return equality_rows(rows, _own(work, HEADER_EQUALITY))


def _equalities(case: CaseResult) -> Iterator[tuple[str, tuple[int, int]]]:
    named = {"integer graph": case.graph} | {f"golden {name}": one for name, one in case.golden.items()}
    for name, one in named.items():
        yield f"RTL = {name}, case {case.case}", (one.values - one.mismatches, one.values)


def physics(work: Work) -> Sections:
    """Work out the physics of the RTL response of the first case, where the design knows of any."""
    bound = work.bind()
    if bound.physics is None:
        work.say("the design has no figures of merit")
        return Sections()
    words = read_words(work.of("verify") / SIMULATION / bound.cases[0].name / "back_to_back.npy")
    outputs = decode_words(bound.graph, words, Beats.of(manifest_of(work)))
    return in_folder(Sections(physics=bound.physics(outputs, work.folder)), work.place)


def synthesis(work: Work) -> Sections:
    """Count flip-flops, map to cells and to an FPGA; `VerificationError` if triplication did not survive."""
    jobs = work.cache / YOSYS_CACHE
    jobs.mkdir(parents=True, exist_ok=True)
    (work.folder / KEPT).symlink_to(jobs.resolve(), target_is_directory=True)
    found = synthesise(work.of("compile") / RTL, work.folder, work.options.liberty, work.clock_ns)
    (work.folder / KEPT).unlink()
    write_text(work.folder / SYNTHESIS_TEXT, found.text() + "\n")
    areas = tuple(area_section(one) for one in (found.asic, found.by_node) if one is not None)
    mapped = Sections(area=areas, fpga=(fpga_section(found.fpga),))
    counted = registers_section(found.flip_flops, _of(work, "compile", MANIFEST))
    after = counted.after_synthesis and in_folder(counted.after_synthesis, work.place)
    registers = Sections(registers=counted.model_copy(update={"after_synthesis": after}))
    return merged((registers, in_folder(mapped, work.place)))


def begin_synthesis(work: Work) -> AbstractContextManager[Callable[[], object]]:
    """Run the jobs of synthesis on another core, into the cache."""
    jobs = work.cache / YOSYS_CACHE
    return synthesis_ahead(work.of("compile") / RTL, jobs, work.options.liberty, work.clock_ns)


def _mapped(work: Work, liberty: Path, *, by_node: bool) -> yosys.AsicResult:
    """The netlist that the synthesis step left in its folder; nothing is synthesised."""
    return yosys.synthesise_asic(
        work.of("compile") / RTL, liberty, work.of("synthesis"), work.clock_ns, borders=by_node
    )


def timing(work: Work) -> Sections:
    """Time the mapped netlist with the library that it was mapped to, and in the other corners."""
    liberty = work.options.liberty
    assert liberty is not None
    corners = {liberty.name: liberty, **dict(work.options.corners)}
    rtl = read_rtl(work.of("compile") / RTL)
    found = time_corners(_mapped(work, liberty, by_node=False), rtl, corners, work.folder, work.clock_ns)
    return in_folder(Sections(timing=found), work.place)


def power(work: Work) -> Sections:
    """Estimate the power of the mapped netlist on the run's own events."""
    liberty, manifest = work.options.liberty, manifest_of(work)
    assert liberty is not None
    if manifest.get("memory_bits"):  # a netlist is simulated from its cells, and memories are none
        work.say("the design has memories, which are no cells: no power")
        return Sections()
    parts = estimate_powers(work.bind(), _mapped(work, liberty, by_node=True), liberty, manifest, work.folder)
    return in_folder(Sections(power=parts), work.place)


def place(work: Work) -> Sections:
    """Place and route for ECP5, beside what synthesis said."""
    placed = place_ecp5(work.of("compile") / RTL, work.folder, work.clock_ns)
    timing, fpga = placed_sections(placed)
    write_text(work.folder / PLACED_TEXT, placed.text() + "\n")
    return in_folder(Sections(timing=(timing,), fpga=(fpga,)), work.place)


def projects(work: Work) -> Sections:
    """Write ready-to-run projects for vendors' tools."""
    spacing_um = work.options.copy_spacing_um
    write_projects(work.of("compile") / RTL, read_target(work.options.target), work.folder, spacing_um)
    return Sections()


def vendor(work: Work) -> Sections:
    """Keep the reports that vendors' tools wrote, and take their numbers."""
    parts: dict[str, list[Resources]] = {}
    kept = work.folder / VENDOR_REPORTS
    kept.mkdir()
    for path in work.options.vendor_reports:
        shutil.copyfile(path, kept / path.name)
        for section, resources in vendor_resources(path, f"{work.place}/{VENDOR_REPORTS}/{path.name}"):
            parts.setdefault(section, []).append(resources)
    return Sections.model_validate({section: tuple(found) for section, found in parts.items()})


def report(work: Work) -> Sections:
    """Put the numbers of all steps into one report and check the constraints."""
    manifest, manifest_file = manifest_of(work), _of(work, "compile", MANIFEST)
    folders = [StepFolder(work.of(step.name)) for step in FLOW if step.name in REPORTED and step.applies(work.options)]
    rtl = {f"{work.of('compile').name}/{RTL}/{name}": digest for name, digest in manifest["sha256"].items()}
    graph = _of(work, "bind", GRAPH)
    sections = merged(folder.sections() for folder in folders)
    if work.options.scale is not None:
        sections = merged((sections, Sections(area=(scaled_area(sections.area[0], *work.options.scale),))))
    found = Report(
        **dict(sections),
        design=Design(
            name=work.design.name,
            top=manifest["top"],
            tmr=manifest["tmr"],
            tmr_nodes=manifest["tmr_nodes"],
            single_points_of_failure=tuple(manifest["single_points_of_failure"]),
            clock=quantity(manifest["clock_ns"], "ns", "predicted", manifest_file),
        ),
        tool_versions=tool_versions(),
        hashes={graph.name: graph.sha256, **rtl, **read_json(work.of("bind") / BINDING)["files"]},
    )
    write_report(check_constraints(found, work.options.constraints or work.design.constraints), work.folder)
    return Sections()


def manifest_of(work: Work) -> dict[str, Any]:
    """Return the manifest of the emitted Verilog."""
    found: dict[str, Any] = read_json(work.of("compile") / MANIFEST)
    return found


def _own(work: Work, name: str) -> SourceFile:
    """A file of the step itself as the source of a number."""
    return SourceFile(f"{work.place}/{name}", sha256_of(work.folder / name))


def _of(work: Work, step: str, name: str) -> SourceFile:
    """A file of an earlier step as the source of a number."""
    return SourceFile(f"{work.of(step).name}/{name}", sha256_of(work.of(step) / name))


def _is_placed(options: RunOptions) -> bool:
    return options.place is not None


def _has_vendor_reports(options: RunOptions) -> bool:
    return bool(options.vendor_reports)


def _has_liberty(options: RunOptions) -> bool:
    return options.liberty is not None


REPORTED = ("bind", "check", "compile", "verify", "physics", "synthesis", "timing", "power", "place", "vendor")
FLOW: Flow = (
    Step("bind", (), BINDING_OPTIONS, bind),
    Step("check", ("bind",), ("check_vectors",), check),
    Step("compile", ("bind",), HARDWARE_OPTIONS, compile_),
    Step("verify", ("bind", "compile"), (), verify),
    Step("physics", ("bind", "compile", "verify"), (), physics),
    Step("synthesis", ("compile",), ("liberty", "clock_ns"), synthesis, ahead=begin_synthesis),
    Step(
        "timing",
        ("compile", "synthesis"),
        ("liberty", "corners"),
        timing,
        _has_liberty,
        programs=(("sta", "-version"),),
    ),
    Step("power", ("bind", "compile", "synthesis"), ("liberty",), power, _has_liberty),
    Step("place", ("compile",), ("place", "clock_ns"), place, _is_placed),
    Step("projects", ("compile",), ("target", "copy_spacing_um"), projects),
    Step("vendor", (), ("vendor_reports",), vendor, _has_vendor_reports),
    Step("report", REPORTED, ("constraints", "scale"), report),
)
