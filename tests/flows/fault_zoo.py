"""Small netlists of Yosys' gates, written as its JSON: registers in every state of protection."""

import json
from pathlib import Path


class Netlist:
    """Cells and ports of one flat module; every net is a number."""

    def __init__(self) -> None:
        self.nets, self.cells, self.ports, self.names = 2, {}, {}, {}

    def net(self) -> int:
        self.nets += 1
        return self.nets - 1

    def port(self, name: str, bits: list, direction: str = "input") -> list:
        self.ports[name] = {"direction": direction, "bits": bits}
        self.names[name] = {"hide_name": 0, "bits": bits, "attributes": {}}
        return bits

    def input(self, name: str) -> int:
        return self.port(name, [self.net()])[0]

    def output(self, name: str, bit) -> None:
        self.port(name, [bit], "output")

    def gate(self, kind: str, **pins) -> int:
        output = self.net()
        self.cells[f"g{len(self.cells)}"] = {"type": f"$_{kind}_", "connections": _bits({**pins, "Y": output})}
        return output

    def flip_flop(self, name: str, d, clock: int, q: int, kind: str = "DFF_P", **pins) -> int:
        connections = _bits({"D": d, "C": clock, "Q": q, **pins})
        self.cells[f"f{len(self.cells)}"] = {"type": f"$_{kind}_", "connections": connections}
        self.names[name] = {"hide_name": 0, "bits": [q], "attributes": {}}
        return q

    def vote(self, a: int, b: int, c: int) -> tuple[int, int]:
        """The majority, and whether a copy differs."""
        pairs = [self.gate("AND", A=x, B=y) for x, y in ((a, b), (b, c), (c, a))]
        voted = self.gate("OR", A=self.gate("OR", A=pairs[0], B=pairs[1]), B=pairs[2])
        return voted, self.gate("OR", A=self.gate("XOR", A=a, B=b), B=self.gate("XOR", A=b, B=c))

    def write(self, folder: Path) -> Path:
        module = {"ports": self.ports, "cells": self.cells, "netnames": self.names}
        path = folder / "netlist.json"
        path.write_text(json.dumps({"modules": {"top": module}}))
        return path


def _bits(pins: dict) -> dict:
    return {name: [bit] for name, bit in pins.items()}


def protected(*, flagged: bool = True, voted: bool = True, clocks: bool = False) -> Netlist:
    """A bit in three copies that loads d where en is high; one voter, or (clocks) a voter and a clock for each copy."""
    n = Netlist()
    edges = [n.input(f"clk{c}") for c in "ABC"] if clocks else [n.input("clk")] * 3
    resets = [n.input(f"rst{c}") for c in "ABC"] if clocks else [n.input("rst")] * 3
    d, en = n.input("d"), n.input("en")
    copies = [n.net() for _ in "ABC"]
    votes = [n.vote(*copies) for _ in range(3 if clocks else 1)]
    for lane, copy in enumerate("ABC"):
        held = votes[lane if clocks else 0][0] if voted else copies[lane]
        loaded = n.gate("MUX", A=held, B=d, S=en)
        n.flip_flop(f"q{copy}", loaded, edges[lane], copies[lane], "SDFF_PP0", R=resets[lane])
    n.output("q", n.vote(*[vote[0] for vote in votes])[0] if clocks else votes[0][0])
    n.output("tmr_err", votes[0][1] if flagged else "0")
    return n


def registered(kind: str, *, inverted: bool = False) -> Netlist:
    """A bit in three copies of flip-flop `kind` that loads its vote xor d; one copy may be inverted."""
    n = Netlist()
    clock, reset, d, voted = n.input("clk"), n.input("rst"), n.input("d"), n.net()
    pins = {"R": reset} if "_P" in kind and len(kind) > len("DFF_P") else {}
    pins |= {"S": "0"} if "SR" in kind else {}
    loaded = n.gate("XOR", A=voted, B=d)
    states = [n.flip_flop(f"q{c}", loaded, clock, n.net(), kind, **pins) for c in "AB"]
    last = n.flip_flop("other", n.gate("NOT", A=loaded) if inverted else loaded, clock, n.net(), kind, **pins)
    vote, differ = n.vote(*states, n.gate("NOT", A=last) if inverted else last)
    n.cells["voted"] = {"type": "$_BUF_", "connections": _bits({"A": vote, "Y": voted})}
    n.output("out", voted)
    n.output("tmr_err", differ)
    return n


def counted_errors() -> Netlist:
    """`protected`, with a registered flag, and a bit that inverts with every error."""
    n = protected(flagged=False)
    clk, rst = n.ports["clk"]["bits"][0], n.ports["rst"]["bits"][0]
    copies = [n.names[f"q{copy}"]["bits"][0] for copy in "ABC"]
    error = n.vote(*copies)[1]
    n.output("tmr_err", n.flip_flop("flag", error, clk, n.net(), "SDFF_PP0", R=rst))
    count = n.net()
    n.flip_flop("count_r", n.gate("XOR", A=error, B=count), clk, count, "SDFF_PP0", R=rst)
    n.output("count", count)
    return n


def pipeline(*, used: bool = True) -> Netlist:
    """Two single registers in a row behind d; what is not used is gated with a zero before the output."""
    n = Netlist()
    clk, rst, d = n.input("clk"), n.input("rst"), n.input("d")
    first = n.flip_flop("first", d, clk, n.net(), "SDFF_PP0", R=rst)
    second = n.flip_flop("second", first, clk, n.net(), "SDFF_PP0", R=rst)
    n.output("q", n.gate("AND", A=second, B="1" if used else "0"))
    n.output("alive", n.flip_flop("alive_r", d, clk, n.net(), "DFF_P"))
    return n


def toggle() -> Netlist:
    """A single register that inverts itself."""
    n = Netlist()
    clk, rst, q = n.input("clk"), n.input("rst"), n.net()
    n.flip_flop("q_r", n.gate("NOT", A=q), clk, q, "SDFF_PP0", R=rst)
    n.output("q", q)
    return n
