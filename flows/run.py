"""The flow of a design, step by step: bind, check, compile, verify, synthesise, report.

Every function takes the user's options and returns the text to print; results lie in `<output>/<design>`.
"""

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from codesign.errors import BadInputError, VerificationError
from codesign.files import read_json, write_json, write_text
from codesign.flows.design import Bound, Design, Exactness
from codesign.flows.liberty import read_liberty
from codesign.flows.planning import compile_bound, estimate_text
from codesign.flows.power_run import estimate_powers
from codesign.flows.report_run import Findings, assemble
from codesign.flows.synthesis import synthesis_ahead, synthesise
from codesign.flows.tmr import prove_all_state_is_triplicated
from codesign.flows.tmr_constraints import describe, write_constraints
from codesign.flows.upset_rate import RESULT as RATE_RESULT
from codesign.flows.upset_rate import rate_text
from codesign.flows.verification import CaseResult, verify_cases
from codesign.options import RunOptions
from codesign.report import Resources, parse_constraints, read_report, render_text, write_report
from codesign.rtl import write_rtl
from codesign.sim.verilator import lint

Manifest = dict[str, Any]
CHECK_VECTORS = 100_000
RESULTS = (
    *("report.json", "report.txt", "exactness.json", "equality.json", "physics.json", "events.png", "roc.png"),
    RATE_RESULT,
)


@dataclass
class Stopwatch:
    """Wall time of each step in seconds, in order; each step is announced on stderr."""

    times_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        click.echo(f"{name} ...", err=True)
        start = time.perf_counter()
        yield
        self.times_s[name] = round(time.perf_counter() - start, 2)
        click.echo(f"{name}: {self.times_s[name]} s", err=True)


def load_design(name: str) -> Design:
    """Return the design of `flows/designs/<name>.py`."""
    design: Design = importlib.import_module(f"codesign.flows.designs.{name}").DESIGN
    return design


def result_folder(options: RunOptions) -> Path:
    """Where the results of a run lie."""
    return options.output / options.design


def run_demo(output: Path) -> str:
    """Run the ECON-T encoder end to end on embedded data."""
    return run_design(RunOptions("econt", output))


def run_design(options: RunOptions) -> str:
    """Run every step and return the summary, ending with the path of the report."""
    watch = Stopwatch()
    _check_early(options)
    design, bound = _bind(options, watch)
    folder, clock_ns = result_folder(options), options.clock_ns or design.clock_ns
    _remove_results(folder)
    exactness = _check(bound, CHECK_VECTORS, folder, watch)
    manifest = _compile(bound, options, clock_ns, watch)
    with synthesis_ahead(folder, options.liberty, clock_ns) as finish_synthesis:
        cases = _verify(bound, folder, watch)
        with watch.step("physics"):
            rows = bound.physics(cases[0].outputs, folder) if bound.physics else ()
        with watch.step("wait for synthesis"):
            synthesis = finish_synthesis()
    watch.times_s |= synthesis.times_s
    power: tuple[Resources, ...] = ()
    if options.liberty and not manifest.get(
        "memory_bits"
    ):  # a netlist is simulated from its cells, and memories are none
        with watch.step("estimate power"):
            power = estimate_powers(bound, synthesis.asic, options.liberty, manifest)
    findings = Findings(design, bound, manifest, exactness, cases, synthesis, power, rows)
    report = assemble(findings, options, folder, watch.times_s)
    path = write_report(report, folder)
    return f"{render_text(report)}\nreport: {path}"


def _remove_results(folder: Path) -> None:
    """A run that fails must not leave the results of an earlier one as if they were its own."""
    for name in RESULTS:
        (folder / name).unlink(missing_ok=True)


def check_design(options: RunOptions) -> str:
    """Compare the integer graph with the model on corners and random inputs."""
    watch = Stopwatch()
    _, bound = _bind(options, watch)
    if bound.check is None:
        raise BadInputError(f"design '{options.design}' has no model to check against; use `codesign verify`")
    exactness = _check(bound, options.vectors or CHECK_VECTORS, result_folder(options), watch)
    return exactness.text if exactness else ""


def compile_design(options: RunOptions) -> str:
    """Emit the Verilog."""
    watch = Stopwatch()
    design, bound = _bind(options, watch)
    manifest = _compile(bound, options, options.clock_ns or design.clock_ns, watch)
    return (
        f"{manifest['top']}: latency {manifest['latency_cycles']} cycles, initiation interval "
        f"{manifest['ii_cycles']}, {manifest['register_bits']} register bits\n"
        f"{estimate_text(manifest)}{result_folder(options) / 'rtl'}"
    )


def verify_design(options: RunOptions) -> str:
    """Emit, simulate and compare."""
    watch = Stopwatch()
    design, bound = _bind(options, watch)
    _remove_results(result_folder(options))
    _compile(bound, options, options.clock_ns or design.clock_ns, watch)
    return "\n".join(_case_line(case) for case in _verify(bound, result_folder(options), watch))


def synthesise_design(options: RunOptions) -> str:
    """Emit and synthesise."""
    _, _, clock_ns = prepare(options, Stopwatch())
    return synthesise(result_folder(options), options.liberty, clock_ns).text()


def prepare(options: RunOptions, watch: Stopwatch) -> tuple[Bound, Manifest, float]:
    """Bind and emit a design for a command of its own; return its manifest and its clock period in ns too."""
    _check_early(options)
    design, bound = _bind(options, watch)
    clock_ns = options.clock_ns or design.clock_ns
    return bound, _compile(bound, options, clock_ns, watch), clock_ns


def show_report(folder: Path) -> str:
    """Return the summary of an earlier run, with its upset campaign and failures per chip if there are any."""
    rate = rate_text(read_json(folder / RATE_RESULT)) if (folder / RATE_RESULT).exists() else ""
    upsets = (folder / "seu.txt").read_text(encoding="utf-8") if (folder / "seu.txt").exists() else ""
    return render_text(read_report(folder / "report.json")) + upsets + rate


def _check_early(options: RunOptions) -> None:
    """Read what is needed only at the end, so that a mistake in it costs seconds and not the whole run."""
    parse_constraints(options.constraints)
    if options.liberty is not None:
        read_liberty(options.liberty)


def _bind(options: RunOptions, watch: Stopwatch) -> tuple[Design, Bound]:
    with watch.step("bind model and data"):
        design = load_design(options.design)
        return design, design.bind(options)


def _check(bound: Bound, vectors: int, folder: Path, watch: Stopwatch) -> Exactness | None:
    if bound.check is None:
        return None
    with watch.step("check graph against model"):
        exactness = bound.check(vectors)
        write_json(folder / "exactness.json", vars(exactness))
    if exactness.mismatches or exactness.float32_unexplained:
        raise VerificationError(f"integer graph and model differ: {exactness.text}")
    return exactness


def _compile(bound: Bound, options: RunOptions, clock_ns: float, watch: Stopwatch) -> Manifest:
    folder = result_folder(options)
    with watch.step("compile to Verilog"):
        rtl = compile_bound(bound, options, clock_ns)
        write_rtl(rtl, folder / "rtl")
        if options.tmr != "none":
            write_constraints(describe(rtl.manifest, options.copy_spacing_um), folder / "constraints")
        write_text(folder / "graph.json", bound.graph.to_json())
    with watch.step("lint and proof of triplication"):
        lint([folder / "rtl" / name for name, _ in rtl.files], bound.graph.name, folder / "lint")
        if rtl.manifest["protected_bits"]:
            prove_all_state_is_triplicated(folder / "rtl")
    return rtl.manifest


def _verify(bound: Bound, folder: Path, watch: Stopwatch) -> tuple[CaseResult, ...]:
    with watch.step("simulate and compare"):
        results = verify_cases(bound, folder / "rtl", folder / "simulation", folder / "build")
        write_json(folder / "equality.json", {case.case: case.counts() for case in results})
    return results


def _case_line(case: CaseResult) -> str:
    golden = "".join(f"; golden {name} {g.values - g.mismatches}/{g.values}" for name, g in case.golden.items())
    return (
        f"{case.case}: {case.graph.values - case.graph.mismatches}/{case.graph.values} values equal{golden}; latency "
        f"{case.measured.latency_cycles} cycles, initiation interval {case.measured.ii_cycles}"
    )
