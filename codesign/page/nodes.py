"""Nodes of the dataflow graph as the page shows them: shape, width, reuse, timing, and their part of area and power."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codesign.graph import Graph, Node
from codesign.page.files import RunFolder
from codesign.page.text import NO_CELLS, NOT_KNOWN, TIMES
from codesign.report import Quantity, Resources

# What of a tool run the drawings show of a node: the first that is there.
AREA_KEYS = ("cell area", "transistors", "NAND2 equivalents", "LUT")
POWER_KEYS = ("total",)


@dataclass(frozen=True)
class Slot:
    """Cycles: when operands are read, how much later the result is there, and for how long the node is busy."""

    start: int
    latency_cycles: int
    ii_cycles: int


@dataclass(frozen=True)
class NodeView:
    """A node that computes, or an input; `parameters` says its static operands, `operands` are the other nodes."""

    name: str
    kind: str
    shape: tuple[int, ...]
    format: str
    bits: int
    operands: tuple[str, ...]
    parameters: tuple[str, ...]
    reuse: int
    slot: Slot | None
    area: Quantity | None = None
    power: Quantity | None = None

    @property
    def value(self) -> str:
        """Shape and format of the result, such as 64 times s15."""
        return TIMES.join([*map(str, self.shape), self.format])


def node_views(run: RunFolder) -> tuple[NodeView, ...]:
    """Return all nodes that are not static, in the order of the graph."""
    graph, manifest = run.graph, run.manifest
    areas, powers = (parts_of_nodes(run, keys) for keys in (AREA_KEYS, POWER_KEYS))
    return tuple(
        _view(graph, node, manifest, areas.get(node.name), powers.get(node.name))
        for node in graph.nodes
        if node.name not in graph.static
    )


def slots(manifest: Mapping[str, Any], order: Sequence[str]) -> dict[str, Slot]:
    """Return when every node runs (or every phase of an architecture with engines), the first to start first.

    Of those that start at once the order is that of the graph.
    """
    found = {name: Slot(**entry) for name, entry in manifest["schedule"].items()}
    place = {name: index for index, name in enumerate(order)}
    return dict(sorted(found.items(), key=lambda item: (item[1].start, place.get(item[0], 0), item[0])))


def divided(run: RunFolder, keys: Sequence[str]) -> tuple[Resources, str] | None:
    """Return the resources with parts of nodes and the first of `keys` among them; of several the largest."""
    report = run.report
    for key in keys:
        parts = [p for p in (*report.area, *report.fpga, *report.power) if any(key in q for q in p.nodes.values())]
        parts = [part for part in parts if key in part.quantities]
        if parts:
            return max(parts, key=lambda part: part.quantities[key].value), key
    return None


def absent(found: Iterable[Quantity | None]) -> str:
    """Return what to say of a node without a number, given those of all nodes."""
    return NOT_KNOWN if all(number is None for number in found) else NO_CELLS


def parts_of_nodes(run: RunFolder, keys: Sequence[str]) -> dict[str, Quantity]:
    """Return what each node takes of the first of `keys` that a tool run gave by node; empty if none did."""
    found = divided(run, keys)
    if found is None:
        return {}
    part, key = found
    return {node: quantities[key] for node, quantities in part.nodes.items() if key in quantities}


def _view(
    graph: Graph, node: Node, manifest: Mapping[str, Any], area: Quantity | None, power: Quantity | None
) -> NodeView:
    kind = graph.types[node.name]
    entry = manifest["schedule"].get(node.name)
    return NodeView(
        name=node.name,
        kind=node.op.kind,
        shape=kind.shape,
        format=str(kind.fixed),
        bits=kind.bits,
        operands=tuple(dict.fromkeys(name for name in node.operands if name not in graph.static)),
        parameters=tuple(_parameter(graph, name) for name in node.operands if name in graph.static),
        reuse=manifest["reuse"].get(node.name, 1),
        slot=Slot(**entry) if entry else None,
        area=area,
        power=power,
    )


def _parameter(graph: Graph, name: str) -> str:
    kind = graph.types[name]
    return f"{name.rpartition('.')[2]} {TIMES.join([*map(str, kind.shape), str(kind.fixed)])}"
