"""Figures of a run: event displays on the hexagon and the distribution of the energy mover's distance."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from codesign.data.geometry import LATTICE_XY
from codesign.files import write_with

Reals = NDArray[np.float64]
SHOWN_EVENTS = 2
DPI = 110


def event_figure(reference: Reals, response: Reals, distances: Mapping[str, Reals], path: Path) -> Path:
    """Draw input, decoded response and difference of the first events, and histograms of `distances` (events,) by name.

    `reference`, `response`: charges (events, 48) in ADC counts. The PNG at `path` is whole or absent.
    """
    figure = Figure(figsize=(12, 3.1 * SHOWN_EVENTS), layout="constrained")
    grid = figure.add_gridspec(SHOWN_EVENTS, 4, width_ratios=[1, 1, 1, 1.5])
    for event in range(min(SHOWN_EVENTS, len(reference))):
        images = {
            "input": reference[event],
            "decoded from RTL": response[event],
            "difference": response[event] - reference[event],
        }
        top = float(max(reference[event].max(), response[event].max()))
        for column, (title, image) in enumerate(images.items()):
            axes = figure.add_subplot(grid[event, column])
            _module(figure, axes, image, top, signed=title == "difference")
            axes.set_title(f"event {event}: {title}", fontsize=9)
    _histograms(figure.add_subplot(grid[:, 3]), distances)
    return write_with(
        path, lambda temporary: figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})
    )


def _module(figure: Any, axes: Any, image: Reals, top: float, *, signed: bool) -> None:
    colours = {"cmap": "RdBu_r", "vmin": -top, "vmax": top} if signed else {"cmap": "viridis", "vmin": 0.0, "vmax": top}
    drawn = axes.scatter(*LATTICE_XY.T, c=image, marker="h", s=190, edgecolors="none", **colours)
    axes.set_aspect("equal")
    axes.axis("off")
    figure.colorbar(drawn, ax=axes, shrink=0.8, label="ADC counts")


def _histograms(axes: Any, distances: Mapping[str, Reals]) -> None:
    kept = {name: values[np.isfinite(values)] for name, values in distances.items()}
    bins = np.linspace(0.0, max(float(np.percentile(values, 99)) for values in kept.values()), 41)
    for name, values in kept.items():
        axes.hist(values, bins, histtype="step", density=True, label=f"{name}, mean {values.mean():.2f}")
    axes.set_xlabel("energy mover's distance of shapes [half pitches]")
    axes.set_ylabel("events, normalised")
    axes.legend(fontsize=8, frameon=False)
