"""Projects for vendors' tools: golden texts, what their Tcl does when the commands are played, and SDC in OpenSTA."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from codesign.errors import BadInputError
from codesign.flows.vendor_projects import SDC, project_texts, read_block, write_projects
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.target import Target, read_target
from tests.flows.layers_zoo import LAYERS

tkinter = pytest.importorskip("tkinter")
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "vendor"
# Variables of the flow Classic in LibreLane 3.0.17 (and 2.4), as its documentation lists them, with their types.
LIBRELANE = {
    "DESIGN_NAME": str, "VERILOG_FILES": list, "CLOCK_PORT": list, "CLOCK_PERIOD": float, "PNR_SDC_FILE": str,
    "SIGNOFF_SDC_FILE": str, "FP_CORE_UTIL": int, "PDK": str, "STD_CELL_LIBRARY": str,
}  # fmt: skip
TARGET = Target(liberty=("libraries/slow.lib", "libraries/io.lib"), lef=("technology.lef",), rc_file="wires.tch")


def rtl_of(folder, tmr="registers"):
    return write_rtl(emit(LAYERS, schedule(LAYERS, {}), tmr=tmr, clock_ns=6.25), folder / "rtl")


@pytest.fixture(scope="module")
def block(tmp_path_factory):
    return read_block(rtl_of(tmp_path_factory.mktemp("block")), 15.0)


NAMES = (
    *(SDC, "vivado/run.tcl", "quartus/run.tcl", "genus/run.tcl", "innovus/views.tcl", "innovus/run.tcl"),
    *("librelane/config.json", "librelane/constraints.sdc", "target.json"),
)


def test_golden_files_are_all_that_is_written(block):
    assert set(project_texts(block, TARGET)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_files_equal_golden_ones(name, block, refresh_golden):
    """To accept a change: pytest tests/flows/test_vendor_projects.py --refresh-golden, then read the diff."""
    text, path = project_texts(block, TARGET)[name], GOLDEN / name.replace("/", "_")
    if refresh_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_the_folder_is_complete_and_the_same_every_time(tmp_path):
    rtl = rtl_of(tmp_path)
    for name in ("one", "two"):
        write_projects(rtl, TARGET, tmp_path / name, 15.0)
    one, two = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    )
    assert one == two
    assert {
        Path("constraints") / name for name in ("vivado.xdc", "quartus.qsf", "genus.tcl", "innovus.tcl")
    } <= one.keys()
    sources = json.loads((rtl / "manifest.json").read_text())["sources"]
    assert {Path("rtl") / name for name in sources} <= one.keys()


def test_without_triplication_no_script_reads_its_constraints(tmp_path):
    write_projects(rtl_of(tmp_path, "none"), TARGET, tmp_path / "export")
    assert [path.name for path in (tmp_path / "export" / "constraints").iterdir()] == ["timing.sdc"]
    texts = [path.read_text() for path in (tmp_path / "export").rglob("*.tcl")]
    assert not any("constraints/genus" in text or "vivado.xdc" in text or "quartus.qsf" in text for text in texts)


def played(folder, script):
    """Run a script in a Tcl interpreter that records every unknown command; files that it names must be there."""
    tcl = tkinter.Tcl()
    tcl.eval("set said {}; proc unknown {args} { lappend ::said $args; return {} }")
    tcl.eval("rename source read_tcl; proc source {name} { lappend ::said [list source $name]; read_tcl $name }")
    tcl.eval(f"proc info_script {{}} {{ return {{{folder / script}}} }}")
    text = (folder / script).read_text().replace("[info script]", "[info_script]")
    here = Path.cwd()
    try:
        tcl.eval(text)
    finally:
        tcl.eval(f"cd {{{here}}}")
    return [tcl.splitlist(one) for one in tcl.splitlist(tcl.eval("set said"))]


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        (
            "vivado/run.tcl",
            {"create_project", "add_files", "launch_runs", "report_utilization", "report_timing_summary"},
        ),
        ("quartus/run.tcl", {"project_new", "set_global_assignment", "execute_flow", "project_close"}),
        ("genus/run.tcl", {"read_libs", "read_hdl", "elaborate", "read_sdc", "syn_opt", "report_qor", "write_hdl"}),
        ("innovus/run.tcl", {"read_mmmc", "read_netlist", "init_design", "route_design", "time_design"}),
    ],
)
def test_scripts_are_tcl_that_names_files_that_are_there(tmp_path, script, commands):
    folder = tmp_path / "export"
    write_projects(rtl_of(tmp_path), TARGET, folder, 15.0)
    said = played(folder, script)
    assert commands <= {one[0] for one in said}
    named = {word for one in said for part in one for word in part.split() if word.startswith(str(folder))}
    missing = {name for name in named if not Path(name).exists()}
    from_elsewhere = (
        "libraries/slow.lib",
        "libraries/io.lib",
        "technology.lef",
        "/out/layers",
        "/reports/",
        "/project",
    )
    assert not {name for name in missing if not any(text in name for text in from_elsewhere)}


def test_a_script_with_an_error_is_caught(tmp_path):
    """Negative control: an unmatched bracket and a file that is not there are seen."""
    write_projects(rtl_of(tmp_path), TARGET, tmp_path / "export", 15.0)
    path = tmp_path / "export" / "genus" / "run.tcl"
    text = path.read_text()
    path.write_text(text.replace("timing.sdc", "absent.sdc"))
    assert any("absent.sdc" in part for one in played(tmp_path / "export", "genus/run.tcl") for part in one)
    path.write_text(text.replace("[list", "[[list", 1))
    with pytest.raises(tkinter.TclError):
        played(tmp_path / "export", "genus/run.tcl")


def test_librelane_gets_known_variables_of_their_types(tmp_path, block):
    folder = tmp_path / "export"
    write_projects(rtl_of(tmp_path), TARGET, folder)
    config = json.loads((folder / "librelane" / "config.json").read_text())
    assert config.pop("meta") == {"version": 2, "flow": "Classic"}
    assert {name: type(value) for name, value in config.items()} == LIBRELANE
    files = [*config["VERILOG_FILES"], config["PNR_SDC_FILE"], config["SIGNOFF_SDC_FILE"]]
    assert all((folder / "librelane" / name.removeprefix("dir::")).is_file() for name in files)


LIBRARY = "library (l) { cell (INV) { pin (A) { direction : input; } pin (Y) { direction : output; } } }\n"


def opensta(folder, sdc):
    """How many clocks there are, and what OpenSTA has to say of `sdc` for a block with the ports of two layers."""
    ports = "input clk, input rst, input in_valid, input [23:0] in_data, output out_valid, output [26:0] out_data, "
    (folder / "cells.lib").write_text(LIBRARY)
    (folder / "net.v").write_text(
        f"module layers ({ports} output tmr_err);\nINV u (.A(rst), .Y(tmr_err));\nendmodule\n"
    )
    (folder / "timing.sdc").write_text(sdc)
    lines = ("read_liberty cells.lib", "read_verilog net.v", "link_design layers", "read_sdc timing.sdc")
    count = 'puts "clocks [llength [all_clocks]]"'
    (folder / "run.tcl").write_text("\n".join([*lines, count, ""]))
    command = ("sta", "-no_init", "-no_splash", "-exit", "run.tcl")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    lines = (done.stdout + done.stderr).splitlines()
    return [one for one in lines if "cells.lib" not in one and ("rror" in one or "arning" in one or "clocks" in one)]


@pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA is not installed")
def test_opensta_reads_the_timing_constraints(tmp_path, block):
    texts = project_texts(block, TARGET)
    for name in (SDC, "librelane/constraints.sdc"):
        assert opensta(tmp_path, texts[name]) == ["clocks 1"]


@pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA is not installed")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("set_input_delay", "set_input_dealy"), "rror"),
        (("in_valid", "in_vlaid"), "arning"),
        (("create_clock", "#"), "clocks 0"),
    ],
)
def test_opensta_names_what_is_wrong_in_timing_constraints(tmp_path, block, change, said):
    """Negative control: a command, a port and a clock that are not there."""
    assert any(said in line for line in opensta(tmp_path, project_texts(block, TARGET)[SDC].replace(*change)))


def test_three_clocks_are_three_clocks_of_one_period(tmp_path):
    block = read_block(rtl_of(tmp_path, "full_clocks"))
    text = project_texts(block, TARGET)[SDC]
    assert [text.count(f"create_clock -name clk{lane} -period 6.25 [get_ports clk{lane}]") for lane in "ABC"] == [1] * 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"vivado_parts": "x"}, "vivado_parts: Extra inputs are not permitted; a target has the fields vivado_part,"),
        ({"vivado_part": 'x"; exec rm'}, "vivado_part: String should match pattern"),
        ({"utilisation": 1.5}, "utilisation: Input should be less than 1"),
        ([], "the file: "),
    ],
)
def test_a_target_that_is_none_is_refused(tmp_path, content, message):
    path = tmp_path / "target.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BadInputError, match=message):
        read_target(path)


def test_a_target_keeps_what_it_says(tmp_path):
    path = tmp_path / "target.json"
    path.write_text(json.dumps({"vivado_part": "xcku115-flvb2104-2-i", "lef": ["a.lef"]}))
    target = read_target(path)
    assert (target.vivado_part, target.lef, target.pdk) == ("xcku115-flvb2104-2-i", ("a.lef",), "sky130A")
    assert read_target(None) == Target()
