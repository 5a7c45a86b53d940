"""The frozen integer dataflow graph: it checks itself at construction and evaluates itself.

A graph is a tuple of nodes in topological order. Every value is an array of integers with a
`TensorType`: shape, format, and bounds for every element. Nothing in here knows an operator.
"""

import dataclasses
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.ranges import Interval
from codesign.serial import Serial

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*\Z")


@dataclass(frozen=True, eq=False)
class TensorType:
    """Shape, format and elementwise bounds of a value."""

    shape: tuple[int, ...]
    fixed: Fixed
    bounds: Interval

    @classmethod
    def full(cls, shape: tuple[int, ...], fixed: Fixed) -> "TensorType":
        """Return the type whose elements take every value of `fixed`."""
        return cls(shape, fixed, Interval.of(fixed, shape))

    @classmethod
    def derived(cls, bounds: Interval, fixed: Fixed | None = None) -> "TensorType":
        """Return the type of `bounds`, in the narrowest format unless `fixed` is given."""
        fixed = fixed or bounds.fixed()
        if bounds.low.min() < fixed.low or bounds.high.max() > fixed.high:
            raise BadInputError(f"values {bounds.low.min()}..{bounds.high.max()} do not fit {fixed}; widen the format")
        return cls(bounds.low.shape, fixed, bounds)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def is_constant(self) -> bool:
        """Whether every element has one possible value."""
        return bool(np.array_equal(self.bounds.low, self.bounds.high))

    @property
    def bits(self) -> int:
        """Number of wires that carry the value: element 0 in the lowest bits."""
        return self.size * self.fixed.width


@dataclass(frozen=True)
class Timing:
    """Latency and initiation interval of an operator, in clock cycles; a combinational one has latency 0."""

    latency_cycles: int
    ii_cycles: int


@dataclass(frozen=True)
class Cost:
    """What an operator instantiates: multipliers (constant or not) and register bits before triplication."""

    multipliers: int
    register_bits: int


@dataclass(frozen=True, eq=False)
class Words:
    """An operand port that takes one word per phase: from a ROM if the operand is constant, else by `weight_select`.

    `index` (words, lanes) names the operand elements of every word; the port `<port>_address` says which word.
    """

    port: str
    index: NDArray[np.int64]
    address_bits: int
    select_parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Instance:
    """One template instance: module, parameters as Verilog text, operand ports in operand order; the result is port y.

    An instance with `words` is sequential: it has clk, rst, in_valid, out_valid and tmr_err ports and a TMR parameter.
    """

    module: str
    parameters: tuple[tuple[str, str], ...]
    operand_ports: tuple[str, ...]
    words: Words | None = None


@dataclass(frozen=True, eq=False)
class Products:
    """A constant matrix as shared adders: y[o] = start[o] + sum_i floor(x[i] * matrix[o, i] / 2**truncate).

    `blocks` are groups of rows that may also be solved one by one: the windows of a convolution.
    """

    matrix: Integers
    start: Integers
    truncate: int = 0
    blocks: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Scaling:
    """Constant factors as shared adders, element by element: sums[e] = x[e] * multiplier[e] + addend[e].

    `finish` is an instance that turns the sums, in format `sums`, into the result. Sums that nothing else reads are
    scaled where they are formed, so that all constants meet in one.
    """

    multiplier: Integers
    addend: Integers
    sums: TensorType
    finish: Instance


@dataclass(frozen=True)
class Wiring:
    """A result that is its operand's wires in another order: element e is operand element index[e], -1 is zero."""

    index: tuple[int, ...]


Rtl = Instance | Products | Scaling | Serial | Wiring


class Op(ABC):
    """An operator: a frozen dataclass of integers, tuples and read-only arrays; the methods get the operand types."""

    kind: ClassVar[str]
    operand_count: ClassVar[int] = 1
    # Positions of weights: constants or parameters, which `evaluate` gets without a batch axis.
    static_operands: ClassVar[tuple[int, ...]] = ()

    @abstractmethod
    def result(self, *operands: TensorType) -> TensorType:
        """Return the type of the result; `BadInputError` if the operand types do not fit."""

    @abstractmethod
    def evaluate(self, *operands: Integers) -> Integers:
        """Return the exact result; operands carry a leading batch axis, except those of `static_operands`."""

    def reuse_factors(self, *operands: TensorType) -> tuple[int, ...]:
        """Return the legal reuse factors in rising order."""
        return (1,)

    def timing(self, reuse: int, *operands: TensorType) -> Timing:
        """Return latency and initiation interval at `reuse`; simulation measures exactly these."""
        return Timing(0, 1)

    def cost(self, reuse: int, *operands: TensorType) -> Cost:
        """Return multipliers and register bits at `reuse`."""
        return Cost(0, 0)

    def for_rows(self, rows: int, *operands: TensorType) -> "Op | None":
        """Return the operator that does the same with `rows` rows (the leading axis of every operand but static ones).

        None if a row of the result depends on more than that row of the operands.
        """
        return None

    @abstractmethod
    def rtl(self, reuse: int, *operands: TensorType) -> Rtl:
        """Return how the operator stands in the Verilog."""


class Source(Op):
    """An operator without operands: a graph input, a programmable parameter or a constant."""

    operand_count: ClassVar[int] = 0

    def evaluate(self, *operands: Integers) -> Integers:
        """Sources are given, not computed."""
        raise NotImplementedError

    def rtl(self, reuse: int, *operands: TensorType) -> Rtl:
        """Sources are emitted by the top level."""
        raise NotImplementedError


@dataclass(frozen=True)
class Node:
    """One use of an operator: its name, and the names of the nodes it reads."""

    name: str
    op: Op
    operands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Port:
    """What the integers of an input or output mean: real = integer * scale + offset (one pair, or one per element)."""

    node: str
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)

    def decode(self, integers: Integers) -> NDArray[np.float64]:
        """Return the real values of `integers` (batch, *shape)."""
        flat = integers.reshape(len(integers), -1)
        real = flat * np.array(self.scale) + np.array(self.offset)
        return np.asarray(real.reshape(integers.shape), dtype=np.float64)


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order, and what the inputs and outputs mean in real numbers."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __post_init__(self) -> None:
        _check_names(self)
        _check_operands(self)
        _check_ports(self)

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """Nodes by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def types(self) -> Mapping[str, TensorType]:
        """Type of every node's result."""
        types: dict[str, TensorType] = {}
        for node in self.nodes:
            try:
                types[node.name] = node.op.result(*(types[name] for name in node.operands))
            except BadInputError as error:
                raise BadInputError(f"node '{node.name}': {error}") from error
        return types

    @cached_property
    def nx(self) -> nx.DiGraph:
        """A frozen networkx view: one edge from each operand to its reader."""
        view = nx.DiGraph()
        view.add_nodes_from(node.name for node in self.nodes)
        view.add_edges_from((name, node.name) for node in self.nodes for name in node.operands)
        return nx.freeze(view)

    @cached_property
    def static(self) -> frozenset[str]:
        """Nodes that do not depend on an input: constants, parameters, and what is computed from these alone."""
        static: set[str] = set()
        for node in self.nodes:
            if node.op.kind != "input" and static.issuperset(node.operands):
                static.add(node.name)
        return frozenset(static)

    def operand_types(self, name: str) -> tuple[TensorType, ...]:
        """Types of the operands of node `name`."""
        return tuple(self.types[operand] for operand in self.by_name[name].operands)

    def sources(self, kind: str) -> tuple[Node, ...]:
        """The source nodes of one kind ("input", "parameter", "constant"), in order."""
        return tuple(node for node in self.nodes if node.op.kind == kind)

    def evaluate(self, values: Mapping[str, Integers]) -> dict[str, Integers]:
        """Return every node's integers for inputs (batch, *shape) and parameters (*shape), exact.

        Raises `BadInputError` for a missing, wrongly shaped or out-of-range operand. Every result is
        asserted to lie in its bounds: an overflow would stop the evaluation.
        """
        event_count(self, values)
        results: dict[str, Integers] = {}
        for node in self.nodes:
            results[node.name] = self.evaluate_node(node, values, results)
        return results

    def evaluate_node(self, node: Node, values: Mapping[str, Integers], results: Mapping[str, Integers]) -> Integers:
        """Return the result of `node` from `values` or from earlier results; without a batch axis if it is static."""
        if isinstance(node.op, Source):
            return _source_value(node, self.types[node.name], values)
        result = node.op.evaluate(*self.operands(node, results))
        assert self.types[node.name].bounds.contains(result), node.name
        return result[0] if node.name in self.static else result

    def operands(self, node: Node, results: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Operands as `evaluate` wants them: a constant read as data counts as a batch of one, which broadcasts."""
        return [
            results[name] if name not in self.static or position in node.op.static_operands else results[name][None]
            for position, name in enumerate(node.operands)
        ]

    def to_json(self) -> str:
        """Return the graph as canonical JSON text."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": value.ravel().tolist(), "shape": list(value.shape)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"kind": value.kind, **fields} if isinstance(value, Op) else fields
    if isinstance(value, np.integer | np.floating):
        return value.item()
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def event_count(graph: Graph, values: Mapping[str, Integers]) -> int:
    """Return how many events the inputs have; `BadInputError` if they differ."""
    events = {len(np.atleast_1d(values[port.node])) for port in graph.inputs if port.node in values}
    if len(events) > 1:
        raise BadInputError(f"inputs must have one number of events, not {sorted(events)}")
    return max(events, default=0)


def _source_value(node: Node, expected: TensorType, values: Mapping[str, Integers]) -> Integers:
    if node.op.kind == "constant":
        return expected.bounds.low
    if node.name not in values:
        raise BadInputError(f"no value given for {node.op.kind} '{node.name}'")
    array = np.asarray(values[node.name])
    if array.dtype.kind not in "iu":
        raise BadInputError(f"{node.op.kind} '{node.name}' must hold integers, not {array.dtype}")
    array = array.astype(np.int64)
    batch = 1 if node.op.kind == "input" else 0
    if array.shape[batch:] != expected.shape:
        raise BadInputError(f"{node.op.kind} '{node.name}' must have shape {expected.shape}, not {array.shape[batch:]}")
    if not expected.bounds.contains(array):
        raise BadInputError(f"{node.op.kind} '{node.name}' must lie in {expected.fixed.low}..{expected.fixed.high}")
    return array


def _check_names(graph: Graph) -> None:
    seen: dict[str, str] = {}
    for node in graph.nodes:
        flat = node.name.replace(".", "_")
        if not _NAME.match(node.name):
            raise BadInputError(f"node name '{node.name}' must be Verilog identifiers joined by dots")
        if flat in seen:
            raise BadInputError(f"node names '{node.name}' and '{seen[flat]}' give one Verilog name; rename one")
        missing = [name for name in node.operands if seen.get(name.replace(".", "_")) != name]
        if missing:
            raise BadInputError(f"node '{node.name}' reads '{missing[0]}', which no earlier node defines")
        seen[flat] = node.name


def _check_operands(graph: Graph) -> None:
    for node in graph.nodes:
        if len(node.operands) != node.op.operand_count:
            wanted = f"{node.op.kind} takes {node.op.operand_count} operands, not {len(node.operands)}"
            raise BadInputError(f"node '{node.name}': {wanted}")
        for name in (node.operands[i] for i in node.op.static_operands):
            if name not in graph.static:
                raise BadInputError(f"node '{node.name}': operand '{name}' must be a constant or a parameter")


def _check_ports(graph: Graph) -> None:
    given, wanted = [port.node for port in graph.inputs], [node.name for node in graph.sources("input")]
    if sorted(given) != sorted(wanted) or not wanted:
        raise BadInputError(f"inputs {given} must name every input node once: {wanted}")
    results = [port.node for port in graph.outputs]
    if not results or len(set(results)) != len(results):
        raise BadInputError(f"outputs {results} must name at least one node, each once")
    for port in (*graph.inputs, *graph.outputs):
        if port.node not in graph.types:
            raise BadInputError(f"output '{port.node}' is no node of the graph")
        size = graph.types[port.node].size
        if not {len(port.scale), len(port.offset)} <= {1, size}:
            raise BadInputError(f"port '{port.node}' needs 1 or {size} scales and offsets")
