"""Synthesise the calibration points of the estimates: `python -m codesign.flows.measure_estimates xcup`.

Writes a row after each point, so that a run that was ended goes on where it stopped.
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from codesign.delay import technology
from codesign.errors import CodesignError
from codesign.estimate_model import ESTIMATED
from codesign.files import read_json, write_json
from codesign.flows.design import Bound
from codesign.flows.estimate_points import EstimatePoint, estimate_points
from codesign.flows.power_run import estimate_powers
from codesign.flows.yosys import synthesise_asic, synthesise_xilinx
from codesign.rtl import emit, write_rtl

STRIDE = 47  # so that a part of the points is a fair choice of them


@dataclass(frozen=True)
class Row:
    """What synthesis says of one point: area in the unit of the technology; power without glitches, standard cells."""

    point: str
    area: float
    flip_flop_bits: int
    register_bits: int
    power_mw: float | None = None


def measure(point: EstimatePoint, name: str, liberty: Path | None, work: Path) -> Row:
    """Emit, synthesise and, on standard cells, simulate one point; they need their `liberty` file, LUTs have none."""
    graph, fabric = point.graph, technology(name).fabric
    plan = point.schedule(graph)
    rtl = emit(graph, plan, tmr=point.tmr, clock_ns=point.clock_ns, fabric=fabric)
    folder = work / "rtl" / fabric / point.name
    if folder.exists():
        shutil.rmtree(folder)
    write_rtl(rtl, folder)
    bits = rtl.manifest["register_bits"]
    if liberty is None:
        fpga = synthesise_xilinx(folder, work / "jobs")
        return Row(point.name, fpga.luts, fpga.flip_flops, bits)
    asic = synthesise_asic(folder, liberty, work / "jobs", point.clock_ns)
    assert asic.area_um2 is not None  # a liberty file was given
    bound = Bound(graph, point.events)
    (power,) = estimate_powers(bound, asic, liberty, rtl.manifest, folder, models=("zero",))
    total = power.quantities["total"].value
    return Row(point.name, asic.area_um2, asic.flip_flop_bits, bits, float(total))


@click.command()
@click.argument("name", type=click.Choice(ESTIMATED))
@click.option("--liberty", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), default=Path("build/estimates"))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--only", "shapes", multiple=True, metavar="SHAPE", help="Points of these shapes; default: all.")
def main(name: str, liberty: Path | None, work: Path, output: Path, shapes: tuple[str, ...]) -> None:
    """Measure every point for technology NAME."""
    if (technology(name).fabric == "cells") != (liberty is not None):
        raise click.UsageError("standard cells need --liberty, look-up tables have none")
    rows = {row["point"]: row for row in read_json(output)} if output.is_file() else {}
    points = [point for point in estimate_points() if not shapes or point.shape.name in shapes]
    for k in range(len(points)):
        point = points[k * STRIDE % len(points)]
        if point.name in rows:
            continue
        try:
            row = measure(point, name, liberty, work)
        except CodesignError as error:
            click.echo(f"{point.name}: {error}", err=True)
            continue
        rows[point.name] = asdict(row)
        click.echo(row)
        write_json(output, list(rows.values()))


if __name__ == "__main__":
    main()
