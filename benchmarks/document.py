"""docs/benchmarks.md, and the figure side by side, from what lies in benchmarks/results: no number is typed in.

Usage: python -m benchmarks.document
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.rows import Row, read_rows
from benchmarks.tables import TITLES, by_case, matched, races
from codesign.files import write_text, write_with

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
INTRO = ROOT / "benchmarks" / "introduction.md"
# Section title by the file that a benchmark writes, in the order of the document.
SECTIONS = {
    "side_by_side": "Side by side with other generators",
    "hls4ml": "hls4ml's compiled emulation",
    "emulation": "Emulation",
    "emission": "Emission",
    "reuse_sweep": "Reuse factors",
    "designs": "Designs at every reuse factor",
    "row_engines": "A graph network and its networks one by one",
    "row_growth": "Graph networks against the number of nodes",
}
GOALS = {False: 0.9, True: 0.7}  # by triplication


def document() -> str:
    """Return the text of docs/benchmarks.md."""
    parts = [INTRO.read_text(encoding="utf-8").strip()]
    for name, title in SECTIONS.items():
        path = RESULTS / f"{name}.md"
        if path.exists():
            parts += [f"## {title}", path.read_text(encoding="utf-8").strip()]
            image = f"![{title}](../benchmarks/results/{name}.png)"
            parts += [image] if path.with_suffix(".png").exists() else []
    return "\n\n".join(parts) + "\n"


def figure(rows: Sequence[Row], path: Path) -> Path:
    """Draw area over that of the smallest peer for every clock that is compared; hatched where no point runs at it."""
    groups: dict[tuple[str, bool], list[tuple[str, float | None]]] = {}
    for here in by_case(rows).values():
        technology, network, rounding, triplicated = here[0].case
        for clock_ns, peer in races(here) if any(one.is_own for one in here) else ():
            own = matched(here, clock_ns, peer.latency_cycles)
            label = f"{network}, {rounding}, {clock_ns:.3g} ns, {peer.latency_cycles} cycles"
            ratio = own.area / peer.area if own else None
            groups.setdefault((technology, triplicated), []).append((label, ratio))
    heights = [len(lines) + 1.5 for lines in groups.values()]
    drawing = Figure(figsize=(9, 0.26 * sum(heights) + 0.6), layout="constrained")
    panels = drawing.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, ((technology, triplicated), lines) in zip(panels, groups.items(), strict=True):
        registers = ", registers triplicated" if triplicated else ""
        axes.set_title(f"{TITLES[technology]}{registers}", loc="left", fontsize=10)
        _panel(axes, lines, GOALS[triplicated])
    panels[-1].set_xlabel("area over the smallest peer at the same clock, no more cycles (dotted: the goal)")
    return write_with(path, lambda temporary: drawing.savefig(temporary, dpi=110, metadata={"Software": None}))


def _panel(axes: Any, lines: Sequence[tuple[str, float | None]], goal: float) -> None:
    for place, (_, ratio) in enumerate(lines):
        shown = {"color": "#1b6ca8"} if ratio else {"color": "white", "hatch": "///", "edgecolor": "#999999"}
        bar = axes.barh(place, ratio or 1.0, 0.7, **shown)
        axes.bar_label(bar, [f"{ratio:.2f}" if ratio else "no point at this clock"], fontsize=8, padding=3)
    axes.set_yticks(range(len(lines)), [label for label, _ in lines], fontsize=8)
    axes.invert_yaxis()
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.axvline(goal, color="black", linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 1.4)


def main() -> None:
    """Write the figure and the document."""
    rows = read_rows(RESULTS / "side_by_side.json")
    if rows:
        figure(list(rows.values()), RESULTS / "side_by_side.png")
    write_text(ROOT / "docs" / "benchmarks.md", document())


if __name__ == "__main__":
    main()
