from dataclasses import replace

from benchmarks.generate import Point
from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.side_by_side import own_points
from benchmarks.simulate import Simulation
from benchmarks.synthesis import Synthesis
from benchmarks.tables import by_case, matched, races, side_by_side, table


def row(
    flow: str, luts: int, path_ns: float = 4.0, cycles: int = 4, rounding: str = "half_up", option: float = 3.0
) -> Row:
    point = Point("xcup", "net", rounding, False, flow, option)
    found = Synthesis(luts, 10, path_ns, 1.5, carry_cells=4)
    return Row(point, "abc", {flow: "1.0"}, cycles, 0.5, 80, 1000, None, synthesis=found)


def compared(rows: list[Row]) -> list[tuple[float, float, float | None]]:
    """Clock, area of the peer, area of this flow, for each clock that is compared."""
    found = [(clock, peer, matched(rows, clock, peer.latency_cycles)) for clock, peer in races(rows)]
    return [(clock, peer.area, own and own.area) for clock, peer, own in found]


def test_a_table_is_markdown():
    assert table(("a", "b"), [(1, None)]) == "| a | b |\n| --- | --- |\n| 1 |  |"


def test_the_smallest_of_each_side_is_compared():
    rows = [row("codesign", 90), row("codesign", 95), row("da4ml", 100), row("alkaid", 101), row("plain", 120)]
    assert compared(rows) == [(5.0, 100, 90), (4.0, 100, 90), (4.0, 101, 90)]


def test_what_is_slower_or_later_than_the_peer_does_not_count():
    rows = [row("codesign", 70, path_ns=4.1), row("codesign", 80, cycles=5), row("codesign", 90), row("da4ml", 100)]
    assert compared(rows) == [(5.0, 100, 70), (4.0, 100, 90)]
    assert compared(rows[:2] + rows[3:]) == [(5.0, 100, 70), (4.0, 100, None)]


def test_a_peer_that_misses_the_clock_does_not_count():
    rows = [row("codesign", 90), row("da4ml", 50, path_ns=6.0), row("alkaid", 100)]
    assert compared(rows) == [(5.0, 100, 90), (6.0, 50, 90), (4.0, 100, 90)]


def test_every_peer_has_its_own_clock():
    rows = [row("da4ml", 100), row("alkaid", 60, path_ns=9.0, option=1000.0), row("codesign", 50, path_ns=8.0)]
    assert compared(rows) == [(5.0, 100, None), (4.0, 100, None), (9.0, 60, 50)]


def test_roundings_do_not_mix():
    cases = by_case([row("codesign", 90), row("da4ml", 100, rounding="half_even")])
    assert [len(here) for here in cases.values()] == [1, 1]


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
    for words in ("da4ml, cutoff 3", "da4ml 1.0", "| 90 | 0.90 |", "did not end in 900 s"):
        assert words in text
    assert "did not end" not in side_by_side([row("da4ml", 100)])


def test_this_flow_is_planned_for_every_clock_that_is_compared():
    rows = [row("da4ml", 100, path_ns=3.456), row("alkaid", 110, path_ns=2.0)]
    planned = [(point.option, point.cycles) for point in own_points(rows, {rows[0].case})]
    assert planned == [(5.0, 4), (3.45, 4), (4.14, 4), (4.83, 4), (2.0, 4), (2.4, 4), (2.8, 4)]
    assert list(own_points(rows, set())) == []
