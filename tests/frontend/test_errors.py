"""What cannot be captured is one line that names the module path and says what to do."""

import brevitas.nn as qnn
import pytest
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Int8ActPerTensorFloat, Int32Bias, SignedBinaryActPerTensorConst
from torch import nn

from codesign.errors import BadInputError
from codesign.frontend.brevitas import capture


def identity(bits=8, **options):
    return qnn.QuantIdentity(
        bit_width=bits,
        scaling_impl_type=ScalingImplType.PARAMETER,
        scaling_init=1.3,
        return_quant_tensor=True,
        **options,
    )


def dense(**options):
    return qnn.QuantLinear(4, 4, weight_bit_width=4, **options)


def conv(**options):
    return qnn.QuantConv2d(2, 2, 3, weight_bit_width=4, **options)


class Model(nn.Module):
    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        self.first = identity()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.function(self, self.first(x))


def sequence(*modules):
    return nn.Sequential(*modules)


def nan_weights():
    layer = dense()
    with torch.no_grad():
        layer.weight[0, 0] = float("nan")
    return layer


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


CASES = {
    "unsupported module": (
        sequence(identity(), nn.AdaptiveMaxPool2d(2)),
        (2, 4, 4),
        r"^'1': AdaptiveMaxPool2d is not supported; use",
    ),
    "unsupported function": (Model(lambda m, x: torch.sin(x)), (4,), r"^'sin': sin is not supported"),
    "unsupported attribute": (Model(lambda m, x: x.scale * torch.ones(3, 1)), (4,), r"'\.scale' is not supported"),
    "not quantised": (
        sequence(identity(), dense(), dense()),
        (4,),
        r"^node '2': its input 'm1' is not quantised; name a quantiser for '1'$",
    ),
    "real input": (sequence(conv()), (2, 4, 4), r"^node '0': its input is not quantised; put a quantiser before it"),
    "float weights": (sequence(identity(), nn.Linear(4, 2)), (4,), r"^'1': weights are float; name a bit width"),
    "no weight quantiser": (
        sequence(identity(), dense(weight_quant=None)),
        (4,),
        r"^'1': weights are float; name a bit",
    ),
    "disabled quantiser": (sequence(qnn.QuantIdentity(act_quant=None)), (4,), r"^'0': its quantiser is disabled"),
    "never learned": (sequence(qnn.QuantIdentity()), (4,), r"^'0': its scale was never learned; train it"),
    "binary": (
        sequence(qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)),
        (4,),
        r"^'0': ClampedBinaryQuant is not supported; use an integer act_quant",
    ),
    "activation function": (
        sequence(qnn.QuantTanh(act_quant=Int8ActPerTensorFloat, scaling_impl_type="parameter", scaling_init=1.0)),
        (4,),
        r"^'0': tanh reads the real-valued input 'input'; quantise it first",
    ),
    "rounding": (sequence(identity(float_to_int_impl_type="dpu")), (4,), r"^'0': rounding mode DPU is not supported"),
    "NaN": (sequence(identity(), nan_weights()), (4,), r"^'1.weight' holds NaN or infinity"),
    "dilated pool": (sequence(identity(), nn.MaxPool2d(2, dilation=2)), (2, 4, 4), r"^'1': MaxPool2d with dilation is"),
    "divisor": (sequence(identity(), nn.AvgPool2d(2, divisor_override=3)), (2, 4, 4), r"^'1': divisor_override is not"),
    "ceil_mode": (
        sequence(identity(), nn.AvgPool2d(2, ceil_mode=True)),
        (2, 4, 4),
        r"^'1': ceil_mode is not supported",
    ),
    "pool to more pixels": (sequence(identity(), nn.AdaptiveAvgPool2d(2)), (2, 4, 4), r"is supported to one pixel"),
    "cat of the batch": (Model(lambda m, x: torch.cat([x, x], dim=0)), (4,), r"^'cat': cat needs tensors of the model"),
    "padding mode": (
        sequence(identity(), conv(padding=1, padding_mode="circular")),
        (2, 4, 4),
        r"padding_mode='zeros'",
    ),
    "ReLU at the end": (sequence(identity(), dense(), nn.ReLU()), (4,), r"^an output of the model is not quantised"),
    "ReLU before a norm": (
        sequence(identity(), dense(), nn.ReLU(), nn.BatchNorm1d(4), identity()),
        (4,),
        r"^'3': the ReLU before it is not quantised; use a brevitas QuantReLU$",
    ),
    "norm of the batch": (
        sequence(identity(), dense(), nn.BatchNorm1d(4, track_running_stats=False), identity()),
        (4,),
        r"^'2': BatchNorm without running statistics",
    ),
    "other scales": (
        Model(lambda m, x: x.value + m.other(m.dense(x)).value, dense=dense(), other=identity(6)),
        (4,),
        None,
    ),
    "lost batch": (Model(lambda m, x: torch.flatten(x)), (4,), r"^'flatten': result \(12,\) has lost the batch axis"),
    "two inputs": (TwoInputs(), (4,), r"^the model must read one tensor, not 2 \(x, y\)$"),
    "branch on data": (Branching(), (4,), r"^torch.fx cannot trace the model: .*; make forward data-independent$"),
    "wrong shape": (sequence(identity(), dense()), (5,), r"^'1': the model itself fails here: .*shapes cannot be"),
    "bias without a scale": (
        sequence(qnn.QuantIdentity(scaling_impl_type="parameter", scaling_init=1.0), dense(bias_quant=Int32Bias)),
        (4,),
        r"^'1': the model itself fails here: Input scale required$",
    ),
    "scale per channel into a layer": (
        sequence(identity(scaling_per_output_channel=True, per_channel_broadcastable_shape=(1, 2, 1, 1)), conv()),
        (2, 4, 4),
        None,
    ),
    "padding with ones": (Model(lambda m, x: nn.functional.pad(x, (1, 1), value=1.0)), (2, 4, 4), r"only zero padding"),
    "reflected padding": (
        Model(lambda m, x: nn.functional.pad(x.value, (1, 1, 1, 1), mode="reflect")),
        (2, 4, 4),
        r"padding mode 'reflect' is not supported",
    ),
    "sum with a number": (Model(lambda m, x: x.value + 1.0), (4,), r"^'add': addition needs two tensors of the model$"),
    "images into a dense layer": (sequence(identity(), dense()), (2, 3, 4), r"^'1': dense needs data \(4,\)"),
    "real input through ReLU": (sequence(nn.ReLU(), identity()), (4,), r"quantise it first or give input_type$"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_names_the_path_and_the_remedy(case):
    model, shape, pattern = CASES[case]
    if case == "other scales":
        pattern = r"^'add': scales of the addends differ; share one quantiser between them$"
        with torch.no_grad():
            model.get_parameter("other.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value").fill_(
                0.9
            )
    if case == "scale per channel into a layer":
        pattern = r"^node '1': its input has a scale per channel; quantise it per tensor$"
        with torch.no_grad():
            next(model[0].parameters()).copy_(torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1))
    with pytest.raises(BadInputError, match=pattern) as caught:
        capture(model, shape)
    assert "\n" not in str(caught.value)


def test_two_quantisers_of_one_input_need_an_input_type():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = identity(6), identity(7)
            self.left, self.right = dense(), dense()

        def forward(self, x):
            return self.left(self.a(x)), self.right(self.b(x))

    with pytest.raises(BadInputError, match=r"^'b': the input has another quantiser already; give input_type$"):
        capture(Two(), (4,))
