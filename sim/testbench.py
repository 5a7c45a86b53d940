"""The cocotb test of every design: drive packed events, record packed results, measure latency and interval.

Inputs change at falling edges; a result is sampled at the falling edge of its cycle. The measured numbers
are asserted against the manifest; whether the results are right is decided outside, by comparison.
"""

import random
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from codesign.files import read_json, write_json
from codesign.register_map import RegisterMap
from codesign.sim.config_port import CLOCK_NS, ConfigPort
from codesign.sim.exchange import PHASES, Measured, Progress, read_plan, read_words, write_words

RESET_CYCLES = 2
PROBE_EVENTS = 4
Event = list[int]  # its beats


class Bench:
    """Clock, reset and one stream of events; records (cycle, word) of every input and result."""

    def __init__(self, dut: Any, manifest: dict[str, Any]) -> None:
        self.dut, self.manifest = dut, manifest
        self.clock, *_ = self.clocks = [getattr(dut, name) for name in manifest["clocks"]]
        self.resets = [getattr(dut, name) for name in manifest["resets"]]
        self.config_resets = [getattr(dut, name) for name in manifest["config_resets"]]
        self.latency_cycles = int(manifest["latency_cycles"])
        self.ii_cycles = int(manifest["ii_cycles"])
        # An event is one word, or comes in beats, in successive cycles; its result leaves in beats.
        self.in_beats = int(manifest.get("in_beats", 1))
        self.out_beats = int(manifest.get("out_beats", 1))
        self.out_bytes = (int(manifest["out_width"]) + 7) // 8
        registers = RegisterMap.of(manifest)
        self.config = ConfigPort(dut, registers, self.step) if registers else None
        self.cycle = 0
        self.err_cycles = 0
        self.progress = Progress(Path.cwd())
        self.driven: list[int] = []
        self.results: list[tuple[int, int]] = []

    async def step(self, word: int | None = None) -> None:
        """Advance to the next falling edge, record a result if there is one, then drive `word` or nothing."""
        await FallingEdge(self.clock)
        self.cycle += 1
        if int(self.dut.out_valid.value):
            self.results.append((self.cycle, int(self.dut.out_data.value)))
        self.err_cycles += int(self.dut.tmr_err.value)
        self.dut.in_valid.value = int(word is not None)
        if word is not None:
            self.dut.in_data.value = word

    def idle(self) -> None:
        """Drive no event."""
        self.dut.in_valid.value = 0
        self.dut.in_data.value = 0

    async def power_up(self) -> None:
        """Start the clocks and reset everything; before the first reset the copies of registers hold anything."""
        self.idle()
        if self.config:
            self.config.quiet()
        self._set(self.config_resets, 1)
        self.start_clocks()
        await self.reset()
        self._set(self.config_resets, 0)
        if self.config:
            await self.step(None)
        self.err_cycles = 0

    async def reset(self) -> None:
        """Reset the data path for some cycles; whatever was in flight must not come out afterwards."""
        self._set(self.resets, 1)
        for _ in range(RESET_CYCLES):
            await self.step(None)
        self._set(self.resets, 0)
        self.driven.clear()
        self.results.clear()

    @staticmethod
    def _set(ports: list[Any], value: int) -> None:
        for port in ports:
            port.value = value

    def start_clocks(self) -> None:
        """Start the clocks; all rise and fall in one moment, as no lane may see another a cycle early."""
        if len(self.clocks) == 1:
            Clock(self.clock, CLOCK_NS, unit="ns").start()
        else:
            cocotb.start_soon(self._drive_clocks())

    async def _drive_clocks(self) -> None:
        while True:
            for level in (1, 0):
                for clock in self.clocks:
                    clock.value = level
                await Timer(CLOCK_NS // 2, unit="ns")

    async def configure(self, parameters: bytes) -> None:
        """Write the programmable parameters, read them back, and commit them."""
        if not self.config:
            return
        await self.config.load(parameters)
        for _ in range(self.latency_cycles + self.ii_cycles):
            await self.step(None)
        assert not await self.config.is_busy(), "a commit is not finished although no events come"

    async def event(self, beats: Event, interval: int) -> None:
        """Drive the beats of an event, and nothing until `interval` cycles have passed."""
        self.driven.append(self.cycle + 1)
        for word in beats:
            await self.step(word)
        for _ in range(interval - len(beats)):
            await self.step(None)

    async def stream(self, events: list[Event], gaps: random.Random | None = None) -> None:
        """Drive `events` at the scheduled interval, or with random idle cycles more, and wait for the last result."""
        for beats in events:
            await self.event(beats, self.ii_cycles + (gaps.randrange(4) if gaps else 0))
            self.progress.event()
        for _ in range(self.latency_cycles + 2):
            await self.step(None)

    async def probe(self, events: list[Event], results: np.ndarray) -> None:
        """Drive events one cycle closer than the interval: if all results still come, the interval is overstated.

        Beats that fill the interval cannot come closer.
        """
        if self.ii_cycles == self.in_beats or len(events) < 2:
            return
        for beats in events:
            await self.event(beats, self.ii_cycles - 1)
        for _ in range(self.latency_cycles + self.ii_cycles):
            await self.step(None)
        wanted = [int.from_bytes(row.tobytes(), "little") for row in results[: len(events) * self.out_beats]]
        got = [word for _, word in self.results]
        assert got != wanted, f"events every {self.ii_cycles - 1} cycles work, manifest says {self.ii_cycles}"

    def take(self, expected: int) -> tuple[np.ndarray, int, int]:
        """Return results as packed words, latency (first beat in, last beat out), least spacing; empty the record."""
        beats = expected * self.out_beats
        assert len(self.results) == beats, f"{expected} events gave {len(self.results)} results of {beats}"
        cycles = [cycle for cycle, _ in self.results[self.out_beats - 1 :: self.out_beats]]
        latencies = {out - into for into, out in zip(self.driven, cycles, strict=True)}
        assert latencies == {self.latency_cycles}, f"latency {latencies}, manifest says {self.latency_cycles}"
        spacing = min((b - a for a, b in pairwise(cycles)), default=self.ii_cycles)
        rows = [word.to_bytes(self.out_bytes, "little") for _, word in self.results]
        words = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(beats, self.out_bytes)
        self.driven.clear()
        self.results.clear()
        return words, self.latency_cycles, spacing


@cocotb.test()
async def events_in_results_out(dut: Any) -> None:
    """All events back to back, some with random gaps, some after a reset in mid stream."""
    directory = Path.cwd()
    plan = read_plan(directory)
    bench = Bench(dut, read_json(directory / "manifest.json"))
    words = [int.from_bytes(row.tobytes(), "little") for row in read_words(directory / "events.npy")]
    events = [words[at : at + bench.in_beats] for at in range(0, len(words), bench.in_beats)]
    parameters = read_words(directory / "parameters.npy").tobytes()

    await bench.power_up()
    await bench.configure(parameters)

    await bench.stream(events)
    response, latency, spacing = bench.take(len(events))
    assert spacing == bench.ii_cycles, f"results every {spacing} cycles, manifest says {bench.ii_cycles}"
    write_words(directory / f"{PHASES[0]}.npy", response)

    chosen = events[: plan.gap_events]
    await bench.stream(chosen, random.Random(plan.seed))
    write_words(directory / f"{PHASES[1]}.npy", bench.take(len(chosen))[0])

    chosen = events[: plan.reset_events]
    for beats in chosen:  # leave events in flight
        await bench.event(beats, bench.ii_cycles)
    await bench.reset()  # parameters stay
    await bench.stream(chosen)
    write_words(directory / f"{PHASES[2]}.npy", bench.take(len(chosen))[0])

    bench.progress.tell()
    await bench.probe(events[:PROBE_EVENTS], response)
    write_json(directory / "measured.json", asdict(Measured(latency, spacing, bench.err_cycles, bench.cycle)))
