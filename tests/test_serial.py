"""Phases of serial engines, and digits of their start values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.fixed import Fixed
from codesign.serial import DigitPhases, Serial, table_data_bits


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.integers(1, 16), st.integers(1, 70), st.integers(1, 12), st.integers(1, 200))
def test_phases_fit_into_the_reuse_factor(positions, rows, data_bits, rest):
    phases = DigitPhases.of(positions * rest, positions, rows, data_bits)
    assert phases.count + phases.idle == positions * rest
    assert phases.idle >= 0
    assert phases.positions == positions
    assert phases.digits * phases.digit_bits >= data_bits > (phases.digits - 1) * phases.digit_bits
    lanes = -(-rows // phases.rows)
    assert lanes * (phases.rows - 1) < rows  # no group is empty


def test_positions_are_divided_first():
    assert DigitPhases.of(4, 16, 8, 7) == DigitPhases(4, 1, 1, 7)
    assert DigitPhases.of(16, 16, 8, 7) == DigitPhases(16, 1, 1, 7)
    assert DigitPhases.of(32, 16, 8, 7) == DigitPhases(16, 2, 1, 4)


def test_the_jet_tagger_in_32_phases():
    assert DigitPhases.of(32, 1, 64, 8) == DigitPhases(1, 8, 4, 1)
    assert DigitPhases.of(32, 1, 32, 6) == DigitPhases(1, 6, 4, 1, idle=8)


@pytest.mark.parametrize(("rows", "bits"), [(1, 5), (2, 4), (4, 3), (8, 2), (16, 1)])
def test_tables_fill_a_lookup_table(rows, bits):
    assert table_data_bits(rows) == bits


@settings(derandomize=True, deadline=None, max_examples=200, database=None)
@given(st.integers(0, 1 << 32), st.integers(1, 9), st.booleans(), st.integers(2, 40))
def test_digits_add_up(seed, width, signed, reuse):
    """The accumulator, digit by digit as the engine runs it, gives the matrix product; its bounds hold."""
    rng = np.random.default_rng(seed)
    data, matrix = Fixed(width, 0, signed), rng.integers(-31, 32, (5, 4))
    start = rng.integers(-(1 << 12), 1 << 12, 5)
    phases = DigitPhases.of(reuse, 1, 5, width)
    how = Serial(matrix, start, np.arange(4)[None], 0, 0, data, phases)
    x = rng.integers(data.low, data.high + 1, 4)
    size, running, low = phases.digit_bits, np.zeros(5, np.int64), np.zeros(5, np.int64)
    for n in range(phases.digits):
        digit = ((x + how.moved_by) >> (size * n)) & ((1 << size) - 1)
        sums = matrix @ digit + how.sum_starts
        assert np.all((how.sum_ends[0] <= sums) & (sums <= how.sum_ends[1]))
        running = (running >> size) + sums + (phases.digits > 1) + how.starts[1] * (n == 0)
        assert np.all(how.running_ends[0] <= running)
        assert np.all(running <= how.running_ends[1])
        low += (running & ((1 << size) - 1)) << (size * n)
    assert np.array_equal((running >> size << (size * phases.digits)) + low, matrix @ x + start)
