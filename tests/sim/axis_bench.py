"""cocotb tests of the AXI4-Stream wrapper with the source and sink of cocotbext-axi; results go into files.

What the wrapper promises of AXI4-Stream is asserted in every cycle: a beat offered stays until it is taken, and
nothing is offered or taken in reset. Whether the beats are right is decided outside.
"""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

from codesign.files import read_json, write_json

CLOCK_NS = 10


class Bench:
    """Source, sink, and a monitor that records the cycles in which beats go in and come out."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.manifest = dut, read_json(Path.cwd() / "manifest.json")
        self.clocks = [getattr(dut, name) for name in self.manifest["clocks"]]
        self.resets = [getattr(dut, name) for name in self.manifest["resets"]]
        self.events = np.load(Path.cwd() / "events.npy", allow_pickle=False)  # (events, bytes of all beats)
        clock, reset = self.clocks[0], self.resets[0]
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), clock, reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), clock, reset)
        self.cycle, self.taken, self.given = 0, [], []
        self.faults = self.errors = 0

    async def start(self) -> None:
        """Start clocks, monitor and reset."""
        cocotb.start_soon(self._drive_clocks())
        cocotb.start_soon(self._watch())
        await self.reset()

    async def _drive_clocks(self) -> None:
        while True:
            for level in (0, 1):
                for clock in self.clocks:
                    clock.value = level
                await Timer(CLOCK_NS // 2, unit="ns")

    async def reset(self) -> None:
        """Hold reset for some cycles; forget what was under way."""
        for port in self.resets:
            port.value = 1
        for _ in range(4):
            await RisingEdge(self.clocks[0])
        self.source.clear()
        self.sink.clear()
        for port in self.resets:
            port.value = 0
        await RisingEdge(self.clocks[0])
        self.taken, self.given, self.errors = [], [], 0

    async def _watch(self) -> None:
        dut, offered = self.dut, None
        in_reset = 0  # cycles in reset; before the first edge in it registers hold anything
        while True:
            await FallingEdge(self.clocks[0])
            self.cycle += 1
            in_reset = in_reset + 1 if int(self.resets[0].value) else 0
            if in_reset > 1:
                assert not int(dut.s_axis_tready.value), "a beat could be taken in reset"
                assert not int(dut.m_axis_tvalid.value), "a beat is offered in reset"
            if in_reset:
                offered = None
                continue
            if int(dut.s_axis_tvalid.value) and int(dut.s_axis_tready.value):
                self.taken.append(self.cycle)
                self.faults += int(getattr(dut, "frame_fault", dut.m_axis_tlast).value) if self.has_packets else 0
            self.errors += int(dut.tmr_err.value)
            now = (int(dut.m_axis_tdata.value), int(dut.m_axis_tlast.value)) if int(dut.m_axis_tvalid.value) else None
            assert offered is None or now == offered, "a beat changed before it was taken"
            is_taken = now is not None and int(dut.m_axis_tready.value)
            if is_taken:
                self.given.append(self.cycle)
            offered = None if is_taken else now

    @property
    def has_packets(self) -> bool:
        return self.manifest.get("in_beats", 1) > 1

    async def send(self, events: np.ndarray) -> None:
        for row in events:
            await self.source.send(row.tobytes())

    async def receive(self, count: int) -> list[bytes]:
        return [bytes((await self.sink.recv()).tdata) for _ in range(count)]

    async def quiet(self) -> None:
        """Nothing more may come out."""
        for _ in range(3 * (self.manifest["latency_cycles"] + self.manifest["ii_cycles"])):
            await RisingEdge(self.clocks[0])
        assert self.sink.empty(), "a beat too many"
        assert self.errors == 0, "copies of a register differ"
        assert self.faults == 0, "tlast is where it belongs, and yet frame_fault"


def pauses(seed: int, fraction: float) -> Iterator[bool]:
    rng = random.Random(seed)
    return (rng.random() < fraction for _ in itertools.count())


def store(name: str, frames: list[bytes], **measured: Any) -> None:
    np.save(Path.cwd() / f"{name}.npy", np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), -1))
    write_json(Path.cwd() / f"{name}.json", measured)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def full_rate(dut: Any) -> None:
    """Nobody waits: the cycles in which beats come out are recorded."""
    bench = Bench(dut)
    await bench.start()
    await bench.send(bench.events)
    frames = await bench.receive(len(bench.events))
    await bench.quiet()
    store("full_rate", frames, taken=bench.taken, given=bench.given)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def random_stalls(dut: Any) -> None:
    """Source and sink wait at random, rarely and often."""
    bench, frames = Bench(dut), []
    await bench.start()
    for seed, (source, sink) in enumerate([(0.1, 0.1), (0.0, 0.7), (0.7, 0.0), (0.5, 0.9), (0.8, 0.5)]):
        bench.source.set_pause_generator(pauses(2 * seed, source))
        bench.sink.set_pause_generator(pauses(2 * seed + 1, sink))
        await bench.send(bench.events)
        frames += await bench.receive(len(bench.events))
    bench.sink.clear_pause_generator()
    bench.sink.pause = False
    await bench.quiet()
    store("random_stalls", frames)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def long_stall(dut: Any) -> None:
    """The sink takes nothing until the wrapper is full, and for long after."""
    bench = Bench(dut)
    await bench.start()
    bench.sink.pause = True
    await bench.send(bench.events)
    places = bench.manifest["wrapper"]["events"] + 3
    for _ in range(2 * bench.manifest["latency_cycles"] + places * (bench.manifest["ii_cycles"] + 2) + 20):
        await RisingEdge(bench.clocks[0])
    full = len(bench.taken)
    for _ in range(50):
        await RisingEdge(bench.clocks[0])
    assert len(bench.taken) == full, "beats are taken although the sink waits for long"
    bench.sink.pause = False
    frames = await bench.receive(len(bench.events))
    await bench.quiet()
    store("long_stall", frames, taken_while_stalled=full)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def reset_in_mid_stream(dut: Any) -> None:
    """What was under way is lost, whole; what comes afterwards is as if nothing had been."""
    bench, frames = Bench(dut), []
    await bench.start()
    for cycles in (1, 3, bench.manifest["latency_cycles"] + 1, 40):
        bench.sink.set_pause_generator(pauses(cycles, 0.6))
        await bench.send(bench.events)
        for _ in range(cycles):
            await RisingEdge(bench.clocks[0])
        await bench.reset()
        bench.sink.clear_pause_generator()
        bench.sink.pause = False
        await bench.quiet()
        await bench.send(bench.events)
        frames += await bench.receive(len(bench.events))
        await bench.quiet()
    store("reset_in_mid_stream", frames)
