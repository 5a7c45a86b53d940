"""The bus of the register block at the top level: ports, header lines, and the slave between them and the byte bus.

The byte bus is the same for all of them: `cfg_we`, `cfg_address`, `cfg_data` write, `cfg_q` reads, `cfg_read_ok` and
`cfg_write_ok` say whether the address has a byte and whether it takes one. With `bytes` its signals are the ports.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codesign.register_map import ADDRESS_BITS, ConfigBus, RegisterMap
from codesign.rtl_text import INDENT, instance, section

Signal = tuple[str, int, str]  # direction as seen from the register block, bits, name
CLOCKS: tuple[Signal, ...] = (("input ", 1, "cfg_clk"), ("input ", 1, "cfg_rst"), ("input ", 1, "clk_on"))
BYTE_BUS: tuple[Signal, ...] = (
    ("input ", 1, "cfg_we"),
    ("input ", ADDRESS_BITS, "cfg_address"),
    ("input ", 8, "cfg_data"),
    ("output", 8, "cfg_q"),
    ("output", 1, "cfg_read_ok"),
    ("output", 1, "cfg_write_ok"),
)
I2C: tuple[Signal, ...] = (
    *(("input ", 7, "i2c_address"), ("input ", 1, "scl_in"), ("input ", 1, "sda_in"), ("output", 1, "sda_low")),
)
APB: tuple[Signal, ...] = (
    *(("input ", 1, "psel"), ("input ", 1, "penable"), ("input ", 1, "pwrite"), ("input ", ADDRESS_BITS, "paddr")),
    *(("input ", 8, "pwdata"), ("output", 8, "prdata"), ("output", 1, "pready"), ("output", 1, "pslverr")),
)
PORTS: Mapping[ConfigBus, tuple[Signal, ...]] = {"bytes": BYTE_BUS, "i2c": I2C, "apb": APB}
COMMON = (
    "cfg_clk, cfg_rst    free-running clock of the registers, of which clk is gated; its reset clears them",
    "clk_on              the rising edge of cfg_clk that ends this cycle is one of clk",
)
TEXTS: Mapping[ConfigBus, tuple[str, ...]] = {
    "bytes": (
        "cfg_we, cfg_address, cfg_data  write one byte of the registers, if cfg_write_ok",
        "cfg_q, cfg_read_ok  the byte at cfg_address, and whether there is one",
    ),
    "i2c": (
        "i2c_address         7-bit device address (straps)",
        "scl_in, sda_in, sda_low  the bus lines; pull SDA low, else leave it",
    ),
    "apb": ("psel, penable, pwrite, paddr, pwdata, prdata, pready, pslverr  APB of cfg_clk, 8-bit data",),
}
# Bits of i2c_slave.v (2 filters of 4, lines, state, count, byte, SDA, last byte, address, time) and of its inputs.
TIMEOUT_BITS = 20
_I2C_BITS = 2 * 4 + 4 + 3 + 4 + 8 + 1 + 9 + 16 + TIMEOUT_BITS + 2
SLAVE_BITS: Mapping[ConfigBus, int] = {"bytes": 0, "i2c": _I2C_BITS, "apb": 0}


@dataclass(frozen=True)
class Bus:
    """What the top level needs of the bus of `registers`."""

    registers: RegisterMap

    @property
    def header(self) -> list[str]:
        """Lines about the ports for the comment at the head of the file."""
        return [f"       {line}" for line in (*COMMON, *TEXTS[self.registers.bus])]

    @property
    def ports(self) -> list[str]:
        """Port declarations."""
        return [
            f"{INDENT}{way} wire {_range(bits)}{name}," for way, bits, name in (*CLOCKS, *PORTS[self.registers.bus])
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the ports."""
        return tuple(name for _, _, name in (*CLOCKS, *PORTS[self.registers.bus]))

    @property
    def register_bits(self) -> int:
        """Bits of the slave."""
        return SLAVE_BITS[self.registers.bus]

    def lines(self, store: str, bits: int, new_err: Callable[[], str], tmr: tuple[str, str]) -> list[str]:
        """Instances of the slave and of the register block, module `store` with `bits` bits of parameters.

        `new_err` gives a signal that is part of `tmr_err`.
        """
        ports = [
            ("clk", "cfg_clk"), ("rst", "cfg_rst"), ("clk_on", "clk_on"), ("in_valid", "in_valid"),
            ("we", "cfg_we"), ("address", "cfg_address"), ("data", "cfg_data"), ("byte_q", "cfg_q"),
            ("read_ok", "cfg_read_ok"), ("write_ok", "cfg_write_ok"),
            ("bus_err", "cfg_err" if self.register_bits else "1'b0"), ("parameters", "parameters"),
            ("tmr_err", new_err()),
        ]  # fmt: skip
        declared = [*section("programmable parameters"), f"{INDENT}wire [{bits - 1}:0] parameters;"]
        return [*declared, *self._slave(new_err, tmr), *instance(store, [tmr], "u_parameters", ports)]

    def _slave(self, new_err: Callable[[], str], tmr: tuple[str, str]) -> list[str]:
        if self.registers.bus == "bytes":
            return []
        inner = [f"{INDENT}wire {_range(bits)}{name};" for _, bits, name in BYTE_BUS]
        byte_bus = [
            ("we", "cfg_we"), ("address", "cfg_address"), ("data", "cfg_data"), ("byte_q", "cfg_q"),
            ("read_ok", "cfg_read_ok"), ("write_ok", "cfg_write_ok"),
        ]  # fmt: skip
        if self.registers.bus == "apb":
            return [*inner, *instance("apb_slave", [], "u_bus", [*((name, name) for _, _, name in APB), *byte_bus])]
        clocks = [("clk", "cfg_clk"), ("rst", "cfg_rst")]
        sampled = [
            *clocks, ("en", "1'b1"), ("d", "{~sda_in, ~scl_in}"), ("q", "i2c_lines"), ("err", new_err()),
        ]  # fmt: skip
        lines = [
            ("own_address", "i2c_address"),
            ("scl", "i2c_lines[0]"),
            ("sda", "i2c_lines[1]"),
            ("sda_low", "sda_low"),
        ]
        sizes = [("TIMEOUT_BITS", str(TIMEOUT_BITS)), tmr]
        return [
            *inner,
            f"{INDENT}wire [1:0] i2c_lines;",
            f"{INDENT}wire cfg_err;",
            f"{INDENT}// Copies that sample a moving line may differ for a cycle: no counter counts that as an upset.",
            *instance("tmr_register", [("WIDTH", "2"), tmr], "u_i2c_lines", sampled),
            *instance("i2c_slave", sizes, "u_bus", [*clocks, *lines, *byte_bus, ("tmr_err", "cfg_err")]),
        ]


def _range(bits: int) -> str:
    return f"[{bits - 1}:0] " if bits > 1 else ""
