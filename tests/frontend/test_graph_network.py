"""Graph networks: every value of every node equals the float64 Brevitas model, padded, in every way of writing."""

from dataclasses import replace

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.inject.enum import ScalingImplType
from torch import nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.brevitas import capture_graph_network
from codesign.frontend.exactness import check_exactness
from codesign.frontend.inputs import IndexInput, RealInput
from codesign.frontend.vectors import corner_graphs, random_graphs
from codesign.graph import Graph
from codesign.models.insert import calibrated_formats, insert_quantisers
from codesign.models.interaction_network import Architecture, InteractionNetwork, load_published, with_formats
from codesign.ops.lookup import Lookup
from codesign.ops.sources import Constant
from codesign.ops.take import Take

NODES, EDGES = 5, 9
FORMATS = {"node": "s8.6", "edge": "s8.5", "message": "s7.3", "total": "s9.3", "state": "s7.4", "logit": "s8.4"}


def given(nodes=NODES, edges=EDGES):
    index = IndexInput(edges, nodes)
    return {"x": RealInput((nodes, 3)), "edge_attr": RealInput((edges, 4)), "sender": index, "receiver": index}


def network(formats=FORMATS, hidden=4, **options):
    torch.manual_seed(7)
    model = InteractionNetwork(Architecture(hidden=hidden, formats=formats, **options)).double().eval()
    for weight in (weight for name, weight in model.named_parameters() if name.endswith("weight")):
        weight.data *= 3.0
    return model


def events(captured, count=150):
    corners, random = corner_graphs(captured), random_graphs(captured, count, 1)
    return {name: np.concatenate([corners[name], random[name]]) for name in corners}


def with_op(captured, name, op):
    graph = captured.graph
    nodes = tuple(replace(node, op=op) if node.name == name else node for node in graph.nodes)
    return replace(captured, graph=Graph(graph.name, nodes, graph.inputs, graph.outputs))


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def captured(model):
    return capture_graph_network(model, given())


def test_every_value_of_every_node_equals_the_model(model, captured):
    report = check_exactness(captured, model, events(captured))
    assert report.is_exact, report.summary()
    assert report.vectors == 180
    sizes = {path: 180 * captured.graph.types[binding.node].size for path, binding in captured.node_of.items()}
    assert dict(report.values) == sizes
    layers = {f"{part}.{layer}" for part in ("r1", "o", "r2") for layer in ("fc1", "act1", "fc2", "act2", "fc3")}
    assert layers | set(FORMATS) | {"sigmoid", "cat", "index_select"} <= set(report.values)
    assert captured.graph.types["sigmoid"].shape == (EDGES, 1)


@pytest.mark.parametrize("name", ["interaction_network_brevitas_h8_6b", "interaction_network_brevitas_h40_8b"])
def test_a_stored_model_goes_through_with_named_quantisers(shared_data, name):
    model = with_formats(load_published(shared_data / "models" / f"{name}.npz"), {**FORMATS, "total": "s10.2"}).double()
    captured = capture_graph_network(model, given(28, 56))
    report = check_exactness(captured, model, random_graphs(captured, 30, 2))
    assert report.is_exact, report.summary()


def test_a_wrong_weight_table_or_row_is_noticed(model, captured):
    inputs = random_graphs(captured, 40, 3)
    values = captured.graph.by_name["o.fc2.weight"].op.values.copy()
    values[0, 0] += 1
    assert check_exactness(with_op(captured, "o.fc2.weight", Constant(values)), model, inputs).mismatches["o.fc2"]
    table = captured.graph.by_name["sigmoid"].op.table
    flipped = Lookup(tuple(code ^ 1 for code in table), signed=True)
    assert set(check_exactness(with_op(captured, "sigmoid", flipped), model, inputs).mismatches) == {"sigmoid"}

    class LastRow(Take):  # reads the last row where the index names none
        def evaluate(self, *operands):
            return super().evaluate(operands[0], np.minimum(operands[1], operands[0].shape[1] - 1))

    report = check_exactness(with_op(captured, "index_select", LastRow()), model, inputs)
    assert report.mismatches["index_select"]
    assert not report.is_explained


def test_an_index_above_the_null_row_is_flagged_and_changes_nothing(captured):
    inputs = captured.quantise_inputs(random_graphs(captured, 60, 4))
    faulty = {name: values.copy() for name, values in inputs.items()}
    for name in ("sender", "receiver"):
        high = captured.graph.types[name].fixed.high
        assert high > NODES
        faulty[name][::2][inputs[name][::2] == NODES] = high
    outputs, wrong = (captured.graph.evaluate(values) for values in (inputs, faulty))
    assert np.array_equal(outputs["sigmoid"], wrong["sigmoid"])
    assert not outputs["index_fault"].any()
    expected = (faulty["sender"] > NODES).any(axis=1) | (faulty["receiver"] > NODES).any(axis=1)
    assert expected.any()
    assert np.array_equal(wrong["index_fault"][:, 0], expected)


def test_a_graph_without_codes_above_the_null_row_is_never_faulty(model):
    captured = capture_graph_network(model, given(nodes=7))
    assert captured.graph.types["sender"].fixed == Fixed(3)
    outputs = captured.graph.evaluate(captured.quantise_inputs(random_graphs(captured, 20, 5)))
    assert not outputs["index_fault"].any()


# Other ways of writing the same -------------------------------------------------------------------------------------


def quantised_relu(bits=6, threshold=3.0):
    return qnn.QuantReLU(bit_width=bits, scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=threshold)


class Plain(nn.Module):
    """One layer of messages without a null row, and a layer for the nodes; float32, no quantiser on values."""

    def __init__(self, summed):
        super().__init__()
        torch.manual_seed(11)
        self.summed = summed
        self.message = qnn.QuantLinear(10, 3, bias=False, weight_bit_width=5)
        self.act = quantised_relu()
        self.node = qnn.QuantLinear(6, 2, bias=True, weight_bit_width=4)
        self.out = qnn.QuantTanh(bit_width=6, scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=1.0)

    def forward(self, x, edge_attr, sender, receiver):
        messages = self.act(self.message(torch.cat((x[receiver], x[sender], edge_attr), -1)))
        return self.out(self.node(torch.cat([x, self.summed(messages, receiver, x.shape[0])], 1)))


def by_scatter(messages, receiver, nodes):
    index = receiver.unsqueeze(-1).expand_as(messages)
    return messages.new_zeros(nodes, 3).scatter_add(0, index, messages)


SUMS = {
    "index_add": lambda m, receiver, n: m.new_zeros(n, 3).index_add(0, receiver, m),
    "torch.index_add": lambda m, receiver, n: torch.index_add(m.new_zeros(n, 3), 0, receiver, m),
    "scatter_add": by_scatter,
}
PLAIN_FORMATS = {"x": Fixed(8, 5, True), "edge_attr": Fixed(7, 2, True), "act": Fixed(6, 4), "node": Fixed(8, 5, True)}


@pytest.mark.parametrize("name", SUMS)
def test_values_are_quantised_where_the_user_names_a_format(name):
    model = insert_quantisers(Plain(SUMS[name]), PLAIN_FORMATS).double()
    assert {"x_quant", "edge_attr_quant", "act_quant", "node_quant"} <= dict(model.named_children()).keys()
    captured = capture_graph_network(model, given())
    inputs = random_graphs(captured, 60, 6)
    for end in ("sender", "receiver"):  # without a null row every index names a row
        inputs[end] %= NODES
    report = check_exactness(captured, model, inputs)
    assert report.is_exact, report.summary()
    # three scales meet in the layers: the weights take the shifts over
    assert {node.op.kind for node in captured.graph.nodes}.isdisjoint({"gather", "reshape"})


def test_inserting_leaves_the_model_as_it_is():
    model = Plain(SUMS["index_add"]).eval()
    inserted = insert_quantisers(model, PLAIN_FORMATS)
    assert "x_quant" not in dict(model.named_modules())
    random = np.random.default_rng(0)
    values = [torch.tensor(random.normal(0, 1, size), dtype=torch.float32) for size in ((NODES, 3), (EDGES, 4))]
    ends = torch.from_numpy(random.integers(0, NODES, (2, EDGES)))
    fine = insert_quantisers(model, {name: Fixed(30, 24, True) for name in PLAIN_FORMATS})
    # Sums of some values with 2**-25 of rounding each, in float32.
    assert torch.allclose(fine(*values, *ends), model(*values, *ends), rtol=0, atol=1e-5)
    # Negative control: the coarse formats change more than a hundred times that.
    assert not torch.allclose(inserted(*values, *ends), model(*values, *ends), rtol=0, atol=1e-3)


def test_a_calibrated_format_fits_the_values():
    model = Plain(SUMS["index_add"]).eval()
    x = torch.tensor([[0.0, 0.99, -0.5]] * NODES)
    edge_attr, ends = torch.full((EDGES, 4), 3.95), torch.zeros(2, EDGES, dtype=torch.int64)
    formats = calibrated_formats(model, {"x": 8, "edge_attr": 6, "act": 5}, (x, edge_attr, *ends))
    assert (formats["x"], formats["edge_attr"]) == (Fixed(8, 7, True), Fixed(6, 4))
    assert formats["act"].width == 5
    with pytest.raises(BadInputError, match=r"^the model has no value 'y'; its values are x, edge_attr"):
        calibrated_formats(model, {"y": 8}, (x, edge_attr, *ends))


# Errors -------------------------------------------------------------------------------------------------------------


def without(*names):
    return network({name: text for name, text in FORMATS.items() if name not in names})


def plain(summed=SUMS["index_add"], formats=PLAIN_FORMATS):
    return insert_quantisers(Plain(summed), formats)


class Call(nn.Module):
    """Calls a function on quantised nodes, messages and the receiver."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.node, self.edge = (
            qnn.QuantIdentity(bit_width=6, scaling_init=1.0, scaling_impl_type="parameter") for _ in "xe"
        )

    def forward(self, x, edge_attr, sender, receiver):
        return self.function(self.node(x), self.edge(edge_attr), receiver)


REFUSED = {
    "no node quantiser": (without("node"), r"^'pad': it reads the real-valued input 'x'; quantise it first"),
    "no edge quantiser": (without("edge"), r"^'cat_?\d?': it reads the real-valued input 'edge_attr'; quantise"),
    "no message quantiser": (
        without("message", "total"),
        r"^node 'o.fc1': its input 'cat_1' is not quantised; name a quantiser for 'r1.fc3'$",
    ),
    "no state quantiser": (without("state"), r"^node 'r2.fc1': its input '.*' is not quantised; .* for 'o.fc3'$"),
    "no logit quantiser": (
        without("logit"),
        r"^'sigmoid': a table of sigmoid reads at most 12 bits, not \d+; name a quantiser for 'r2.fc3'$",
    ),
    "unrelated scales": (
        plain(formats={name: fixed for name, fixed in PLAIN_FORMATS.items() if name != "act"}),
        "^node 'node': its input joins values on unrelated scales; quantise them on scales that differ by powers of",
    ),
    "onto ones": (Call(lambda x, e, i: e.new_ones(NODES, 4).index_add(0, i, e)), "onto zeros$"),
    "one row too few": (
        Call(lambda x, e, i: e.new_zeros(NODES - 1, 4).index_add(0, i, e)),
        "^'index_add': the index names 5 rows, but 4 are summed to$",
    ),
    "row not cut": (
        Call(lambda x, e, i: torch.cat([e.new_zeros(NODES + 1, 4).index_add(0, i, e)] * 2, 1)),
        "^'cat': its operand has a row for the null index; choose or cut rows first$",
    ),
    "cut elsewhere": (
        Call(lambda x, e, i: e.new_zeros(NODES + 1, 4).index_add(0, i, e)[1:]),
        r"^'getitem': of a sum with a row for the null index, take \[:5\]$",
    ),
    "index of other rows": (
        Call(lambda x, e, i: e[i]),
        "^'getitem': the index 'receiver' names one of 5 rows, but there are 9$",
    ),
    "index in arithmetic": (
        Call(lambda x, e, i: e + i.unsqueeze(1)),
        "^'add': add reads the index 'receiver', which can only name rows$",
    ),
    "index of a constant": (
        Call(lambda x, e, i: x.index_select(0, torch.tensor([1, 2]))),
        "^'index_select': the index must be an input of the model$",
    ),
    "columns": (Call(lambda x, e, i: x.index_select(1, i)), "index_select chooses rows only"),
    "a part": (Call(lambda x, e, i: x[:, 1]), "^'getitem': .* index of rows, or slices of the axes behind the first$"),
    "sigmoid left": (Call(lambda x, e, i: torch.sigmoid(x)), "^an output of the model is not quantised"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_captured_is_one_line_that_names_the_value(name):
    model, message = REFUSED[name]
    with pytest.raises(BadInputError, match=message) as error:
        capture_graph_network(model, given())
    assert "\n" not in str(error.value)


def test_wrong_inputs_are_errors(captured):
    good = random_graphs(captured, 3, 1)

    def refused(message, **changed):
        with pytest.raises(BadInputError, match=message):
            captured.quantise_inputs({**good, **changed})

    nan = good["x"].copy()
    nan[2, 1, 0] = np.nan
    high, negative = good["sender"].copy(), good["sender"].copy()
    high[1, 4], negative[2, 0] = NODES + 1, -1
    refused("^input 'x', event 2: cannot quantise NaN or infinite values; remove it$", x=nan)
    refused(
        r"^index input 'sender', event 1: element 4 names row 6, but there are rows 0..4, and 5 for none$", sender=high
    )
    refused("element 0 names row -1", sender=negative)
    refused("^index input 'sender' must hold integers, not float64$", sender=good["sender"].astype(float))
    refused(r"^input 'receiver' must have shape \(batch, 9\), not \(3, 10\)$", receiver=np.zeros((3, 10), int))
    with pytest.raises(
        BadInputError, match=r"^no values given for input 'receiver'; the inputs are x, edge_attr, sender"
    ):
        captured.quantise_inputs({name: values for name, values in good.items() if name != "receiver"})


def test_inputs_are_named_in_order(model):
    with pytest.raises(BadInputError, match=r"give these inputs in order, not x, sender$"):
        capture_graph_network(model, {"x": RealInput((5, 3)), "sender": IndexInput(9, 5)})
    with pytest.raises(BadInputError, match=r"^the model has no value 'r3'; its values are x, "):
        insert_quantisers(model, {"r3": Fixed(8)})


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "exp"])
def test_a_function_and_its_quantiser_are_one_table(name):
    model = Call(lambda x, e, i: getattr(torch, name)(x))
    model = insert_quantisers(model, {name: Fixed(5, 3, True)}).double()
    captured = capture_graph_network(model, given())
    assert captured.graph.by_name[captured.graph.outputs[0].node].op.kind == "lookup"
    assert check_exactness(captured, model, random_graphs(captured, 20, 8)).is_exact
