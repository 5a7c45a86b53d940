"""A simulated netlist and its activity as files that other tools read: structural Verilog and SAIF with equal names.

Net k of the netlist is `n<k>`, a bit of a port its own name; cells are named after their node and a number. Yosys' own
Verilog of the same netlist renames what has no name of its own, so that no activity would find its net in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

import numpy as np

from codesign.flows.gate_simulation import Activity
from codesign.flows.netlist import HIGH, LOW, Netlist
from codesign.flows.node_parts import owners
from codesign.verilog_names import identifier

_PS_PER_NS = 1000


def net_names(netlist: Netlist) -> dict[int, str]:
    """Return the name of every net: the bit of a port, or "n<k>"; constants are not in it."""
    names: dict[int, str] = {}
    # A net between an input and an output has the input's name.
    for direction in ("input", "output"):
        for port, found in netlist.ports.items():
            if found.direction == direction:
                names = {**_bits(port, found.nets.tolist()), **names}
    for nets in (array for pins in netlist.cells.values() for array in pins.values()):
        names.update({net: f"n{net}" for net in np.unique(nets).tolist() if net not in names})
    # The last net stands for no connection.
    return {net: name for net, name in names.items() if net not in (LOW, HIGH, netlist.net_count - 1)}


def _bits(port: str, nets: list[int]) -> dict[int, str]:
    return {net: f"{port}[{k}]" if len(nets) > 1 else port for k, net in enumerate(nets)}


def structural_verilog(netlist: Netlist, nodes: Iterable[str] = ()) -> str:
    """Return the netlist as Verilog of cells alone."""
    names = {LOW: "1'b0", HIGH: "1'b1", **net_names(netlist)}
    ports = [
        f"{port.direction} {f'[{len(port.nets) - 1}:0] ' if len(port.nets) > 1 else ''}{name}"
        for name, port in netlist.ports.items()
    ]
    lines = [f"module {netlist.top} ({', '.join(netlist.ports)});", *(f"  {port};" for port in ports)]
    lines += [f"  wire {name};" for net, name in sorted(names.items()) if name == f"n{net}"]
    for port, found in netlist.ports.items():
        if found.direction == "output":
            for k, net in enumerate(found.nets.tolist()):
                bit = f"{port}[{k}]" if len(found.nets) > 1 else port
                lines += [f"  assign {bit} = {names[net]};"] if names[net] != bit else []
    return "\n".join([*lines, *_instances(netlist, names, tuple(nodes)), "endmodule", ""])


def _instances(netlist: Netlist, names: Mapping[int, str], nodes: tuple[str, ...]) -> Iterator[str]:
    for kind, name, pins in instances(netlist, nodes):
        connections = ", ".join(f".{pin}({names[net]})" for pin, net in pins.items() if net in names)
        yield f"  {kind} {name} ({connections});"


def instances(netlist: Netlist, nodes: Iterable[str] = ()) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Return type, name and nets by pin of every cell."""
    number, known = count(), tuple(nodes)
    for kind, pins in netlist.cells.items():
        for k, node in enumerate(owners(netlist.instances[kind], known)):
            name = identifier(node).replace(" ", "_")
            yield kind, f"{name}_{next(number)}", {pin: int(nets[k]) for pin, nets in pins.items()}


def saif(netlist: Netlist, activity: Activity, clock_ns: float, clocks: Iterable[str]) -> str:
    """Return the activity as SAIF 2.0 (IEEE 1801, annex on SAIF): times at 0 and at 1 in ps, toggles of every net.

    A value counts for the cycle at whose end it is settled; the clock is high for half of each.
    """
    cycle_ps = round(clock_ns * _PS_PER_NS)
    duration = activity.cycles * cycle_ps
    clock_nets = {int(net) for clock in clocks for net in netlist.ports[clock].nets}
    lines = [
        '(SAIFILE (SAIFVERSION "2.0") (DIRECTION "backward")',
        f'(DESIGN "{netlist.top}") (PROGRAM_NAME "{activity.simulator}")',
    ]
    lines += [f"(DIVIDER / ) (TIMESCALE 1 ps) (DURATION {duration})", f"(INSTANCE {netlist.top} (NET"]
    for net, name in sorted(net_names(netlist).items()):
        high, toggles = int(activity.ones[net]) * cycle_ps, int(activity.toggles[net])
        if net in clock_nets:
            high, toggles = duration // 2, 2 * activity.cycles
        escaped = name.replace("[", "\\[").replace("]", "\\]")
        lines.append(f"({escaped} (T0 {duration - high}) (T1 {high}) (TX 0) (TC {toggles}) (IG 0))")
    return "\n".join([*lines, ")))", ""])
