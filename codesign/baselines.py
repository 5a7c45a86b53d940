"""The trigger chip's other ways to send 48 trigger cells: threshold sum, best choice, super trigger cell.

Each has an encoder (charges -> what is sent) and a decoder (what is sent -> charges); `link_frames` holds the formats.
Cells are counted in channel order, the order behind the chip's input multiplexer, which `reconstruct` sets. Source of
the definitions: the public emulator ECONT_Emulator and the public test vectors econt_test-vectors of the ECON-T.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.data.codes import decode, decode_sum, encode, encode_sum
from codesign.data.geometry import CELLS, SUPERCELLS
from codesign.data.shower import DROP_BITS
from codesign.errors import BadInputError

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]

LINK_BITS = 32
MAX_LINKS = 13
WORD_BITS = 16
CODE_BITS = 7
ADDRESS_BITS = 6
COUNT_BITS = 3
SUM_BITS = 8
SUPER_CELL = 4
SUPER_CELLS = CELLS // SUPER_CELL
FEW_CELLS = 8  # frames with fewer cells list their addresses, others carry one bit for each of the 48 cells
TILES: Integers = SUPERCELLS[:SUPER_CELLS]
"""The 2 x 2 tiles of the module (12, 4), the super trigger cells of `reconstruct`."""


@dataclass(frozen=True)
class SentCells:
    """Single cells: `sent` (n, 48), 4E3M `codes` (n, 48), 0 where not sent, `rest` (n,): 5E3M sum of the others."""

    sent: NDArray[np.bool_]
    codes: Integers
    rest: Integers


@dataclass(frozen=True)
class SentSuperCells:
    """Super trigger cells: `address` (n, k) of the largest of 4 cells and 5E4M `codes` (n, k) of the sums."""

    address: Integers
    codes: Integers


def best_choice_cells(links: int) -> int:
    """Cells that best choice sends: as many as fit behind a 4-bit header and the 8-bit sum."""
    room = LINK_BITS * links - 4 - SUM_BITS
    listed = min(room // (ADDRESS_BITS + CODE_BITS), FEW_CELLS - 1)
    return min(max(listed, (room - CELLS) // CODE_BITS), CELLS)


def super_cells(links: int) -> int:
    """Super trigger cells (2-bit address, 9-bit sum) that fit behind a 4-bit header."""
    return min((LINK_BITS * links - 4) // 11, SUPER_CELLS)


def threshold_sum_words(count: Integers) -> Integers:
    """16-bit words of a threshold-sum frame with `count` cells: 16 bits of header and sum, then the cells."""
    listed = np.where(count > 0, COUNT_BITS + count * (ADDRESS_BITS + CODE_BITS), 0)
    bits = 16 + np.where(count < FEW_CELLS, listed, CELLS + count * CODE_BITS)
    return -(-bits // WORD_BITS)


def encode_threshold_sum(charges: Integers, threshold: int, drop: int = DROP_BITS) -> SentCells:
    """Send each cell of at least `threshold`; the sum is that of the charges below."""
    sent = charges >= threshold
    rest = _encode_rest(np.where(sent, 0, charges))
    return SentCells(sent, np.where(sent, encode(charges, drop=drop), 0), rest)


def encode_best_choice(charges: Integers, links: int, drop: int = DROP_BITS) -> SentCells:
    """Send the largest cells, ties as in the chip; the sum is that of the others, without the dropped bits."""
    kept = charges >> drop
    first = sorting_network(kept)[:, : best_choice_cells(links)]
    sent = np.zeros(charges.shape, dtype=np.bool_)
    np.put_along_axis(sent, first, True, axis=1)
    return SentCells(sent, np.where(sent, encode(charges, drop=drop), 0), _encode_rest(np.where(sent, 0, kept)))


def encode_super_cells(charges: Integers, links: int) -> SentSuperCells:
    """Send the sums of the first groups of 4 successive cells and which cell is the largest, the last of equal ones."""
    groups = charges.reshape(-1, SUPER_CELLS, SUPER_CELL)[:, : super_cells(links)]
    address = SUPER_CELL - 1 - groups[:, :, ::-1].argmax(axis=2)
    return SentSuperCells(address.astype(np.int64), encode_sum(groups.sum(axis=2)))


def _encode_rest(charges: Integers) -> Integers:
    """8-bit code (5 exponent, 3 mantissa bits) of the sum of the cells that were not sent, (n, 48) -> (n,)."""
    return encode(charges.sum(axis=1), drop=0, exponent_bits=5, mantissa_bits=3)


def decode_cells(cells: SentCells, drop: int = DROP_BITS) -> Reals:
    """Charges (n, 48): half of the dropped part is added to each cell sent with a code above 0, the others are 0."""
    return decode(cells.codes, rounding="half-nonzero", drop=drop).astype(np.float64)


def decode_super_cells(cells: SentSuperCells) -> Reals:
    """Charges (n, 48): the sum of a super trigger cell stands at its largest cell; groups that were not sent are 0."""
    charges = np.zeros((len(cells.codes), SUPER_CELLS, SUPER_CELL))
    sums = decode_sum(cells.codes, rounding="half").astype(np.float64)
    np.put_along_axis(charges[:, : sums.shape[1]], cells.address[:, :, None], sums[:, :, None], axis=2)
    return charges.reshape(-1, CELLS)


def spread_rest(cells: SentCells, drop: int) -> Reals:
    """Charges (n, 48) of the cells that were not sent, each an equal part of their sum in units of 2^`drop`."""
    rest = decode(cells.rest, rounding="half", drop=drop, exponent_bits=5, mantissa_bits=3)
    empty = np.maximum((~cells.sent).sum(axis=1), 1)
    return np.where(cells.sent, 0.0, (np.where(cells.rest > 0, rest, 0) / empty)[:, None])


def sorting_network(values: Integers) -> Integers:
    """Return the positions (n, k) in descending order of `values` (n, k), k > 1, equal ones in the order of the chip.

    Merge exchange: Knuth, The Art of Computer Programming 3, section 5.2.2, algorithm M, due to Batcher.
    """
    order = np.tile(np.arange(values.shape[1]), (len(values), 1))
    for low, high in _stages(values.shape[1]):
        left, right = order[:, low], order[:, high]
        swap = np.take_along_axis(values, left, axis=1) < np.take_along_axis(values, right, axis=1)
        order[:, low], order[:, high] = np.where(swap, right, left), np.where(swap, left, right)
    return order


def _stages(count: int) -> list[tuple[Integers, Integers]]:
    """Compared positions of each stage of the network for `count` values; a position stands once in a stage."""
    top = 1 << ((count - 1).bit_length() - 1)
    stages = []
    for p in [top >> k for k in range(top.bit_length())]:
        distances = [(p, 0)] + [((top >> k) - p, p) for k in range((top // p).bit_length() - 1)]
        for distance, residue in distances:
            low = np.arange(count - distance)
            low = low[low & p == residue]
            stages.append((low, low + distance))
    return stages


def fitting_threshold(charges: Integers, links: int) -> int:
    """Return the lowest threshold at which the mean threshold-sum frame of `charges` (n, 48) fits `links` links.

    Longer frames wait in the chip's buffer for shorter ones; cells that an overflow of it would cut are not counted.
    """
    low, high = 0, int(charges.max()) + 1
    while low < high:
        middle = (low + high) // 2
        words = threshold_sum_words((charges >= middle).sum(axis=1)).mean()
        low, high = (low, middle) if words * WORD_BITS <= links * LINK_BITS else (middle + 1, high)
    return low


def _threshold_sum(charges: Integers, links: int, drop: int) -> SentCells:
    return encode_threshold_sum(charges, fitting_threshold(charges, links), drop)


def _sent_threshold_sum(charges: Integers, links: int, drop: int) -> Reals:
    return decode_cells(_threshold_sum(charges, links, drop), drop)


def _spread_threshold_sum(charges: Integers, links: int, drop: int) -> Reals:
    cells = _threshold_sum(charges, links, drop)
    return decode_cells(cells, drop) + spread_rest(cells, drop=0)


def _sent_best_choice(charges: Integers, links: int, drop: int) -> Reals:
    return decode_cells(encode_best_choice(charges, links, drop), drop)


def _spread_best_choice(charges: Integers, links: int, drop: int) -> Reals:
    cells = encode_best_choice(charges, links, drop)
    return decode_cells(cells, drop) + spread_rest(cells, drop)


def _super_cells_at_maximum(charges: Integers, links: int, _drop: int) -> Reals:
    channels = TILES.ravel()
    response = np.zeros(charges.shape)
    response[:, channels] = decode_super_cells(encode_super_cells(charges[:, channels], links))
    return response


def _super_cells_spread(charges: Integers, links: int, drop: int) -> Reals:
    response = _super_cells_at_maximum(charges, links, drop)
    response[:, TILES] = response[:, TILES].mean(axis=2, keepdims=True)
    return response


_RECONSTRUCT: dict[str, Callable[[Integers, int, int], Reals]] = {
    "threshold sum": _sent_threshold_sum,
    "threshold sum, rest spread": _spread_threshold_sum,
    "best choice": _sent_best_choice,
    "best choice, rest spread": _spread_best_choice,
    "super trigger cell": _super_cells_at_maximum,
    "super trigger cell, spread": _super_cells_spread,
}
ALGORITHMS = tuple(_RECONSTRUCT)
"""Names for `reconstruct`. The plain names are how the field decodes; the others use the sums to fill empty cells."""


def reconstruct(algorithm: str, charges: Integers, links: int, *, drop: int = DROP_BITS) -> Reals:
    """Return the charges (n, 48) that the back end sees of `charges` (n, 48) in CALQ order, sent on `links` links.

    `drop` low bits are not sent: 3 on high-density modules, 1 on low-density ones; sums of super cells have them all.
    Best choice and threshold sum see the cells in CALQ order, the super trigger cell sees `TILES`; the multiplexer
    can be set so. Raises `BadInputError` on an unknown algorithm, another shape, negative charges or links not 1..13.
    """
    if algorithm not in _RECONSTRUCT:
        raise BadInputError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    if not 1 <= links <= MAX_LINKS:
        raise BadInputError(f"the number of links must lie in 1..{MAX_LINKS}, got {links}")
    if charges.ndim != 2 or charges.shape[1] != CELLS or not len(charges):
        raise BadInputError(f"charges must be (events, {CELLS}) with at least one event, not {charges.shape}")
    if charges.dtype.kind not in "iu" or (charges < 0).any():
        raise BadInputError(f"charges must be integers of at least 0, got {charges.dtype}")
    return _RECONSTRUCT[algorithm](charges.astype(np.int64), links, drop)
