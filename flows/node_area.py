"""Area and cells of each node of the dataflow graph, which add up to those of the netlist exactly.

Cell areas are decimal numbers in a library; they are added as decimal numbers, so that no rounding stands between the
parts and the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from codesign.errors import VerificationError
from codesign.flows.liberty import Library


@dataclass(frozen=True)
class NodeCells:
    """What one node, or the whole netlist, is made of; areas are sums of cell areas."""

    area_um2: float
    sequential_area_um2: float
    cell_count: int
    flip_flop_bits: int


def cells_of(counts: Mapping[str, int], library: Library) -> NodeCells:
    """Return area and numbers of cells that are given by type; types that are no cells of the library have no area."""
    areas = {name: decimal(library.cells[name].area_um2) * n for name, n in counts.items() if name in library.cells}
    storage = {name: counts[name] for name in areas if library.cells[name].flip_flop is not None}
    return NodeCells(
        float(sum(areas.values(), Decimal(0))),
        float(sum((areas[name] for name in storage), Decimal(0))),
        sum(counts.values()),
        sum(storage.values()),
    )


def decimal(value: float) -> Decimal:
    """Return the shortest decimal number that stands for `value`: the one in the file it was read from."""
    return Decimal(repr(value))


def require_whole(whole: NodeCells, parts: Mapping[str, NodeCells]) -> None:
    """`VerificationError` unless the parts of a netlist sum to the whole exactly; no parts are no claim."""
    for name in ("area_um2", "sequential_area_um2", "flip_flop_bits") if parts else ():
        found = sum((decimal(getattr(part, name)) for part in parts.values()), Decimal(0))
        if found != decimal(getattr(whole, name)):
            raise VerificationError(f"{name} of the nodes sums to {found}, of the netlist to {getattr(whole, name)}")
