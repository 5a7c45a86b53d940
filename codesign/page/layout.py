"""Places of the nodes of a dataflow graph in layers, and the ways of the edges between them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fast_sugiyama import from_edges

Point = tuple[float, float]
# Room that a passing edge takes between nodes, relative to that of a node.
PASSING = 0.25


@dataclass(frozen=True)
class Layout:
    """Columns and rows (from the top) of nodes, the points that each edge passes, and the size of all."""

    places: Mapping[str, Point]
    ways: Mapping[tuple[str, str], tuple[Point, ...]]
    columns: float
    rows: float


def layout(operands: Mapping[str, Sequence[str]]) -> Layout:
    """Return the layout of the graph in which node n reads operands[n]; nodes are named in topological order.

    Rows and columns are one apart. Sugiyama's method: layers, few crossings, long edges pass between nodes.
    """
    names = list(operands)
    number = {name: index for index, name in enumerate(names)}
    edges = [(number[source], number[name]) for name in names for source in operands[name]]
    if not edges:
        return Layout({name: (float(index), 0.0) for index, name in enumerate(names)}, {}, float(len(names)), 1.0)
    return _arranged(names, edges)


def _arranged(names: Sequence[str], edges: Sequence[tuple[int, int]]) -> Layout:
    points: dict[int, Point] = {}
    steps: dict[int, list[int]] = defaultdict(list)
    right = bottom = 0.0
    # The library takes integers as they are; names it would order by their hash.
    parts = from_edges(edges, vertex_spacing=1, minimum_length=1, dummy_vertices=True, dummy_size=PASSING)
    for places, _, _, hops in sorted(parts, key=lambda part: min(node for node, _ in part[0])):
        left, top = min(x for _, (x, _) in places), max(y for _, (_, y) in places)
        points |= {int(node): (x - left + right, top - y) for node, (x, y) in places}
        right = max(x for x, _ in points.values()) + 1
        bottom = max(bottom, max(y for _, y in points.values()) + 1)
        for source, target in hops or ():
            steps[int(source)].append(int(target))
    ways = {}
    for source in range(len(names)):
        for first in sorted(steps[source]):
            way = _way(first, steps, len(names))
            ways[names[source], names[way[-1]]] = tuple(points[node] for node in (source, *way))
    return Layout({name: points[index] for index, name in enumerate(names) if index in points}, ways, right, bottom)


def _way(first: int, steps: Mapping[int, Sequence[int]], nodes: int) -> list[int]:
    """Follow the points that an edge passes up to its node."""
    way = [first]
    while way[-1] >= nodes:
        way.append(steps[way[-1]][0])
    return way
