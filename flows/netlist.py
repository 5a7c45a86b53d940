"""Netlists that Yosys wrote as JSON: count flip-flops, and load a mapped netlist into numpy arrays."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError, ToolFailedError
from codesign.files import read_json

# Names of Yosys' internal one-bit storage cells: "Yosys internal cell library", section on gates.
_FLIP_FLOP = re.compile(r"\$_(?:DFF|DFFE|SDFF|SDFFE|SDFFCE|DFFSR|DFFSRE|ALDFF|ALDFFE|FF)(?:_|$)")
_LATCH = re.compile(r"\$_(?:DLATCH|DLATCHSR|SR)_")
Indices = NDArray[np.int64]
LOW, HIGH = 0, 1
_UNCONNECTED = -1


@dataclass(frozen=True)
class Port:
    """A port of the top module: "input" or "output" and the net of each bit, least significant first."""

    direction: str
    nets: Indices


@dataclass(frozen=True)
class Netlist:
    """A flat netlist; nets 0 and 1 are the constants, the last stands for no connection, the others are Yosys'.

    `cells` maps a cell type to its pins, each an array with the net of every instance of that type, and `instances`
    to the names of these instances, in the same order.
    """

    top: str
    net_count: int
    ports: Mapping[str, Port]
    cells: Mapping[str, Mapping[str, Indices]]
    instances: Mapping[str, tuple[str, ...]]

    def count(self, cell_type: str) -> int:
        """Return the number of instances of `cell_type`."""
        return len(next(iter(self.cells[cell_type].values()), ()))


def read_module(path: Path, top: str) -> dict[str, Any]:
    """Return module `top` of the Yosys JSON netlist at `path`; `BadInputError` if it is not in there."""
    modules = read_json(path).get("modules", {})
    if top not in modules:
        raise BadInputError(f"{path} holds no module {top}: it has {', '.join(sorted(modules)) or 'none'}")
    module: dict[str, Any] = modules[top]
    return module


def count_cells(path: Path, top: str) -> Counter[str]:
    """Return how often each cell type occurs in the flat module `top`; notes that are no hardware are left out."""
    types = Counter(str(cell["type"]) for cell in read_module(path, top)["cells"].values())
    types.pop("$scopeinfo", None)
    return types


def flip_flop_bits(types: Mapping[str, int]) -> int:
    """Return the number of flip-flop bits among Yosys' internal gates."""
    return sum(number for name, number in types.items() if _FLIP_FLOP.match(name))


def latch_bits(types: Mapping[str, int]) -> int:
    """Return the number of latch bits among Yosys' internal gates; a design of this flow has none."""
    return sum(number for name, number in types.items() if _LATCH.match(name))


def load_netlist(path: Path, top: str) -> Netlist:
    """Load the flat, mapped module `top`; `ToolFailedError` if cells of Yosys itself are left in it."""
    module = read_module(path, top)
    cells = {name: cell for name, cell in module["cells"].items() if cell["type"] != "$scopeinfo"}
    unmapped = sorted({cell["type"] for cell in cells.values() if cell["type"].startswith("$")})
    if unmapped:
        raise ToolFailedError(f"{path} has unmapped cells {', '.join(unmapped)}: the library lacks such gates")
    ports = {name: Port(port["direction"], _nets(port["bits"])) for name, port in module["ports"].items()}
    grouped = _group_cells(cells)
    arrays = [port.nets for port in ports.values()] + [nets for pins in grouped.values() for nets in pins.values()]
    unconnected = max(int(a.max(initial=HIGH)) for a in arrays) + 1
    connected = {
        name: {pin: np.where(nets == _UNCONNECTED, unconnected, nets) for pin, nets in pins.items()}
        for name, pins in grouped.items()
    }
    names: dict[str, list[str]] = {}
    for name, cell in cells.items():
        names.setdefault(cell["type"], []).append(name)
    return Netlist(top, unconnected + 1, ports, connected, {kind: tuple(found) for kind, found in names.items()})


def _group_cells(cells: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Indices]]:
    by_type: dict[str, list[dict[str, list[Any]]]] = {}
    for cell in cells.values():
        by_type.setdefault(cell["type"], []).append(cell["connections"])
    return {name: _stack_pins(instances) for name, instances in sorted(by_type.items())}


def _stack_pins(instances: list[dict[str, list[Any]]]) -> dict[str, Indices]:
    pins = sorted({pin for connections in instances for pin in connections})
    return {pin: np.concatenate([_nets((c.get(pin) or [_UNCONNECTED])[:1]) for c in instances]) for pin in pins}


def _nets(bits: list[Any]) -> Indices:
    # Yosys numbers nets from 2; "x" and "z" are free choices of synthesis and read low here.
    constants = {"0": LOW, "1": HIGH, "x": LOW, "z": LOW}
    return np.array([constants[bit] if isinstance(bit, str) else bit for bit in bits], dtype=np.int64)
