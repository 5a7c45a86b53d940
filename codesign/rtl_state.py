"""Instances that hold state in the top level: registers, how they are triplicated, and how many bits they have."""

from codesign.graph import TensorType
from codesign.options import SELECTIVE
from codesign.protection import Protection
from codesign.rtl_register import LiveBits
from codesign.rtl_text import INDENT, instance, pick


class StateParts:
    """Emits registers and counts their bits: all, and those that are triplicated."""

    def __init__(self, protection: Protection) -> None:
        self.protection = protection
        self.register_bits = 0
        self.protected_bits = 0
        self.err_count = 0

    def err(self) -> str:
        """Return the next wire of the error vector."""
        self.err_count += 1
        return f"err[{self.err_count - 1}]"

    def count(self, name: str, bits: int, node: str | None) -> None:
        """Count the register bits of instance `name`, which belongs to `node` or to none."""
        self.register_bits += bits
        if self.tmr(name, node)[1] != "0" and self.protection.protects(node):
            self.protected_bits += bits

    def tmr(self, name: str, node: str | None) -> tuple[str, str]:
        """Return the parameter TMR of instance `name`, which belongs to `node` or to none."""
        protection = self.protection
        if protection.mode == SELECTIVE and node not in protection.nodes and name not in protection.selected:
            return "TMR", "0"
        return "TMR", protection.parameter(node)

    def value_register(self, node: str, value: TensorType, source: str, target: str, enable: str) -> list[str]:
        """Register a value; bits that interval analysis knows to be constant or copies of the sign are not stored."""
        live = LiveBits.of(value)
        if live.is_whole:
            return self.register(f"u_{target}", live.total, enable, (source, target), node)
        stored = f"{target}_live"
        constant = f"{INDENT}// {value.bits - live.total} of {value.bits} bits never change"
        if not live.total:
            return [constant, f"{INDENT}assign {target} =", *_ended(live.scatter(stored))]
        return [
            constant,
            f"{INDENT}wire [{live.total - 1}:0] {stored}, {stored}_next;",
            f"{INDENT}assign {stored}_next =",
            *_ended(live.gather(source)),
            *self.register(f"u_{target}", live.total, enable, (f"{stored}_next", stored), node),
            f"{INDENT}assign {target} =",
            *_ended(live.scatter(stored)),
        ]

    def register(self, name: str, bits: int, enable: str, wires: tuple[str, str], node: str | None = None) -> list[str]:
        """Return a register of `node`, or of none, between two `wires`.

        With a selection of bits it may become two: one of the protected bits, one of the others.
        """
        chosen = self.protection.selected.get(name, frozenset())
        if self.protection.mode != SELECTIVE or node in self.protection.nodes or len(chosen) in (0, bits):
            self.count(name, bits, node)
            return self._one_register(name, bits, self.tmr(name, node), enable, wires)
        self.register_bits += bits
        self.protected_bits += len(chosen)
        lines = []
        for suffix, tmr, kept in (("", "TMR", chosen), ("_single", "0", frozenset(range(bits)) - chosen)):
            data, result = (pick(wire, kept) for wire in wires)
            lines += self._one_register(f"{name}{suffix}", len(kept), ("TMR", tmr), enable, (data, result))
        return lines

    def _one_register(
        self, name: str, bits: int, tmr: tuple[str, str], enable: str, wires: tuple[str, str]
    ) -> list[str]:
        data, result = wires
        ports = [("clk", "clk"), ("rst", "rst"), ("en", enable), ("d", data), ("q", result), ("err", self.err())]
        return instance("tmr_register", [("WIDTH", str(bits)), tmr], name, ports)


def _ended(lines: list[str]) -> list[str]:
    return [*lines[:-1], f"{lines[-1]};"]
