"""The check of triplication after synthesis, on a zoo of intact and broken designs, as gates and as library cells."""

from importlib import resources
from pathlib import Path

import pytest

from codesign.files import write_json
from codesign.flows.check_tmr import check_emitted
from codesign.flows.liberty import read_liberty
from codesign.flows.tmr_netlist import check_netlist
from codesign.flows.tmr_rules import Requirement
from codesign.flows.yosys import plain_liberty
from codesign.flows.yosys_job import run_job
from codesign.flows.yosys_scripts import FLATTEN
from tests.flows.conftest import TOP
from tests.flows.tmr_zoo import BASES, TOO_WEAK, Variant, synthesise, variants

ZOO = variants()
INTACT = [variant for variant in ZOO if not variant.broken]
BROKEN = [variant for variant in ZOO if variant.broken]
TEMPLATES = ("tmr_register.v", "tmr_register_full.v", "majority_voter.v")
LIBRARY = "sg13g2_stdcell_typ_1p20V_25C.lib.gz"


def named(variant: Variant) -> str:
    return f"{variant.mode}-{variant.broken or 'intact'}"


def required(mode: str) -> Requirement:
    return Requirement(mode, error_output_required=True, protected_bits=6)


@pytest.fixture(scope="module", params=["", "abc -g AND,MUX,XOR,AOI3"])
def gates(request, build_cache, tmp_path_factory) -> Path:
    return synthesise(build_cache, tmp_path_factory.mktemp("zoo") / "zoo.v", request.param)


@pytest.fixture(scope="module")
def cells(build_cache, liberty_dir, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    liberty = plain_liberty(liberty_dir / LIBRARY, folder)
    mapping = "dfflibmap -liberty cells.lib\nabc -liberty cells.lib"
    return synthesise(build_cache, folder / "zoo.v", mapping, liberty)


@pytest.fixture(scope="module")
def library(liberty_dir):
    return read_liberty(liberty_dir / LIBRARY)


@pytest.mark.parametrize("variant", INTACT, ids=named)
def test_intact_designs_are_proven(gates, variant):
    report = check_netlist(gates / f"{variant.top}.json", variant.top, required(variant.mode))
    assert not report.violations, report.text
    assert report.levels == {variant.mode: 6}
    assert (report.flip_flops, report.protected_bits, report.unprotected_bits) == (18, 6, 0)


@pytest.mark.parametrize("variant", BROKEN, ids=named)
def test_broken_designs_are_caught(gates, variant):
    requirement = Requirement(variant.mode)
    report = check_netlist(gates / f"{variant.top}.json", variant.top, requirement)
    assert report.violations, report.text


@pytest.mark.parametrize(("mode", "asked"), TOO_WEAK)
def test_a_weaker_mode_is_not_taken_for_a_stronger_one(gates, mode, asked):
    top = f"intact_{mode}"
    report = check_netlist(gates / f"{top}.json", top, required(asked))
    assert report.violations
    assert report.levels == {mode: 6}


@pytest.mark.parametrize("mode", list(BASES))
def test_a_stronger_mode_satisfies_a_weaker_one(gates, mode):
    top = f"intact_{mode}"
    assert not check_netlist(gates / f"{top}.json", top, required("registers")).violations


@pytest.mark.parametrize("variant", ZOO, ids=named)
def test_netlists_of_library_cells_are_judged_alike(cells, library, variant):
    report = check_netlist(cells / f"{variant.top}.json", variant.top, Requirement(variant.mode), library)
    assert bool(report.violations) == bool(variant.broken), report.text


COUNTER = """
module counter (input wire clk, input wire rst, input wire en, output wire [3:0] out, output wire tmr_err);
    wire [1:0] count, held;
    wire errC, errH;
    tmr_register #(.WIDTH(2), .TMR(TRIPLE)) r_count (clk, rst, 1'b1, count + 2'd1, count, errC);
    tmr_register #(.WIDTH(2), .TMR(TRIPLE)) r_held (clk, rst, en, count, held, errH);
    assign out     = {held, count};
    assign tmr_err = errC | errH;
endmodule
"""


def own_netlist(top: str, text: str, tmr: int, work: Path, scratch: Path) -> Path:
    templates = resources.files("codesign.rtl_templates")
    files = {name: Path(str(templates / name)) for name in TEMPLATES} | {"top.v": scratch / "top.v"}
    files["top.v"].write_text(text.replace("TRIPLE", str(tmr)))
    script = [
        f"read_verilog {' '.join(files)}",
        f"synth -top {top}",
        FLATTEN,
        "opt_expr",
        "opt_clean -purge",
        "write_json n.json",
    ]
    return run_job("\n".join(script) + "\n", "own_register", files, work, 100.0) / "n.json"


@pytest.mark.parametrize(("tmr", "mode"), [(1, "registers"), (2, "triplicated_voters")])
def test_the_register_of_the_project_is_what_its_mode_says(tmr, mode, tmp_path, build_cache):
    netlist = own_netlist("mac", TOP, tmr, build_cache, tmp_path)
    report = check_netlist(netlist, "mac", Requirement(mode, protected_bits=27, error_output_required=True))
    assert not report.violations, report.text


def test_a_loop_through_logic_that_stands_once_is_excepted_only_for_own_designs(tmp_path, build_cache):
    netlist = own_netlist("counter", COUNTER, 2, build_cache, tmp_path)
    strict = check_netlist(netlist, "counter", Requirement("triplicated_voters"))
    assert {v.bit.partition(".")[0] for v in strict.violations} == {"r_count"}
    promise = {"tmr": "triplicated_voters", "tmr_nodes": {}, "register_bits": 4, "protected_bits": 4}
    write_json(tmp_path / "manifest.json", {"top": "counter", **promise})
    report = check_emitted(tmp_path, netlist, None)
    assert not report.violations, report.text
    assert report.levels == {"registers": 2, "triplicated_voters": 2}
