"""`codesign estimate`: what a design would take, from its graph and schedule alone, in every calibrated technology."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from codesign.answer import Answer
from codesign.errors import BadInputError
from codesign.estimate_model import ESTIMATED, Estimate, EstimateModel, estimate, estimate_model
from codesign.flows.design import Bound
from codesign.flows.run import load_design
from codesign.options import SELECTIVE, RunOptions
from codesign.report_text import columns, heading
from codesign.schedule import Schedule, reusable, schedule

EVENTS = 256  # whose toggles the power is estimated with
Row = tuple[int | None, str, Estimate]


def estimate_design(options: RunOptions, *, sweep: bool = False) -> Answer:
    """Estimate DESIGN as `codesign compile` would emit it; with `sweep` at every reuse factor that all layers share."""
    design = load_design(options.design)
    bound = design.bind(options)
    _require_estimable(bound, options)
    clock_ns = options.clock_ns or design.clock_ns
    plans = _plans(bound, options, sweep=sweep)
    events = {name: values[:EVENTS] for name, values in bound.inputs.items()} | dict(bound.cases[0].parameters)
    models = {name: estimate_model(name) for name in ESTIMATED}
    rows: list[Row] = [
        (reuse, name, estimate(bound.graph, plan, model, tmr=options.tmr, clock_ns=clock_ns, events=events))
        for reuse, plan in plans
        for name, model in models.items()
    ]
    title = f"{options.design}: clock {clock_ns:g} ns, triplication {options.tmr}; estimated, nothing is synthesised"
    record = {
        "design": options.design,
        "clock_ns": clock_ns,
        "tmr": options.tmr,
        "estimates": [{"reuse": reuse, "technology": name, **asdict(found)} for reuse, name, found in rows],
        "errors_percent": {name: dict(model.errors_percent) for name, model in models.items()},
    }
    lines = [title, "", *_table(rows, clock_ns), "", *_nodes(rows, sweep=sweep), *_trust(rows, models)]
    return Answer("\n".join(lines).rstrip(), record)


def _require_estimable(bound: Bound, options: RunOptions) -> None:
    architecture = options.architecture or bound.architecture
    if architecture != "nodes":
        raise BadInputError(
            f"estimates do not cover rows on engines (--architecture {architecture}): codesign compile says latency "
            "and registers, codesign synth the area"
        )
    if options.tmr.startswith(SELECTIVE):
        raise BadInputError(f"--tmr {SELECTIVE} depends on a ranking of bits: estimate none and registers beside it")


def _plans(bound: Bound, options: RunOptions, *, sweep: bool) -> list[tuple[int | None, Schedule]]:
    """Return the schedules to estimate, each with its reuse factor where they are swept."""
    given, cuts = dict(options.reuse), dict(options.inner_cuts)
    if not sweep:
        return [(None, schedule(bound.graph, given, bound.cuts, cuts))]
    if given or cuts:
        raise BadInputError("--sweep takes every reuse factor in turn: leave --reuse and --cuts out")
    choices = reusable(bound.graph).values()
    shared = sorted(set[int].intersection(*(set(legal) for legal in choices))) if choices else [1]
    return [(reuse, schedule(bound.graph, {"*": reuse} if reuse > 1 else {}, bound.cuts)) for reuse in shared]


def _table(rows: Sequence[Row], clock_ns: float) -> list[str]:
    title = ["reuse", "technology", "latency", "interval", "registers", "flip-flops", "area", "power"]
    lines = [title]
    for reuse, name, found in rows:
        lines.append([
            "as given" if reuse is None else str(reuse), name,
            f"{found.latency_cycles} ({found.latency_cycles * clock_ns:g} ns)",
            f"{found.ii_cycles} ({found.ii_cycles * clock_ns:g} ns)",
            str(found.register_bits), str(found.flip_flop_bits),
            f"{found.area:.0f} {found.area_unit}", "-" if found.power_mw is None else f"{found.power_mw:.1f} mW",
        ])  # fmt: skip
    return columns(lines)


def _nodes(rows: Sequence[Row], *, sweep: bool) -> list[str]:
    """Area by node, of the largest ones; nothing for a sweep."""
    if sweep:
        return []
    names = [name for name, _ in sorted(rows[0][2].nodes.items(), key=lambda one: -one[1]) if name]
    lines = [["node", *(f"{found.area_unit} ({name})" for _, name, found in rows)]]
    for node in [*names[:12], ""]:
        lines.append([node or "registers between nodes, voters", *(f"{found.nodes[node]:.0f}" for *_, found in rows)])
    return heading("Area by node", columns(lines))


def _trust(rows: Sequence[Row], models: Mapping[str, EstimateModel]) -> list[str]:
    """How far the numbers can be trusted: errors of calibration, and in which way the design lies outside of it."""
    errors = [
        f"  {name}, {model.points} designs: "
        + ", ".join(f"{kind} {of['median']:g} / {of['p95']:g} %" for kind, of in model.errors_percent.items())
        for name, model in models.items()
    ]
    warnings = dict.fromkeys(f"  {text}" for *_, one in rows for text in one.warnings)
    return [
        *heading(
            "Errors on synthesised designs that the formulas were not fitted to, median / 95th percentile", errors
        ),
        *heading("Extrapolated: outside of the calibrated designs", list(warnings)),
    ]
