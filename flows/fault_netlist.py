"""A flat netlist for upset campaigns: gates, flip-flops with their names and clocks, and what each net belongs to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.files import read_json, sha256_of
from codesign.flows.fault_cells import Builder, add_cells, clock_path, group_cells, is_yosys_gate, net_of
from codesign.flows.liberty import Library
from codesign.flows.netlist import HIGH, Port, read_module
from codesign.flows.yosys_job import run_job
from codesign.flows.yosys_scripts import to_gates_script
from codesign.sim.seu import OPERATORS, Gates

# Mapped to flip-flops, more bits than this are a macro in any chip, and more than a campaign can flip one by one.
LARGEST_MEMORY_BITS = 1 << 20
TIMEOUT_S = 3600.0
COPY = re.compile(r"(?P<stem>.*?)_?(?P<copy>[ABCabc012])(?P<bit>(\[\d+\])*)")


@dataclass(frozen=True)
class Domain:
    """A net of the clock tree, a port or a buffer's output, and the flip-flops behind it."""

    name: str
    flip_flops: NDArray[np.int64]


@dataclass(frozen=True)
class FaultNetlist:
    """A circuit to inject into.

    `out_of_reset`: the gates while no asynchronous set or reset acts, from which voters are told. `d`, `q`: nets of
    every flip-flop; `registers`: its name; `initial`: what it holds before the first cycle. `nodes`: nets that gates
    of the netlist drive, `node_names` by net; clock nets are none of these. `source`: digest of the file.
    """

    top: str
    net_count: int
    gates: Gates
    out_of_reset: Gates
    d: NDArray[np.int64]
    q: NDArray[np.int64]
    registers: tuple[str, ...]
    initial: NDArray[np.uint8]
    ports: Mapping[str, Port]
    domains: tuple[Domain, ...]
    clock_ports: tuple[str, ...]
    nodes: NDArray[np.int64]
    node_names: Mapping[int, str]
    source: str

    def outputs(self) -> tuple[str, ...]:
        """Names of the output ports."""
        return tuple(name for name, port in self.ports.items() if port.direction == "output")

    def inputs(self) -> tuple[str, ...]:
        """Names of the input ports without the clocks."""
        names = (name for name, port in self.ports.items() if port.direction == "input")
        return tuple(name for name in names if name not in self.clock_ports)


def gate_netlist(path: Path, top: str, work_dir: Path) -> Path:
    """Return `path`, or where it holds words, memories or a hierarchy, its flat netlist of gates made by Yosys."""
    kinds = {cell["type"] for cell in read_module(path, top)["cells"].values()}
    modules: dict[str, Any] = read_json(path)["modules"]
    if not any(_needs_mapping(kind, frozenset(modules)) for kind in kinds):
        return path
    bits = sum(_memory_bits(module) for module in modules.values())
    if bits > LARGEST_MEMORY_BITS:
        raise BadInputError(
            f"{top} has memories of {bits} bits, a campaign maps at most {LARGEST_MEMORY_BITS} to flip-flops: leave "
            "them out of the netlist, as ports"
        )
    job = run_job(to_gates_script(top), "to_gates", {"words.json": path}, work_dir, TIMEOUT_S)
    return job / "netlist.json"


def _needs_mapping(kind: str, modules: frozenset[str]) -> bool:
    return not is_yosys_gate(kind) and kind != "$scopeinfo" and (kind.startswith("$") or kind in modules)


def _memory_bits(module: Mapping[str, Any]) -> int:
    """Bits of all memories of a module: those of cells `$mem_v2`, and those that are not collected in cells yet."""
    cells = (cell["parameters"] for cell in module["cells"].values() if cell["type"] in ("$mem", "$mem_v2"))
    named = (int(one["size"]) * int(one["width"]) for one in module.get("memories", {}).values())
    return sum(int(p["SIZE"], 2) * int(p["WIDTH"], 2) for p in cells) + sum(named)


def load_fault_netlist(path: Path, top: str, library: Library | None) -> FaultNetlist:
    """Load the flat module `top`; `BadInputError` for cells, clocks or edges that a campaign cannot treat."""
    module = read_module(path, top)
    nets = [bit for net in module["netnames"].values() for bit in net["bits"] if isinstance(bit, int)]
    pins = [bit for cell in module["cells"].values() for bits in cell["connections"].values() for bit in bits]
    highest = max([HIGH, *nets, *(bit for bit in pins if isinstance(bit, int))])
    builder = Builder(net_count=highest + 2)
    for kind, grouped in group_cells(module["cells"], unconnected=highest + 1).items():
        add_cells(builder, kind, grouped, library)
    if not builder.d:
        raise BadInputError(f"{top} has no flip-flops: there is no state to upset")
    ports = {name: _port(port) for name, port in module["ports"].items()}
    return replace(_assemble(top, module, builder, ports, highest), source=sha256_of(path))


def _port(port: Mapping[str, Any]) -> Port:
    return Port(port["direction"], np.array([net_of(bit) for bit in port["bits"]], np.int64))


def _assemble(
    top: str, module: Mapping[str, Any], builder: Builder, ports: Mapping[str, Port], highest: int
) -> FaultNetlist:
    gates, shown = builder.gates(), np.concatenate(builder.names)
    names = _names(module["netnames"], ports)
    domains, clock_ports, clock_nets = _clocks(builder, gates, ports, names)
    own = gates.outputs[(gates.outputs <= highest) & ~np.isin(gates.outputs, [*shown, *clock_nets])]
    initial = _initial(module["netnames"])
    return FaultNetlist(
        top=top,
        net_count=builder.net_count,
        gates=gates,
        out_of_reset=_out_of_reset(builder, gates),
        d=np.concatenate(builder.d),
        q=np.concatenate(builder.q),
        registers=tuple(names.get(int(net), f"net {net}") for net in shown),
        initial=np.array([initial.get(int(net), 0) for net in shown], np.uint8),
        ports=ports,
        domains=domains,
        clock_ports=clock_ports,
        nodes=np.unique(own).astype(np.int64),
        node_names=names,
        source="",
    )


def _out_of_reset(builder: Builder, gates: Gates) -> Gates:
    operators = gates.operators.copy()
    operators[np.concatenate([*builder.forcing, np.zeros(0, np.int64)])] = OPERATORS.index("buf")
    return replace(gates, operators=operators)


def _names(netnames: Mapping[str, Any], ports: Mapping[str, Port]) -> dict[int, str]:
    """The best name of every net: that of a copy of a register, then a public and a short one."""
    best: dict[int, tuple[tuple[bool, bool, int, int, str], str]] = {}
    for name, net in netnames.items():
        bits, offset = net["bits"], int(net.get("offset", 0))
        copy = COPY.fullmatch(name)
        # Wires count upwards too: a digit at the end says less than a letter.
        kind = 2 if copy is None else int(copy["copy"].isdigit())
        for index, bit in enumerate(bits):
            if isinstance(bit, int):
                text = f"{name}[{index + offset}]" if len(bits) > 1 else name
                rank = (bool(net.get("hide_name")), name in ports, kind, len(text), text)
                if bit not in best or rank < best[bit][0]:
                    best[bit] = rank, text
    return {bit: text for bit, (_, text) in best.items()}


def _initial(netnames: Mapping[str, Any]) -> dict[int, int]:
    """Values of `init` attributes by net; what is not given is 0."""
    given: dict[int, int] = {}
    for net in netnames.values():
        text = str(net.get("attributes", {}).get("init", ""))
        for bit, value in zip(net["bits"], reversed(text), strict=False):
            if value == "1" and isinstance(bit, int):
                given[bit] = 1
    return given


def _clocks(
    builder: Builder, gates: Gates, ports: Mapping[str, Port], names: Mapping[int, str]
) -> tuple[tuple[Domain, ...], tuple[str, ...], list[int]]:
    """Domains of all nets of the clock trees, the ports they come from, and those nets."""
    clocks, falling = np.concatenate(builder.clocks), np.concatenate(builder.falling)
    port_of = {int(net): name for name, port in ports.items() if port.direction == "input" for net in port.nets}
    single = np.isin(gates.operators, [OPERATORS.index("buf"), OPERATORS.index("not")])
    drivers = {
        int(out): (OPERATORS[operator], int(net[0]))
        for out, operator, net in zip(gates.outputs[single], gates.operators[single], gates.inputs[single], strict=True)
    }
    behind: dict[int, list[NDArray[np.int64]]] = {}
    roots: set[str] = set()
    edges: set[bool] = set()
    for clock in np.unique(clocks):
        path, inverted = clock_path(int(clock), drivers)
        if path[-1] not in port_of:
            raise BadInputError(
                f"clock {names.get(int(clock), clock)} comes from logic: a campaign needs clocks that are input ports"
            )
        members = np.flatnonzero(clocks == clock)
        edges |= {bool(edge) ^ inverted for edge in np.unique(falling[members])}
        roots.add(port_of[path[-1]])
        for net in path:
            behind.setdefault(net, []).append(members)
    if len(edges) > 1:
        raise BadInputError("flip-flops load on both edges of a clock: a campaign needs one edge")
    domains = (Domain(names.get(net, str(net)), np.concatenate(found)) for net, found in sorted(behind.items()))
    return tuple(domains), tuple(sorted(roots)), list(behind)


def lane_ports(name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Ports that `name` stands for: itself, or its three lanes with the suffixes A, B and C; empty if neither is."""
    if name in known:
        return (name,)
    lanes = tuple(f"{name}{copy}" for copy in "ABC")
    return lanes if set(lanes) <= set(known) else ()
