"""Scripts for the player: write, commit, stream, gate the clock; and what the outputs must then be."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codesign.files import read_json, replace_directory, write_json
from codesign.graph import Graph
from codesign.packing import pack
from codesign.register_map import RegisterMap
from codesign.rtl_weights import swap_of
from codesign.schedule import Schedule
from codesign.sim.run import run_bench
from codesign.verify import parameter_bytes, stimulus

INPUTS = ("rst", "cfg_rst", "clk_on", "in_valid", "in_data", "cfg_we", "cfg_address", "cfg_data")
OUTPUTS = ("out_valid", "out_data", "cfg_q", "cfg_read_ok", "cfg_write_ok", "tmr_err")


@dataclass
class Script:
    """Cycles to play: port values by name, what is not named is 0 (`clk_on`: 1; data and address: as before)."""

    cycles: list[dict[str, int]] = field(default_factory=list)

    def add(self, **values: int) -> int:
        """Add a cycle and return its number."""
        self.cycles.append({"clk_on": 1, **values})
        return len(self.cycles) - 1

    def idle(self, count: int) -> None:
        """Add cycles in which nothing happens."""
        for _ in range(count):
            self.add()

    def reset(self) -> None:
        """Reset everything."""
        for _ in range(2):
            self.add(rst=1, cfg_rst=1)

    def write(self, registers: RegisterMap, parameters: bytes) -> None:
        """Write all parameters, without a commit."""
        for byte, value in enumerate(parameters):
            self.add(cfg_we=1, cfg_address=registers.byte_address(byte), cfg_data=value)

    def play(self, program: Path, top: str, run_dir: Path) -> list[dict[str, int]]:
        """Play the script and return the outputs of every cycle by name."""
        held = ("in_data", "cfg_address", "cfg_data")
        rows = [[one.get(name, None if name in held else 0) for name in INPUTS] for one in self.cycles]
        rows[0] = [0 if value is None else value for value in rows[0]]
        script = {"inputs": INPUTS, "outputs": OUTPUTS, "cycles": rows}
        replace_directory(run_dir, lambda fresh: write_json(fresh / "play.json", script))
        run_bench(program, top, "codesign.sim.player", run_dir)
        return [dict(zip(OUTPUTS, row, strict=True)) for row in read_json(run_dir / "record.json")]


def packed_results(graph: Graph, values: dict[str, np.ndarray]) -> list[int]:
    """Return the result of every event as one word."""
    results, types = graph.evaluate(values), graph.types
    names = [port.node for port in graph.outputs]
    rows = pack([results[name] for name in names], [types[name].fixed for name in names])
    return [int.from_bytes(row.tobytes(), "little") for row in rows]


@dataclass(frozen=True)
class Swap:
    """One commit in a stream: the cycles of the script in which events entered, and the one of the commit."""

    entered: tuple[int, ...]
    committed: int
    end: int


class Stream:
    """Streams of random events through one design, each with a commit of the other one of two parameter sets."""

    def __init__(self, graph: Graph, schedule: Schedule, seed: int = 5) -> None:
        self.graph, self.schedule = graph, schedule
        self.registers = RegisterMap(graph.name, sum(graph.types[n.name].bits for n in graph.sources("parameter")))
        self.rng = np.random.default_rng(seed)
        self.sets = [self._parameters() for _ in range(2)]
        self.script = Script()
        self.script.reset()
        self.script.write(self.registers, parameter_bytes(graph, self.sets[1]))
        self.script.add(cfg_we=1, cfg_address=self.registers.control, cfg_data=1)
        self.script.idle(schedule.latency_cycles + 2 * schedule.ii_cycles + 4)
        self.swaps: list[Swap] = []
        self.inputs = {p.node: np.empty((0, *graph.types[p.node].shape), np.int64) for p in graph.inputs}

    def _parameters(self) -> dict[str, np.ndarray]:
        nodes = self.graph.sources("parameter")
        return {n.name: self.rng.integers(n.op.fixed.low, n.op.fixed.high + 1, n.op.shape) for n in nodes}

    def swap(self, before: int, after: int, interval: int, gated: frozenset[int] = frozenset()) -> None:
        """Stream for `before` ticks, commit the next set in mid stream, stream on for `after` ticks, drain.

        An event enters every `interval` ticks; `gated` are cycles around the commit (0) in which `clk` stands still.
        """
        self.script.write(self.registers, parameter_bytes(self.graph, self.sets[len(self.swaps) % 2]))
        words = self._events(-(-(before + after) // interval))
        entered, committed, tick, cycle = [], -1, 0, -before
        while tick < before + after or committed < 0:
            ticking = cycle not in gated
            event = tick % interval == 0 and tick < before + after
            values = {"clk_on": int(ticking), "in_valid": int(event)}
            if event:
                values["in_data"] = words[tick // interval]
            if cycle == 0:
                values |= {"cfg_we": 1, "cfg_address": self.registers.control, "cfg_data": 1}
            number = self.script.add(**values)
            committed = number if cycle == 0 else committed
            if event and ticking:
                entered.append(number)
            tick, cycle = tick + ticking, cycle + 1
        self.script.idle(2 * self.schedule.latency_cycles + 2 * self.schedule.ii_cycles + 2)
        self.swaps.append(Swap(tuple(entered), committed, len(self.script.cycles)))

    def _events(self, count: int) -> list[int]:
        for port in self.graph.inputs:
            fixed, shape = self.graph.types[port.node].fixed, self.graph.types[port.node].shape
            fresh = self.rng.integers(fixed.low, fixed.high + 1, (count, *shape))
            self.inputs[port.node] = np.concatenate([self.inputs[port.node], fresh])
        words = stimulus(self.graph, {name: values[-count:] for name, values in self.inputs.items()})
        return [int.from_bytes(row.tobytes(), "little") for row in words]

    def expected(self) -> list[list[int]]:
        """Return the packed result of every event under each of the two sets."""
        return [packed_results(self.graph, {**self.inputs, **chosen}) for chosen in self.sets]

    def first_new(self, swap: Swap) -> int:
        """Return how many events of `swap` are to see the old set: those up to the cycle in which the swap starts."""
        quiet = swap_of(self.graph, self.schedule).quiet_cycles
        since = quiet
        for number in range(swap.entered[0], swap.end):
            if not self.script.cycles[number]["clk_on"]:
                continue
            since = 0 if number in swap.entered else since + 1
            if number > swap.committed and since >= quiet:
                return sum(one <= number for one in swap.entered)
        raise AssertionError("the swap never starts")

    def check(self, record: list[dict[str, int]]) -> list[int]:
        """Every event sees one whole set, the old one up to the swap; return how many saw the old one, by swap."""
        expected, done, counts = self.expected(), 0, []
        first = self.swaps[0].entered[0]
        valid = [i for i in range(first, len(record)) if record[i]["out_valid"] and self.script.cycles[i]["clk_on"]]
        results = [record[i]["out_data"] for i in valid]
        assert len(results) == sum(len(swap.entered) for swap in self.swaps)
        for number, swap in enumerate(self.swaps):
            events = range(done, done + len(swap.entered))
            new = number % 2
            old_count = self.first_new(swap)
            for event in events:
                wanted = expected[1 - new if event - done < old_count else new][event]
                assert results[event] == wanted, f"swap {number}, event {event - done} of {old_count} old: mixed"
            counts.append(old_count)
            done += len(swap.entered)
        return counts
