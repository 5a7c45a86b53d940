"""Static timing of a standard-cell netlist with OpenSTA: ideal clock, no wires.

OpenSTA goes on with a partial netlist after a syntax error, so the number of cells it read is compared with the number
that synthesis wrote.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from codesign.errors import ToolFailedError, ToolMissingError
from codesign.files import write_text
from codesign.flows.process import Command, run_tool
from codesign.flows.static_timing import PathStep, StaticTiming

RUN = "run.tcl"
METHOD = "OpenSTA, ideal clock, no wires"
# Before inputs have a time only paths from registers are timed, so that the launch can be read off the first report.
# The period cancels out; any value above zero would do.
_PERIOD_NS = 1000.0
_SCRIPT = """\
read_liberty {{{liberty}}}
set_cmd_units -time ns
read_verilog {{{netlist}}}
link_design {top}
puts "cells [llength [get_cells *]]"
create_clock -name clk -period {period} [get_ports {{{clocks}}}]
set data {{}}
foreach port [all_inputs] {{ if {{[lsearch {{{clocks}}} [get_property $port name]] < 0}} {{ lappend data $port }} }}
set launch {launch}
if {{$launch eq "register"}} {{
  report_checks -path_delay max -digits 4 > launch.txt
  set steps [regexp -all -inline -line {{^ +[-0-9.]+ +([-0-9.]+) [v^] [^ ]+/[^ ]+ [(]}} [read [open launch.txt]]]
  set launch [expr {{[llength $steps] > 3 ? [lindex $steps 3] : 0.0}}]
}}
puts "launch $launch"
set_input_delay $launch -clock clk $data
set_false_path -from [get_ports {{{resets}}}]
report_checks -path_delay max -digits 4
puts "{hold}"
report_checks -path_delay min -digits 4
"""
_HOLD = "path of least delay"
_STEP = re.compile(r"^ +(-?[\d.]+) +(-?[\d.]+) [v^] (\S+)/\S+ \((\w+)\)$", re.MULTILINE)


def opensta_timing(
    netlist: Path,
    top: str,
    liberty: Path,
    *,
    cell_count: int,
    launch_ns: float | None = None,
    clocks: Sequence[str] = ("clk",),
    resets: Sequence[str] = ("rst",),
    timeout_s: float = 600.0,
) -> StaticTiming:
    """Return the longest register-to-register or input-to-register path of a mapped Verilog `netlist`, and hold slack.

    `liberty` is plain text, `cell_count` what synthesis counted, `launch_ns` when inputs change after the clock edge
    (None: as the register does that launches the longest path); `clocks` and `resets` are ports, the clocks being one
    clock. Raises `ToolMissingError` without OpenSTA, `ToolFailedError` if it read another number of cells.
    """
    script = sta_script(netlist.resolve(), top, liberty.resolve(), launch_ns=launch_ns, clocks=clocks, resets=resets)
    with tempfile.TemporaryDirectory(prefix="opensta-") as folder:
        write_text(Path(folder) / RUN, script)
        log = Path(folder) / "sta.log"
        run_sta(Path(folder), log, timeout_s)
        return read_report(log.read_text(encoding="utf-8"), cell_count)


def opensta_installed() -> bool:
    """Whether OpenSTA is found on the path."""
    return shutil.which("sta") is not None


def run_sta(folder: Path, log: Path, timeout_s: float = 600.0) -> None:
    """Run the script `RUN` in `folder` with OpenSTA."""
    if not opensta_installed():
        raise ToolMissingError("OpenSTA (`sta`) is not installed: Debian, Ubuntu: apt install opensta")
    run_tool(Command("OpenSTA", ("sta", "-no_init", "-exit", RUN), {}), folder, log, timeout_s)


def sta_script(
    netlist: Path,
    top: str,
    liberty: Path,
    *,
    launch_ns: float | None,
    clocks: Sequence[str],
    resets: Sequence[str],
) -> str:
    """Return the script that times `netlist` for the longest and the shortest path."""
    launch = "register" if launch_ns is None else launch_ns
    ports = {"clocks": " ".join(clocks), "resets": " ".join(resets)}
    return _SCRIPT.format(
        netlist=netlist, liberty=liberty, top=top, launch=launch, period=_PERIOD_NS, hold=_HOLD, **ports
    )


def read_report(report: str, cell_count: int) -> StaticTiming:
    """Read the output of the script above; `ToolFailedError` unless it timed `cell_count` cells and found a path."""
    counted = re.search(r"^cells (\d+)$", report, re.MULTILINE)
    found = int(counted.group(1)) if counted else 0
    if found != cell_count:
        raise ToolFailedError(f"OpenSTA read {found} of {cell_count} cells: {_first_error(report)}")
    longest, _, shortest = report.partition(f"\n{_HOLD}\n")
    slack, hold = (re.search(r"(-?[\d.]+) +slack", part) for part in (longest, shortest))
    if slack is None:
        raise ToolFailedError(f"OpenSTA found no path to a register: {_first_error(report)}")
    upto_arrival = longest.split("data arrival time", maxsplit=1)[0]
    steps = [PathStep(name, cell, float(ns), float(at)) for ns, at, name, cell in _STEP.findall(upto_arrival)]
    if len(steps) > 1 and steps[0].instance == steps[1].instance:
        steps = steps[1:]  # the clock pin of the register that launches
    elif steps:
        launched = round(steps[0].arrival_ns - steps[0].delay_ns, 6)
        steps = [PathStep("input", "port", launched, launched), *steps]
    critical_path_ns = round(_PERIOD_NS - float(slack.group(1)), 4)
    hold_slack_ns = float(hold.group(1)) if hold else None
    return StaticTiming(critical_path_ns, tuple(steps), found, METHOD, hold_slack_ns)


def _first_error(report: str) -> str:
    lines = [line.strip() for line in report.splitlines() if "error" in line.lower()]
    return lines[0] if lines else "no error was reported"
