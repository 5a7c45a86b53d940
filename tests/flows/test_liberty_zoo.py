"""Libraries that differ in what libraries differ in, each taken to an area; broken ones refused in one line."""

import gzip

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.flows.liberty import read_liberty, require_mappable, smallest_nand2, unusable_cells
from codesign.flows.yosys import synthesise_asic
from tests.flows.liberty_zoo import ODD_CELLS, PLAIN, TABLES, UNITS, ZOO, flip_flop, gate, gates, library


def read(tmp_path, text):
    path = tmp_path / "zoo.lib"
    path.write_text(text)
    return read_liberty(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_every_library_is_mapped_to_and_the_area_is_that_of_its_cells(make_rtl, build_cache, tmp_path, name):
    path = tmp_path / f"{name}.lib"
    path.write_text(ZOO[name])
    result = synthesise_asic(make_rtl(), path, build_cache, clock_ns=25.0)
    cells = read_liberty(path).cells
    assert result.area_um2 == pytest.approx(sum(cells[kind].area_um2 * count for kind, count in result.cells.items()))
    assert result.flip_flop_bits == 81
    assert not set(result.cells) & set(unusable_cells(read_liberty(path)))
    if name == "nor_only":
        assert result.nand2_equivalents is None
        assert "no 2-input NAND" in result.method
    else:
        assert result.nand2_equivalents == pytest.approx(result.area_um2 / 2)
        assert "NAND2 equivalent = NAND2, 2 um2" in result.method
    assert result.netlist_verilog.is_file()


def test_cells_that_logic_cannot_be_mapped_to_are_read_and_marked(tmp_path):
    library = read(tmp_path, ODD_CELLS)
    unusable = ("BUNDLED", "CHEAPINV", "CKGATE", "DFF2", "FILL", "LATCH", "MACRO", "NOAREA", "PAD", "TBUF")
    assert unusable_cells(library) == unusable
    assert library.cells["DFF2"].pins["D[1]"].capacitance_ff == pytest.approx(4.0)
    assert library.cells["BUNDLED"].pins["A1"].direction == "input"
    assert set(library.cells["SDFF"].flip_flop.next_state.variables) == {"SE", "SI", "D"}
    assert library.cells["DFFR"].flip_flop.clear.variables == ("RN",)


def test_units_are_those_of_the_library(tmp_path):
    """The same cells in fF, 10 ps and 100 mV; the supply comes from the only operating conditions."""
    plain, units = read(tmp_path, PLAIN), read(tmp_path, UNITS)
    assert units.cells["NAND2"].pins["A"] == plain.cells["NAND2"].pins["A"]
    assert units.voltage_v == pytest.approx(1.2)


def test_points_may_stand_in_the_template_and_supplies_add_up(tmp_path):
    first, second = read(tmp_path, TABLES).cells["NAND2"].pins["Y"].power
    assert first.rise.at(0.5, np.array([5.0, 10.0])).tolist() == pytest.approx([5500.0, 10500.0])
    assert first.fall.at(0.0, np.array([5.0])).tolist() == pytest.approx([2000.0])
    assert (first.related_pins, first.supply, second.supply) == (("A", "B"), "VDD", "VSS")
    assert second.rise.at(9.0, np.array([1.0])).tolist() == [1000.0]


def test_a_third_axis_is_read_at_its_first_point(tmp_path):
    (arc,) = read(tmp_path, TABLES).cells["INV"].pins["Y"].power
    assert arc.rise.at(1.0, np.array([0.0, 10.0])).tolist() == pytest.approx([3000.0, 4000.0])


@pytest.mark.parametrize(
    ("states", "leakage_nw"),
    [
        ('leakage_power () { when : "A & B"; value : 8; } leakage_power () { value : 4; }', 5.0),
        ('leakage_power () { when : "A"; value : 2; } leakage_power () { when : "!A"; value : 4; }', 3.0),
        (
            "leakage_power () { related_pg_pin : VDD; value : 2; } leakage_power () { related_pg_pin : X; value : 1; }",
            3.0,
        ),
        ("cell_leakage_power : 7; leakage_power () { value : 2; }", 7.0),
        ("", 0.0),
    ],
)
def test_leakage_is_the_mean_over_the_states_summed_over_the_supplies(tmp_path, states, leakage_nw):
    text = library(gate("NAND2", 2, "!(A & B)", "AB", head=states) + flip_flop())
    assert read(tmp_path, text).cells["NAND2"].leakage_nw == pytest.approx(leakage_nw)


def test_included_files_stand_in_their_places(tmp_path):
    (tmp_path / "cells.inc").write_text(gates())
    (tmp_path / "flip_flops.inc.gz").write_bytes(gzip.compress(flip_flop().encode()))
    # What a comment names is not included.
    text = library('  include_file (cells.inc);\n  include_file ("flip_flops.inc.gz")\n /* include_file (absent) */\n')
    assert read(tmp_path, text) == read(tmp_path, PLAIN)
    with pytest.raises(BadInputError, match=r"cannot read the liberty file .*absent\.inc"):
        read(tmp_path, library("include_file (absent.inc);"))
    with pytest.raises(BadInputError, match=r"zoo\.lib includes itself: remove its include_file"):
        read(tmp_path, library("include_file (zoo.lib);"))


def test_letters_of_another_encoding_in_comments_are_no_obstacle(tmp_path):
    path = tmp_path / "latin.lib"
    path.write_bytes(PLAIN.replace("library", "/* area in \xb5m\xb2 */ library", 1).encode("latin-1"))
    assert read_liberty(path) == read(tmp_path, PLAIN)


BROKEN = {
    "twice": (PLAIN.replace("cell (NOR2)", "cell (NAND2)"), r"zoo\.lib: cell NAND2 is defined twice: remove"),
    "number": (PLAIN.replace("area : 2.5", "area : many"), r"zoo\.lib: cell NOR2: area of cell is 'many'"),
    "negative": (PLAIN.replace("area : 2.5", "area : -2"), r"zoo\.lib: cell NOR2: its area is -2, below zero: correct"),
    "function": (PLAIN.replace("!(A | B)", "A |"), r"zoo\.lib: cell NOR2: pin Y: 'A \|' is not a liberty boolean"),
    "values": (TABLES.replace('"10, 11, 12"', '"10, 11"'), r"cell NAND2: pin Y: rise_power\(points\) has 5 values"),
    "unit": (PLAIN.replace("(1, pf)", "(1, pints)"), r"zoo\.lib: '1pints' is no liberty unit in f: check the units"),
    "zero": (PLAIN.replace("(1, pf)", "(0, pf)"), r"zoo\.lib: '0pf' is no liberty unit in f: it must be above zero"),
    "areas": (PLAIN.replace("area :", "old_area :"), r"zoo\.lib: no cell states an area above zero"),
    "nameless": (PLAIN.replace("cell (NOR2)", "cell ()"), r"cell without a name: a group cell\(\) has no name"),
    "syntax": (PLAIN.replace("cell (NOR2) {", "cell (NOR2)"), r"zoo\.lib is not a whole liberty file: syntax error at"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_one_line_with_file_cell_and_remedy(tmp_path, name):
    text, message = BROKEN[name]
    with pytest.raises(BadInputError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (gates(), r"x\.lib: library zoo has no cell that may be used as a D flip-flop \(0 of 4 cells"),
        (flip_flop(), "as an inverter or a buffer or a 2-input NAND or NOR"),
        (gate("INV", 1, "!A", "A", head="dont_use : true;") + flip_flop(), r"as an inverter or .* \(1 of 2 cells"),
    ],
)
def test_a_library_that_cannot_build_everything_is_refused_before_synthesis(tmp_path, cells, message):
    with pytest.raises(BadInputError, match=message):
        require_mappable(read(tmp_path, library(cells)), "x.lib")


def test_the_nand_must_be_one_that_logic_may_use(tmp_path):
    cheap = gate("CHEAP", 0.5, "!(A & B)", "AB", head="dont_use : true;")
    assert smallest_nand2(read(tmp_path, library(gates() + cheap + flip_flop()))).name == "NAND2"
