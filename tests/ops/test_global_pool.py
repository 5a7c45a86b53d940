"""GlobalPool against a plain loop."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.global_pool import GlobalPool
from codesign.ops.sources import Input
from tests.ops.check_op import Case, check_meaning


def case(mode, shape, fixed):
    def reference(data):
        pick = sum if mode == "sum" else max
        flat = data.reshape(*data.shape[:2], -1)
        pooled = [[pick(column) for column in zip(*event, strict=True)] for event in flat.tolist()]
        return np.array(pooled, dtype=np.int64).reshape(len(data), 1, *data.shape[2:])

    return Case(GlobalPool(mode), (Input(shape, fixed),), reference, attains=mode == "sum" or shape[0] == 1)


CASES = {
    "sum": case("sum", (5, 2), Fixed(3, 0, True)),
    "sum_of_one": case("sum", (1, 2), Fixed(2)),
    "sum_of_bits": case("sum", (4,), Fixed(1)),
    "max": case("max", (5, 2), Fixed(3, 0, True)),
    "max_of_one": case("max", (1, 1, 2), Fixed(2)),
    "any": case("max", (4,), Fixed(1)),
}
FAST = [CASES[name] for name in ("sum", "max", "any")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=20)


def test_an_unknown_mode_is_an_error():
    with pytest.raises(BadInputError, match="mode 'sum' or 'max', not 'mean'"):
        GlobalPool("mean")


def test_a_number_alone_is_an_error():
    with pytest.raises(BadInputError, match="global_pool needs data"):
        GlobalPool("max").result(TensorType.full((), Fixed(2)))
