"""Ready-to-run projects of an emitted design for Vivado, Quartus, Genus, Innovus and LibreLane, from one target.

The folder is complete: Verilog, timing constraints, constraints that keep the copies of registers, and a script for
each tool that writes its reports into `<tool>/reports`. The same design and target give the same bytes.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.files import read_json, write_text
from codesign.flows.rtl_input import RtlInput, read_rtl
from codesign.flows.tmr_constraints import CopyConstraints, describe, openroad, write_constraints
from codesign.target import Target
from codesign.verilog_source import ModuleSource, read_module

SDC = "constraints/timing.sdc"


@dataclass(frozen=True)
class Block:
    """An emitted design as a tool meets it: files, clocks, clock period in ns, copies to keep.

    `inputs` and `outputs` are patterns for all bits of a port: `rst`, `in_data[*]`.
    """

    top: str
    files: tuple[str, ...]
    clocks: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    clock_ns: float
    copies: CopyConstraints | None


def read_block(rtl_dir: Path, spacing_um: float | None = None) -> Block:
    """Read the emitted design of `rtl_dir`; resets are data inputs, as they are synchronous."""
    rtl, manifest = read_rtl(rtl_dir), read_json(rtl_dir / "manifest.json")
    module = _top(rtl)
    inputs = tuple(_pattern(module, name) for name in _ports(module, "input") if name not in rtl.clocks)
    outputs = tuple(_pattern(module, name) for name in _ports(module, "output"))
    names = tuple(path.name for path in rtl.sources)
    copies = None if manifest["tmr"] == "none" else describe(manifest, spacing_um)
    return Block(rtl.top, names, rtl.clocks, inputs, outputs, float(manifest["clock_ns"]), copies)


def _ports(module: ModuleSource, direction: str) -> list[str]:
    return [name for name, port in module.ports.items() if port.direction == direction]


def _pattern(module: ModuleSource, port: str) -> str:
    return f"{port}[*]" if module.signals[port].strip() else port


def _top(rtl: RtlInput) -> ModuleSource:
    path = next(path for path in reversed(rtl.sources) if path.stem == rtl.top)
    return read_module(path.read_text(encoding="utf-8"))


def write_projects(rtl_dir: Path, target: Target, folder: Path, spacing_um: float | None = None) -> tuple[Path, ...]:
    """Write the projects of the design in `rtl_dir` into `folder` and return the files that were written."""
    block, rtl = read_block(rtl_dir, spacing_um), read_rtl(rtl_dir)
    (folder / "rtl").mkdir(parents=True, exist_ok=True)
    for path in (*rtl.sources, *rtl.tables):
        shutil.copyfile(path, folder / "rtl" / path.name)
    if block.copies is not None:
        write_constraints(block.copies, folder / "constraints")
    return tuple(write_text(folder / name, text) for name, text in project_texts(block, target).items())


def project_texts(block: Block, target: Target) -> dict[str, str]:
    """Return the scripts by their paths in the project's folder."""
    written: Mapping[str, Callable[[Block, Target], str]] = {
        SDC: timing_sdc,
        "vivado/run.tcl": vivado,
        "quartus/run.tcl": quartus,
        "genus/run.tcl": genus,
        "innovus/views.tcl": innovus_views,
        "innovus/run.tcl": innovus,
        "librelane/config.json": librelane,
        "librelane/constraints.sdc": librelane_sdc,
    }
    texts = {name: write(block, target) for name, write in written.items()}
    return {**texts, "target.json": target.model_dump_json(indent=1) + "\n"}


def timing_sdc(block: Block, target: Target) -> str:
    """Clocks, their uncertainty, and delays of inputs and outputs against the first clock; SDC, and XDC as well."""
    clock, io_ns = block.clocks[0], target.io_delay * block.clock_ns
    lines = [
        f"# Timing of {block.top}: {block.clock_ns:g} ns; all clocks come from one source, so paths between count."
    ]
    lines += [f"create_clock -name {name} -period {block.clock_ns:g} [get_ports {name}]" for name in block.clocks]
    uncertainty = f"{target.clock_uncertainty * block.clock_ns:g}"
    lines += [f"set_clock_uncertainty {uncertainty} [get_clocks {name}]" for name in block.clocks]
    for command, ports in (("set_input_delay", block.inputs), ("set_output_delay", block.outputs)):
        lines += [f"{command} -clock {clock} {io_ns:g} [get_ports {{{name}}}]" for name in ports]
    return _text(lines)


def vivado(block: Block, target: Target) -> str:
    """A Vivado project, run out of context as the block has more ports than a package has pins."""
    files = [f"[file join $here .. rtl {name}]" for name in block.files]
    constraints = ["[file join $here timing.xdc]"]
    if block.copies is not None:
        constraints.append("[file join $here .. constraints vivado.xdc]")
    return _text(
        [
            f"# Vivado project of {block.top}: vivado -mode batch -source run.tcl",
            "set here [file dirname [file normalize [info script]]]",
            "file copy -force [file join $here .. constraints timing.sdc] [file join $here timing.xdc]",
            "file mkdir [file join $here reports]",
            f"create_project -force {block.top} [file join $here project] -part {target.vivado_part}",
            f"add_files -norecurse {_list(files)}",
            f"add_files -fileset constrs_1 -norecurse {_list(constraints)}",
            f"set_property top {block.top} [current_fileset]",
            "set_property -name {STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS} -value {-mode out_of_context} "
            "-objects [get_runs synth_1]",
            "launch_runs impl_1 -to_step route_design",
            "wait_on_run impl_1",
            "open_run impl_1",
            *(
                f"report_{name} -file [file join $here reports {name}.rpt]"
                for name in ("utilization", "timing_summary", "power")
            ),
            "report_utilization -hierarchical -file [file join $here reports utilization_hierarchical.rpt]",
        ]
    )


def quartus(block: Block, target: Target) -> str:
    """A Quartus project (Standard and Pro); data ports are virtual pins, as there are more of them than pins."""
    one = "set_global_assignment -name"
    files = [f"{one} VERILOG_FILE [file join $here .. rtl {name}]" for name in block.files]
    pins = [f'set_instance_assignment -name VIRTUAL_PIN ON -to "{name}"' for name in (*block.inputs, *block.outputs)]
    copies = [] if block.copies is None else ["source [file join $here .. constraints quartus.qsf]"]
    return _text(
        [
            f"# Quartus project of {block.top}: quartus_sh -t run.tcl; reports are in output_files",
            "load_package flow",
            "set here [file dirname [file normalize [info script]]]",
            "cd $here",
            f"project_new -overwrite -revision {block.top} {block.top}",
            f'{one} FAMILY "{target.quartus_family}"',
            f"{one} DEVICE {target.quartus_part}",
            f"{one} TOP_LEVEL_ENTITY {block.top}",
            f"{one} VERILOG_INPUT_VERSION VERILOG_2001",
            f"{one} PROJECT_OUTPUT_DIRECTORY output_files",
            *files,
            f"{one} SDC_FILE [file join $here .. constraints timing.sdc]",
            *pins,
            *copies,
            "execute_flow -compile",
            "project_close",
        ]
    )


def genus(block: Block, target: Target) -> str:
    """Synthesis with Genus, common user interface."""
    files = [f"$here/../rtl/{name}" for name in block.files]
    copies = [] if block.copies is None else ["source $here/../constraints/genus.tcl"]
    return _text(
        [
            f"# Synthesis of {block.top}: genus -files run.tcl",
            "set here [file dirname [file normalize [info script]]]",
            "file mkdir $here/reports $here/out",
            f"read_libs {_list(_inside(target.liberty))}",
            f"read_physical -lefs {_list(_inside(target.lef))}",
            f"read_hdl -language v2001 {_list(files)}",
            f"elaborate {block.top}",
            "read_sdc $here/../constraints/timing.sdc",
            *copies,
            "syn_generic",
            "syn_map",
            "syn_opt",
            *(f"report_{name} > $here/reports/{name}.rpt" for name in ("qor", "area", "timing", "power")),
            f"write_hdl > $here/out/{block.top}.v",
            f"write_sdc > $here/out/{block.top}.sdc",
        ]
    )


def innovus_views(block: Block, target: Target) -> str:
    """The one analysis view of Innovus."""
    rules = "" if target.rc_file is None else f" -qrc_tech {_inside([target.rc_file])[0]}"
    return _text(
        [
            f"# Analysis view of {block.top}, read by run.tcl, which sets here",
            f"create_library_set -name libraries -timing {_list(_inside(target.liberty))}",
            "create_timing_condition -name condition -library_sets libraries",
            f"create_rc_corner -name wires{rules}",
            "create_delay_corner -name corner -timing_condition condition -rc_corner wires",
            f"create_constraint_mode -name mode -sdc_files [list $here/../genus/out/{block.top}.sdc]",
            "create_analysis_view -name view -constraint_mode mode -delay_corner corner",
            "set_analysis_view -setup view -hold view",
        ]
    )


def innovus(block: Block, target: Target) -> str:
    """Place and route of what Genus wrote, with Innovus, common user interface; without rings and stripes."""
    copies = [] if block.copies is None else ["source $here/../constraints/innovus.tcl"]
    nets = ((target.power_net, "pg_pin"), (target.ground_net, "pg_pin"))
    return _text(
        [
            f"# Place and route of {block.top}: innovus -stylus -files run.tcl, after Genus",
            "set here [file dirname [file normalize [info script]]]",
            "file mkdir $here/reports $here/out",
            f"set_db init_power_nets {target.power_net}",
            f"set_db init_ground_nets {target.ground_net}",
            "read_mmmc $here/views.tcl",
            f"read_physical -lef {_list(_inside(target.lef))}",
            f"read_netlist $here/../genus/out/{block.top}.v -top {block.top}",
            "init_design",
            *(f"connect_global_net {net} -type {kind} -pin_base_name {net} -all" for net, kind in nets),
            f"create_floorplan -core_density_size 1.0 {target.utilisation:g} 5 5 5 5",
            *copies,
            "place_opt_design",
            "clock_opt_design",
            "route_design",
            "opt_design -post_route",
            "time_design -post_route -report_dir $here/reports",
            "time_design -post_route -hold -report_dir $here/reports",
            "report_summary -no_html -out_file $here/reports/summary.rpt",
            "report_power > $here/reports/power.rpt",
            f"write_netlist $here/out/{block.top}.v",
        ]
    )


def librelane(block: Block, target: Target) -> str:
    """A configuration of LibreLane (OpenLane 2 and later), flow Classic."""
    config: dict[str, Any] = {
        "meta": {"version": 2, "flow": "Classic"},
        "DESIGN_NAME": block.top,
        "VERILOG_FILES": [f"dir::../rtl/{name}" for name in block.files],
        "CLOCK_PORT": list(block.clocks),
        "CLOCK_PERIOD": block.clock_ns,
        "PNR_SDC_FILE": "dir::constraints.sdc",
        "SIGNOFF_SDC_FILE": "dir::constraints.sdc",
        "FP_CORE_UTIL": round(100 * target.utilisation),
        "PDK": target.pdk,
        "STD_CELL_LIBRARY": target.cell_library,
    }
    return json.dumps(config, indent=1) + "\n"


def librelane_sdc(block: Block, target: Target) -> str:
    """Timing, and in the steps of OpenROAD the copies that must not be touched: LibreLane has no other hook."""
    timing = timing_sdc(block, target)
    if block.copies is None:
        return timing
    inner = "".join(f"    {line}\n" for line in openroad(block.copies).splitlines())
    return f"{timing}if {{[llength [info commands set_dont_touch]]}} {{\n{inner}}}\n"


def _inside(names: Sequence[str]) -> list[str]:
    """Files as seen from a script's folder; absolute ones as they are."""
    return [name if name.startswith("/") else f"$here/../{name}" for name in names]


def _list(items: Sequence[str]) -> str:
    return " \\\n    ".join(["[list", *items]) + "]"


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
