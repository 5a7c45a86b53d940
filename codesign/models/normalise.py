"""Normalisation of a module image: charges divided by the power of two just below their sum."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.data.geometry import CELLS, to_image
from codesign.errors import BadInputError

FloatArray = NDArray[np.float64]

# The normaliser of the ECON-T chip keeps 7 fraction bits of the normalised charge (8-bit unsigned pixels).
CHIP_FRACTION_BITS = 7


def _checked(calq: NDArray[Any]) -> NDArray[Any]:
    if calq.ndim != 2 or calq.shape[1] != CELLS:
        raise BadInputError(f"charges must have the shape (rows, {CELLS}), got {calq.shape}")
    if not np.all(np.isfinite(calq)) or np.any(calq < 0):
        raise BadInputError("charges must be finite and not negative; remove the rows that are not")
    return calq


def power_of_two_below(total: NDArray[Any]) -> FloatArray:
    """Return 2^floor(log2(total)) for each total > 0 and 1 for a total of 0, same shape."""
    exponent = np.frexp(np.asarray(total, dtype=np.float64))[1] - 1
    return np.where(total > 0, np.ldexp(1.0, exponent), 1.0)


def normalise(calq: NDArray[Any], fraction_bits: int | None = None) -> FloatArray:
    """Return the encoder input (rows, 1, 8, 8) of charges `calq` (rows, 48) in CALQ order.

    Every charge is divided by 2^floor(log2(sum of its row)), so that a row sums to a value in [1, 2); a row of zeros
    stays zero. With `fraction_bits` the quotient is cut (floor) to that many fraction bits; the chip cuts to
    `CHIP_FRACTION_BITS`. Raises `BadInputError` for a wrong shape, a negative charge or NaN.
    Source of the formula: Di Guglielmo et al., IEEE TNS 68 (2021) 2179, and the public ECON-T emulator.
    """
    charges = _checked(np.asarray(calq)).astype(np.float64)
    x = charges / power_of_two_below(charges.sum(axis=1))[:, None]
    if fraction_bits is not None:
        x = np.floor(np.ldexp(x, fraction_bits)) * 2.0**-fraction_bits
    return to_image(x)
