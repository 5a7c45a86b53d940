"""Every operator that is an instance has steps; the steps grow with what is computed."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import Instance, Op, Source, TensorType, Wiring
from codesign.ops import OPERATORS, ArgMax, MaxPool, Requantise
from codesign.steps import operator_steps
from tests.ops.test_every_operator import FAST


@pytest.mark.parametrize("kind", sorted(OPERATORS))
def test_every_operator_of_the_package_has_steps_or_is_wires(kind):
    if issubclass(OPERATORS[kind], Source):
        return
    cases = [case for case in FAST if case.op.kind == kind]
    assert cases
    for case in cases:
        types = tuple(operand.result() for operand in case.operands)
        steps = operator_steps(case.op, 1, *types)
        assert not (steps and isinstance(case.op.rtl(1, *types), Wiring))
        assert all(step.size >= 1 for step in steps)


def test_an_operator_without_steps_is_named():
    @dataclass(frozen=True)
    class Sine(Op):
        kind: ClassVar[str] = "sine"

        def result(self, *operands):
            return operands[0]

        def evaluate(self, *operands):
            return operands[0]

        def rtl(self, reuse, *operands):
            return Instance("sine", (), ("x",))

    with pytest.raises(BadInputError, match=r"no delay is known for operator 'sine': add it to codesign/steps\.py"):
        operator_steps(Sine(), 1, TensorType.full((1,), Fixed(4)))


def test_a_clip_that_nothing_reaches_costs_nothing():
    data = TensorType.full((4,), Fixed(8, 0, False))
    wide, narrow = Requantise(Fixed(6, 0, False), shift=2), Requantise(Fixed(4, 0, False), shift=2)
    assert operator_steps(wide, 1, data) == ()
    assert [step.kind for step in operator_steps(narrow, 1, data)] == ["compare", "mux"]


def test_trees_are_as_deep_as_the_logarithm_of_what_they_join():
    image, row = TensorType.full((1, 4, 4), Fixed(5)), TensorType.full((9,), Fixed(5))
    assert len(operator_steps(MaxPool((2, 2), (2, 2)), 1, image)) == 2 * 2
    assert len(operator_steps(ArgMax(), 1, row)) == 2 * 4
