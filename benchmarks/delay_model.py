"""Predicted against timed critical paths of the benchmark networks: none of them is a calibration point.

Usage: python -m benchmarks.delay_model TECHNOLOGY NETWORK... [--liberty FILE]
Rows are added to results/delay_model.json, and the table is written from it; finished synthesis jobs are kept.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.models import load_bench
from codesign.critical_path import PathModel
from codesign.delay import NAMES, technology
from codesign.files import read_json, write_json, write_text
from codesign.flows.calibrate import predicted_area
from codesign.flows.calibration_points import CLOCK_NS, registered
from codesign.flows.timing_run import measure
from codesign.flows.yosys_job import tool_version
from codesign.graph import Graph
from codesign.options import RunOptions
from codesign.rtl import emit, write_rtl

RESULTS = Path(__file__).parent / "results"
NETWORKS = ("in_edge", "in_edge2", "in_node", "jet_sp50", "jet_trained", "econ_trained", "econt")
LIMIT_PERCENT = 15.0


@dataclass(frozen=True)
class Row:
    """One network in one technology; areas in the unit of the technology."""

    network: str
    technology: str
    timed_ns: float
    predicted_ns: float
    critical_node: str
    area: float
    predicted_area: float

    @property
    def percent(self) -> float:
        """Error of the predicted critical path."""
        return 100 * (self.predicted_ns / self.timed_ns - 1)

    @property
    def area_percent(self) -> float:
        """Error of the predicted area."""
        return 100 * (self.predicted_area / self.area - 1)


def network(name: str, data: Path) -> Graph:
    """Return a benchmark network, rounding half to even; `econt` is the design that comes with the package."""
    if name != "econt":
        return load_bench(data / "bench" / f"{name}.json", "half_even")
    from codesign.flows.designs import econt

    return econt.bind(RunOptions("econt", Path(), vectors=1)).graph


def row(name: str, graph: Graph, tech_name: str, liberty: Path | None, work: Path, timeout_s: float) -> Row:
    """Predict, synthesise and time one network with registers at its inputs."""
    tech, plan = technology(tech_name), registered(graph)
    model = PathModel(graph, plan, tech.fabric)
    path = model.critical_path(tech)
    rtl = emit(graph, plan, tmr="none", clock_ns=CLOCK_NS, fabric=tech.fabric)
    folder = write_rtl(rtl, work / "rtl" / tech.fabric / name)
    measured = measure(folder, tech_name, liberty, work, clock_ns=CLOCK_NS, timeout_s=timeout_s)
    area = predicted_area(model, tech, rtl.manifest["register_bits"])
    timed = round(measured.timing.critical_path_ns, 4)
    return Row(name, tech_name, timed, round(path.ns, 4), path.node, round(measured.area, 1), round(area, 1))


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown, with the largest error of each technology."""
    lines = [
        "| network | technology | timed ns | predicted ns | error % | area | predicted area | error % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in sorted(rows, key=lambda r: (NAMES.index(r.technology), NETWORKS.index(r.network))):
        mark = " (over)" if abs(one.percent) > LIMIT_PERCENT else ""
        lines.append(
            f"| {one.network} | {one.technology} | {one.timed_ns:.2f} | {one.predicted_ns:.2f} "
            f"| {one.percent:+.1f}{mark} | {one.area:.0f} | {one.predicted_area:.0f} | {one.area_percent:+.1f} |"
        )
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("tech", type=click.Choice(NAMES))
@click.argument("networks", type=click.Choice(NETWORKS), nargs=-1, required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), default=Path("../shared/data"))
@click.option("--liberty", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), default=Path("build/delay_model"))
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS)
@click.option("--timeout-s", type=float, default=900.0, show_default=True)
def main(
    tech: str,
    networks: tuple[str, ...],
    data: Path,
    liberty: Path | None,
    work: Path,
    results: Path,
    timeout_s: float,
) -> None:
    """Compare the model with static timing."""
    path = results / "delay_model.json"
    for name in networks:
        one = row(name, network(name, data), tech, liberty, work, timeout_s)
        content: dict[str, Any] = read_json(path) if path.is_file() else {"rows": []}
        rows = [Row(**r) for r in content["rows"] if (r["network"], r["technology"]) != (name, tech)]
        rows = sorted([*rows, one], key=lambda r: (r.technology, r.network))
        write_json(path, {"yosys": tool_version(), "rows": [asdict(r) for r in rows]})
        write_text(results / "delay_model.md", table(rows))
        click.echo(f"{name} {tech}: {one.timed_ns:.2f} ns, predicted {one.predicted_ns:.2f} ns ({one.percent:+.1f} %)")


if __name__ == "__main__":
    main()
