"""When and how every node of a design runs: as the user says, or as chosen for a technology."""

from typing import Any

from codesign.delay import technology
from codesign.errors import BadInputError
from codesign.flows.design import Bound
from codesign.optimise import Limits, optimise
from codesign.options import RunOptions
from codesign.rtl import Rtl, emit
from codesign.schedule import schedule


def compile_bound(bound: Bound, options: RunOptions, clock_ns: float) -> Rtl:
    """Return the Verilog of a bound design; `BadInputError` for options that do not go together or cannot be met."""
    reuse, inner_cuts = dict(options.reuse), dict(options.inner_cuts)
    if options.technology is None:
        _refuse_limits(options)
        plan = schedule(bound.graph, reuse, bound.cuts, inner_cuts)
        return emit(bound.graph, plan, tmr=options.tmr, clock_ns=clock_ns)
    chosen, copies = technology(options.technology), 3 if options.tmr == "registers" else 1
    limits = Limits(options.ii_cycles, options.latency_cycles, options.area_budget)
    choice = optimise(bound.graph, chosen, clock_ns, reuse, limits, inner_cuts=inner_cuts, copies=copies)
    fabric, record = chosen.fabric, choice.record()
    return emit(bound.graph, choice.schedule, tmr=options.tmr, clock_ns=clock_ns, fabric=fabric, choice=record)


def estimate_text(manifest: dict[str, Any]) -> str:
    """Return one line with what a choice is estimated to take; nothing without a choice."""
    if "choice" not in manifest:
        return ""
    choice = manifest["choice"]
    return (
        f"{choice['technology']}: estimated area {choice['area']:.0f} {choice['area_unit']}, predicted critical path "
        f"{choice['critical_path_ns']:.2f} ns of {manifest['clock_ns']:g} ns, in node '{choice['critical_node']}'\n"
    )


def _refuse_limits(options: RunOptions) -> None:
    limits = {"--ii": options.ii_cycles, "--latency": options.latency_cycles, "--area-budget": options.area_budget}
    given = [name for name, value in limits.items() if value is not None]
    if given:
        raise BadInputError(f"{given[0]} needs --technology: without one, --reuse and --cuts say all")
