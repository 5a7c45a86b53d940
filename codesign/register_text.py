"""The register map in the forms that other tools read: SystemRDL 2.0, the YAML form of the ECON-T, C, Markdown."""

from dataclasses import dataclass

from codesign.register_map import Access, Field, Register, RegisterMap

# SystemRDL: what software and hardware may do with a field of each kind of access.
_RDL_ACCESS: dict[Access, str] = {
    "rw": "sw = rw; hw = r;",
    "ro": "sw = r; hw = w;",
    "wclr": "sw = rw; onwrite = wclr; hw = w;",
    "pulse": "sw = w; singlepulse; hw = r;",
}
# The public ECON-T map sorts registers by what software may do; a field that clears itself or at a write is written.
_YAML_ACCESS: dict[Access, str] = {"rw": "RW", "ro": "RO", "wclr": "RW", "pulse": "WO"}


@dataclass(frozen=True)
class Part:
    """Bytes of a register that have the same fields: all full ones, or the last one where that has fewer bits."""

    name: str
    offset: int
    count: int
    fields: tuple[Field, ...]
    is_last: bool = False


def parts(register: Register, base: int) -> tuple[Part, ...]:
    """Return a register, or all its full bytes and the last byte where that has fewer bits; offsets are to `base`."""
    offset, whole = register.address - base, register.count - (register.last_bits < 8)
    found = [Part(register.name, offset, whole, register.fields)] if whole else []
    if whole < register.count:
        (field,) = register.fields
        short = (Field(field.name, 0, register.last_bits, field.access, field.text),)
        found.append(Part(f"{register.name}_last", offset + whole, 1, short, is_last=True))
    return tuple(found)


def register_documents(registers: RegisterMap) -> tuple[tuple[str, str], ...]:
    """Return file name and text of every form of the map."""
    name = f"{registers.design}_registers"
    forms = {"rdl": rdl_text, "yaml": yaml_text, "h": header_text, "md": markdown_text}
    return tuple((f"{name}.{suffix}", form(registers)) for suffix, form in forms.items())


# SystemRDL ------------------------------------------------------------------------------------------------------------


def rdl_text(registers: RegisterMap) -> str:
    """Return the map in SystemRDL 2.0: an address map of register files, one a block."""
    lines = [
        f"// Register map of {registers.design}: {registers.bits} bits of programmable parameters.",
        f"addrmap {registers.design}_registers {{",
        "    littleendian; lsb0;",
        "    default regwidth = 8; default accesswidth = 8;",
    ]
    for block, own in by_block(registers).items():
        base = own[0].address
        lines += ["", "    regfile {"]
        for register in own:
            lines += _rdl_register(register, base)
        lines += [f"    }} {block} @ 0x{base:04x};"]
    return "\n".join([*lines, "};"]) + "\n"


def _rdl_register(register: Register, base: int) -> list[str]:
    lines = []
    for part in parts(register, base):
        array = f"[{part.count}]" if register.count > 1 and not part.is_last else ""
        lines += _rdl_instance(f"{part.name}{array}", part.fields, part.offset)
    return lines


def _rdl_instance(name: str, fields: tuple[Field, ...], offset: int) -> list[str]:
    lines = ["        reg {"]
    for field in fields:
        # A pulse that needs no storage has no reset value in effect; all others reset to zero.
        place = f"{field.name}[{field.low + field.width - 1}:{field.low}] = 0"
        lines += [f'            field {{ desc = "{field.text}"; {_RDL_ACCESS[field.access]} }} {place};']
    return [*lines, f"        }} {name} @ 0x{offset:02x};"]


# YAML -----------------------------------------------------------------------------------------------------------------


def yaml_text(registers: RegisterMap) -> str:
    """Return the map in the form of the ECON-T's public register map.

    Access, block, `addr_base`, then registers with `addr_offset` (0 where absent), `size_byte` (1 where absent),
    `value` and, where a register has parts, `params` with `param_mask` and `param_shift`. Values are little endian.
    """
    lines = [f"{registers.design}:"]
    for access in ("WO", "RW", "RO"):
        blocks = {block: [r for r in own if _access(r) == access] for block, own in by_block(registers).items()}
        if any(blocks.values()):
            lines.append(f" {access}:")
        for block, own in blocks.items():
            if own:
                lines += [f"  {block.upper()}:", f"   addr_base: 0x{own[0].address:04x}", "   registers:"]
            for register in own:
                lines += _yaml_register(register, register.address - own[0].address)
    return "\n".join(lines) + "\n"


def _access(register: Register) -> str:
    return _YAML_ACCESS[register.fields[0].access]


def _yaml_register(register: Register, offset: int) -> list[str]:
    lines = [f"    {register.name}:"]
    lines += [f"     addr_offset: 0x{offset:02x}"] if offset else []
    lines += [f"     size_byte: {register.count}"] if register.count > 1 else []
    lines += ["     value: 0"]
    whole = len(register.fields) == 1 and register.fields[0].width == 8
    lines += [] if whole else ["     params:"]
    for field in () if whole else register.fields:
        mask = (1 << field.width) - 1
        lines += [f"      {field.name}:", f"       param_mask: 0x{mask:02x}", f"       param_shift: {field.low}"]
    return lines


# C and Markdown -------------------------------------------------------------------------------------------------------


def header_text(registers: RegisterMap) -> str:
    """Return a C header: address and number of bytes of every register, mask and shift of every part of one."""
    prefix = registers.design.upper()
    lines = [
        f"/* Register map of {registers.design}: addresses are of bytes, weights are little endian. */",
        f"#ifndef {prefix}_REGISTERS_H",
        f"#define {prefix}_REGISTERS_H",
        "",
        f"#define {prefix}_PARAMETER_BYTES {registers.bytes}",
        f"#define {prefix}_BLOCKS {registers.blocks}",
        f"#define {prefix}_BLOCK_BYTES {registers.block_bytes}",
        f"#define {prefix}_BLOCK_STRIDE {registers.block_stride}",
    ]
    for register in registers.registers:
        name = f"{prefix}_{register.full_name.upper()}"
        lines += ["", f"#define {name}_ADDRESS 0x{register.address:04x}", f"#define {name}_BYTES {register.count}"]
        for field in register.fields:
            mask, part = ((1 << field.width) - 1) << field.low, f"{name}_{field.name.upper()}"
            lines += [f"#define {part}_MASK 0x{mask:02x}", f"#define {part}_SHIFT {field.low}"]
    return "\n".join([*lines, "", "#endif"]) + "\n"


def markdown_text(registers: RegisterMap) -> str:
    """Return a table of all fields."""
    lines = [
        f"# Registers of {registers.design}",
        "",
        "| address | register | bits | access | meaning |",
        "|---|---|---|---|---|",
    ]
    for register in registers.registers:
        last = register.address + register.count - 1
        where = f"0x{register.address:04x}" + (f" to 0x{last:04x}" if register.count > 1 else "")
        for field in register.fields:
            bits = f"{field.low + field.width - 1}:{field.low}" if field.width > 1 else f"{field.low}"
            row = (where, f"`{register.full_name}.{field.name}`", bits, field.access, field.text)
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def by_block(registers: RegisterMap) -> dict[str, list[Register]]:
    """Return the registers of each block."""
    found: dict[str, list[Register]] = {}
    for register in registers.registers:
        found.setdefault(register.block, []).append(register)
    return found
