"""The physics of a run as drawings, whatever kind of network it is: what `physics.json` holds says which."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.page.distance_plot import DESIGN, distance_drawings, typical_events
from codesign.page.drawing import Drawing
from codesign.page.event_display import Event, event_drawing
from codesign.page.files import EVENTS, VALUES, RunFolder
from codesign.page.roc_plot import roc_drawing

DISTANCE = "emd_shape"
# Decoding as the field does it, and filling the rest of the module sum; the curves of all would hide each other.
SHOWN = (DESIGN, "threshold sum", "best choice", "best choice, rest spread", "super trigger cell")


def physics_drawings(run: RunFolder) -> tuple[Drawing, ...]:
    """Return event displays and distances of an autoencoder, ROC curves of a classifier, nothing without physics."""
    values = run.content(VALUES)
    if values is None:
        return ()
    if "scores" in values:
        return (_roc(values),)
    events = run.content(EVENTS)
    return () if events is None else _autoencoder(values, events)


def _roc(values: Mapping[str, Any]) -> Drawing:
    """Scores (events, classes), or (edges,) of an edge classifier, whose label 1 is a true segment."""
    labels = np.array(values["labels"])
    scores = {name: np.array(found, np.float64) for name, found in values["scores"].items()}
    if "classes" in values:
        return roc_drawing(scores, labels, values["classes"])
    return roc_drawing({name: found[:, None] for name, found in scores.items()}, 1 - labels, ("true segments",))


def _autoencoder(values: Mapping[str, Any], events: Mapping[str, Any]) -> tuple[Drawing, ...]:
    distances = {name: _reals(metrics[DISTANCE]) for name, metrics in values.items()}
    shown = {name: found for name, found in distances.items() if name.rsplit(", ", 1)[0] in SHOWN or name == DESIGN}
    charges, decoded, latents = (np.array(events[key]) for key in ("charges", "decoded", "latents"))
    chosen = [
        Event(
            number, charges[number], decoded[number], latents[number], events["latent_bits"], distances[DESIGN][number]
        )
        for number in typical_events(distances[DESIGN])
    ]
    return (event_drawing(chosen), *distance_drawings(charges, {DESIGN: shown.pop(DESIGN), **shown}))


def _reals(numbers: list[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if number is None else number for number in numbers])
