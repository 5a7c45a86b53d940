"""The register map: the chip's addresses, every parameter byte once, what does not fit; and the manifest's record."""

import pytest

from codesign.errors import BadInputError
from codesign.register_map import ADDRESS_BITS, RegisterMap

CHIP = RegisterMap("econt_chip", 12_864)


def test_the_weights_of_the_chip_lie_where_its_public_map_has_them():
    """AUTOENCODER_*INPUT: 12 blocks, addr_base 0x0538, block_shift 143, size_byte 134; MISC_ALL follows at 0x0bec."""
    assert CHIP.blocks == 12
    assert [CHIP.block_address(block) for block in (0, 1, 11)] == [0x538, 0x538 + 143, 0x538 + 11 * 143]
    weights = [register for register in CHIP.registers if register.name == "weights"]
    assert [register.count for register in weights] == [134] * 12
    assert CHIP.control == 0x0BEC


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 134 * 8, 134 * 8 + 1, 12_864, 60_032 * 8])
def test_every_byte_and_bit_has_one_address(bits):
    registers = RegisterMap("d", bits)
    arrays = [register for register in registers.registers if register.name == "weights"]
    held = [8 * (register.count - 1) + register.last_bits for register in arrays]
    assert sum(held) == bits
    assert [registers.block_range(block) for block in range(registers.blocks)][-1][1] == bits
    addresses = [a for r in registers.registers for a in range(r.address, r.address + r.count)]
    assert addresses == sorted(set(addresses))
    assert addresses[-1] < 1 << ADDRESS_BITS
    inside = {a for r in arrays for a in range(r.address, r.address + r.count)}
    assert {registers.byte_address(byte) for byte in range(registers.bytes)} == inside


@pytest.mark.parametrize(
    ("bits", "bus", "message"),
    [
        (0, "i2c", "no programmable parameters"),
        (60_032 * 8 + 1, "bytes", "60033 parameter bytes; the map holds 60032"),
        (8, "spi", "must be one of bytes, i2c, apb, not 'spi'"),
    ],
)
def test_what_cannot_be_mapped_is_refused(bits, bus, message):
    with pytest.raises(BadInputError, match=message):
        RegisterMap("d", bits, bus)


def test_the_manifest_gives_the_map_back():
    assert RegisterMap.of({"register_map": CHIP.record()}) == CHIP
    assert RegisterMap.of({"top": "d"}) is None
