"""Networks of rows behind a batch axis: constant indices, sums over rows, products, slices, functions of functions."""

import numpy as np
import pytest
import torch
from torch import nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.brevitas import capture
from codesign.frontend.exactness import check_exactness
from codesign.frontend.vectors import corner_inputs, random_inputs
from codesign.models.deep_sets import DeepSets
from codesign.models.garnet import GarNet
from codesign.models.insert import insert_quantisers
from codesign.models.jet_interaction import AllToAll
from codesign.models.jet_layers import Architecture
from codesign.ops.take import Take
from tests.frontend.test_exactness import identity

NETWORKS = {"deep_sets": DeepSets, "interaction_network": AllToAll, "garnet": GarNet}


def report(model, captured, count=100):
    inputs = np.concatenate([corner_inputs(captured, 16), random_inputs(captured, count, 1)])
    return check_exactness(captured, model, inputs)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_jet_network_goes_through(name):
    torch.manual_seed(0)
    formats = dict.fromkeys(NETWORKS[name].VALUES, "s8.5") | ({"weight": "u8.8"} if name == "garnet" else {})
    model = NETWORKS[name](Architecture(name, 8, 6, 6, formats)).double().eval()
    captured = capture(model, (8, 3))
    result = report(model, captured)
    assert result.is_exact, result.summary()
    assert result.total_values > 150_000
    kinds = {node.op.kind for node in captured.graph.nodes}
    assert "global_pool" in kinds
    assert ("lookup" in kinds) == (name == "garnet")
    # indices that never change are constants, whose rows are wires
    takes = [node for node in captured.graph.nodes if isinstance(node.op, Take)]
    assert all(captured.graph.types[node.operands[1]].is_constant for node in takes)
    assert len(takes) == (2 if name == "interaction_network" else 0)


class Call(nn.Module):
    """A function of quantised rows (batch, 4, 3)."""

    def __init__(self, function):
        super().__init__()
        self.rows, self.function = identity(6, 1.3), function

    def forward(self, x):
        return self.function(self.rows(x))


FUNCTIONS = {
    "rows of several scales": lambda x: torch.cat([x, 0.25 * x[:, :, :1]], 2).index_select(1, torch.tensor([3, 1])),
    "sum of several scales": lambda x: torch.cat([0.5 * x, x], 2).sum(1),
    "sum": lambda x: x.sum(1),
    "sum, kept": lambda x: torch.sum(x, 1, keepdim=True),
    "mean": lambda x: x.mean(dim=-2),
    "highest": lambda x: x.amax(1),
    "product": lambda x: x[:, :, 1:2] * x,
    "outer product": lambda x: x[:, :, :1] * x[:, 2:3],
    "scaled": lambda x: 0.75 * x,
    "slices": lambda x: torch.cat([x[:, 1:3, 2:], x[:, :2, :1]], 1),
    "constant rows": lambda x: x.index_select(1, torch.tensor([2, 0, 3, 3, 1])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_rows(name):
    model = Call(FUNCTIONS[name]).double().eval()
    captured = capture(model, (4, 3))
    result = report(model, captured)
    assert result.is_exact, result.summary()


def test_functions_of_functions_are_one_table():
    model = insert_quantisers(Call(lambda x: torch.exp(-torch.square(x))), {"exp": Fixed(7, 7)}).double()
    captured = capture(model, (4, 3))
    assert [node.op.kind for node in captured.graph.nodes] == ["input", "lookup"]
    assert report(model, captured).is_exact


REFUSED = {
    "sum of features": (lambda x: x.sum(2), r"^'sum_\d': sum goes over the rows: the first axis behind a batch axis$"),
    "product with zero": (lambda x: x * 0, "a product needs two values of the model, or a number that is not 0$"),
    "product behind a ReLU": (lambda x: x * torch.relu(x), "the ReLU before it is not quantised"),
    "sum of all": (lambda x: x.sum((1, 2)), r"^'sum_\d': dim must be one whole number, not \(1, 2\)$"),
    "step": (lambda x: x[:, ::2], r"takes an index of rows, or slices of the axes behind the first$"),
    "part of the batch": (lambda x: x[1:], r"takes an index of rows, or slices of the axes behind the first$"),
    "index of the event": (lambda x: x[:, x.sum(1)], "fails here|slices of the axes"),
    "negated": (lambda x: -x, "^an output of the model is not quantised"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_captured_is_one_line(name):
    function, message = REFUSED[name]
    with pytest.raises(BadInputError, match=message) as error:
        capture(Call(function), (4, 3))
    assert "\n" not in str(error.value)
