"""Gather and reshape: wiring, against plain indexing, and their Verilog."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.gather import Gather
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Input
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning


def gather(data, index, shape):
    def reference(values):
        rows = [[0 if e < 0 else int(row.ravel()[e]) for e in index] for row in values]
        return np.array(rows, dtype=np.int64).reshape(len(values), *shape)

    return Case(Gather(index, shape), (data,), reference)


def reshape(data, shape):
    return Case(Reshape(shape), (data,), lambda values: np.array(values.ravel()).reshape(len(values), *shape))


DATA = Input((2, 3), Fixed(3, 0, True))
CASES = {
    "permutation": gather(DATA, (5, 0, 4, 1, 3, 2), (6,)),
    "identity": gather(DATA, (0, 1, 2, 3, 4, 5), (3, 2)),
    "zeros_between": gather(DATA, (-1, 2, 3, -1, -1, 0, 1, 4, 5, -1), (2, 5)),
    "repeated": gather(DATA, (3, 3, 3, 0), (4,)),
    "elements_left_out": gather(DATA, (4, 1), (2,)),
    "single_element": gather(DATA, (2,), (1, 1)),
    "one_bit": gather(Input((4,), Fixed(1)), (3, -1, 2, 1, 0), (5,)),
    "one_bit_signed": gather(Input((4,), Fixed(1, 0, True)), (1, -1), (2,)),
    "single_wire": gather(Input((1,), Fixed(1)), (0, 0, -1), (3,)),
    "reshape": reshape(DATA, (3, 1, 2)),
    "reshape_flat": reshape(DATA, (6,)),
    "reshape_single": reshape(Input((1,), Fixed(1)), (1, 1, 1)),
}
FAST = [CASES[name] for name in ("permutation", "zeros_between", "elements_left_out", "single_wire", "reshape")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


@pytest.mark.slow
@pytest.mark.parametrize("tmr", ["registers", "none"])
def test_hardware(tmp_path: Path, build_cache: Path, tmr):
    check_hardware(f"gather_{tmr}", CASES.values(), Bench(tmp_path, build_cache), tmr=tmr)


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Gather((0, 6), (2,)), r"-1 \.\. 5"),
        (Gather((0, -2), (2,)), r"-1 \.\. 5"),
        (Gather((0, 1), (3,)), r"\(3,\)"),
        (Reshape((4,)), "4 elements, not 6"),
    ],
)
def test_what_does_not_fit_is_an_error(op, message):
    with pytest.raises(BadInputError, match=message):
        op.result(TensorType.full((2, 3), Fixed(3)))


def test_no_element_at_all_is_an_error():
    with pytest.raises(BadInputError, match="at least one"):
        Gather((), (0,))
