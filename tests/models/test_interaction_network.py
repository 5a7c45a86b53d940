"""The interaction network: stored models load unchanged, null rows change nothing, a batch is the disjoint union."""

import numpy as np
import pytest
import torch

from codesign.classification import one_vs_rest_auc
from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.models.checkpoint import load_checkpoint, save_checkpoint
from codesign.models.interaction_network import (
    FAMILY,
    Architecture,
    InteractionNetwork,
    float_model,
    load_published,
    with_formats,
)
from codesign.models.quantisers import fixed_quantiser
from codesign.models.rows import segment_sum, take

# Area under the ROC curve of all edges of all stored sector graphs, in float64.
AREA = {
    "interaction_network_brevitas_h8_6b": 0.9549174900,
    "interaction_network_brevitas_h8_8b": 0.9782001196,
    "interaction_network_brevitas_h40_6b": 0.9587566912,
    "interaction_network_brevitas_h40_8b": 0.9453353231,
}
FORMATS = {"node": "s8.6", "edge": "s8.5", "message": "s8.4", "state": "s8.4", "logit": "s8.4"}


def network(**options):
    torch.manual_seed(3)
    return InteractionNetwork(Architecture(**options)).double().eval()


def graph(seed, nodes, edges):
    random = np.random.default_rng(seed)
    values = random.normal(0, 0.5, (nodes, 3)), random.normal(0, 0.5, (edges, 4))
    return *map(torch.from_numpy, values), *torch.from_numpy(random.integers(0, nodes, (2, edges)))


def padded(events, nodes, edges):
    """Disjoint union of `events`, each padded to `nodes` and `edges`: null edges lead to no node."""
    null = len(events) * nodes
    parts = [], [], [], []
    for number, (x, edge_attr, sender, receiver) in enumerate(events):
        spare = edges - len(edge_attr)
        ends = [torch.cat([one + number * nodes, torch.full((spare,), null)]) for one in (sender, receiver)]
        rows = torch.cat([x, x.new_zeros(nodes - len(x), 3)]), torch.cat([edge_attr, x.new_zeros(spare, 4)])
        for part, piece in zip(parts, (*rows, *ends), strict=True):
            part.append(piece)
    return tuple(map(torch.cat, parts))


@pytest.mark.parametrize("options", [{"quantised": False}, {}, {"formats": FORMATS, "hidden": 5}])
@torch.no_grad()
def test_padding_and_batching_change_no_score(options):
    model = network(**options)
    events = [graph(seed, nodes, edges) for seed, nodes, edges in ((1, 4, 7), (2, 6, 10), (3, 1, 0))]
    scores = model(*padded(events, 6, 11)).reshape(3, 11)
    for event, got in zip(events, scores, strict=True):
        expected = model(*event).ravel()
        # Float64: larger matrices are multiplied in another order.
        assert torch.allclose(got[: len(expected)], expected, rtol=0, atol=1e-12)


@torch.no_grad()
def test_a_null_row_reads_zeros_and_is_not_written():
    rows, index = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 2, 0, 1])
    assert take(rows, index).tolist() == [[3.0, 4.0], [0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]
    assert segment_sum(take(rows, index) + 1, index, 2).tolist() == [[2.0, 3.0], [8.0, 10.0]]


@pytest.mark.parametrize("name", AREA)
@torch.no_grad()
def test_a_stored_model_classifies_the_stored_edges(shared_data, name):
    model = load_published(shared_data / "models" / f"{name}.npz").double()
    assert {"node", "edge", "message", "state", "logit"}.isdisjoint(model.architecture.formats)
    with np.load(shared_data / "tracking" / "trackml_sector_graphs.npz") as data:
        moved = data["edge_index"] + np.repeat(data["node_ptr"][:-1], np.diff(data["edge_ptr"]))
        inputs = [torch.from_numpy(data[key].astype(np.float64)) for key in ("x", "edge_attr")]
        scores = model(*inputs, *torch.from_numpy(moved)).numpy().ravel()
        true = data["y"].astype(np.int64)
    area = one_vs_rest_auc(np.stack([1 - scores, scores], axis=1), true, 1).value
    assert area == pytest.approx(AREA[name], abs=1e-8)


def test_formats_are_quantisers_of_those_numbers():
    model = with_formats(network(), FORMATS)
    for name, text in FORMATS.items():
        assert float(model.get_submodule(name).act_quant.scale()) == 2.0 ** -Fixed.parse(text).frac
    assert type(model.total) is torch.nn.Identity
    assert not any("Quant" in type(module).__name__ for module in float_model(model).modules())
    for fixed in (Fixed(8, 6, True), Fixed(8, 7), Fixed(5, 9, True), Fixed(4, -2)):
        quantise = fixed_quantiser(fixed).eval()
        ends = quantise(torch.tensor([-1e9, 1e9])) * 2.0**fixed.frac
        assert ends.tolist() == [fixed.low, fixed.high]


def test_a_checkpoint_holds_architecture_and_weights(tmp_path):
    model = network(formats=FORMATS)
    path = save_checkpoint(tmp_path / "in.safetensors", FAMILY, model, {})
    again = load_checkpoint(path, FAMILY).double()
    assert again.architecture == model.architecture
    assert torch.equal(again(*graph(5, 6, 9)), model(*graph(5, 6, 9)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 0}, "hidden must be a whole number from 1, got 0"),
        ({"weight_bits": 1}, "weight_bits must be a whole number from 2 to 16, got 1"),
        ({"formats": {"nodes": "s8"}}, "formats: there is no value 'nodes'; the values are node, edge, message, total"),
        ({"formats": {"node": "8"}}, "format '8' must be like u8.7"),
    ],
)
def test_a_wrong_architecture_is_an_error(options, message):
    with pytest.raises(BadInputError, match=message):
        Architecture(**options)


def test_a_wrong_file_is_an_error(tmp_path):
    def stored(name, **arrays):
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    weight = {"R1.layers.0.weight": np.ones((8, 10), np.float32)}
    with pytest.raises(BadInputError, match="holds no interaction network"):
        load_published(stored("a_6b.npz", w=np.ones(3)))
    with pytest.raises(BadInputError, match="tells no bit width; name it"):
        load_published(stored("a.npz", **weight))
    with pytest.raises(BadInputError, match=r"tensor 'o.act1.*' is missing"):
        load_published(stored("a_6b.npz", **weight))
    with pytest.raises(BadInputError, match="pickle"):
        load_published(tmp_path / "model.pt")
