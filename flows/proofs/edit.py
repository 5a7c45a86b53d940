"""Changes to one flat module of Yosys JSON: new nets, gates and ports, and other drivers for nets."""

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

Module = dict[str, Any]  # a module of Yosys JSON
Bits = Sequence[Any]  # nets: numbers, or "0" and "1"


class Editor:
    """A copy of a module that is being changed; `module` is how it stands."""

    def __init__(self, module: Module) -> None:
        self.module: Module = copy.deepcopy({**module, "attributes": {}})
        nets = (bit for one in module["netnames"].values() for bit in one["bits"] if isinstance(bit, int))
        self._free = itertools.count(1 + max(nets, default=1))

    @property
    def cells(self) -> dict[str, Any]:
        """The cells by name."""
        cells: dict[str, Any] = self.module["cells"]
        return cells

    def port(self, direction: str, name: str, bits: Bits) -> Bits:
        """Add a port on `bits`."""
        self.module["ports"][name] = {"direction": direction, "bits": list(bits)}
        self.module["netnames"][name] = {"hide_name": 0, "bits": list(bits), "attributes": {}}
        return bits

    def input(self, name: str, width: int) -> Bits:
        """Add an input port; return its nets."""
        return self.port("input", name, self.nets(width))

    def nets(self, width: int) -> Bits:
        """Return nets that nothing uses."""
        return [next(self._free) for _ in range(width)]

    def gate(self, kind: str, a: Bits, b: Bits, y: Bits | None = None) -> Bits:
        """Add a bitwise cell of type `kind` ($xor, $and, $or); return its output, which is `y` if that is given."""
        result = self.nets(len(a)) if y is None else y
        parameters = {"A_SIGNED": 0, "B_SIGNED": 0, "A_WIDTH": len(a), "B_WIDTH": len(b), "Y_WIDTH": len(result)}
        self._add(kind, parameters, {"A": a, "B": b, "Y": result})
        return result

    def inverted(self, a: Bits) -> Bits:
        """Return every bit of `a` inverted."""
        return self.gate("$xor", a, ["1"] * len(a))

    def any_of(self, a: Bits) -> Bits:
        """Return one net: whether a bit of `a` is set."""
        result = self.nets(1)
        self._add("$reduce_or", {"A_SIGNED": 0, "A_WIDTH": len(a), "Y_WIDTH": 1}, {"A": a, "Y": result})
        return result

    def majority(self, a: Bits, b: Bits, c: Bits) -> Bits:
        """Return the bitwise majority."""
        pairs = [self.gate("$and", one, other) for one, other in ((a, b), (b, c), (c, a))]
        return self.gate("$or", self.gate("$or", pairs[0], pairs[1]), pairs[2])

    def replace_readers(self, substitutes: Mapping[Any, Any]) -> None:
        """Let all that reads a net of `substitutes` read its substitute; drivers stay."""
        for cell in self.cells.values():
            for pin, bits in cell["connections"].items():
                if cell["port_directions"][pin] == "input":
                    cell["connections"][pin] = [substitutes.get(bit, bit) for bit in bits]
        for name, port in self.module["ports"].items():
            if port["direction"] == "output":
                # A port and the net of its name are one wire: with other bits in one of them, the two would be shorted.
                self.port("output", name, [substitutes.get(bit, bit) for bit in port["bits"]])

    def _add(self, kind: str, parameters: Mapping[str, int], connections: Mapping[str, Bits]) -> None:
        directions = {pin: "output" if pin == "Y" else "input" for pin in connections}
        self.cells[f"added_{connections['Y'][0]}"] = {
            "hide_name": 0,
            "type": kind,
            "parameters": dict(parameters),
            "attributes": {},
            "port_directions": directions,
            "connections": {pin: list(bits) for pin, bits in connections.items()},
        }
