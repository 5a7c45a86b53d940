import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from codesign.data.geometry import from_image
from codesign.errors import BadInputError
from codesign.models.normalise import CHIP_FRACTION_BITS, normalise, power_of_two_below

CHARGES = hnp.arrays(np.int64, (3, 48), elements=st.integers(0, 1 << 22))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(CHARGES)
def test_rows_sum_to_between_one_and_two(calq):
    sums = normalise(calq).sum(axis=(1, 2, 3))
    filled = calq.sum(axis=1) > 0
    assert np.all((sums[filled] >= 1) & (sums[filled] < 2))
    assert np.all(sums[~filled] == 0)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(CHARGES)
def test_normalise_is_the_chip_arithmetic_in_integers(calq):
    expected = np.zeros_like(calq)
    for row, charges in enumerate(calq):
        shift = int(charges.sum()).bit_length() - 1
        expected[row] = 0 if shift < 0 else [(int(charge) << CHIP_FRACTION_BITS) >> shift for charge in charges]
    codes = from_image(normalise(calq, CHIP_FRACTION_BITS)) * 2**CHIP_FRACTION_BITS
    assert np.array_equal(codes, expected)


def test_power_of_two_below_is_exact_at_the_powers():
    totals = np.array([0, 1, 2, 3, 4, 1023, 1024, 1025, (1 << 40) - 1, 1 << 40])
    expected = [1, 1, 2, 2, 4, 512, 1024, 1024, 1 << 39, 1 << 40]
    assert power_of_two_below(totals).tolist() == expected


@pytest.mark.parametrize(
    "calq", [np.zeros((2, 47)), np.zeros(48), np.full((1, 48), np.nan), -np.ones((1, 48)), np.full((1, 48), np.inf)]
)
def test_bad_charges_are_refused_in_one_line(calq):
    with pytest.raises(BadInputError) as caught:
        normalise(calq)
    assert "\n" not in str(caught.value)
