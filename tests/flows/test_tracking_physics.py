"""The physics table of an edge classifier: what a perfect and a useless response give, and what truncation costs."""

import json

import numpy as np
import pytest

from codesign.data.tracking import generated_graphs, pad
from codesign.errors import BadInputError
from codesign.flows.tracking_physics import RESPONSE, hit_distances_mm, tracking_physics
from codesign.graph import Port

GRAPHS = generated_graphs(12, seed=6)
PORT = Port("score", (1 / 127,))


def table(tmp_path, nodes, edges, response):
    """Rows by (name, metric) for the response of a perfect classifier, changed by `response`."""
    padded = pad(GRAPHS, nodes, edges)
    integers = response(127 * padded.y)[..., None]
    physics = tracking_physics({"perfect model": GRAPHS.y.astype(float)}, PORT, GRAPHS, padded)
    return {(row.name, row.metric): row for row in physics({"score": integers}, tmp_path)}, padded


def test_a_perfect_response_where_everything_fits(tmp_path):
    rows, _ = table(tmp_path, 200, 400, lambda y: y)
    for name in (RESPONSE, "perfect model"):
        for metric in ("AUC", "efficiency, score >= 0.5", "purity, score >= 0.5"):
            assert rows[name, metric].value == 1.0
        assert rows[name, "hit distance"].value == pytest.approx(0.0, abs=1e-9)
    size = "200 nodes, 400 edges"
    assert rows[size, "truncated edges"].value == rows[size, "truncated true edges"].value == 0.0
    assert rows[size, "null edges"].value == pytest.approx(1 - len(GRAPHS.y) / (12 * 400))
    assert len(json.loads((tmp_path / "physics.json").read_text())["scores"][RESPONSE]) == len(GRAPHS.y)


def test_truncated_edges_count_as_classified_false(tmp_path):
    rows, padded = table(tmp_path, 28, 56, lambda y: y)
    lost = 1 - padded.y.sum() / GRAPHS.y.sum()
    assert rows["28 nodes, 56 edges", "truncated true edges"].value == pytest.approx(lost) and lost > 0.2
    assert rows[RESPONSE, "efficiency, score >= 0.5"].value == pytest.approx(1 - lost)
    assert rows["perfect model", "efficiency, score >= 0.5"].value == 1.0
    assert rows[RESPONSE, "hit distance"].value > 10.0


def test_a_wrong_response_shows(tmp_path):
    rows, _ = table(tmp_path, 200, 400, lambda y: 127 - y)
    assert rows[RESPONSE, "AUC"].value == rows[RESPONSE, "purity, score >= 0.5"].value == 0.0


def test_graphs_without_a_true_edge_are_excluded_and_foreign_scores_refused():
    one = GRAPHS.take(slice(1))
    blank = type(one)(**{**vars(one), "y": 0 * one.y})
    assert np.isnan(hit_distances_mm(blank, np.ones(len(one.y)))).all()
    with pytest.raises(BadInputError, match=r"scores of .* edges must be"):
        hit_distances_mm(GRAPHS, np.ones(3))
