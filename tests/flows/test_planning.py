"""Options of a run become a schedule: as given, or chosen for a technology and recorded in the manifest."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.flows.design import Bound
from codesign.flows.planning import compile_bound, estimate_text
from codesign.options import RunOptions
from tests.flows.test_run import network

BOUND = Bound(network(np.arange(-9, 9).reshape(3, 6)), {})


def options(**changes):
    return RunOptions("tiny", Path("runs"), **changes)


def test_a_technology_chooses_and_the_manifest_says_what():
    manifest = compile_bound(BOUND, options(technology="xcup", ii_cycles=4), 9.0).manifest
    choice = manifest["choice"]
    assert (choice["technology"], choice["area_unit"], manifest["fabric"]) == ("xcup", "LUT", "lut")
    assert 0 < choice["critical_path_ns"] <= 9.0
    text = estimate_text(manifest)
    assert f"estimated area {choice['area']:.0f} LUT" in text
    assert "ns of 9 ns" in text


def test_without_a_technology_nothing_is_chosen():
    manifest = compile_bound(BOUND, options(), 3.0).manifest
    assert (manifest["latency_cycles"], manifest["fabric"], estimate_text(manifest)) == (1, "cells", "")
    assert "choice" not in manifest
    cut = compile_bound(BOUND, options(inner_cuts=(("dense", 1),)), 3.0).manifest
    assert cut["latency_cycles"] == 2


def test_what_is_given_is_kept_and_less_triplication_needs_less_area():
    given = options(technology="nangate45", reuse=(("dense", 6),))
    manifest = compile_bound(BOUND, given, 25.0).manifest
    assert manifest["reuse"] == {"dense": 6}
    plain = compile_bound(BOUND, options(technology="nangate45", reuse=(("dense", 6),), tmr="none"), 25.0).manifest
    assert plain["choice"]["area"] < manifest["choice"]["area"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ii_cycles": 2}, "--ii needs --technology"),
        ({"latency_cycles": 2}, "--latency needs --technology"),
        ({"area_budget": 2.0}, "--area-budget needs --technology"),
        (
            {"technology": "xcup", "reuse": (("dense", 6),), "latency_cycles": 2},
            r"latency must be \d+ cycles or more .* not 2",
        ),
        ({"technology": "xcup", "area_budget": 2.0}, "area must be .* LUT or more within the other limits, not 2"),
    ],
)
def test_options_that_cannot_be_met_are_one_line(changes, message):
    with pytest.raises(BadInputError, match=message):
        compile_bound(BOUND, options(**changes), 9.0)
