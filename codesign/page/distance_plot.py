"""Energy mover's distance of the design and of the chip's other algorithms against occupancy and energy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from codesign.data.shower import OCCUPANCY_THRESHOLD
from codesign.metrics import CENTRAL_68
from codesign.page.drawing import PLOT_INCHES, Drawing, finished, plot_style

Reals = NDArray[np.float64]
BINS = 8
DECADES = 10  # of an axis, as a ratio, from which on it is logarithmic
LEAST_EVENTS = 5  # of a bin; fewer tell nothing of a 68 % band
DESIGN = "RTL response"
MARKERS = "sDv^oP"


@dataclass(frozen=True)
class Binned:
    """Median and central 68 % of a value in bins of another one: arrays (bins,); `x` is the mean of the bin."""

    x: Reals
    median: Reals
    low: Reals
    high: Reals


def binned(x: Reals, values: Reals, bins: int = BINS) -> Binned:
    """Return medians of `values` (events,) in bins of `x` with equal numbers of events; NaN values are left out."""
    kept = np.isfinite(values)
    x, values = x[kept], values[kept]
    edges = np.unique(np.quantile(x, np.linspace(0.0, 1.0, bins + 1)))
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, max(len(edges) - 2, 0))
    groups = [place == index for index in range(max(len(edges) - 1, 1))]
    groups = [group for group in groups if group.sum() >= LEAST_EVENTS]
    spread = [np.percentile(values[group], [50.0, *CENTRAL_68]) for group in groups]
    median, low, high = np.array(spread).reshape(-1, 3).T
    return Binned(np.array([x[group].mean() for group in groups]), median, low, high)


def distance_drawings(charges: Reals, distances: Mapping[str, Reals]) -> tuple[Drawing, ...]:
    """Return distance against occupied cells and against the module sum.

    `charges` (events, 48) in ADC counts, `distances` (events,) in half pitches by model.
    """
    occupancy = (charges > OCCUPANCY_THRESHOLD).sum(axis=1).astype(np.float64)
    cells = f"Trigger cells above {OCCUPANCY_THRESHOLD} ADC counts"
    return (
        _drawing("emd_occupancy", "occupancy", occupancy, cells, distances),
        _drawing("emd_energy", "energy", charges.sum(axis=1), "Module sum [ADC counts]", distances),
    )


def _drawing(name: str, against: str, x: Reals, label: str, distances: Mapping[str, Reals]) -> Drawing:
    points = {model: binned(x, values) for model, values in distances.items()}
    with plot_style():
        figure = Figure(figsize=PLOT_INCHES, layout="constrained")
        axes = figure.subplots()
        _curves(axes, points)
        axes.set_xlabel(label)
        axes.set_ylabel("EMD of shapes [half pitches]")
        means = points[DESIGN].x
        axes.set_xscale("log" if means.min() > 0 and means.max() > DECADES * means.min() else "linear")
        axes.set_ylim(0, 1.4 * max(float(found.high.max()) for found in points.values()))
        axes.legend(fontsize=8.5, ncols=2, loc="upper left", handlelength=1.6)
        caption = f"Energy mover's distance against {against}: median, band and bars of the central 68 %"
        return finished(figure, name, caption, _in_words(against, points))


def _curves(axes: Any, points: Mapping[str, Binned]) -> None:
    """The design as a line in its band; the others as points with bars, side by side."""
    for index, (model, found) in enumerate(points.items()):
        colour = f"C{index % 6}"
        if model == DESIGN:
            axes.fill_between(found.x, found.low, found.high, color=colour, alpha=0.28, linewidth=0)
            axes.plot(
                found.x, found.median, color=colour, linewidth=2.2, marker="o", markersize=5, label=model, zorder=5
            )
            continue
        bars = [found.median - found.low, found.high - found.median]
        marker = MARKERS[index % len(MARKERS)]
        axes.errorbar(
            found.x,
            found.median,
            bars,
            fmt=marker,
            linestyle=":",
            color=colour,
            markersize=4,
            linewidth=1.1,
            label=model,
        )


def _in_words(against: str, points: Mapping[str, Binned]) -> str:
    ends = "; ".join(f"{name} {found.median[0]:.2f} to {found.median[-1]:.2f}" for name, found in points.items())
    return f"Median energy mover's distance in half pitches from the lowest to the highest {against}: {ends}."


def typical_events(distances: Reals, quantiles: Sequence[float] = (16.0, 50.0, 84.0)) -> tuple[int, ...]:
    """Return the numbers of the events whose distance is next to the given percentiles, each once."""
    known = np.flatnonzero(np.isfinite(distances))
    wanted = np.percentile(distances[known], quantiles)
    return tuple(dict.fromkeys(int(known[np.abs(distances[known] - value).argmin()]) for value in wanted))
