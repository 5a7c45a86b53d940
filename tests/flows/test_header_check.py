"""The step that compares the C++ header of a design with its graph on the events of every case."""

from pathlib import Path

import numpy as np
import pytest

from codesign.cpp import cpp_header
from codesign.errors import ToolFailedError, VerificationError
from codesign.files import write_text
from codesign.flows.design import Bound, Case
from codesign.flows.header_check import compare_outputs, verify_header
from tests.flows.test_run import EVENTS, network

RNG = np.random.default_rng(5)
WEIGHTS = RNG.integers(-7, 8, (3, 6))
EVENT_VALUES = {"x": RNG.integers(0, 32, (EVENTS, 6))}


def test_every_case_is_compared(tmp_path: Path) -> None:
    cases = tuple(Case(name, {"w": RNG.integers(-8, 8, (3, 6))}) for name in ("one", "two"))
    bound = Bound(network(), EVENT_VALUES, cases)
    header = write_text(tmp_path / "tiny.hpp", cpp_header(bound.graph))
    found = verify_header(bound, header, tmp_path / "work")
    assert {name: (one.events, one.values, one.mismatches) for name, one in found.items()} == {
        "one": (EVENTS, 3 * EVENTS, 0),
        "two": (EVENTS, 3 * EVENTS, 0),
    }


def test_another_constant_fails_with_the_first_difference(tmp_path: Path) -> None:
    changed = WEIGHTS.copy()
    changed[0, 0] += 1
    header = write_text(tmp_path / "tiny.hpp", cpp_header(network(changed)))
    with pytest.raises(
        VerificationError, match=r"case 'model': C\+\+ header and graph: \d+ of 120 values differ; event"
    ):
        verify_header(Bound(network(WEIGHTS), EVENT_VALUES), header, tmp_path / "work")


def test_a_header_with_a_warning_or_a_missing_name_does_not_compile(tmp_path: Path) -> None:
    graph = network(WEIGHTS)
    for old, new in (
        ("constexpr bool fits(const Inputs& inputs) {", "\\g<0>\n    int unused = 0;"),
        ("evaluate", "other"),
    ):
        text = cpp_header(graph).replace(old, new.replace("\\g<0>", old))
        header = write_text(tmp_path / "tiny.hpp", text)
        with pytest.raises(ToolFailedError, match=r"g\+\+ failed"):
            verify_header(Bound(graph, EVENT_VALUES), header, tmp_path / "work")


def test_a_value_outside_of_its_format_fails() -> None:
    graph = network(WEIGHTS)
    outputs = {"y": graph.evaluate(EVENT_VALUES)["y"].copy()}
    assert compare_outputs(graph, outputs, outputs).mismatches == 0
    outputs["y"][0, 0] = 64
    with pytest.raises(VerificationError, match="y: the C\\+\\+ header gave a value outside of u6"):
        compare_outputs(graph, outputs, outputs)
