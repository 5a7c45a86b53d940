"""Freshly built Brevitas models over the grid of quantisers that the front end supports, from a seed."""

import warnings
from dataclasses import dataclass

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas import quant as bq
from brevitas.inject.enum import ScalingImplType
from brevitas.quant.shifted_scaled_int import (
    ShiftedUint8ActPerTensorFloat,
    ShiftedUint8WeightPerChannelFloat,
    ShiftedUint8WeightPerTensorFloat,
)
from torch import nn
from torch.nn import functional

WEIGHTS = {
    "tensor": bq.Int8WeightPerTensorFloat,
    "channel": bq.Int8WeightPerChannelFloat,
    "fixed_point": bq.Int8WeightPerTensorFixedPoint,
    "channel_fixed_point": bq.Int8WeightPerChannelFixedPointMSE,
    "shifted": ShiftedUint8WeightPerTensorFloat,
    "shifted_channel": ShiftedUint8WeightPerChannelFloat,
}
ACTIVATIONS = {
    "signed": bq.Int8ActPerTensorFloat,
    "unsigned": bq.Uint8ActPerTensorFloat,
    "signed_fixed_point": bq.Int8ActPerTensorFixedPoint,
    "unsigned_fixed_point": bq.Uint8ActPerTensorFixedPoint,
    "shifted": ShiftedUint8ActPerTensorFloat,
}
BIASES = {
    "none": None,
    "float": None,
    "int8": bq.Int8Bias,
    "int16": bq.Int16Bias,
    "int32": bq.Int32Bias,
    "internal": bq.Int8BiasPerTensorFloatInternalScaling,
}


@dataclass(frozen=True)
class Choice:
    """One point of the grid."""

    weights: str
    activation: str
    bias: str
    batch_norm: bool
    padding: str
    stride: int
    bits: tuple[int, int, int]
    relu: bool
    rounding: str


def choice(seed: int) -> Choice:
    random = np.random.default_rng(seed)

    def pick(options):
        return list(options)[int(random.integers(len(options)))]

    return Choice(
        weights=list(WEIGHTS)[seed % len(WEIGHTS)],
        activation=list(ACTIVATIONS)[(seed // 2) % len(ACTIVATIONS)],
        bias=list(BIASES)[(seed // 3) % len(BIASES)],
        batch_norm=bool(random.integers(2)),
        padding=pick(["none", "same", "asymmetric", "module"]),
        stride=pick([1, 2]),
        bits=tuple(int(one) for one in random.integers(2, 13, 3)),
        relu=bool(random.integers(2)),
        rounding=pick(["round", "round", "round", "floor", "ceil", "round_to_zero"]),
    )


def activation(kind: str, bits: int, threshold: float, relu: bool = False, rounding: str = "round") -> nn.Module:
    """Quantiser whose scale is set by a few training batches (shifted) or by its threshold."""
    options = {"bit_width": bits, "return_quant_tensor": True, "float_to_int_impl_type": rounding}
    if kind == "shifted":
        options["collect_stats_steps"] = 3
    else:
        options |= {"scaling_impl_type": ScalingImplType.PARAMETER, "scaling_init": threshold}
    layer = qnn.QuantReLU if relu else qnn.QuantIdentity
    return layer(act_quant=ACTIVATIONS[kind], **options)


class Small(nn.Module):
    """Quantiser, [pad], convolution, [norm], [ReLU] quantiser, flatten, dense, quantiser."""

    def __init__(self, how: Choice) -> None:
        super().__init__()
        first, weight, last = how.bits
        quantised_bias = how.bias not in ("none", "float")
        common = {"weight_quant": WEIGHTS[how.weights], "weight_bit_width": weight, "bias": how.bias != "none"}
        common |= {"bias_quant": BIASES[how.bias]} if quantised_bias else {}
        self.how = how
        self.quant = activation(how.activation, first, 1.7)
        self.pad = nn.ZeroPad2d((0, 1, 2, 0)) if how.padding == "module" else nn.Identity()
        self.conv = qnn.QuantConv2d(2, 3, 3, stride=how.stride, padding=1 if how.padding == "same" else 0, **common)
        self.norm = nn.BatchNorm2d(3) if how.batch_norm else nn.Identity()
        self.act = activation(how.activation, last, 2.3, relu=how.relu, rounding=how.rounding)
        self.dropout = nn.Dropout(0.3)
        rows, columns = {"none": (5, 5), "same": (7, 7), "asymmetric": (7, 6), "module": (7, 6)}[how.padding]
        pixels = ((rows - 3) // how.stride + 1) * ((columns - 3) // how.stride + 1)
        self.dense = qnn.QuantLinear(3 * pixels, 4, **common)
        self.out = activation("signed", last, 0.9)

    def forward(self, x):
        y = self.quant(x)
        y = functional.pad(y, (0, 1, 0, 2)) if self.how.padding == "asymmetric" else self.pad(y)
        y = self.act(self.norm(self.conv(y)))
        return self.out(self.dense(self.dropout(torch.flatten(y, 1))))


def small(seed: int) -> Small:
    """The model of a seed, with random weights, norms with negative gains, and learned scales."""
    torch.manual_seed(seed)
    model = Small(choice(seed))
    model.train()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Computing zero point of output accumulator")
        for _ in range(4):
            model(torch.randn(8, 2, 5, 5))
    if isinstance(model.norm, nn.BatchNorm2d):
        with torch.no_grad():
            model.norm.weight.copy_(torch.tensor([1.3, -0.7, 0.2]))
            model.norm.bias.uniform_(-1, 1)
    return model.eval()
