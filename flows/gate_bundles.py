"""A mapped netlist as Verilog of bundles: up to WIDTH cells of one type and one level are one instance.

Verilator takes about as long for an instance of WIDTH cells as for one cell, and cells of one level do not depend on
each other. Every net is a bit of one vector `nets<k>`, so that a simulation has these alone to record.
"""

from collections.abc import Iterator, Mapping
from itertools import count

import numpy as np

from codesign.flows.activity_files import net_names
from codesign.flows.cell_models import common_pins
from codesign.flows.gate_simulation import clock_nets, levels
from codesign.flows.liberty import Cell, Library
from codesign.flows.netlist import HIGH, Indices, Netlist

WIDTH = 32
# The clock at whose rising edge inputs are taken over.
SAMPLE = "sample_inputs"
_SAMPLER = """\
module sampled #(parameter WIDTH = 1) (input CK, input [WIDTH-1:0] D, output reg [WIDTH-1:0] Q);
  always @(posedge CK) Q <= D;
endmodule
"""

_Bundle = tuple[Cell, Mapping[str, Indices]]


def bundled_verilog(netlist: Netlist, library: Library) -> tuple[str, tuple[Indices, ...]]:
    """Return a module with name and ports of the netlist, and SAMPLE; and the nets of each of its vectors `nets<k>`.

    Inputs but the clocks change inside when SAMPLE rises, as registers do when their clocks rise: so logic is worked
    out once in a cycle. Errors are those of `clock_nets` and `levels`.
    """
    clocks, ports = clock_nets(netlist, library), net_names(netlist)
    inputs = np.concatenate([port.nets for port in netlist.ports.values() if port.direction == "input"])
    wired, sampled, bundles = _parts(clocks), _parts(np.setdiff1d(inputs, clocks)), _bundles(netlist, library)
    vectors = (*wired, *sampled, *(pins[name] for cell, pins in bundles for name in cell.outputs if name in pins))
    names = {net: f"nets{k}[{bit}]" for k, nets in enumerate(vectors) for bit, net in enumerate(nets.tolist())}
    names |= {HIGH: "1'b1", **{net: ports[net] for net in clocks.tolist()}}
    # The last net stands for no connection.
    names.pop(netlist.net_count - 1, None)
    number = count()
    lines = [*_header(netlist), *(_declaration(k, nets, ports) for k, nets in enumerate(vectors))]
    lines += [f"  assign nets{next(number)} = {_joined(nets, ports)};" for nets in wired]
    for nets in sampled:
        k = next(number)
        lines.append(f"  sampled #({len(nets)}) inputs{k} ({SAMPLE}, {_joined(nets, ports)}, nets{k});")
    lines += [_instance(cell, pins, number, names) for cell, pins in bundles]
    outputs = {name: port.nets for name, port in netlist.ports.items() if port.direction == "output"}
    lines += [f"  assign {name} = {_joined(nets, names)};" for name, nets in outputs.items()]
    return "\n".join([*lines, "endmodule", _SAMPLER]), vectors


def _parts(nets: Indices) -> list[Indices]:
    return [nets[at : at + WIDTH] for at in range(0, len(nets), WIDTH)]


def _bundles(netlist: Netlist, library: Library) -> list[_Bundle]:
    level = levels(netlist, library)
    return [bundle for kind, pins in netlist.cells.items() for bundle in _bundles_of(library.cells[kind], pins, level)]


def _bundles_of(cell: Cell, pins: Mapping[str, Indices], level: Indices) -> Iterator[_Bundle]:
    """Cells of one type whose outputs are of one level; flip-flops that have clock, clear and preset in common."""
    outputs = [pins[name] for name in cell.outputs if name in pins]
    if not outputs:
        return
    common = [pins[name] for name in common_pins(cell) if name in pins]
    alike = np.stack(common or [np.max([level[nets] for nets in outputs], axis=0)])
    order = np.lexsort(alike)
    borders = np.flatnonzero((np.diff(alike[:, order]) != 0).any(axis=0)) + 1
    for group in np.split(order, borders):
        yield from ((cell, {name: nets[part] for name, nets in pins.items()}) for part in _parts(group))


def _header(netlist: Netlist) -> Iterator[str]:
    yield f"module {netlist.top} ("
    for name, port in netlist.ports.items():
        yield f"  {port.direction} {f'[{len(port.nets) - 1}:0] ' if len(port.nets) > 1 else ''}{name},"
    yield f"  input {SAMPLE}\n);"


def _declaration(k: int, nets: Indices, names: Mapping[int, str]) -> str:
    """A vector, and in a comment the nets at its bits 0, 1, ..., by their names in the structural netlist."""
    return f"  wire [{len(nets) - 1}:0] nets{k};  // {' '.join(names.get(net, 'open') for net in nets.tolist())}"


def _instance(cell: Cell, pins: Mapping[str, Indices], number: Iterator[int], names: Mapping[int, str]) -> str:
    connections = {name: _joined(pins[name], names) for name in cell.inputs if name in pins}
    connections |= {name: f"nets{next(number)}" for name in cell.outputs if name in pins}
    size, first = len(next(iter(pins.values()))), next(reversed(connections.values()))
    return (
        f"  {cell.name} #({size}) cells_{first} ({', '.join(f'.{pin}({nets})' for pin, nets in connections.items())});"
    )


def _joined(nets: Indices, names: Mapping[int, str]) -> str:
    """The nets as one vector, least significant first; what nothing drives is 0."""
    bits = [names.get(net, "1'b0") for net in reversed(nets.tolist())]
    return f"{{{', '.join(bits)}}}"
