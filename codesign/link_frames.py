"""Frames of the trigger chip's output links: 16-bit words, most significant bit first, one frame a crossing.

Sources: the formatter of the public emulator ECONT_Emulator; where its versions differ, the public test vectors
econt_test-vectors decide. The first word of a crossing is the upper half of the first link.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codesign.baselines import (
    ADDRESS_BITS,
    CODE_BITS,
    COUNT_BITS,
    FEW_CELLS,
    LINK_BITS,
    MAX_LINKS,
    SUM_BITS,
    WORD_BITS,
    Integers,
    SentCells,
    SentSuperCells,
    best_choice_cells,
    super_cells,
)
from codesign.data.codes import encode
from codesign.data.geometry import CELLS
from codesign.data.shower import DROP_BITS
from codesign.errors import BadInputError

Bits = NDArray[np.int64]

ORBIT = 3564
KIND_NONE, KIND_FEW, KIND_MANY = 0b000, 0b010, 0b100
SHORT_HEADER_BITS = 4
SUPER_ADDRESS_BITS, SUPER_SUM_BITS = 2, 9


def headers(count: int) -> Integers:
    """5-bit headers (count,) from the start of an orbit: the crossing modulo 16, but 31 at the first crossing."""
    crossing = np.arange(count) % ORBIT
    return np.where(crossing == 0, 31, crossing % 16)


def short_headers(count: int) -> Integers:
    """4-bit headers (count,): the 5-bit ones without their second bit."""
    return (headers(count) >> 4 << 3) | (headers(count) & 7)


def pack_repeater(charges: Integers, drop: int = DROP_BITS) -> Integers:
    """Return the words (n, 26): a 5-bit header, all 48 charges (n, 48) as 4E3M codes, zeros."""
    frame = [_bits(headers(len(charges))[:, None], 5), _bits(encode(charges, drop=drop), CODE_BITS)]
    return _fill(_silent(len(charges), MAX_LINKS), np.arange(len(charges)), frame)


def pack_threshold_sum(cells: SentCells, links: int, sync: int) -> Integers:
    """Return the words (n, 2 links): header 5, kind 3, sum 8, cells; then idle words with the 11-bit `sync`.

    The chip's buffer spreads longer frames over later crossings; here each must fit, else `BadInputError`.
    """
    words, counts = _idle(len(cells.rest), links, sync), cells.sent.sum(axis=1)
    for count, rows in _by_value(counts):
        few = 0 < count < FEW_CELLS
        kind = KIND_FEW if few else KIND_MANY if count else KIND_NONE
        fields = ((headers(len(counts))[rows], 5), (np.full(len(rows), kind), 3), (cells.rest[rows], SUM_BITS))
        frame = [_bits(values[:, None], width) for values, width in fields]
        if few:
            frame.append(_bits(np.full((len(rows), 1), count), COUNT_BITS))
        _fill(words, rows, frame + _cell_bits(cells.sent[rows], cells.codes[rows], count))
    return words


def pack_best_choice(cells: SentCells, links: int) -> Integers:
    """Return the words (n, 2 links): header 4, sum 8, cells, zeros. Codes of 0 are left out and the others move up."""
    events = len(cells.rest)
    frame = [_bits(short_headers(events)[:, None], SHORT_HEADER_BITS), _bits(cells.rest[:, None], SUM_BITS)]
    frame += _cell_bits(cells.sent, cells.codes, best_choice_cells(links))
    return _fill(_silent(events, links), np.arange(events), frame)


def pack_super_cells(cells: SentSuperCells, links: int) -> Integers:
    """Return the words (n, 2 links): header 4, all 2-bit addresses, all 9-bit sums, zeros."""
    events = len(cells.codes)
    frame = [
        _bits(short_headers(events)[:, None], SHORT_HEADER_BITS),
        _bits(cells.address, SUPER_ADDRESS_BITS),
        _bits(cells.codes, SUPER_SUM_BITS),
    ]
    return _fill(_silent(events, links), np.arange(events), frame)


def unpack_repeater(words: Integers) -> Integers:
    """Return the 4E3M codes (n, 48) of repeater frames."""
    return _numbers(_bits(words, WORD_BITS)[:, 5 : 5 + CELLS * CODE_BITS], CODE_BITS)


def unpack_threshold_sum(words: Integers) -> SentCells:
    """Return what threshold-sum frames (n, words) hold, one whole frame a row; truncated frames are `BadInputError`."""
    bits = _bits(words, WORD_BITS)
    kind, few_count = _numbers(bits[:, 5:8], 3)[:, 0], _numbers(bits[:, 16 : 16 + COUNT_BITS], COUNT_BITS)[:, 0]
    if not np.isin(kind, (KIND_NONE, KIND_FEW, KIND_MANY)).all():
        raise BadInputError(f"frame kinds must be 0, 2 or 4, got {np.unique(kind)}: the chip's buffer cut some frames")
    counts = np.where(kind == KIND_MANY, bits[:, 16 : 16 + CELLS].sum(axis=1), np.where(kind == KIND_FEW, few_count, 0))
    start = np.where(kind == KIND_FEW, 16 + COUNT_BITS, 16)
    return _read_cells(bits, start, counts, _numbers(bits[:, 8:16], SUM_BITS)[:, 0])


def unpack_best_choice(words: Integers, links: int) -> SentCells:
    """Return what best-choice frames (n, 2 links) hold."""
    bits, start = _bits(words, WORD_BITS), SHORT_HEADER_BITS + SUM_BITS
    counts = np.full(len(words), best_choice_cells(links))
    rest = _numbers(bits[:, SHORT_HEADER_BITS:start], SUM_BITS)[:, 0]
    return _read_cells(bits, np.full(len(words), start), counts, rest)


def unpack_super_cells(words: Integers, links: int) -> SentSuperCells:
    """Return what super-trigger-cell frames (n, 2 links) hold."""
    bits, count = _bits(words, WORD_BITS), super_cells(links)
    sums = SHORT_HEADER_BITS + SUPER_ADDRESS_BITS * count
    address = _numbers(bits[:, SHORT_HEADER_BITS:sums], SUPER_ADDRESS_BITS)
    return SentSuperCells(address, _numbers(bits[:, sums : sums + SUPER_SUM_BITS * count], SUPER_SUM_BITS))


def to_links(words: Integers) -> Integers:
    """Return the 32-bit words (n, links) of 16-bit words (n, 2 links), the first one as the upper half."""
    return words[:, 0::2] << WORD_BITS | words[:, 1::2]


def from_links(links: Integers) -> Integers:
    """Return the 16-bit words (n, 2 links) of 32-bit words (n, links)."""
    return np.stack([links >> WORD_BITS, links & 0xFFFF], axis=2).reshape(len(links), -1)


def _cell_bits(sent: NDArray[np.bool_], codes: Integers, count: int) -> list[Bits]:
    """Addresses or bit map of `count` cells an event, then their codes in channel order, those above 0 first."""
    if not count:
        return []
    listed = np.nonzero(sent)[1].reshape(len(sent), count)
    where = _bits(listed, ADDRESS_BITS) if count < FEW_CELLS else sent.astype(np.int64)
    chosen = np.take_along_axis(codes, listed, axis=1)
    first = np.argsort(chosen == 0, axis=1, kind="stable")
    return [where, _bits(np.take_along_axis(chosen, first, axis=1), CODE_BITS)]


def _read_cells(bits: Bits, start: Integers, counts: Integers, rest: Integers) -> SentCells:
    """Read `counts` cells that stand from bit `start`; a code of 0 can only be told where none is left out."""
    sent, codes = np.zeros((len(bits), CELLS), dtype=np.bool_), np.zeros((len(bits), CELLS), dtype=np.int64)
    for count, rows in _by_value(counts):
        few, first = count < FEW_CELLS, int(start[rows[0]])
        end = first + (count * ADDRESS_BITS if few else CELLS)
        where = bits[rows, first:end]
        listed = _numbers(where, ADDRESS_BITS) if few else np.nonzero(where)[1].reshape(len(rows), count)
        sent[rows[:, None], listed] = True
        codes[rows[:, None], listed] = _numbers(bits[rows, end : end + count * CODE_BITS], CODE_BITS)
    return SentCells(sent, codes, rest)


def _by_value(values: Integers) -> Iterator[tuple[int, Integers]]:
    for value in np.unique(values):
        yield int(value), np.flatnonzero(values == value)


def _silent(events: int, links: int) -> Integers:
    return np.zeros((events, 2 * links), dtype=np.int64)


def _idle(events: int, links: int, sync: int) -> Integers:
    """Words of links with nothing to send: the header above the 11-bit `sync`."""
    return np.repeat((headers(events) << 11 | sync)[:, None], 2 * links, axis=1)


def _fill(words: Integers, rows: Integers, fields: list[Bits]) -> Integers:
    """Put the fields, padded with zeros to whole words, at the start of `rows` of `words`; return `words`."""
    frame = np.concatenate(fields, axis=1)
    padded = np.pad(frame, ((0, 0), (0, -frame.shape[1] % WORD_BITS)))
    filled = _numbers(padded, WORD_BITS)
    if filled.shape[1] > words.shape[1]:
        raise BadInputError(
            f"a frame of {filled.shape[1]} words does not fit {words.shape[1] * WORD_BITS // LINK_BITS} links"
        )
    words[rows, : filled.shape[1]] = filled
    return words


def _bits(values: Integers, width: int) -> Bits:
    """Bits (n, k * width) of numbers (n, k), most significant first."""
    shifts = np.arange(width - 1, -1, -1)
    return (values[:, :, None] >> shifts & 1).reshape(len(values), -1)


def _numbers(bits: Bits, width: int) -> Integers:
    """Numbers (n, k) of bits (n, k * width), most significant first."""
    return bits.reshape(len(bits), -1, width) @ (1 << np.arange(width - 1, -1, -1))
