"""The check as users meet it: files, names, modes, exceptions; and netlists that were edited by hand."""

import copy
import json

import pytest

from codesign.cli import execute
from codesign.errors import BadInputError
from codesign.files import write_json
from codesign.flows import tmr_netlist
from codesign.flows.check_tmr import check_path, requirement_of
from codesign.flows.tmr_netlist import check_netlist
from codesign.flows.tmr_rules import Requirement

TOP = "top"
CLK, RST, D = 2, 3, 4
VOTED, NEXT, DIFFER = 30, 31, 32
STATES = {"A": 10, "B": 11, "C": 12}


def cell(kind, **pins):
    return {"type": kind, "connections": {pin: [net] for pin, net in pins.items()}, "parameters": {}, "attributes": {}}


def netlist(names=("u.q{}",)):
    """One bit in three copies: loads its vote xor an input; out is the vote, tmr_err says whether copies differ."""
    a, b, c = STATES.values()
    cells = {
        "and0": cell("$_AND_", A=a, B=b, Y=20),
        "or0": cell("$_OR_", A=a, B=b, Y=21),
        "mux0": cell("$_MUX_", A=20, B=21, S=c, Y=VOTED),
        "xor0": cell("$_XOR_", A=VOTED, B=D, Y=NEXT),
        "xor1": cell("$_XOR_", A=a, B=b, Y=22),
        "xor2": cell("$_XOR_", A=b, B=c, Y=23),
        "or1": cell("$_OR_", A=22, B=23, Y=DIFFER),
    }
    cells |= {f"ff{k}": cell("$_SDFF_PP0_", C=CLK, R=RST, D=NEXT, Q=q) for k, q in STATES.items()}
    ports = {name: {"direction": "input", "bits": [net]} for name, net in (("clk", CLK), ("rst", RST), ("d", D))}
    ports |= {name: {"direction": "output", "bits": [net]} for name, net in (("out", VOTED), ("tmr_err", DIFFER))}
    nets = {name.format(k): {"bits": [q]} for name in names for k, q in STATES.items()}
    return {"modules": {TOP: {"attributes": {"top": "1"}, "ports": ports, "cells": cells, "netnames": nets}}}


REGISTERS = Requirement("registers")


def check(tmp_path, content, requirement=REGISTERS):
    return check_netlist(write_json(tmp_path / "netlist.json", content), TOP, requirement)


def edited(edit):
    content = copy.deepcopy(netlist())
    edit(content["modules"][TOP])
    return content


def connect(name, pin, net):
    return lambda module: module["cells"][name]["connections"].update({pin: [net]})


@pytest.mark.parametrize(
    "names",
    [("u.q{}",), ("q{}",), ("u_reg{}.q",), ("a.q{}", "a.voter.in{}"), ("q{}[3]",), ("x.state_{}",)],
)
def test_copies_are_found_by_their_names(tmp_path, names):
    report = check(tmp_path, netlist(names))
    assert (report.protected_bits, report.levels, report.violations) == (1, {"registers": 1}, ())


@pytest.mark.parametrize(
    "name", ["$auto$maccmap.cc:114:fulladd$7.{}", "u.$auto$x.cc:1:y$2.{}", "$techmap$auto$a.cc:1:b.{}"]
)
def test_names_that_yosys_makes_up_are_no_names_of_copies(tmp_path, name):
    assert check(tmp_path, netlist((name,)), Requirement("none")).protected_bits == 0


EDITS = {
    "copies": (lambda m: m["netnames"]["u.qB"].update(bits=[10]), "copies A and B are one flip-flop"),
    "constant": (lambda m: m["netnames"]["u.qC"].update(bits=["0"]), "copy C is the constant 0"),
    "missing": (lambda m: m["netnames"].pop("u.qC"), "copy C is missing"),
    "no flip-flop": (lambda m: m["netnames"]["u.qC"].update(bits=[20]), "copy C is no flip-flop"),
    "unnamed": (lambda m: [m["netnames"].pop(f"u.q{k}") for k in "ABC"], "belongs to no triple"),
    "voter": (connect("mux0", "S", 10), "copy A alone changes output out"),
    "feedback": (connect("ffB", "D", 11), "another function"),
    "type": (lambda m: m["cells"]["ffC"].update(type="$_SDFF_PP1_"), "the data of copy C is another function"),
    "edge": (lambda m: m["cells"]["ffC"].update(type="$_SDFF_NP0_"), "the clock of copy C is another function"),
    "asynchronous": (lambda m: m["cells"]["ffA"].update(type="$_DFF_PP0_"), "the clear of copy B is another function"),
    "enable": (lambda m: [m["cells"][f"ff{k}"].update(
        type="$_DFFE_PP_", connections={"C": [CLK], "E": [RST], "D": [NEXT], "Q": [q]}) for k, q in STATES.items()],
        "feedback: copy A"),
    "power-up": (lambda m: [m["netnames"][f"u.q{k}"].update(attributes={"init": str(int(k == "A"))}) for k in "ABC"],
        "different values at power-up"),
    "error": (connect("or1", "B", 22), "stays low while copy C differs"),
    "inverted": (lambda m: m["cells"]["or1"].update(type="$_NOR_"), "is high while all copies agree"),
    "stuck": (lambda m: m["ports"]["tmr_err"].update(bits=["0"]), "stays low while copy A differs"),
    "output": (lambda m: m["ports"]["out"].update(bits=[11]), "copy B alone changes output out"),
    "latch": (lambda m: m["cells"].update(l=cell("$_DLATCH_P_", E=RST, D=D, Q=40)), "a latch"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), EDITS.values(), ids=EDITS)
def test_an_edited_netlist_is_caught_and_named(tmp_path, edit, message):
    assert message in check(tmp_path, edited(edit)).text


def test_levels_counts_and_exceptions(tmp_path):
    content = edited(lambda m: m["cells"].update(late=cell("$_DFF_P_", C=CLK, D=VOTED, Q=40)))
    assert [v.rule for v in check(tmp_path, content).violations] == ["copies"]
    for allowed in (Requirement(selective=True), Requirement("none"), Requirement(exceptions={"late": "none"})):
        report = check(tmp_path, content, allowed)
        assert (report.violations, report.unprotected_bits) == ((), 1)
        assert "1 flip-flops or latches outside of triples" in report.text
    assert check(tmp_path, netlist(), Requirement(protected_bits=2)).violations[0].rule == "count"
    assert check(tmp_path, netlist(), Requirement("triplicated_voters")).violations[0].rule == "separate voters"
    excepted = check(tmp_path, netlist(), Requirement("full", exceptions={"u.": "registers"}))
    assert {violation.rule for violation in excepted.violations} <= {"voted output"}


def test_a_missing_error_output_is_said_or_refused(tmp_path):
    content = edited(lambda m: m["ports"].pop("tmr_err"))
    report = check(tmp_path, content)
    assert not report.violations
    assert "no output tmr_err" in report.text
    assert check(tmp_path, content, Requirement(error_output_required=True)).violations


def test_words_and_modules_are_mapped_first(tmp_path):
    content = netlist()
    word = {"A_WIDTH": "1", "B_WIDTH": "1", "Y_WIDTH": "1", "A_SIGNED": "0", "B_SIGNED": "0"}
    content["modules"][TOP]["cells"]["xor0"] |= {
        "type": "$xor",
        "parameters": {key: value.rjust(32, "0") for key, value in word.items()},
        "port_directions": {"A": "input", "B": "input", "Y": "output"},
    }
    path = write_json(tmp_path / "words.json", content)
    with pytest.raises(BadInputError, match="word cell"):
        check_netlist(path, TOP, Requirement())
    assert not check_path(path, None, Requirement(), None, tmp_path / "work").violations


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m: m["cells"].update(x=cell("NAND9", A=D, Y=50)), "no gate of Yosys"),
        (lambda m: m["cells"].update(x=cell("$_NOT_", A=D, Y=VOTED)), "another driver"),
        (connect("and0", "A", VOTED), "combinational loop"),
    ],
)
def test_what_is_no_netlist_of_gates_is_refused(tmp_path, edit, message):
    with pytest.raises(BadInputError, match=message):
        check(tmp_path, edited(edit))


def test_the_command_ends_with_1_and_names_what_is_wrong(tmp_path, capsys):
    path = str(write_json(tmp_path / "good.json", netlist()))
    assert execute(["check-tmr", path]) == 0
    assert "registers: proven" in capsys.readouterr().out
    bad = str(write_json(tmp_path / "bad.json", edited(EDITS["error"][0])))
    assert execute(["check-tmr", bad]) == 1
    assert "1 violations of mode registers" in capsys.readouterr().out
    assert execute(["check-tmr", bad, "--json", "--quiet"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["violations"][0]["bit"] == "u.q?" and said.err == ""
    assert execute(["check-tmr", path, "--except", "u="]) == 2


def counting(module):
    """A second bit in three copies, `errors.q?`, that turns over while copies of the first differ."""
    states = {"A": 50, "B": 51, "C": 52}
    pairs = {"and0": (50, 51, 53), "and1": (51, 52, 54), "and2": (50, 52, 55)}
    module["cells"].update({f"count_{name}": cell("$_AND_", A=a, B=b, Y=y) for name, (a, b, y) in pairs.items()})
    module["cells"].update(
        count_or0=cell("$_OR_", A=53, B=54, Y=56),
        count_or1=cell("$_OR_", A=56, B=55, Y=57),
        count_next=cell("$_XOR_", A=57, B=DIFFER, Y=58),
        count_x0=cell("$_XOR_", A=50, B=51, Y=59),
        count_x1=cell("$_XOR_", A=51, B=52, Y=60),
        count_x=cell("$_OR_", A=59, B=60, Y=61),
        any_differs=cell("$_OR_", A=DIFFER, B=61, Y=62),
        **{f"count_ff{k}": cell("$_SDFF_PP0_", C=CLK, R=RST, D=58, Q=q) for k, q in states.items()},
    )
    module["ports"].update(errors={"direction": "output", "bits": [57]}, tmr_err={"direction": "output", "bits": [62]})
    module["netnames"].update({f"errors.q{k}": {"bits": [q]} for k, q in states.items()})


def test_registers_that_count_errors_are_named_by_the_user(tmp_path, capsys):
    path = str(write_json(tmp_path / "counting.json", edited(counting)))
    assert execute(["check-tmr", path]) == 1
    assert "changes the data of flip-flops" in capsys.readouterr().out
    assert execute(["check-tmr", path, "--counter", "errors."]) == 0
    assert execute(["check-tmr", path, "--counter", "other."]) == 1


def test_the_folder_of_a_run_is_no_design(tmp_path, capsys):
    write_json(tmp_path / "manifest.json", {"design": "zoo", "steps": {}})
    assert execute(["check-tmr", str(tmp_path)]) == 2
    assert f"is the folder of a run: give the Verilog in it, {tmp_path}/03-compile/rtl" in capsys.readouterr().err
    (tmp_path / "03-compile").mkdir()
    assert execute(["check-tmr", str(tmp_path / "03-compile")]) == 2
    assert "codesign compile (give 03-compile/rtl of a run) writes it" in capsys.readouterr().err


def test_the_text_lists_the_first_violations(tmp_path, monkeypatch):
    monkeypatch.setattr(tmr_netlist, "LISTED", 1)
    text = check(tmp_path, edited(counting)).text
    assert "... and 2 more violations, all in --json" in text
    assert text.count("changes the data of flip-flops") == 1


def test_a_manifest_promises_its_mode_and_its_bits():
    def promised(mode, nodes=()):
        return requirement_of({"tmr": mode, "register_bits": 9, "protected_bits": 7, "tmr_nodes": dict(nodes)})

    assert promised("registers").protected_bits == 7
    assert promised("selective:ranking.json").selective
    mixed = promised("registers", {"net.fc": "full"})
    assert (mixed.of("u_net_fc.u_done"), mixed.of("u_net_fc_r1"), mixed.of("u_net_fcs")) == (
        "full",
        "full",
        "registers",
    )
    with pytest.raises(BadInputError, match="triplication mode 'double'"):
        promised("double")
