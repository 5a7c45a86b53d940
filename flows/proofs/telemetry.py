"""State that is there to be read only: counters of errors, which a design without copies has not.

They are to differ after an upset. So they are left out of a proof, where it is shown that nothing but what is read on
the bus, the error flag and the counters themselves depends on them.
"""

from collections.abc import Collection, Sequence
from typing import Any

from codesign.errors import VerificationError
from codesign.flows.proofs.copies import Place, stored
from codesign.flows.proofs.edit import Editor, Module

READ_BACK = frozenset({"cfg_q", "tmr_err", "err"})  # outputs that may depend on a counter


def read_as_zero(module: Module, places: Collection[Place]) -> Module:
    """Return `module` with zero in all copies of `places`; `VerificationError` where others read them."""
    if not places:
        return module
    copies = stored(module)
    counters = [one for place in places for one in copies[place].values()]
    reached = _reached(module, [bit for one in counters for bit in one.bits], {one.cell for one in counters})
    ports = {name for name, port in module["ports"].items() if port["direction"] == "output"}
    wrong = sorted(name for name in ports - READ_BACK if reached & set(module["ports"][name]["bits"]))
    if wrong:
        raise VerificationError(f"output {wrong[0]} depends on {min(places).path}, which counts errors")
    editor = Editor(module)
    for one in counters:
        del editor.cells[one.cell]
    editor.replace_readers({bit: "0" for one in counters for bit in one.bits})
    return editor.module


def _reached(module: Module, start: Sequence[Any], own: Collection[str]) -> set[Any]:
    """Nets that depend on the nets `start` within a cycle; `VerificationError` if state other than `own` does."""
    readers: dict[Any, list[str]] = {}
    for name, cell in module["cells"].items():
        for pin, bits in cell["connections"].items():
            if cell["port_directions"][pin] == "input":
                for bit in bits:
                    readers.setdefault(bit, []).append(name)
    reached, queue = set(start), list(start)
    while queue:
        for name in readers.pop(queue.pop(), []):
            cell = module["cells"][name]
            if cell["type"] == "$dff":
                if name not in own:
                    raise VerificationError(f"state {name} depends on a counter of errors")
                continue
            for pin, bits in cell["connections"].items():
                if cell["port_directions"][pin] == "output":
                    queue += [bit for bit in bits if bit not in reached]
                    reached.update(bits)
    return reached
