"""The cocotb test of a design behind AXI4-Stream: source and sink wait at random, beats that come out are recorded.

Inputs change at falling edges; a beat goes over in a cycle in which valid and ready are high a while later, before the
rising edge. A beat that is offered stays until it is taken, which is asserted; whether beats are right is decided
outside, by comparison. The bench ends when nothing has moved for long, so that a lost beat is a missing one.
"""

import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from codesign.files import read_json, write_json
from codesign.sim.exchange import read_words, write_beats
from codesign.sim.testbench import Bench

SETTLE_PS = 200


class StreamBench(Bench):
    """Source and sink of a wrapper, beside the clocks, resets and registers of every design."""

    def __init__(self, dut: Any, manifest: dict[str, Any], seed: int) -> None:
        super().__init__(dut, manifest)
        self.random = random.Random(seed)
        self.has_packets = self.in_beats > 1
        self.waits = (0.0, 1.0)  # how often source and sink wait
        self.queue: list[int] = []
        self.is_offered = False
        self.taken = 0
        self.given: list[int] = []
        self.seen: tuple[int, int] | None = None
        self.moved_in_cycle = 0

    def idle(self) -> None:
        """Offer nothing and take nothing."""
        self.dut.s_axis_tvalid.value = 0
        self.dut.m_axis_tready.value = 0

    async def step(self, word: int | None = None) -> None:
        """Advance to the next falling edge, offer a beat and be ready or not, and record what goes over."""
        await FallingEdge(self.clock)
        self.cycle += 1
        source_waits, sink_waits = self.waits
        if not self.is_offered and self.queue and self.random.random() >= source_waits:
            self.is_offered = True
            self.dut.s_axis_tdata.value = self.queue[0]
            if self.has_packets:
                self.dut.s_axis_tlast.value = int(self.taken % self.in_beats == self.in_beats - 1)
        self.dut.s_axis_tvalid.value = int(self.is_offered)
        is_ready = self.random.random() >= sink_waits
        self.dut.m_axis_tready.value = int(is_ready)
        await Timer(SETTLE_PS, unit="ps")
        self._record(is_ready)

    def _record(self, is_ready: bool) -> None:
        dut = self.dut
        self.err_cycles += int(dut.tmr_err.value)
        if self.is_offered and int(dut.s_axis_tready.value):
            self.queue.pop(0)
            self.is_offered = False
            self.taken, self.moved_in_cycle = self.taken + 1, self.cycle
        beat = (int(dut.m_axis_tdata.value), int(dut.m_axis_tlast.value)) if int(dut.m_axis_tvalid.value) else None
        assert self.seen is None or beat == self.seen, "a beat changed before it was taken"
        if beat is not None and is_ready:
            last = len(self.given) % self.out_beats == self.out_beats - 1
            assert beat[1] == last, f"tlast is {beat[1]} at beat {len(self.given)}"
            self.given.append(beat[0])
            self.moved_in_cycle = self.cycle
        self.seen = None if is_ready else beat

    async def stall(self, words: list[int], source: float, sink: float) -> None:
        """Send `words` while source and sink wait in these fractions of cycles, until all is quiet."""
        patience = 200 + 10 * (self.latency_cycles + self.ii_cycles * self.in_beats)
        self.queue, self.waits, self.moved_in_cycle = list(words), (source, sink), self.cycle
        while self.cycle - self.moved_in_cycle < patience:
            await self.step()
        assert not self.queue, f"{len(self.queue)} beats are never taken"


@cocotb.test()
async def beats_in_beats_out(dut: Any) -> None:
    """All beats with every pair of rates at which source and sink wait."""
    directory = Path.cwd()
    plan = read_json(directory / "stalls.json")
    bench = StreamBench(dut, read_json(directory / "manifest.json"), plan["seed"])
    words = [int.from_bytes(row.tobytes(), "little") for row in read_words(directory / "events.npy")]
    await bench.power_up()
    await bench.configure(read_words(directory / "parameters.npy").tobytes())
    for source, sink in plan["waits"]:
        await bench.stall(words, source, sink)
    size = int(bench.manifest["wrapper"]["m_axis_tdata_bits"]) // 8
    write_beats(directory / "beats.npy", bench.given, size)
    write_json(directory / "stream.json", {"taken": bench.taken, "tmr_err_cycles": bench.err_cycles})
