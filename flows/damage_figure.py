"""Figure of the damage of upset weight bits: by bit position, one panel a layer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from codesign.damage import Damage
from codesign.files import write_with
from codesign.weight_bits import WeightBit

DPI = 110
SMALLEST = 1e-3  # of the largest change: below, the axis is linear


def damage_figure(bits: Sequence[WeightBit], damage: Damage, label: str, path: Path) -> Path:
    """Draw the mean change of every bit against its position, with the median of a position, one panel a parameter.

    The PNG at `path` is whole or absent.
    """
    names = list(dict.fromkeys(bit.parameter for bit in bits))
    figure = Figure(figsize=(3.2 * len(names), 3.6), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    positions = np.array([bit.bit for bit in bits])
    spread = np.random.default_rng(0).uniform(-0.3, 0.3, len(bits))
    for axes, name in zip(panels, names, strict=True):
        here = np.array([bit.parameter == name for bit in bits])
        axes.plot(positions[here] + spread[here], damage.mean[here], ".", markersize=2, alpha=0.5)
        numbers = np.unique(positions[here])
        medians = [np.median(damage.mean[here & (positions == number)]) for number in numbers]
        axes.plot(numbers, medians, "k_", markersize=16, label="median")
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("bit position")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.axhline(0.0, color="grey", linewidth=0.5)
    linear = max(SMALLEST * float(np.abs(damage.mean).max()), 1e-12)
    panels[0].set_yscale("symlog", linthresh=linear)
    panels[0].set_ylim(min(1.5 * float(damage.mean.min()), -linear), max(1.5 * float(damage.mean.max()), linear))
    panels[0].set_ylabel(label)
    panels[-1].legend(fontsize=8, frameon=False)
    return write_with(
        path, lambda temporary: figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})
    )
