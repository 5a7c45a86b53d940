"""Time of the check of triplication on a large generated netlist, and proof that it sees one wrong wire in it.

Usage: python -m benchmarks.tmr_checker [--flip-flops N]
Writes benchmarks/results/tmr_checker.json. Every bit stands in three flip-flops with a voter of five gates; what it
loads is a random function of voted bits; one error output shows every difference.
"""

import json
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from codesign.files import write_json
from codesign.flows.tmr_netlist import check_netlist
from codesign.flows.tmr_rules import Requirement

RESULT = Path(__file__).parent / "results" / "tmr_checker.json"
GATES = {"A": "$_AND_", "O": "$_OR_", "X": "$_XOR_"}
LOGIC_GATES = 6  # between registers, for each bit
SPAN = 64  # a bit loads a function of bits that are at most so far away


class _Writer:
    """Cells and nets of a flat module in the JSON form of Yosys."""

    def __init__(self) -> None:
        self.cells: dict[str, Any] = {}
        self.last_net = 1

    def net(self) -> int:
        self.last_net += 1
        return self.last_net

    def gate(self, kind: str, a: int, b: int) -> int:
        y = self.net()
        self._cell(GATES[kind], {"A": a, "B": b, "Y": y})
        return y

    def flip_flop(self, clock: int, d: int, q: int) -> None:
        self._cell("$_DFF_P_", {"C": clock, "D": d, "Q": q})

    def _cell(self, type_: str, pins: dict[str, int]) -> None:
        directions = {pin: "output" if pin in "YQ" else "input" for pin in pins}
        connections = {pin: [net] for pin, net in pins.items()}
        self.cells[f"c{len(self.cells)}"] = {
            **{"hide_name": 1, "type": type_, "parameters": {}, "attributes": {}},
            **{"port_directions": directions, "connections": connections},
        }


def netlist(bits: int, seed: int, unvoted: int | None = None) -> dict[str, Any]:
    """Return a module `wide` of triplicated bits; in bit `unvoted` one copy loads a function of its own value."""
    draw, writer = random.Random(seed), _Writer()
    clock, data = writer.net(), writer.net()
    copies = [tuple(writer.net() for _ in "ABC") for _ in range(bits)]
    voted, differences = [], []
    for a, b, c in copies:
        pairs = [writer.gate("A", *pair) for pair in ((a, b), (b, c), (a, c))]
        voted.append(writer.gate("O", writer.gate("O", pairs[0], pairs[1]), pairs[2]))
        differences.append(writer.gate("O", writer.gate("X", a, b), writer.gate("X", b, c)))
    for place, three in enumerate(copies):
        near = voted[max(place - SPAN, 0) : place + SPAN]
        loaded = writer.gate("X", data, voted[place])
        for _ in range(LOGIC_GATES - 1):
            loaded = writer.gate(draw.choice("AOX"), loaded, draw.choice(near))
        for letter, q in zip("ABC", three, strict=True):
            wrong = place == unvoted and letter == "B"
            writer.flip_flop(clock, writer.gate("O", loaded, q) if wrong else loaded, q)
    while len(differences) > 1:
        pairs_of_two = zip(differences[::2], differences[1::2], strict=False)
        odd = differences[-1:] if len(differences) % 2 else []
        differences = [writer.gate("O", one, two) for one, two in pairs_of_two] + odd
    ports = {
        "clk": {"direction": "input", "bits": [clock]},
        "d": {"direction": "input", "bits": [data]},
        "q": {"direction": "output", "bits": voted},
        "tmr_err": {"direction": "output", "bits": differences},
    }
    names = {f"r{place}.q{x}": [net] for place, three in enumerate(copies) for x, net in zip("ABC", three, strict=True)}
    return {
        "attributes": {"top": "1"},
        "ports": ports,
        "cells": writer.cells,
        "netnames": {name: {"hide_name": 0, "bits": bits, "attributes": {}} for name, bits in names.items()},
    }


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return the result, the wall time and the CPU time in seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, round(time.perf_counter() - wall, 1), round(time.process_time() - cpu, 1)


def measure(bits: int, unvoted: int | None) -> dict[str, Any]:
    """Write a netlist, check it in the mode `registers` and say what came out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "netlist.json"
        path.write_text(json.dumps({"modules": {"wide": netlist(bits, seed=1, unvoted=unvoted)}}), encoding="utf-8")
        report, wall_s, cpu_s = timed(
            lambda: check_netlist(path, "wide", Requirement(mode="registers", protected_bits=bits), None)
        )
    return {"flip_flops": 3 * bits, "violations": len(report.violations), "wall_s": wall_s, "cpu_s": cpu_s}


@click.command()
@click.option("--flip-flops", type=click.IntRange(min=3), default=100_002, show_default=True)
def main(flip_flops: int) -> None:
    """Check an intact netlist and one with a wrong wire."""
    bits = flip_flops // 3
    intact, broken = measure(bits, None), measure(bits, bits // 2)
    if intact["violations"] or not broken["violations"]:
        raise click.ClickException(f"the check is wrong: intact {intact}, broken {broken}")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    content = {"intact": intact, "one copy with feedback of its own": broken, "peak_memory_mib": peak_mib}
    write_json(RESULT, content)
    click.echo(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
