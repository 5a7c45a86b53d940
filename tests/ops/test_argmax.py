"""ArgMax against a plain loop, and its Verilog."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.argmax import ArgMax
from codesign.ops.sources import Input
from codesign.ranges import Interval
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def reference(data):
    rows = data.reshape(-1, data.shape[-1]).tolist()
    return np.array([row.index(max(row)) for row in rows], dtype=np.int64).reshape(*data.shape[:-1], 1)


def case(shape, fixed):
    return Case(ArgMax(), (Input(shape, fixed),), reference, attains=False)  # elements compete for the result


CASES = {
    "five_classes": case((5,), Fixed(4, 0, True)),
    "many_ties": case((7,), Fixed(2)),
    "power_of_two": case((8,), Fixed(3, 0, True)),
    "one_class": case((1,), Fixed(3)),
    "two_one_bit": case((2,), Fixed(1)),
    "one_bit_signed": case((3,), Fixed(1, 0, True)),
    "rows": case((2, 3), Fixed(3)),
}
FAST = [CASES[name] for name in ("five_classes", "many_ties", "one_bit_signed", "rows")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=40)


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"argmax_{tmr}", CASES.values(), Bench(tmp_path, build_cache, 200), tmr=tmr)


def test_bounds_leave_out_what_never_wins():
    bounds = Interval(np.array([0, 3, 2, 0]), np.array([2, 5, 4, 1]))
    (bound,) = [ArgMax().result(TensorType(bounds.low.shape, Fixed(3), bounds)).bounds]
    assert (bound.low.tolist(), bound.high.tolist()) == ([1], [2])


def test_a_number_alone_is_an_error():
    with pytest.raises(BadInputError, match="N"):
        ArgMax().result(TensorType.full((), Fixed(2)))
