"""Dense against Brevitas and exact Python integers, and its Verilog at every legal reuse factor."""

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
from codesign.ops.dense import Dense
from codesign.ops.sources import Constant, Input, Parameter
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning

RNG = np.random.default_rng(11)


def reference(truncate=0, bias_shift=0):
    """Python integers, product by product."""

    def dense(data, weight, bias):
        vectors = data.reshape(-1, data.shape[-1])
        rows = [
            [
                sum((int(w) * int(x)) >> truncate for w, x in zip(row, vector, strict=True)) + (int(b) << bias_shift)
                for row, b in zip(weight, bias, strict=True)
            ]
            for vector in vectors
        ]
        return np.array(rows, dtype=np.int64).reshape(*data.shape[:-1], len(bias))

    return dense


def constant(low, high, *shape):
    return Constant(RNG.integers(low, high + 1, shape))


def case(data, weight, bias, truncate=0, bias_shift=0, attains=True):
    return Case(Dense(truncate, bias_shift), (data, weight, bias), reference(truncate, bias_shift), attains)


PLAIN = case(Input((4,), Fixed(5, 0, True)), constant(-15, 15, 3, 4), constant(-40, 40, 3))
PROGRAMMABLE = case(
    Input((4,), Fixed(4)), Parameter((3, 4), Fixed(3, 0, True)), Parameter((3,), Fixed(4, 0, True)), attains=False
)
CASES = {
    "signed": PLAIN,
    "unsigned": case(Input((4,), Fixed(6)), constant(-15, 15, 3, 4), constant(-40, 40, 3)),
    "unsigned_weights": case(Input((4,), Fixed(3, 0, True)), constant(0, 7, 3, 4), constant(0, 3, 3)),
    "negative_weights": case(Input((4,), Fixed(3)), Constant(np.full((3, 4), -4)), constant(-8, -8, 3)),
    "one_bit_signed": case(Input((4,), Fixed(1, 0, True)), constant(-1, 0, 3, 4), constant(-1, 0, 3)),
    "one_bit_unsigned": case(Input((4,), Fixed(1)), constant(0, 1, 3, 4), constant(0, 1, 3)),
    "zero_weights": case(Input((4,), Fixed(4)), Constant(np.zeros((3, 4), int)), Constant(np.zeros(3, int))),
    "truncated": case(Input((4,), Fixed(8)), constant(-32, 31, 3, 4), constant(-32, 31, 3), 5, 2),
    "truncated_signed": case(Input((4,), Fixed(6, 0, True)), constant(-8, 7, 3, 4), constant(-3, 3, 3), 3, 0),
    "truncated_to_sign": case(Input((4,), Fixed(2, 0, True)), constant(-2, 1, 3, 4), constant(-3, 3, 3), 9, 0),
    "truncated_to_nothing": case(Input((4,), Fixed(1)), constant(0, 1, 3, 4), constant(0, 1, 3), 4, 0),
    "wide_bias": case(Input((4,), Fixed(2)), constant(-1, 1, 3, 4), constant(-900, 900, 3), 0, 6),
    "bias_cancelled": case(Input((4,), Fixed(4, 0, True)), constant(-3, 3, 3, 4), Constant(np.array([0, 0, 0]))),
    "programmable": PROGRAMMABLE,
    "programmable_truncated": case(
        Input((4,), Fixed(5)), Parameter((3, 4), Fixed(4, 0, True)), Parameter((3,), Fixed(4, 0, True)), 2, 1, False
    ),
    "programmable_unsigned_bit": case(
        Input((4,), Fixed(1)), Parameter((3, 4), Fixed(1)), Parameter((3,), Fixed(1)), attains=False
    ),
    "wired_weights_programmable_bias": case(
        Input((4,), Fixed(3)), constant(-4, 3, 3, 4), Parameter((3,), Fixed(4, 0, True)), 0, 2, attains=False
    ),
    "programmable_weights_wired_bias": case(
        Input((4,), Fixed(3)), Parameter((3, 4), Fixed(2, 0, True)), constant(-4, 4, 3), attains=False
    ),
}
FAST = [CASES[name] for name in ("signed", "one_bit_signed", "truncated_signed", "truncated_to_sign", "programmable")]
ROWS = {  # 4 rows of 6 inputs and 2 outputs
    "rows": case(Input((4, 6), Fixed(5, 0, True)), constant(-15, 15, 2, 6), constant(-40, 40, 2)),
    "rows_unsigned": case(Input((4, 6), Fixed(3)), constant(-4, 7, 2, 6), constant(0, 9, 2), 0, 2),
    "rows_truncated": case(Input((4, 6), Fixed(4, 0, True)), constant(-8, 7, 2, 6), constant(-3, 3, 2), 2, 1),
    "rows_programmable": case(
        Input((4, 6), Fixed(3)), Parameter((2, 6), Fixed(3, 0, True)), Parameter((2,), Fixed(4, 0, True)), 1, 2, False
    ),
}
FAST += [ROWS["rows"], ROWS["rows_programmable"]]
SINGLE = case(Input((1,), Fixed(3, 0, True)), constant(-3, -3, 1, 1), constant(1, 1, 1))


@pytest.mark.parametrize("name", [*CASES, *ROWS, "single"])
def test_meaning(name):
    check_meaning({**CASES, **ROWS, "single": SINGLE}[name])


def test_equals_a_brevitas_layer():
    torch.manual_seed(5)
    layer = qnn.QuantLinear(6, 4, bias=True, weight_quant=Int8WeightPerTensorFixedPoint, weight_bit_width=5).double()
    layer.eval()
    weight = layer.quant_weight().int().numpy().astype(np.int64)
    scale = float(layer.quant_weight().scale.detach())
    bias = np.array([3, -7, 0, 12])
    with torch.no_grad():
        layer.bias.copy_(torch.tensor(bias * scale))
    x = RNG.integers(-32, 32, (500, 6))
    got = Dense().evaluate(x, weight, bias)
    assert np.array_equal(got * scale, layer(torch.tensor(x, dtype=torch.float64)).detach().numpy())


def test_large_sums_stay_exact():
    """Beyond 2**53 the evaluator leaves float64."""
    op, weight, bias = Dense(), np.array([[(1 << 25) - 1, 1 - (1 << 25)]]), np.array([1])
    x = np.array([[(1 << 33) - 1, 5], [-(1 << 33), 7], [3, 1 << 32]])
    assert np.array_equal(op.evaluate(x, weight, bias), reference()(x, weight, bias))


def test_every_bound_of_programmable_weights_is_attained():
    op = Dense()
    types = TensorType.full((4,), Fixed(4)), TensorType.full((3, 4), Fixed(3, 0, True))
    bias = TensorType.full((3,), Fixed(4, 0, True))
    bounds = op.result(*types, bias).bounds
    for end, weight, b in ((bounds.low, -4, -8), (bounds.high, 3, 7)):
        assert np.array_equal(op.evaluate(np.full((1, 4), 15), np.full((3, 4), weight), np.full(3, b))[0], end)


def test_latency_and_interval_of_one_serial_layer(tmp_path: Path, build_cache: Path):
    plan = check_hardware("dense_in_4", [PLAIN, PROGRAMMABLE], Bench(tmp_path, build_cache), reuse=4)
    assert (plan.latency_cycles, plan.ii_cycles) == (5, 4)


@pytest.mark.slow
@pytest.mark.parametrize("reuse", [1, 2, 4, 12])
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware_at_every_reuse_factor(tmp_path: Path, build_cache: Path, reuse, tmr):
    assert Dense().reuse_factors(*design_types()) == (1, 2, 4, 12)
    cases = [*CASES.values(), *([SINGLE] if reuse == 1 else [])]
    check_hardware(f"dense_{reuse}_{tmr}", cases, Bench(tmp_path, build_cache), reuse=reuse, tmr=tmr)


@pytest.mark.slow
@pytest.mark.parametrize("reuse", [2, 24])
def test_hardware_of_rows_at_every_reuse_factor(tmp_path: Path, build_cache: Path, reuse):
    types = [TensorType.full(shape, Fixed(5)) for shape in ((4, 6), (2, 6), (2,))]
    assert Dense().reuse_factors(*types) == (1, 2, 4, 8, 12, 24, 48)
    cases = [one for one in ROWS.values() if reuse <= 4 or not one.op.truncate or one is ROWS["rows_programmable"]]
    check_hardware(f"dense_rows_{reuse}", cases, Bench(tmp_path, build_cache), reuse=reuse)


@pytest.mark.slow
@pytest.mark.parametrize("reuse", [2, 12])
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_synthesis_keeps_the_declared_registers(tmp_path: Path, build_cache: Path, reuse, tmr):
    bench = Bench(tmp_path, build_cache)
    check_hardware("dense_counted", [PLAIN, PROGRAMMABLE], bench, reuse=reuse, tmr=tmr)
    count = count_flip_flops(tmp_path / "dense_counted", build_cache)
    assert count.as_expected, count


def design_types():
    return TensorType.full((4,), Fixed(5)), TensorType.full((3, 4), Fixed(4, 0, True)), TensorType.full((3,), Fixed(3))


@pytest.mark.parametrize(
    ("data", "weight", "bias", "message"),
    [
        ((5,), (3, 4), (3,), "dense needs data (4,)"),
        ((4, 1), (3, 4), (3,), "dense needs data (4,) or (rows, 4)"),
        ((1, 2, 4), (3, 4), (3,), "dense needs data (4,) or (rows, 4)"),
        ((4,), (3, 4), (4,), "bias must have shape (3,)"),
        ((4,), (3, 2, 2), (3,), "dense needs data"),
    ],
)
def test_wrong_shapes_are_errors(data, weight, bias, message):
    nodes = (
        Node("x", Input(data, Fixed(3))),
        Node("w", Constant(np.ones(weight, int))),
        Node("b", Constant(np.ones(bias, int))),
        Node("fc", Dense(), ("x", "w", "b")),
    )
    with pytest.raises(BadInputError) as caught:
        Graph("g", nodes, (Port("x"),), (Port("fc"),))
    assert str(caught.value).startswith("node 'fc': ")
    assert message in str(caught.value)
