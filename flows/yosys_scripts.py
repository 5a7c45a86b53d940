"""Yosys scripts as text: pure functions of file names, top module and options. All names are relative."""

from collections.abc import Sequence

LIBERTY = "cells.lib"
GATES = "gates.il"
MEMORY = "memory_macro"
# Dissolves the voters and fan-outs that synthesis had to keep apart, once nothing can merge them any more.
FLATTEN = "setattr -unset keep_hierarchy c:*\nsetattr -mod -unset keep_hierarchy *\nflatten\ndelete t:$scopeinfo"
# abc's own scripts do not end within minutes on a whole network; these map once, the first buffers and sizes too.
# Not `buffer -c`, as Yosys has it: that adds a library's wire loads, and half of the cells on IHP SG13G2 were buffers.
_ABC_MAP = "+strash;dc2;&get,-n;&nf;&put;buffer;topo;upsize,-D,{clock_ps};dnsize,-D,{clock_ps}"
_ABC_NAND = "+strash;dc2;&get,-n;&nf;&put"
_ABC_LUT6 = "+strash;dc2;if,-K,6"
# Registers as the coarse steps leave them: with enable, synchronous reset, both in either order, or neither.
_WORD_REGISTERS = "t:$dff t:$dffe t:$sdff t:$sdffe t:$sdffce"


def _script(*commands: str) -> str:
    return "\n".join(commands) + "\n"


def _read(top: str, sources: Sequence[str]) -> str:
    return f"{read(sources)}\nhierarchy -check -top {top}"


def read(sources: Sequence[str]) -> str:
    """Return the commands that read Verilog, and RTLIL where the name ends in .il."""
    kinds = {"read_rtlil": [name for name in sources if name.endswith(".il")]}
    kinds["read_verilog"] = [name for name in sources if not name.endswith(".il")]
    return "\n".join(f"{command} {' '.join(names)}" for command, names in kinds.items() if names)


def flip_flop_script(top: str, sources: Sequence[str]) -> str:
    """Return the script that flattens, optimises and maps the registers to single bits, writing netlist.json.

    Arithmetic stays in words: mapping it to gates takes most of the time and merges no register. Once the registers
    are bits they are optimised again, which is where equal copies without a keep attribute disappear.
    """
    return _script(
        _read(top, sources),
        f"synth -flatten -run begin:fine -top {top}",
        "opt -full",
        f"simplemap {_WORD_REGISTERS}",
        "opt -full",
        FLATTEN,
        "opt_clean -purge",
        "check -assert",
        "write_json netlist.json",
    )


def gates_script(top: str, sources: Sequence[str], borders: bool = False) -> str:
    """Return the script that flattens and maps to Yosys' own gates: the common start of all mappings below.

    The words of `tmr_memory` stay whole, as cells `memory_macro` without an area: no chip makes them of flip-flops.
    With `borders` the instances of nodes are synthesised, and then mapped, one by one, so that a cell belongs to one.
    """
    whole = (f"synth -flatten -noabc -top {top}", "check -assert")
    around_memories = (
        f"synth -flatten -noabc -run begin:fine -top {top}",
        "check -assert",  # later, Yosys does not know which ports of a macro drive
        f"chtype -set {MEMORY} c:*.words[ABC] t:$mem_v2 %i",
        f"synth -noabc -run fine:check -top {top}",
    )
    return _script(
        _read(top, sources),
        *([keep_borders(top)] if borders else []),
        *(around_memories if "tmr_memory.v" in sources else whole),
        "delete t:$scopeinfo",
        "opt_clean -purge",
        f"write_rtlil {GATES}",
        FLATTEN,
        _write("stat -json"),
    )


def to_gates_script(top: str | None, source: str = "words.json") -> str:
    """Return the script that flattens `source` and maps its words to gates, memories to flip-flops, no more.

    `source` is JSON of Yosys or a netlist in Verilog; without a `top` Yosys finds it. Cells of a library, which have no
    module in there, stay.
    """
    return _script(
        f"read_json {source}" if source.endswith(".json") else f"read_verilog {source}",
        f"hierarchy -top {top}" if top else "hierarchy -auto-top",
        "proc",
        FLATTEN,
        *("memory_collect", "memory_map", "techmap", "write_json netlist.json"),
    )


def asic_script(dont_use: Sequence[str], clock_ns: float) -> str:
    """Return the script that maps the gates to the cells of cells.lib, sized for `clock_ns` without wires."""
    avoid = "".join(f" -dont_use {name}" for name in dont_use)
    mapping = _ABC_MAP.format(clock_ps=round(clock_ns * 1000))
    return _script(
        f"read_rtlil {GATES}",
        f"dfflibmap -liberty {LIBERTY}{avoid}",
        f'abc -liberty {LIBERTY}{avoid} -script "{mapping}"',
        FLATTEN,
        _write(f"stat -json -liberty {LIBERTY}"),
        "write_verilog -noattr -noexpr -simple-lhs netlist.v",
    )


def delay_script(dont_use: Sequence[str], clock_ns: float) -> str:
    """Return the script that maps as `asic_script` does, across nodes, and lets abc write the delay to stats.txt."""
    avoid = "".join(f" -dont_use {name}" for name in dont_use)
    mapping = _ABC_MAP.format(clock_ps=round(clock_ns * 1000))
    return _script(
        f"read_rtlil {GATES}",
        FLATTEN,
        f"dfflibmap -liberty {LIBERTY}{avoid}",
        f'abc -liberty {LIBERTY}{avoid} -script "{mapping};stime,-d"',
    )


def nand_script() -> str:
    """Return the script that maps the gates to NAND, inverters and plain flip-flops and counts CMOS transistors."""
    return _script(
        f"read_rtlil {GATES}",
        "dfflegalize -cell $_DFF_P_ x",
        f'abc -g NAND -script "{_ABC_NAND}"',
        FLATTEN,
        _write("stat -json -tech cmos"),
        "write_verilog -noattr -noexpr -simple-lhs netlist.v",
    )


def fault_script(top: str, sources: Sequence[str]) -> str:
    """Return the script that maps to Yosys' own gates for upset campaigns, memories to flip-flops.

    Words are optimised, and equal ones merged unless kept; gates are only rid of constants. That takes a fraction of
    the time of `gates_script` on a design with many multipliers.
    """
    return _script(
        _read(top, sources),
        *("proc", "opt_expr", "opt_merge", "opt_clean"),
        *("flatten", "opt_clean", "opt_merge", "wreduce", "alumacc", "opt_clean"),
        *("memory -nomap", "memory_map", "opt_clean", "techmap", "opt_expr"),
        # Nothing is merged from here on: equal voters of a triple, now in one module, stay three.
        *(FLATTEN, "opt_clean -purge"),
        "check -assert",
        "setattr -unset src",
        "setattr -unset hdlname w:*",
        "write_json netlist.json",
    )


def lut6_script() -> str:
    """Return the script of the quick FPGA count: 6-input LUTs, and flip-flops with enable and reset."""
    return _script(
        f"read_rtlil {GATES}",
        "dfflegalize -cell $_DFF_P_ x -cell $_SDFFE_PP0P_ x",
        f'abc -lut 6 -script "{_ABC_LUT6}"',
        FLATTEN,
        _write("stat -json"),
    )


def xilinx_script(top: str, sources: Sequence[str], by_node: bool = False) -> str:
    """Return the script of the UltraScale+ flow without DSP blocks and without pads.

    With `by_node` the instances of the top level are optimised and mapped one by one, so that a cell belongs to one,
    and abc9 maps each of them once, without rounds of restructuring, which take most of the time of a large network.
    """
    one_by_one = (keep_borders(top), "scratchpad -copy abc9.script.default.fast abc9.script")
    return _script(
        _read(top, sources),
        *(one_by_one if by_node else ()),
        f"synth_xilinx -family xcup -nodsp -flatten -noiopad -top {top}",
        FLATTEN,
        _write("stat -json"),
    )


def keep_borders(top: str) -> str:
    """Return the command that keeps the instances of nodes apart; constants, without inputs, are absorbed."""
    return f"setattr -set keep_hierarchy 1 i:* %m %C {top}/c:u_* %i"


def _write(stat: str) -> str:
    return f"opt_clean -purge\ntee -q -o stat.json {stat}\nwrite_json netlist.json"
