"""Rows of inverters between two registers, in a real library (NanGate45)."""

import shutil

import pytest

from codesign.errors import ToolFailedError, ToolMissingError
from codesign.flows.liberty_text import read_text
from codesign.flows.opensta import opensta_timing, read_report

needs_sta = pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA is not installed: apt install opensta")


def netlist(inverters, start="q"):
    """A register, inverters in a row from `start`, a register."""
    lines = ["module top(clk, rst, d, y);", "  input clk, rst, d; output y;"]
    lines += [f"  wire n{k};" for k in range(inverters)] + ["  wire q;"]
    lines += ["  DFF_X1 first (.CK(clk), .D(d), .Q(q));", f"  INV_X1 i0 (.A({start}), .ZN(n0));"]
    lines += [f"  INV_X1 i{k} (.A(n{k - 1}), .ZN(n{k}));" for k in range(1, inverters)]
    return "\n".join([*lines, f"  DFF_X1 last (.CK(clk), .D(n{inverters - 1}), .Q(y));", "endmodule", ""])


@pytest.fixture(scope="module")
def library(liberty_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("liberty") / "nangate45.lib"
    path.write_text(read_text(liberty_dir / "nangate45_typ.lib.gz"))
    return path


@pytest.fixture
def timed(tmp_path, library):
    def time(text, cells, launch_ns=0.0):
        (tmp_path / "top.v").write_text(text)
        return opensta_timing(tmp_path / "top.v", "top", library, cell_count=cells, launch_ns=launch_ns)

    return time


@needs_sta
def test_a_path_is_launch_every_cell_on_the_way_and_setup(timed):
    timing = timed(netlist(6), 8)
    assert [step.cell for step in timing.path] == ["DFF_X1", *["INV_X1"] * 6, "DFF_X1"]
    assert [step.instance for step in timing.path] == ["first", *(f"i{k}" for k in range(6)), "last"]
    arrivals = [sum(step.delay_ns for step in timing.path[: k + 1]) for k in range(len(timing.path))]
    assert [step.arrival_ns for step in timing.path] == pytest.approx(arrivals, abs=1e-3)
    setup = timing.critical_path_ns - timing.path[-1].arrival_ns
    assert 0.02 < setup < 0.06  # the table of the library: 0.016 to 0.040 ns for fast data
    assert timing.slack_ns(1.0) == pytest.approx(1.0 - timing.critical_path_ns)
    assert "critical path" in timing.text()


@needs_sta
def test_two_more_inverters_of_equal_load_cost_as_much_as_two_others(timed):
    six, eight, ten = (timed(netlist(n), n + 2).critical_path_ns for n in (6, 8, 10))
    assert eight - six == pytest.approx(ten - eight, abs=2e-3)
    assert eight - six > 0.005


@needs_sta
def test_inputs_are_launched_outside_and_the_reset_is_not_timed(timed):
    early, late = (timed(netlist(5, "d"), 7, launch).critical_path_ns for launch in (0.0, 0.75))
    assert late - early == pytest.approx(0.75)
    assert timed(netlist(40, "rst"), 42).critical_path_ns < timed(netlist(5, "d"), 7).critical_path_ns


@needs_sta
def test_a_partial_netlist_is_caught(timed):
    """Negative control: OpenSTA 2019 reports an error on a concatenated left-hand side and goes on without it."""
    with pytest.raises(ToolFailedError, match=r"OpenSTA (read \d of 4 cells|failed)"):
        timed(netlist(2).replace(".ZN(n1)", ".ZN({n1"), 4)
    with pytest.raises(ToolFailedError, match="OpenSTA read 4 of 5 cells: no error was reported"):
        timed(netlist(2), 5)


def test_a_report_without_a_path_is_an_error():
    with pytest.raises(ToolFailedError, match="found no path to a register: no error was reported"):
        read_report("cells 3\nNo paths found.\n", 3)


def test_a_missing_tool_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissingError, match="apt install opensta"):
        opensta_timing(tmp_path / "top.v", "top", tmp_path / "a.lib", cell_count=1, launch_ns=0.0)
