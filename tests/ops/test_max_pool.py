"""Max pooling against plain loops, and its Verilog."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.max_pool import MaxPool
from codesign.ops.sources import Constant, Input
from codesign.ranges import Interval
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def case(data, *attributes):
    op = MaxPool(*attributes)

    def reference(images):
        top, bottom, left, right = op.padding
        rows = (images.shape[2] + top + bottom - op.kernel[0]) // op.stride[0] + 1
        columns = (images.shape[3] + left + right - op.kernel[1]) // op.stride[1] + 1
        out = np.zeros((*images.shape[:2], rows, columns), dtype=np.int64)
        for n, c, i, j in np.ndindex(out.shape):
            first, start = i * op.stride[0] - top, j * op.stride[1] - left
            pixels = images[n, c, max(first, 0) : first + op.kernel[0], max(start, 0) : start + op.kernel[1]]
            out[n, c, i, j] = max(pixels.ravel().tolist())
        return out

    return Case(op, (data,), reference)


IMAGE = Input((2, 4, 5), Fixed(3, 0, True))
CASES = {
    "2x2": case(IMAGE, (2, 2), (2, 2)),
    "overlapping": case(IMAGE, (3, 2), (1, 2)),
    "padded": case(IMAGE, (3, 3), (2, 2), (1, 2, 0, 1)),
    "padded_unsigned": case(Input((1, 2, 2), Fixed(2)), (2, 2), (1, 1), (1, 1, 1, 1)),
    "whole_image": case(IMAGE, (4, 5)),
    "single_pixel": case(Input((3, 1, 1), Fixed(2)), (1, 1)),
    "one_bit": case(Input((1, 3, 3), Fixed(1)), (2, 3), (1, 1), (0, 0, 2, 0)),
    "one_bit_signed": case(Input((1, 2, 3), Fixed(1, 0, True)), (2, 2)),
    "line": case(Input((2, 1, 5), Fixed(4, 0, True)), (1, 3), (1, 2)),
}
FAST = [CASES[name] for name in ("2x2", "padded", "one_bit_signed", "single_pixel")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"max_pool_{tmr}", CASES.values(), Bench(tmp_path, build_cache, 100), tmr=tmr)


def test_low_bits_that_are_always_zero_stay_known():
    bounds = MaxPool((2, 1)).result(Constant(np.array([[[4, -8], [12, 0]]])).result()).bounds
    assert bounds.low.tolist() == bounds.high.tolist() == [[[12, 0]]]
    zeros = Interval(np.full((1, 2, 1), -8), np.full((1, 2, 1), 8), np.array([[[2], [1]]]))
    assert MaxPool((2, 1)).result(TensorType((1, 2, 1), Fixed(5, 0, True), zeros)).bounds.trailing.tolist() == [[[1]]]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (((0, 1),), "1 or more"),
        (((2, 2), (1, 0)), "1 or more"),
        (((2, 2), (1, 1), (2, 0, 0, 0)), "narrower than the kernel"),
        (((2, 2), (1, 1), (0, 0, 0, -1)), "0 or more"),
    ],
)
def test_impossible_attributes_are_errors(attributes, message):
    with pytest.raises(BadInputError, match=message):
        MaxPool(*attributes)


@pytest.mark.parametrize(("shape", "message"), [((4, 4), r"\(C, H, W\)"), ((1, 2, 4), "larger than the padded image")])
def test_data_must_fit(shape, message):
    with pytest.raises(BadInputError, match=message):
        MaxPool((3, 3)).result(TensorType.full(shape, Fixed(2)))
