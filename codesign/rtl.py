"""Emission: graph and schedule become Verilog files and a manifest. Deterministic: same input, same bytes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError
from codesign.files import replace_directory, text_sha256, write_json, write_text
from codesign.graph import Graph, Port
from codesign.options import Wrapper
from codesign.protection import Protection
from codesign.register_map import ConfigBus
from codesign.register_text import register_documents
from codesign.row_schedule import RowSchedule
from codesign.rtl_axis import AxisWrapper, Pipeline
from codesign.rtl_bus import Bus
from codesign.rtl_rows import RowTop
from codesign.rtl_top import Top
from codesign.schedule import Schedule
from codesign.triplicate import Scope, triplicate
from codesign.unsigned_form import Fabric
from codesign.verilog_names import LANES, check_identifier

# Templates that a design in lanes needs, beside those that its text names.
LANE_TEMPLATES = ("tmr_register_full", "tmr_memory_full", "tmr_fanout", "majority_voter")
MANIFEST = "manifest.json"
Files = tuple[tuple[str, str], ...]
# Declarations in the text of the top level: ports and wires, and instances.
_SIGNAL = re.compile(r"^    (?:(?:input|output) +)?wire +(?:signed +)?(?:\[[^\]]*\] *)?(\w+)", re.MULTILINE)
_INSTANCE = re.compile(r"^    (?:\w+|\)) (\w+) \($", re.MULTILINE)


@dataclass(frozen=True)
class Rtl:
    """File name and text of every Verilog file, and the manifest (names, ports, timing, register bits).

    `documents`: the register map of programmable parameters in other forms, beside the Verilog. `wrapped`: the design
    behind another interface, as a whole of its own.
    """

    files: Files
    manifest: dict[str, Any]
    documents: Files = ()
    wrapped: "Rtl | None" = field(default=None, repr=False)


def emit(
    graph: Graph,
    schedule: Schedule | RowSchedule,
    *,
    tmr: str | Protection,
    clock_ns: float,
    fabric: Fabric = "cells",
    choice: Mapping[str, Any] | None = None,
    bus: ConfigBus = "bytes",
    wrapper: Wrapper = "none",
) -> Rtl:
    """Return the Verilog of `graph` under `schedule`, its adders written for `fabric`.

    `tmr`: a mode of triplication, or modes of the design and of single nodes. `choice`: what the schedule was chosen
    for and is estimated to take, for the manifest. `bus`: how programmable parameters are reached. `wrapper`: emit the
    design behind AXI4-Stream too. Raises `BadInputError` for a name that is no Verilog identifier, for another bus than
    "bytes" where nothing is programmable, and for a wrapper around single nodes in modes of their own.
    """
    check_identifier(graph.name, "design name")
    protection = Protection(tmr) if isinstance(tmr, str) else tmr
    inner = _for_nodes(protection, schedule)
    if not clock_ns > 0:
        raise BadInputError(f"clock period must be above 0 ns, not {clock_ns}")
    top: Top | RowTop
    if isinstance(schedule, RowSchedule):
        if bus != "bytes":
            raise BadInputError(f"design '{graph.name}' has no programmable parameters: leave --config-bus out")
        top = RowTop(schedule, protection=inner, fabric=fabric)
    else:
        top = Top(graph, schedule, protection=inner, fabric=fabric, bus=bus)
    _check_nodes(protection, top)
    text = top.text  # emits the constant modules on its way
    own = (*top.modules, (f"{graph.name}.v", text))
    files = _placed(own, graph.name, inner)
    names = [name for pattern in (_SIGNAL, _INSTANCE) for name in pattern.findall(text)]
    _check_distinct(names, "signals or instances")
    chosen = {} if choice is None else {"choice": dict(choice)}
    registers = top.registers if isinstance(top, Top) else None
    documents = register_documents(registers) if registers else ()
    mapped = {"register_map": registers.record()} if registers else {}
    manifest = _manifest(top, files, inner, clock_ns) | mapped | chosen
    wrapped = _wrapped(top, own, manifest, protection) if wrapper == "axis" else None
    return Rtl(files, manifest, documents, wrapped)


def _placed(own: Files, top: str, protection: Protection) -> Files:
    """Return the modules of a design with the templates that they need, in lanes where the protection says so."""
    files = (*_templates(text for _, text in own), *own)
    if protection.has_lanes:
        files = _in_lanes(files, top, protection)
    _check_distinct([name.removesuffix(".v") for name, _ in files], "modules")
    return files


def _wrapped(top: Top | RowTop, own: Files, manifest: Mapping[str, Any], protection: Protection) -> Rtl:
    """Return the design behind AXI4-Stream: one top level more, and a manifest that counts its registers too."""
    bus = Bus(top.registers) if isinstance(top, Top) and top.registers else None
    is_streaming = isinstance(top, RowTop) and top.is_streaming
    axis = AxisWrapper(
        Pipeline(
            top.graph.name,
            in_width=top.in_width,
            out_width=top.out_width,
            in_beats=manifest.get("in_beats", 1),
            out_beats=manifest.get("out_beats", 1),
            latency_cycles=top.schedule.latency_cycles,
            ii_cycles=top.schedule.ii_cycles,
            config_ports=tuple(bus.ports) if bus else (),
            config_names=bus.names if bus else (),
            in_memory=is_streaming,
        ),
        protection,
    )
    files = _placed((*own, (f"{axis.name}.v", axis.text)), axis.name, protection)
    added = {"register_bits": axis.register_bits, "memory_bits": axis.memory_bits}
    added["protected_bits"] = axis.register_bits if protection.protects(None) else 0
    counted = {name: manifest.get(name, 0) + bits for name, bits in added.items()}
    return Rtl(files, {**manifest, **counted, **_sources(axis.name, files), "wrapper": axis.record()})


def _for_nodes(protection: Protection, schedule: Schedule | RowSchedule) -> Protection:
    """Return the protection with a node's mode for what works inside of its engine as well."""
    if isinstance(schedule, RowSchedule):
        if protection.nodes or protection.selected:
            raise BadInputError("engines over rows share their parameters: one mode of tmr for the whole design")
        return protection
    inside = {name: protection.nodes[node] for name, node in schedule.fused.items() if node in protection.nodes}
    return replace(protection, nodes={**protection.nodes, **inside})


def _check_nodes(protection: Protection, top: Top | RowTop) -> None:
    """A mode of a single node needs a node that has hardware of its own."""
    own = top.nodes_with_hardware if isinstance(top, Top) else frozenset()
    for node in protection.nodes:
        if node not in own:
            raise BadInputError(
                f"tmr: no node '{node}' with hardware of its own (sums belong to the requantisation that reads them): "
                f"choose one of {', '.join(sorted(own))}"
            )


def _in_lanes(files: Files, top: str, protection: Protection) -> Files:
    """Triplicate the modules of a design whose registers stand once."""
    texts = {name.removesuffix(".v"): text for name, text in files}
    texts |= {name: template_text(f"{name}.v") for name in LANE_TEMPLATES}
    found = triplicate(texts, top, Scope(protection.in_lanes, protection.has_clocks))
    return tuple((f"{name}.v", text) for name, text in found.items())


def _check_distinct(names: list[str], what: str) -> None:
    """Names of nodes get suffixes, so that two nodes can give one name: `a` in register 1 and `a_r1`."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadInputError(f"two {what} would be named {repeated[0]!r} in Verilog: rename the design or a node")


def write_rtl(rtl: Rtl, directory: Path) -> Path:
    """Write files and manifest into `directory`, replacing it as a whole."""

    def fill(target: Path) -> None:
        for name, text in (*rtl.files, *rtl.documents):
            write_text(target / name, text)
        write_json(target / MANIFEST, rtl.manifest)

    return replace_directory(directory, fill)


def template_text(name: str) -> str:
    """Return the text of template file `name`."""
    return (resources.files("codesign.rtl_templates") / name).read_text(encoding="utf-8")


def lint_waivers() -> str:
    """The waivers of lint.vlt, and the same for modules in lanes: file <name>_full.v, signals that end in A, B or C."""
    text = template_text("lint.vlt")
    lines = [line for line in text.splitlines() if line.startswith("lint_off")]
    lanes = [re.sub(r"'([^']*)'", r"'\1?'", re.sub(r'(-file "\*\w+)\.v"', r'\1_full.v"', line)) for line in lines]
    return text + "".join(f"{line}\n" for line in lanes)


def template_names() -> tuple[str, ...]:
    """Names of all template modules."""
    folder = resources.files("codesign.rtl_templates")
    return tuple(sorted(entry.name.removesuffix(".v") for entry in folder.iterdir() if entry.name.endswith(".v")))


def _templates(texts: Iterable[str]) -> Files:
    """Return the template files that `texts` instantiate, and those that these instantiate in turn."""
    names = template_names()
    pattern = re.compile(rf"^\s*({'|'.join(names)})\s+(?:#\(|\w+\s*\()", re.MULTILINE)
    found: dict[str, str] = {}
    queue = list(texts)
    while queue:
        for name in pattern.findall(queue.pop()):
            if name not in found:
                found[name] = template_text(f"{name}.v")
                queue.append(found[name])
    return tuple((f"{name}.v", found[name]) for name in sorted(found))


def _manifest(top: Top | RowTop, files: Files, protection: Protection, clock_ns: float) -> dict[str, Any]:
    graph, schedule = top.graph, top.schedule
    lanes = LANES if protection.has_clocks else ("",)
    config = ("cfg_clk", "cfg_rst") if isinstance(top, Top) and top.registers else ()
    return {
        "schema": 1,
        **_sources(graph.name, files),
        "graph_sha256": graph.digest,
        "clock_ns": clock_ns,
        "latency_cycles": schedule.latency_cycles,
        "ii_cycles": schedule.ii_cycles,
        "tmr": protection.mode,
        "tmr_nodes": dict(sorted(protection.nodes.items())),
        "clocks": [f"{name}{lane}" for name in ("clk", *config[:1]) for lane in lanes],
        "resets": [f"rst{lane}" for lane in lanes],
        "config_resets": [f"{name}{lane}" for name in config[1:] for lane in lanes],
        "single_points_of_failure": list(protection.remaining_points()),
        "fabric": top.fabric,
        "register_bits": top.register_bits,
        "protected_bits": top.protected_bits,
        "in_width": top.in_width,
        "out_width": top.out_width,
        "inputs": [_port(graph, port) for port in graph.inputs],
        "outputs": [_port(graph, port) for port in graph.outputs],
        "parameters": [_port(graph, Port(node.name)) for node in graph.sources("parameter")],
        "parameter_bits": top.parameter_bits,
        **(_row_timing(top) if isinstance(top, RowTop) else _timing(top.schedule)),
    }


def _sources(top: str, files: Files) -> dict[str, Any]:
    """The top level and the files."""
    return {
        "top": top,
        "sources": [name for name, _ in files],
        "sha256": {name: text_sha256(text) for name, text in files},
    }


def _timing(schedule: Schedule) -> dict[str, Any]:
    """Reuse factors, and when every node runs."""
    return {
        "reuse": {name: slot.reuse for name, slot in schedule.slots.items() if slot.reuse > 1},
        "schedule": {
            name: {"start": slot.start, "latency_cycles": slot.latency_cycles, "ii_cycles": slot.ii_cycles}
            for name, slot in schedule.slots.items()
        },
    }


def _row_timing(top: RowTop) -> dict[str, Any]:
    """Beats and memories, and when every phase runs, its engines and the reuse factors in them."""
    plan, graph = top.schedule, top.graph
    phases = list(zip(plan.program.phases, plan.slots, strict=True))
    return {
        "architecture": plan.architecture,
        "engines": {str(rows): count for rows, count in sorted(plan.engines.items())},
        "in_beats": plan.in_beats,
        "out_beats": plan.out_beats,
        "beat_rows": {port.node: top.beat_rows(port.node) for port in (*graph.inputs, *graph.outputs)},
        "memory_bits": top.memory_bits,
        "reuse": {name: one.reuse for _, slot in phases for name, one in slot.plan.slots.items() if one.reuse > 1},
        "schedule": {
            phase.name: {
                "start": slot.start,
                "latency_cycles": slot.last_result + 1 - slot.start,
                "ii_cycles": slot.busy_cycles,
            }
            for phase, slot in phases
        },
    }


def _port(graph: Graph, port: Port) -> dict[str, Any]:
    value = graph.types[port.node]
    return {
        "name": port.node,
        "shape": list(value.shape),
        "width": value.fixed.width,
        "signed": value.fixed.signed,
        "scale": list(port.scale),
        "offset": list(port.offset),
    }
