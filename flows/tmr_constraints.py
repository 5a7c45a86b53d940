"""Constraints that keep triplication through synthesis and placement, for five tools, from one description.

Tools name what they make of a register in their own ways, so copies are described by the names of the registers in the
templates, and each tool looks them up in its own netlist. Copies of one bit stand in one group; how far apart they
have to be placed is for the user to say, as it depends on technology and particles.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError
from codesign.files import write_text
from codesign.verilog_names import LANES

# Register names, without the letter of the copy, by the template that holds them.
_REGISTERS = {
    "tmr_register.v": ("q",),
    "tmr_register_full.v": ("copy",),
    "tmr_memory.v": ("words", "read"),
    "tmr_memory_full.v": ("words", "read"),
}
_VOTERS = ("voter",)


@dataclass(frozen=True)
class CopyConstraints:
    """What to keep: names of registers and of voter instances, each without the letter of its copy.

    `spacing_um` is the least distance between two copies of a bit, None if the user gave none.
    """

    top: str
    registers: tuple[str, ...]
    voters: tuple[str, ...]
    spacing_um: float | None


def describe(manifest: Mapping[str, Any], spacing_um: float | None) -> CopyConstraints:
    """Return the constraints of an emitted design from its manifest; `BadInputError` for a spacing that is none."""
    if spacing_um is not None and not 0 < spacing_um < float("inf"):
        raise BadInputError(f"copy spacing must be a finite number of um above 0, not {spacing_um}")
    stems = [stem for source in manifest["sources"] for stem in _REGISTERS.get(source, ())]
    return CopyConstraints(manifest["top"], tuple(dict.fromkeys(stems)), _VOTERS, spacing_um)


def write_constraints(constraints: CopyConstraints, folder: Path) -> tuple[Path, ...]:
    """Write a file for each tool into `folder`; the same constraints give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(write_text(folder / name, writer(constraints)) for name, writer in WRITERS.items())


def genus(constraints: CopyConstraints) -> str:
    """Genus (common user interface): registers and voters are preserved."""
    lines = [_head(constraints, "#", "Genus, common user interface: read after elaboration")]
    for stem in constraints.registers:
        lines += [f"set_db [get_db insts -regexp {{(^|/){stem}{c}_reg}}] .preserve true" for c in LANES]
    for stem in constraints.voters:
        lines.append(f"set_db [get_db hinsts -regexp {{(^|/){stem}[ABC]?$}}] .preserve true")
    return _text(lines)


def innovus(constraints: CopyConstraints) -> str:
    """Innovus (common user interface): do not touch; one instance space group for the copies of each bit."""
    lines = [_head(constraints, "#", "Innovus, common user interface: read before placement")]
    distance = "" if constraints.spacing_um is None else " -spacing_x $tmr_spacing_um -spacing_y $tmr_spacing_um"
    if constraints.spacing_um is not None:
        lines += [f"set tmr_spacing_um {constraints.spacing_um:g}", "set_db place_detail_check_inst_space_group true"]
    lines.append("set tmr_groups {}")
    for stem in constraints.registers:
        lines += [
            f"foreach tmr_a [get_db [get_db insts -regexp {{(^|/){stem}A_reg}}] .name] {{",
            f"    regsub {{(^|.*/){stem}A_reg}} $tmr_a {{\\1{stem}B_reg}} tmr_b",
            f"    regsub {{(^|.*/){stem}A_reg}} $tmr_a {{\\1{stem}C_reg}} tmr_c",
            "    lappend tmr_groups [list $tmr_a $tmr_b $tmr_c]",
            "}",
        ]
    lines += ["foreach tmr_group $tmr_groups {", "    foreach tmr_copy $tmr_group { set_dont_touch $tmr_copy true }"]
    if distance:
        lines.append(f"    create_inst_space_group -group_name tmr_[incr tmr_number] -inst $tmr_group{distance}")
    return _text([*lines, "}"])


def openroad(constraints: CopyConstraints) -> str:
    """OpenROAD: do not touch; it has no spacing between instances, so the groups are a list for a floorplan script."""
    lines = [_head(constraints, "#", "OpenROAD: Yosys has to name cells by nets (rename -wire)"), "set tmr_groups {}"]
    lines.append("set tmr_spacing_um " + ("{}" if constraints.spacing_um is None else f"{constraints.spacing_um:g}"))
    for stem in constraints.registers:
        lines += [
            f"foreach tmr_cell [get_cells -regexp {{(.*[./])?{stem}A([^A-Za-z].*)?}}] {{",
            "    set tmr_a [get_full_name $tmr_cell]",
            f"    regsub {{(^|.*[./]){stem}A}} $tmr_a {{\\1{stem}B}} tmr_b",
            f"    regsub {{(^|.*[./]){stem}A}} $tmr_a {{\\1{stem}C}} tmr_c",
            "    lappend tmr_groups [list $tmr_a $tmr_b $tmr_c]",
            "}",
        ]
    loop = "foreach tmr_group $tmr_groups { foreach tmr_copy $tmr_group { set_dont_touch $tmr_copy } }"
    return _text([*lines, loop])


def vivado(constraints: CopyConstraints) -> str:
    """Vivado: DONT_TOUCH, and a Pblock for each copy that the user gives a range (resize_pblock)."""
    lines = [_head(constraints, "#", "Vivado; spacing in um has no meaning in an FPGA: give the Pblocks ranges")]
    for copy in LANES:
        lines.append(f"create_pblock tmr_{copy}")
        for stem in constraints.registers:
            cells = f"[get_cells -hierarchical -regexp {{(.*/)?{stem}{copy}_reg.*}}]"
            lines += [
                f"set_property DONT_TOUCH true {cells}",
                f"add_cells_to_pblock [get_pblocks tmr_{copy}] {cells}",
            ]
    for stem in constraints.voters:
        cells = f"[get_cells -hierarchical -regexp {{(.*/)?{stem}[ABC]?}}]"
        lines.append(f"set_property DONT_TOUCH true {cells}")
    return _text(lines)


def quartus(constraints: CopyConstraints) -> str:
    """Quartus settings: registers are kept and not merged; a floating LogicLock region for each copy."""
    lines = [_head(constraints, "#", "Quartus; spacing in um has no meaning in an FPGA: place the regions")]
    for copy in LANES:
        lines.append(f"set_global_assignment -name LL_STATE FLOATING -section_id tmr_{copy}")
        lines.append(f"set_global_assignment -name LL_AUTO_SIZE ON -section_id tmr_{copy}")
        for stem in constraints.registers:
            to = f'-to "*|{stem}{copy}[*]"'
            lines += [f"set_instance_assignment -name {name} ON {to}" for name in _QUARTUS_KEEP]
            lines.append(f"set_instance_assignment -name LL_MEMBER_OF tmr_{copy} {to} -section_id tmr_{copy}")
    return _text(lines)


_QUARTUS_KEEP = ("PRESERVE_REGISTER", "DONT_MERGE_REGISTER")
WRITERS: Mapping[str, Callable[[CopyConstraints], str]] = {
    "genus.tcl": genus,
    "innovus.tcl": innovus,
    "openroad.tcl": openroad,
    "vivado.xdc": vivado,
    "quartus.qsf": quartus,
}


def _head(constraints: CopyConstraints, comment: str, tool: str) -> str:
    return f"{comment} Copies of the registers of {constraints.top}. {tool}."


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
