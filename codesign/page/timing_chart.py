"""The schedule as a chart: in which cycles every node works on an event, and when the next event follows."""

from collections.abc import Mapping, Sequence
from functools import partial
from operator import mul
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from codesign.page.drawing import Drawing, diagram_style, finished
from codesign.page.nodes import Slot, slots

WIDTH_INCHES = 9.4
ROW_INCHES = 0.26
MARGIN_INCHES = 1.15
BUSY, PASSING, NEXT, INK = "#3f6fb5", "#9db8dd", "#e4e9f0", "#1b1f24"


def timing_drawing(manifest: Mapping[str, Any], order: Sequence[str]) -> Drawing:
    """Return the chart of one event, the next one behind it in grey where it begins before the first is through.

    `order` is that of the nodes in the graph.
    """
    rows, latency, interval = slots(manifest, order), manifest["latency_cycles"], manifest["ii_cycles"]
    end = max([latency, *(slot.start + max(slot.latency_cycles, slot.ii_cycles) for slot in rows.values())])
    with diagram_style():
        height = MARGIN_INCHES + ROW_INCHES * len(rows)
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        axes = figure.subplots()
        for row, slot in enumerate(rows.values()):
            _bars(axes, row, slot, interval, end)
        _frame(axes, list(rows), (latency, interval, end), manifest["clock_ns"])
        return finished(figure, "schedule", "Schedule", _in_words(rows, latency, interval))


def _bars(axes: Any, row: int, slot: Slot, interval: int, end: int) -> None:
    following = slot.start + interval
    if following < end:
        axes.barh(row, min(max(slot.ii_cycles, 1), end - following), left=following, height=0.62, color=NEXT, zorder=1)
    if slot.latency_cycles:
        axes.barh(row, max(slot.ii_cycles, 1), left=slot.start, height=0.62, color=PASSING, zorder=2)
        axes.barh(row, slot.latency_cycles, left=slot.start, height=0.32, color=BUSY, zorder=3)
    else:
        axes.barh(
            row,
            1,
            left=slot.start,
            height=0.62,
            facecolor="white",
            edgecolor=BUSY,
            hatch="////",
            linewidth=0.8,
            zorder=2,
        )


def _frame(axes: Any, names: list[str], cycles: tuple[int, int, int], clock_ns: float) -> None:
    latency, interval, end = cycles
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, end * 1.02 + 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="#d5dae1", linewidth=0.6, zorder=0)
    axes.axvline(latency, color="#b3261e", linewidth=1.4, zorder=4)
    axes.set_xlabel(f"clock cycle; result after {latency}, next event after {interval}", fontsize=8.5)
    above = axes.secondary_xaxis("top", functions=(partial(mul, clock_ns), partial(mul, 1 / clock_ns)))
    above.set_xlabel("ns", fontsize=8.5)
    above.tick_params(labelsize=8)
    for side in ("right", "left"):
        axes.spines[side].set_visible(False)


def _in_words(rows: Mapping[str, Slot], latency: int, interval: int) -> str:
    listed = "; ".join(
        f"{name} starts in cycle {slot.start}, result {slot.latency_cycles} later" for name, slot in rows.items()
    )
    return f"Timing chart: latency {latency} cycles, a new event every {interval} cycles. {listed}."
