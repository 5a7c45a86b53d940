"""Constraint files: golden texts, and what the Tcl ones do when a tool's commands are played by others."""

import shutil
from pathlib import Path

import pytest

from codesign.errors import BadInputError
from codesign.flows.tmr_constraints import WRITERS, describe, write_constraints

tkinter = pytest.importorskip("tkinter")
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "constraints"
MANIFEST = {"top": "net", "sources": ["majority_voter.v", "tmr_register.v", "tmr_register_full.v", "net.v"]}


@pytest.mark.parametrize("name", list(WRITERS))
def test_files_equal_golden_ones(name, refresh_golden, tmp_path):
    write_constraints(describe(MANIFEST, 15.0), tmp_path)
    if refresh_golden:
        GOLDEN.mkdir(exist_ok=True)
        shutil.copyfile(tmp_path / name, GOLDEN / name)
    assert (tmp_path / name).read_text() == (GOLDEN / name).read_text()


def played(text, commands):
    """Run `text` in a Tcl interpreter with `commands`, name -> Tcl body over args; return what `said` got."""
    tcl = tkinter.Tcl()
    tcl.eval("set said {}; proc say {args} { lappend ::said $args }")
    for name, body in commands.items():
        tcl.eval(f"proc {name} {{args}} {{{body}}}")
    tcl.eval(text)
    return [tcl.splitlist(one) for one in tcl.splitlist(tcl.eval("set said"))]


INNOVUS = {
    "get_db": 'if {[lindex $args end] eq ".name"} { return [lindex $args 0] }; '
    "return [lsearch -all -inline -regexp {u/r/qA_reg[0] u/r/qB_reg[0] u/r/qC_reg[0] copyA_reg} [lindex $args 2]]",
    "set_db": "",
    "set_dont_touch": "say dont_touch [lindex $args 0]",
    "create_inst_space_group": "say {*}$args",
}


def test_innovus_groups_the_copies_of_a_bit_at_the_spacing_asked_for():
    said = played(WRITERS["innovus.tcl"](describe(MANIFEST, 15.0)), INNOVUS)
    groups = [one for one in said if one[0] == "-group_name"]
    copies = [tkinter.Tcl().splitlist(one[3]) for one in groups]
    assert copies == [tuple(f"u/r/q{c}_reg[0]" for c in "ABC"), tuple(f"copy{c}_reg" for c in "ABC")]
    assert all(one[4:] == ("-spacing_x", "15", "-spacing_y", "15") for one in groups)
    assert len([one for one in said if one[0] == "dont_touch"]) == 6


def test_without_a_spacing_no_distance_is_invented():
    said = played(WRITERS["innovus.tcl"](describe(MANIFEST, None)), INNOVUS)
    assert {one[0] for one in said} == {"dont_touch"}
    assert not any("15" in writer(describe(MANIFEST, None)) for writer in WRITERS.values())


def test_openroad_finds_the_copies_of_a_bit():
    commands = {
        "get_cells": r"return [lsearch -all -inline -regexp {u.r.qA[0]_dff qAB u.qB[0]} ^[lindex $args 1]\$]",
        "get_full_name": "return [lindex $args 0]",
        "set_dont_touch": "say [lindex $args 0]",
    }
    said = played(WRITERS["openroad.tcl"](describe(MANIFEST, 2.5)), commands)
    assert [one[0] for one in said] == ["u.r.qA[0]_dff", "u.r.qB[0]_dff", "u.r.qC[0]_dff"]


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_file_is_complete_tcl(name):
    tcl = tkinter.Tcl()
    tcl.call("set", "text", WRITERS[name](describe(MANIFEST, 1.0)))
    assert tcl.eval("info complete $text") == "1"


@pytest.mark.parametrize("spacing_um", [0.0, -1.0, float("nan"), float("inf")])
def test_a_spacing_that_is_none_is_refused(spacing_um):
    with pytest.raises(BadInputError, match="copy spacing must be"):
        describe(MANIFEST, spacing_um)
