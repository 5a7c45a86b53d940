"""cocotb tests of the registers over I2C, with cocotbext-i2c as master, while a stream runs through the data path.

`bench.json`: words of events, their results under each of two parameter sets, and the sets as bytes. In every cycle an
event enters; a result must be that of an active set. What the acknowledged writes left in the registers is kept in an
image, with which they are compared. Emitted with 2**12 cycles of bus timeout; copies of registers are public.
"""

import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from codesign.files import read_json
from codesign.register_map import I2C_ADDRESS, RegisterMap
from codesign.sim.config_port import CLOCK_NS, ConfigPort

COPIES = ("qA", "qB", "qC")
TIMEOUT_CYCLES = 1 << 12
# Registers of the slave, below its instance.
SLAVE = (
    *("scl_filter.window", "scl_filter.filtered", "sda_filter.window", "sda_filter.filtered", "previous", "place"),
    *("bits", "serial", "pull", "last_byte", "pointer", "timeout"),
)


class Bench:
    """Clocks, a master, the stream, and an image of the registers."""

    def __init__(self, dut: Any) -> None:
        manifest, given = read_json(Path.cwd() / "manifest.json"), read_json(Path.cwd() / "bench.json")
        registers = RegisterMap.of(manifest)
        assert registers is not None
        self.dut, self.registers = dut, registers
        self.words, self.results, self.sets = given["words"], given["results"], [bytes(s) for s in given["sets"]]
        self.image = bytearray(registers.bytes)
        self.active: set[int] | None = {0}  # the sets that results may come from; None: none is right
        self.seen: set[int] = set()
        self.checked = 0
        self.resetting = False
        self.port = ConfigPort(dut, registers, self.cycle)

    async def cycle(self) -> None:
        """Advance by one cycle."""
        await FallingEdge(self.dut.cfg_clk)

    async def cycles(self, count: int) -> None:
        """Advance by `count` cycles."""
        await Timer(count * CLOCK_NS, unit="ns")

    async def start(self) -> None:
        """Reset, load and commit set 0, and let the stream run."""
        dut = self.dut
        dut.in_valid.value = 0
        dut.in_data.value = 0
        dut.rst.value = 1
        self.port.quiet()
        self.dut.cfg_rst.value = 1
        self.master = self.port.master
        cocotb.start_soon(self._clocks())
        await self.cycles(20)
        await self.cycle()
        dut.rst.value = 0
        dut.cfg_rst.value = 0
        await self.load(0)
        await self.commit()
        cocotb.start_soon(self._stream())
        await self.cycles(50)

    async def _clocks(self) -> None:
        """Both clocks with their edges in the same instant; `clk` only in cycles with clk_on."""
        half, dut = Timer(CLOCK_NS * 500, unit="ps"), self.dut
        while True:
            dut.cfg_clk.value = dut.clk.value = 0
            await half
            dut.cfg_clk.value = 1
            dut.clk.value = int(dut.clk_on.value)
            await half

    async def _stream(self) -> None:
        """Drive an event a cycle and check every result."""
        driven: list[int] = []
        number = 0
        while True:
            await FallingEdge(self.dut.clk)
            if int(self.dut.out_valid.value):
                self._check(driven.pop(0), int(self.dut.out_data.value))
            self.dut.rst.value = int(self.resetting)
            self.dut.in_valid.value = 1
            self.dut.in_data.value = self.words[number % len(self.words)]
            driven = [] if self.resetting else [*driven, number % len(self.words)]
            number += 1

    def _check(self, event: int, got: int) -> None:
        if self.active is None:
            return
        fits = {k for k in self.active if self.results[k][event] == got}
        assert fits, f"event {event} gave {got:x}, which no set of {self.active} gives"
        self.seen |= fits
        self.checked += 1

    async def send(self, *data: int, device: int = I2C_ADDRESS) -> list[int]:
        """START, device address and bytes; return the bits that answer each: 0 is an acknowledge."""
        await self.master.send_start()
        return [int(await self.master.send_byte(byte)) for byte in (device << 1, *data)]

    async def stop(self) -> None:
        """STOP."""
        await self.master.send_stop()

    async def write(self, address: int, data: bytes) -> list[int]:
        """Write a burst and STOP."""
        answers = await self.send(*address.to_bytes(2, "big"), *data)
        await self.stop()
        return answers

    async def read(self, address: int, count: int = 1) -> bytes:
        """Write the register address, repeated START, read a burst, STOP."""
        assert await self.send(*address.to_bytes(2, "big")) == [0, 0, 0]
        data = await self.master.read(I2C_ADDRESS, count)
        await self.stop()
        return bytes(data)

    async def load(self, number: int) -> None:
        """Write a set, one burst a block, without a commit."""
        size = self.registers.block_bytes
        for block in range(self.registers.blocks):
            data = self.sets[number][block * size : (block + 1) * size]
            assert set(await self.write(self.registers.block_address(block), data)) == {0}
            self.image[block * size : block * size + len(data)] = data

    async def commit(self) -> None:
        """Commit and see that it is done."""
        assert await self.write(self.registers.control, b"\x01") == [0] * 4
        assert await self.read(self.registers.control + 1) == b"\x00"

    async def check_image(self) -> None:
        """Read all parameters back."""
        size = self.registers.block_bytes
        for block in range(self.registers.blocks):
            wanted = bytes(self.image[block * size : (block + 1) * size])
            got = await self.read(self.registers.block_address(block), len(wanted))
            wrong = [k for k, (a, b) in enumerate(zip(got, wanted, strict=True)) if a != b]
            assert not wrong, f"block {block}: bytes {wrong[:4]} read {got[wrong[0]]:02x}, not {wanted[wrong[0]]:02x}"

    async def finish(self) -> None:
        """Nothing is lost, nothing corrupted, and the stream went on; no copy differed."""
        await self.check_image()
        for register in self.registers.registers:
            if register.name == "errors":
                assert await self.read(register.address) == b"\x00"
        assert self.checked > 100
        assert self.seen == self.active == {0}

    async def clocks(self, count: int) -> None:
        """Clocks with SDA released, from SCL low to SCL low, as a master that lost its place sends them."""
        self.master._set_sda(1)
        for level in [1, 0] * count:
            await self.cycles(12)
            self.master._set_scl(level)
        await self.cycles(12)

    async def clock_until_high(self) -> int:
        """Clock with SDA released until SDA is high, 9 times at most; return how often."""
        self.master._set_sda(1)
        await self.cycles(12)
        for count in range(10):
            if int(self.master.sda.value):
                return count
            await self.clocks(1)
        raise AssertionError("SDA is low after nine clocks")

    def flip(self, register: str, copy: str, bit: int) -> None:
        """Invert one bit of one copy of a register, named below the top."""
        handle = self.dut
        for name in (*register.split("."), "triplicated", copy):
            head, _, index = name.partition("[")
            handle = getattr(handle, head)
            handle = handle[int(index.rstrip("]"))] if index else handle
        handle.value = int(handle.value) ^ (1 << bit % len(handle))


async def started(dut: Any) -> Bench:
    """Return a running bench."""
    bench = Bench(dut)
    await bench.start()
    return bench


@cocotb.test()
async def loads_commits_and_streams(dut: Any) -> None:
    """Nothing of a new set shows before the commit, all of it after; the shadow is read back."""
    bench = await started(dut)
    await bench.load(1)
    await bench.finish()
    bench.active = {0, 1}
    await bench.commit()
    await bench.cycles(50)
    bench.active, bench.seen = {1}, set()
    await bench.check_image()
    assert bench.seen == {1}


@cocotb.test()
async def answers_its_own_address_only(dut: Any) -> None:
    """Another device address gets no acknowledge, nor does anything behind it."""
    bench = await started(dut)
    near = [I2C_ADDRESS ^ (1 << bit) for bit in range(7)]
    others = [device for device in range(128) if device not in (I2C_ADDRESS, *near)]
    for device in (*near, *random.Random(1).sample(others, 8)):
        assert await bench.send(0x05, 0x38, 0xA5, 0xA5, device=device) == [1] * 5
        await bench.stop()
        assert set(await bench.master.read(device, 2)) == {0xFF}
        await bench.stop()
    await bench.finish()


@cocotb.test()
async def refuses_addresses_without_a_byte(dut: Any) -> None:
    """A register address without a byte is not acknowledged; nor is what follows, nor a read there."""
    bench = await started(dut)
    registers = bench.registers
    held = {a for r in registers.registers for a in range(r.address, r.address + r.count)}
    edges = {a + d for a in held for d in (-1, 1)} - held
    for address in sorted(edges | {0, 0xFFFF, registers.base ^ 0x8000, registers.base - 0x100}):
        pointer = address.to_bytes(2, "big")
        assert await bench.send(*pointer, 0xA5, 0x5A) == [0, 0, 1, 1, 1], f"0x{address:04x}"
        await bench.stop()
        await bench.send(*pointer)
        await bench.master.send_start()
        assert int(await bench.master.send_byte((I2C_ADDRESS << 1) | 1)) == 1, f"0x{address:04x}"
        await bench.stop()
    assert await bench.write(registers.control + 1, b"\x01") == [0, 0, 0, 1]  # read only
    # Past the end of a block its counter takes a byte; the next address has none.
    last = registers.counter_address(0) - 1
    assert await bench.write(last, bytes([bench.image[registers.block_bytes - 1], 0, 7, 7])) == [0] * 5 + [1] * 2
    await bench.finish()


@cocotb.test()
async def refuses_weights_while_a_commit_waits(dut: Any) -> None:
    """With the data clock off a commit waits; weights and a second commit are refused, then it goes on."""
    bench = await started(dut)
    registers = bench.registers
    await bench.load(1)
    await bench.cycle()
    dut.clk_on.value = 0
    assert await bench.write(registers.control, b"\x01") == [0] * 4
    for address in (registers.base, registers.byte_address(registers.bytes - 1), registers.control):
        assert await bench.write(address, b"\x01\x01") == [0, 0, 0, 1, 1]
    assert await bench.read(registers.control + 1) == b"\x01"
    await bench.check_image()
    bench.active = {0, 1}
    await bench.cycle()
    dut.clk_on.value = 1
    await bench.cycles(50)
    bench.active, bench.seen = {1}, set()
    assert await bench.read(registers.control + 1) == b"\x00"
    await bench.check_image()
    assert bench.seen == {1}


@cocotb.test()
async def is_cut_off_anywhere_in_a_write(dut: Any) -> None:
    """STOP, repeated START, or nine clocks and then one of these, after every number of bits of a burst."""
    bench = await started(dut)
    rng = random.Random(3)
    for end in ("stop", "start", "clocks, stop", "clocks, start"):
        for byte in range(6):
            for bits in range(9):
                await cut_write(bench, end, byte, bits, rng)
    await bench.finish()


async def cut_write(bench: Bench, end: str, byte: int, bits: int, rng: random.Random) -> None:
    """Cut off a burst of three bytes after `byte` whole bytes of it and `bits` bits; 8 bits: before the acknowledge."""
    registers, master = bench.registers, bench.master
    first = rng.randrange(registers.bytes // 140) * registers.block_bytes + rng.randrange(100)
    data = bytes(rng.randrange(256) for _ in range(3))
    frame = [I2C_ADDRESS << 1, *registers.byte_address(first).to_bytes(2, "big"), *data]
    await master.send_start()
    for one in frame[:byte]:
        assert not await master.send_byte(one)
    begun = [int(bool(frame[byte] & (0x80 >> bit))) for bit in range(bits)]
    for bit in begun:
        await master.send_bit(bit)
    clocks = "clocks" in end
    if bits == 8:  # SDA is low: a master that means well goes on until it is not
        assert await bench.clock_until_high() == 1
    elif clocks:
        await bench.clocks(9)
        await bench.clock_until_high()  # not at once if the ones made a read of it
    if end.endswith("start"):
        await master.send_start()
    await bench.stop()
    kept = max(0, byte - 3 + (bits == 8))
    values = bytearray(data[:kept])
    if clocks and bits == 0 and byte >= 3:
        values.append(0xFF)  # by the rules of I2C a byte
    elif not clocks and 0 < bits < 8 and all(begun):
        values = values[:-1]  # looks like nine clocks that began inside the last whole byte
    bench.image[first : first + len(values)] = values
    got = await bench.read(registers.byte_address(first), 4)
    assert got == bytes(bench.image[first : first + 4]), f"{end} after byte {byte}, bit {bits} of {bytes(frame).hex()}"


@cocotb.test()
async def is_cut_off_anywhere_in_a_read(dut: Any) -> None:
    """A master that stops listening gets the bus back within nine clocks, from every bit of a byte that is read."""
    bench = await started(dut)
    rng = random.Random(4)
    for bits in (*range(9), *range(9)):
        address = rng.randrange(100)
        await bench.send(*bench.registers.byte_address(address).to_bytes(2, "big"))
        await bench.master.send_start()
        assert not await bench.master.send_byte((I2C_ADDRESS << 1) | 1)
        for _ in range(bits):
            await bench.master.recv_bit()
        assert await bench.clock_until_high() <= 9
        await bench.master.send_start()
        await bench.stop()
        assert await bench.read(bench.registers.byte_address(address), 2) == bytes(bench.image[address : address + 2])
    await bench.finish()


@cocotb.test()
async def forgets_a_transfer_that_stands_still(dut: Any) -> None:
    """After the timeout SDA is free, and nine clocks do nothing, wherever the transfer stood."""
    bench = await started(dut)
    address = bench.registers.byte_address(7)
    for byte in (1, 3, 4, 5):
        for bits in (0, 3, 8):
            frame = [I2C_ADDRESS << 1, *address.to_bytes(2, "big"), *bytes(255 - value for value in bench.image[7:10])]
            await bench.master.send_start()
            for one in frame[:byte]:
                assert not await bench.master.send_byte(one)
            for bit in range(bits):
                await bench.master.send_bit(frame[byte] & (0x80 >> bit))
            bench.master._set_sda(1)
            await bench.cycles(TIMEOUT_CYCLES + 20)
            assert int(bench.master.sda.value) == 1
            await bench.clocks(9)
            await bench.stop()
            # What was acknowledged is kept, but for the last byte before one that was begun.
            kept = frame[3 : byte - (bits == 3)]
            bench.image[7 : 7 + len(kept)] = kept
            got = await bench.read(address, 3)
            assert got == bytes(bench.image[7:10]), f"byte {byte}, bit {bits}"
    await bench.finish()


@cocotb.test()
async def goes_on_through_resets_of_the_data_path(dut: Any) -> None:
    """`rst` in mid burst: the transfer goes on and all registers stay."""
    bench = await started(dut)

    async def resets() -> None:
        while True:
            await bench.cycles(701)
            bench.resetting = True
            await bench.cycles(3)
            bench.resetting = False

    task = cocotb.start_soon(resets())
    await bench.load(1)
    await bench.check_image()
    task.cancel()
    bench.resetting = False
    await bench.cycles(20)
    await bench.finish()


@cocotb.test()
async def starts_anew_after_its_own_reset(dut: Any) -> None:
    """`cfg_rst` in mid burst: all registers are zero, the bus is free, and loading works."""
    bench = await started(dut)
    for byte in range(1, 6):
        await bench.master.send_start()
        for one in (I2C_ADDRESS << 1, 0x05, 0x40, 0xA5, 0x5A)[:byte]:
            assert not await bench.master.send_byte(one)
        await bench.master.send_bit(1)
        await bench.cycle()
        bench.active = None
        bench.resetting = True
        dut.cfg_rst.value = 1
        await bench.cycle()
        dut.cfg_rst.value = 0
        await bench.stop()
        bench.image = bytearray(bench.registers.bytes)
        await bench.check_image()
    await bench.load(0)
    await bench.commit()
    bench.active = {0}
    bench.resetting = False
    await bench.cycles(50)
    await bench.finish()


@cocotb.test()
async def upsets_of_single_copies_change_no_transfer(dut: Any) -> None:
    """Any bit of any one copy of the slave's state, a hundred cycles apart, while a set is written and read."""
    bench = await started(dut)
    rng, count = random.Random(6), 0

    async def upsets() -> None:
        nonlocal count
        while True:
            await bench.cycles(rng.randrange(40, 160))
            await bench.cycle()
            bench.flip(f"u_bus.{SLAVE[count % len(SLAVE)]}", rng.choice(COPIES), rng.randrange(64))
            count += 1

    task = cocotb.start_soon(upsets())
    await bench.load(1)
    await bench.check_image()
    task.cancel()
    counted = (await bench.read(bench.registers.control + 2))[0]
    assert count > 200 and counted == min(count, 255), f"{count} upsets, {counted} counted"
    assert await bench.write(bench.registers.control, b"\x02") == [0] * 4
    await bench.finish()


@cocotb.test()
async def upsets_of_two_copies_do(dut: Any) -> None:
    """The control of the test before: the same upsets in two copies break transfers."""
    bench = await started(dut)
    rng, broken = random.Random(6), 0
    for number in range(40):
        task = cocotb.start_soon(bench.write(bench.registers.base, bytes(bench.image[:4])))
        await bench.cycles(rng.randrange(40, 800))
        await bench.cycle()
        bit = rng.randrange(64)
        for copy in COPIES[:2]:
            bench.flip(f"u_bus.{SLAVE[number % len(SLAVE)]}", copy, bit)
        answers = await task
        await bench.clocks(9)
        await bench.master.send_start()
        await bench.stop()
        broken += answers != [0] * 7 or await bench.read(bench.registers.base, 4) != bytes(bench.image[:4])
        await bench.write(bench.registers.base, bytes(bench.image[:4]))
    assert broken > 5


@cocotb.test()
async def counts_upsets_of_weights_and_heals_them_with_the_data_clock_off(dut: Any) -> None:
    """Each block counts its own, up to 255; a write clears; copies heal in a cycle though `clk` stands still."""
    bench = await started(dut)
    registers, last = bench.registers, bench.registers.blocks - 1
    await bench.cycle()
    dut.clk_on.value = 0
    weights = {0: "u_parameters.u_block_0_shadow.bytes[5].value", last: f"u_parameters.u_active_{last * 134 * 8}"}
    for block, wanted in ((0, 7), (last, 300)):
        for upset in range(wanted):
            await bench.cycle()
            bench.flip(weights[block], COPIES[upset % 3], upset)
            await bench.cycle()
            assert int(dut.tmr_err.value) == 0  # healed at the edge in between
        assert await bench.read(registers.counter_address(block)) == bytes([min(wanted, 255)])
    assert await bench.read(registers.counter_address(0)) == b"\x07"
    assert await bench.write(registers.counter_address(last), b"\x00") == [0] * 4
    assert await bench.read(registers.counter_address(last)) == b"\x00"
    assert await bench.read(registers.counter_address(0)) == b"\x07"
    assert await bench.write(registers.control, b"\x02") == [0] * 4
    await bench.cycle()
    dut.clk_on.value = 1
    await bench.cycles(200)
    await bench.finish()
