"""Small liberty files that differ in what libraries differ in: units, spelling, storage, power tables, odd cells."""

TIMING = """timing () { related_pin : "{pin}"; timing_sense : {sense}; {extra}
      cell_rise (scalar) { values ("0.1"); } rise_transition (scalar) { values ("0.05"); }
      cell_fall (scalar) { values ("0.1"); } fall_transition (scalar) { values ("0.05"); } }"""

CHECK = """timing () { related_pin : "CK"; timing_type : {kind}_rising;
      rise_constraint (scalar) { values ("0.1"); } fall_constraint (scalar) { values ("0.1"); } } """


def timing(pin, sense="negative_unate", extra=""):
    return TIMING.replace("{pin}", pin).replace("{sense}", sense).replace("{extra}", extra)


def gate(name, area, function, inputs, load="0.002", head="", output="", each_input=""):
    pins = "".join(f"pin ({pin}) {{ direction : input; capacitance : {load}; }}\n    " for pin in inputs)
    arcs = "".join(timing(pin) + each_input.replace("{pin}", pin) for pin in inputs)
    body = f'pin (Y) {{ direction : output; function : "{function}"; {output} {arcs} }}'
    return f"  cell ({name}) {{ area : {area}; {head}\n    {pins}{body} }}\n"


def flip_flop(name="DFF", area=8, load="0.002", clock="CK", more="", pins=""):
    checks = "".join(CHECK.replace("{kind}", kind) for kind in ("setup", "hold"))
    edge = timing("CK", "non_unate", "timing_type : rising_edge;")
    return f"""  cell ({name}) {{ area : {area};
    ff (IQ, IQN) {{ next_state : "D"; clocked_on : "{clock}"; {more} }}
    pin (D) {{ direction : input; capacitance : {load}; {checks} }} {pins}
    pin (CK) {{ direction : input; clock : true; capacitance : {load}; }}
    pin (Q) {{ direction : output; function : "IQ"; {edge} }} }}
"""


def gates(load="0.002", each_input=""):
    kinds = (
        ("INV", 1, "!A", "A"),
        ("BUF", 1.5, "A", "A"),
        ("NAND2", 2, "!(A & B)", "AB"),
        ("NOR2", 2.5, "!(A | B)", "AB"),
    )
    return "".join(gate(*kind, load, each_input=each_input) for kind in kinds)


HEAD = """time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA"; pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1nW"; capacitive_load_unit (1, pf); nom_voltage : 1.0; delay_model : table_lookup;"""


def library(cells, head=HEAD, name="zoo"):
    return f"library ({name}) {{\n  {head}\n{cells}}}\n"


RESETTABLE = "pin (RN) { direction : input; capacitance : 0.002; }"
ODD = """
  cell (MACRO) { area : 900; pin (A) { direction : input; } pin (Y) { direction : output; } }
  cell (FILL) { area : 1; }
  cell (NOAREA) { pin (A) { direction : input; } pin (Y) { direction : output; function : "!A"; } }
  cell (TBUF) { area : 0.1; pin (A) { direction : input; } pin (E) { direction : input; }
    pin (Y) { direction : output; function : "!A"; three_state : "!E"; } }
  cell (LATCH) { area : 0.1; latch (IQ, IQN) { enable : "G"; data_in : "D"; } pin (D) { direction : input; }
    pin (G) { direction : input; } pin (Q) { direction : output; function : "IQ"; } }
  cell (CKGATE) { area : 0.1; clock_gating_integrated_cell : "latch_posedge"; statetable ("E CK", "IQ") {
      table : "L L : - : L, H L : - : H, - H : - : N"; }
    pin (IQ) { direction : internal; internal_node : "IQ"; } pin (E) { direction : input; }
    pin (CK) { direction : input; clock : true; } pin (Y) { direction : output; state_function : "IQ CK"; } }
  cell (DFF2) { area : 0.1; ff_bank (IQ, IQN, 2) { next_state : "D"; clocked_on : "CK"; }
    bus (D) { bus_type : pair; direction : input; capacitance : 0.004; pin (D[0]) { } pin (D[1]) { } }
    bus (Q) { bus_type : pair; direction : output; function : "IQ"; }
    pin (CK) { direction : input; clock : true; } }
  cell (BUNDLED) { area : 0.1; bundle (A) { members (A0, A1); direction : input; capacitance : 0.001; }
    pin (Y) { direction : output; function : "A0 A1"; } }
  cell (CHEAPINV) { area : 0.01; dont_use : TRUE; pin (A) { direction : input; }
    pin (Y) { direction : output; function : "!A"; } }
  cell (PAD) { area : 0.1; pin (P) { direction : inout; } pin (A) { direction : input; }
    pin (Y) { direction : output; function : "!A"; } }
"""
PAIR = "type (pair) { base_type : array; data_type : bit; bit_width : 2; bit_from : 1; bit_to : 0; downto : true; }\n"
SCAN = """  cell (SDFF) { area : 9; ff (IQ, IQN) { next_state : "(SE*SI) + (SE'*D)"; clocked_on : "CK"; }
    test_cell () { ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; } pin (D) { direction : input; } }
    pin (D) { direction : input; nextstate_type : data; } pin (SI) { direction : input; }
    pin (SE) { direction : input; } pin (CK) { direction : input; clock : true; }
    pin (Q) { direction : output; function : "IQ"; } pin (QN) { direction : output; function : "IQN"; } }
"""
# Templates that give the points themselves, one axis, three axes, an axis that is neither slew nor load.
TEMPLATES = """
  power_lut_template (points) { variable_1 : total_output_net_capacitance; variable_2 : input_transition_time;
    index_1 ("0.0, 0.01"); index_2 ("0.0, 1.0, 2.0"); }
  power_lut_template (line) { variable_1 : total_output_net_capacitance; index_1 ("0, 1"); }
  power_lut_template (cube) { variable_1 : input_transition_time; variable_2 : total_output_net_capacitance;
    variable_3 : equal_or_opposite_output_net_capacitance; }
"""
POWER = """internal_power () { related_pin : "A, B"; related_pg_pin : VDD;
      rise_power (points) { values ("0, 1, 2", "10, 11, 12"); }
      fall_power (line) { index_1 ("0.0, 0.01"); values ("0.0, 4.0"); } }
    internal_power () { related_pin : "A B"; related_pg_pin : VSS; power (scalar) { values ("1.0"); } }"""
CUBE = """internal_power () { related_pin : "A";
      power (cube) { index_1 ("0, 1"); index_2 ("0, 0.01"); index_3 ("0, 1"); values ("1, 9, 2, 9, 3, 9, 4, 9"); } }"""

PLAIN = library(gates() + flip_flop())
UNITS = library(
    gates("2") + flip_flop(load="2"),
    'time_unit : 10ps; voltage_unit : "100mV"; leakage_power_unit : 1uW; capacitive_load_unit (1.0, "ff");\n'
    "  operating_conditions (typical) { process : 1; temperature : 25; voltage : 12; }",
)
SPELLING = (
    library(gates() + flip_flop(), HEAD.replace("1V", "1 V"), '"zoo"')
    .replace("area : 2;", "area \\\n : \\\n 2 ; // two")
    .replace("cell (NAND2)", 'cell ( "NAND2" )')
    .replace('"!(A & B)"', '"(A B)\'" /* and " not */')
    .replace('time_unit : "1ns"; ', 'time_unit : "1ns"\n  comment : ;\n  define (my_attribute, cell, string);\n  ')
    .replace("direction : input;", 'direction : "input";')
)
ODD_CELLS = library(PAIR + gates() + ODD + SCAN + flip_flop(more='clear : "!RN"; preset : "0";', pins=RESETTABLE)
                    .replace("cell (DFF)", "cell (DFFR)") + flip_flop())  # fmt: skip
NOR_ONLY = library(
    gate("INV", 1, "!A", "A") + gate("NOR2", 2, "A' B'", "AB") + gate("BUF", 1.5, "A", "A") + flip_flop()
)
TABLES = library(
    TEMPLATES
    + gate("INV", 1, "!A", "A", output=CUBE)
    + gate("BUF", 1.5, "A", "A")
    + gate("NAND2", 2, "!(A & B)", "AB", output=POWER)
    + flip_flop()
)
FALLING = library(gates() + flip_flop("DFFN", clock="!CK"))
ZOO = {
    "plain": PLAIN, "units": UNITS, "spelling": SPELLING, "odd_cells": ODD_CELLS, "nor_only": NOR_ONLY,
    "tables": TABLES, "falling": FALLING,
}  # fmt: skip
