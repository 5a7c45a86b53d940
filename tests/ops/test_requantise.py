"""Requantisation against exact fractions, and its Verilog."""

from fractions import Fraction
from math import floor
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.requantise import Requantise
from codesign.ops.sources import Input
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def reference(op):
    """Exact fractions; Python's round() takes ties to even."""
    nearest = floor if op.rounding == "floor" else round

    def requantise(data):
        channels = len(op.multiplier)
        flat = data.reshape(len(data), channels, -1)
        out = np.zeros(flat.shape, dtype=np.int64)
        for n, c, i in np.ndindex(flat.shape):
            exact = Fraction(int(flat[n, c, i]) * op.multiplier[c] + op.addend[c], 2**op.shift)
            out[n, c, i] = min(max(nearest(exact), op.clip[0]), op.clip[1])
        return out.reshape(data.shape)

    return requantise


def case(data, *fields, **named):
    op = Requantise(*fields, **named)
    return Case(op, (data,), reference(op))


S8, U8 = Input((3,), Fixed(8, 0, True)), Input((3,), Fixed(8))
CASES = {
    "floor": case(S8, Fixed(4, 0, True), (5,), (3,), 5, "floor"),
    "half_even": case(S8, Fixed(6, 0, True), (1,), (0,), 2, "half_even"),
    "half_even_shift_1": case(S8, Fixed(8, 0, True), (1,), (0,), 1, "half_even"),
    "half_even_shift_0": case(S8, Fixed(6, 0, True), (1,), (1,), 0, "half_even"),
    "floor_shift_0": case(U8, Fixed(5), (1,), (0,), 0, "floor"),
    "negative": case(S8, Fixed(5, 0, True), (-7,), (11,), 6, "half_even"),
    "negative_of_unsigned": case(U8, Fixed(5, 0, True), (-3,), (200,), 4, "half_even"),
    "per_channel": case(Input((4, 2), Fixed(7, 0, True)), Fixed(5), (3, -2, 0, 9), (0, 5, 40, -7), 4, "half_even"),
    "relu": case(S8, Fixed(7), (1,), (0,), 0, "floor"),
    "clip": case(S8, Fixed(6, 0, True), (1,), (0,), 2, "half_even", -5, 9),
    "narrow_range": case(S8, Fixed(4, 0, True), (1,), (0,), 3, "half_even", -7, 7),
    "clip_to_one_value": case(S8, Fixed(3, 0, True), (1,), (0,), 2, "floor", -2, -2),
    "one_bit_result": case(S8, Fixed(1), (1,), (0,), 3, "half_even"),
    "one_bit_signed_result": case(S8, Fixed(1, 0, True), (1,), (0,), 4, "half_even"),
    "one_bit_operand": case(Input((3,), Fixed(1)), Fixed(4), (5,), (2,), 1, "half_even"),
    "one_bit_signed_operand": case(Input((3,), Fixed(1, 0, True)), Fixed(4, 0, True), (5,), (-2,), 1, "half_even"),
    "wider_result": case(S8, Fixed(20, 0, True), (3,), (-1,), 1, "floor"),
    "shift_beyond_operand": case(S8, Fixed(3, 0, True), (1,), (0,), 12, "half_even"),
    "shift_beyond_operand_down": case(S8, Fixed(3, 0, True), (1,), (0,), 12, "floor"),
    "large_constants": case(S8, Fixed(8, 0, True), (1_234_567,), (-7_654_321,), 20, "half_even"),
    "constant_result": case(S8, Fixed(4), (0,), (11,), 1, "half_even"),
}
FAST = [CASES[n] for n in ("floor", "half_even_shift_1", "half_even_shift_0", "per_channel", "one_bit_signed_result")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name])


def test_ties_go_to_the_even_neighbour():
    op = Requantise(Fixed(6, 0, True), shift=1, rounding="half_even")
    assert op.evaluate(np.arange(-7, 8)[None]).tolist() == [[-4, -3, -2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2, 3, 4]]


def test_equals_a_brevitas_quantiser():
    torch.manual_seed(1)
    layer = qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFixedPoint, bit_width=5, max_val=2.0, min_val=-2.0, return_quant_tensor=True
    )
    layer = layer.double().eval()
    x = np.arange(-300, 300)[:, None]
    quantised = layer(torch.tensor(x / 64.0))
    shift = 6 + round(np.log2(float(quantised.scale.detach())))
    op = Requantise(Fixed(5, 0, True), shift=shift, rounding="half_even")
    assert np.array_equal(op.evaluate(x), quantised.int().numpy())


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"requantise_{tmr}", CASES.values(), Bench(tmp_path, build_cache, 400), tmr=tmr)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"multiplier": (1, 2)}, "one addend for every multiplier"),
        ({"shift": -1}, "shift must be"),
        ({"low": 3, "high": 2}, "clip"),
        ({"low": -1}, "clip"),
        ({"high": 16}, "clip"),
        ({"rounding": "up"}, "rounding must be"),
    ],
)
def test_impossible_attributes_are_errors(fields, message):
    with pytest.raises(BadInputError, match=message):
        Requantise(Fixed(4), **fields)


def test_channels_must_divide_the_size():
    op = Requantise(Fixed(4), (1, 2), (0, 0))
    with pytest.raises(BadInputError, match="2 channels cannot divide 3 elements"):
        op.result(TensorType.full((3,), Fixed(3)))


def test_an_intermediate_beyond_the_integers_is_an_error():
    """2**40 * 2**40 would wrap in 64 bits."""
    op = Requantise(Fixed(8, 0, True), (1 << 40,), (0,), 50)
    with pytest.raises(BadInputError, match="62 bits"):
        op.result(TensorType.full((3,), Fixed(41)))
