"""A FuseSoC core (CAPI 2) of an emitted block: its files, its top level, and targets to lint and to synthesise it."""

from collections.abc import Iterable, Mapping
from typing import Any

from codesign import __version__
from codesign.rtl_text import verilog_parameters

VENDOR, LIBRARY = "codesign", "designs"
WAIVERS = "lint.vlt"


def fusesoc_core(manifest: Mapping[str, Any], top_text: str) -> str:
    """Return the text of `<top>.core`; files stand beside it. `top_text` is the Verilog of the top level."""
    top = manifest["top"]
    parameters = verilog_parameters(top_text)
    lines = [
        "CAPI=2:",
        f"# Graph: SHA-256 {manifest['graph_sha256']}",
        f"name: {VENDOR}:{LIBRARY}:{top}:{__version__}",
        f'description: "{description(manifest)}"',
        "",
        "filesets:",
        *_fileset("rtl", "verilogSource-2005", manifest["sources"]),
        *_fileset("waivers", "vlt", [WAIVERS]),
        "",
        *_parameters(parameters),
        "targets:",
        *_target("default", ["rtl"], top, parameters, []),
        *_target("lint", ["waivers", "rtl"], top, parameters, _LINT),
        *_target("synth", ["rtl"], top, parameters, _SYNTHESIS),
    ]
    return "\n".join(lines) + "\n"


def description(manifest: Mapping[str, Any]) -> str:
    """Return one line about the block: timing, registers, triplication."""
    wrapper = " behind AXI4-Stream" if "wrapper" in manifest else ""
    return (
        f"Quantised neural network{wrapper}: latency {manifest['latency_cycles']} cycles, initiation interval "
        f"{manifest['ii_cycles']}, {manifest['register_bits']} register bits, triplication {manifest['tmr']}, clock "
        f"{manifest['clock_ns']} ns"
    )


_LINT = (
    "flow: lint",
    "flow_options:",
    "  tool: verilator",
    '  verilator_options: ["-Wall", "--replication-limit", "1048576"]',
)
_SYNTHESIS = ("flow: generic", "flow_options:", "  tool: yosys", "  arch: ecp5", "  output_format: json")


def _fileset(name: str, file_type: str, files: Iterable[str]) -> list[str]:
    listed = [f"      - {file}" for file in files]
    return [f"  {name}:", f"    file_type: {file_type}", "    files:", *listed]


def _parameters(parameters: Mapping[str, int]) -> list[str]:
    lines = ["parameters:"] if parameters else []
    for name, value in parameters.items():
        lines += [f"  {name}:", "    datatype: int", f"    default: {value}", "    paramtype: vlogparam"]
        lines += ['    description: "Registers stand once (0), or three times with one (1) or three voters (2)"', ""]
    return lines


def _target(
    name: str, filesets: Iterable[str], top: str, parameters: Mapping[str, int], flow: Iterable[str]
) -> list[str]:
    lines = [f"  {name}:", f"    filesets: [{', '.join(filesets)}]", f"    toplevel: {top}"]
    lines += [f"    parameters: [{', '.join(parameters)}]"] if parameters else []
    return [*lines, *(f"    {line}" for line in flow)]
