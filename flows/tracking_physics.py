"""Physics table of an edge classifier: area under the ROC curve, efficiency, purity, hit distance, truncation."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesign.classification import Figure
from codesign.data.tracking import Padded, SectorGraphs
from codesign.errors import BadInputError
from codesign.files import sha256_of, write_json
from codesign.fixed import Integers
from codesign.flows.design import Physics
from codesign.graph import Port
from codesign.metrics import summarise
from codesign.report import PhysicsRow
from codesign.tracking_metrics import edge_auc, efficiency, hit_emd_mm, hit_positions_mm, purity

Reals = NDArray[np.float64]
VALUES = "physics.json"
RESPONSE = "RTL response"
THRESHOLD = 0.5


def tracking_physics(models: Mapping[str, Reals], port: Port, graphs: SectorGraphs, padded: Padded) -> Physics:
    """Return the function that turns the integers of output `port`, (events, E, ...), into the physics table.

    `graphs` were padded to `padded`, which the hardware read. `models`: scores (edges,) in 0..1 by model, of every edge
    of `graphs`, so that a model that reads whole graphs shows what truncation costs. Truncated edges have the score 0.
    """

    def rows(outputs: Mapping[str, Integers], folder: Path) -> tuple[PhysicsRow, ...]:
        found = port.decode(outputs[port.node]).reshape(padded.edge_of.shape)
        found = found.clip(0.0, 1.0)  # a learned scale may put the highest code a little above 1
        scores = {**models, RESPONSE: padded.unpad(found)}
        distances = {name: hit_distances_mm(graphs, values) for name, values in scores.items()}
        digest = _write(folder, scores, distances, graphs)
        table = [row for name, values in scores.items() for row in _edge_rows(name, values, graphs, digest)]
        table += [_distance_row(name, values, digest) for name, values in distances.items()]
        return (*table, *_size_rows(graphs, padded, digest))

    return rows


def hit_distances_mm(graphs: SectorGraphs, scores: Reals) -> Reals:
    """Return `codesign.tracking_metrics.hit_emd_mm` of each graph, (graphs,), for the scores (edges,) of all graphs."""
    if scores.shape != graphs.y.shape:
        raise BadInputError(f"scores of {len(graphs.y)} edges must be {graphs.y.shape}, not {scores.shape}")
    parts = np.split(scores, graphs.edge_ptr[1:-1])
    return np.array([_distance_mm(graphs.take(slice(g, g + 1)), part) for g, part in enumerate(parts)])


def _distance_mm(graph: SectorGraphs, scores: Reals) -> float:
    if not graph.y.any():
        return float("nan")
    return hit_emd_mm(hit_positions_mm(graph.x), graph.edge_index, scores, graph.y)


def _write(folder: Path, scores: Mapping[str, Reals], distances: Mapping[str, Reals], graphs: SectorGraphs) -> str:
    """Keep every number; return the digest of the numbers."""
    plain = {name: [None if np.isnan(value) else float(value) for value in by] for name, by in distances.items()}
    content = {"labels": graphs.y.tolist(), "edge_ptr": graphs.edge_ptr.tolist(), "hit_distance_mm": plain}
    write_json(folder / VALUES, content | {"scores": {name: values.tolist() for name, values in scores.items()}})
    return sha256_of(folder / VALUES)


def _edge_rows(name: str, scores: Reals, graphs: SectorGraphs, digest: str) -> list[PhysicsRow]:
    figures = {
        "AUC": edge_auc(scores, graphs.y),
        f"efficiency, score >= {THRESHOLD}": efficiency(scores, graphs.y, THRESHOLD),
        f"purity, score >= {THRESHOLD}": purity(scores, graphs.y, THRESHOLD),
    }
    return [_row(name, metric, len(graphs.y), figure, digest) for metric, figure in figures.items()]


def _distance_row(name: str, distances: Reals, digest: str) -> PhysicsRow:
    summary = summarise(distances)
    numbers = (summary.mean, summary.median, summary.low68, summary.high68)
    mean, median, low, high = (None if np.isnan(number) else number for number in numbers)
    return PhysicsRow(
        name=name,
        metric="hit distance",
        unit="mm",
        count=summary.count,
        excluded=summary.excluded,
        value=mean,
        median=median,
        low68=low,
        high68=high,
        source=VALUES,
        sha256=digest,
    )


def _size_rows(graphs: SectorGraphs, padded: Padded, digest: str) -> list[PhysicsRow]:
    """What the fixed size does: fractions of edges that found no place, and of places that hold no edge."""
    true, places = max(int(graphs.y.sum()), 1), padded.edge_of.size
    fractions = {
        "truncated edges": (padded.truncated_edges, padded.given_edges),
        "truncated true edges": (true - int(padded.y.sum()), true),
        "null edges": (padded.padded_edges, places),
    }
    size = f"{padded.x.shape[1]} nodes, {padded.edge_of.shape[1]} edges"
    return [
        _row(size, metric, total, Figure(part / total, float("nan")), digest)
        for metric, (part, total) in fractions.items()
    ]


def _row(name: str, metric: str, count: int, figure: Figure, digest: str) -> PhysicsRow:
    value, error = (None if np.isnan(number) else number for number in (figure.value, figure.error))
    return PhysicsRow(
        name=name, metric=metric, unit="", count=count, value=value, error=error, source=VALUES, sha256=digest
    )
