"""Convolution against torch in float64, Brevitas and exact Python integers, and its Verilog at every reuse factor."""

from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import Int8WeightPerTensorFixedPoint

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.flows.yosys import count_flip_flops
from codesign.graph import Graph, Node, Port, TensorType
from codesign.ops.conv2d import Conv2d
from codesign.ops.sources import Constant, Input, Parameter
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning

RNG = np.random.default_rng(12)


def by_torch(op):
    """torch.nn.functional in float64, where every value of these tests is exact."""

    def conv(data, weight, bias):
        top, bottom, left, right = op.padding
        image = torch.nn.functional.pad(
            torch.tensor(data, dtype=torch.float64), (left, right, top, bottom), value=float(op.pad_value)
        )
        kernel, offset = (torch.tensor(one, dtype=torch.float64) for one in (weight, bias << op.bias_shift))
        return torch.nn.functional.conv2d(image, kernel, offset, op.stride, groups=op.groups).numpy().astype(np.int64)

    return conv


def by_hand(op):
    """Python integers, pixel by pixel: for truncation, which torch does not have."""

    def pixel(image, c, y, x):
        inside = 0 <= y < image.shape[1] and 0 <= x < image.shape[2]
        return int(image[c, y, x]) if inside else op.pad_value

    def conv(data, weight, bias):
        filters, channels, height, width = weight.shape
        top, bottom, left, right = op.padding
        rows = (data.shape[2] + top + bottom - height) // op.stride[0] + 1
        columns = (data.shape[3] + left + right - width) // op.stride[1] + 1
        out = np.zeros((len(data), filters, rows, columns), dtype=np.int64)
        for n, f, r, q in np.ndindex(out.shape):
            y, x = r * op.stride[0] - top, q * op.stride[1] - left
            first = f // (filters // op.groups) * channels
            products = (
                int(weight[f, c, i, j]) * pixel(data[n], first + c, y + i, x + j)
                for c, i, j in np.ndindex(channels, height, width)
            )
            out[n, f, r, q] = sum(one >> op.truncate for one in products) + (int(bias[f]) << op.bias_shift)
        return out

    return conv


def constant(low, high, *shape):
    return Constant(RNG.integers(low, high + 1, shape))


def case(op, data, weight, bias, attains=True):
    return Case(op, (data, weight, bias), by_hand(op) if op.truncate else by_torch(op), attains)


SMALL = Input((1, 4, 4), Fixed(3, 0, True))
KERNEL, BIAS = constant(-3, 3, 2, 1, 3, 3), constant(-9, 9, 2)
STRIDED = case(Conv2d((2, 2), (0, 1, 0, 1)), SMALL, KERNEL, BIAS)
PROGRAMMABLE = case(
    Conv2d((2, 2), (1, 0, 0, 1), truncate=2, bias_shift=1),
    Input((1, 4, 4), Fixed(3)),
    Parameter((2, 1, 3, 3), Fixed(3, 0, True)),
    Parameter((2,), Fixed(3, 0, True)),
    attains=False,
)
DEPTHWISE = case(Conv2d((2, 2), (0, 1, 1, 0), pad_value=1, groups=2), Input((2, 4, 4), Fixed(3, 0, True)), KERNEL, BIAS)
BIASES = Parameter((6,), Fixed(3, 0, True))
SERIAL = {  # 2x2 positions of 9 taps and 2 filters each
    "strided": STRIDED,
    "padded_by_zero_point": case(Conv2d((2, 2), (1, 0, 1, 0), pad_value=-2), SMALL, KERNEL, BIAS),
    "last_row_and_column_unused": case(Conv2d((1, 1)), SMALL, KERNEL, BIAS),
    "pad_value_unsigned": case(
        Conv2d((2, 2), (1, 1, 1, 1), pad_value=7), Input((1, 4, 4), Fixed(3)), KERNEL, constant(-9, 9, 2)
    ),
    "truncated": case(Conv2d((2, 2), (0, 1, 0, 1), truncate=3), Input((1, 4, 4), Fixed(5)), KERNEL, BIAS),
    "one_bit": case(
        Conv2d((2, 2), (1, 0, 1, 0)), Input((1, 4, 4), Fixed(1)), constant(0, 1, 2, 1, 3, 3), constant(0, 1, 2)
    ),
    "one_bit_signed": case(
        Conv2d((2, 2), (0, 1, 1, 0), pad_value=-1),
        Input((1, 4, 4), Fixed(1, 0, True)),
        constant(-1, 0, 2, 1, 3, 3),
        constant(-1, 0, 2),
    ),
    "programmable": PROGRAMMABLE,
    "depthwise": DEPTHWISE,
    "depthwise_programmable": case(
        Conv2d((2, 2), (1, 0, 0, 1), 1, 2, 1, groups=2),
        Input((2, 4, 4), Fixed(3)),
        Parameter((2, 1, 3, 3), Fixed(3, 0, True)),
        Parameter((2,), Fixed(3, 0, True)),
        attains=False,
    ),
    "pointwise": case(Conv2d(), Input((9, 2, 2), Fixed(3)), constant(-3, 3, 2, 9, 1, 1), BIAS),
}
PARALLEL = {
    "groups": case(
        Conv2d(padding=(0, 1, 0, 0), pad_value=2, truncate=1, groups=2),
        Input((4, 3, 3), Fixed(3)),
        constant(-3, 3, 6, 2, 2, 2),
        constant(-5, 5, 6),
    ),
    "groups_programmable": case(
        Conv2d(groups=3), Input((3, 2, 2), Fixed(2)), Parameter((6, 1, 2, 1), Fixed(2, 0, True)), BIASES, False
    ),
    "channels": case(
        Conv2d((1, 2), (1, 0, 0, 2)),
        Input((2, 3, 4), Fixed(3, 0, True)),
        constant(-3, 3, 3, 2, 2, 3),
        constant(-5, 5, 3),
    ),
    "stride_leaves_pixels": case(
        Conv2d((2, 3)), Input((2, 4, 5), Fixed(2)), constant(-3, 3, 2, 2, 1, 2), constant(-5, 5, 2)
    ),
    "kernel_as_large_as_image": case(
        Conv2d(), Input((2, 2, 3), Fixed(4, 0, True)), constant(-3, 3, 2, 2, 2, 3), constant(-5, 5, 2)
    ),
    "single_pixel": case(Conv2d(), Input((1, 1, 1), Fixed(2)), constant(-2, -2, 1, 1, 1, 1), constant(1, 1, 1)),
    "padding_beyond_kernel": case(
        Conv2d((2, 2), (3, 3, 2, 2), pad_value=1),
        Input((1, 2, 2), Fixed(2)),
        constant(-2, 2, 1, 1, 2, 2),
        constant(0, 1, 1),
    ),
}
FAST = [
    SERIAL["padded_by_zero_point"],
    PROGRAMMABLE,
    PARALLEL["channels"],
    PARALLEL["stride_leaves_pixels"],
    PARALLEL["groups"],
    PARALLEL["groups_programmable"],
]


@pytest.mark.parametrize("name", [*SERIAL, *PARALLEL])
def test_meaning(name):
    check_meaning((SERIAL | PARALLEL)[name], examples=25)


@pytest.mark.parametrize("name", ["strided", "padded_by_zero_point", "one_bit_signed", "depthwise"])
def test_the_two_references_agree(name):
    case = SERIAL[name]
    data, weight, bias = (
        RNG.integers(-1, 1, (5, *case.operands[0].shape)),
        case.operands[1].values,
        case.operands[2].values,
    )
    assert np.array_equal(by_hand(case.op)(data, weight, bias), by_torch(case.op)(data, weight, bias))


def test_equals_a_brevitas_layer():
    torch.manual_seed(6)
    layer = qnn.QuantConv2d(
        2, 3, 3, stride=2, padding=1, bias=False, weight_quant=Int8WeightPerTensorFixedPoint, weight_bit_width=4
    )
    layer = layer.double().eval()
    weight = layer.quant_weight().int().numpy().astype(np.int64)
    scale = float(layer.quant_weight().scale.detach())
    x = RNG.integers(-32, 32, (100, 2, 6, 6))
    got = Conv2d((2, 2), (1, 1, 1, 1)).evaluate(x, weight, np.zeros(3, np.int64))
    assert np.array_equal(got * scale, layer(torch.tensor(x, dtype=torch.float64)).detach().numpy())


def test_latency_and_interval_of_one_serial_layer(tmp_path: Path, build_cache: Path):
    plan = check_hardware("conv_in_12", [STRIDED, DEPTHWISE, PROGRAMMABLE], Bench(tmp_path, build_cache), reuse=12)
    assert (plan.latency_cycles, plan.ii_cycles) == (13, 12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reuse", "tmr"), [*((r, "registers") for r in (1, 2, 4, 12, 36, 72)), (1, "none"), (4, "none"), (72, "none")]
)
def test_hardware_at_every_reuse_factor(tmp_path: Path, build_cache: Path, reuse, tmr):
    types = [TensorType.full(shape, Fixed(3)) for shape in ((1, 4, 4), (2, 1, 3, 3))]
    assert Conv2d((2, 2), (0, 1, 0, 1)).reuse_factors(*types) == (1, 2, 4, 12, 36, 72)
    cases = [*SERIAL.values(), *(PARALLEL.values() if reuse == 1 else [])]
    check_hardware(f"conv_{reuse}_{tmr}", cases, Bench(tmp_path, build_cache), reuse=reuse, tmr=tmr)


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_synthesis_keeps_the_declared_registers(tmp_path: Path, build_cache: Path, tmr):
    check_hardware("conv_counted", [STRIDED, PROGRAMMABLE], Bench(tmp_path, build_cache), reuse=12, tmr=tmr)
    count = count_flip_flops(tmp_path / "conv_counted", build_cache)
    assert count.as_expected, count


@pytest.mark.parametrize(
    ("op", "data", "weight", "message"),
    [
        (Conv2d(), (4, 4), (2, 1, 3, 3), "needs data (C, H, W)"),
        (Conv2d(), (2, 4, 4), (2, 1, 3, 3), "needs data (C, H, W)"),
        (Conv2d(groups=2), (1, 4, 4), (2, 1, 3, 3), "needs data (C, H, W) and weights (F, C / 2, KH, KW)"),
        (Conv2d(groups=3), (3, 4, 4), (2, 1, 3, 3), "3 groups cannot divide 2 filters"),
        (Conv2d(), (1, 2, 4), (2, 1, 3, 3), "larger than the padded image"),
        (Conv2d(pad_value=8), (1, 4, 4), (2, 1, 3, 3), "padding value 8 must lie in 0..7"),
        (Conv2d(pad_value=-1), (1, 4, 4), (2, 1, 3, 3), "padding value -1 must lie in 0..7"),
    ],
)
def test_what_does_not_fit_is_an_error(op, data, weight, message):
    nodes = (
        Node("x", Input(data, Fixed(3))),
        Node("w", Constant(np.ones(weight, int))),
        Node("b", Constant(np.ones(2, int))),
        Node("conv", op, ("x", "w", "b")),
    )
    with pytest.raises(BadInputError) as caught:
        Graph("g", nodes, (Port("x"),), (Port("conv"),))
    assert str(caught.value).startswith("node 'conv': ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"stride": (0, 1)},
        {"stride": (1, -1)},
        {"padding": (0, -1, 0, 0)},
        {"truncate": -1},
        {"bias_shift": -1},
        {"groups": 0},
    ],
)
def test_impossible_attributes_are_errors(fields):
    with pytest.raises(BadInputError, match=next(iter(fields)).replace("_", ".")):
        Conv2d(**fields)
