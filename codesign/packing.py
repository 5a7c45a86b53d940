"""Values as wires: pack integers of several ports into one little-endian word per event, and back."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesign.fixed import Fixed, Integers

Words = NDArray[np.uint8]  # (events, bytes), least significant byte first


def pack(values: Sequence[Integers], formats: Sequence[Fixed]) -> Words:
    """Pack one array (events, ...) per port, element 0 of port 0 in the lowest bits of each event's word."""
    columns = [_bits(array.reshape(len(array), -1), fixed.width) for array, fixed in zip(values, formats, strict=True)]
    return np.packbits(np.concatenate(columns, axis=1), axis=1, bitorder="little")


def unpack(words: Words, shapes: Sequence[tuple[int, ...]], formats: Sequence[Fixed]) -> tuple[Integers, ...]:
    """Return one array (events, *shape) per port from words of `pack`."""
    bits = np.unpackbits(words, axis=1, bitorder="little")
    arrays, low = [], 0
    for shape, fixed in zip(shapes, formats, strict=True):
        size = int(np.prod(shape))
        lanes = bits[:, low : low + size * fixed.width].reshape(len(words), size, fixed.width)
        arrays.append(_integers(lanes, fixed).reshape(len(words), *shape))
        low += size * fixed.width
    return tuple(arrays)


def _bits(flat: Integers, width: int) -> NDArray[np.uint8]:
    lanes = (flat[:, :, None] >> np.arange(width)) & 1
    return lanes.astype(np.uint8).reshape(len(flat), -1)


def _integers(lanes: NDArray[np.uint8], fixed: Fixed) -> Integers:
    weights = np.left_shift(np.int64(1), np.arange(fixed.width, dtype=np.int64))
    if fixed.signed:
        weights[-1] = -weights[-1]
    return lanes.astype(np.int64) @ weights
