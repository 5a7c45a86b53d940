import gzip
import time

import numpy as np
import pytest

from codesign.errors import BadInputError
from codesign.flows.liberty import read_liberty, smallest_nand2, unusable_cells

SMALL = """\
/* a comment with "quotes" and { braces */
library (tiny) {
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  nom_voltage : 1.0;
  default_input_pin_cap : 0.003;
  power_lut_template (load_first) { variable_1 : total_output_net_capacitance; variable_2 : input_transition_time; }
  power_lut_template (slew_only) { variable_1 : input_transition_time; }
  cell (NAND2) {
    area : 2.5;
    cell_leakage_power : 4;
    pin (A, B) { direction : input; capacitance : 0.002; }
    pin (Y) { direction : output; function : "(A B)'";
      timing () { related_pin : "A"; cell_rise (scalar) { values ("1.0"); } }
      internal_power () { related_pin : "A B";
        rise_power (load_first) { index_1 ("0.0, 0.01"); index_2 ("0.0, 1.0, 2.0");
          values ("0.0, 1.0, 2.0", \\
                  "10.0, 11.0, 12.0"); }
        fall_power (slew_only) { index_1 ("0.0, 1.0"); values ("0.0, 4.0"); }
      } } }
  cell (BIG_NAND) { area : 9; pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "!A | !B"; } }
  cell (AND2) { area : 1; pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "A & B"; } }
  cell (DFF) { area : 8; ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; clear : "!RN"; }
    leakage_power () { when : "D"; value : 2; } leakage_power () { when : "!D"; value : 4; }
    pin (D) { direction : input; } pin (CK) { direction : input; clock : true; } pin (RN) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; } }
  cell (GATE) { area : 3; statetable ("E CK", "IQ") { table : "L L : - : L"; } }
  cell (my_lpflow_cell) { area : 1; }
}
"""


def write(tmp_path, text):
    path = tmp_path / "tiny.lib"
    path.write_text(text)
    return path


def test_numbers_are_read_in_their_units(tmp_path):
    library = read_liberty(write(tmp_path, SMALL))
    nand = library.cells["NAND2"]
    assert (library.voltage_v, nand.area_um2, nand.leakage_nw) == (1.0, 2.5, 4.0)
    assert nand.inputs == ("A", "B")
    assert nand.pins["A"].capacitance_ff == pytest.approx(2.0)
    assert library.cells["AND2"].pins["A"].capacitance_ff == pytest.approx(3.0)
    assert library.cells["DFF"].leakage_nw == 3.0


def test_energy_tables_follow_their_template_and_are_clamped(tmp_path):
    (arc,) = read_liberty(write(tmp_path, SMALL)).cells["NAND2"].pins["Y"].power
    # 1 pF V^2 is 1000 fJ; load 5 fF is half way between the rows, slew 0.5 ns between the columns.
    assert arc.rise.at(0.5, np.array([5.0, 10.0, 99.0])).tolist() == pytest.approx([5500.0, 10500.0, 10500.0])
    assert arc.fall.at(0.25, np.array([1.0, 50.0])).tolist() == pytest.approx([1000.0, 1000.0])
    assert arc.related_pins == ("A", "B")


def test_smallest_nand_is_found_by_its_function_not_its_name(tmp_path):
    assert smallest_nand2(read_liberty(write(tmp_path, SMALL))).name == "NAND2"
    without = SMALL.replace("(A B)'", "A B").replace("!A | !B", "A | B")
    assert smallest_nand2(read_liberty(write(tmp_path, without))) is None


def test_flip_flops_and_cells_that_are_no_logic_are_told_apart(tmp_path):
    library = read_liberty(write(tmp_path, SMALL))
    flip_flop = library.cells["DFF"].flip_flop
    assert flip_flop is not None
    assert (flip_flop.state, flip_flop.next_state.name, flip_flop.clocked_on.name) == ("IQ", "D", "CK")
    assert unusable_cells(library) == ("GATE", "my_lpflow_cell")


def test_compressed_file_gives_the_same_library(tmp_path):
    packed = tmp_path / "tiny.lib.gz"
    packed.write_bytes(gzip.compress(SMALL.encode()))
    assert read_liberty(packed) == read_liberty(write(tmp_path, SMALL))


@pytest.mark.parametrize("end", [100, 400, len(SMALL) - 3])
def test_truncated_file_is_one_line_with_its_name(tmp_path, end):
    with pytest.raises(BadInputError, match=r"tiny\.lib is not a whole liberty file") as caught:
        read_liberty(write(tmp_path, SMALL[:end]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("area : 2.5", "area : big"), "'big' in the liberty file, not a number"),
        (("1ns", "1 parsec"), "no liberty unit"),
        (("(A B)'", "A &"), "not a liberty boolean function"),
        (('"0.0, 4.0"', '"0.0"'), "does not fit its axes"),
        (("library (tiny)", "design (tiny)"), "no library with cells"),
    ],
)
def test_wrong_content_is_named(tmp_path, change, message):
    with pytest.raises(BadInputError, match=message):
        read_liberty(write(tmp_path, SMALL.replace(*change)))


def test_file_that_is_missing_damaged_or_no_text_is_named(tmp_path):
    with pytest.raises(BadInputError, match="cannot read the liberty file"):
        read_liberty(tmp_path / "absent.lib")
    damaged = tmp_path / "damaged.lib.gz"
    damaged.write_bytes(gzip.compress(SMALL.encode())[:-20])
    with pytest.raises(BadInputError, match="truncated gzip"):
        read_liberty(damaged)
    binary = tmp_path / "binary.lib"
    binary.write_bytes(bytes(range(128, 256)))
    with pytest.raises(BadInputError, match="not a text file"):
        read_liberty(binary)


@pytest.mark.parametrize(
    ("name", "cells", "nand2_um2", "voltage_v"),
    [
        ("nangate45_typ.lib.gz", 134, 0.798, 1.1),
        ("sky130hd_tt.lib.gz", 428, 3.7536, 1.8),
        ("sg13g2_stdcell_typ_1p20V_25C.lib.gz", 84, 7.2576, 1.2),
    ],
)
def test_foundry_libraries_are_read_within_seconds(liberty_dir, name, cells, nand2_um2, voltage_v):
    started = time.monotonic()
    library = read_liberty(liberty_dir / name)
    assert (len(library.cells), library.voltage_v) == (cells, voltage_v)
    assert smallest_nand2(library).area_um2 == pytest.approx(nand2_um2)
    assert any(cell.flip_flop for cell in library.cells.values())
    # Generous: it takes 2 s; a grammar that backtracks takes minutes.
    assert time.monotonic() - started < 30
