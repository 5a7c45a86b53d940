"""An IP-XACT component (IEEE 1685-2014) of an emitted block: ports, bus interfaces, registers, files.

Bus definitions are named, not described: AMBA's for AXI4-Stream and APB; for clock and reset those that Vivado brings,
as IEEE defines none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as Xml

from codesign import __version__
from codesign.fusesoc import LIBRARY, VENDOR, description
from codesign.register_map import ADDRESS_BITS, Access, Field, RegisterMap
from codesign.register_text import by_block, parts
from codesign.rtl_bus import APB
from codesign.rtl_text import verilog_parameters
from codesign.verilog_source import read_module

NAMESPACE = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"
SCHEMA = f"{NAMESPACE} {NAMESPACE}/index.xsd"
FILE_TYPES = {"v": "verilogSource", "hpp": "cppSource", "h": "cSource"}
AXI_STREAM = ("amba.com", "AMBA4", "AXI4Stream", "r0p0_1")
APB_BUS = ("amba.com", "AMBA3", "APB", "r2p0_0")
CLOCK, RESET = ("xilinx.com", "signal", "clock", "1.0"), ("xilinx.com", "signal", "reset", "1.0")
_ACCESS: Mapping[Access, str] = {"rw": "read-write", "ro": "read-only", "wclr": "read-write", "pulse": "write-only"}
_RANGE = re.compile(r"\[(\d+):(\d+)\]")


@dataclass(frozen=True)
class BusInterface:
    """A bus of the block: bus definition, logical to physical ports, "master" or "slave", parameters of the bus."""

    name: str
    bus: tuple[str, str, str, str]
    ports: Mapping[str, str]
    mode: str = "slave"
    memory_map: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


def ipxact_component(manifest: Mapping[str, Any], top_text: str, software: Iterable[str] = ()) -> str:
    """Return the text of `<top>.xml`; files stand beside it, `software` among them (headers for C and C++)."""
    Xml.register_namespace("ipxact", NAMESPACE)
    Xml.register_namespace("xsi", "http://www.w3.org/2001/XMLSchema-instance")
    root = Xml.Element(_tag("component"), {"{http://www.w3.org/2001/XMLSchema-instance}schemaLocation": SCHEMA})
    top, registers = manifest["top"], RegisterMap.of(manifest)
    _texts(root, vendor=VENDOR, library=LIBRARY, name=top, version=__version__)
    _add_buses(root, bus_interfaces(manifest, registers))
    if registers:
        _add_registers(root, registers)
    _add_model(root, top, top_text)
    _add_files(root, {"rtl": manifest["sources"], "software": tuple(software)})
    _texts(root, description=f"{description(manifest)}. Graph: SHA-256 {manifest['graph_sha256']}")
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def bus_interfaces(manifest: Mapping[str, Any], registers: RegisterMap | None) -> tuple[BusInterface, ...]:
    """Return the buses of a block: clocks, resets, AXI4-Stream of a wrapper, APB of the registers."""
    found = []
    streams = {"s_axis": "slave", "m_axis": "master"} if "wrapper" in manifest else {}
    frequency = ("FREQ_HZ", str(round(1e9 / manifest["clock_ns"])))
    for clock in manifest["clocks"]:
        is_config = clock.startswith("cfg_")
        own = () if is_config else (frequency, *([("ASSOCIATED_BUSIF", ":".join(streams))] if streams else []))
        found.append(BusInterface(clock, CLOCK, {"CLK": clock}, parameters=own))
    for reset in (*manifest["resets"], *manifest["config_resets"]):
        found.append(BusInterface(reset, RESET, {"RST": reset}, parameters=(("POLARITY", "ACTIVE_HIGH"),)))
    has_packets = manifest.get("in_beats", 1) > 1
    for name, mode in streams.items():
        signals = ["tvalid", "tready", "tdata", *(["tlast"] if mode == "master" or has_packets else [])]
        found.append(BusInterface(name, AXI_STREAM, {one.upper(): f"{name}_{one}" for one in signals}, mode))
    if registers and registers.bus == "apb":
        ports = {name.upper(): name for _, _, name in APB}
        found.append(BusInterface("apb", APB_BUS, ports, memory_map=_map_name(registers)))
    return tuple(found)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _child(parent: Xml.Element, kind: str, text: object = None, **attributes: str) -> Xml.Element:
    """Append an element of a kind; `text` is its content."""
    child = Xml.SubElement(parent, _tag(kind), attributes)
    child.text = None if text is None else str(text)
    return child


def _texts(parent: Xml.Element, **texts: object) -> None:
    """Append elements that hold a text each."""
    for kind, text in texts.items():
        _child(parent, kind, text)


def _reference(parent: Xml.Element, kind: str, identity: tuple[str, str, str, str]) -> None:
    _child(parent, kind, **dict(zip(("vendor", "library", "name", "version"), identity, strict=True)))


# Bus interfaces -------------------------------------------------------------------------------------------------------


def _add_buses(root: Xml.Element, buses: Iterable[BusInterface]) -> None:
    parent = _child(root, "busInterfaces")
    for one in buses:
        bus = _child(parent, "busInterface")
        _texts(bus, name=one.name)
        _reference(bus, "busType", one.bus)
        kind = _child(_child(bus, "abstractionTypes"), "abstractionType")
        vendor, library, name, version = one.bus
        _reference(kind, "abstractionRef", (vendor, library, f"{name}_rtl", version))
        maps = _child(kind, "portMaps")
        for logical, physical in one.ports.items():
            pair = _child(maps, "portMap")
            _texts(_child(pair, "logicalPort"), name=logical)
            _texts(_child(pair, "physicalPort"), name=physical)
        mode = _child(bus, one.mode)
        if one.memory_map:
            _child(mode, "memoryMapRef", memoryMapRef=one.memory_map)
        _add_parameters(bus, "parameters", "parameter", {f"{one.name}_{k}": (k, v) for k, v in one.parameters})


def _add_parameters(parent: Xml.Element, group: str, kind: str, parameters: Mapping[str, tuple[str, object]]) -> None:
    """Append parameters: identifier to name and value."""
    if not parameters:
        return
    listed = _child(parent, group)
    for identifier, (name, value) in parameters.items():
        _texts(_child(listed, kind, parameterId=identifier), name=name, value=value)


# Registers ------------------------------------------------------------------------------------------------------------


def _map_name(registers: RegisterMap) -> str:
    return f"{registers.design}_registers"


def _add_registers(root: Xml.Element, registers: RegisterMap) -> None:
    """Append the memory map: an address block for each block of registers."""
    parent = _child(_child(root, "memoryMaps"), "memoryMap")
    _texts(parent, name=_map_name(registers))
    for name, own in by_block(registers).items():
        base, last = own[0].address, own[-1].address + own[-1].count
        block = _child(parent, "addressBlock")
        _texts(block, name=name, baseAddress=f"'h{base:x}", range=last - base, width=8, usage="register")
        for part in (part for register in own for part in parts(register, base)):
            one = _child(block, "register")
            _texts(one, name=part.name)
            if part.count > 1:
                _texts(one, dim=part.count)
            _texts(one, addressOffset=f"'h{part.offset:x}", size=8)
            for field in part.fields:
                _add_field(one, field)
    _texts(parent, addressUnitBits=8)
    assert registers.control + 2 < 1 << ADDRESS_BITS


def _add_field(register: Xml.Element, field: Field) -> None:
    parent = _child(register, "field")
    _texts(parent, name=field.name, description=field.text, bitOffset=field.low)
    _texts(_child(_child(parent, "resets"), "reset"), value="'h0")
    _texts(parent, bitWidth=field.width)
    if field.access in ("ro", "wclr"):
        _texts(parent, volatile="true")
    _texts(parent, access=_ACCESS[field.access])
    if field.access == "wclr":
        _texts(parent, modifiedWriteValue="clear")


# Model and files ------------------------------------------------------------------------------------------------------


def _add_model(root: Xml.Element, top: str, top_text: str) -> None:
    model = _child(root, "model")
    view = _child(_child(model, "views"), "view")
    _texts(view, name="rtl", envIdentifier="Verilog::", componentInstantiationRef="verilog")
    own = _child(_child(model, "instantiations"), "componentInstantiation")
    _texts(own, name="verilog", language="Verilog", moduleName=top)
    parameters: dict[str, tuple[str, object]] = {name: (name, v) for name, v in verilog_parameters(top_text).items()}
    _add_parameters(own, "moduleParameters", "moduleParameter", parameters)
    _texts(_child(own, "fileSetRef"), localName="rtl")
    ports = _child(model, "ports")
    for name, port in read_module(top_text).ports.items():
        one = _child(ports, "port")
        _texts(one, name=name)
        wire = _child(one, "wire")
        _texts(wire, direction={"input": "in", "output": "out"}[port.direction])
        if bounds := _RANGE.search(port.declaration):
            _texts(_child(_child(wire, "vectors"), "vector"), left=bounds[1], right=bounds[2])


def _add_files(root: Xml.Element, sets: Mapping[str, Iterable[str]]) -> None:
    parent = _child(root, "fileSets")
    for name, files in sets.items():
        if files:
            own = _child(parent, "fileSet")
            _texts(own, name=name)
            for file in files:
                _texts(_child(own, "file"), name=file, fileType=FILE_TYPES.get(file.rpartition(".")[2], "unknown"))
