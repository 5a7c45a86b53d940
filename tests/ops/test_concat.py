"""Concatenation against numpy on plain lists, and its Verilog."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.concat import Concat
from codesign.ops.sources import Constant, Input
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def reference(axis):
    def joined(left, right, depth):
        return left + right if depth == 0 else [joined(*pair, depth - 1) for pair in zip(left, right, strict=True)]

    def concat(left, right):
        right = right if right.ndim == left.ndim else right[None]  # a constant has no batch axis
        events = max(len(left), len(right))
        rows = [joined(left[n % len(left)].tolist(), right[n % len(right)].tolist(), axis) for n in range(events)]
        return np.array(rows, dtype=np.int64)

    return concat


def case(left, right, axis=0):
    return Case(Concat(axis), (left, right), reference(axis))


FORMATS = {"u4": Fixed(4), "s3": Fixed(3, 0, True), "u1": Fixed(1), "s1": Fixed(1, 0, True)}
CASES = {f"{a}_{b}": case(Input((2,), FORMATS[a]), Input((3,), FORMATS[b])) for a, b in product(FORMATS, FORMATS)}
CASES |= {
    "images": case(Input((1, 2, 2), Fixed(2)), Input((2, 2, 2), Fixed(3, 0, True))),
    "rows": case(Input((3, 2), Fixed(2)), Input((3, 1), Fixed(3, 0, True)), 1),
    "columns": case(Input((2, 1, 2), Fixed(2, 0, True)), Input((2, 1, 3), Fixed(2)), 2),
    "constant": case(Input((2,), Fixed(3)), Constant(np.array([-9, 0, 3]))),
}
FAST = [CASES[name] for name in ("u4_s3", "s1_u1", "u1_u1", "images", "rows")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=15)


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"concat_{tmr}", CASES.values(), Bench(tmp_path, build_cache), tmr=tmr)


@pytest.mark.parametrize(("left", "right"), [((2, 3), (2, 4)), ((2,), (2, 1)), ((), ())])
def test_shapes_must_fit(left, right):
    with pytest.raises(BadInputError, match="axis 0 alone"):
        Concat().result(TensorType.full(left, Fixed(2)), TensorType.full(right, Fixed(2)))


@pytest.mark.parametrize(("left", "right"), [((2, 3), (3, 3)), ((2,), (2,)), ((2, 3), (2, 3, 1))])
def test_rows_must_fit(left, right):
    with pytest.raises(BadInputError, match="axis 1 alone"):
        Concat(1).result(TensorType.full(left, Fixed(2)), TensorType.full(right, Fixed(2)))


def test_a_negative_axis_is_an_error():
    with pytest.raises(BadInputError, match="axis of 0 or more, not -1"):
        Concat(-1)
