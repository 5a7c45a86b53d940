"""cocotb tests of the registers over APB: every address of the map and around it, and a commit with the clock off."""

import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from codesign.files import read_json
from codesign.register_map import RegisterMap
from codesign.sim.config_port import CLOCK_NS, ConfigPort


class Apb:
    """A master that goes through setup and access phase, or stops before the access phase."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut

    async def transfer(self, address: int, value: int | None = None, *, access: bool = True) -> tuple[int, int]:
        """Return what was read, and the error flag."""
        dut = self.dut
        dut.psel.value, dut.penable.value, dut.paddr.value = 1, 0, address
        dut.pwrite.value, dut.pwdata.value = int(value is not None), value or 0
        await Timer(CLOCK_NS * 250, unit="ps")
        assert not int(dut.pslverr.value), "an error in the setup phase"
        await FallingEdge(dut.cfg_clk)
        dut.penable.value = int(access)
        dut.psel.value = int(access)
        await Timer(CLOCK_NS * 250, unit="ps")
        answer = int(dut.prdata.value), int(dut.pslverr.value)
        assert int(dut.pready.value)
        await FallingEdge(dut.cfg_clk)
        dut.psel.value = dut.penable.value = 0
        return answer


async def started(dut: Any) -> tuple[Apb, RegisterMap]:
    """Reset, and return a master and the map."""
    registers = RegisterMap.of(read_json(Path.cwd() / "manifest.json"))
    assert registers is not None
    ConfigPort(dut, registers, lambda: FallingEdge(dut.cfg_clk)).quiet()
    dut.cfg_rst.value = 1
    Clock(dut.cfg_clk, CLOCK_NS, unit="ns").start()
    dut.in_valid.value = dut.in_data.value = 0
    dut.rst.value = 1
    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    await Timer(10 * CLOCK_NS, unit="ns")
    await FallingEdge(dut.cfg_clk)
    dut.rst.value = dut.cfg_rst.value = 0
    return Apb(dut), registers


@cocotb.test()
async def every_address(dut: Any) -> None:
    """Weights hold what is written, status is read only, and an address without a byte is an error."""
    master, registers = await started(dut)
    rng = random.Random(2)
    weights = {registers.byte_address(byte): rng.randrange(256) for byte in range(registers.bytes)}
    weights[registers.byte_address(registers.bytes - 1)] &= (1 << (registers.bits - 1) % 8 + 1) - 1  # what is stored
    others = {register.address: register.name for register in registers.registers if register.name != "weights"}
    for address, value in weights.items():
        assert await master.transfer(address, value) == (0, 0)  # reads what was there before
    for address in (*range(registers.base - 8, registers.control + 8), 0, 0xFFFF, registers.base ^ 0x8000):
        if address in weights:
            assert await master.transfer(address) == (weights[address], 0)
            await master.transfer(address, weights[address] ^ 0xFF, access=False)
            assert await master.transfer(address) == (weights[address], 0), "written without an access phase"
        elif address in others:
            assert await master.transfer(address) == (0, 0), others[address]
            assert (await master.transfer(address, 0))[1] == (others[address] == "status")
        else:
            assert await master.transfer(address) == (0, 1)
            assert (await master.transfer(address, 0xFF))[1] == 1
    assert [await master.transfer(address) for address in weights] == [(value, 0) for value in weights.values()]
    dut.penable.value = dut.pwrite.value = 1  # the access phase of another slave
    dut.paddr.value, dut.pwdata.value = registers.base, weights[registers.base] ^ 0xFF
    await FallingEdge(dut.cfg_clk)
    dut.penable.value = dut.pwrite.value = 0
    assert await master.transfer(registers.base) == (weights[registers.base], 0)


@cocotb.test()
async def a_commit_with_the_clock_off(dut: Any) -> None:
    """It waits; weights and a second commit are errors until it is done."""
    master, registers = await started(dut)
    dut.clk_on.value = 0
    assert (await master.transfer(registers.control, 1))[1] == 0
    assert await master.transfer(registers.control + 1) == (1, 0)
    for address in (registers.base, registers.control):
        assert (await master.transfer(address, 1))[1] == 1
    assert await master.transfer(registers.base) == (0, 0)
    dut.clk_on.value = 1
    for _ in range(8):
        await FallingEdge(dut.cfg_clk)
    assert await master.transfer(registers.control + 1) == (0, 0)
    assert (await master.transfer(registers.base, 1))[1] == 0
