"""Floating-point codes of the trigger chip: a few exponent bits above a few mantissa bits, without a sign.

A code (e, m) of `mantissa_bits` M stands for m when e = 0 and for (2^M + m) 2^(e-1) otherwise; `drop` low bits of the
charge were cut off before encoding. Source: the 4E3M and 5E4M formats of the ECON-T and HGCROC trigger data.

Three ways to read a code are in use, and none is a default:
"truncate"      the lowest charge that has the code;
"half"          the same plus half of the last place that was cut off (code 0 becomes 4 with 3 dropped bits);
"half-nonzero"  as "half", but code 0 is 0: data in which cells under a threshold were never sent.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.options import ROUNDINGS, Rounding

IntArray = NDArray[np.int64]


def decode(
    codes: NDArray[Any], *, rounding: Rounding, drop: int, exponent_bits: int = 4, mantissa_bits: int = 3
) -> IntArray:
    """Linear charge of each code, any shape, exact.

    `BadInputError` on a code outside 0 .. 2^(exponent_bits + mantissa_bits) - 1 or an unknown `rounding`.
    """
    if rounding not in ROUNDINGS:
        raise BadInputError(f"rounding must be one of {', '.join(ROUNDINGS)}, got {rounding!r}")
    top = 1 << (exponent_bits + mantissa_bits)
    values = _integers(codes, "codes")
    if values.size and (values.min() < 0 or values.max() >= top):
        raise BadInputError(f"codes must lie in 0..{top - 1}, got {values.min()}..{values.max()}")
    exponent, mantissa = values >> mantissa_bits, values & ((1 << mantissa_bits) - 1)
    cut = drop + np.maximum(exponent - 1, 0)
    lowest = np.where(exponent > 0, mantissa + (1 << mantissa_bits), mantissa) << cut
    if rounding == "truncate":
        return np.asarray(lowest)
    added = (1 << cut) >> 1
    return np.asarray(lowest + (added if rounding == "half" else np.where(values > 0, added, 0)))


def encode(charges: NDArray[Any], *, drop: int, exponent_bits: int = 4, mantissa_bits: int = 3) -> IntArray:
    """Code of each linear charge, any shape; lower bits are truncated and charges above the range take the top code.

    `BadInputError` on a negative charge.
    """
    values = _integers(charges, "charges")
    if values.size and values.min() < 0:
        raise BadInputError(f"charges must not be negative, got {values.min()}")
    kept = values >> drop
    exponent = np.maximum(_bit_length(kept) - mantissa_bits, 0)
    mantissa = (kept >> np.maximum(exponent - 1, 0)) & ((1 << mantissa_bits) - 1)
    return np.asarray(np.minimum((exponent << mantissa_bits) | mantissa, (1 << (exponent_bits + mantissa_bits)) - 1))


def encode_sum(total: NDArray[Any]) -> IntArray:
    """9-bit code (5 exponent, 4 mantissa bits, nothing dropped) of module sums, as the chip's autoencoder sends it."""
    return encode(total, drop=0, exponent_bits=5, mantissa_bits=4)


def decode_sum(codes: NDArray[Any], *, rounding: Rounding) -> IntArray:
    """Module sum of each 9-bit code (5 exponent, 4 mantissa bits, nothing dropped)."""
    return decode(codes, rounding=rounding, drop=0, exponent_bits=5, mantissa_bits=4)


def _bit_length(values: IntArray) -> IntArray:
    """Bits needed for each value >= 0; exact, because frexp is exact below 2^53."""
    return np.asarray(np.frexp(values.astype(np.float64))[1], dtype=np.int64)


def _integers(values: NDArray[Any], what: str) -> IntArray:
    if values.dtype.kind not in "iu":
        raise BadInputError(f"{what} must be integers, got {values.dtype}")
    return values.astype(np.int64)
