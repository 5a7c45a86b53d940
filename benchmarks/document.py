"""docs/benchmarks.md and its figure from what lies in benchmarks/results: no number is typed in.

Usage: python -m benchmarks.document
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.rows import OWN, Row, read_rows
from benchmarks.tables import TITLES
from codesign.files import write_text, write_with

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
FIGURE = ROOT / "docs" / "figures" / "side_by_side.png"
INTRO = ROOT / "benchmarks" / "introduction.md"
# Section title by the file that a benchmark writes, in the order of the document.
SECTIONS = {
    "side_by_side": "Side by side with other generators",
    "hls4ml": "hls4ml's compiled emulation",
    "emulation": "Emulation",
    "emission": "Emission",
    "reuse_sweep": "Reuse factors",
    "designs": "Designs at every reuse factor",
}
FLOWS = (OWN, "da4ml", "alkaid", "plain")
COLOURS = {OWN: "#1b6ca8", "da4ml": "#d1603d", "alkaid": "#ddb967", "plain": "#b0b0b0"}
PANELS = (("xcup", False), ("nangate45", False), ("nangate45", True))


def document() -> str:
    """Return the text of docs/benchmarks.md."""
    parts = [INTRO.read_text(encoding="utf-8").strip()]
    for name, title in SECTIONS.items():
        path = RESULTS / f"{name}.md"
        if path.exists():
            parts += [f"## {title}", path.read_text(encoding="utf-8").strip()]
            parts += [f"![{title}](figures/{name}.png)"] if (FIGURE.parent / f"{name}.png").exists() else []
    return "\n\n".join(parts) + "\n"


def figure(every: Sequence[Row], path: Path) -> Path:
    """Draw the smallest result of every flow over the smallest of the peers, by network; rounding half to even last."""
    drawing = Figure(figsize=(11, 9), layout="constrained")
    for axes, (technology, triplicated) in zip(drawing.subplots(len(PANELS), 1), PANELS, strict=True):
        here = [one for one in every if (one.point.technology, one.point.triplicated) == (technology, triplicated)]
        _panel(axes, here)
        registers = ", registers triplicated" if triplicated else ""
        axes.set_title(f"{TITLES[technology]}{registers}", loc="left", fontsize=10)
    return write_with(path, lambda temporary: drawing.savefig(temporary, dpi=110, metadata={"Software": None}))


def _panel(axes: Any, here: Sequence[Row]) -> None:
    cases = list(dict.fromkeys(one.case for one in here))
    labels = []
    for place, case in enumerate(cases):
        least = {flow: min((r.area for r in here if r.case == case and r.point.flow == flow), default=None)
                 for flow in FLOWS}  # fmt: skip
        best = min((area for flow, area in least.items() if area and flow != OWN), default=None)
        for k, flow in enumerate(FLOWS):
            area = least[flow]
            if area and best:
                bar = axes.bar(place + 0.2 * (k - 1.5), area / best, 0.2, color=COLOURS[flow], label=flow)
                axes.bar_label(bar, [f"{area:.0f}"], fontsize=6, rotation=90, padding=2)
        labels.append(f"{case[1]}\n{case[2]}")
    axes.set_xticks(range(len(cases)), labels, fontsize=8)
    axes.axhline(1.0, color="black", linewidth=0.6)
    axes.set_ylim(0, 1.8)
    axes.set_ylabel("over smallest peer")
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), ncols=4, fontsize=8, loc="upper right")


def main() -> None:
    """Write the figure and the document."""
    rows = read_rows(RESULTS / "side_by_side.json")
    if rows:
        figure(list(rows.values()), FIGURE)
    write_text(ROOT / "docs" / "benchmarks.md", document())


if __name__ == "__main__":
    main()
