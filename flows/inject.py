"""`codesign inject`: campaigns of upsets and transients in the gate netlist of a design, or in a given netlist."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codesign.answer import Answer
from codesign.campaign import Plan, exhaustive, sampled
from codesign.errors import BadInputError, VerificationError
from codesign.files import write_json, write_text
from codesign.flows.fault_campaign import (
    Build,
    Controls,
    Results,
    Setting,
    check_controls,
    clock_edges,
    run_plans,
    set_up,
    single_nets,
)
from codesign.flows.fault_classes import ERROR, INPUT, LOGIC, RESET, VOTER, find_copies, node_classes
from codesign.flows.fault_netlist import FaultNetlist, gate_netlist, lane_ports, load_fault_netlist
from codesign.flows.fault_report import (
    RANKING_FORMAT,
    campaign_section,
    ranking,
    register_counts,
    register_section,
    seu_text,
)
from codesign.flows.fault_stimulus import (
    Playback,
    Reset,
    design_playback,
    given_playback,
    random_playback,
    require_reference,
)
from codesign.flows.flow import SIMULATOR_CACHE, YOSYS_CACHE
from codesign.flows.liberty import read_liberty
from codesign.flows.run import compiled, opened
from codesign.flows.run_folder import CACHE
from codesign.flows.run_lock import locked
from codesign.flows.runner import Run
from codesign.flows.stopwatch import Stopwatch
from codesign.flows.yosys import fault_netlist
from codesign.inject_options import InjectOptions
from codesign.options import RunOptions
from codesign.sim.seu import Circuit, load_kernel

FOLDER = "inject"
ERROR_OUTPUT, RESET_INPUTS = "tmr_err", ("rst", "cfg_rst")
NODE_CLASSES = (LOGIC, VOTER, ERROR, INPUT)


@dataclass(frozen=True)
class Subject:
    """What is injected into: a setting, the classes of its nets, how it is called, what was compared before."""

    name: str
    tmr: str | None
    setting: Setting
    classes: Mapping[int, str]
    reference_events: int | None


def inject(options: RunOptions, asked: InjectOptions) -> Answer:
    """Run the campaign that is asked for and return its summary; results lie in `inject` in the folder of the run.

    `VerificationError` where the fault-free run differs from the graph, or where no failure could have been seen.
    """
    watch = Stopwatch(options.quiet)
    if asked.netlist is not None:
        folder = options.output / (options.tag or str(asked.top))
        with locked(folder):
            return _campaign(_netlist_subject(asked, options.liberty, folder / CACHE, watch), asked, folder, watch)
    with opened(options) as run:
        return _campaign(_design_subject(run, asked, watch), asked, run.path, watch)


def _campaign(subject: Subject, asked: InjectOptions, run_folder: Path, watch: Stopwatch) -> Answer:
    folder = run_folder / FOLDER
    (folder / "seu.json").unlink(missing_ok=True)
    with watch.step("positive controls"):
        controls = check_controls(subject.setting)
    plans = dict(_plans(subject, asked))
    with watch.step("inject"):
        started = time.perf_counter()
        results = run_plans(
            subject.setting, plans, folder / "injection" / subject.setting.digest[:16], asked.chunk, quiet=watch.quiet
        )
        seconds = time.perf_counter() - started
    return _write(subject, asked, results, controls, folder, {**watch.times_s, "simulate_s": round(seconds, 3)})


def _design_subject(run: Run, asked: InjectOptions, watch: Stopwatch) -> Subject:
    options, jobs = run.options, run.path / CACHE / YOSYS_CACHE
    bound, manifest, rtl = compiled(run)
    library = read_liberty(options.liberty) if options.liberty else None
    with watch.step("synthesise"):
        path = fault_netlist(rtl, options.liberty, jobs, manifest["clock_ns"])
        path = gate_netlist(path, manifest["top"], jobs) if library else path
    with watch.step("load netlist"):
        netlist = load_fault_netlist(path, manifest["top"], library)
        circuit, voting = _circuits(netlist, run.path / CACHE)
        copies = find_copies(netlist, voting)
        resets = tuple(name for stem in RESET_INPUTS for name in lane_ports(stem, netlist.inputs()))
        errors = tuple(name for name in netlist.outputs() if name == ERROR_OUTPUT)
        classes = node_classes(netlist, voting, copies, errors, resets)
    with watch.step("simulate without faults"):
        playback = design_playback(bound, manifest, netlist, whole=asked.samples is not None)
        setting = set_up(netlist, circuit, playback, copies, errors)
        events = require_reference(bound, manifest, netlist, setting.trace)
    return Subject(options.design, manifest["tmr"], setting, classes, events)


def _netlist_subject(asked: InjectOptions, liberty: Path | None, cache: Path, watch: Stopwatch) -> Subject:
    assert asked.netlist is not None and asked.top is not None
    library = read_liberty(liberty) if liberty else None
    with watch.step("load netlist"):
        path = gate_netlist(asked.netlist, asked.top, cache / YOSYS_CACHE)
        netlist = load_fault_netlist(path, asked.top, library)
        circuit, voting = _circuits(netlist, cache)
        _require_clocks(netlist, asked.clocks)
        resets = tuple(port for name in asked.resets for port in _known(name, netlist.inputs(), "--reset"))
        errors = _errors(netlist, asked.errors)
        copies = find_copies(netlist, voting)
        classes = node_classes(netlist, voting, copies, errors, resets)
    with watch.step("simulate without faults"):
        playback = _netlist_playback(netlist, asked, Reset(resets, asked.reset_level))
        setting = set_up(netlist, circuit, playback, copies, errors)
    return Subject(asked.top, None, setting, classes, None)


def _circuits(netlist: FaultNetlist, cache: Path) -> tuple[Circuit, Circuit]:
    """The circuit, and the same out of reset, where a voter of flip-flops with asynchronous reset is one."""
    kernel = load_kernel(cache / SIMULATOR_CACHE)
    both = (netlist.gates, netlist.out_of_reset)
    first, second = (Circuit(kernel, netlist.net_count, gates, netlist.d, netlist.q) for gates in both)
    return first, second


def _netlist_playback(netlist: FaultNetlist, asked: InjectOptions, reset: Reset) -> Playback:
    if asked.stimulus is not None:
        return given_playback(netlist, reset, asked.stimulus, asked.horizon)
    return random_playback(netlist, reset, asked.cycles, asked.horizon, asked.seed)


def _known(name: str, names: tuple[str, ...], option: str) -> tuple[str, ...]:
    found = lane_ports(name, names)
    if not found:
        raise BadInputError(f"{option} {name}: no such port; there are {', '.join(names)}")
    return found


def _require_clocks(netlist: FaultNetlist, given: tuple[str, ...]) -> None:
    expected = {port for name in given for port in _known(name, netlist.clock_ports, "--clock")}
    missing = sorted(set(netlist.clock_ports) - expected) if given else []
    if missing:
        raise BadInputError(f"--clock leaves out {', '.join(missing)}, which clocks flip-flops of {netlist.top} too")


def _errors(netlist: FaultNetlist, names: tuple[str, ...]) -> tuple[str, ...]:
    """The error outputs; a netlist without one flags nothing."""
    errors = tuple(port for name in names for port in lane_ports(name, netlist.outputs()))
    if len(errors) == len(netlist.outputs()):
        raise BadInputError(f"{netlist.top} has no output to compare but {', '.join(errors) or 'none'}")
    return errors


def _plans(subject: Subject, asked: InjectOptions) -> Iterable[tuple[str, tuple[Plan, Build]]]:
    setting, window = subject.setting, subject.setting.playback.window

    def drawn(count: int, salt: int) -> Plan:
        if asked.samples is None:
            return exhaustive(count, window)
        return sampled(count, window, asked.samples, asked.seed + salt)

    if "registers" in asked.faults:
        yield "registers", (drawn(len(setting.netlist.q), 0), single_nets(setting.netlist.q))
    for fault, chosen in (("transients", NODE_CLASSES), ("reset", (RESET,))):
        nets = _nets(subject, chosen)
        if fault in asked.faults and len(nets):
            yield fault, (drawn(len(nets), 1), single_nets(nets))
    if "clock" in asked.faults:
        # The cycle before must be in the trace, and one edge hits many flip-flops: a part of a long window is enough.
        cycles = range(max(window.start, 1), min(window.stop, window.start + setting.playback.horizon_cycles))
        plan = exhaustive(len(setting.netlist.domains), cycles)
        yield "clock_missed_edge", (plan, clock_edges(setting, missed=True))
        yield "clock_extra_edge", (plan, clock_edges(setting, missed=False))


def _nets(subject: Subject, chosen: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(sorted(net for net, kind in subject.classes.items() if kind in chosen), np.int64)


def _write(  # noqa: PLR0917
    subject: Subject,
    asked: InjectOptions,
    results: Mapping[str, Results],
    controls: Controls,
    folder: Path,
    times_s: Mapping[str, float],
) -> Answer:
    setting, netlist, window = subject.setting, subject.setting.netlist, subject.setting.playback.window
    content: dict[str, Any] = {
        "name": subject.name,
        "top": netlist.top,
        "tmr": subject.tmr,
        "digest": setting.digest,
        "seed": asked.seed,
        "samples": asked.samples,
        "window": {
            "first": window.start,
            "last": window.stop - 1,
            "horizon_cycles": setting.playback.horizon_cycles,
        },
        "netlist": _netlist_section(subject),
        "controls": {**vars(controls), "reference_events": subject.reference_events},
        "campaigns": {},
        "transients": dict(_transient_sections(subject, asked, results)),
    }
    ranked: list[dict[str, Any]] = []
    if "registers" in results:
        whole = asked.samples is None
        upsets = campaign_section(results["registers"], len(netlist.q), whole=whole)
        if not upsets["visible"]:
            raise VerificationError(f"no upset of {netlist.top} reached anything: the injection has no effect")
        if subject.tmr == "none" and not upsets["failures"]:
            raise VerificationError(
                f"negative control: no upset of {subject.name} does harm, although nothing protects it"
            )
        content["campaigns"]["registers"] = upsets
        bits, counts = register_counts(netlist, setting.copies.group, results["registers"])
        content["registers"], ranked = register_section(bits, counts), ranking(bits, counts)
        head = {key: content[key] for key in ("name", "top", "tmr", "digest", "seed", "samples")}
        write_json(folder / "ranking.json", {"format": RANKING_FORMAT, **head, "bits": ranked})
    total = sum(len(one.flags) for one in results.values())
    content["timing"] = {**times_s, "injections_per_s": round(total / max(times_s["simulate_s"], 1e-3))}
    text = seu_text(content, ranked)
    write_text(folder / "seu.txt", text)
    return Answer(f"{text}{write_json(folder / 'seu.json', content)}", content)


def _netlist_section(subject: Subject) -> dict[str, Any]:
    netlist, kinds = subject.setting.netlist, list(subject.classes.values())
    return {
        "flip_flops": len(netlist.q),
        "triples": len(subject.setting.copies.sets),
        "gates": len(netlist.gates.operators),
        "nodes": len(kinds),
        "classes": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "clocks": {domain.name: len(domain.flip_flops) for domain in netlist.domains},
    }


def _transient_sections(
    subject: Subject, asked: InjectOptions, results: Mapping[str, Results]
) -> Iterable[tuple[str, dict[str, Any]]]:
    whole = asked.samples is None
    if "transients" in results:
        nets = _nets(subject, NODE_CLASSES)
        kinds = np.array([subject.classes[int(net)] for net in nets])
        for kind in NODE_CLASSES:
            count = int((kinds == kind).sum())
            if count:
                chosen = (kinds == kind)[results["transients"].plan.sites]
                yield kind, campaign_section(results["transients"], count, chosen, whole=whole)
    if "reset" in results:
        yield "reset", campaign_section(results["reset"], len(_nets(subject, (RESET,))), whole=whole)
    for name in ("clock_missed_edge", "clock_extra_edge"):
        if name in results:
            yield name, campaign_section(results[name], len(subject.setting.netlist.domains), whole=True)
