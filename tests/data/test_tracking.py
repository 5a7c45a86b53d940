"""Sector graphs: files, generator, padding and truncation, and one-line errors."""

import numpy as np
import pytest

from codesign.data import tracks
from codesign.data.tracking import generated_graphs, load_graphs, pad, split
from codesign.errors import BadInputError

GRAPHS = generated_graphs(40, seed=1)
NAMES = ("x", "edge_index", "edge_attr", "y", "node_ptr", "edge_ptr")
ARRAYS = {name: getattr(GRAPHS, name) for name in NAMES}
FIRST_HITS = GRAPHS.node_ptr[1]


def changed(name, place, value):
    array = ARRAYS[name].copy()
    array[place] = value
    return ARRAYS | {name: array}


def saved(tmp_path, arrays):
    np.savez(tmp_path / "graphs.npz", **arrays)
    return tmp_path / "graphs.npz"


def test_a_file_gives_back_the_graphs_and_other_arrays_do_not_matter(tmp_path):
    loaded = load_graphs(saved(tmp_path, ARRAYS | {"pid": np.arange(3)}))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(loaded, name), ARRAYS[name])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({k: v for k, v in ARRAYS.items() if k != "y"}, "has no array 'y': 1 for a true edge"),
        (changed("edge_index", (1, 0), FIRST_HITS), rf"edge 0 of graph 0 joins hits .* has hits 0..{FIRST_HITS - 1}"),
        (changed("edge_index", (0, 3), -1), "edge 3 of graph 0 joins hits -1 and"),
        (ARRAYS | {"edge_index": GRAPHS.edge_index.astype(float)}, "'edge_index' must hold integers, not float64"),
        (ARRAYS | {"edge_index": GRAPHS.edge_index.T}, "'edge_index' must be .sender, receiver. of edges"),
        (changed("x", (5, 1), np.nan), "'x' holds NaN or a number above 1e.06 in row 5"),
        (changed("edge_attr", (7, 3), np.inf), "'edge_attr' holds NaN .* in row 7"),
        (ARRAYS | {"x": GRAPHS.x[:, :2]}, "'x' must be hits"),
        (ARRAYS | {"y": GRAPHS.y[:-1]}, "must have equally many edges"),
        (changed("node_ptr", 2, 0), "'node_ptr' must rise from 0 to"),
        (ARRAYS | {"node_ptr": np.array([0, len(GRAPHS.x)])}, "node_ptr has 1 graphs, edge_ptr 40"),
        (changed("y", 0, 2), "'y' must hold 0 and 1"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, arrays, message):
    with pytest.raises(BadInputError, match=message) as caught:
        load_graphs(saved(tmp_path, arrays))
    assert "\n" not in str(caught.value)


def test_fewer_generated_graphs_are_the_first_of_more_and_another_seed_gives_others():
    np.testing.assert_array_equal(generated_graphs(9, 1).x, GRAPHS.take(slice(9)).x)
    assert not np.array_equal(generated_graphs(9, 2).x[:20], GRAPHS.x[:20])


def test_generated_edges_join_adjacent_layers_and_their_features_are_those_of_the_hits():
    sender, receiver = (GRAPHS.x[index] for index in GRAPHS.union_index)
    np.testing.assert_array_equal(GRAPHS.edge_attr[:, :3], receiver - sender)
    slope = np.abs(GRAPHS.edge_attr[:, 1] * np.pi / 8 / (1000 * GRAPHS.edge_attr[:, 0]))
    assert slope.max() <= tracks.MAX_PHI_SLOPE * 1.0001
    assert np.abs(GRAPHS.x[:, 1]).max() < 1 and set(GRAPHS.y) == {0, 1}
    # A particle above 2 GeV bends by at most 1 / (2 * radius), a quarter of what the cut lets through.
    true = (GRAPHS.y == 1) & (GRAPHS.edge_attr[:, 0] > 0.02)
    least_radius_mm = tracks.MIN_PT_GEV * tracks.CURVATURE_RADIUS_MM_PER_GEV
    assert np.percentile(slope[true], 99) == pytest.approx(1 / (2 * least_radius_mm), rel=0.15)


def test_the_differences_of_a_true_edge_follow_the_helix():
    """In a plane through the beam a helix is nearly straight, so true edges point back to the beam line near z = 0."""
    sender = GRAPHS.x[GRAPHS.union_index[0]]
    z0_mm = 1000 * (sender[:, 2] - sender[:, 0] * GRAPHS.edge_attr[:, 2] / GRAPHS.edge_attr[:, 0])
    is_barrel = GRAPHS.edge_attr[:, 0] > 0.03
    true, fake = (np.abs(z0_mm[is_barrel & (GRAPHS.y == label)]) for label in (1, 0))
    assert np.percentile(true, 99) < 5 * tracks.VERTEX_MM
    assert np.median(fake) > 10 * tracks.VERTEX_MM


@pytest.mark.parametrize(("count", "seed"), [(0, 1), (1_000_001, 1), (1, -1)])
def test_impossible_samples_are_refused(count, seed):
    with pytest.raises(BadInputError, match="must"):
        tracks.generate(count, seed)


def test_taking_graphs_and_splitting_keep_each_graph_whole():
    taken = GRAPHS.take(np.array([7, 2]))
    one = GRAPHS.take(slice(2, 3))
    np.testing.assert_array_equal(taken.x[taken.node_ptr[1] :], one.x)
    np.testing.assert_array_equal(taken.edge_index[:, taken.edge_ptr[1] :], one.edge_index)
    first, second = split(GRAPHS, 0.25, seed=3)
    assert (len(first), len(second)) == (30, 10)
    assert len(first.y) + len(second.y) == len(GRAPHS.y)


def test_padding_keeps_every_edge_of_a_graph_that_fits():
    nodes, edges = np.diff(GRAPHS.node_ptr).max(), np.diff(GRAPHS.edge_ptr).max()
    padded = pad(GRAPHS, int(nodes), int(edges))
    assert (padded.truncated_edges, padded.padded_edges) == (0, 40 * edges - len(GRAPHS.y))
    np.testing.assert_array_equal(padded.unpad(padded.y), GRAPHS.y)
    one = GRAPHS.take(slice(3, 4))
    count = len(one.y)
    np.testing.assert_array_equal(padded.sender[3, :count], one.edge_index[0])
    np.testing.assert_array_equal(padded.edge_attr[3, :count], one.edge_attr)
    np.testing.assert_array_equal(padded.x[3, : len(one.x)], one.x)
    null = ~padded.mask
    assert (padded.sender[null] == nodes).all() and (padded.receiver[null] == nodes).all()
    assert not padded.edge_attr[null].any() and not padded.x[3, len(one.x) :].any()


def test_truncated_edges_are_counted_and_take_the_value_zero():
    padded = pad(GRAPHS, 28, 20)
    assert padded.truncated_edges == len(GRAPHS.y) - padded.mask.sum() > 0
    assert padded.sender[padded.mask].max() < 28 and padded.receiver[padded.mask].max() < 28
    values = padded.unpad(np.ones_like(padded.y))
    assert values.sum() == padded.mask.sum()
    # The first 20 edges among those of the first 28 hits.
    for graph in range(len(GRAPHS)):
        one, place = GRAPHS.take(slice(graph, graph + 1)), slice(*GRAPHS.edge_ptr[graph : graph + 2])
        expected = (one.edge_index < 28).all(axis=0) & (np.cumsum((one.edge_index < 28).all(axis=0)) <= 20)
        np.testing.assert_array_equal(values[place], expected)


def test_an_impossible_size_or_foreign_values_are_refused():
    with pytest.raises(BadInputError, match="number of edges of a padded graph must be at least 1, not 0"):
        pad(GRAPHS, 28, 0)
    with pytest.raises(BadInputError, match="values of padded edges must be"):
        pad(GRAPHS, 28, 20).unpad(np.zeros((40, 21)))


def test_the_stored_sector_graphs_are_read(shared_data):
    graphs = load_graphs(shared_data / "tracking" / "trackml_sector_graphs.npz")
    assert (len(graphs), len(graphs.x), len(graphs.y)) == (1200, 81512, 114849)
    # The file has float32 of its own formation: some digits less than float64.
    np.testing.assert_allclose(tracks.edge_features(graphs.x, graphs.union_index), graphs.edge_attr, rtol=0, atol=1e-5)
    fits = (np.diff(graphs.node_ptr) <= 113) & (np.diff(graphs.edge_ptr) <= 196)
    assert fits.mean() == pytest.approx(0.93, abs=0.01)
    padded = pad(graphs, 113, 196)
    assert padded.truncated_edges < 0.05 * len(graphs.y)
