"""Area at another node: an estimate that no constraint takes for a measured number."""

from itertools import product

import pytest

from codesign.errors import BadInputError
from codesign.flows.scaling import AREA_FACTORS, NODES_NM, scaled_area
from codesign.report import Quantity, Resources

SYNTHESISED = Quantity(value=1000.0, unit="um2", kind="synthesised", source="a/stat.json", sha256="a" * 64)
AREA = Resources(name="cells45.lib", method="sum of cell areas", quantities={"cell area": SYNTHESISED})


def test_area_follows_the_published_factors_and_says_so():
    scaled = scaled_area(AREA, 45, 65)
    (value,) = scaled.quantities.values()
    assert value.value == pytest.approx(1000 * 1.5)
    assert (value.kind, value.unit, value.source) == ("estimated", "um2", SYNTHESISED.source)
    assert scaled.name == "estimate: scaled from 45 nm to 65 nm"
    assert "cell area of cells45.lib x 1.5 (area factor from 45 to 65 nm," in scaled.method
    assert "Stillmaker and Baas 2017" in scaled.method
    assert scaled_area(AREA, 45, 45).quantities["scaled area"].value == 1000.0


def test_a_scaled_area_is_not_a_cell_area():
    """So it can neither meet nor miss a constraint on area, which is judged by cell areas."""
    assert "cell area" not in scaled_area(AREA, 45, 7).quantities


def test_unknown_nodes_and_missing_areas_are_refused():
    with pytest.raises(BadInputError, match="no area factor for 44 nm: choose among 180, 130, 90"):
        scaled_area(AREA, 44, 65)
    with pytest.raises(BadInputError, match="--scale needs a cell area: give the library"):
        scaled_area(AREA.model_copy(update={"quantities": {}}), 45, 65)


def disagreeing(factors):
    """Pairs of nodes whose factor does not fit those over any third node within the rounding to two digits.

    A value of two significant digits is within 5 % of the exact one, three of them within 16 %.
    """
    return {
        (source, target)
        for source, over, target in product(NODES_NM, repeat=3)
        if abs(factors[source, over] * factors[over, target] / factors[source, target] - 1) > 0.16
    }


def test_the_factors_agree_with_each_other():
    assert len(AREA_FACTORS) == 121
    assert disagreeing(AREA_FACTORS) == set()
    assert [AREA_FACTORS[130, nm] for nm in (90, 65, 45, 7)] == [0.44, 0.23, 0.16, 0.0092]


@pytest.mark.parametrize(("pair", "wrong"), [((45, 65), 1.15), ((130, 90), 0.54), ((7, 10), 2.7)])
def test_a_slip_in_the_table_is_noticed(pair, wrong):
    assert pair in disagreeing({**AREA_FACTORS, pair: wrong})
