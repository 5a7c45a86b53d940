"""Inputs that test a captured model: the corners of its input range, and random ones."""

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.fixed import Integers
from codesign.frontend.captured import Captured

Reals = NDArray[np.float64]


def corner_inputs(captured: Captured, levels: int = 4096) -> Reals:
    """Return real inputs (n, *shape) at the corners of the input range, in the order of the list below.

    Zero; all lowest, all highest; far outside; checkerboards and stripes of lowest and highest; one element lowest
    or highest; one element a single step off zero; every integer level on all elements; values exactly on the
    rounding ties between levels. At most `levels` integer levels, evenly chosen.
    """
    scale, zero, low, high = input_grid(captured, captured.input)
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
    return _random_reals(captured, captured.input, count, np.random.default_rng(seed))


def random_graphs(captured: Captured, count: int, seed: int) -> dict[str, NDArray[Any]]:
    """Return `count` random events by input: real inputs as `random_inputs` makes them, indices uniform over the rows.

    A random share of the indices of each event is the null index.
    """
    random = np.random.default_rng(seed)
    given: dict[str, NDArray[Any]] = {}
    null_share = random.choice([0.0, 0.1, 0.5, 1.0], size=(count, 1), p=[0.4, 0.3, 0.2, 0.1])
    for name, form in captured.forms.items():
        shape = captured.graph.types[name].shape
        if form.rows is None:
            given[name] = _random_reals(captured, name, count, random)
        else:
            index = random.integers(0, form.rows, (count, *shape))
            given[name] = np.where(random.random(index.shape) < null_share, form.rows, index)
    return given


def corner_graphs(captured: Captured) -> dict[str, NDArray[Any]]:
    """Return events by input: every pattern of the real inputs with every pattern of the indices.

    Reals: zero, all lowest, all highest, far outside, a checkerboard. Indices: all the first row, the last, the null
    row, rows in order, in reverse, in order and null in turn.
    """
    pairs = list(product(range(5), range(6)))
    given: dict[str, NDArray[Any]] = {}
    for name, form in captured.forms.items():
        shape = captured.graph.types[name].shape
        if form.rows is None:
            scale, zero, low, high = input_grid(captured, name)
            ends = [((end - zero) * scale).reshape(shape) for end in (low, high)]
            board = np.indices(shape).sum(axis=0) % 2 == 0
            reals = np.zeros(shape), *ends, 4 * ends[1] + 1, np.where(board, *ends)
            given[name] = np.stack([reals[kind] for kind, _ in pairs])
        else:
            indices = _index_patterns(shape[0], form.rows)
            given[name] = np.stack([indices[kind] for _, kind in pairs])
    return given


def _index_patterns(length: int, rows: int) -> list[Integers]:
    place = np.arange(length)
    in_order = place % rows
    same = [np.full(length, row) for row in (0, rows - 1, rows)]
    return [*same, in_order, in_order[::-1].copy(), np.where(place % 2, rows, in_order)]


def _random_reals(captured: Captured, name: str, count: int, random: np.random.Generator) -> Reals:
    scale, zero, low, high = input_grid(captured, name)
    shape = captured.graph.types[name].shape
    span = high - low
    steps = random.uniform(low - 0.05 * span, high + 0.05 * span, size=(count, prod(shape)))
    real = (steps - zero) * scale
    occupied = random.random(real.shape) < random.random((count, 1))
    amplitude = 2.0 ** -random.uniform(0, 8, size=(count, 1))
    kind = (np.arange(count) % 3)[:, None]
    real *= np.where(kind == 1, occupied, np.where(kind == 2, amplitude, 1.0))
    return np.asarray(real.reshape(count, *shape), dtype=np.float64)


def input_grid(captured: Captured, name: str) -> tuple[Reals, Reals, int, int]:
    """Return scale and zero point of every element of a real input, and the lowest and highest integer."""
    size = prod(captured.graph.types[name].shape)
    fixed, quantiser = captured.forms[name].fixed, captured.forms[name].quantiser
    if fixed is not None:
        return np.full(size, 2.0**-fixed.frac), np.zeros(size), fixed.low, fixed.high
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
