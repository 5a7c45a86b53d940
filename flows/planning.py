"""When and how every node of a design runs: as the user says, or as chosen for a technology."""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from codesign.delay import technology
from codesign.errors import BadInputError
from codesign.files import read_json
from codesign.flows.design import Bound
from codesign.graph import Graph
from codesign.optimise import Limits, optimise
from codesign.options import SELECTIVE, RunOptions
from codesign.protection import Protection, RankedBit, select
from codesign.row_schedule import Architecture as RowArchitecture
from codesign.row_schedule import RowSchedule, row_schedule
from codesign.rows import row_program
from codesign.rtl import Rtl, emit
from codesign.schedule import Schedule, schedule
from codesign.unsigned_form import Fabric


def compile_bound(bound: Bound, options: RunOptions, clock_ns: float) -> Rtl:
    """Return the Verilog of a bound design; `BadInputError` for options that do not go together or cannot be met."""
    architecture = options.architecture or bound.architecture
    if architecture != "nodes":
        return _compile_rows(bound, options, clock_ns, architecture)
    if options.engines:
        raise BadInputError("--engines needs --architecture parallel or streaming")
    reuse, inner_cuts = dict(options.reuse), dict(options.inner_cuts)
    if options.technology is None:
        _refuse_limits(options, "--technology: without one, --reuse and --cuts say all")
        plan = schedule(bound.graph, reuse, bound.cuts, inner_cuts)
        return _emit(bound, plan, options, clock_ns)
    chosen, copies = technology(options.technology), register_copies(options)
    limits = Limits(options.ii_cycles, options.latency_cycles, options.area_budget)
    choice = optimise(bound.graph, chosen, clock_ns, reuse, limits, inner_cuts=inner_cuts, copies=copies)
    return _emit(bound, choice.schedule, options, clock_ns, chosen.fabric, choice.record())


def _emit(  # noqa: PLR0917
    bound: Bound,
    plan: Schedule | RowSchedule,
    options: RunOptions,
    clock_ns: float,
    fabric: Fabric = "cells",
    choice: Mapping[str, Any] | None = None,
) -> Rtl:
    """Emit a plan with what the user says of triplication and interfaces."""
    return emit(
        bound.graph,
        plan,
        tmr=protection_of(options),
        clock_ns=clock_ns,
        fabric=fabric,
        choice=choice,
        bus=options.config_bus,
        wrapper=options.wrapper,
    )


def protection_of(options: RunOptions) -> Protection:
    """Return what the user says is triplicated; with "selective:FILE" the bits that the ranking in FILE puts first."""
    nodes = dict(options.tmr_nodes)
    mode, _, file = options.tmr.partition(":")
    if mode != SELECTIVE:
        if options.tmr_budget is not None:
            raise BadInputError(f"--tmr-budget needs --tmr {SELECTIVE}:FILE")
        return Protection(mode, nodes)
    if options.tmr_budget is None:
        raise BadInputError(f"--tmr {SELECTIVE}:FILE needs --tmr-budget: how many register bits may stand three times")
    return Protection(mode, nodes, select(read_ranking(Path(file)), options.tmr_budget))


def read_ranking(path: Path) -> tuple[RankedBit, ...]:
    """Read the register bits that a campaign ranked; `BadInputError` if the file holds no ranking."""
    try:
        bits = read_json(path)["bits"]
        rows = [(str(one["register"]), int(one["bit"]), float(one["sensitivity"] or 0.0)) for one in bits]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"{path} is no ranking of register bits: codesign inject writes one") from error
    return tuple(RankedBit(*row) for row in rows)


def register_copies(options: RunOptions) -> int:
    """How often the optimiser counts a register: three times where the design's mode triplicates it."""
    return 3 if Protection(options.tmr.partition(":")[0]).protects(None) else 1


def _compile_rows(bound: Bound, options: RunOptions, clock_ns: float, architecture: RowArchitecture) -> Rtl:
    """Compile for engines over rows; reuse factors and cuts are those of the nodes inside the engines."""
    _refuse_limits(options, "--architecture nodes: engines over rows are chosen with --engines")
    program = row_program(bound.graph)
    reuse, inner_cuts = dict(options.reuse), dict(options.inner_cuts)
    known = {node.name for phase in program.phases for node in phase.body.nodes} | {"*"}
    for name in (*reuse, *inner_cuts):
        if name not in known:
            raise BadInputError(f"no node '{name}' in an engine; its nodes: {', '.join(sorted(known - {'*'}))}")
    chosen = None if options.technology is None else technology(options.technology)
    copies = register_copies(options)

    def plan_engine(body: Graph) -> Schedule:
        own_reuse, own_cuts = (_of(body, given) for given in (reuse, inner_cuts))
        if chosen is None:
            return schedule(body, own_reuse, None, own_cuts)
        # The latency of an engine counts once for every phase, so it comes before area.
        return optimise(
            body, chosen, clock_ns, own_reuse, Limits(area=inf), inner_cuts=own_cuts, copies=copies
        ).schedule

    engines = dict(options.engines) or dict(bound.engines)
    plan = row_schedule(program, engines, architecture, plan_engine)
    return _emit(bound, plan, options, clock_ns, "cells" if chosen is None else chosen.fabric)


def _of(body: Graph, given: Mapping[str, int]) -> dict[str, int]:
    """What is given for the nodes of one engine."""
    return {name: number for name, number in given.items() if name == "*" or name in body.by_name}


def estimate_text(manifest: dict[str, Any]) -> str:
    """Return one line with what a choice is estimated to take; nothing without a choice."""
    if "choice" not in manifest:
        return ""
    choice = manifest["choice"]
    return (
        f"{choice['technology']}: estimated area {choice['area']:.0f} {choice['area_unit']}, predicted critical path "
        f"{choice['critical_path_ns']:.2f} ns of {manifest['clock_ns']:g} ns, in node '{choice['critical_node']}'\n"
    )


def _refuse_limits(options: RunOptions, why: str) -> None:
    limits = {"--ii": options.ii_cycles, "--latency": options.latency_cycles, "--area-budget": options.area_budget}
    given = [name for name, value in limits.items() if value is not None]
    if given:
        raise BadInputError(f"{given[0]} needs {why}")
