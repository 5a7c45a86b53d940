"""Row programs: a graph over rows (nodes and edges of a network, constituents of a jet) taken apart into phases.

A phase runs one small graph, its body, once for every row of a set. Rows that an index names (`take`), sums over rows
(`segment_sum`, `global_pool`) and whole values stand between phases: they are complete only when a phase has ended.
The same graph at rows = 1 is the body, so nothing is said twice. Which phase runs when is `row_schedule`'s matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from codesign.errors import BadInputError
from codesign.graph import Graph, Node, Op, Port, TensorType
from codesign.ops.global_pool import GlobalPool
from codesign.ops.segment_sum import SegmentSum
from codesign.ops.sources import Constant, Input
from codesign.ops.take import Take

REDUCTIONS = (SegmentSum, GlobalPool)


@dataclass(frozen=True)
class Feed:
    """One input of a body: the rows of `value` in order, or those that the rows of `index` name."""

    name: str
    value: str
    index: str | None = None


@dataclass(frozen=True)
class Reduction:
    """A node that adds up rows of a phase: body outputs `values` and, for segments, `index`."""

    node: str
    op: Op
    values: str
    index: str | None = None


@dataclass(frozen=True)
class Phase:
    """What is done for each of `rows` rows. `results`: values whose rows the body gives, read by later phases."""

    name: str
    rows: int
    body: Graph
    feeds: tuple[Feed, ...]
    results: tuple[str, ...]
    reductions: tuple[Reduction, ...]

    @property
    def reads(self) -> frozenset[str]:
        """Names of the stored values that the phase reads."""
        return frozenset(name for feed in self.feeds for name in (feed.value, feed.index) if name is not None)

    @property
    def writes(self) -> tuple[str, ...]:
        """Names of the stored values that the phase gives."""
        return (*self.results, *(one.node for one in self.reductions))


@dataclass(frozen=True)
class RowProgram:
    """Phases in order; every stored value comes from an input or from one phase."""

    graph: Graph
    phases: tuple[Phase, ...]

    @cached_property
    def writer(self) -> Mapping[str, int]:
        """Number of the phase that gives each stored value; inputs are not in it."""
        return {name: k for k, phase in enumerate(self.phases) for name in phase.writes}

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """All values that are stored: the inputs, then what the phases give, in order."""
        return (*(port.node for port in self.graph.inputs), *self.writer)


def row_program(graph: Graph) -> RowProgram:
    """Return `graph` as phases over rows.

    Raises `BadInputError` naming the first node that does not work row by row.
    """
    places = _places(graph)
    keys = sorted(set(places.values()), key=lambda key: (key[0], list(places.values()).index(key)))
    phases = tuple(_phase(graph, places, key, f"phase{k}") for k, key in enumerate(keys, start=1))
    return RowProgram(graph, phases)


# A place is (stage, rows): stages follow one another; nodes of one stage with equal numbers of rows share a phase.
Place = tuple[int, int]


def _places(graph: Graph) -> dict[str, Place]:
    """The place of every node that computes."""
    places: dict[str, Place] = {}
    for node in graph.nodes:
        if node.name in graph.static or node.op.kind == "input":
            continue
        rows = graph.types[_leading_operand(graph, node)].shape[0]
        places[node.name] = (max(_earliest(graph, node, i, rows, places) for i in _dynamic(graph, node)), rows)
        _row_operator(graph, node, rows)
    return places


def _dynamic(graph: Graph, node: Node) -> list[int]:
    return [i for i, name in enumerate(node.operands) if name not in graph.static]


def _leading_operand(graph: Graph, node: Node) -> str:
    """The operand whose rows the node goes through: the index of a take, the first that events bring else."""
    name = node.operands[1] if isinstance(node.op, Take) else node.operands[_dynamic(graph, node)[0]]
    if not graph.types[name].shape:
        raise BadInputError(f"node '{node.name}': operand '{name}' has no rows; row engines need a leading axis")
    return name


def _earliest(graph: Graph, node: Node, position: int, rows: int, places: Mapping[str, Place]) -> int:
    """First stage in which operand `position` of `node` can be read."""
    name = node.operands[position]
    if name not in places:
        return 1
    stage, source_rows = places[name]
    is_row = source_rows == rows and not isinstance(graph.by_name[name].op, REDUCTIONS)
    # What an index names, and the index itself, must be stored; so must what another phase gives.
    return stage if is_row and not isinstance(node.op, Take) else stage + 1


def _row_operator(graph: Graph, node: Node, rows: int) -> Op:
    """The operator of `node` for one row."""
    if isinstance(node.op, Take | SegmentSum | GlobalPool):
        if isinstance(node.op, Take | SegmentSum) and node.operands[1] in graph.static:
            raise BadInputError(f"node '{node.name}': its index is constant, which is wiring; leave out row engines")
        return node.op
    op = node.op.for_rows(1, *graph.operand_types(node.name))
    if op is None or any(graph.types[node.operands[i]].shape[0] != rows for i in _dynamic(graph, node)):
        raise BadInputError(
            f"node '{node.name}': {node.op.kind} does not work row by row here; row engines take graphs over rows only"
        )
    return op


def _phase(graph: Graph, places: Mapping[str, Place], key: Place, name: str) -> Phase:
    inside = [node for node in graph.nodes if places.get(node.name) == key]
    body: dict[str, Node] = {}
    feeds: list[Feed] = []
    reductions: list[Reduction] = []
    for node in inside:
        if isinstance(node.op, Take):
            feeds.append(Feed(node.name, *node.operands))
            body[node.name] = Node(node.name, _row_input(graph.types[node.name]))
            continue
        for position, operand in enumerate(node.operands):
            if operand not in body:
                _add_operand(graph, node, position, body, feeds)
        if isinstance(node.op, REDUCTIONS):
            reductions.append(Reduction(node.name, node.op, *node.operands))
        else:
            body[node.name] = replace(node, op=_row_operator(graph, node, key[1]))
    results = tuple(node.name for node in inside if node.name in body and _is_read_outside(graph, places, node.name))
    read = dict.fromkeys((*results, *(n for one in reductions for n in (one.values, one.index) if n is not None)))
    nodes = _ordered(graph, body)
    ports = tuple(Port(feed.name) for feed in feeds)
    part = Graph(f"{graph.name}_{name}", nodes, ports, tuple(Port(one) for one in read))
    _check_formats(graph, part, results)
    return Phase(name, key[1], part, tuple(feeds), results, tuple(reductions))


def _ordered(graph: Graph, body: Mapping[str, Node]) -> tuple[Node, ...]:
    order = {node.name: k for k, node in enumerate(graph.nodes)}
    return tuple(sorted(body.values(), key=lambda node: (bool(node.operands), order[node.name])))


def _add_operand(graph: Graph, node: Node, position: int, body: dict[str, Node], feeds: list[Feed]) -> None:
    """Add what a node of the body reads and the phase does not compute: a stored value, or a constant."""
    name = node.operands[position]
    value = graph.types[name]
    if name not in graph.static:
        feeds.append(Feed(name, name))
        body[name] = Node(name, _row_input(value))
    elif position in node.op.static_operands:
        body[name] = Node(name, Constant(_constant(value, node.name, name)))
    else:
        rows = _constant(value, node.name, name)
        if (rows != rows[:1]).any():
            raise BadInputError(f"node '{node.name}': constant '{name}' differs from row to row; row engines share one")
        body[name] = Node(name, Constant(rows[:1]))


def _constant(value: TensorType, reader: str, name: str) -> np.ndarray:
    if not value.is_constant:
        raise BadInputError(f"node '{reader}': programmable parameter '{name}' cannot be read by row engines")
    return value.bounds.low


def _is_read_outside(graph: Graph, places: Mapping[str, Place], name: str) -> bool:
    """Whether a later phase, a take or an output reads the value; readers in its own phase get it from the body."""
    shown = {port.node for port in graph.outputs}
    readers = [graph.by_name[reader] for reader in graph.nx.successors(name)]
    return name in shown or any(places[reader.name] != places[name] for reader in readers)


def _check_formats(graph: Graph, body: Graph, results: tuple[str, ...]) -> None:
    """A body knows the rows by the bounds that hold for all of them: its formats must be those of the graph."""
    for name in results:
        if body.types[name].fixed != graph.types[name].fixed:
            raise BadInputError(
                f"node '{name}': bounds differ from row to row, so one engine cannot give all of them in "
                f"{graph.types[name].fixed}; give its operands one format"
            )


def _row_input(value: TensorType) -> Input:
    """One row of a stored value, with the bounds that hold for every row."""
    low, high = value.bounds.low.min(axis=0), value.bounds.high.max(axis=0)
    return Input((1, *value.shape[1:]), value.fixed, tuple(low.ravel().tolist()), tuple(high.ravel().tolist()))
