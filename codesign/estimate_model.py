"""Area, registers, latency and power of a scheduled design by formulas calibrated on synthesised designs.

The constants are data: `codesign/data/estimates/<technology>.json`, which `python -m codesign.flows.fit_estimates`
writes with their errors and with the range of designs that they were fitted to. docs/estimate.md has the formulae.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from codesign.delay import Areas, Technology, technology
from codesign.errors import BadInputError
from codesign.estimate_range import Range, outside
from codesign.files import read_json
from codesign.fixed import Integers
from codesign.graph import Graph
from codesign.quick_estimate import STYLES, Part, QuickEstimator, Style, parts, register_bits
from codesign.schedule import Schedule

ESTIMATED = ("nangate45", "xcup")
# What the energy of a cycle is a sum of: codesign.estimate_model.energy_terms.
ENERGY_TERMS = ("wired", "sums", "tables", "flip_flops", "events", "leakage")
CALIBRATED_MODES = ("none", "registers")
TOGGLES = 0.5  # of every bit from one random value to the next


@dataclass(frozen=True)
class EstimateModel:
    """Constants: areas by style, area of a register bit and what a protected one takes on top, pJ by energy term.

    `errors_percent` and `ranges` as they were measured in calibration, for people and for `outside`.
    """

    technology: Technology
    areas: Mapping[Style, Areas]
    register_area: float
    protected_area: float
    energies: Mapping[str, float]
    errors_percent: Mapping[str, Any]
    ranges: Mapping[str, Range]
    points: int

    def estimators(self, graph: Graph) -> dict[Style, QuickEstimator]:
        """Return an estimator of every style, without registers."""
        return {style: QuickEstimator(graph, replace(self.technology, areas=self.areas[style]), 1) for style in STYLES}


@dataclass(frozen=True)
class Estimate:
    """What a design is estimated to take; area in the unit of the technology, by node and ("") between nodes.

    `register_bits` before triplication. `power_mw` is None where the technology has no calibrated power. `warnings` say
    in which way the design lies outside of what the formula was calibrated on.
    """

    area: float
    area_unit: str
    register_bits: int
    flip_flop_bits: int
    latency_cycles: int
    ii_cycles: int
    power_mw: float | None
    nodes: Mapping[str, float]
    warnings: tuple[str, ...]


def estimate(
    graph: Graph, schedule: Schedule, model: EstimateModel, *, tmr: str, clock_ns: float, events: Mapping[str, Integers]
) -> Estimate:
    """Estimate a scheduled graph that is protected in mode `tmr`; `events` by input (events, *shape) for the power."""
    estimators = model.estimators(graph)
    found = list(parts(estimators, schedule))
    bits = register_bits(found, estimators["wired"], schedule)
    lanes = 3 if tmr.startswith("full") else 1
    protected = 0 if tmr == "none" else bits
    nodes = {part.name: lanes * part.logic + model.register_area * part.register_bits for part in found}
    between = bits - sum(part.register_bits for part in found)
    nodes[""] = model.register_area * between + model.protected_area * protected
    area, flip_flops = sum(nodes.values()), bits + 2 * protected
    power = None
    if model.energies:
        busy = [replace(part, logic=lanes * part.logic) for part in found]
        terms = energy_terms(graph, schedule, busy, events, flip_flop_bits=flip_flops, leaking=area * clock_ns)
        power = sum(model.energies[name] * terms[name] for name in ENERGY_TERMS) / clock_ns
    warnings = outside(graph, schedule, model.ranges, clock_ns)
    if tmr not in CALIBRATED_MODES:
        warnings = (*warnings, f"triplication {tmr}: calibrated for {' and '.join(CALIBRATED_MODES)}")
    latency, ii = schedule.latency_cycles, schedule.ii_cycles
    return Estimate(area, model.technology.area_unit, bits, flip_flops, latency, ii, power, nodes, warnings)


def energy_terms(
    graph: Graph,
    schedule: Schedule,
    found: Sequence[Part],
    events: Mapping[str, Integers],
    *,
    flip_flop_bits: int,
    leaking: float,
) -> dict[str, float]:
    """Return what the energy of a clock cycle is linear in.

    By style, logic area times the share of the cycles in which it works; wired logic also times how often its operand's
    bits toggle from event to event, relative to random ones. Flip-flops for the clock, flip-flops of one event per
    interval for the data, and `leaking`, the area times the clock period.
    """
    rates = toggle_rates(graph, events)
    terms = dict.fromkeys(ENERGY_TERMS, 0.0)
    for part in found:
        is_wired = part.style in {"wired", "scaling"}
        style = "wired" if is_wired else "tables" if part.style == "tables" else "sums"
        operands = [name for name in graph.by_name[part.name].operands if name not in graph.static]
        rate = float(np.mean([rates[name] for name in operands])) / TOGGLES if is_wired else 1.0
        terms[style] += part.logic * part.busy * rate
    terms |= {"flip_flops": flip_flop_bits, "events": flip_flop_bits / schedule.ii_cycles, "leakage": leaking}
    return terms


def toggle_rates(graph: Graph, events: Mapping[str, Integers]) -> dict[str, float]:
    """Return the toggles per live bit of every value from one event to the next."""
    rates = {}
    for name, values in graph.evaluate(events).items():
        if name in graph.static:
            continue
        value = graph.types[name]
        changed = (values[1:] ^ values[:-1]) & ((1 << value.fixed.width) - 1)
        rates[name] = float(np.bitwise_count(changed).sum()) / max(value.bounds.live_bits * len(changed), 1)
    return rates


@cache
def estimate_model(name: str) -> EstimateModel:
    """Return the calibrated model of a technology; `BadInputError` listing those that there are."""
    if name not in ESTIMATED:
        raise BadInputError(f"no calibrated estimates for technology {name!r}: choose one of {', '.join(ESTIMATED)}")
    with resources.as_file(resources.files("codesign.data") / "estimates" / f"{name}.json") as path:
        return read_model(read_json(path))


def read_model(content: Mapping[str, Any]) -> EstimateModel:
    """Return the model that a file of constants holds."""
    return EstimateModel(
        technology(content["technology"]),
        {style: Areas(**content["areas"][style]) for style in STYLES},
        content["register_area"],
        content["protected_area"],
        content["energies_pj"],
        content["errors_percent"],
        {key: Range(*pair) for key, pair in content["ranges"].items()},
        content["points"],
    )
