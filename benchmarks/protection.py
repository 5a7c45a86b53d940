"""The cost of every mode of triplication: area, registers, critical path, power, failure bound.

Usage: python -m benchmarks.protection --data FOLDER [--only TEXT]
Emits, synthesises (NanGate45), times (OpenSTA), checks after synthesis, simulates the mapped netlist and injects upsets
and transients for each design and mode; minutes each on two cores. Writes benchmarks/results/protection.json, .md and
.png; rows that are there already are kept, the mode `selective` needs the row `none` of the same run.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from matplotlib.figure import Figure

from benchmarks.tables import table
from codesign.errors import CodesignError
from codesign.files import read_json, write_json, write_text, write_with
from codesign.flows.check_tmr import check_emitted
from codesign.flows.inject import inject
from codesign.flows.power_run import estimate_powers
from codesign.flows.run import compiled, opened
from codesign.flows.run_folder import CACHE
from codesign.flows.timing_run import measure as measure_timing
from codesign.flows.tmr_netlist import require
from codesign.flows.yosys import synthesise_asic, synthesise_gates
from codesign.inject_options import InjectOptions
from codesign.options import TMR_MODES, RunOptions

RESULTS = Path(__file__).parent / "results"
TECHNOLOGY, LIBERTY = "nangate45", "liberty/nangate45_typ.lib.gz"
UPSETS = {"none": 20_000, "selective": 20_000}  # enough for a fraction; of other modes, for the bound:
UPSETS_FOR_BOUND = 3_000_000
TRANSIENTS = 20_000
SELECTED_FRACTION = 0.5  # of the register bits, in mode selective
SELECTIVE = "selective"
MODES = (*TMR_MODES, SELECTIVE)
DESIGNS: Mapping[str, tuple[tuple[str, int], ...]] = {"jet_tagger": (("*", 8),), "econt": ()}
HEADER = (
    "design", "mode", "register bits, of them three times", "flip-flops", "area um2", "x none", "critical path ns",
    "power mW, no glitches", "upsets: failures of injected", "at most (95 %)",
    "transients in nets: failures", "of them in voters",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What one mode of one design costs and what is left; powers in mW, fractions of injections that did harm."""

    design: str
    mode: str
    register_bits: int
    protected_bits: int
    flip_flops: int
    area_um2: float
    critical_path_ns: float
    clock_ns: float
    power_mw: float
    upsets: int
    upset_failures: int
    upset_bound: float
    transient_failures: Mapping[str, tuple[int, int]]
    wall_s: float


def options_of(design: str, mode: str, work: Path, bits: int) -> RunOptions:
    """The options of a point; `bits` is the number of register bits."""
    selective = mode == SELECTIVE
    ranking = work / "none" / design / "inject" / "ranking.json"
    return RunOptions(
        design,
        work / mode,
        reuse=DESIGNS[design],
        tmr=f"{SELECTIVE}:{ranking}" if selective else mode,
        tmr_budget=round(SELECTED_FRACTION * bits) if selective else None,
    )


def measure(design: str, mode: str, data: Path, work: Path, bits: int) -> Row:
    """Build and measure one point; errors as in the commands of the flow."""
    started = time.perf_counter()
    options, liberty = options_of(design, mode, work, bits), data / LIBERTY
    with opened(options) as run:
        bound, manifest, rtl = compiled(run)
        campaign, work = run.path / "inject" / "seu.json", run.path / CACHE
    clock_ns = manifest["clock_ns"]
    require(check_emitted(rtl, synthesise_gates(rtl, work), None))
    timed = measure_timing(rtl, TECHNOLOGY, liberty, work, clock_ns=clock_ns, timeout_s=3600.0)
    asic = synthesise_asic(rtl, liberty, work, clock_ns)
    (power,) = estimate_powers(bound, asic, liberty, manifest, work, models=("zero",))
    inject(options, InjectOptions(faults=("registers",), samples=UPSETS.get(mode, UPSETS_FOR_BOUND)))
    upsets = read_json(campaign)
    inject(options, InjectOptions(faults=("transients",), samples=TRANSIENTS))
    transients = read_json(campaign)
    if mode == "none":
        inject(options, InjectOptions(faults=("registers",)))  # the ranking, exhaustive
    return Row(
        design,
        mode,
        manifest["register_bits"],
        manifest["protected_bits"],
        asic.flip_flop_bits,
        timed.area,
        timed.timing.critical_path_ns,
        clock_ns,
        power.quantities["total"].value,
        *_counts(upsets["campaigns"]["registers"]),
        upsets["campaigns"]["registers"]["failure_bound"],
        {name: _counts(one) for name, one in transients["transients"].items()},
        round(time.perf_counter() - started, 1),
    )


def _counts(campaign: Mapping[str, Any]) -> tuple[int, int]:
    return campaign["injections"], campaign["failures"]


def cells(row: Mapping[str, Any], none: Mapping[str, Any] | None) -> tuple[str, ...]:
    """One line of the table; `none` is the row of the same design without triplication."""
    logic, voters = (row["transient_failures"].get(name, (0, 0)) for name in ("logic", "voter"))
    return (
        row["design"],
        row["mode"],
        f"{row['register_bits']}, {row['protected_bits']}",
        str(row["flip_flops"]),
        f"{row['area_um2']:.0f}",
        f"{row['area_um2'] / none['area_um2']:.2f}" if none else "",
        f"{row['critical_path_ns']:.2f} of {row['clock_ns']:g}",
        f"{row['power_mw']:.1f}",
        f"{row['upset_failures']} of {row['upsets']}",
        f"{row['upset_bound']:.1e}" if row["upset_failures"] == 0 else f"{row['upset_bound']:.2f}",
        _fraction(logic),
        _fraction(voters),
    )


def _fraction(counts: Sequence[int]) -> str:
    injections, failures = counts
    return f"{failures} of {injections}" if injections else "-"


def document(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Markdown, with what was measured and how."""
    plain = {row["design"]: row for row in rows if row["mode"] == "none"}
    text = (
        "Written by `python -m benchmarks.protection`. Standard cells NanGate45 typical (Yosys, abc; no placement); "
        "critical path by OpenSTA with an ideal clock and no wires; power of the design's own events, no glitches. "
        f"Upsets of flip-flops and {TRANSIENTS} transients of nets are drawn over the design's events; "
        f"the bound is one-sided, 95 %. `selective` protects {SELECTED_FRACTION:.0%} of the register bits, the most "
        "sensitive of the exhaustive campaign on `none`. The jet tagger has reuse factor 8 in every layer."
    )
    lines = [cells(row, plain.get(row["design"])) for row in rows]
    return f"# Cost of protection\n\n{text}\n\n{table(HEADER, lines)}\n"


def figure(rows: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Draw area, flip-flops and power of every mode relative to none."""
    drawing = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, design in zip(drawing.subplots(1, 2), DESIGNS, strict=True):
        here = [row for row in rows if row["design"] == design]
        none = next((row for row in here if row["mode"] == "none"), None)
        if none is None:
            continue
        for offset, (key, label) in enumerate(
            (("area_um2", "area"), ("flip_flops", "flip-flops"), ("power_mw", "power"), ("critical_path_ns", "path"))
        ):
            places = [at + 0.2 * offset for at in range(len(here))]
            axes.bar(places, [row[key] / none[key] for row in here], width=0.2, label=label)
        axes.set_xticks([at + 0.3 for at in range(len(here))], [row["mode"] for row in here], rotation=30, ha="right")
        axes.set_title(design)
        axes.set_ylabel("relative to none")
    handles, labels = drawing.axes[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8)
    return write_with(path, lambda temporary: drawing.savefig(temporary, dpi=110, metadata={"Software": None}))


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--only", default="", help="Points whose name, as in jet_tagger_full, holds this text.")
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/protection"))
def main(data: Path, only: str, work: Path) -> None:
    """Measure every point that is not there yet; one that fails is named and passed over."""
    path = RESULTS / "protection.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    for design in DESIGNS:
        for mode in MODES:
            found = any((row["design"], row["mode"]) == (design, mode) for row in rows)
            if found or only not in f"{design}_{mode}":
                continue
            bits = next((row["register_bits"] for row in rows if row["design"] == design), 0)
            try:
                row = measure(design, mode, data, work, bits)
            except CodesignError as error:
                click.echo(f"{design} {mode}: {error}", err=True)
                continue
            rows.append(json.loads(json.dumps(asdict(row))))
            order = [(name, one) for name in DESIGNS for one in MODES]
            rows.sort(key=lambda one: order.index((one["design"], one["mode"])))
            write_json(path, rows)
            click.echo(f"{design} {mode}: {row.wall_s} s")
    write_text(path.with_suffix(".md"), document(rows))
    figure(rows, path.with_suffix(".png"))


if __name__ == "__main__":
    main()
