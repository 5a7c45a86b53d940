"""Modes of triplication: what is legal, which node has which, and the choice of the most sensitive bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.options import SELECTIVE, TMR_MODES
from codesign.protection import Protection, RankedBit, select


def test_an_unknown_mode_is_refused_with_the_legal_ones():
    with pytest.raises(BadInputError, match=r"tmr must be one of none, registers, .*, not 'triple'"):
        Protection("triple")
    with pytest.raises(BadInputError, match=r"node 'fc': tmr must be one of .*full, not 'full_clocks'"):
        Protection("registers", {"fc": "full_clocks"})


@pytest.mark.parametrize("mode", TMR_MODES)
def test_every_mode_says_what_remains_a_single_point(mode):
    points = " ".join(Protection(mode).remaining_points())
    assert ("clock" in points) == (mode != "full_clocks")
    assert ("logic between registers" in points) == (mode not in ("full", "full_clocks"))
    assert ("every register and memory bit" in points) == (mode == "none")


def test_a_node_may_differ_from_the_design():
    mixed = Protection("registers", {"a.b": "full", "c": "none"})
    assert (mixed.parameter("a.b"), mixed.parameter("c"), mixed.parameter("d"), mixed.parameter(None)) == (
        "1", "0", "TMR", "TMR",
    )  # fmt: skip
    assert mixed.has_lanes and not mixed.has_clocks
    assert mixed.in_lanes("a_b_r1_live_next") and mixed.in_lanes("a_b_y")
    assert not mixed.in_lanes("a_b_c_y") and not mixed.in_lanes("c_y") and not mixed.in_lanes("valid_1")
    assert not Protection("full", {"c": "registers"}).in_lanes("c_r2")
    assert (mixed.protects("c"), mixed.protects(None)) == (False, True)
    assert any(text.startswith("node c (tmr none): every register and") for text in mixed.remaining_points())


RANKING = (
    RankedBit("u_a_r1", 0, 0.5),
    RankedBit("u_a_r1", 1, 0.9),
    RankedBit("u_b.u_done", 0, 1.0),
    RankedBit("u_b.u_sum", 0, 0.0),
    RankedBit("u_c_r1", 3, 0.5),
)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (1, {"u_a_r1": {1}}),
        (2, {"u_a_r1": {0, 1}}),
        (3, {"u_a_r1": {0, 1}, "u_c_r1": {3}}),
        (4, {"u_a_r1": {0, 1}, "u_b": {-1}}),  # a module as a whole, by the mean of its bits
        (99, {"u_a_r1": {0, 1}, "u_b": {-1}, "u_c_r1": {3}}),
    ],
)
def test_the_most_sensitive_bits_come_first_within_the_budget(budget, expected):
    assert select(RANKING, budget) == {name: frozenset(bits) for name, bits in expected.items()}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.floats(0, 1)), min_size=1), st.integers(1, 30))
def test_the_budget_holds_and_nothing_better_is_left_out(rows, budget):
    bits = {(name, bit): RankedBit(f"u_{name}", bit, value) for name, bit, value in rows}
    chosen = select(bits.values(), budget)
    taken = {(name, bit) for name, bit in bits if bit in chosen.get(f"u_{name}", ())}
    assert len(taken) == min(budget, len(bits))
    left = [one.sensitivity for key, one in bits.items() if key not in taken]
    assert max(left, default=0.0) <= min(bits[key].sensitivity for key in taken)


def test_a_selection_needs_a_budget_and_a_ranking():
    with pytest.raises(BadInputError, match="must be 1 or more, not 0"):
        select(RANKING, 0)
    with pytest.raises(BadInputError, match="names no register bit"):
        select((), 4)
    assert Protection(SELECTIVE).remaining_points()[0] == "every register bit that the ranking leaves out"
