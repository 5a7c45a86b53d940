"""TopK against Python's stable sort."""

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.sources import Input
from codesign.ops.top_k import TopK
from codesign.ranges import Interval
from tests.ops.check_op import Case, check_meaning


def case(k, shape, fixed, positions=False):
    def reference(data):
        rows = data.reshape(-1, data.shape[-1]).tolist()
        orders = [sorted(range(len(row)), key=lambda i, row=row: -row[i])[:k] for row in rows]
        chosen = orders if positions else [[row[i] for i in order] for row, order in zip(rows, orders, strict=True)]
        return np.array(chosen, dtype=np.int64).reshape(*data.shape[:-1], k)

    return Case(TopK(k, positions), (Input(shape, fixed),), reference, attains=False)


CASES = {
    "three_of_five": case(3, (5,), Fixed(3, 0, True)),
    "positions": case(3, (5,), Fixed(2), True),
    "all_sorted": case(4, (4,), Fixed(2, 0, True)),
    "bits": case(2, (4,), Fixed(1, 0, True), True),
    "one_of_one": case(1, (1,), Fixed(2)),
    "one_of_two": case(1, (2,), Fixed(1), True),
    "rows": case(2, (2, 3), Fixed(3)),
    "rows_positions": case(2, (2, 3), Fixed(3, 0, True), True),
}
FAST = [CASES["three_of_five"], CASES["rows_positions"]]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=30)


def test_bounds_of_values_are_attained():
    low, high = np.array([0, 3, 2, 0]), np.array([2, 5, 4, 1])
    bounds = TopK(3).result(TensorType((4,), Fixed(3), Interval(low, high))).bounds
    for ends, given in ((bounds.low, low), (bounds.high, high)):
        assert ends.tolist() == TopK(3).evaluate(given[None])[0].tolist()


def test_bounds_of_positions_leave_out_what_never_has_the_rank():
    low, high = np.array([0, 3, 2, 0]), np.array([2, 5, 4, 1])
    every = np.stack(np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True))), -1).reshape(-1, 4)
    reached = TopK(3, True).evaluate(every)
    bounds = TopK(3, True).result(TensorType((4,), Fixed(3), Interval(low, high))).bounds
    assert (bounds.low.tolist(), bounds.high.tolist()) == (reached.min(axis=0).tolist(), reached.max(axis=0).tolist())


def test_rows_do_not_meet():
    op = TopK(2)
    assert op.for_rows(1, TensorType.full((4, 3), Fixed(2))) is op
    assert op.for_rows(1, TensorType.full((4,), Fixed(2))) is None


def test_errors():
    with pytest.raises(BadInputError, match="k of 1 or more, not 0"):
        TopK(0)
    with pytest.raises(BadInputError, match=r"N >= 4, not \(2, 3\)"):
        TopK(4).result(TensorType.full((2, 3), Fixed(2)))
