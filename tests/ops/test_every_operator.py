"""Every operator in Verilog: a few cases of each, side by side in one design; all cases run as slow tests."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Port
from codesign.ops import OPERATORS
from codesign.ops.max_pool import MaxPool
from codesign.ops.reshape import Reshape
from codesign.ops.sources import Constant, Input, Parameter
from codesign.steps import operator_steps
from tests.ops import (
    test_add,
    test_argmax,
    test_compare,
    test_concat,
    test_conv1d,
    test_conv2d,
    test_dense,
    test_floats,
    test_gather,
    test_global_pool,
    test_lookup,
    test_max_pool,
    test_multiply,
    test_requantise,
    test_segment_max,
    test_segment_mean,
    test_segment_sum,
    test_select,
    test_slice,
    test_take,
    test_threshold,
    test_top_k,
    test_transpose,
)
from tests.ops.check_op import Bench, Case, check_hardware, check_meaning

MODULES = (
    test_add,
    test_argmax,
    test_compare,
    test_concat,
    test_conv1d,
    test_conv2d,
    test_dense,
    test_floats,
    test_gather,
    test_global_pool,
    test_lookup,
    test_max_pool,
    test_multiply,
    test_requantise,
    test_segment_max,
    test_segment_mean,
    test_segment_sum,
    test_select,
    test_slice,
    test_take,
    test_threshold,
    test_top_k,
    test_transpose,
)
TOGETHER = (  # whose cases are few and small: one design with all of them
    test_compare,
    test_global_pool,
    test_lookup,
    test_multiply,
    test_segment_max,
    test_segment_mean,
    test_segment_sum,
    test_select,
    test_slice,
    test_take,
    test_top_k,
    test_transpose,
)
FAST = [case for module in MODULES for case in module.FAST]


def test_hardware(tmp_path: Path, build_cache: Path):
    check_hardware("every_operator", FAST, Bench(tmp_path, build_cache), settings_count=1)


@pytest.mark.slow
def test_hardware_of_many_cases(tmp_path: Path, build_cache: Path):
    cases = [case for module in TOGETHER for case in module.CASES.values()]
    check_hardware("many_cases", cases, Bench(tmp_path, build_cache, 200))


def test_every_operator_is_checked():
    listed = {case.op.kind for case in FAST} | {source.kind for case in FAST for source in case.operands}
    assert listed == set(OPERATORS)


def test_every_operator_has_a_delay_and_an_area():
    for case in FAST:
        types = [source.result() for source in case.operands]
        steps = operator_steps(case.op, 1, *types)
        assert all(step.count >= 1 for step in steps)
    three_by_three, window = MaxPool((3, 3)), Input((1, 3, 3), Fixed(4)).result()
    assert [step.kind for step in operator_steps(three_by_three, 1, window)] == ["adder", "mux"] * 4
    steps = operator_steps(three_by_three, 1, window)
    assert [step.count for step in steps[::2]] == [4, 2, 1, 1]  # eight comparisons, four of them in series


def test_a_wrong_operator_is_caught():
    """Negative control of the helper: the reference of another operator, and bounds that are too wide."""
    right = test_add.CASES["u4_s3"]
    with pytest.raises(AssertionError, match="reference"):
        check_meaning(Case(right.op, right.operands, lambda a, b: a - b))
    with pytest.raises(AssertionError):
        check_meaning(Case(test_floats.NORMALISE["image"].op, test_floats.NORMALISE["image"].operands,
                           test_floats.NORMALISE["image"].reference, attains=True))  # fmt: skip


@pytest.mark.parametrize("values", [7, [1], [[-3, 4]], np.zeros((2, 1, 2), dtype=np.int64)])
def test_a_constant_has_exactly_its_values(values):
    type_ = Constant(np.array(values)).result()
    assert np.array_equal(type_.bounds.low, np.atleast_1d(values))
    assert type_.is_constant
    assert type_.fixed == Fixed.covering(int(np.min(values)), int(np.max(values)))


@pytest.mark.parametrize("values", [[0.5], [float("nan")], [True], ["1"]])
def test_a_constant_must_be_integer(values):
    with pytest.raises(BadInputError, match="integers"):
        Constant(np.array(values))


def test_sources_take_every_value_of_their_format():
    for source in (Input, Parameter):
        type_ = source((2, 3), Fixed(4, 1, True)).result()
        assert (type_.bounds.low.min(), type_.bounds.high.max(), type_.shape) == (-8, 7, (2, 3))


def test_the_caller_cannot_change_a_constant_afterwards():
    values = np.array([1, 2])
    constant = Constant(values)
    values[0] = 9
    assert constant.values.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        constant.values[0] = 5


@pytest.mark.parametrize("width", [1, 2, 61, 62])
@pytest.mark.parametrize("signed", [False, True])
def test_every_width_can_be_an_input(width, signed):
    fixed = Fixed(width, 0, signed)
    nodes = (Node("x", Input((1,), fixed)), Node("y", Reshape((1, 1)), ("x",)))
    graph = Graph("g", nodes, (Port("x"),), (Port("y"),))
    ends = np.array([[fixed.low], [fixed.high]])
    assert np.array_equal(graph.evaluate({"x": ends})["y"][:, 0], ends)
