"""Registers of programmable parameters from the side of the test bench: bytes, APB or I2C, as emitted."""

from collections.abc import Awaitable, Callable
from typing import Any

import cocotb
from cocotb.triggers import Timer, ValueChange
from cocotbext.i2c import I2cMaster

from codesign.register_map import I2C_ADDRESS, RegisterMap

CLOCK_NS = 2
# Half of SCL low, so SCL is low and high for 8 cycles each: the least that the slave allows.
I2C_BITS_PER_S = 1e9 / (8 * CLOCK_NS)
Step = Callable[[], Awaitable[None]]


class I2cLine:
    """An open-drain line as a handle for the master: low if the master or, where it has a say, the slave pulls it."""

    def __init__(self, port: Any, slave: Any = None) -> None:
        self._port, self._slave, self._master = port, slave, 1
        self._path = str(port)
        self.drive()

    def drive(self) -> None:
        """Give the level of the line to the design."""
        self._port.value = self.value

    @property
    def value(self) -> int:
        """Level of the line."""
        return int(self._master and not (self._slave is not None and int(self._slave.value)))

    @value.setter
    def value(self, level: int) -> None:
        self._master = int(level)
        self.drive()

    def setimmediatevalue(self, level: int) -> None:
        """Drive `level`; the master calls this, which handles of cocotb 2 deprecate."""
        self.value = level

    async def follow(self) -> None:
        """Follow the slave for ever."""
        while True:
            await ValueChange(self._slave)
            self.drive()


def i2c_master(dut: Any, bits_per_s: float = I2C_BITS_PER_S) -> I2cMaster:
    """Return a master on the lines of `dut`."""
    sda, scl = I2cLine(dut.sda_in, dut.sda_low), I2cLine(dut.scl_in)
    cocotb.start_soon(sda.follow())
    return I2cMaster(sda=sda, sda_o=sda, scl=scl, scl_o=scl, speed=bits_per_s)


class ConfigPort:
    """Write and read bytes of the register map; `step` advances by one cycle."""

    def __init__(self, dut: Any, registers: RegisterMap, step: Step) -> None:
        self.dut, self.registers, self.step = dut, registers, step

    def quiet(self) -> None:
        """Drive all inputs as between transfers."""
        dut = self.dut
        dut.clk_on.value = 1
        if self.registers.bus == "bytes":
            dut.cfg_we.value = 0
        elif self.registers.bus == "apb":
            dut.psel.value = dut.penable.value = dut.pwrite.value = 0
        else:
            dut.i2c_address.value = I2C_ADDRESS
            self.master = i2c_master(dut)

    async def load(self, parameters: bytes) -> None:
        """Write all parameters, block by block, read them back, and commit."""
        size = self.registers.block_bytes
        blocks = [parameters[at : at + size] for at in range(0, len(parameters), size)]
        for number, block in enumerate(blocks):
            await self.write(self.registers.block_address(number), block)
        for number, block in enumerate(blocks):
            # Every byte costs a bus cycle: the ends of each block show where it lies.
            for at in sorted({0, len(block) - 1}):
                got = await self.read(self.registers.block_address(number) + at)
                assert got == block[at], f"byte {at} of block {number} reads {got}, {block[at]} was written"
        await self.write(self.registers.control, b"\x01")

    async def is_busy(self) -> bool:
        """Whether a commit is under way."""
        return await self.read(self.registers.control + 1) != 0

    async def write(self, address: int, data: bytes) -> None:
        """Write `data` from `address` on."""
        if self.registers.bus == "i2c":
            await self._i2c(self.master.write(I2C_ADDRESS, address.to_bytes(2, "big") + data))
            await self._i2c(self.master.send_stop())
            return
        for offset, value in enumerate(data):
            if self.registers.bus == "bytes":
                self.dut.cfg_we.value = 1
                self.dut.cfg_address.value = address + offset
                self.dut.cfg_data.value = value
                await self.step()
            else:
                await self._apb(address + offset, value)
        if self.registers.bus == "bytes":
            self.dut.cfg_we.value = 0

    async def read(self, address: int) -> int:
        """Return the byte at `address`."""
        if self.registers.bus == "bytes":
            self.dut.cfg_address.value = address
            await self.step()
            return int(self.dut.cfg_q.value)
        if self.registers.bus == "apb":
            return await self._apb(address)
        await self._i2c(self.master.write(I2C_ADDRESS, address.to_bytes(2, "big")))
        data = await self._i2c(self.master.read(I2C_ADDRESS, 1))
        await self._i2c(self.master.send_stop())
        return int(data[0])

    async def _i2c(self, transfer: Any) -> Any:
        """Advance until the master is done."""
        task = cocotb.start_soon(transfer)
        while not task.done():
            await self.step()
        return task.result()

    async def _apb(self, address: int, value: int | None = None) -> int:
        """One transfer, setup and access phase; return what was read."""
        dut = self.dut
        dut.psel.value, dut.penable.value, dut.paddr.value, dut.pwrite.value = 1, 0, address, int(value is not None)
        dut.pwdata.value = value or 0
        await self.step()
        dut.penable.value = 1
        await Timer(CLOCK_NS * 250, unit="ps")  # the answer is that of the cycle before the edge
        assert not int(dut.pslverr.value), f"APB: error at address 0x{address:04x}"
        result = int(dut.prdata.value)
        await self.step()
        dut.psel.value = dut.penable.value = 0
        return result
