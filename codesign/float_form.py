"""Operators in floating point, where ranges prove that every number on the way is an exact integer.

A float of p mantissa bits holds every integer up to 2**p, and every such integer times a power of two; so sums and
products whose magnitude stays below that are exact in any order, with fused multiply-adds or without.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.graph import TensorType
from codesign.ranges import Interval

Floats = NDArray[Any]  # float32 or float64
# Matrix products of up to this many multiplications run on the caller's thread in OpenBLAS; larger ones start
# threads of their own, which would fight with those that work on other events.
ONE_THREAD_PRODUCTS = 1 << 18


class FloatForm(ABC):
    """What an operator adds to `Op` to be emulated in floating point."""

    @abstractmethod
    def largest(self, *operands: TensorType) -> float:
        """Return a bound of the magnitude of every number that `evaluate_floats` forms, operands included."""

    @abstractmethod
    def evaluate_floats(self, *operands: Floats) -> Floats:
        """Return what `evaluate` does, for operands of one float type that holds every integer up to `largest`."""


def magnitude(bounds: Interval) -> NDArray[np.float64]:
    """Return the largest magnitude of every element."""
    return np.maximum(-bounds.low, bounds.high).astype(np.float64)


def largest_operand(operands: Sequence[TensorType]) -> float:
    """Return the largest magnitude of any operand."""
    return max(float(magnitude(operand.bounds).max()) for operand in operands)


def largest_sum(windows: Interval, weights: Interval, bias: Interval) -> float:
    """Return a bound of every product and partial sum, floored products too: (..., inputs) x (outputs, inputs)."""
    sums = magnitude(windows) @ magnitude(weights).T + magnitude(bias)
    floored = windows.low.shape[-1]  # flooring takes less than 1 off a product
    ends = [float(magnitude(one).max(initial=0)) for one in (windows, weights, bias)]
    return float(max(sums.max() + floored, *ends))


def float_sums(windows: Floats, weights: Floats, bias: Floats, truncate: int) -> Floats:
    """Return sum_i floor(w[o,i] * x[...,i] / 2**truncate) + bias[o]: (..., inputs) -> (..., outputs)."""
    rows = windows.reshape(-1, windows.shape[-1])
    if truncate:
        scaled = np.ldexp(weights, -min(truncate, 64))  # beyond, every product is floored to 0 or -1 all the same
        sums = np.stack([np.floor(rows * row).sum(axis=-1) for row in scaled], axis=-1)
    else:
        sums = _product(rows, np.ascontiguousarray(weights.T))
    sums += bias
    return sums.reshape(*windows.shape[:-1], len(weights))


def _product(rows: Floats, matrix: Floats) -> Floats:
    """Return rows @ matrix, in blocks of rows that BLAS works on without threads of its own."""
    block = 1 << max(0, (ONE_THREAD_PRODUCTS // matrix.size).bit_length() - 1)
    if block < 16 or len(rows) % block:  # a large matrix may well use every core
        return rows @ matrix
    return (rows.reshape(-1, block, len(matrix)) @ matrix).reshape(len(rows), matrix.shape[1])
