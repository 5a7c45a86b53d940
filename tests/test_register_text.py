"""The forms of the register map, each read by another tool and compared with the map: address, size, fields, access."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from systemrdl import RDLCompiler
from systemrdl.node import AddrmapNode

from codesign.register_map import RegisterMap
from codesign.register_text import header_text, markdown_text, rdl_text, register_documents, yaml_text

MAPS = [RegisterMap("econt_chip", 12_864), RegisterMap("small", 5), RegisterMap("odd", 134 * 8 + 13)]
Fields = set[tuple[int, str, int, int, str]]  # address, field, lowest bit, width, access


def expected(registers: RegisterMap) -> Fields:
    found = set()
    for register in registers.registers:
        for offset in range(register.count):
            for field in register.fields:
                width = register.last_bits if field.width == 8 and offset == register.count - 1 else field.width
                found.add((register.address + offset, field.name, field.low, width, field.access))
    return found


def compiled(text: str, folder: Path) -> AddrmapNode:
    path = folder / "map.rdl"
    path.write_text(text)
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    return compiler.elaborate().top


def access_of(field: Any) -> str:
    if field.get_property("singlepulse"):
        return "pulse"
    if field.get_property("onwrite") is not None:
        return str(field.get_property("onwrite").name)
    return {"rw": "rw", "r": "ro"}[field.get_property("sw").name]


def rdl_fields(top: AddrmapNode) -> Fields:
    found = set()
    for node in top.descendants(unroll=True):
        if type(node).__name__ == "FieldNode":
            found.add((node.parent.absolute_address, node.inst_name, node.low, node.width, access_of(node)))
    return found


@pytest.mark.parametrize("registers", MAPS, ids=lambda one: one.design)
def test_the_systemrdl_compiler_finds_every_field_where_the_map_has_it(registers, tmp_path):
    top = compiled(rdl_text(registers), tmp_path)
    assert top.inst_name == f"{registers.design}_registers"
    assert rdl_fields(top) == expected(registers)


@pytest.mark.parametrize(("old", "new"), [("@ 0x0538", "@ 0x0539"), ("sw = r;", "sw = rw;"), ("[7:0]", "[6:0]")])
def test_another_address_access_or_width_in_the_systemrdl_is_seen(old, new, tmp_path):
    text = rdl_text(MAPS[0])
    assert old in text
    assert rdl_fields(compiled(text.replace(old, new), tmp_path)) != expected(MAPS[0])


def yaml_bytes(text: str, design: str) -> dict[str, tuple[str, int, int]]:
    """Read the form by its own rules: access, address and size of every register."""
    found = {}
    for access, blocks in yaml.safe_load(text)[design].items():
        for block, content in blocks.items():
            for name, register in content["registers"].items():
                address = content["addr_base"] + register.get("addr_offset", 0)
                for part in register.get("params", {}).values():
                    assert part["param_mask"] << part["param_shift"] < 256 ** register.get("size_byte", 1)
                found[f"{block.lower()}_{name}"] = (access, address, register.get("size_byte", 1))
    return found


@pytest.mark.parametrize("registers", MAPS, ids=lambda one: one.design)
def test_the_yaml_form_has_every_register_where_the_map_has_it(registers):
    access = {"rw": "RW", "ro": "RO", "wclr": "RW", "pulse": "WO"}
    wanted = {r.full_name: (access[r.fields[0].access], r.address, r.count) for r in registers.registers}
    assert yaml_bytes(yaml_text(registers), registers.design) == wanted


def test_the_yaml_form_of_the_chip_has_the_addresses_of_the_public_map():
    found = yaml_bytes(yaml_text(MAPS[0]), "econt_chip")
    assert [found[f"block_{k}_weights"] for k in range(12)] == [("RW", 0x538 + 143 * k, 134) for k in range(12)]
    part = yaml.safe_load(yaml_text(MAPS[0]))["econt_chip"]["WO"]["CONTROL"]["registers"]["command"]["params"]
    assert part == {
        "commit": {"param_mask": 1, "param_shift": 0},
        "clear_errors": {"param_mask": 1, "param_shift": 1},
    }


@pytest.mark.parametrize("registers", MAPS, ids=lambda one: one.design)
def test_the_header_compiles_and_has_the_numbers_of_the_map(registers, tmp_path):
    (tmp_path / "map.h").write_text(header_text(registers))
    prefix = registers.design.upper()
    wanted = {f"{prefix}_PARAMETER_BYTES": registers.bytes, f"{prefix}_BLOCKS": registers.blocks}
    wanted |= {f"{prefix}_BLOCK_BYTES": 134, f"{prefix}_BLOCK_STRIDE": 143}
    for register in registers.registers:
        name = f"{prefix}_{register.full_name.upper()}"
        wanted |= {f"{name}_ADDRESS": register.address, f"{name}_BYTES": register.count}
        for field in register.fields:
            part = f"{name}_{field.name.upper()}"
            wanted |= {f"{part}_MASK": ((1 << field.width) - 1) << field.low, f"{part}_SHIFT": field.low}
    defined = re.findall(r"^#define (\w+) \w+$", header_text(registers), re.MULTILINE)
    prints = "".join(f'    printf("{name} %d\\n", {name});\n' for name in defined)
    source = f'#include <stdio.h>\n#include "map.h"\n#include "map.h"\nint main(void) {{\n{prints}    return 0;\n}}\n'
    (tmp_path / "show.c").write_text(source)
    flags = ("-Wall", "-Wextra", "-pedantic", "-Werror", "-std=c99")
    subprocess.run(("gcc", *flags, "show.c", "-o", "show"), cwd=tmp_path, check=True)
    shown = subprocess.run("./show", cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert {name: int(value) for name, value in (line.split() for line in shown.splitlines())} == wanted


@pytest.mark.parametrize("registers", MAPS, ids=lambda one: one.design)
def test_the_table_has_a_row_for_every_field(registers):
    rows = [line.split(" | ") for line in markdown_text(registers).splitlines() if line.startswith("| 0x")]
    wanted = [
        (f"| 0x{r.address:04x}", f"`{r.full_name}.{f.name}`", f.access) for r in registers.registers for f in r.fields
    ]
    assert [(row[0].split(" to ")[0], row[1], row[3]) for row in rows] == wanted


def test_every_form_is_written_under_the_name_of_the_design():
    names = [name for name, _ in register_documents(MAPS[1])]
    assert names == [f"small_registers.{form}" for form in ("rdl", "yaml", "h", "md")]
