"""Proof, read off the source, that the lanes of a triplicated module share nothing but voters and fan-outs.

A signal xA stands in lane A where xB and xC are declared beside it. An assignment, a process or an instance without
lanes reads and drives one lane alone, or what stands once alone; lanes become one signal in a `majority_voter` of all
three, and one signal becomes lanes in a `tmr_fanout`. A clock that stands once may drive all lanes.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from codesign.flows.tmr_function import VOTER
from codesign.flows.verilog_tree import names, signals, targets, walk
from codesign.verilog_names import LANES

with warnings.catch_warnings():
    # pyverilog 1.3.0 leaves its VERSION file open when it is imported.
    warnings.simplefilter("ignore", ResourceWarning)
    from pyverilog.vparser import ast

FANOUT = "tmr_fanout"
CLOCKS = {"clk", "cfg_clk"}
SINGLE = ""


def lane_fault(module: Any, modules: Mapping[str, Any]) -> tuple[Any, str] | None:
    """Return the first node of a module that mixes lanes and why it does, None if none does.

    `module` is a syntax tree, `modules` those of all modules by name.
    """
    return next(_Lanes(module, modules).faults(), None)


def has_lanes(module: Any) -> bool:
    """Whether any signal of a module stands in lanes."""
    declared = signals(module)
    return any(_is_laned(name, declared) for name in declared)


def _is_laned(name: str, declared: frozenset[str]) -> bool:
    return len(name) > 1 and name[-1] in LANES and all(name[:-1] + lane in declared for lane in LANES)


class _Lanes:
    """The lanes of one module."""

    def __init__(self, module: Any, modules: Mapping[str, Any]) -> None:
        self.module = module
        self.modules = modules
        self.declared = signals(module)

    def lane(self, name: str) -> str:
        """The lane of a signal, "" if it stands once."""
        return name[-1] if _is_laned(name, self.declared) else SINGLE

    def lanes(self, found: Iterable[str]) -> frozenset[str]:
        """The lanes of those of the names that are signals."""
        return frozenset(self.lane(name) for name in found if name in self.declared)

    def faults(self) -> Iterator[tuple[Any, str]]:
        """Yield every statement that mixes lanes, and why."""
        for node in walk(self.module):
            if isinstance(node, ast.Assign):
                yield from self._one_lane(node, targets(node.left) | names(node.left) | names(node.right))
            elif isinstance(node, ast.Always):
                yield from self._one_lane(node, names(node.statement))
            elif isinstance(node, ast.Instance):
                yield from self._instance(node)

    def _one_lane(self, node: Any, found: Iterable[str]) -> Iterator[tuple[Any, str]]:
        lanes = self.lanes(found)
        if len(lanes) > 1:
            yield node, f"one statement reads or drives lanes {', '.join(sorted(lane or 'once' for lane in lanes))}"

    def _instance(self, node: Any) -> Iterator[tuple[Any, str]]:
        ports = {port.portname: names(port.argname) for port in node.portlist if port.argname is not None}
        if node.module == VOTER:
            yield from self._voter(node, ports)
            return
        own = signals(self.modules[node.module])
        laned = {port: found for port, found in ports.items() if _is_laned(port, own)}
        for port, found in laned.items():
            wanted = {port[-1]} | ({SINGLE} if port[:-1] in CLOCKS and found <= CLOCKS else set())
            if not self.lanes(found) <= wanted:
                yield node, f"instance {node.name}: port {port} is not connected to lane {port[-1]} alone"
        others = [name for port, found in ports.items() if port not in laned for name in found]
        if laned and not self.lanes(others) <= {SINGLE}:
            yield node, f"instance {node.name}: what stands once is connected to a lane"
        if not laned:
            yield from self._one_lane(node, others)

    def _voter(self, node: Any, ports: Mapping[str, frozenset[str]]) -> Iterator[tuple[Any, str]]:
        """A voter reads the three lanes of one signal, in order."""
        read = [name for port in "abc" for name in ports.get(port, frozenset()) if name in self.declared]
        if [self.lane(name) for name in read] != list(LANES) or len({name[:-1] for name in read}) != 1:
            yield node, f"instance {node.name}: a voter must read lanes A, B and C of one signal, not {', '.join(read)}"
