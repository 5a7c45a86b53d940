"""Which node of the dataflow graph a cell of a flattened netlist belongs to, by the instance that it came from.

Node `net.fc` is emitted as the instances `u_net_fc`, `u_net_fc_r1`, ... of the top level, and flattening writes their
names in front of the names of their cells. What is under no such instance (valid pulses, wiring, buses) is "top level".
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from codesign.flows.netlist import read_module
from codesign.verilog_names import identifier

TOP_LEVEL = "top level"
# Yosys writes the path of a cell without a name of its own as `$flatten\u_fc.\u_part.$add$...`.
_PATH = re.compile(r"(?:\$flatten)?\\?(u_\w+)\.")


def node_cells(netlist_json: Path, top: str, nodes: Iterable[str]) -> dict[str, Counter[str]]:
    """Return the cells of each node by type, from a netlist mapped with the nodes' borders kept, then flattened.

    Nodes without cells are left out; "top level" is always there. All counts together are those of the netlist.
    """
    find = _Finder(nodes)
    found: dict[str, Counter[str]] = {TOP_LEVEL: Counter()}
    for name, cell in read_module(netlist_json, top)["cells"].items():
        if cell["type"] != "$scopeinfo":
            found.setdefault(find.node(name), Counter())[cell["type"]] += 1
    return found


def owners(cells: Iterable[str], nodes: Iterable[str]) -> tuple[str, ...]:
    """Return the node that each of these cells of such a netlist belongs to, or "top level"."""
    find = _Finder(nodes)
    return tuple(find.node(cell) for cell in cells)


class _Finder:
    def __init__(self, nodes: Iterable[str]) -> None:
        self.names: Mapping[str, str] = {identifier(node): node for node in nodes}
        self.of_instance = lru_cache(maxsize=None)(self._of_instance)

    def node(self, cell: str) -> str:
        path = _PATH.match(cell)
        return self.of_instance(path.group(1).removeprefix("u_")) if path else TOP_LEVEL

    def _of_instance(self, name: str) -> str:
        """The longest name of a node that ends where the instance name ends, at its _ or at the letter of a lane."""
        for end in range(len(name), 0, -1):
            if name[:end] in self.names and re.fullmatch("[ABC]?(_.*)?", name[end:]):
                return self.names[name[:end]]
        return TOP_LEVEL
