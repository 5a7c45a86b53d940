"""Estimates against the synthesised points they were calibrated on, and what they are made of."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from codesign.delay import technology
from codesign.errors import BadInputError
from codesign.estimate_model import ESTIMATED, EstimateModel, estimate, estimate_model, toggle_rates
from codesign.flows import fit_adders, fit_estimates, measure_estimates
from codesign.flows.estimate_points import EstimatePoint, Shape
from codesign.flows.fit_estimates import Sample, fit, predicted, read_samples, record, summary

ROWS = Path(__file__).parents[1] / "benchmarks" / "results"
POINT = EstimatePoint(Shape("net", (10,), (12, 6)), 5, 6, 4, 0, "none", 5.0)


@pytest.fixture(scope="module", params=ESTIMATED)
def samples(request: pytest.FixtureRequest) -> tuple[str, list[Sample]]:
    """The measured points of a technology."""
    return request.param, read_samples(ROWS / f"estimates_{request.param}.json")


def errors_of(samples: Sequence[Sample], model: EstimateModel) -> dict[str, dict[str, float]]:
    """Return the errors of every third point."""
    return summary({sample.point.name: predicted(sample, model) for sample in samples[::3]})


def test_the_shipped_constants_keep_the_limits(samples: tuple[str, list[Sample]]) -> None:
    name, measured = samples
    assert len(measured) >= 60
    model = estimate_model(name)
    assert model.points == len(measured)
    for kind, of in errors_of(measured, model).items():
        assert of["median"] <= 10, kind
        assert of["p95"] <= 30, kind
    for of in model.errors_percent.values():  # of points that the constants were not fitted to
        assert of["median"] <= 10
        assert of["p95"] <= 30


def test_wrong_constants_are_seen(samples: tuple[str, list[Sample]]) -> None:
    name, measured = samples
    model = estimate_model(name)
    doubled = {style: replace(areas, full_adder=2 * areas.full_adder) for style, areas in model.areas.items()}
    assert errors_of(measured, replace(model, areas=doubled))["area"]["median"] > 20


@pytest.mark.slow
def test_the_shipped_constants_are_those_of_the_rows(samples: tuple[str, list[Sample]]) -> None:
    name, measured = samples
    found, shipped = fit(measured, technology(name)), estimate_model(name)
    assert record(found, {"any": {"area": 0.0}})["areas"] == record(shipped, {"any": {"area": 0.0}})["areas"]
    assert found.energies == pytest.approx(shipped.energies, rel=1e-4)


def test_nodes_add_up_and_triplication_costs() -> None:
    graph = POINT.graph
    plan = POINT.schedule(graph)
    model = estimate_model("nangate45")
    by_mode = {
        mode: estimate(graph, plan, model, tmr=mode, clock_ns=5.0, events=POINT.events)
        for mode in ("none", "registers", "full")
    }
    for one in by_mode.values():
        assert sum(one.nodes.values()) == pytest.approx(one.area)
        assert one.latency_cycles == plan.latency_cycles
    none, registers, full = by_mode.values()
    assert none.flip_flop_bits * 3 == registers.flip_flop_bits == full.flip_flop_bits
    assert none.area < registers.area < full.area
    assert none.warnings == registers.warnings
    assert "triplication full: calibrated for none and registers" in full.warnings


def test_power_follows_clock_and_activity() -> None:
    graph = replace_reuse(1).graph
    plan = replace_reuse(1).schedule(graph)
    model = estimate_model("nangate45")
    still = {name: np.zeros_like(values) for name, values in POINT.events.items()}
    slow, fast, idle = (
        estimate(graph, plan, model, tmr="none", clock_ns=clock, events=events).power_mw
        for clock, events in ((10.0, POINT.events), (5.0, POINT.events), (5.0, still))
    )
    assert slow is not None
    assert fast is not None
    assert idle is not None
    assert 1.8 < fast / slow < 2.0  # leakage does not follow the clock
    assert idle < fast


def replace_reuse(reuse: int) -> EstimatePoint:
    """Return the point at another reuse factor."""
    return replace(POINT, reuse=reuse)


def test_toggles_of_a_counter() -> None:
    graph = POINT.graph
    events = np.tile(np.array([[0], [1]]), (4, 10))
    assert toggle_rates(graph, {"x": events})["x"] == pytest.approx(1 / 6)


def test_an_unknown_technology_is_refused() -> None:
    with pytest.raises(BadInputError, match="no calibrated estimates for technology 'osu018': choose one of nangate45"):
        estimate_model("osu018")


def test_too_few_points_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text("[]")
    with pytest.raises(BadInputError, match="0 of at least 60 points"):
        read_samples(path)


def test_standard_cells_are_not_measured_without_their_library(tmp_path: Path) -> None:
    arguments = ["nangate45", "--output", str(tmp_path / "rows.json")]
    outcome = CliRunner().invoke(measure_estimates.main, arguments)
    assert outcome.exit_code == 2
    assert "standard cells need --liberty" in outcome.output


def test_constants_are_written_where_they_are_read() -> None:
    with resources.as_file(resources.files("codesign.data") / "estimates") as folder:
        assert folder == fit_estimates.DATA == fit_adders.OUTPUT.parent
