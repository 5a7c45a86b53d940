"""Area of a design part by part within milliseconds: the estimator with closed formulas instead of solved adders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from codesign.estimate import Estimator
from codesign.graph import Node, Products, Rtl, Scaling
from codesign.quick_adders import AdderCount, count_adders, signed_digits
from codesign.schedule import Schedule, held_bits
from codesign.serial import Serial
from codesign.valid_pulses import valid_pulses

# How a part is built: wired; scaling element by element, on its own or inside an engine; or as an engine that works
# phase by phase, with shared adders or with tables.
Style = Literal["wired", "scaling", "fused", "sums", "tables"]
STYLES: tuple[Style, ...] = ("wired", "scaling", "fused", "sums", "tables")


@dataclass(frozen=True)
class QuickEstimator(Estimator):
    """An estimator that solves for nothing."""

    _counts: dict[str, AdderCount] = field(default_factory=dict, repr=False)

    def adder_columns(self, node: Node, how: Products) -> list[tuple[int, int]]:
        """Return as many equal adders as are estimated, of the mean width."""
        found = self._adders(node, how)
        count = round(found.adders)
        return [(round(found.overlap / count), round(found.columns / count))] * count if count else []

    def cut_bits(self, node: Node, how: Products, inner_cuts: int) -> int:
        """Return the register bits of cuts: trees of the shared adders' mean width, cut at equal shares of their depth.

        A row of n terms has n**(1 - s) partial sums at share s of its depth.
        """
        if not inner_cuts:
            return 0
        found, digits = self._adders(node, how), signed_digits(how.matrix).sum(axis=1)
        shared = found.adders / max(float(np.maximum(digits - 1, 0).sum()), 1.0)
        width = found.columns / max(found.adders, 1.0)
        shares = np.arange(1, inner_cuts + 1) / (inner_cuts + 1)
        values = sum(float((digits[digits > 0] ** (1 - share)).sum()) for share in shares)
        return round(values * shared * width)

    def table_sums(self, how: Serial) -> float:
        """Return what tables take where weights of zero, which need no word, leave their share of them."""
        read = how.matrix[:, how.matrix.any(axis=0)]
        return super().table_sums(how) * float((read != 0).mean()) if read.size else 0.0

    def _adders(self, node: Node, how: Products) -> AdderCount:
        """Every block of rows by itself, equal ones counted once and taken as often as they are there."""
        if node.name not in self._counts:
            bits = np.array(self.graph.operand_types(node.name)[0].bounds.element_bits)
            known: dict[tuple[bytes, float], AdderCount] = {}
            found = []
            for rows in how.blocks if len(how.blocks) > 1 else (tuple(range(len(how.matrix))),):
                matrix = np.where(bits > 0, how.matrix[list(rows)], 0)
                read = matrix.any(axis=0)
                width = float(bits[read].mean()) if read.any() else 0.0
                key = (matrix[:, read].tobytes(), width)
                if key not in known:
                    known[key] = count_adders(matrix[:, read], width, self.fabric)
                found.append(known[key])
            self._counts[node.name] = AdderCount(
                *(
                    float(sum(numbers))
                    for numbers in zip(*((c.adders, c.columns, c.overlap) for c in found), strict=True)
                )
            )
        return self._counts[node.name]


@dataclass(frozen=True)
class Part:
    """A node of the dataflow graph: its style, area without registers, register bits, and how busy it is.

    `busy`: share of the cycles in which its operands change.
    """

    name: str
    style: Style
    logic: float
    register_bits: float
    busy: float


def parts(estimators: Mapping[Style, Estimator], schedule: Schedule) -> Iterator[Part]:
    """Yield the parts of a design, each from the estimator of its style."""
    graph = estimators["wired"].graph
    for name, slot in schedule.slots.items():
        node, operands = graph.by_name[name], graph.operand_types(name)
        how, cuts = node.op.rtl(slot.reuse, *operands), 0 if slot.is_serial else slot.latency_cycles
        style, busy = _style(how, is_fused=name in schedule.fused), 1 / schedule.ii_cycles
        if slot.is_serial:
            busy = slot.latency_cycles / schedule.ii_cycles
        estimator = estimators[style]
        bits = float(node.op.cost(slot.reuse, *operands).register_bits)
        if isinstance(how, Products):
            bits += estimator.cut_bits(node, how, cuts)
        registers = estimator.technology.register_area(1, estimator.copies) * bits
        logic = estimator.node_area(node, slot.reuse, cuts) - registers
        if name in schedule.fused:
            busy = 1.0
            logic *= _fused_share(estimator, schedule, name)
            bits -= graph.types[schedule.fused[name]].bounds.live_bits - graph.types[name].bounds.live_bits
        yield Part(name, style, logic, bits, busy)


def _style(how: Rtl, *, is_fused: bool) -> Style:
    if isinstance(how, Serial):
        return "sums" if how.phases.has_adders else "tables"
    if is_fused:
        return "fused"
    return "scaling" if isinstance(how, Scaling) else "wired"


def _fused_share(estimator: Estimator, schedule: Schedule, name: str) -> float:
    """The elements that stand in the engine of the node before, of all."""
    leader = schedule.fused[name]
    how = estimator.graph.by_name[leader].op.rtl(schedule.slots[leader].reuse, *estimator.graph.operand_types(leader))
    assert isinstance(how, Serial)
    return how.lanes * how.group_positions / estimator.graph.types[name].size


def register_bits(graph_parts: list[Part], estimator: Estimator, schedule: Schedule) -> int:
    """Return the register bits of a design before triplication; exact where no shared adder is cut."""
    inside = sum(part.register_bits for part in graph_parts)
    delayed = sum(name is None for name in valid_pulses(schedule).values())
    return round(inside + held_bits(estimator.graph, schedule) + delayed)
