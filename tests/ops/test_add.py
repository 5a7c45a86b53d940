"""Addition against Python integers, and its Verilog."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.add import Add
from codesign.ops.sources import Constant, Input
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def case(left, right, *shifts):
    def reference(a, b):
        a, b = np.broadcast_arrays(a, b)
        terms = [
            int(x) * 2 ** (*shifts, 0, 0)[0] + int(y) * 2 ** (*shifts, 0, 0)[1]
            for x, y in zip(a.flat, b.flat, strict=True)
        ]
        return np.array(terms, dtype=np.int64).reshape(a.shape)

    return Case(Add(*shifts), (left, right), reference)


SHAPE = (2, 2)
FORMATS = {"u4": Fixed(4), "s3": Fixed(3, 0, True), "u1": Fixed(1), "s1": Fixed(1, 0, True)}
CASES = {f"{a}_{b}": case(Input(SHAPE, FORMATS[a]), Input(SHAPE, FORMATS[b])) for a, b in product(FORMATS, FORMATS)}
CASES |= {
    "shift_left": case(Input(SHAPE, Fixed(3)), Input(SHAPE, Fixed(5, 0, True)), 3, 0),
    "shift_right": case(Input(SHAPE, Fixed(1, 0, True)), Input(SHAPE, Fixed(1)), 0, 4),
    "shift_both": case(Input(SHAPE, Fixed(2, 0, True)), Input(SHAPE, Fixed(3, 0, True)), 2, 1),
    "rows": case(Input((3, 2), Fixed(2)), Input((3, 1), Fixed(3, 0, True)), 1, 0),
    "one_row_for_all": case(Input((1, 2), Fixed(3, 0, True)), Input((3, 2), Fixed(2)), 0, 1),
    "constant": case(Input(SHAPE, Fixed(3)), Constant(np.array([[-9, 3], [0, 7]]))),
    "constant_that_cancels": case(Input(SHAPE, Fixed(2)), Constant(np.array([[-3, -3], [-3, -3]]))),
}
FAST = [CASES[name] for name in ("u4_s3", "s1_u1", "s3_s3", "shift_both", "constant", "rows", "one_row_for_all")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"add_{tmr}", CASES.values(), Bench(tmp_path, build_cache, 100), tmr=tmr)


def test_shapes_must_agree():
    with pytest.raises(BadInputError, match=r"add needs operands of one shape, .* not \(2,\) and \(3,\)"):
        Add().result(TensorType.full((2,), Fixed(2)), TensorType.full((3,), Fixed(2)))


@pytest.mark.parametrize("shifts", [(-1, 0), (0, -1)])
def test_a_negative_shift_is_an_error(shifts):
    with pytest.raises(BadInputError, match="shift"):
        Add(*shifts)


def test_a_sum_beyond_the_integers_is_an_error():
    """A shift by 40 bits of a 30-bit value would wrap in 64 bits."""
    with pytest.raises(BadInputError, match="62 bits"):
        Add(40, 0).result(TensorType.full((2,), Fixed(30)), TensorType.full((2,), Fixed(2)))
