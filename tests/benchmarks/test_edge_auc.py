"""The table and the figure of area against bit width; a training that was done is not repeated."""

import numpy as np
import pytest

from benchmarks import edge_auc
from benchmarks.edge_auc import Row, figure, measure, table
from codesign.data.tracking import generated_graphs
from codesign.train.interaction_network import InteractionNetworkOptions, architecture

ROWS = [
    Row(7, 0, 0.990, 0.001, 0.9, 0.8, 3.0),
    Row(7, 1, 0.994, 0.001, 0.9, 0.8, 5.0),
    Row(None, 0, 0.995, 0.001, 0.9, 0.8, 2.0),
]


def test_a_line_is_the_mean_over_seeds_and_its_loss_is_against_the_float_model():
    lines = table(ROWS, (300, 30000)).splitlines()
    assert "| 7 | 0.99200 | 0.99000..0.99400 | 0.00100 | 0.00300 | 90.00 % | 80.00 % | 4.00 |" in lines
    assert "| float | 0.99500 | 0.99500..0.99500 | 0.00100 | - | 90.00 % | 80.00 % | 2.00 |" in lines


def test_the_figure_is_drawn(tmp_path):
    assert figure(ROWS, tmp_path / "auc.png").stat().st_size > 5_000


def test_a_point_is_trained_once_and_again_with_other_options(tmp_path, monkeypatch):
    graphs = generated_graphs(60, seed=2)
    names = ("x", "edge_index", "edge_attr", "y", "node_ptr", "edge_ptr")
    np.savez(tmp_path / "graphs.npz", **{name: getattr(graphs, name) for name in names})
    given = {"output": tmp_path, "data": tmp_path / "graphs.npz", "batch_size": 8, "progress": False}
    given |= {"float_epochs": 8, "qat_epochs": 1, "architecture": architecture(bits=6)}
    first = measure(InteractionNetworkOptions(**given), 6, graphs)
    assert 0.5 < first.auc <= 1.0 and first.bits == 6
    monkeypatch.setattr(edge_auc, "train_interaction_network", lambda options: pytest.fail("trained again"))
    assert measure(InteractionNetworkOptions(**given), 6, graphs) == first
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        measure(InteractionNetworkOptions(**given, seed=1), 6, graphs)
