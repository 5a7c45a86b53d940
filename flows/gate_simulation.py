"""Bit-parallel simulation of a mapped netlist in numpy: outputs, and how often every net toggles.

One bit of a 64-bit word is one stream of clock cycles. A long stimulus is cut into many streams that run side by
side; each repeats some cycles before its cut, uncounted, so that its registers hold what they would have held.
Two delay models: zero delay (every net settles at once, a lower bound of the toggles) and unit delay (every gate
takes one step, which shows glitches).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.flows.liberty import Cell, FlipFlop, Library
from codesign.flows.logic import Expression, Words, evaluate
from codesign.flows.netlist import HIGH, LOW, Indices, Netlist

DelayModel = Literal["zero", "unit"]
# Values of the input ports in every clock cycle, as unsigned integers; a port that is not named stays 0.
Stimulus = Mapping[str, Sequence[int]]
SIMULATOR = "codesign, bit-parallel in numpy"
# More gates in a row than any circuit of one clock period has: beyond it there is a loop.
_MAX_DEPTH = 10_000
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Activity:
    """`toggles` counts the changes of each net in `cycles` clock cycles, `ones` the cycles that it ends high.

    `outputs` are the settled values of the ports; `simulator` is the program that found it all.
    """

    delay_model: DelayModel
    cycles: int
    toggles: NDArray[np.int64]
    ones: NDArray[np.int64]
    outputs: Mapping[str, list[int]]
    simulator: str


@dataclass(frozen=True)
class _Gates:
    """All instances of one output function that are evaluated together."""

    function: Expression
    inputs: Mapping[str, Indices]
    output: Indices


@dataclass(frozen=True)
class _Circuit:
    net_count: int
    flip_flops: tuple[tuple[FlipFlop, Mapping[str, Indices], tuple[tuple[Expression, Indices], ...]], ...]
    steps: tuple[tuple[_Gates, ...], ...]


@dataclass(frozen=True)
class _State:
    """Arrays that the run writes into: packed value (net, word), toggle count and cycles at 1 (net)."""

    values: Words
    toggles: NDArray[np.int64]
    ones: NDArray[np.int64]


def simulate(
    netlist: Netlist,
    library: Library,
    stimulus: Stimulus,
    *,
    setup: Stimulus,
    delay_model: DelayModel,
    warm_up_cycles: int,
    streams: int = 256,
    cut_multiple: int = 1,
) -> Activity:
    """Simulate `stimulus` after `setup` (reset, and register writes if there are any) and count toggles.

    `setup` runs at the start of every stream. `warm_up_cycles` is at least the latency of the design plus its
    initiation interval; streams are cut at multiples of `cut_multiple` cycles (the initiation interval).
    """
    circuit = _build(netlist, library, delay_model)
    cycles = stimulus_cycles(stimulus)
    chunk = -(-cycles // (streams * cut_multiple)) * cut_multiple
    rows = _rows(cycles, chunk, warm_up_cycles)
    waves = _waveforms(netlist, stimulus, setup, rows)
    lead = stimulus_cycles(setup) + warm_up_cycles
    # Bits of streams beyond the stimulus' end repeat nothing: they are masked out of every count.
    counted = np.stack([_pack(rows[:, step] >= 0) for step in range(warm_up_cycles, rows.shape[1])])
    state, outputs = _run(circuit, netlist, waves, counted, lead)
    joined = _join_outputs(outputs, netlist, cycles, chunk)
    return Activity(delay_model, cycles, state.toggles, state.ones, joined, SIMULATOR)


def stimulus_cycles(stimulus: Stimulus) -> int:
    """Return the number of cycles that every port of `stimulus` has values for; `BadInputError` if they differ."""
    lengths = {len(values) for values in stimulus.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise BadInputError(f"every port of a stimulus needs the same number of cycles (at least 1), got {lengths}")
    return lengths.pop()


def _rows(cycles: int, chunk: int, warm_up: int) -> NDArray[np.int64]:
    """Return (streams, warm_up + chunk) the cycle each stream plays; -1 is an idle cycle with all inputs 0."""
    starts = np.arange(0, cycles, chunk)
    index = starts[:, None] + np.arange(-warm_up, chunk)[None, :]
    return np.where((index < 0) | (index >= cycles), -1, index)


def _waveforms(
    netlist: Netlist, stimulus: Stimulus, setup: Stimulus, rows: NDArray[np.int64]
) -> dict[str, NDArray[np.uint64]]:
    """Return for each input port the packed bits (cycle, bit, word)."""
    names = driven_ports(netlist, stimulus, setup)
    return {name: _waveform(name, netlist, stimulus, setup, rows) for name in names}


def driven_ports(netlist: Netlist, *stimuli: Stimulus) -> tuple[str, ...]:
    """Return the ports that have values in `stimuli`, sorted; `BadInputError` for values that do not fit."""
    names = sorted({name for stimulus in stimuli for name in stimulus})
    unknown = [n for n in names if n not in netlist.ports or netlist.ports[n].direction != "input"]
    if unknown:
        raise BadInputError(f"stimulus names {', '.join(unknown)}, which the netlist has not as input ports")
    for name in names:
        width = len(netlist.ports[name].nets)
        if any(value < 0 or value >> width for stimulus in stimuli for value in stimulus.get(name, ())):
            raise BadInputError(f"a stimulus value of port {name} does not fit its {width} bits (unsigned)")
    return tuple(names)


def _waveform(
    name: str, netlist: Netlist, stimulus: Stimulus, setup: Stimulus, rows: NDArray[np.int64]
) -> NDArray[np.uint64]:
    width = len(netlist.ports[name].nets)
    lead = _bits(setup.get(name, [0] * stimulus_cycles(setup)), width)
    played = _bits([*stimulus.get(name, [0] * stimulus_cycles(stimulus)), 0], width)
    common = [
        np.broadcast_to(np.where(bits, ~np.uint64(0), np.uint64(0))[:, None], (width, _words(rows))) for bits in lead
    ]
    own = [np.stack([_pack(column) for column in played[rows[:, c]].T]) for c in range(rows.shape[1])]
    return np.stack([*common, *own])


def _bits(values: Sequence[int], width: int) -> NDArray[np.uint8]:
    """Return (cycle, bit) the bits of unsigned integers, least significant first."""
    size = -(-width // 8)
    packed = b"".join(int(value).to_bytes(size, "little") for value in values)
    matrix = np.frombuffer(packed, dtype=np.uint8).reshape(len(values), size)
    return np.unpackbits(matrix, axis=1, bitorder="little")[:, :width]


def _words(rows: NDArray[np.int64]) -> int:
    return -(-len(rows) // 64)


def _pack(column: NDArray[np.generic]) -> Words:
    """Pack one bit of every stream into 64-bit words."""
    padded = np.zeros(-(-len(column) // 64) * 64, dtype=np.uint8)
    padded[: len(column)] = column
    return np.packbits(padded, bitorder="little").view(np.uint64)


def _run(
    circuit: _Circuit, netlist: Netlist, waves: Mapping[str, Words], counted: Words, lead: int
) -> tuple[_State, dict[str, list[Words]]]:
    total, words = next(iter(waves.values())).shape[::2]
    counts = (np.zeros(circuit.net_count, np.int64) for _ in range(2))
    state = _State(np.zeros((circuit.net_count, words), np.uint64), *counts)
    state.values[HIGH] = ~np.uint64(0)
    outputs: dict[str, list[Words]] = {n: [] for n, port in netlist.ports.items() if port.direction == "output"}
    for cycle in range(total):
        mask = counted[cycle - lead] if cycle >= lead else np.zeros(words, dtype=np.uint64)
        driven = [(netlist.ports[name].nets, wave[cycle]) for name, wave in waves.items()]
        _play_cycle(circuit, state, driven, mask)
        for name, collected in outputs.items() if cycle >= lead else ():
            collected.append(state.values[netlist.ports[name].nets])
    return state, outputs


def _play_cycle(circuit: _Circuit, state: _State, driven: list[tuple[Indices, Words]], mask: Words) -> None:
    """Load every flip-flop with the settled values, apply the inputs of the new cycle, let the gates settle."""
    loaded = [change for group in circuit.flip_flops for change in _next_values(*group, state.values)]
    _apply(loaded + driven, state, mask)
    for gates in circuit.steps:
        # All gates of a step see the values before it.
        _apply([(group.output, _gate_values(group, state.values)) for group in gates], state, mask)
    if mask.any():
        state.ones[:] += np.bitwise_count(state.values & mask).sum(axis=1, dtype=np.int64)


def _apply(changes: list[tuple[Indices, Words]], state: _State, mask: Words) -> None:
    for nets, new in changes:
        if mask.any():
            changed = (state.values[nets] ^ new) & mask
            state.toggles[nets] += np.bitwise_count(changed).sum(axis=1, dtype=np.int64)
        state.values[nets] = new


def _next_values(
    flip_flop: FlipFlop, pins: Mapping[str, Indices], outputs: tuple[tuple[Expression, Indices], ...], values: Words
) -> list[tuple[Indices, Words]]:
    present = {pin: values[nets] for pin, nets in pins.items()}
    ones = np.full_like(next(iter(present.values())), ~np.uint64(0))
    state = evaluate(flip_flop.next_state, present, ones)
    if flip_flop.clear is not None:
        state = state & ~evaluate(flip_flop.clear, present, ones)
    if flip_flop.preset is not None:
        state = state | evaluate(flip_flop.preset, present, ones)
    nodes = {flip_flop.state: state, flip_flop.inverse: ~state}
    return [(nets, evaluate(function, nodes, ones)) for function, nets in outputs]


def _gate_values(group: _Gates, values: Words) -> Words:
    ones = np.full((len(group.output), values.shape[1]), ~np.uint64(0))
    return evaluate(group.function, {pin: values[nets] for pin, nets in group.inputs.items()}, ones)


def _join_outputs(
    outputs: Mapping[str, list[Words]], netlist: Netlist, cycles: int, chunk: int
) -> dict[str, list[int]]:
    return {name: _integers(np.stack(words), cycles, chunk) for name, words in outputs.items()}


def _integers(words: Words, cycles: int, chunk: int) -> list[int]:
    """Turn packed bits (cycle in chunk, bit, word) into one integer per cycle of the stimulus."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=2, bitorder="little")
    streams = -(-cycles // chunk)
    in_order = bits.transpose(2, 0, 1)[:streams].reshape(streams * chunk, -1)
    rows = np.packbits(in_order, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in rows[:cycles]]


def _build(netlist: Netlist, library: Library, delay_model: DelayModel) -> _Circuit:
    cells = {name: _known(name, library) for name in netlist.cells}
    clock_nets(netlist, library)
    flip_flops = tuple(_flip_flops(cells[n], p) for n, p in netlist.cells.items() if cells[n].flip_flop is not None)
    gates = [g for n, p in netlist.cells.items() if cells[n].flip_flop is None for g in _gates(cells[n], p)]
    earliest, latest = _arrivals(netlist, gates)
    steps = _schedule(gates, latest, latest) if delay_model == "zero" else _schedule(gates, earliest, latest)
    return _Circuit(netlist.net_count, flip_flops, steps)


def clock_nets(netlist: Netlist, library: Library) -> Indices:
    """Return the nets that clock flip-flops, sorted; `BadInputError` if one of them is no input port.

    Several clock ports are those of lanes, which tick together.
    """
    clocks = [_clock_nets(_known(name, library), pins) for name, pins in netlist.cells.items()]
    found = np.unique(np.concatenate([*clocks, np.array([], dtype=np.int64)]))
    if not _is_input(netlist, found):
        raise BadInputError(f"{netlist.top} has a gated clock: the power estimate needs clocks that are ports")
    return found


def _known(name: str, library: Library) -> Cell:
    cell = library.cells.get(name)
    if cell is None or cell.latch:
        raise BadInputError(f"cell {name} of the netlist is no gate or flip-flop of library {library.name}")
    return cell


def _is_input(netlist: Netlist, nets: Indices) -> bool:
    ports = [port.nets for port in netlist.ports.values() if port.direction == "input"]
    return bool(np.isin(nets, np.concatenate(ports)).all()) if ports else len(nets) == 0


def _clock_nets(cell: Cell, pins: Mapping[str, Indices]) -> Indices:
    if cell.flip_flop is None:
        return np.array([], dtype=np.int64)
    return np.concatenate([pins[name] for name in cell.flip_flop.clocked_on.variables])


def _flip_flops(
    cell: Cell, pins: Mapping[str, Indices]
) -> tuple[FlipFlop, Mapping[str, Indices], tuple[tuple[Expression, Indices], ...]]:
    flip_flop = cell.flip_flop
    assert flip_flop is not None
    if flip_flop.clocked_on.operator != "variable":
        raise BadInputError(f"flip-flop {cell.name} loads on the falling edge: the estimate needs one rising clock")
    for condition in (flip_flop.clear, flip_flop.preset):
        names = condition.variables if condition is not None else ()
        if any((pins[name] > HIGH).any() for name in names):
            raise BadInputError(f"flip-flop {cell.name} has an asynchronous reset in use: reset must be synchronous")
    outputs = [(cell.pins[name].function, pins[name]) for name in cell.outputs if name in pins]
    inputs = {name: pins[name] for name in cell.inputs if name in pins}
    return flip_flop, inputs, tuple((function, nets) for function, nets in outputs if function is not None)


def _gates(cell: Cell, pins: Mapping[str, Indices]) -> list[_Gates]:
    found = []
    for name in cell.outputs:
        function = cell.pins[name].function
        if name in pins and function is not None:
            found.append(_Gates(function, {pin: pins[pin] for pin in function.variables}, pins[name]))
    return found


def levels(netlist: Netlist, library: Library) -> Indices:
    """Return for every net the length of the longest way to it through gates; `BadInputError` if there is a loop."""
    cells = {name: _known(name, library) for name in netlist.cells}
    gates = [g for n, p in netlist.cells.items() if cells[n].flip_flop is None for g in _gates(cells[n], p)]
    return _arrivals(netlist, gates)[1]


def _arrivals(netlist: Netlist, gates: list[_Gates]) -> tuple[Indices, Indices]:
    """Return per net the first and the last step in which it can change; constants never do."""
    earliest = np.zeros(netlist.net_count, dtype=np.int64)
    latest = np.zeros(netlist.net_count, dtype=np.int64)
    driven = np.concatenate([group.output for group in gates] or [np.array([], dtype=np.int64)])
    earliest[[LOW, HIGH]] = _NEVER
    earliest[driven] = _NEVER
    for _ in range(min(len(driven) + 2, _MAX_DEPTH)):
        changes = [_relax(group, earliest, latest) for group in gates]
        if not any(changes):
            # A gate on constants alone never toggles, but has to be evaluated once to have its value.
            return np.minimum(earliest, latest), latest
    raise BadInputError(f"{netlist.top} has a combinational loop: check the emitted Verilog")


def _relax(group: _Gates, earliest: Indices, latest: Indices) -> bool:
    first = np.min([earliest[nets] for nets in group.inputs.values()], axis=0, initial=_NEVER - 1) + 1
    last = np.max([latest[nets] for nets in group.inputs.values()], axis=0, initial=0) + 1
    changed = bool((first != earliest[group.output]).any() or (last != latest[group.output]).any())
    earliest[group.output], latest[group.output] = first, last
    return changed


def _schedule(gates: list[_Gates], first: Indices, last: Indices) -> tuple[tuple[_Gates, ...], ...]:
    """Return the gates to evaluate in each step: those whose output can change in it."""
    depth = max((int(last[group.output].max(initial=0)) for group in gates), default=0)
    steps = []
    for step in range(1, depth + 1):
        active = [_subset(g, (first[g.output] <= step) & (last[g.output] >= step)) for g in gates]
        steps.append(tuple(group for group in active if len(group.output)))
    return tuple(steps)


def _subset(group: _Gates, chosen: NDArray[np.bool_]) -> _Gates:
    return _Gates(group.function, {pin: nets[chosen] for pin, nets in group.inputs.items()}, group.output[chosen])
