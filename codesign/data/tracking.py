"""Sector graphs of hits and edges: read from npz files or generated, split, joined, and padded to a fixed size."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.data.arrays import read_arrays
from codesign.data.tracks import generate
from codesign.errors import BadInputError

Reals = NDArray[np.float64]
Whole = NDArray[np.int64]
NODE_FEATURES, EDGE_FEATURES = 3, 4
LARGEST = 1e6  # far above any feature
ARRAYS = {
    "x": "hits (N, 3)",
    "edge_index": "(sender, receiver) of edges (2, E)",
    "edge_attr": "edge features (E, 4)",
    "y": "1 for a true edge (E,)",
    "node_ptr": "first hit of each graph (graphs + 1,)",
    "edge_ptr": "first edge of each graph (graphs + 1,)",
}


@dataclass(frozen=True, eq=False)
class SectorGraphs:
    """Graphs one after the other: `x` (N, 3), `edge_index` (2, E), `edge_attr` (E, 4), `y` (E,) 0 or 1.

    Graph g has the hits node_ptr[g]..node_ptr[g+1] and the edges edge_ptr[g]..edge_ptr[g+1]; its `edge_index` counts
    from its own first hit. Features as in `codesign.data.tracks.Sector`.
    """

    x: Reals
    edge_index: Whole
    edge_attr: Reals
    y: Whole
    node_ptr: Whole
    edge_ptr: Whole

    def __len__(self) -> int:
        return len(self.node_ptr) - 1

    @property
    def graph_of_edge(self) -> Whole:
        """Number of the graph of each edge, (E,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.edge_ptr))

    @property
    def union_index(self) -> Whole:
        """Sender and receiver (2, E) as rows of `x`: all graphs together are one graph without edges between them."""
        return self.edge_index + self.node_ptr[self.graph_of_edge]

    def take(self, graphs: Whole | slice) -> "SectorGraphs":
        """Return the graphs with the given numbers, in that order."""
        chosen = np.arange(len(self))[graphs]
        nodes, node_ptr = _rows(self.node_ptr, chosen)
        edges, edge_ptr = _rows(self.edge_ptr, chosen)
        return SectorGraphs(
            self.x[nodes], self.edge_index[:, edges], self.edge_attr[edges], self.y[edges], node_ptr, edge_ptr
        )


@dataclass(frozen=True, eq=False)
class Padded:
    """Graphs of a fixed size: `x` (events, N, 3), `edge_attr` (events, E, 4), `sender`, `receiver`, `y` (events, E).

    The first N hits of a graph stay, of the edges between them the first E. Free rows are null: features 0, sender and
    receiver N, y 0, `edge_of` -1; elsewhere `edge_of` (events, E) is the row of the edge in the graphs that were
    padded.
    """

    x: Reals
    edge_attr: Reals
    sender: Whole
    receiver: Whole
    y: Whole
    edge_of: Whole
    given_edges: int
    given_nodes: int

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Whether a row (events, E) is an edge."""
        return self.edge_of >= 0

    @property
    def truncated_edges(self) -> int:
        """Edges of all graphs that found no place."""
        return self.given_edges - int(self.mask.sum())

    @property
    def padded_edges(self) -> int:
        """Null edges of all graphs."""
        return int((~self.mask).sum())

    def unpad(self, values: NDArray[Any]) -> Reals:
        """Return the value of each edge that was given (edges,), 0 for a truncated one, from rows (events, E)."""
        if values.shape != self.edge_of.shape:
            raise BadInputError(f"values of padded edges must be {self.edge_of.shape}, not {values.shape}")
        found = np.zeros(self.given_edges)
        found[self.edge_of[self.mask]] = values[self.mask]
        return found


def generated_graphs(count: int, seed: int) -> SectorGraphs:
    """Return sector graphs of the embedded generator; errors as for `codesign.data.tracks.generate`."""
    sectors = generate(count, seed)
    return SectorGraphs(
        np.concatenate([sector.x for sector in sectors]),
        np.concatenate([sector.edge_index for sector in sectors], axis=1),
        np.concatenate([sector.edge_attr for sector in sectors]),
        np.concatenate([sector.y for sector in sectors]),
        np.cumsum([0, *(len(sector.x) for sector in sectors)]),
        np.cumsum([0, *(len(sector.y) for sector in sectors)]),
    )


def load_graphs(path: Path) -> SectorGraphs:
    """Return the sector graphs of an npz file with the arrays `ARRAYS`; other arrays are not read.

    Raises `BadInputError` naming file, cause and remedy: arrays that are missing or do not fit, an edge list that is
    not whole numbers or names a hit that its graph does not have, NaN.
    """
    arrays = read_arrays(path)
    for name, meaning in ARRAYS.items():
        if name not in arrays:
            raise BadInputError(f"{path} has no array '{name}': {meaning}")
    node_ptr, edge_ptr = (_whole(path, name, arrays[name], 1) for name in ("node_ptr", "edge_ptr"))
    edge_index = _whole(path, "edge_index", arrays["edge_index"], 2)
    x, edge_attr = (_features(path, name, arrays[name]) for name in ("x", "edge_attr"))
    labels = _whole(path, "y", arrays["y"], 1)
    graphs = SectorGraphs(x, edge_index, edge_attr, labels, node_ptr, edge_ptr)
    _check_sizes(path, graphs)
    _check_edges(path, graphs)
    return graphs


def split(graphs: SectorGraphs, fraction: float, seed: int) -> tuple[SectorGraphs, SectorGraphs]:
    """Return two parts of `graphs`, the second with `fraction` of them, both in the old order."""
    chosen = np.random.default_rng(seed).permutation(len(graphs))[: round(len(graphs) * fraction)]
    is_second = np.isin(np.arange(len(graphs)), chosen)
    return graphs.take(np.flatnonzero(~is_second)), graphs.take(np.flatnonzero(is_second))


def pad(graphs: SectorGraphs, nodes: int, edges: int) -> Padded:
    """Return `graphs` with `nodes` hits and `edges` edges each; `BadInputError` on a size below 1."""
    for name, size in (("nodes", nodes), ("edges", edges)):
        if size < 1:
            raise BadInputError(f"the number of {name} of a padded graph must be at least 1, not {size}")
    node_of = _places(np.diff(graphs.node_ptr), nodes)
    x = np.zeros((*node_of.shape, NODE_FEATURES))
    x[node_of >= 0] = graphs.x[node_of[node_of >= 0]]
    fits = np.flatnonzero((graphs.edge_index < nodes).all(axis=0))
    per_graph = np.bincount(graphs.graph_of_edge[fits], minlength=len(graphs))
    place = _places(per_graph, edges)
    is_edge = place >= 0
    edge_of = np.where(is_edge, np.append(fits, -1)[place], -1)
    index = np.where(is_edge, np.pad(graphs.edge_index, ((0, 0), (0, 1)))[:, edge_of], nodes)
    edge_attr = np.where(is_edge[..., None], np.pad(graphs.edge_attr, ((0, 1), (0, 0)))[edge_of], 0.0)
    y = np.where(is_edge, np.append(graphs.y, 0)[edge_of], 0)
    return Padded(x, edge_attr, index[0], index[1], y, edge_of, len(graphs.y), len(graphs.x))


def _places(counts: Whole, size: int) -> Whole:
    """Row of the joined array that stands in each place (graphs, size); -1: none."""
    first = np.cumsum(counts) - counts
    place = np.arange(size)
    return np.where(place < counts[:, None], first[:, None] + place, -1)


def _rows(ptr: Whole, chosen: Whole) -> tuple[Whole, Whole]:
    """Rows of the chosen graphs, and where each of these graphs then begins."""
    counts = np.diff(ptr)[chosen]
    begins = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return np.repeat(ptr[chosen] - begins[:-1], counts) + np.arange(begins[-1]), begins


def _whole(path: Path, name: str, array: NDArray[Any], axes: int) -> Whole:
    if array.dtype.kind not in "iub":
        raise BadInputError(f"{path}: '{name}' must hold integers, not {array.dtype}; it is {ARRAYS[name]}")
    if array.ndim != axes or (name == "edge_index" and len(array) != 2):
        raise BadInputError(f"{path}: '{name}' must be {ARRAYS[name]}, not {array.shape}")
    return array.astype(np.int64)


def _features(path: Path, name: str, array: NDArray[Any]) -> Reals:
    width = NODE_FEATURES if name == "x" else EDGE_FEATURES
    if array.dtype.kind not in "iuf" or array.ndim != 2 or array.shape[1] != width:
        raise BadInputError(f"{path}: '{name}' must be {ARRAYS[name]}, not {array.dtype} {array.shape}")
    values = array.astype(np.float64)
    wrong = ~(np.abs(values) < LARGEST).all(axis=1)
    if wrong.any():
        raise BadInputError(
            f"{path}: '{name}' holds NaN or a number above {LARGEST:g} in row {int(wrong.argmax())}; remove its graph"
        )
    return values


def _check_sizes(path: Path, graphs: SectorGraphs) -> None:
    edges = len(graphs.y)
    if graphs.edge_index.shape[1] != edges or len(graphs.edge_attr) != edges:
        raise BadInputError(
            f"{path}: edge_index, edge_attr and y must have equally many edges, not {graphs.edge_index.shape[1]}, "
            f"{len(graphs.edge_attr)} and {edges}"
        )
    for name, ptr, rows in (("node_ptr", graphs.node_ptr, len(graphs.x)), ("edge_ptr", graphs.edge_ptr, edges)):
        if len(ptr) < 2 or ptr[0] != 0 or ptr[-1] != rows or (np.diff(ptr) < 0).any():
            raise BadInputError(f"{path}: '{name}' must rise from 0 to {rows}; it is {ARRAYS[name]}")
    if len(graphs.node_ptr) != len(graphs.edge_ptr):
        raise BadInputError(
            f"{path}: node_ptr has {len(graphs.node_ptr) - 1} graphs, edge_ptr {len(graphs.edge_ptr) - 1}"
        )


def _check_edges(path: Path, graphs: SectorGraphs) -> None:
    graph_of_edge = graphs.graph_of_edge
    hits = np.diff(graphs.node_ptr)[graph_of_edge]
    wrong = ((graphs.edge_index < 0) | (graphs.edge_index >= hits)).any(axis=0)
    if wrong.any():
        edge = int(wrong.argmax())
        raise BadInputError(
            f"{path}: edge {edge} of graph {graph_of_edge[edge]} joins hits {graphs.edge_index[0, edge]} and "
            f"{graphs.edge_index[1, edge]}, but the graph has hits 0..{hits[edge] - 1}"
        )
    if not np.isin(graphs.y, (0, 1)).all():
        raise BadInputError(f"{path}: 'y' must hold 0 and 1 alone; it is {ARRAYS['y']}")
