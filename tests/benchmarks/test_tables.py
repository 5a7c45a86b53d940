from dataclasses import replace

from benchmarks.generate import Point
from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.side_by_side import own_points
from benchmarks.simulate import Simulation
from benchmarks.synthesis import Synthesis
from benchmarks.tables import pairs, side_by_side, table


def row(flow: str, luts: int, path_ns: float = 4.0, cycles: int = 4, rounding: str = "half_up") -> Row:
    point = Point("xcup", "net", rounding, False, flow, luts)
    found = Synthesis(luts, 10, path_ns, 1.5, carry_cells=4)
    return Row(point, "abc", {flow: "1.0"}, cycles, 0.5, 80, 1000, None, synthesis=found)


def compared(rows: list[Row], clock_ns: float | None) -> list[tuple[float, float | None]]:
    return [(peer.area, own and own.area) for peer, own in pairs(rows, clock_ns)]


def test_a_table_is_markdown():
    assert table(("a", "b"), [(1, None)]) == "| a | b |\n| --- | --- |\n| 1 |  |"


def test_the_smallest_of_each_side_is_compared():
    rows = [row("codesign", 90), row("codesign", 95), row("da4ml", 100), row("plain", 120)]
    assert compared(rows, 5.0) == [(100, 90)]


def test_what_is_slower_or_later_than_the_peer_does_not_count():
    rows = [row("codesign", 70, path_ns=4.1), row("codesign", 80, cycles=5), row("codesign", 90), row("da4ml", 100)]
    assert compared(rows, None) == [(100, 90)]
    assert compared(rows, 5.0) == [(100, 70)]
    assert compared(rows[:2] + rows[3:], None) == [(100, None)]


def test_a_peer_that_misses_the_clock_does_not_count():
    rows = [row("codesign", 90), row("da4ml", 50, path_ns=6.0), row("alkaid", 100)]
    assert compared(rows, 5.0) == [(100, 90)]
    assert compared(rows, None) == [(50, 90)]


def test_roundings_do_not_mix():
    assert compared([row("codesign", 90), row("da4ml", 100, rounding="half_even")], 5.0) == []


def test_rows_survive_a_file(tmp_path):
    full = replace(
        row("da4ml", 100),
        simulation=Simulation(500, 8.0, 1000),
        synthesis=Synthesis(10, 2, None, 3.0, area_um2=8.0),
    )
    rows = [full, replace(row("alkaid", 1), synthesis=None, unfinished_s=900.0)]
    write_rows(tmp_path / "rows.json", rows)
    assert read_rows(tmp_path / "rows.json") == {one.point: one for one in rows}
    assert read_rows(tmp_path / "none.json") == {}


def test_the_text_names_flow_version_ratio_and_what_did_not_end():
    stopped = replace(row("plain", 1), synthesis=None, unfinished_s=900.0)
    text = side_by_side([row("codesign", 90), row("da4ml", 100), stopped])
    for words in ("da4ml, cutoff 100", "da4ml 1.0", "| 90 | 0.90 |", "did not end in 900 s"):
        assert words in text
    assert "did not end" not in side_by_side([row("da4ml", 100)])


def test_this_flow_is_planned_at_the_clock_of_the_technology_and_of_the_smallest_peer():
    rows = {one.point: one for one in (row("da4ml", 100, path_ns=3.456), row("alkaid", 110, path_ns=2.0))}
    assert [(point.option, point.cycles) for point in own_points(rows, rows)] == [(5, 4), (7, 4), (3.45, 4), (4.83, 4)]
    assert list(own_points({}, rows)) == []
