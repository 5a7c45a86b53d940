"""Inputs that test a captured model: the corners of its input range, and random ones."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from codesign.frontend.captured import Captured

Reals = NDArray[np.float64]


def corner_inputs(captured: Captured, levels: int = 4096) -> Reals:
    """Return real inputs (n, *shape) at the corners of the input range, in the order of the list below.

    Zero; all lowest, all highest; far outside; checkerboards and stripes of lowest and highest; one element lowest
    or highest; one element a single step off zero; every integer level on all elements; values exactly on the
    rounding ties between levels. At most `levels` integer levels, evenly chosen.
    """
    scale, zero, low, high = input_grid(captured)
    shape = captured.graph.types[captured.input].shape
    size = prod(shape)
    ends = [(low - zero) * scale, (high - zero) * scale]
    flat = [np.zeros((1, size)), np.stack(ends), np.stack([4 * ends[0] - 1, 4 * ends[1] + 1, -ends[1] - 1])]
    for pattern in _patterns(shape):
        flat += [np.where(pattern, ends[0], ends[1])[None], np.where(pattern, ends[1], ends[0])[None]]
    eye = np.eye(size)
    flat += [eye * ends[0], eye * ends[1], eye * scale, -eye * scale]
    chosen = np.unique(np.linspace(low, high, min(levels, high - low + 1)).round())
    flat += [(chosen[:, None] - zero) * scale, (chosen[:, None] + 0.5 - zero) * scale]
    return np.concatenate(flat).reshape(-1, *shape)


def random_inputs(captured: Captured, count: int, seed: int) -> Reals:
    """Return `count` random real inputs (count, *shape): a third uniform over the range and a little beyond, a third
    sparse (as detector images are), a third of small amplitude."""
    scale, zero, low, high = input_grid(captured)
    shape = captured.graph.types[captured.input].shape
    random = np.random.default_rng(seed)
    span = high - low
    steps = random.uniform(low - 0.05 * span, high + 0.05 * span, size=(count, prod(shape)))
    real = (steps - zero) * scale
    occupied = random.random(real.shape) < random.random((count, 1))
    amplitude = 2.0 ** -random.uniform(0, 8, size=(count, 1))
    kind = (np.arange(count) % 3)[:, None]
    real *= np.where(kind == 1, occupied, np.where(kind == 2, amplitude, 1.0))
    return np.asarray(real.reshape(count, *shape), dtype=np.float64)


def input_grid(captured: Captured) -> tuple[Reals, Reals, int, int]:
    """Return scale and zero point of every input element, and the lowest and highest integer."""
    size = prod(captured.graph.types[captured.input].shape)
    if captured.input_type is not None:
        fixed = captured.input_type
        return np.full(size, 2.0**-fixed.frac), np.zeros(size), fixed.low, fixed.high
    quantiser = captured.input_quantiser
    assert quantiser is not None
    times = size // len(quantiser.scale)
    scale, zero = (
        np.repeat([float(one) for one in numbers], times) for numbers in (quantiser.scale, quantiser.zero_point)
    )
    return scale, zero, quantiser.low, quantiser.high


def _patterns(shape: tuple[int, ...]) -> list[NDArray[np.bool_]]:
    """Return checkerboard, stripes along every axis, and alternating elements, each flat."""
    index = np.indices(shape)
    parities = [index.sum(axis=0) % 2, *(axis % 2 for axis in index), np.arange(prod(shape)).reshape(shape) % 2]
    return [parity.ravel().astype(bool) for parity in parities]
