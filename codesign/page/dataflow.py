"""The dataflow graph as a drawing: what every node computes, how wide, how often reused, what it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from codesign.page.drawing import Drawing, diagram_style, finished
from codesign.page.files import GRAPH, RunFolder
from codesign.page.layout import Layout, Point, layout
from codesign.page.nodes import NodeView, absent
from codesign.page.text import with_unit
from codesign.report import Quantity

POINTS_PER_INCH = 72
BOX = (172.0, 62.0)
GAP = (22.0, 26.0)
MARGIN = 10.0
INK, QUIET, LINE = "#1b1f24", "#4a5360", "#8a94a0"
SHARE = LinearSegmentedColormap.from_list("share", ["#ffffff", "#ffd9a8", "#f89c20"])


@dataclass(frozen=True)
class Amount:
    """What a node takes of the area or the power, out of which total (0: not said), and the link to its file.

    Where nothing was found, `absent` is said.
    """

    name: str
    found: Quantity | None
    total: float
    href: str | None
    absent: str


@dataclass(frozen=True)
class Scale:
    """Area of all nodes and of the largest, and what is said of a node without area or power."""

    total: float
    largest: float
    absent: Mapping[str, str]


def dataflow_drawing(run: RunFolder, nodes: Sequence[NodeView]) -> Drawing:
    """Return the graph, its nodes coloured by their share of the area; numbers link to their files."""
    plan = layout({node.name: node.operands for node in nodes})
    width, height = plan.columns * (BOX[0] + GAP[0]) + 2 * MARGIN, plan.rows * (BOX[1] + GAP[1]) + 2 * MARGIN
    with diagram_style():
        figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        bits = {node.name: node.bits for node in nodes}
        for (source, target), way in plan.ways.items():
            _edge(axes, [_centre(point) for point in way], "" if source not in bits else f"{bits[source]} bit", target)
        largest = max((node.area.value for node in nodes if node.area), default=0)
        total = sum(node.area.value for node in nodes if node.area)
        words = {"area": absent(node.area for node in nodes), "power": absent(node.power for node in nodes)}
        scale = Scale(total, largest, words)
        for node in nodes:
            _node(axes, run, node, plan, scale)
        return finished(figure, "dataflow", "Dataflow graph", _in_words(nodes))


def _centre(place: Point) -> Point:
    return tuple(MARGIN + (at + 0.5) * (box + gap) for at, box, gap in zip(place, BOX, GAP, strict=True))  # type: ignore[return-value]


def _node(axes: Any, run: RunFolder, node: NodeView, plan: Layout, scale: Scale) -> None:
    x, y = _centre(plan.places[node.name])
    fill: Any = "#eef2f7" if node.kind == "input" else "white"
    if node.area and scale.largest:
        fill = SHARE(node.area.value / scale.largest)
    corner = (x - BOX[0] / 2, y - BOX[1] / 2)
    axes.add_patch(
        FancyBboxPatch(corner, *BOX, boxstyle="round,pad=0,rounding_size=5", facecolor=fill, edgecolor=LINE, zorder=2)
    )
    left, right = corner[0] + 7, corner[0] + BOX[0] - 7
    text = {"va": "center", "zorder": 3, "color": INK}
    graph_link = run.link(GRAPH).href
    axes.text(left, y - 21, _short(node.name, 20), ha="left", weight="bold", size=8.5, url=graph_link, **text)
    axes.text(right, y - 21, node.kind, ha="right", size=7.5, **text)
    axes.text(left, y - 7, node.value, ha="left", size=8, **text)
    if node.reuse > 1:
        axes.text(right, y - 7, f"reuse {node.reuse}", ha="right", size=8, weight="bold", **text)
    for offset, name, found in ((8, "area", node.area), (21, "power", node.power)):
        href = None if found is None else run.link(found.source, found.sha256).href
        total = scale.total if name == "area" else 0
        _amount(axes, (left, right, y + offset), Amount(name, found, total, href, scale.absent[name]))


def _amount(axes: Any, at: tuple[float, float, float], what: Amount) -> None:
    """One line of a node: what it takes of the area or the power."""
    left, right, y = at
    style = {"va": "center", "zorder": 3, "size": 7.5}
    if what.found is None:
        axes.text(left, y, f"{what.name}: {what.absent}", ha="left", color=QUIET, style="italic", **style)
        return
    axes.text(left, y, what.name, ha="left", color=INK, **style)
    share = f" ({what.found.value / what.total:.0%})" if what.total else ""
    axes.text(
        right, y, with_unit(what.found.value, what.found.unit) + share, ha="right", color=INK, url=what.href, **style
    )


def _edge(axes: Any, way: Sequence[Point], label: str, target: str) -> None:
    """A curve from the lower edge of one box to the upper edge of another, through the points between."""
    (x0, y0), *between, (x1, y1) = way
    points = [(x0, y0 + BOX[1] / 2), *between, (x1, y1 - BOX[1] / 2 - 4)]
    vertices, codes = [points[0]], [Curve.MOVETO]
    for (ax, ay), (bx, by) in pairwise(points):
        middle = (ay + by) / 2
        vertices += [(ax, middle), (bx, middle), (bx, by)]
        codes += [Curve.CURVE4] * 3
    axes.add_patch(PathPatch(Curve(vertices, codes), facecolor="none", edgecolor=LINE, linewidth=1.1, zorder=1))
    tip = points[-1]
    head = [(tip[0] - 3.2, tip[1] - 2), (tip[0] + 3.2, tip[1] - 2), (tip[0], tip[1] + 4)]
    axes.fill(*zip(*head, strict=True), color=LINE, zorder=1, linewidth=0)
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    axes.text(points[0][0] + 5, points[0][1] + 8, label, size=7, color=QUIET, va="center", zorder=1.5, bbox=ground)


def _short(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"


def _in_words(nodes: Sequence[NodeView]) -> str:
    listed = "; ".join(f"{node.name}: {node.kind} of {', '.join(node.operands)}" for node in nodes if node.operands)
    return f"Dataflow graph of {len(nodes)} nodes. {listed}. The table of nodes below has all numbers."
