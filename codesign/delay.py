"""Delay and area of the pieces of a design in one technology: constants fitted to synthesis, stored as data.

`technology(name)` loads `codesign/data/technology/<name>.json`, which `python -m codesign.flows.calibrate` writes.
Everything in here is a closed formula of bits and numbers of inputs: no tool is run. docs/timing.md has the errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from math import log2
from pathlib import Path
from typing import Any, Literal

from codesign.errors import BadInputError
from codesign.files import read_json

NAMES = ("nangate45", "osu018", "sky130hd", "xcup")


@dataclass(frozen=True)
class Delays:
    """Constants of the delay formulas in ns; each is used by the method of `Technology` with its name in front."""

    launch: float
    setup: float
    adder: float
    adder_bit: float
    carry_save: float
    constant: float
    compare: float
    compare_log: float
    mux: float
    mux_log: float
    gate_log: float
    multiplier: float
    multiplier_log: float
    voter: float


@dataclass(frozen=True)
class Areas:
    """Constants of the area formulas, in the area unit of the technology."""

    full_adder: float
    half_adder: float
    constant: float
    register: float
    voter: float
    compare: float
    mux: float
    multiplier: float
    rom_bit: float
    nand2: float


@dataclass(frozen=True)
class Technology:
    """A technology: "LUT" or "um2" as the unit of area, and the constants; delays in ns, without layout."""

    name: str
    title: str
    area_unit: str
    delays: Delays
    areas: Areas

    @property
    def fabric(self) -> Literal["cells", "lut"]:
        """How adders are to be written for this technology (`codesign.unsigned_form.Fabric`)."""
        return "lut" if self.area_unit == "LUT" else "cells"

    @property
    def launch_ns(self) -> float:
        """From the clock edge to the output of a register."""
        return self.delays.launch

    @property
    def register_ns(self) -> float:
        """What a register takes of every clock period: clock to output and setup, without a voter."""
        return self.delays.launch + self.delays.setup

    @property
    def voter_ns(self) -> float:
        """The majority voter behind a triplicated register."""
        return self.delays.voter

    @property
    def nand2_area(self) -> float:
        """Area that counts as one NAND2 equivalent: the smallest 2-input NAND gate, on an FPGA one LUT."""
        return self.areas.nand2

    def adder_ns(self, overlap_bits: int, total_bits: int | None = None) -> float:
        """One more adder in a row of adders: `overlap_bits` columns with two operands, then only a carry ripples.

        A constant plus a share a bit; total_bits is overlap_bits by default.
        """
        overlap = _counted("overlap_bits", overlap_bits)
        total = _counted("total_bits", overlap if total_bits is None else total_bits)
        return self.delays.adder + self.delays.adder_bit * total

    @property
    def carry_save_ns(self) -> float:
        """Three operands become two, where synthesis merges sums that nothing else reads (standard cells)."""
        return self.delays.carry_save

    def constant_ns(self, bits: int) -> float:
        """A constant added to `bits` bits at the end of a sum."""
        return self.delays.constant + self.delays.adder_bit * _counted("bits", bits)

    def compare_ns(self, bits: int) -> float:
        """Compare `bits` bits with a constant: the tie of a rounding, the clip of a range, a threshold."""
        return self.delays.compare + self.delays.compare_log * log2(_counted("bits", bits))

    def mux_ns(self, inputs: int) -> float:
        """A multiplexer of `inputs` inputs, from its select signals on; also a ROM of `inputs` words."""
        return 0.0 if _counted("inputs", inputs) == 1 else self.delays.mux + self.delays.mux_log * log2(inputs)

    def gate_ns(self, inputs: int) -> float:
        """A tree of simple gates over `inputs` inputs."""
        return self.delays.gate_log * log2(_counted("inputs", inputs))

    def multiplier_ns(self, bits: int, other_bits: int) -> float:
        """A multiplier of two variables: rows of partial products, then a carry over all bits."""
        rows = log2(_counted("bits", min(bits, other_bits)) + 1)
        return self.delays.multiplier + self.delays.multiplier_log * (rows + log2(bits + other_bits))

    def adder_area(self, overlap_bits: int, total_bits: int | None = None) -> float:
        """Full adders over `overlap_bits`, incrementers over the rest of `total_bits`."""
        rest = 0 if total_bits is None else total_bits - overlap_bits
        return self.areas.full_adder * overlap_bits + self.areas.half_adder * rest

    def constant_area(self, bits: int) -> float:
        """A constant added to `bits` bits at the end of a sum."""
        return self.areas.constant * bits

    def register_area(self, bits: int, copies: int = 1) -> float:
        """Registers with reset; `copies` is 1, or 3 with a voter for every bit."""
        if copies not in (1, 3):
            raise BadInputError(f"a register has 1 or 3 copies, not {copies}")
        return bits * (copies * self.areas.register + (self.areas.voter if copies == 3 else 0.0))

    def compare_area(self, bits: int) -> float:
        """A comparison of `bits` bits with a constant."""
        return self.areas.compare * bits

    def mux_area(self, bits: int, inputs: int = 2) -> float:
        """`bits` multiplexers of `inputs` inputs each."""
        return self.areas.mux * bits * (inputs - 1)

    def multiplier_area(self, bits: int, other_bits: int) -> float:
        """A multiplier of two variables."""
        return self.areas.multiplier * bits * other_bits

    def rom_area(self, words: int, bits: int) -> float:
        """A ROM of random content, as logic."""
        return self.areas.rom_bit * words * bits


def _counted(name: str, value: int) -> int:
    if value < 1:
        raise BadInputError(f"{name} must be 1 or more, not {value}")
    return value


@cache
def technology(name: str) -> Technology:
    """Return the technology called `name`; `BadInputError` listing the names if there is none."""
    if name not in NAMES:
        raise BadInputError(f"no technology {name!r}: choose one of {', '.join(NAMES)}")
    with resources.as_file(resources.files("codesign.data") / "technology" / f"{name}.json") as path:
        return read_technology(path)


def read_technology(path: Path) -> Technology:
    """Read a technology file, as calibration writes it; `BadInputError` naming what is missing or out of range."""
    content = read_json(path)
    if not isinstance(content, dict) or content.get("area_unit") not in ("LUT", "um2"):
        raise BadInputError(f"{path} is no technology file: area_unit must be LUT or um2")
    delays, areas = (_constants(content.get(key), key, path) for key in ("delay_ns", "area"))
    return Technology(
        str(content["name"]), str(content["title"]), content["area_unit"], Delays(**delays), Areas(**areas)
    )


def _constants(content: Any, key: str, path: Path) -> Mapping[str, float]:
    names = [field.name for field in fields(Delays if key == "delay_ns" else Areas)]
    if not isinstance(content, dict) or sorted(content) != sorted(names):
        raise BadInputError(f"{path}: {key} must hold exactly {', '.join(names)}")
    wrong = [name for name, value in content.items() if not isinstance(value, int | float) or not 0 <= value < 1e9]
    if wrong:
        raise BadInputError(f"{path}: {key}.{wrong[0]} must be a number from 0 on, not {content[wrong[0]]!r}")
    return {name: float(value) for name, value in content.items()}
