"""Run a campaign: positive controls, then all experiments in chunks whose results are kept, on all cores."""

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.campaign import Flag, Plan, exhaustive
from codesign.data.arrays import read_arrays
from codesign.errors import BadInputError, VerificationError
from codesign.files import write_with
from codesign.flows.fault_classes import Copies, compared_state
from codesign.flows.fault_netlist import FaultNetlist
from codesign.flows.fault_stimulus import Playback, net_bits
from codesign.flows.progress import progress_bar
from codesign.sim.seu import Circuit, Experiments, Packed, Watched, kernel_source

CONTROL_SETS = 64
CONTROL_CYCLES = 8


@dataclass(frozen=True)
class Setting:
    """What all experiments of a campaign share; `trace` is the run without faults."""

    netlist: FaultNetlist
    circuit: Circuit
    playback: Playback
    trace: Packed
    watched: Watched
    copies: Copies
    digest: str


@dataclass(frozen=True)
class Results:
    """Flags (`campaign.Flag`) and cycles with a differing state of every experiment of a plan."""

    plan: Plan
    flags: NDArray[np.uint8]
    cycles: NDArray[np.uint16]


@dataclass(frozen=True)
class Controls:
    """Proof that the campaign could have seen failures.

    Compared output bits that toggle, flip-flops that toggle, and how many of the experiments that flip all copies of a
    bit at once fail.
    """

    toggling_outputs: int
    toggling_registers: int
    injections: int
    failures: int


Build = Callable[[Plan], Experiments]


def set_up(
    netlist: FaultNetlist, circuit: Circuit, playback: Playback, copies: Copies, errors: tuple[str, ...]
) -> Setting:
    """Simulate without faults and say what is compared."""
    trace, _ = circuit.simulate(playback.bits, playback.nets.astype(np.int32), netlist.initial, playback.setup_cycles)
    qualified = np.ones(playback.cycles, np.uint8)
    if playback.valid is not None:
        qualified = net_bits(trace, netlist.ports[playback.valid].nets)[:, 0]
    counted = compared_state(netlist, circuit, (*errors, *playback.unread))
    watched = Watched(_compared(netlist, playback, errors), qualified, copies.group, copies.sets, counted)
    return Setting(netlist, circuit, playback, trace, watched, copies, _digest(netlist.source, playback, watched))


def _compared(netlist: FaultNetlist, playback: Playback, errors: tuple[str, ...]) -> NDArray[np.uint8]:
    """How every net is compared, as `Watched` says."""
    compared = np.zeros(netlist.net_count, np.uint8)
    first_data = sorted(netlist.outputs(), key=lambda name: name not in playback.data)
    for name in first_data:
        if name not in playback.unread:
            compared[netlist.ports[name].nets] = 3 if name in errors else 2 if name in playback.data else 1
    compared[:2] = 0
    return compared


def _digest(source: str, playback: Playback, watched: Watched) -> str:
    window = f"{playback.window} {playback.horizon_cycles} {playback.setup_cycles}"
    found = hashlib.sha256("\n".join([kernel_source(), source, window]).encode())
    for array in (playback.bits, playback.nets, watched.compared, watched.qualified, watched.copies, watched.counted):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def single_nets(nets: NDArray[np.int64]) -> Build:
    """Experiments that flip one of `nets` each, by the plan's sites."""

    def build(plan: Plan) -> Experiments:
        return Experiments(plan.cycles, np.arange(len(plan) + 1), nets[plan.sites].astype(np.int32))

    return build


def clock_edges(setting: Setting, *, missed: bool) -> Build:
    """Experiments in which a clock domain misses the edge before a cycle, or has one edge more within it.

    After a missed edge its flip-flops hold what they held in the cycle before; after one more they hold what they
    would have loaded at the end, and the values settle anew with the same inputs.
    """
    netlist, trace = setting.netlist, setting.trace

    def flips(domain: int, cycle: int) -> NDArray[np.int64]:
        q, d = (nets[netlist.domains[domain].flip_flops] for nets in (netlist.q, netlist.d))
        rows = trace[cycle - 1 : cycle + 1] if missed else trace[cycle : cycle + 1]
        differs = net_bits(rows[:1], q if missed else d)[0] != net_bits(rows[-1:], q)[0]
        flipped: NDArray[np.int64] = q[differs]
        return flipped

    def build(plan: Plan) -> Experiments:
        parts = [flips(int(site), int(cycle)) for site, cycle in zip(plan.sites, plan.cycles, strict=True)]
        first = np.cumsum([0, *map(len, parts)])
        return Experiments(plan.cycles, first, np.concatenate([*parts, np.zeros(0, np.int64)]).astype(np.int32))

    return build


def check_controls(setting: Setting) -> Controls:
    """Raise `VerificationError` if the outputs are idle, no flip-flop toggles, or flipping all copies does no harm."""
    window, watched = setting.playback.window, setting.watched
    rows = setting.trace[window.start : window.stop + 1]
    outputs = _toggling(rows, np.flatnonzero((watched.compared == 1) | (watched.compared == 2)))
    registers = _toggling(rows, setting.netlist.q)
    if not outputs or not registers:
        raise VerificationError(
            f"positive control: {outputs} output bits and {registers} flip-flops change in cycles {window.start} to "
            f"{window.stop} of {setting.netlist.top}: is reset stuck, or the stimulus idle?"
        )
    sets = setting.netlist.q[setting.copies.sets] if len(setting.copies.sets) else setting.netlist.q[:, None]
    chosen = np.unique(np.linspace(0, len(sets) - 1, CONTROL_SETS).astype(np.int64))
    plan = exhaustive(len(chosen), range(window.start, min(window.stop, window.start + CONTROL_CYCLES)))
    nets = sets[chosen[plan.sites]].astype(np.int32)
    experiments = Experiments(plan.cycles, np.arange(len(plan) + 1) * nets.shape[1], nets.ravel())
    flags, _ = setting.circuit.inject(setting.trace, watched, experiments, setting.playback.horizon_cycles)
    failures = int((flags & (Flag.WRONG | Flag.DIFFERS_AT_END) != 0).sum())
    if not failures:
        raise VerificationError(
            f"positive control: flipping all copies of {len(chosen)} bits of {setting.netlist.top} at once does no "
            "harm: no campaign with this stimulus can fail"
        )
    return Controls(outputs, registers, len(plan), failures)


def _toggling(rows: Packed, nets: NDArray[Any]) -> int:
    values = net_bits(rows, np.asarray(nets, np.int64))
    return int((values.min(axis=0) != values.max(axis=0)).sum()) if len(nets) else 0


def run_plans(
    setting: Setting, plans: Mapping[str, tuple[Plan, Build]], folder: Path, chunk: int, *, quiet: bool = False
) -> dict[str, Results]:
    """Run every plan; chunks that an earlier run left in `folder` are read and not run again."""
    jobs = [(name, at) for name, (plan, _) in plans.items() for at in range(0, len(plan), chunk)]
    total = sum(len(plan) for plan, _ in plans.values())

    def work(job: tuple[str, int]) -> tuple[NDArray[Any], NDArray[Any]]:
        name, at = job
        plan, build = plans[name]
        part = Plan(plan.sites[at : at + chunk], plan.cycles[at : at + chunk])
        path = folder / f"{name}-{_plan_key(plan)}-{at}-{at + len(part)}.npz"
        found = _kept(path, len(part))
        if found is None:
            found = setting.circuit.inject(setting.trace, setting.watched, build(part), setting.playback.horizon_cycles)
            _keep(path, found)
        advance(len(part))
        return found

    with progress_bar("inject", total, quiet=quiet) as advance, ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(work, jobs))
    return {
        name: _join(plan, [d for d, job in zip(done, jobs, strict=True) if job[0] == name])
        for name, (plan, _) in plans.items()
    }


def _join(plan: Plan, parts: list[tuple[NDArray[Any], NDArray[Any]]]) -> Results:
    flags = np.concatenate([np.zeros(0, np.uint8), *(flags for flags, _ in parts)])
    return Results(plan, flags, np.concatenate([np.zeros(0, np.uint16), *(cycles for _, cycles in parts)]))


def _plan_key(plan: Plan) -> str:
    digest = hashlib.sha256(plan.sites.tobytes())
    digest.update(plan.cycles.tobytes())
    return digest.hexdigest()[:12]


def _kept(path: Path, count: int) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Results of an earlier run; a file that is missing or damaged counts as none."""
    try:
        arrays = read_arrays(path)
    except BadInputError:
        return None
    whole = set(arrays) == {"flags", "cycles"} and all(len(array) == count for array in arrays.values())
    return (arrays["flags"], arrays["cycles"]) if whole else None


def _keep(path: Path, found: tuple[NDArray[Any], NDArray[Any]]) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.savez_compressed(stream, flags=found[0], cycles=found[1])

    write_with(path, save)
