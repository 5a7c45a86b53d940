"""What a capture looks like: nodes, names, ports, shared values, skip connections."""

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Int8ActPerTensorFixedPoint, Int32Bias, Uint8ActPerTensorFloat
from torch import nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.brevitas import capture, quantise_weights
from codesign.frontend.exactness import check_exactness
from codesign.frontend.vectors import corner_inputs, random_inputs
from codesign.graph_json import graph_from_json
from codesign.ops import OPERATORS


def identity(bits=8, threshold=1.3, **options):
    return qnn.QuantIdentity(
        bit_width=bits,
        scaling_impl_type=ScalingImplType.PARAMETER,
        scaling_init=threshold,
        return_quant_tensor=True,
        **options,
    )


def relu(bits=8, threshold=2.1):
    return qnn.QuantReLU(
        bit_width=bits, scaling_impl_type=ScalingImplType.PARAMETER, scaling_init=threshold, return_quant_tensor=True
    )


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_quant = identity(6)
        self.qconv = qnn.QuantConv2d(1, 2, 3, stride=2, padding=1, weight_bit_width=4, bias_quant=Int32Bias)
        self.qrelu = relu(5)
        self.qdense = qnn.QuantLinear(8, 3, weight_bit_width=5)
        self.latent = identity(7)

    def forward(self, input):
        y = self.qrelu(self.qconv(self.input_quant(input)))
        return self.latent(self.qdense(torch.flatten(y, 1)))


class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()

    def forward(self, input):
        return self.encoder(input)


class Residual(nn.Module):
    def __init__(self, other=None):
        super().__init__()
        self.shared = identity(8)
        self.other = other or self.shared
        self.conv = qnn.QuantConv2d(2, 2, 3, padding=1, weight_bit_width=4, bias=False)
        self.out = relu(6)

    def forward(self, x):
        x = self.shared(x)
        return self.out(x + self.other(self.conv(x)))


def exact(model, shape, input_type=None):
    torch.manual_seed(3)
    captured = capture(model.eval(), shape, input_type=input_type)
    inputs = np.concatenate([corner_inputs(captured, 64), random_inputs(captured, 300, 7)])
    report = check_exactness(captured, model, inputs)
    assert report.is_explained, report.summary()
    return captured, report


def test_names_come_from_module_paths():
    torch.manual_seed(0)
    captured, report = exact(Wrapped(), (1, 4, 4))
    assert report.is_exact
    assert [node.name for node in captured.graph.nodes] == [
        "input_",  # `input` is a Verilog keyword
        "encoder.qconv.weight",
        "encoder.qconv.bias",
        "encoder.qconv",
        "encoder.qrelu",
        "flatten",
        "encoder.qdense.weight",
        "encoder.qdense.bias",
        "encoder.qdense",
        "encoder.latent",
    ]
    assert [port.node for port in captured.graph.outputs] == ["encoder.latent"]
    assert captured.node_of["encoder.input_quant"].node == "input_"


def separable():
    """Depthwise and pointwise convolution."""
    depthwise = qnn.QuantConv2d(3, 6, 3, stride=2, padding=1, groups=3, weight_bit_width=4)
    return nn.Sequential(identity(6), depthwise, relu(5), qnn.QuantConv2d(6, 2, 1, weight_bit_width=3), identity(7))


def one_dimensional():
    first = qnn.QuantConv1d(2, 4, 3, stride=2, padding=1, weight_bit_width=4)
    second = qnn.QuantConv1d(4, 4, 2, padding="same", groups=2, weight_bit_width=5)
    return nn.Sequential(identity(6), first, nn.BatchNorm1d(4), relu(5), second, identity(7))


@pytest.mark.parametrize(("model", "shape"), [(separable, (3, 5, 4)), (one_dimensional, (2, 9))])
def test_grouped_and_one_dimensional_convolutions(model, shape):
    torch.manual_seed(5)
    captured, report = exact(model(), shape)
    assert report.is_exact
    assert {node.op.groups for node in captured.graph.nodes if hasattr(node.op, "groups")} != {1}


def test_graph_survives_json():
    captured, _ = exact(Wrapped(), (1, 4, 4))
    assert graph_from_json(captured.graph.to_json(), OPERATORS).digest == captured.graph.digest


def test_output_port_decodes_to_what_the_model_returns():
    model = Wrapped().eval()
    captured = capture(model, (1, 4, 4))
    real = random_inputs(captured, 50, 1)
    results = captured.graph.evaluate({captured.input: captured.quantise_input(real)})
    (port,) = captured.graph.outputs
    with torch.no_grad():
        expected = model.double()(torch.from_numpy(real)).value.numpy()
    # The same integer times the same scale, multiplied in another order in float64.
    assert np.allclose(port.decode(results[port.node]), expected, rtol=0, atol=1e-12)


def test_accumulators_are_a_legal_output_with_a_scale_per_channel():
    model = nn.Sequential(identity(5), qnn.QuantLinear(4, 3, weight_bit_width=4), nn.BatchNorm1d(3)).eval()
    with torch.no_grad():
        model[2].weight.copy_(torch.tensor([0.5, -2.0, 0.0]))
    captured, _ = exact(model, (4,))
    (port,) = captured.graph.outputs
    assert port.node == "m1"
    assert len(port.scale) == 3
    assert port.scale[1] < 0 == port.scale[2]


def test_input_type_puts_the_first_quantiser_into_the_graph():
    captured, report = exact(Wrapped(), (1, 4, 4), Fixed(8, 7))
    assert report.is_exact
    assert captured.graph.by_name["encoder.input_quant"].op.kind == "requantise"
    assert captured.graph.inputs[0].scale == (2.0**-7,)
    assert captured.quantise_input(np.full((1, 1, 4, 4), 0.75)).max() == 96


def test_input_type_alone_quantises_enough_for_the_first_layer():
    model = nn.Sequential(qnn.QuantLinear(4, 3, weight_bit_width=4), identity(6)).eval()
    exact(model, (4,), Fixed(8, 7))


def test_the_real_input_may_be_reshaped_before_its_quantiser():
    model = nn.Sequential(nn.Flatten(), identity(6), qnn.QuantLinear(4, 3, weight_bit_width=4))
    captured, report = exact(model, (2, 2))
    assert report.is_exact
    assert captured.graph.types[captured.input].shape == (2, 2)


def test_dilation_puts_zeros_between_the_taps():
    layer = qnn.QuantConv2d(2, 4, 3, padding=2, dilation=(2, 1), groups=2, weight_bit_width=4)
    captured, report = exact(nn.Sequential(identity(6), layer, identity(5)), (2, 6, 6))
    assert report.is_exact
    assert captured.graph.types["m1.weight"].shape == (4, 1, 5, 3)


def test_a_single_layer_is_a_model():
    captured, _ = exact(qnn.QuantLinear(4, 3, weight_bit_width=4).eval(), (4,), Fixed(5, 3, True))
    assert captured.graph.outputs[0].node == "m0"


def test_quantising_twice_by_one_scale_is_one_node():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = identity(7), identity(7)
            self.dense = qnn.QuantLinear(4, 2, weight_bit_width=3)

        def forward(self, x):
            return self.dense(self.second(self.first(x)))

    captured, _ = exact(Twice(), (4,))
    assert captured.node_of["first"].node == captured.node_of["second"].node == "x"


def test_skip_connection_shares_one_node_and_adds():
    torch.manual_seed(1)
    captured, report = exact(Residual(), (2, 4, 4))
    assert [node.op.kind for node in captured.graph.nodes].count("add") == 1
    assert captured.graph.by_name["add"].operands == ("x", "shared_2")
    assert report.is_exact


def test_power_of_two_scales_align_in_a_skip_connection():
    torch.manual_seed(1)
    captured, report = exact(Residual_fixed_point(), (2, 4, 4))
    op = captured.graph.by_name["add"].op
    assert {op.left_shift, op.right_shift} == {0, 2}
    assert report.is_exact
    assert captured.graph.by_name["out"].op.kind == "requantise"


def Residual_fixed_point():  # noqa: N802
    model = Residual(identity(6, 4.0, act_quant=Int8ActPerTensorFixedPoint))
    model.shared = identity(8, 4.0, act_quant=Int8ActPerTensorFixedPoint)

    class Plain(Residual):
        def forward(self, x):
            x = self.shared(x)
            return self.out(x.value + self.other(self.conv(x)).value)

    model.__class__ = Plain
    return model


def test_scale_per_channel_of_an_activation():
    quantiser = identity(6, 1.5, scaling_per_output_channel=True, per_channel_broadcastable_shape=(1, 3, 1, 1))
    model = nn.Sequential(identity(8), qnn.QuantConv2d(2, 3, 2, weight_bit_width=4), quantiser)
    with torch.no_grad():
        parameter = dict(quantiser.named_parameters())[
            "act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"
        ]
        parameter.copy_(torch.tensor([0.5, 1.0, 3.1]).reshape(parameter.shape))
    captured, report = exact(model, (2, 3, 3))
    assert report.is_exact
    assert len(captured.graph.outputs[0].scale) == 12


def test_a_dead_filter_is_a_constant_channel():
    model = nn.Sequential(identity(6), nn.Conv2d(1, 2, 2), relu(4)).eval()
    with torch.no_grad():
        model[1].weight[0] = 0
        model[1].bias[0] = 0.4
    captured, report = exact(quantise_weights(model, 4, per_channel=True), (1, 3, 3))
    assert report.is_exact
    assert captured.graph.by_name["m2"].op.multiplier[0] == 0


def test_one_bit_activations():
    model = nn.Sequential(
        identity(1, 0.7, act_quant=Uint8ActPerTensorFloat), qnn.QuantLinear(6, 3, weight_bit_width=2), relu(1)
    )
    _, report = exact(model, (6,))
    assert report.is_exact


def test_relu_module_before_a_quantiser():
    model = nn.Sequential(identity(6), qnn.QuantLinear(6, 3, weight_bit_width=4), nn.ReLU(), identity(6))
    captured, report = exact(model, (6,))
    assert report.is_exact
    assert captured.graph.by_name["m3"].op.low == 0


def test_input_and_output_quantisers_of_a_layer():
    from brevitas.quant import Int8ActPerTensorFloat

    layer = qnn.QuantLinear(
        6,
        3,
        weight_bit_width=4,
        input_quant=Int8ActPerTensorFloat,
        input_scaling_impl_type="parameter",
        input_scaling_init=0.9,
        output_quant=Int8ActPerTensorFloat,
        output_scaling_impl_type="parameter",
        output_scaling_init=1.9,
    )
    captured, report = exact(nn.Sequential(layer, nn.Flatten()), (6,))
    assert report.is_exact
    assert captured.graph.outputs[0].node == "m0.output_quant"


def test_quantise_weights_replaces_only_what_is_named():
    model = nn.Sequential(identity(6), nn.Linear(4, 4), identity(6), nn.Linear(4, 2))
    twin = quantise_weights(model, {"1": 3})
    assert type(twin[1]) is qnn.QuantLinear
    assert type(twin[3]) is nn.Linear
    assert torch.equal(twin[1].weight, model[1].weight)
    assert type(model[1]) is nn.Linear
    assert int(twin[1].quant_weight().bit_width) == 3
    with pytest.raises(BadInputError, match="'2' is no layer with float weights; those are 1, 3"):
        quantise_weights(model, {"2": 3})
    with pytest.raises(BadInputError, match="'1': weight bits must be a whole number from 2 to 32, not 1"):
        quantise_weights(model, 1)


def test_the_model_is_left_as_it_was():
    model = Wrapped().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    capture(model, (1, 4, 4))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert next(model.parameters()).dtype == torch.float32
