"""Triplication of whole modules by source: every signal x becomes xA, xB and xC, every assignment and process stands
three times, and every register and memory becomes the form whose copies have lanes of their own.

Where a signal that stands once is read by triplicated logic, a `tmr_fanout` makes lanes of it; where triplicated logic
drives what stands once, a `majority_voter` votes. Instances without state stand three times; modules with state are
triplicated inside, under the name `<module>_full`. Error flags stand once. The names are those of CERN's TMRG.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from codesign.errors import BadInputError
from codesign.verilog_names import LANES
from codesign.verilog_source import Connection, Item, ModuleSource, read_module

STATE = {"tmr_register": "tmr_register_full", "tmr_memory": "tmr_memory_full"}
SUFFIX = "_full"
CLOCKS, RESETS = ("clk", "cfg_clk"), ("rst", "cfg_rst")


@dataclass(frozen=True)
class Scope:
    """What is triplicated at the top: which signals, and whether clock and reset come three times."""

    is_triple: Callable[[str], bool]
    clocks: bool


def triplicate(files: Mapping[str, str], top: str, scope: Scope) -> dict[str, str]:
    """Return the modules (name to text) of the design `top`, triplicated within `scope`.

    `files` holds every module of the design once and the templates of the lanes: `tmr_register_full`,
    `tmr_memory_full`, `tmr_fanout`, `majority_voter`. `BadInputError` where a name of a lane is taken.
    """
    sources = {name: read_module(text) for name, text in files.items()}
    stateful = _stateful(sources)
    texts = dict(files)
    for name in stateful - {top}:
        texts[name + SUFFIX] = _Triplication(sources[name], sources, stateful, None).text
    texts[top] = _Triplication(sources[top], sources, stateful, scope).text
    return _reachable(texts, top)


def _is_error(port: str) -> bool:
    """Whether a port carries error flags."""
    return port == "err" or port.endswith("_err")


def _stateful(sources: Mapping[str, ModuleSource]) -> frozenset[str]:
    """Modules that hold registers or memories, directly or further down; the state templates are not among them."""
    found: set[str] = set()
    while True:
        holders = {
            name
            for name, source in sources.items()
            if name not in found and any(item.module in found | STATE.keys() for item in source.instances)
        } - {*STATE, *STATE.values()}
        if not holders:
            return frozenset(found)
        found |= holders


def _reachable(texts: Mapping[str, str], top: str) -> dict[str, str]:
    found, queue = {}, [top]
    while queue:
        name = queue.pop()
        if name not in found:
            found[name] = texts[name]
            queue += [item.module for item in read_module(texts[name]).instances]
    return {name: found[name] for name in sorted(found)}


class _Triplication:
    """The triplicated text of one module; `scope` is None for a module in which everything is triplicated."""

    def __init__(
        self,
        source: ModuleSource,
        sources: Mapping[str, ModuleSource],
        stateful: frozenset[str],
        scope: Scope | None,
    ) -> None:
        self.source = source
        self.sources = sources
        self.stateful = stateful
        self.scope = scope
        self.errors = self._error_signals()
        self.fanned: dict[str, None] = {}
        self.voted: dict[str, None] = {}

    def _error_signals(self) -> frozenset[str]:
        """Signals that carry error flags, and what is assigned from such alone: they stand once."""
        found = {name for name in self.source.ports if _is_error(name)}
        for item in self.source.instances:
            if self._holds_state(item.module):
                found |= {name for one in item.connections if _is_error(one.port) for name in one.signals}
        while derived := {name for item in self.source.items for name in self._derived(item, found)} - found:
            found |= derived
        return frozenset(found)

    def _derived(self, item: Item, errors: set[str]) -> tuple[str, ...]:
        """What an assignment drives, if it reads errors and nothing else."""
        if item.kind != "assign":
            return ()
        read = self.source.signals_in(item.span) - set(item.targets)
        return item.targets if read and read <= errors else ()

    def _holds_state(self, module: str) -> bool:
        return module in self.stateful or module in STATE

    def is_triple(self, name: str) -> bool:
        """Whether signal `name` of this module stands three times."""
        if name in self.errors:
            return False
        if self.scope is None:
            return True
        if name in (*CLOCKS, *RESETS) and self.scope.clocks:
            return True
        is_input = name in self.source.ports and self.source.ports[name].direction == "input"
        return not is_input and self.scope.is_triple(name)

    @property
    def text(self) -> str:
        """The Verilog text."""
        source = self.source
        body = source.replace({item.span: self._item(item) for item in source.items})  # finds what is fanned out, voted
        declared, placed = self._crossings()
        fixed = ["    localparam TMR = 1;"] if self.scope is None and re.search(r"\bTMR\b", body) else []
        lines = [*self._header(), *fixed, *declared, body.strip("\n").rstrip(), *placed, "endmodule"]
        return "\n".join(lines) + "\n"

    def _header(self) -> list[str]:
        source = self.source
        name = source.name + (SUFFIX if self.scope is None else "")
        comment = self._comment(name)
        uses_tmr = self.scope is not None and any(self._hands_tmr_down(item) for item in source.instances)
        parameters = [text for key, text in source.parameters.items() if key != "TMR" or uses_tmr]
        ports = [line for key in source.ports for line in self._port(key)]
        opened = [f"module {name} #(", *_listed(parameters), ") ("] if parameters else [f"module {name} ("]
        return [*comment, *opened, *_listed(ports), ");"]

    def _comment(self, name: str) -> list[str]:
        """The comment of the module, with what its lanes are."""
        if self.scope is None:
            about = f"// {name}: {self.source.name} with every signal three times."
            return [about, "// Lanes: signal x stands as xA, xB, xC; error flags stand once.", *self.source.comment]
        first, *others = self.source.comment or ("",)
        lanes = ["// Lanes: signal x stands as xA, xB, xC; inputs are fanned out, outputs voted once."]
        if self.scope.clocks:
            lanes.append(
                "// Clocks and resets come three times (clkA, clkB, clkC): one clock in three trees, in phase."
            )
        return [first, *lanes, *others]

    def _hands_tmr_down(self, item: Item) -> bool:
        """Whether an instance stands as before and gets the parameter TMR of this module."""
        return not self._is_triple_item(item) and any(one.text == "TMR" for one in item.parameters)

    def _port(self, name: str) -> list[str]:
        port = self.source.ports[name]
        is_voted = self.scope is not None and port.direction == "output"
        lanes = LANES if self.is_triple(name) and not is_voted else ("",)
        return [f"{port.declaration}{name}{lane}" for lane in lanes]

    def _is_triple_item(self, item: Item) -> bool:
        kinds = {self.is_triple(name) for name in self._driven(item) if name not in self.errors}
        if len(kinds) > 1:
            raise BadInputError(f"module {self.source.name}: one statement drives signals inside and outside of a lane")
        return kinds == {True}

    def _driven(self, item: Item) -> Iterable[str]:
        if item.kind != "instance":
            return item.targets
        ports = self.sources[item.module].ports
        return [name for one in item.connections if ports[one.port].direction == "output" for name in one.signals]

    def _item(self, item: Item) -> str:
        if item.kind == "declaration":
            return self._declaration(item)
        if not self._is_triple_item(item):
            return self._single(item)
        if item.kind == "instance" and self._holds_state(item.module):
            return self._state_instance(item)
        return f"\n{item.indent}".join(self._lane(item, lane) for lane in LANES)

    def _declaration(self, item: Item) -> str:
        """Declare triplicated signals with their lanes; a value is that of each lane."""
        parts = []
        for name, (span, has_value) in item.declared.items():
            if self.is_triple(name):
                parts += [self.source.renamed(span, self._names(lane)) for lane in LANES]
            else:
                parts.append(self.source.renamed(span, self._voted_names()) if has_value else name)
        if not any(has_value for _, has_value in item.declared.values()):
            return f"{item.head}{', '.join(parts)};"
        return f"\n{item.indent}".join(f"{item.head}{part};" for part in parts)

    def _single(self, item: Item) -> str:
        text = self.source.renamed(item.span, self._voted_names())
        if self.scope is not None and "tmr_err" in item.targets:
            # The votes of the top level are part of the design's error flag.
            flag = text.removeprefix("assign tmr_err = ").removesuffix(";")
            return f"assign tmr_err = ({flag}) | (|vote_err);"
        return text

    def _voted_names(self) -> Callable[[str], str]:
        def name_of(name: str) -> str:
            if name not in self.source.signals or not self.is_triple(name):
                return name
            if name in (*CLOCKS, *RESETS):
                return f"{name}{LANES[0]}"  # what stands once has the clock of the first lane
            if self.scope is None:
                raise BadInputError(f"module {self.source.name}: an error flag reads {name!r}, which stands in lanes")
            self.voted[name] = None
            return name

        return name_of

    def _names(self, lane: str) -> Callable[[str], str]:
        def name_of(name: str) -> str:
            if name not in self.source.signals:
                return name
            if not self.is_triple(name):
                if name in CLOCKS:
                    return name  # the same net: a gate in the clock would only add delay
                self.fanned[name] = None
            lanes = f"{name}{lane}"
            if lanes in self.source.signals:
                raise BadInputError(f"module {self.source.name}: {lanes!r} is the name of a lane: rename a node")
            return lanes

        return name_of

    def _lane(self, item: Item, lane: str) -> str:
        """One of three copies of an assignment, a process or an instance without state."""
        return self.source.renamed(item.span, self._names(lane), lane)

    def _state_instance(self, item: Item) -> str:
        """An instance of a module with state: one, with every port three times."""
        parameters = [f".{one.port}({one.text})" for one in item.parameters if one.port != "TMR"]
        ports = [line for one in item.connections for line in self._connection(one)]
        module = STATE.get(item.module, item.module + SUFFIX)
        opened = f"{module} #({', '.join(parameters)}) {item.name} (" if parameters else f"{module} {item.name} ("
        listed = f",\n{item.indent}    ".join(ports)
        return f"{opened}\n{item.indent}    {listed}\n{item.indent});"

    def _connection(self, one: Connection) -> list[str]:
        if _is_error(one.port):
            return [f".{one.port}({one.text})"]
        lanes = [f".{one.port}{lane}({self.source.renamed(one.span, self._names(lane))})" for lane in LANES]
        joined = ", ".join(lanes)
        return [joined] if len(joined) < 100 else lanes

    def _crossings(self) -> tuple[list[str], list[str]]:
        """Declarations, and behind all others the instances, of what makes lanes of one signal or one of lanes."""
        outputs = [name for name, port in self.source.ports.items() if port.direction == "output"]
        voted = [*self.voted, *(name for name in outputs if self.is_triple(name))] if self.scope is not None else []
        # An output is declared as a port, its lanes are not; of other signals it is the other way round.
        wires = [(name, name in self.fanned or name in outputs) for name in (*self.fanned, *voted)]
        declared = [self._wires(name, LANES if in_lanes else ("",)) for name, in_lanes in wires]
        placed = [line for name in self.fanned for line in self._fan_out(name)]
        placed += [line for number, name in enumerate(voted) for line in self._vote(name, number)]
        if self.scope is not None:
            declared.append(f"    wire [{max(len(voted), 1) - 1}:0] vote_err;")
            placed += [] if voted else ["    assign vote_err = 1'b0;"]
        title = ["", "    // into lanes and out of them"] if self.fanned or voted else []
        return declared, [*title, *placed]

    def _wires(self, name: str, lanes: Iterable[str]) -> str:
        return f"    wire {self._size(name)[0]}{', '.join(f'{name}{lane}' for lane in lanes)};"

    def _fan_out(self, name: str) -> list[str]:
        lanes = ", ".join(f".y{lane}({name}{lane})" for lane in LANES)
        return [
            f"    (* keep_hierarchy *) tmr_fanout #(.WIDTH({self._size(name)[1]})) fan_{name} (",
            f"        .x({name}), {lanes}",
            "    );",
        ]

    def _vote(self, name: str, number: int) -> list[str]:
        """A voter of what leaves the lanes; its flag is part of the design's."""
        ports = ", ".join(f".{port}({name}{lane})" for port, lane in zip("abc", LANES, strict=True))
        return [
            f"    majority_voter #(.WIDTH({self._size(name)[1]})) vote_{name} (",
            f"        {ports}, .y({name}), .err(vote_err[{number}])",
            "    );",
        ]

    def _size(self, name: str) -> tuple[str, str]:
        """The range of a signal as text, and its width."""
        high_low = self.source.signals[name]
        if not high_low:
            return "", "1"
        return f"[{high_low}] ", _width(high_low)


def _width(high_low: str) -> str:
    """Return the width of a range `high:low` whose ends may be expressions."""
    high, _, low = high_low.rpartition(":")
    if high.isdigit() and low.strip().isdigit():
        return str(int(high) - int(low) + 1)
    return f"({high}) - ({low}) + 1"


def _listed(texts: list[str]) -> list[str]:
    return [f"    {text}," for text in texts[:-1]] + [f"    {text}" for text in texts[-1:]]
