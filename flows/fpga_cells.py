"""FPGA resources as numbers of primitives: what a cell of a mapped netlist counts as.

Every count is a sum over cells, so the counts of parts of a netlist add up to those of the whole.
"""

import re
from collections.abc import Mapping

from codesign.flows.netlist import flip_flop_bits

# LUTs that a memory cell of UltraScale+ takes (AMD UG974, library of primitives); a shift register takes one.
MEMORY_LUTS = {
    **dict.fromkeys(("RAM32X1D", "RAM64X1D", "RAM128X1S"), 2),
    **dict.fromkeys(("RAM32M", "RAM64M", "RAM128X1D", "RAM256X1S"), 4),
    **dict.fromkeys(("RAM32M16", "RAM64M8", "RAM256X1D", "RAM512X1S"), 8),
}
Counts = Mapping[str, int]


def xilinx_counts(cells: Counts) -> dict[str, int]:
    """Return LUT, LUT as memory, FF, CARRY, MUXF, DSP and BRAM of UltraScale+ cells, or of Yosys' own."""
    return {
        "LUT": _matching(cells, r"LUT[1-6]|INV|\$lut"),
        "LUT as memory": sum(number * MEMORY_LUTS.get(name, 1) for name, number in cells.items() if _is_memory(name)),
        "FF": _matching(cells, r"FD[RSCP]E.*") + flip_flop_bits(cells),
        "CARRY": _matching(cells, r"CARRY[48]"),
        "MUXF": _matching(cells, r"MUXF[789]"),
        "DSP": _matching(cells, r"DSP48.*"),
        "BRAM": _matching(cells, r"RAMB.*|URAM.*"),
    }


def _is_memory(name: str) -> bool:
    return re.fullmatch(r"SRL.*|RAM\d.*", name) is not None


def _matching(cells: Counts, pattern: str) -> int:
    return sum(number for name, number in cells.items() if re.fullmatch(pattern, name))
