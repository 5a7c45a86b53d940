"""The bus of the register block at the top level: ports, header lines, and the slave between them and the byte bus.

The byte bus is the same for all of them: `cfg_we`, `cfg_address`, `cfg_data` write, `cfg_q` reads, `cfg_read_ok` and
`cfg_write_ok` say whether the address has a byte and whether it takes one. With `bytes` it is the ports.
"""

from dataclasses import dataclass

from codesign.register_map import ADDRESS_BITS, RegisterMap
from codesign.rtl_text import INDENT, instance, section

BYTE_BUS = (
    ("input ", 1, "cfg_we"),
    ("input ", ADDRESS_BITS, "cfg_address"),
    ("input ", 8, "cfg_data"),
    ("output", 8, "cfg_q"),
    ("output", 1, "cfg_read_ok"),
    ("output", 1, "cfg_write_ok"),
)
CLOCKS = (("input ", 1, "cfg_clk"), ("input ", 1, "cfg_rst"), ("input ", 1, "clk_on"))
TEXTS = {
    "bytes": (
        "cfg_we, cfg_address, cfg_data  write one byte of the registers, if cfg_write_ok",
        "cfg_q, cfg_read_ok  the byte at cfg_address, and whether there is one",
    ),
}
COMMON = (
    "cfg_clk, cfg_rst    free-running clock of the registers, of which clk is gated; its reset clears them",
    "clk_on              the rising edge of cfg_clk that ends this cycle is one of clk",
)


@dataclass(frozen=True)
class Bus:
    """What the top level needs of the bus of `registers`."""

    registers: RegisterMap

    @property
    def _own(self) -> tuple[tuple[str, int, str], ...]:
        return {"bytes": BYTE_BUS}[self.registers.bus]

    @property
    def header(self) -> list[str]:
        """Lines about the ports for the comment at the head of the file."""
        return [f"       {line}" for line in (*COMMON, *TEXTS[self.registers.bus])]

    @property
    def ports(self) -> list[str]:
        """Port declarations."""
        return [f"{INDENT}{way} wire {_range(bits)}{name}," for way, bits, name in (*CLOCKS, *self._own)]

    @property
    def register_bits(self) -> int:
        """Bits of the slave."""
        return 0

    def lines(self, store: str, bits: int, err: str) -> list[str]:
        """Instances of the slave and of the register block, module `store` with `bits` bits of parameters."""
        ports = [
            ("clk", "cfg_clk"), ("rst", "cfg_rst"), ("clk_on", "clk_on"), ("in_valid", "in_valid"),
            ("we", "cfg_we"), ("address", "cfg_address"), ("data", "cfg_data"), ("byte_q", "cfg_q"),
            ("read_ok", "cfg_read_ok"), ("write_ok", "cfg_write_ok"), ("bus_err", "1'b0"),
            ("parameters", "parameters"), ("tmr_err", err),
        ]  # fmt: skip
        declared = [*section("programmable parameters"), f"{INDENT}wire [{bits - 1}:0] parameters;"]
        return [*declared, *instance(store, [("TMR", "TMR")], "u_parameters", ports)]


def _range(bits: int) -> str:
    return f"[{bits - 1}:0] " if bits > 1 else ""
