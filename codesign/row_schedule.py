"""When every phase of a row program runs, on how many engines, and where values wait between phases.

Cycle 0 is the cycle of `in_valid` (of the first beat). A phase over `rows` rows on P engines takes rows / P beats, one
every `interval_cycles`; all engines are copies of the body with its own schedule. Two architectures:

- `parallel`: an event comes and goes in one word; values wait in registers. A register holds a value for one
  initiation interval; where a phase needs it longer or later, another register takes over.
- `streaming`: an event comes in beats of P rows of every input, in successive cycles, and its result leaves in beats of
  P rows; values wait in memories with one word a beat, `buffers` events deep. Values of one row wait in registers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from codesign.errors import BadInputError
from codesign.graph import Graph
from codesign.ops.segment_sum import SegmentSum
from codesign.rows import Feed, Phase, RowProgram
from codesign.schedule import Schedule

Architecture = Literal["parallel", "streaming"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
OUTPUTS = -1  # the reader that is no phase


@dataclass(frozen=True)
class PhaseSlot:
    """When a phase runs: beat b reads its rows in cycle start + b * interval, engines get them `read_cycles` later."""

    engines: int
    beats: int
    start: int
    read_cycles: int
    plan: Schedule

    @property
    def interval_cycles(self) -> int:
        """Cycles between two beats: the initiation interval of the engine."""
        return self.plan.ii_cycles

    @property
    def last_start(self) -> int:
        """Cycle in which the last beat starts."""
        return self.start + (self.beats - 1) * self.interval_cycles

    @property
    def first_result(self) -> int:
        """Cycle in which the results of beat 0 leave the engines."""
        return self.start + self.read_cycles + self.plan.latency_cycles

    @property
    def last_result(self) -> int:
        """Cycle in which the results of the last beat leave the engines."""
        return self.first_result + self.last_start - self.start

    @property
    def busy_cycles(self) -> int:
        """Cycles that the engines work on one event."""
        return self.beats * self.interval_cycles


@dataclass(frozen=True)
class Hold:
    """Register `stage` (from 1) of a value: loads stage `source` (0: where it arises) at the end of cycle `capture`."""

    value: str
    stage: int
    source: int
    capture: int


@dataclass(frozen=True)
class RowSchedule:
    """Phases, registers and memories; `reads`: which register stage a phase (or OUTPUTS) reads of a value.

    `buffers`: how many events a memory holds, for every value that waits in memories and phase that reads it.
    """

    program: RowProgram
    architecture: Architecture
    engines: Mapping[int, int]
    slots: tuple[PhaseSlot, ...]
    holds: tuple[Hold, ...]
    reads: Mapping[tuple[str, int], int]
    buffers: Mapping[tuple[str, int], int]
    latency_cycles: int
    ii_cycles: int

    def lanes(self, value: str) -> int:
        """Rows of a value that one word of a memory or one beat holds."""
        return self.engines[self.program.graph.types[value].shape[0]]

    def beats(self, value: str) -> int:
        """Words that hold one event's rows of a value."""
        return self.program.graph.types[value].shape[0] // self.lanes(value)

    def clear_start(self, value: str) -> int:
        """Cycle in which the sums of an event begin to be cleared: the last word just before the first row."""
        return clear_start(self.program, self.engines, self.slots, value)

    @property
    def in_beats(self) -> int:
        """Beats in which an event comes."""
        ports = self.program.graph.inputs
        return 1 if self.architecture == "parallel" else max(self.beats(port.node) for port in ports)

    @property
    def out_beats(self) -> int:
        """Beats in which a result leaves."""
        return 1 if self.architecture == "parallel" else self.slots[-1].beats


def clear_start(program: RowProgram, engines: Mapping[int, int], slots: Sequence[PhaseSlot], value: str) -> int:
    """Return `RowSchedule.clear_start`."""
    segments = program.graph.types[value].shape[0]
    return slots[program.writer[value]].first_result - segments // engines[segments]


def row_schedule(
    program: RowProgram,
    engines: Mapping[int, int],
    architecture: Architecture,
    plan_engine: Callable[[Graph], Schedule],
) -> RowSchedule:
    """Return the schedule with the least latency on `engines`: how many work on each number of rows.

    `plan_engine` schedules a body. Raises `BadInputError` naming the rows and the legal numbers of engines.
    """
    if architecture not in ARCHITECTURES:
        raise BadInputError(f"architecture must be one of {ARCHITECTURES}, not {architecture!r}")
    counts = _checked_engines(program, engines, architecture)
    plans = [plan_engine(phase.body) for phase in program.phases]
    busy = [
        phase.rows // counts[phase.rows] * plan.ii_cycles for phase, plan in zip(program.phases, plans, strict=True)
    ]
    inputs = [program.graph.types[port.node].shape[0] for port in program.graph.inputs]
    beats = [1] if architecture == "parallel" else [rows // counts[rows] for rows in inputs]
    state = _State(program, counts, architecture, max(*busy, *beats))
    for number, plan in enumerate(plans):
        state.place(number, plan)
    latency = state.place_outputs()
    return RowSchedule(
        program,
        architecture,
        counts,
        tuple(state.slots),
        tuple(state.holds),
        state.reads,
        state.buffers(),
        latency,
        state.ii_cycles,
    )


def _checked_engines(program: RowProgram, engines: Mapping[int, int], architecture: str) -> dict[int, int]:
    sets = {program.graph.types[name].shape[0] for name in program.stored} | {p.rows for p in program.phases}
    gathered = {
        program.graph.types[feed.value].shape[0] for p in program.phases for feed in p.feeds if feed.index is not None
    }
    for rows in engines:
        if rows not in sets:
            raise BadInputError(f"no rows to work on are {rows}; the graph has sets of {sorted(sets - {1})} rows")
    counts = {1: 1} | dict(engines)
    for rows in sorted(sets):
        if rows not in counts:
            raise BadInputError(f"say how many engines work on {rows} rows: --engines {rows}=P")
        legal = tuple(p for p in range(1, rows + 1) if rows % p == 0)
        if architecture == "streaming" and rows in gathered:
            legal = tuple(p for p in legal if p & (p - 1) == 0)  # an index is divided by it
        if counts[rows] not in legal:
            raise BadInputError(f"{rows} rows: the number of engines must be one of {legal}, not {counts[rows]}")
    return counts


@dataclass(frozen=True)
class _Tap:
    """A register stage that holds a value in cycles first .. last; `is_clean`: a register, fit for an output port."""

    stage: int
    first: int
    last: int
    is_clean: bool = True


class _State:
    """The phases placed so far, and where their values can be read."""

    def __init__(self, program: RowProgram, engines: Mapping[int, int], architecture: str, ii_cycles: int) -> None:
        self.program, self.engines, self.architecture, self.ii_cycles = program, engines, architecture, ii_cycles
        self.slots: list[PhaseSlot] = []
        self.holds: list[Hold] = []
        self.reads: dict[tuple[str, int], int] = {}
        self.taps = {port.node: [_Tap(0, 0, 0, is_clean=False)] for port in program.graph.inputs}

    def in_memory(self, value: str) -> bool:
        """Whether a value waits in memories."""
        return self.architecture == "streaming" and self.program.graph.types[value].shape[0] > 1

    def place(self, number: int, plan: Schedule) -> None:
        """Give phase `number` its place: as early as all it reads allows."""
        phase = self.program.phases[number]
        engines = self.engines[phase.rows]
        draft = PhaseSlot(engines, phase.rows // engines, 0, self._read_cycles(phase), plan)
        hold = draft.last_start + 1
        start = max(1, self._cleared(phase, draft), *(self._ready(feed, draft, hold) for feed in phase.feeds))
        slot = PhaseSlot(engines, draft.beats, start, draft.read_cycles, plan)
        for value in sorted(phase.reads):
            if not self.in_memory(value):
                self.reads[value, number] = self._deliver(value, start, hold).stage
        self.slots.append(slot)
        for value in phase.writes:
            self.taps[value] = [_Tap(0, slot.last_result + 1, slot.first_result + self.ii_cycles)]

    def _read_cycles(self, phase: Phase) -> int:
        """Select and register; from memories read, select and register, and before it read the index."""
        if self.architecture == "parallel":
            return 1
        return 3 if any(feed.index is not None for feed in phase.feeds) else 2

    def _cleared(self, phase: Phase, draft: PhaseSlot) -> int:
        """First start at which the sums are cleared before the first result arrives."""
        segments = [one.op.segments for one in phase.reductions if isinstance(one.op, SegmentSum)]
        if self.architecture == "parallel" or not segments:
            return 1
        return 1 + max(count // self.engines[count] for count in segments) - draft.first_result

    def _ready(self, feed: Feed, draft: PhaseSlot, hold: int) -> int:
        """First start of a phase at which a feed can be read."""
        index = 1 if feed.index is None else self._ready(Feed(feed.name, feed.index), draft, hold)
        if self.in_memory(feed.value):
            return max(index, self._ready_in_memory(feed, draft))
        taps = self.taps[feed.value]
        fit = [tap for tap in taps if tap.last - tap.first + 1 >= hold]
        return max(index, min([*(tap.first for tap in fit), taps[0].first + 1]))

    def _ready_in_memory(self, feed: Feed, draft: PhaseSlot) -> int:
        first, last = self._written(feed.value)
        if feed.index is not None:
            return last + 1 - 1  # the index is read one cycle before
        beats = draft.beats
        # Beat b is written in cycle first + b * step and read in cycle start + b * interval.
        step = (last - first) // max(beats - 1, 1)
        return max(first + 1, last + 1 - draft.last_start) if step else last + 1

    def _written(self, value: str) -> tuple[int, int]:
        """Cycles in which the first and the last word of an event are written."""
        if value not in self.program.writer:
            return 0, self.program.graph.types[value].shape[0] // self.engines[
                self.program.graph.types[value].shape[0]
            ] - 1
        slot = self.slots[self.program.writer[value]]
        is_sum = isinstance(self.program.graph.by_name[value].op, SegmentSum)
        return (slot.last_result + 1, slot.last_result + 1) if is_sum else (slot.first_result, slot.last_result)

    def _deliver(self, value: str, start: int, hold: int, *, clean: bool = False) -> _Tap:
        """Return a tap that holds `value` from `start` on, adding registers where none does."""
        taps = self.taps[value]
        for tap in taps:
            if (tap.is_clean or not clean) and tap.first <= start and start + hold - 1 <= tap.last:
                return tap
        while not any(tap.first <= start - 1 <= tap.last for tap in taps):
            latest = max(taps, key=lambda tap: tap.last)
            self._hold(value, latest, latest.last)
        source = next(tap for tap in taps if tap.first <= start - 1 <= tap.last)
        return self._hold(value, source, start - 1)

    def _hold(self, value: str, source: _Tap, capture: int) -> _Tap:
        tap = _Tap(len(self.taps[value]), capture + 1, capture + self.ii_cycles)
        self.holds.append(Hold(value, tap.stage, source.stage, capture))
        self.taps[value].append(tap)
        return tap

    def place_outputs(self) -> int:
        """Give the outputs their place; return the latency."""
        names = [port.node for port in self.program.graph.outputs]
        if self.architecture == "parallel":
            firsts = [min(tap.first for tap in self.taps[name] if tap.is_clean) for name in names]
            for name in names:
                self.reads[name, OUTPUTS] = self._deliver(name, max(firsts), 1, clean=True).stage
            return max(firsts)
        last = self.slots[-1]
        for name in names:
            if name in self.program.phases[-1].results:
                continue
            if self.in_memory(name) or self.taps[name][0].first > last.first_result:
                raise BadInputError(f"output '{name}' must be given by the last phase, or be one row known before it")
            self.reads[name, OUTPUTS] = self._deliver(name, last.first_result, 1, clean=True).stage
        return last.last_result

    def buffers(self) -> dict[tuple[str, int], int]:
        """How many events every memory holds: a word is written again only after its last reader."""
        found: dict[tuple[str, int], int] = {}
        for number, phase in enumerate(self.program.phases):
            named = {feed.value for feed in phase.feeds if feed.index is not None}
            for value in filter(self.in_memory, phase.reads):
                found[value, number] = self._buffers(value, self.slots[number], is_row=value not in named)
        return found

    def _buffers(self, value: str, slot: PhaseSlot, *, is_row: bool) -> int:
        first, last = self._written(value)
        if isinstance(self.program.graph.by_name[value].op, SegmentSum):
            cleared = clear_start(self.program, self.engines, self.slots, value)
            held = max(slot.start - cleared, slot.last_start - (cleared + slot.beats - 1))
            return (held + 1) // self.ii_cycles + 1
        # Read one cycle after the index, or after the rows of other feeds.
        lags = (slot.start - first, slot.last_start - last) if is_row else (slot.last_start - first,)
        return (max(lags) + 1) // self.ii_cycles + 1
