"""Runs of the same design beside this one: area against latency, and which of them no other beats in both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from codesign.page.drawing import PLOT_INCHES, Drawing, finished, plot_style
from codesign.page.files import PAGE, REPORT, Link, RunFolder
from codesign.page.text import UNITS, Cell, Table, table, with_unit, word
from codesign.report import Quantity

# What is compared: the first that all runs have.
COSTS = ("cell area", "NAND2 equivalents", "LUT")
LEAST_RUNS = 2


@dataclass(frozen=True)
class Point:
    """One run: latency and cost, and whether another run has less of the one and no more of the other."""

    run: RunFolder
    name: str
    latency: Quantity
    cost: Quantity
    is_beaten: bool = False


def points(run: RunFolder) -> tuple[str, tuple[Point, ...]]:
    """Return what is compared and the runs with both numbers; none if there are fewer than two."""
    siblings = list(run.siblings())
    for key in COSTS:
        found = [point for other in siblings if (point := _point(run, other, key))]
        if len(found) >= LEAST_RUNS and len(found) == len(siblings):
            return key, tuple(_ranked(found))
    return "", ()


def _point(run: RunFolder, other: RunFolder, key: str) -> Point | None:
    report = other.report
    cost = next((p.quantities[key] for p in (*report.area, *report.fpga) if key in p.quantities), None)
    if cost is None or report.latency.best is None:
        return None
    return Point(other, other.tag, report.latency.best, cost)


def _ranked(found: Sequence[Point]) -> list[Point]:
    return [Point(p.run, p.name, p.latency, p.cost, any(_beats(other, p) for other in found)) for p in found]


def _beats(one: Point, other: Point) -> bool:
    here, there = (one.latency.value, one.cost.value), (other.latency.value, other.cost.value)
    return here != there and all(a <= b for a, b in zip(here, there, strict=True))


def pareto_drawing(run: RunFolder) -> Drawing | None:
    """Return area against latency of all runs, the front as a line; None without a sweep."""
    key, found = points(run)
    if not found:
        return None
    front = sorted((p for p in found if not p.is_beaten), key=lambda p: p.latency.value)
    with plot_style():
        figure = Figure(figsize=PLOT_INCHES, layout="constrained")
        axes = figure.subplots()
        axes.plot(
            [p.latency.value for p in front],
            [p.cost.value for p in front],
            drawstyle="steps-post",
            color="C0",
            label="front",
        )
        for point in found:
            here = point.run.folder.resolve() == run.folder.resolve()
            style: dict[str, Any] = {
                "color": "C2" if here else "C4" if point.is_beaten else "C0",
                "marker": "*" if here else "o",
            }
            axes.plot(point.latency.value, point.cost.value, markersize=13 if here else 7, linestyle="", **style)
            axes.annotate(
                point.name, (point.latency.value, point.cost.value), (6, 5), textcoords="offset points", size=8
            )
        unit = found[0].cost.unit
        axes.set_xlabel("Latency [ns]")
        axes.set_ylabel(f"{key[:1].upper()}{key[1:]} [{UNITS.get(unit, unit)}]" if unit else key)
        axes.margins(0.18)
        axes.set_ylim(bottom=0)
        alt = "; ".join(f"{p.name} {with_unit(p.cost.value, p.cost.unit)} at {p.latency.value:g} ns" for p in found)
        return finished(
            figure, "pareto", f"{key} against latency; the star is this run", f"Runs of this design: {alt}."
        )


def pareto_table(run: RunFolder) -> Table | None:
    """The runs that the figure shows, each with the link to its own page or report."""
    key, found = points(run)
    rows = [
        [
            Cell(point.name, _link(run, point.run)),
            Cell(with_unit(point.latency.value, point.latency.unit), _link(run, point.run), is_number=True),
            Cell(with_unit(point.cost.value, point.cost.unit), _link(run, point.run), is_number=True),
            word("beaten", "open") if point.is_beaten else word("on the front", "good"),
        ]
        for point in found
    ]
    return table("Runs of this design", ("run", "latency", key, ""), rows)


def _link(run: RunFolder, other: RunFolder) -> Link:
    """The report of another run; its page may be written later than this one."""
    return run.link_to(other, PAGE if (other.folder / PAGE).is_file() else REPORT)
