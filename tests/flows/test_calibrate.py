"""The fit finds constants that samples were made with; one point goes through the tools."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from codesign.critical_path import PathModel
from codesign.delay import read_technology, technology
from codesign.errors import BadInputError
from codesign.flows import calibrate
from codesign.flows.calibration_points import NetworkPoint, PiecePoint, points
from codesign.flows.static_timing import PathStep, StaticTiming
from codesign.flows.timing_run import Measured, measure

NETWORKS = tuple(point for point in points() if isinstance(point, NetworkPoint) and point.inputs <= 12)
PIECES = tuple(point for point in points() if isinstance(point, PiecePoint))


def made_with(tech):
    """Samples as they would be if the formulas of `tech` were the truth."""
    delays = {
        "register": lambda *sizes: 0.0,
        "voter": lambda *sizes: tech.voter_ns,
        "mux": lambda bits, inputs: tech.mux_ns(inputs),
        "rom": lambda words, bits: tech.mux_ns(words),
        "gates": tech.gate_ns,
        "multiplier": tech.multiplier_ns,
    }
    areas = {
        "mux": tech.mux_area,
        "rom": tech.rom_area,
        "multiplier": tech.multiplier_area,
    }
    found = []
    for piece in PIECES:
        bits, copies = sum(calibrate.sample_bits(calibrate.Sample(piece, None))), 3 if piece.triplicated else 1
        area = tech.register_area(bits, copies) + areas.get(piece.kind, lambda *sizes: 0.0)(*piece.sizes)
        found.append(sample(piece, tech, tech.register_ns + delays[piece.kind](*piece.sizes), area, bits * copies))
    for network in NETWORKS:
        model = PathModel(network.graph, network.schedule, tech.fabric)
        area = calibrate.predicted_area(model, tech, 100)
        found.append(sample(network, tech, model.critical_path(tech).ns, area, 100))
    return found


def sample(point, tech, ns, area, bits):
    path = (PathStep("first", "DFF", tech.launch_ns, tech.launch_ns),)
    return calibrate.Sample(point, Measured(StaticTiming(ns, path, 1, "made up"), area, bits))


def test_the_fit_finds_the_constants_that_samples_were_made_with():
    start = technology("nangate45")
    delays = replace(start.delays, adder=0.11, adder_bit=0.013, carry_save=0.17, voter=0.2, mux=0.05, multiplier=0.1)
    areas = replace(start.areas, full_adder=6.0, half_adder=2.4, constant=1.5, register=5.0, mux=2.5)
    truth = replace(start, delays=delays, areas=areas)
    found, residuals = calibrate.fit(start, made_with(truth))
    assert residuals.summary["delay_largest_percent"] < 2
    assert residuals.summary["area_largest_percent"] < 0.1
    held_out = next(p for p in points() if isinstance(p, NetworkPoint) and p.inputs == 24)
    model = PathModel(held_out.graph, held_out.schedule, "cells")
    assert model.critical_path(found).ns == pytest.approx(model.critical_path(truth).ns, rel=0.05)
    assert model.critical_path(start).ns != pytest.approx(model.critical_path(truth).ns, rel=0.05)
    assert found.adder_area(12) == pytest.approx(truth.adder_area(12), rel=1e-3)
    assert found.voter_ns == pytest.approx(0.2)
    assert found.mux_ns(16) == pytest.approx(truth.mux_ns(16))
    assert found.register_area(8, 3) == pytest.approx(truth.register_area(8, 3))


def test_samples_that_follow_no_formula_leave_an_error():
    """Negative control: delays that do not depend on the design cannot be fitted."""
    tech = technology("nangate45")
    made = made_with(tech)
    rng = np.random.default_rng(0)
    wrong = [
        sample(s.point, tech, s.ns * rng.uniform(0.3, 3.0), s.measured.area, s.measured.flip_flop_bits)
        if isinstance(s.point, NetworkPoint)
        else s
        for s in made
    ]
    _, residuals = calibrate.fit(tech, wrong)
    assert residuals.summary["delay_largest_percent"] > 20


def test_points_are_the_same_every_time_and_none_is_named_twice():
    names = [point.name for point in points()]
    assert len(names) == len(set(names))
    assert [p.graph.digest for p in NETWORKS] == [p.graph.digest for p in NETWORKS]


def test_a_cell_technology_needs_its_liberty_file(tmp_path):
    rtl = PIECES[0].write(tmp_path / "rtl", "cells")
    with pytest.raises(BadInputError, match=r"technology osu018 needs its liberty file \(--liberty\)"):
        measure(rtl, "osu018", None, tmp_path, clock_ns=25.0)


def test_the_command_ends_with_one_line_for_a_missing_library(tmp_path):
    result = CliRunner().invoke(calibrate.main, ["osu018", "--work", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output == "error: technology osu018 needs its liberty file (--liberty)\n"


@pytest.mark.slow
def test_a_tiny_calibration_writes_a_technology(tmp_path, monkeypatch, build_cache):
    """Fewest designs that every constant needs, through synthesis and timing."""
    wanted = {"registers", "voted_registers", "mux_4", "multiplier_4x4", "rom_8", "gates_8", "sums_4x4_4b_6b"}
    monkeypatch.setattr(calibrate, "points", lambda: tuple(point for point in points() if point.name in wanted))
    output = tmp_path / "xcup.json"
    work = build_cache / "calibration"
    shutil.rmtree(work / "rtl", ignore_errors=True)
    result = CliRunner().invoke(calibrate.main, ["xcup", "--work", str(work), "--output", str(output)])
    assert result.exit_code == 0, result.output
    found = read_technology(output)
    assert found.register_ns == pytest.approx(0.097 + 0.256 + 0.008)  # launch, a wire and setup
    assert 0.3 < found.adder_ns(8) + found.constant_ns(8) < 3
    assert 0.2 < found.adder_area(1) < 3
    assert set(json.loads(output.read_text())["provenance"]["fitted_to"]) == wanted
