"""Figures of a run: event displays on the hexagon, distributions of the energy mover's distance, ROC curves."""

from collections.abc import Mapping, Sequence
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
LINES = ("-", "--", ":", "-.")


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
    return _saved(figure, path)


def roc_figure(scores: Mapping[str, Reals], labels: NDArray[np.int64], classes: Sequence[str], path: Path) -> Path:
    """Draw the ROC curve of each class against the rest, one panel a class, one line for each of `scores`.

    `scores`: (events, classes) by model. The PNG at `path` is whole or absent.
    """
    figure = Figure(figsize=(3.0 * len(classes), 3.2), layout="constrained")
    panels = figure.subplots(1, len(classes), squeeze=False, sharey=True)[0]
    for label, (axes, title) in enumerate(zip(panels, classes, strict=True)):
        for (name, values), style in zip(scores.items(), LINES, strict=False):
            order = np.argsort(-values[:, label], kind="stable")
            is_class = labels[order] == label
            efficiency, background = (np.cumsum(part) / max(part.sum(), 1) for part in (is_class, ~is_class))
            axes.plot(background, efficiency, style, label=name)
        axes.set_title(f"{title} against the rest", fontsize=9)
        axes.set_xlabel("background efficiency")
    panels[0].set_ylabel("signal efficiency")
    panels[-1].legend(fontsize=8, frameon=False, loc="lower right")
    return _saved(figure, path)


def _saved(figure: Any, path: Path) -> Path:
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
