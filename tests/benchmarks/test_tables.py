from dataclasses import replace

from benchmarks.generate import Point
from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.simulate import Simulation
from benchmarks.synthesis import Asic, Fpga
from benchmarks.tables import pairs, results, side_by_side, table


def row(flow: str, luts: int, path_ns: float = 4.0, cycles: int = 4, rounding: str = "half_up") -> Row:
    point = Point("net", "lut", rounding, False, flow, luts)
    return Row(point, "abc", {flow: "1.0"}, cycles, 0.5, 80, 1000, fpga=Fpga(luts, 10, 2, path_ns, 1.5))


def compared(rows: list[Row], clock_ns: float | None) -> list[tuple[float, float | None]]:
    return [(peer.area, own and own.area) for peer, own in pairs(results(rows), clock_ns)]


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
        asic={"nangate45": Asic(8.0, 10, 2, None, 3.0)},
        unfinished={"sky130hd": 900.0},
    )
    rows = [full, replace(row("alkaid", 1), fpga=None)]
    write_rows(tmp_path / "rows.json", rows)
    assert read_rows(tmp_path / "rows.json") == {one.point: one for one in rows}
    assert read_rows(tmp_path / "none.json") == {}


def test_the_text_names_flow_version_ratio_and_what_did_not_end():
    stopped = replace(row("plain", 1), fpga=None, unfinished={"xcup": 900.0})
    text = side_by_side([row("codesign", 90), row("da4ml", 100), stopped])
    for words in ("da4ml, cutoff 100", "da4ml 1.0", "| 90 | 0.90 |", "xcup did not end in 900 s"):
        assert words in text
    assert "did not end" not in side_by_side([row("da4ml", 100)])
