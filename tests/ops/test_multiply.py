"""Products of two values against Python integers, and the shapes that elementwise operators take."""

from itertools import product

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import TensorType
from codesign.ops.multiply import Multiply
from codesign.ops.sources import Constant, Input
from tests.ops.check_op import Case, check_meaning


def reference(a, b):
    a, b = np.broadcast_arrays(a, b)
    terms = [int(x) * int(y) for x, y in zip(a.flat, b.flat, strict=True)]
    return np.array(terms, dtype=np.int64).reshape(a.shape)


def case(left, right):
    """The factors of a product are not independent, so that bounds are tested below unless one is a constant."""
    return Case(Multiply(), (left, right), reference, attains=isinstance(right, Constant))


SHAPE = (2, 2)
FORMATS = {"u3": Fixed(3), "s3": Fixed(3, 0, True), "u1": Fixed(1), "s1": Fixed(1, 0, True)}
CASES = {f"{a}_{b}": case(Input(SHAPE, FORMATS[a]), Input(SHAPE, FORMATS[b])) for a, b in product(FORMATS, FORMATS)}
CASES |= {
    "weights_of_edges": case(Input((3, 2), Fixed(3, 0, True)), Input((3, 1), Fixed(2))),
    "one_row_for_all": case(Input((1, 2), Fixed(2)), Input((3, 2), Fixed(3))),
    "outer_product": case(Input((3, 1), Fixed(2)), Input((1, 2), Fixed(3))),
    "constant": case(Input((2,), Fixed(3, 0, True)), Constant(np.array([-9, 3]))),
}
FAST = [CASES[name] for name in ("u3_s3", "s3_s3", "s1_s1", "weights_of_edges")]


@pytest.mark.parametrize("name", CASES)
def test_meaning(name):
    check_meaning(CASES[name], examples=12)


@pytest.mark.parametrize("name", [name for name in CASES if name != "constant"])
def test_every_bound_is_attained(name):
    left, right = CASES[name].operands
    bounds = Multiply().result(left.result(), right.result()).bounds
    ends = [a * b for a in (left.fixed.low, left.fixed.high) for b in (right.fixed.low, right.fixed.high)]
    assert (int(bounds.low.min()), int(bounds.high.max())) == (min(ends), max(ends))


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 3), (3,)), ((2, 3, 2), (2, 1, 2)), ((1, 3, 1), (2, 2, 2))])
def test_shapes_must_fit(shapes):
    with pytest.raises(BadInputError, match="multiply needs operands of one shape, or 1 along the first or the last"):
        Multiply().result(*(TensorType.full(shape, Fixed(2)) for shape in shapes))


def test_a_product_beyond_the_integers_is_an_error():
    with pytest.raises(BadInputError, match="62 bits"):
        Multiply().result(*(TensorType.full((1,), Fixed(32)),) * 2)
