"""The register map of a design with programmable parameters: the one table that hardware and documents come from.

Blocks of at most 134 bytes every 143 bytes from 0x0538 on, as the weights of the ECON-T lie (public register map,
`AUTOENCODER_*INPUT`): block b holds parameter bytes 134*b onwards, little endian. Behind its weights every block has a
counter of corrected upsets; behind the last block stand control, status, and a counter for the other registers.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from codesign.errors import BadInputError

ConfigBus = Literal["bytes", "i2c", "apb"]
CONFIG_BUSES: tuple[ConfigBus, ...] = get_args(ConfigBus)
# rw: read and write; ro: read only; wclr: any write clears; pulse: a one written acts for one cycle, and reads zero.
Access = Literal["rw", "ro", "wclr", "pulse"]

ADDRESS_BITS = 16
BASE, BLOCK_BYTES, BLOCK_STRIDE = 0x0538, 134, 143
COUNTER_BITS = 8
I2C_ADDRESS = 0x20  # where the straps of a board put the first ECON-T; the port `i2c_address` decides


@dataclass(frozen=True)
class Field:
    """Bits `low` to `low + width - 1` of a register."""

    name: str
    low: int
    width: int
    access: Access
    text: str


@dataclass(frozen=True)
class Register:
    """One register, or an array of `count` bytes, from `address` on; the last of them may have fewer bits."""

    block: str
    name: str
    address: int
    fields: tuple[Field, ...]
    count: int = 1
    last_bits: int = 8

    @property
    def full_name(self) -> str:
        """Block and name."""
        return f"{self.block}_{self.name}"


@dataclass(frozen=True)
class RegisterMap:
    """Map of `bits` parameter bits of a design, reached through `bus`."""

    design: str
    bits: int
    bus: ConfigBus = "bytes"
    base: int = BASE
    block_bytes: int = BLOCK_BYTES
    block_stride: int = BLOCK_STRIDE

    def __post_init__(self) -> None:
        if self.bus not in CONFIG_BUSES:
            raise BadInputError(f"configuration bus must be one of {', '.join(CONFIG_BUSES)}, not {self.bus!r}")
        if self.bits < 1:
            raise BadInputError(f"design '{self.design}' has no programmable parameters: leave --config-bus out")
        if self.control + 2 >= 1 << ADDRESS_BITS:
            most = ((1 << ADDRESS_BITS) - 3 - self.base) // self.block_stride * self.block_bytes
            raise BadInputError(f"design '{self.design}': {self.bytes} parameter bytes; the map holds {most}")

    @property
    def bytes(self) -> int:
        """Bytes of all parameters."""
        return (self.bits + 7) // 8

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.bytes // self.block_bytes)

    @property
    def control(self) -> int:
        """Address of the control register; status and the counter of the other registers follow."""
        return self.base + self.blocks * self.block_stride

    def block_range(self, block: int) -> tuple[int, int]:
        """First parameter bit of a block, and the bit behind its last one."""
        size = 8 * self.block_bytes
        return block * size, min(self.bits, (block + 1) * size)

    def block_address(self, block: int) -> int:
        """Address of the first byte of a block."""
        return self.base + block * self.block_stride

    def counter_address(self, block: int) -> int:
        """Address of a block's counter of corrected upsets."""
        return self.block_address(block) + self.block_bytes

    def byte_address(self, byte: int) -> int:
        """Address of parameter byte `byte`."""
        return self.block_address(byte // self.block_bytes) + byte % self.block_bytes

    @cached_property
    def registers(self) -> tuple[Register, ...]:
        """All registers in rising order of addresses."""
        found = [register for block in range(self.blocks) for register in self._block(block)]
        commit = Field("commit", 0, 1, "pulse", "take all weights over; refused while busy")
        clear = Field("clear_errors", 1, 1, "pulse", "clear all error counters")
        busy = Field("busy", 0, 1, "ro", "a commit is not finished: weights and control cannot be written")
        other = _counter("cycles in which a copy of any other register of this map or of its bus differed")
        found.append(Register("control", "command", self.control, (commit, clear)))
        found.append(Register("control", "status", self.control + 1, (busy,)))
        return (*found, Register("control", "errors", self.control + 2, (other,)))

    def _block(self, block: int) -> tuple[Register, Register]:
        first, end = self.block_range(block)
        count = (end - first + 7) // 8
        value = Field("value", 0, 8, "rw", f"parameter bits {first} to {end - 1}, little endian")
        name = f"block_{block}"
        weights = Register(name, "weights", self.block_address(block), (value,), count, end - first - 8 * (count - 1))
        cycles = _counter("cycles in which a copy of a weight of this block differed")
        return weights, Register(name, "errors", self.counter_address(block), (cycles,))

    def record(self) -> dict[str, Any]:
        """Return what the manifest says of the map; `of` reads it."""
        own = asdict(self) | {"blocks": self.blocks, "control": self.control, "status": self.control + 1}
        own |= {"address_bits": ADDRESS_BITS, "counter_bits": COUNTER_BITS, "counter_offset": self.block_bytes}
        return own | ({"i2c_address": I2C_ADDRESS} if self.bus == "i2c" else {})

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "RegisterMap | None":
        """Return the map of an emitted design from its manifest; None without programmable parameters."""
        if "register_map" not in manifest:
            return None
        own = manifest["register_map"]
        keys = ("design", "bits", "bus", "base", "block_bytes", "block_stride")
        return cls(*(own[key] for key in keys))


def _counter(text: str) -> Field:
    return Field("cycles", 0, COUNTER_BITS, "wclr", f"{text}; stays at the highest value")
