"""Message passing in the form of PyTorch Geometric: the same scores in plain operations, and captured exactly."""

import importlib
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.brevitas import capture_graph_network
from codesign.frontend.exactness import check_exactness
from codesign.frontend.inputs import IndexInput, RealInput
from codesign.frontend.vectors import random_graphs
from codesign.models.insert import insert_quantisers
from codesign.models.interaction_network import Architecture, InteractionNetwork
from codesign.models.message_passing import as_rows

NODES, EDGES = 5, 9
INPUTS = {
    "x": RealInput((NODES, 3)),
    "edge_attr": RealInput((EDGES, 4)),
    "sender": IndexInput(EDGES, NODES),
    "receiver": IndexInput(EDGES, NODES),
}
FORMATS = {"x": Fixed(8, 6, True), "edge_attr": Fixed(8, 5, True)} | {
    f"network.{name}": Fixed(8, 4, True) for name in ("r1.fc3", "o.fc3", "r2.fc3")
}


class MessagePassing(nn.Module):
    """What `as_rows` needs of torch_geometric.nn.MessagePassing, for the case that it is not installed."""

    def __init__(self, aggr="add", flow="source_to_target"):
        super().__init__()
        self.aggr, self.flow = aggr, flow

    def propagate(self, edge_index, size=None, **values):
        raise NotImplementedError


def geometric():
    """Return the class of PyTorch Geometric."""
    if importlib.util.find_spec("torch_geometric") is None:
        pytest.skip("PyTorch Geometric is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("torch_geometric.nn").MessagePassing


def network(base, **options):
    """Return the interaction network of Elabd et al. in their own form, and ours with the same weights."""

    class Network(base):
        def __init__(self):
            super().__init__(**{"aggr": "add", **options})
            self.messages = torch.zeros(0)

        def forward(self, x, edge_index, edge_attr):
            states = self.propagate(edge_index=edge_index, x=x, edge_attr=edge_attr, size=None)
            pairs = torch.cat([states[edge_index[1]], states[edge_index[0]], self.messages], dim=1)
            return self.sigmoid(self.r2(pairs))

        def message(self, x_i, x_j, edge_attr):
            self.messages = self.r1(torch.cat([x_i, x_j, edge_attr], dim=1))
            return self.messages

        def update(self, aggr_out, x):
            return self.o(torch.cat([x, aggr_out], dim=1))

    torch.manual_seed(2)
    ours = InteractionNetwork(Architecture(4)).double().eval()
    theirs = Network().double().eval()
    for name in ("r1", "o", "r2", "sigmoid"):
        setattr(theirs, name, getattr(ours, name))
    return theirs, ours


def graph():
    random = np.random.default_rng(4)
    values = random.normal(size=(NODES, 3)), random.normal(size=(EDGES, 4))
    return *map(torch.from_numpy, values), *torch.from_numpy(random.integers(0, NODES, (2, EDGES)))


@pytest.mark.parametrize("base", ["stand-in", "PyTorch Geometric"])
def test_the_rows_compute_the_same_and_are_captured(base):
    theirs, ours = network(MessagePassing if base == "stand-in" else geometric())
    rows = as_rows(theirs)
    scores = rows(*graph())
    assert torch.equal(scores, ours(*graph()))
    if base != "stand-in":
        x, edge_attr, sender, receiver = graph()
        # Both in float64; the library adds messages in another order.
        assert torch.allclose(scores, theirs(x, torch.stack([sender, receiver]), edge_attr), rtol=0, atol=1e-12)
    model = insert_quantisers(rows, FORMATS)
    captured = capture_graph_network(model, INPUTS)
    inputs = random_graphs(captured, 30, 1)
    for end in ("sender", "receiver"):  # plain x[index] knows no null row
        inputs[end] %= NODES
    assert check_exactness(captured, model, inputs).is_exact


def test_flow_may_go_against_the_edges():
    x, edge_attr, sender, receiver = graph()
    along, against = (
        as_rows(network(MessagePassing, flow=flow)[0]).network for flow in ("source_to_target", "target_to_source")
    )
    states = against.propagate((sender, receiver), x=x, edge_attr=edge_attr)
    assert torch.equal(states, along.propagate((receiver, sender), x=x, edge_attr=edge_attr))
    assert not torch.equal(states, along.propagate((sender, receiver), x=x, edge_attr=edge_attr))


def test_other_modules_are_refused():
    with pytest.raises(BadInputError, match=r"^Linear is no MessagePassing: it needs message and propagate$"):
        as_rows(nn.Linear(2, 2))
    with pytest.raises(BadInputError, match=r"^Network aggregates by 'max'; use one of add, sum$"):
        as_rows(network(MessagePassing, aggr="max")[0])
    unnamed = as_rows(network(MessagePassing)[0]).network
    with pytest.raises(BadInputError, match=r"^message and update read 'x_i', which propagate is not given$"):
        unnamed.propagate(graph()[2:], edge_attr=graph()[1])
