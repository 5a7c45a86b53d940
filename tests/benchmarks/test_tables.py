from dataclasses import replace

import pytest

from benchmarks.generate import Point
from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.simulate import Simulation
from benchmarks.synthesis import Asic, Fpga
from benchmarks.tables import ratio, side_by_side, table


def row(flow: str, luts: int | None, rounding: str = "half_up", triplicated: bool = False) -> Row:
    point = Point("net", rounding, flow, 3, triplicated)
    fpga = None if luts is None else Fpga(luts, 10, 2, 1.5)
    return Row(point, "abc", {flow: "1.0"}, 4, 0.5, 80, 1000, fpga=fpga)


def luts(one: Row) -> float | None:
    return one.fpga.luts if one.fpga else None


def test_a_table_is_markdown():
    assert table(("a", "b"), [(1, None)]) == "| a | b |\n| --- | --- |\n| 1 |  |"


def test_the_ratio_is_over_the_best_peer_of_the_same_case():
    rows = [row("codesign", 90), row("da4ml", 100), row("plain", 120), row("alkaid", 45, rounding="half_even")]
    rows += [row("alkaid", 30, triplicated=True), row("alkaid", None)]
    assert [ratio(one, rows, luts) for one in rows] == ["0.90", "1.00", "1.20", "1.00", "1.00", ""]
    assert ratio(rows[0], rows[:1], luts) == ""


def test_rows_survive_a_file(tmp_path):
    full = replace(
        row("da4ml", 100),
        simulation=Simulation(500, 8.0, 1000),
        asic={"nangate45": Asic(8.0, 10, 2, 3.0)},
        unfinished={"sky130hd": 900.0},
    )
    rows = [full, row("alkaid", None)]
    write_rows(tmp_path / "rows.json", rows)
    assert read_rows(tmp_path / "rows.json") == {one.point: one for one in rows}
    assert read_rows(tmp_path / "none.json") == {}


def test_what_did_not_end_is_said():
    stopped = replace(row("plain", None), unfinished={"xcup": 900.0})
    assert "did not end in 900 s" in side_by_side([stopped, row("da4ml", 100)])
    assert "did not end" not in side_by_side([row("da4ml", 100)])


@pytest.mark.parametrize("word", ["da4ml 1.0", "| net | half_up | da4ml cutoff 3 |", "| 100 | 1.00 |"])
def test_the_tables_name_flow_version_and_count(word):
    assert word in side_by_side([row("da4ml", 100)])
