"""Which designs an estimate was calibrated on, and whether another one lies among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from codesign.graph import Graph, Node, Wiring
from codesign.schedule import Schedule

CALIBRATED_KINDS = frozenset({"conv2d", "dense", "requantise"})


@dataclass(frozen=True)
class Range:
    """Least and largest value."""

    low: float
    high: float

    def covers(self, value: float) -> bool:
        """Whether the range, ends included, holds `value`."""
        return self.low <= value <= self.high


def sizes(graph: Graph, schedule: Schedule) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield every node with weights and the numbers that calibration varies."""
    for name, slot in schedule.slots.items():
        node = graph.by_name[name]
        if node.op.static_operands:
            yield name, _layer(graph, node, slot.reuse, 0 if slot.is_serial else slot.latency_cycles)


def _layer(graph: Graph, node: Node, reuse: int, cuts: int) -> dict[str, float]:
    data, weight = graph.operand_types(node.name)[:2]
    most = max(abs(int(weight.bounds.low.min())), abs(int(weight.bounds.high.max())))
    return {
        "outputs": float(weight.shape[0]),
        "inputs of an output": float(prod(weight.shape[1:])),
        "weight bits": float(most.bit_length() + 1),
        "data bits": float(data.fixed.width),
        "reuse factor": float(reuse),
        "pipeline cuts": float(cuts),
        "share of zero weights": float(np.mean(weight.bounds.low == 0)) if weight.is_constant else 0.0,
    }


def outside(graph: Graph, schedule: Schedule, ranges: Mapping[str, Range], clock_ns: float) -> tuple[str, ...]:
    """Return in which way a design lies outside of the calibrated ranges, one text each; none if it lies inside."""
    found = []
    for name, numbers in sizes(graph, schedule):
        for key, value in numbers.items():
            if not ranges[key].covers(value):
                found.append(f"node '{name}': {key} {value:g}, calibrated for {_text(ranges[key])}")
        if not graph.operand_types(name)[1].is_constant:
            found.append(f"node '{name}': programmable weights, calibrated for constant ones")
    for name in schedule.slots:
        kind = graph.by_name[name].op.kind
        is_wiring = isinstance(graph.by_name[name].op.rtl(1, *graph.operand_types(name)), Wiring)
        if kind not in CALIBRATED_KINDS and not is_wiring:
            found.append(f"node '{name}': operator {kind} is in no calibrated design")
    if not ranges["clock_ns"].covers(clock_ns):
        found.append(f"clock of {clock_ns:g} ns, calibrated for {_text(ranges['clock_ns'])}")
    return tuple(found)


def _text(one: Range) -> str:
    return f"{one.low:g} to {one.high:g}"
