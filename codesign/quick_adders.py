"""How many shared adders a constant matrix takes, and how wide they are, without solving for them.

A closed formula, fitted to solved matrices (`python -m codesign.flows.fit_adders`, which writes
`codesign/data/estimates/adders.json` with its errors): the logarithms of three ratios are linear in the logarithms of
the matrix' sizes. The ratios: adders to those of sums without sharing (signed digits of each row less one), columns to
adders, and columns with two operands to columns.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from codesign.files import read_json
from codesign.fixed import Integers
from codesign.unsigned_form import Fabric

RATIOS = ("adders", "columns", "overlap")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AdderCount:
    """Adders, all columns of them, and the columns with two operands."""

    adders: float
    columns: float
    overlap: float


def signed_digits(matrix: Integers) -> Integers:
    """Return the number of non-zero digits of every entry in canonical signed-digit form (Reitwiesner, 1960)."""
    size = np.abs(matrix.astype(np.int64))
    digits: Integers = np.bitwise_count(size ^ (3 * size)).astype(np.int64)
    return digits


def unshared_adders(matrix: Integers) -> int:
    """Return the adders of the sums of a matrix without any sharing."""
    return int(np.maximum(signed_digits(matrix).sum(axis=1) - 1, 0).sum())


def sizes(matrix: Integers, data_bits: float) -> Floats:
    """Return the terms of the formula for a matrix with at least one adder, on operands of `data_bits` bits."""
    digits = signed_digits(matrix)
    adders, rows, columns = (
        np.log(count)
        for count in (
            unshared_adders(matrix),
            np.count_nonzero(digits.any(axis=1)),
            np.count_nonzero(digits.any(axis=0)),
        )
    )
    density = np.log(digits.sum() / np.count_nonzero(digits))
    sum_bits = np.log2(np.abs(matrix).sum(axis=1).max() + 1)
    return np.array([
        1.0, adders, rows, columns, adders**2, rows**2, columns**2, adders * rows, columns * rows,
        density, data_bits, sum_bits,
    ])  # fmt: skip


def count_adders(matrix: Integers, data_bits: float, fabric: Fabric) -> AdderCount:
    """Return the estimated shared adders of `matrix` (outputs, inputs) on operands of `data_bits` live bits each."""
    unshared = unshared_adders(matrix)
    if unshared == 0:
        return AdderCount(0.0, 0.0, 0.0)
    terms = sizes(matrix, data_bits)
    shared, columns, overlap = (float(np.exp(terms @ constants)) for constants in _constants(fabric))
    adders = max(1.0, unshared * min(shared, 1.0))
    return AdderCount(adders, adders * max(columns, 1.0), adders * max(columns, 1.0) * min(overlap, 1.0))


@cache
def _constants(fabric: Fabric) -> tuple[Floats, ...]:
    with resources.as_file(resources.files("codesign.data") / "estimates" / "adders.json") as path:
        fitted = read_json(path)["constants"][fabric]
    return tuple(np.array(fitted[ratio]) for ratio in RATIOS)
