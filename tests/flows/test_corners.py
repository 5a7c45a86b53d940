"""Static timing of one netlist in corners: libraries whose delays are multiples of one another."""

import re
import shutil

import pytest

from codesign.errors import BadInputError, ToolFailedError
from codesign.flows import corners
from codesign.flows.corners import check_corners, time_corners
from codesign.flows.rtl_input import read_rtl
from codesign.flows.yosys import synthesise_asic
from tests.flows.liberty_zoo import PLAIN

needs_sta = pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA is not installed: apt install opensta")
# Delays of 0.1 ns a cell.
SLOW = re.sub(r'\("0\.1"\)', '("0.25")', PLAIN)
IN_PS = PLAIN.replace("1ns", "1ps").replace('("0.1")', '("100")').replace('("0.05")', '("50")')


@pytest.fixture
def mapped(make_rtl, build_cache, tmp_path):
    """The mac, mapped to the plain library, and the files of three corners."""
    files = {}
    for name, text in {"typical": PLAIN, "slow": SLOW, "ps": IN_PS}.items():
        files[name] = tmp_path / f"{name}.lib"
        files[name].write_text(text)
    rtl = make_rtl()
    return synthesise_asic(rtl, files["typical"], build_cache, 25.0), read_rtl(rtl), files, build_cache


def value(part, name):
    return part.quantities[name].value


@needs_sta
def test_every_corner_is_timed_with_its_own_delays(mapped):
    asic, rtl, files, work = mapped
    typical, slow, ps = time_corners(asic, rtl, files, work, clock_ns=3.0)
    assert [part.name for part in (typical, slow, ps)] == ["typical", "slow", "ps"]
    # Cells, setup and hold of 0.1 ns: a path is a whole number of them, and 2.5 times as slow in the slow corner.
    steps = value(typical, "critical path") / 0.1
    assert steps == pytest.approx(round(steps)) and steps > 4
    assert value(slow, "critical path") == pytest.approx(2.5 * value(typical, "critical path"))
    assert value(typical, "setup slack") == pytest.approx(3.0 - value(typical, "critical path"))
    assert value(typical, "Fmax") == pytest.approx(1000 / value(typical, "critical path"))
    # The shortest way from a register to another one is its own launch and a gate or two, less the hold time.
    assert 0.0 <= value(typical, "hold slack") <= 0.3
    assert value(slow, "hold slack") == pytest.approx(2.5 * value(typical, "hold slack"))
    assert typical.method.startswith("OpenSTA ")


@needs_sta
def test_a_library_in_other_units_has_the_same_times(mapped):
    asic, rtl, files, work = mapped
    typical, _, ps = time_corners(asic, rtl, files, work, clock_ns=3.0)
    assert ps.quantities.keys() == typical.quantities.keys()
    for name in typical.quantities:
        assert value(ps, name) == pytest.approx(value(typical, name))


def test_without_opensta_abc_times_the_corner_that_was_mapped_to(mapped, monkeypatch):
    asic, rtl, files, work = mapped
    monkeypatch.setattr(corners, "opensta_installed", lambda: False)
    (only,) = time_corners(asic, rtl, files, work, clock_ns=3.0)
    assert only.name == "typical"
    assert "without launch, setup and wires" in only.method
    assert "OpenSTA is not installed" in only.method
    assert {quantity.kind for quantity in only.quantities.values()} == {"estimated"}
    steps = value(only, "critical path") / 0.1
    assert steps == pytest.approx(round(steps)) and steps > 3
    assert "hold slack" not in only.quantities


@needs_sta
def test_a_library_that_opensta_stops_at_is_timed_by_abc_and_says_so(mapped, tmp_path):
    asic, rtl, files, work = mapped
    bare = tmp_path / "bare.lib"
    bare.write_text(PLAIN.replace("cell (DFF)", "cell (DFFX)"))
    (only,) = time_corners(asic, rtl, {"bare": bare}, work, clock_ns=3.0)
    assert "OpenSTA failed: OpenSTA found no path" in only.method or "OpenSTA read" in only.method
    with pytest.raises(ToolFailedError, match="OpenSTA"):
        time_corners(asic, rtl, {"typical": files["typical"], "bare": bare}, work, clock_ns=3.0)


def test_a_corner_of_another_library_is_refused(mapped, tmp_path):
    _, _, files, _ = mapped
    check_corners(files, files["typical"])
    other = tmp_path / "other.lib"
    other.write_text(PLAIN.replace("(NOR2)", "(NOR2X1)"))
    with pytest.raises(BadInputError, match=r"corner hot: .*other\.lib lacks 1 cells of typical\.lib, NOR2 the first"):
        check_corners({"hot": other}, files["typical"])
