"""The power of a simulated netlist as OpenSTA works it out from the same toggles: a second method.

OpenSTA of 2019 reads no SAIF, and activities of its own propagate over those that are stated for pins. So every cell is
asked for its power while the global activity is that of the cell's output: its switching power is then exact, and
its internal power as far as its inputs cause none by themselves.
"""

import re
import subprocess

from codesign.flows.activity_files import instances, structural_verilog

_SCRIPT = """\
read_liberty cells.lib
read_verilog netlist.v
link_design {top}
create_clock -name clk -period {period} [get_ports clk]
set_input_delay 0 -clock clk [all_inputs]
set_input_transition {slew} [all_inputs]
report_power
proc powers {{name activity duty}} {{
  sta::set_power_global_activity $activity $duty
  puts "power [sta::instance_power [get_cells $name] [sta::cmd_corner]]"
}}
"""
# A library's default wire load would add to every net, and OpenSTA takes the largest capacitance stated for a pin.
_LOADS = re.compile(r"default_wire_load\w*\s*:[^;]*;|(rise|fall)_capacitance(\s*:[^;]*|_range\s*\([^)]*\)\s*);")
_PINS = re.compile(r"(?=\bpin\s*\()")
_ENERGIES = re.compile(r"internal_power\s*\(\s*\)\s*\{(?:[^{}]|\{[^{}]*\})*\}")
_CAUSE = re.compile(r"related_pin\s*:\s*\"?([^\";]*)")


def comparable(liberty_text):
    """Return the library as OpenSTA 2.0 has to read it to mean by it what the estimate means.

    Energies without condition are for states without a condition of their own; OpenSTA 2.0 adds them in all states.
    """
    return "".join(map(_without_defaults, _PINS.split(_LOADS.sub("", liberty_text))))


def _without_defaults(pin):
    groups = _ENERGIES.findall(pin)
    conditional = {_cause(group) for group in groups if "when" in group}
    return _ENERGIES.sub(lambda m: m[0] if "when" in m[0] or _cause(m[0]) not in conditional else "", pin)


def _cause(group):
    found = _CAUSE.search(group)
    return found[1] if found else ""


def opensta_power_mw(folder, netlist, liberty_text, library, activity, *, clock_ns, slew_ns=0.1):
    """Return internal, switching and leakage power in mW, summed over the cells."""
    (folder / "cells.lib").write_text(comparable(liberty_text))
    (folder / "netlist.v").write_text(structural_verilog(netlist))
    lines = [_SCRIPT.format(top=netlist.top, period=clock_ns, slew=slew_ns)]
    count = 0
    for kind, name, pins in instances(netlist):
        count += 1
        nets = [pins[pin] for pin in library.cells[kind].outputs if pin in pins]
        rate, duty = (sum(values[net] for net in nets) / len(nets) / activity.cycles for values in (
            activity.toggles, activity.ones))  # fmt: skip
        lines.append(f"powers {name} {rate:.9f} {duty:.9f}")
    (folder / "run.tcl").write_text("\n".join(lines) + "\n")
    command = ["sta", "-no_init", "-exit", "run.tcl"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    powers = re.findall(r"^power (\S+) (\S+) (\S+) \S+$", found.stdout, re.MULTILINE)
    assert len(powers) == count, found.stdout[-2000:] + found.stderr[-2000:]
    return [sum(float(cell[k]) for cell in powers) * 1e3 for k in range(3)]


def port_switching_mw(netlist, library, activity, clock_ns):
    """The switching power of pins on nets that ports drive, which OpenSTA gives to no cell."""
    from_ports = {int(net) for port in netlist.ports.values() if port.direction == "input" for net in port.nets}
    clock = int(netlist.ports["clk"].nets[0])
    energy_fj = 0.0
    for kind, _, pins in instances(netlist):
        for pin in library.cells[kind].inputs:
            if pins[pin] in from_ports:
                rate = 2.0 if pins[pin] == clock else activity.toggles[pins[pin]] / activity.cycles
                energy_fj += 0.5 * library.voltage_v**2 * library.cells[kind].pins[pin].capacitance_ff * rate
    return energy_fj / clock_ns * 1e-3
