"""Thresholds against counting, and their Verilog."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.sources import Input
from codesign.ops.threshold import Threshold
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def reference(op):
    def threshold(data):
        channels, levels = op.thresholds.shape
        flat = data.reshape(len(data), channels, -1)
        out = np.zeros(flat.shape, dtype=np.int64)
        for n, c, i in np.ndindex(flat.shape):
            reached = sum(int(flat[n, c, i]) >= int(t) for t in op.thresholds[c])
            out[n, c, i] = op.base + (levels - reached if op.falling[c] else reached)
        return out.reshape(data.shape)

    return threshold


def case(data, fixed, thresholds, falling, base):
    op = Threshold(fixed, np.array(thresholds), falling, base)
    return Case(op, (data,), reference(op))


S6 = Input((2, 2), Fixed(6, 0, True))
CASES = {
    "rising": case(S6, Fixed(2), [[-9, 0, 17]], (0,), 0),
    "falling": case(S6, Fixed(2), [[-9, 0, 17]], (1,), 0),
    "per_channel": case(S6, Fixed(3, 0, True), [[-30, -2, 5, 5, 6], [-1, 0, 1, 20, 31]], (0, 1), -3),
    "repeated": case(S6, Fixed(2), [[4, 4, 4]], (0,), 0),
    "beyond_the_operand": case(S6, Fixed(3), [[-400, -3, 900]], (0,), 1),
    "never_reached": case(S6, Fixed(1), [[32]], (0,), 0),
    "always_reached": case(S6, Fixed(1), [[-32]], (0,), 0),
    "one_bit_signed_result": case(S6, Fixed(1, 0, True), [[3]], (0,), -1),
    "unsigned_operand": case(Input((2, 2), Fixed(5)), Fixed(2), [[1, 15, 16]], (1,), 0),
    "one_bit_operand": case(Input((2, 2), Fixed(1)), Fixed(1), [[1]], (1,), 0),
    "one_bit_signed_operand": case(Input((2, 2), Fixed(1, 0, True)), Fixed(2, 0, True), [[-1, 0]], (0,), -2),
}
FAST = [CASES[name] for name in ("per_channel", "one_bit_signed_result", "unsigned_operand", "beyond_the_operand")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"threshold_{tmr}", CASES.values(), Bench(tmp_path, build_cache, 300), tmr=tmr)


@pytest.mark.parametrize(
    ("thresholds", "falling", "message"),
    [
        ([[3, 2]], (0,), "rising along levels"),
        ([3, 2], (0,), r"\(channels, levels\)"),
        ([[1, 2]], (0, 1), "one falling flag"),
        ([[]], (0,), "at least one level"),
    ],
)
def test_impossible_attributes_are_errors(thresholds, falling, message):
    with pytest.raises(BadInputError, match=message):
        Threshold(Fixed(3), np.array(thresholds, dtype=np.int64), falling, 0)


def test_a_result_beyond_its_format_is_an_error():
    op = Threshold(Fixed(1), np.array([[0, 1]]), (0,), 0)
    with pytest.raises(BadInputError, match="do not fit u1"):
        op.result(TensorType.full((3,), Fixed(3)))


def test_channels_must_divide_the_size():
    op = Threshold(Fixed(1), np.array([[0], [1]]), (0, 0), 0)
    with pytest.raises(BadInputError, match="2 channels cannot divide 3 elements"):
        op.result(TensorType.full((3,), Fixed(3)))
