"""`codesign estimate` on designs of the package: beside what compile emits, and in words."""

from pathlib import Path

import pytest

from codesign.errors import BadInputError
from codesign.flows.estimate import estimate_design
from codesign.flows.planning import compile_bound
from codesign.flows.run import load_design
from codesign.options import RunOptions


def options(design: str, **given: object) -> RunOptions:
    """Return the options of a command."""
    return RunOptions(design, Path(), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("reuse", [4, 16])
def test_the_jet_tagger_as_compile_emits_it(reuse: int) -> None:
    asked = options("jet_tagger", reuse=(("*", reuse),), tmr="none")
    record = estimate_design(asked).record
    design = load_design("jet_tagger")
    manifest = compile_bound(design.bind(asked), asked, design.clock_ns).manifest
    for found in record["estimates"]:
        assert found["register_bits"] == manifest["register_bits"]
        assert (found["latency_cycles"], found["ii_cycles"]) == (manifest["latency_cycles"], manifest["ii_cycles"])
        assert found["warnings"] == ()
    assert [found["area_unit"] for found in record["estimates"]] == ["um2", "LUT"]


def test_a_sweep_has_a_row_for_every_factor() -> None:
    answer = estimate_design(options("jet_tagger"), sweep=True)
    reuse = [found["reuse"] for found in answer.record["estimates"] if found["technology"] == "xcup"]
    area = [found["area"] for found in answer.record["estimates"] if found["technology"] == "xcup"]
    assert reuse == sorted(reuse)
    assert reuse[0] == 1
    assert area[-1] < area[0]
    assert "Area by node" not in answer.text


def test_the_text_says_how_far_to_trust_it() -> None:
    text = estimate_design(options("econt")).text
    assert "estimated, nothing is synthesised" in text
    assert "median / 95th percentile" in text
    assert "Area by node" in text


def test_programmable_weights_are_an_extrapolation() -> None:
    text = estimate_design(options("econt_chip")).text
    assert "programmable weights, calibrated for constant ones" in text


def test_what_is_not_estimated_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"do not cover rows on engines \(--architecture"):
        estimate_design(options("interaction_network_28"))
    with pytest.raises(BadInputError, match="selective depends on a ranking"):
        estimate_design(options("econt", tmr="selective:ranking.json"))
    with pytest.raises(BadInputError, match="leave --reuse and --cuts out"):
        estimate_design(options("econt", reuse=(("*", 2),)), sweep=True)
