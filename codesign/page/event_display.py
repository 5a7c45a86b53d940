"""Event displays on the hexagonal cells of a module: input, what the RTL's latents decode to, difference, bits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from codesign.data.geometry import HEX_METRIC, LATTICE_XY
from codesign.page.drawing import Drawing, finished, plot_style
from codesign.page.text import TIMES

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
ROW_INCHES = 2.75
WIDTH_INCHES = 11.0
# Hexagons as wide as the narrowest distance of two cells, so that those at a seam touch.
_RADIUS = float(HEX_METRIC[HEX_METRIC > 0].min()) / np.sqrt(3)
_ANGLES = np.arange(6) * np.pi / 3
CELL_OUTLINES: Reals = LATTICE_XY[:, None, :] + _RADIUS * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1)
"""Corners of the cells in half pitches, (48, 6, 2)."""


@dataclass(frozen=True)
class Event:
    """One event: `charges` and `decoded` (48,) in ADC counts, latent codes (latents,) of `bits` bits, its distance."""

    number: int
    charges: Reals
    decoded: Reals
    latents: Integers
    bits: int
    distance: float


def event_drawing(events: Sequence[Event]) -> Drawing:
    """Return one row of displays for each of `events`."""
    with plot_style():
        figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * len(events)), layout="constrained")
        rows = figure.subfigures(len(events), 1, squeeze=False)[:, 0]
        for event, part in zip(events, rows, strict=True):
            _row(part, event)
        return finished(figure, "events", "Events with a small, a median and a large distance", _in_words(events))


def _row(part: Any, event: Event) -> None:
    panels = part.subplots(1, 4, gridspec_kw={"width_ratios": [1, 1, 1, 0.8]})
    top = float(max(event.charges.max(), event.decoded.max(), 1.0))
    _cells(part, panels[0], event.charges, (0.0, top), "Input")
    _cells(part, panels[1], event.decoded, (0.0, top), "Decoded from RTL")
    _cells(part, panels[2], event.decoded - event.charges, (-top, top), "Difference")
    _bits(panels[3], event)
    part.suptitle(f"Event {event.number}: EMD {event.distance:.3f} half pitches", fontsize=10, x=0.01, ha="left")


def _cells(part: Any, axes: Any, values: Reals, limits: tuple[float, float], title: str) -> None:
    colours = "RdBu_r" if limits[0] < 0 else "viridis"
    drawn = PolyCollection(list(CELL_OUTLINES), array=values, cmap=colours, edgecolor="#aab2bd", linewidth=0.4)
    drawn.set_clim(*limits)
    axes.add_collection(drawn)
    axes.autoscale_view()
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(title, fontsize=9)
    bar = part.colorbar(drawn, ax=axes, shrink=0.85, pad=0.02, aspect=14)
    bar.ax.tick_params(labelsize=7, size=2, which="both")
    bar.ax.minorticks_off()
    bar.outline.set_linewidth(0.5)
    bar.set_label("ADC counts", fontsize=7.5)


def _bits(axes: Any, event: Event) -> None:
    """Latents from top to bottom, each with its highest bit on the left; two's complement."""
    places = np.arange(event.bits - 1, -1, -1)
    bits = (event.latents[:, None] >> places) & 1
    axes.imshow(bits, cmap="Greys", vmin=0, vmax=1.35, aspect="auto", interpolation="nearest")
    axes.set_xticks(np.arange(event.bits + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(bits) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#aab2bd", linewidth=0.5)
    axes.tick_params(which="both", length=0, labelsize=6.5)
    axes.set_xticks([0, event.bits - 1], [str(event.bits - 1), "0"])
    step = max(1, len(bits) // 8)
    axes.set_yticks(range(0, len(bits), step), [str(n) for n in range(0, len(bits), step)])
    axes.set_title(f"Latents: {len(bits)}{TIMES}{event.bits} bit", fontsize=9)


def _in_words(events: Sequence[Event]) -> str:
    listed = "; ".join(
        f"event {e.number}: {e.charges.sum():.0f} ADC counts in {int((e.charges > 0).sum())} cells, decoded "
        f"{e.decoded.sum():.0f}, distance {e.distance:.3f} half pitches, latents "
        + " ".join(map(str, e.latents.tolist()))
        for e in events
    )
    return f"Hexagonal event displays of input, decoded response and difference, with the latent bits. {listed}."
