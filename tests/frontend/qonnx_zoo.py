"""Brevitas models over a grid of layers, widths and scales, and their export as QONNX or QCDQ in float64."""

import warnings
from dataclasses import dataclass, fields
from itertools import combinations

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas import quant as bq
from brevitas.inject.enum import ScalingImplType
from brevitas.quant.ternary import SignedTernaryWeightPerTensorConst
from torch import nn

WEIGHTS = {
    "tensor": bq.Int8WeightPerTensorFloat,
    "channel": bq.Int8WeightPerChannelFloat,
    "fixed_point": bq.Int8WeightPerTensorFixedPoint,
    "binary": bq.SignedBinaryWeightPerTensorConst,
    "ternary": SignedTernaryWeightPerTensorConst,
}
BIASES = {"none": None, "float": None, "int32": bq.Int32Bias}


@dataclass(frozen=True)
class Point:
    """One model of the grid."""

    body: str
    weights: str
    weight_bits: int
    in_bits: int
    out_bits: int
    bias: str
    scale: str
    kernel: int
    stride: int
    padding: int
    norm: bool
    signed: bool
    file: str

    @property
    def is_legal(self) -> bool:
        """Whether Brevitas can export it: QCDQ has at most 8 bits, and no binary or ternary weights."""
        constant = self.weights in ("binary", "ternary")
        narrow = max(self.in_bits, self.out_bits) <= 8 and not constant
        return (self.file == "qonnx" or narrow) and not (constant and self.bias == "int32")


LEVELS = {
    "body": ("dense", "conv", "depthwise", "residual", "max_pool", "average_pool", "global_pool", "joined"),
    "weights": tuple(WEIGHTS),
    "weight_bits": (2, 3, 5, 8),
    "in_bits": (2, 4, 8, 12),
    "out_bits": (2, 5, 8, 12),
    "bias": tuple(BIASES),
    "scale": ("learned", "power_of_two"),
    "kernel": (1, 2, 3, 4, 5),
    "stride": (1, 2),
    "padding": (0, 1, 2),
    "norm": (False, True),
    "signed": (False, True),
    "file": ("qonnx", "qcdq"),
}


def pairs(point):
    """All pairs of values of two fields."""
    values = [(field.name, getattr(point, field.name)) for field in fields(point)]
    return set(combinations(values, 2))


def pairwise(candidates=300, limit=200):
    """Points that together hold every pair of values of two fields that a legal point can hold, from a seed."""
    random = np.random.default_rng(1)

    def drawn():
        while True:
            point = Point(**{name: levels[int(random.integers(len(levels)))] for name, levels in LEVELS.items()})
            if point.is_legal:
                return point

    wanted = set().union(*(pairs(drawn()) for _ in range(4000)))
    points = []
    while wanted and len(points) < limit:
        best = max((drawn() for _ in range(candidates)), key=lambda point: len(pairs(point) & wanted))
        if not pairs(best) & wanted:
            continue
        points.append(best)
        wanted -= pairs(best)
    return points


def activation(bits, threshold, *, signed=True, power_of_two=False, relu=False):
    """A quantiser whose scale is set by its threshold."""
    fixed_point = {True: bq.Int8ActPerTensorFixedPoint, False: bq.Uint8ActPerTensorFixedPoint}
    learned = {True: bq.Int8ActPerTensorFloat, False: bq.Uint8ActPerTensorFloat}
    options = {
        "act_quant": (fixed_point if power_of_two else learned)[signed],
        "bit_width": bits,
        "scaling_impl_type": ScalingImplType.PARAMETER,
        "scaling_init": threshold,
        "return_quant_tensor": True,
    }
    return qnn.QuantReLU(**options) if relu else qnn.QuantIdentity(**options)


class Net(nn.Module):
    """Quantiser, body, [norm], quantiser, [pooling], flatten, dense, [quantiser]."""

    def __init__(self, point: Point):
        super().__init__()
        self.point = point
        power = point.scale == "power_of_two"
        bits = {} if point.weights in ("binary", "ternary") else {"weight_bit_width": point.weight_bits}
        if point.weights in ("binary", "ternary"):
            bits["weight_scaling_init"] = 0.25 if power else 0.3
        weights = {"weight_quant": WEIGHTS[point.weights], "bias": point.bias != "none", **bits}
        if BIASES[point.bias]:
            weights["bias_quant"] = BIASES[point.bias]
        self.quant = activation(point.in_bits, 1.7, signed=point.signed, power_of_two=power)
        filters = 4 if point.body == "depthwise" else 2 if point.body in ("residual", "joined") else 3
        self.layer = self._layer(point, filters, weights)
        norms = nn.BatchNorm1d if point.body == "dense" else nn.BatchNorm2d
        self.norm = norms(filters) if point.norm else nn.Identity()
        self.act = activation(point.out_bits, 2.3, signed=False, power_of_two=power, relu=True)
        self.shared = activation(point.out_bits, 1.9, power_of_two=power)
        window = 2 if point.kernel > 3 else point.kernel
        self.pool = {
            "max_pool": nn.MaxPool2d(window, point.stride, min(point.padding, window // 2)),
            "average_pool": nn.AvgPool2d(2, point.stride, point.padding % 2, count_include_pad=point.signed),
            "global_pool": nn.AdaptiveAvgPool2d(1),
        }.get(point.body, nn.Identity())
        self.between = activation(point.out_bits, 2.0, signed=False, power_of_two=power)
        self.dense = qnn.QuantLinear(self._features(), 3, **weights)
        self.out = activation(point.out_bits, 2.9, power_of_two=power) if point.norm else nn.Identity()

    def _layer(self, point, filters, weights):
        if point.body == "dense":
            return qnn.QuantLinear(self.features, filters, **weights)
        if point.body in ("residual", "joined"):
            kernel = 2 * (point.kernel // 2) + 1
            return qnn.QuantConv2d(2, filters, kernel, padding=kernel // 2, **weights)
        groups = 2 if point.body == "depthwise" else 1
        kernel, padding = point.kernel, point.padding
        return qnn.QuantConv2d(2, filters, kernel, point.stride, padding, groups=groups, **weights)

    @property
    def features(self):
        return 5

    @property
    def shape(self):
        """Shape of one sample."""
        return (self.features,) if self.point.body == "dense" else (2, 8, 8)

    def _features(self):
        self.eval()
        with torch.no_grad():
            return self._body(torch.zeros(1, *self.shape)).shape[1]

    def _body(self, x):
        x = self.quant(x)
        body = self.point.body
        if body == "residual":
            x = self.shared(x)
            x = self.act(self.norm(x + self.shared(self.layer(x))))
        elif body == "joined":
            x = self.shared(x)
            x = torch.cat([x, self.shared(self.norm(self.layer(x)))], dim=1)
        else:
            x = self.act(self.norm(self.layer(x)))
        if body in ("average_pool", "global_pool"):
            x = self.between(self.pool(x))
        elif body == "max_pool":
            x = self.pool(x)
        return torch.flatten(x, 1)

    def forward(self, x):
        return self.out(self.dense(self._body(x)))


def net(point: Point, seed: int) -> Net:
    """The model of a point, with random weights and norms with negative gains, in float64."""
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Net(point)
    if point.norm:
        with torch.no_grad():
            model.norm.weight.uniform_(-1.5, 1.5)
            model.norm.bias.uniform_(-1, 1)
            model.norm.running_mean.uniform_(-0.3, 0.3)
            model.norm.running_var.uniform_(0.3, 2)
    return model.double().eval()


def export(model: Net, path):
    """Write `model` as the kind of file that its point names; in float64, so that no scale is rounded."""
    with warnings.catch_warnings():  # of Brevitas and torch, about their own parts
        warnings.simplefilter("ignore")
        from brevitas.export import export_onnx_qcdq, export_qonnx

        write = {"qonnx": export_qonnx, "qcdq": export_onnx_qcdq}[model.point.file]
        write(model, args=torch.zeros(1, *model.shape, dtype=torch.float64), export_path=str(path))
