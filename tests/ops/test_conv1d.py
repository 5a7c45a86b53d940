"""One-dimensional convolution against torch in float64 and exact Python integers, and its Verilog."""

from pathlib import Path

import numpy as np
import pytest
import torch

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.conv1d import Conv1d
from codesign.ops.sources import Constant, Input, Parameter
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning

RNG = np.random.default_rng(14)


def by_torch(op):
    """torch.nn.functional in float64, where every value of these tests is exact."""

    def conv(data, weight, bias):
        line = torch.tensor(data, dtype=torch.float64)
        line = torch.nn.functional.pad(line, op.padding, value=float(op.pad_value))
        kernel, offset = (torch.tensor(one, dtype=torch.float64) for one in (weight, bias << op.bias_shift))
        return torch.nn.functional.conv1d(line, kernel, offset, op.stride, groups=op.groups).numpy().astype(np.int64)

    return conv


def by_hand(op):
    """Python integers, for truncation: every product floored."""

    def conv(data, weight, bias):
        filters, channels, taps = weight.shape
        line = np.pad(data, ((0, 0), (0, 0), op.padding), constant_values=op.pad_value)
        length = (line.shape[2] - taps) // op.stride + 1
        out = np.zeros((len(data), filters, length), dtype=np.int64)
        for n, f, q in np.ndindex(out.shape):
            first = f // (filters // op.groups) * channels
            window = line[n, first : first + channels, q * op.stride : q * op.stride + taps]
            products = (int(w) * int(x) for w, x in zip(weight[f].ravel(), window.ravel(), strict=True))
            out[n, f, q] = sum(one >> op.truncate for one in products) + (int(bias[f]) << op.bias_shift)
        return out

    return conv


def case(op, data, weight, bias, attains=True):
    return Case(op, (data, weight, bias), by_hand(op) if op.truncate else by_torch(op), attains)


def constant(low, high, *shape):
    return Constant(RNG.integers(low, high + 1, shape))


CASES = {  # 4 positions of 9 taps and 2 filters
    "strided": case(
        Conv1d(2, (1, 0), pad_value=-2), Input((3, 8), Fixed(3, 0, True)), constant(-3, 3, 2, 3, 3), constant(-9, 9, 2)
    ),
    "depthwise": case(
        Conv1d(padding=(4, 4), groups=2), Input((2, 4), Fixed(3)), constant(-3, 3, 2, 1, 9), constant(-9, 9, 2)
    ),
    "pointwise_truncated": case(
        Conv1d(truncate=2), Input((9, 4), Fixed(4)), constant(-7, 7, 2, 9, 1), constant(-9, 9, 2)
    ),
    "programmable": case(
        Conv1d(bias_shift=1),
        Input((3, 6), Fixed(3)),
        Parameter((2, 3, 3), Fixed(3, 0, True)),
        Parameter((2,), Fixed(3, 0, True)),
        attains=False,
    ),
}
FAST = [CASES["strided"], CASES["programmable"]]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=25)


def test_latency_and_interval_of_one_serial_layer(tmp_path: Path, build_cache: Path):
    plan = check_hardware("conv1d_in_12", CASES.values(), Bench(tmp_path, build_cache), reuse=12)
    assert plan.ii_cycles == 12


@pytest.mark.slow
@pytest.mark.parametrize(("reuse", "tmr"), [*((r, "registers") for r in (1, 2, 4, 36, 72)), (4, "none")])
def test_hardware_at_every_reuse_factor(tmp_path: Path, build_cache: Path, reuse, tmr):
    types = [TensorType.full(shape, Fixed(3)) for shape in ((3, 6), (2, 3, 3))]
    assert Conv1d().reuse_factors(*types) == (1, 2, 4, 12, 36, 72)
    check_hardware(f"conv1d_{reuse}_{tmr}", CASES.values(), Bench(tmp_path, build_cache), reuse=reuse, tmr=tmr)


@pytest.mark.parametrize("shapes", [((4,), (2, 1, 3)), ((1, 4, 4), (2, 1, 3, 3)), ((2, 4), (2, 1, 3))])
def test_wrong_shapes_are_errors(shapes):
    with pytest.raises(BadInputError, match="convolution needs data"):
        Conv1d().result(*(TensorType.full(shape, Fixed(3)) for shape in (*shapes, (2,))))


def test_a_wrong_attribute_is_an_error():
    with pytest.raises(BadInputError, match="stride must be 1 or more"):
        Conv1d(stride=0)
