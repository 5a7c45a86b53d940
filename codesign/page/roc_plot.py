"""ROC curves of a classifier: background efficiency against signal efficiency, of models and of the RTL response."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from codesign.classification import one_vs_rest_auc
from codesign.page.drawing import PLOT_INCHES, Drawing, finished, plot_style

Reals = NDArray[np.float64]
LINES = ("--", ":", "-.")
DESIGN = "RTL response"
MOST_POINTS = 400


def roc_curve(scores: Reals, is_signal: NDArray[np.bool_]) -> tuple[Reals, Reals]:
    """Return signal and background efficiency (points,) at every threshold on `scores` (events,)."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    signal, background = (
        np.append(0.0, np.cumsum(part[order])[last] / max(part.sum(), 1)) for part in (is_signal, ~is_signal)
    )
    return signal, background


def roc_drawing(scores: Mapping[str, Reals], labels: NDArray[np.int64], classes: Sequence[str]) -> Drawing:
    """Return the curves of each class against the rest, a colour a class, a line style a model.

    `scores`: (events, classes) by model; `labels` (events,) below the number of classes are signal of that class.
    """
    with plot_style():
        figure = Figure(figsize=PLOT_INCHES, layout="constrained")
        axes = figure.subplots()
        for label, title in enumerate(classes):
            for (name, values), style in zip(_ordered(scores).items(), ("-", *LINES), strict=False):
                shown = f"{title}, AUC {_area(values, labels, label):.3f}" if name == DESIGN else None
                _curve(axes, roc_curve(values[:, label], labels == label), style, f"C{label % 6}", shown)
        _frame(axes, list(_ordered(scores)), _floor(labels))
        return finished(figure, "roc", "ROC curves: lower is better", _in_words(scores, labels, classes))


def _ordered(scores: Mapping[str, Reals]) -> dict[str, Reals]:
    """The design first, as a full line."""
    return {name: scores[name] for name in sorted(scores, key=lambda name: name != DESIGN)}


def _curve(axes: Any, curve: tuple[Reals, Reals], style: str, colour: str, label: str | None) -> None:
    signal, background = curve
    chosen = np.unique(np.linspace(0, len(signal) - 1, MOST_POINTS).astype(int))
    axes.plot(signal[chosen], background[chosen], style, color=colour, linewidth=1.6, label=label)


def _frame(axes: Any, names: Sequence[str], floor: float) -> None:
    axes.set_yscale("log")
    axes.set_xlim(0, 1)
    axes.set_ylim(floor, 1)
    axes.set_xlabel("Signal efficiency")
    axes.set_ylabel("Background efficiency")
    classes = axes.legend(fontsize=9, loc="upper left")
    axes.add_artist(classes)
    styles = [axes.plot([], [], style, color="#333333", linewidth=1.4)[0] for style in ("-", *LINES)[: len(names)]]
    axes.legend(styles, names, fontsize=9, loc="lower right")


def _area(scores: Reals, labels: NDArray[np.int64], label: int) -> float:
    """The same area as in the table of figures."""
    both = np.column_stack([scores, np.zeros(len(scores))]) if scores.shape[1] == 1 else scores
    return one_vs_rest_auc(both, labels, label).value


def _floor(labels: NDArray[np.int64]) -> float:
    """The lowest background efficiency that the sample can show."""
    return float(10.0 ** np.floor(np.log10(1.0 / max(len(labels), 10))))


def _in_words(scores: Mapping[str, Reals], labels: NDArray[np.int64], classes: Sequence[str]) -> str:
    found = []
    for label, title in enumerate(classes):
        signal, background = roc_curve(scores[DESIGN][:, label], labels == label)
        found.append(f"{title} {np.interp(0.8, signal, background):.3g}")
    return f"Background efficiency of the RTL response at 80 % signal efficiency: {', '.join(found)}."
