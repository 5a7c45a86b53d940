"""The benchmark of designs: its points are legal, and its table says what was found."""

from dataclasses import asdict, replace

import pytest

from benchmarks.designs import Row, points, table
from codesign.flows.planning import compile_bound
from codesign.flows.run import load_design
from codesign.options import RunOptions

ROW = Row("jet_tagger", 8, "xcup", 5.0, 4.5, 36, 36, 180.0, 8, 8, 1234, 3702, 6250, 6250, 12.5)


def test_the_encoder_keeps_its_interval_of_25_ns_at_every_reuse_factor():
    encoder = [point for point in points() if point.design == "econt"]
    assert [point.reuse for point in encoder] == [1, 2, 4, 8]
    assert {point.reuse * point.clock_ns for point in encoder} == {25.0}


@pytest.mark.parametrize("design", ["econt", "jet_tagger"])
def test_the_serial_points_fit_their_clock(design, tmp_path):
    options = RunOptions(design, tmp_path, vectors=10)
    bound = load_design(design).bind(options)
    for point in points():
        if point.design == design and point.reuse > 1:
            given = replace(options, reuse=(("*", point.reuse),), technology=point.technology)
            manifest = compile_bound(bound, given, point.clock_ns).manifest
            assert manifest["ii_cycles"] == point.reuse
            assert manifest["choice"]["critical_path_ns"] <= point.clock_ns


def test_the_table_has_a_line_for_every_row():
    text = table([asdict(ROW)] * 2, {"verilator": "5"})
    line = "| jet_tagger | 8 | xcup | 5 | 4.50 | 36 / 36 | 180 | 8 / 8 | 1234 | 3702 | 6250 of 6250 |"
    assert text.splitlines().count(line) == 2
    assert text.splitlines()[4].count("|") == text.splitlines()[5].count("|") == line.count("|")
