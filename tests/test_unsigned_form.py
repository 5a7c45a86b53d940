"""Unsigned codes: what the wires hold decodes to the exact value, and an adder costs the bits that overlap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.adder_solver import solve
from codesign.adders import Adder, AdderGraph, Term
from codesign.ranges import Interval
from codesign.unsigned_form import Cells, Code, cells, cost, encode, input_codes, term_code


def wires(graph, encoding, values, carry_in):
    """Codes of every value, by what the Verilog does: add operands, complemented within their own bits."""
    columns = [
        (values[:, k] - code.offset) * code.sign for k, code in zip(range(graph.inputs), encoding.codes, strict=False)
    ]
    for adder, flips in zip(graph.adders, encoding.complemented, strict=True):
        total = 0
        for term, flip in zip(adder.terms, flips, strict=True):
            ones = (1 << encoding.codes[term.value].width) - 1
            total = total + (((columns[term.value] ^ ones) + carry_in if flip else columns[term.value]) << term.shift)
        columns.append(total)
    return np.stack(columns, axis=-1)


@settings(derandomize=True, deadline=None, max_examples=60, database=None)
@given(st.data())
def test_codes_decode_to_the_values_and_fit_their_bits(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    low = rng.integers(-40, 20, 4)
    bounds = Interval(low, low + rng.integers(1, 60, 4))
    matrix = rng.integers(-9, 10, (3, 4))
    graph = solve(matrix, bounds)
    fabric = data.draw(st.sampled_from(["cells", "lut"]))
    start = data.draw(st.none() | st.just([5, -100, 77]))
    encoding = encode(graph, bounds, input_codes(bounds), fabric, start=start)
    grid = np.concatenate([rng.integers(bounds.low, bounds.high + 1, (200, 4)), [bounds.low, bounds.high]])
    codes, exact = wires(graph, encoding, grid, fabric == "lut"), graph.evaluate(grid)
    for k, code in enumerate(encoding.codes):
        assert codes[:, k].min() >= 0
        assert codes[:, k].max() <= code.high < 1 << code.width
        assert np.array_equal(code.sign * codes[:, k] + code.offset, exact[:, k])
    for row, term in zip(matrix, graph.outputs, strict=True):
        if term is not None:
            sign, offset = term_code(term, encoding.codes)
            assert np.array_equal(sign * (codes[:, term.value] << term.shift) + offset, grid @ row)


@pytest.mark.parametrize("fabric", ["cells", "lut"])
def test_an_adder_never_complements_both_operands(fabric):
    # Codes 4..5 in three bits: the sum of both complements would be a bit narrower, but takes two complements.
    graph = AdderGraph(2, (Adder(Term(0), Term(1)),), (Term(2),))
    bounds = Interval(np.array([4, 4]), np.array([5, 5]))
    encoding = encode(graph, bounds, input_codes(bounds), fabric)
    assert encoding.complemented == ((False, False),)
    assert encoding.codes[2] == Code(1, 0, 10)


@pytest.mark.parametrize(
    ("adder", "widths", "flips", "expected"),
    [
        (Adder(Term(0), Term(1)), (4, 4), (False, False), Cells(4, 0, 0)),
        (Adder(Term(0), Term(1, 3)), (8, 8), (False, False), Cells(5, 3, 0)),
        (Adder(Term(0), Term(1, 3)), (8, 8), (False, True), Cells(5, 3, 3)),
        (Adder(Term(0), Term(1, 3)), (8, 8), (True, False), Cells(5, 3, 3)),
        (Adder(Term(0), Term(1, 4)), (4, 4), (False, True), Cells(0, 0, 4)),
    ],
)
def test_an_adder_costs_the_bits_that_overlap(adder, widths, flips, expected):
    assert cells(adder, [Code(1, 0, (1 << width) - 1) for width in widths], flips) == expected


@pytest.mark.parametrize("fabric", ["lut", "cells"])
def test_a_subtraction_costs_no_more_than_a_sum(fabric):
    bounds = Interval(np.zeros(2, np.int64), np.full(2, 15))
    plus, minus = (AdderGraph(2, (Adder(Term(0), Term(1, 0, sign)),), (Term(2),)) for sign in (False, True))
    assert cost(plus, bounds, fabric) == cost(minus, bounds, fabric) == (4 if fabric == "lut" else 4 * 67)
