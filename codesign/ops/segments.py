"""Rows named by an index: what take and the segment operators share.

An index is an unsigned integer: 0 .. rows - 1 names a row, and everything from `rows` on is no row: it reads zeros and
writes nothing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.graph import TensorType

Array = NDArray[Any]


def check_index(kind: str, index: TensorType) -> None:
    """Raise `BadInputError` unless `index` is (M,) unsigned."""
    if len(index.shape) != 1 or index.fixed.signed or index.fixed.frac:
        raise BadInputError(f"{kind} needs an index (M,) of unsigned integers, not {index.shape} x {index.fixed}")


def check_segments(kind: str, segments: int) -> None:
    """Raise `BadInputError` unless there is a segment."""
    if segments < 1:
        raise BadInputError(f"{kind} needs 1 segment or more, not {segments}")


def check_values(kind: str, values: TensorType, index: TensorType) -> None:
    """Raise `BadInputError` unless there is one index for each row of `values`."""
    check_index(kind, index)
    if values.shape[:1] != index.shape:
        raise BadInputError(f"{kind} needs one index for each row, not {index.shape} for values {values.shape}")


def row_elements(value: TensorType) -> int:
    """Return the number of elements of a row."""
    return value.size // value.shape[0]


def flat_places(values: Array, index: Array, segments: int) -> tuple[Array, Array]:
    """Return values (events, M, *rest) and index (events, M), either of them for one event, as flat arrays.

    The second names the place of every value in an array (events, segments + 1, *rest): the last segment takes what
    belongs to none.
    """
    events, size = max(len(values), len(index)), int(np.prod(values.shape[2:], dtype=np.int64))
    codes = np.minimum(np.broadcast_to(index, (events, index.shape[1])).astype(np.int64), segments)
    rows = np.arange(events)[:, None] * (segments + 1) + codes
    places = rows[..., None] * size + np.arange(size)
    return np.broadcast_to(values, (events, *values.shape[1:])).ravel(), places.ravel()


def members(index: TensorType, segments: int) -> tuple[Integers, Integers]:
    """Return two arrays (segments, M) of 0 and 1: which rows can belong to a segment, and which always do."""
    numbers = np.arange(segments)[:, None]
    low, high = index.bounds.low[None], index.bounds.high[None]
    can = (low <= numbers) & (numbers <= high)
    return can.astype(np.int64), (can & (low == high)).astype(np.int64)
