"""The check of triplication after synthesis, on a zoo of intact and broken designs, as gates and as library cells."""

from importlib import resources
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("mode", ["registers", "triplicated_voters"])
def test_the_register_of_the_project_is_what_its_mode_says(mode, tmp_path, build_cache):
    templates = resources.files("codesign.rtl_templates")
    files = {
        name: Path(str(templates / name)) for name in ("tmr_register.v", "tmr_register_full.v", "majority_voter.v")
    }
    files["top.v"] = tmp_path / "top.v"
    files["top.v"].write_text(TOP.replace("TRIPLE", "1" if mode == "registers" else "2"))
    script = [f"read_verilog {' '.join(files)}", "synth -top mac", *FLATTEN, "opt_clean -purge", "write_json net.json"]
    netlist = run_job("\n".join(script) + "\n", "own_register", files, build_cache, 100.0) / "net.json"
    report = check_netlist(netlist, "mac", Requirement(mode, protected_bits=27, error_output_required=True))
    assert not report.violations, report.text
