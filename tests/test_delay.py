import json
from importlib import resources

import pytest

from codesign.delay import NAMES, read_technology, technology
from codesign.errors import BadInputError


@pytest.fixture(params=NAMES)
def tech(request):
    return technology(request.param)


def test_every_technology_file_has_a_name_and_every_name_a_file(tech):
    assert technology(tech.name) is tech
    folder = resources.files("codesign.data") / "technology"
    assert {file.name for file in folder.iterdir()} == {f"{name}.json" for name in NAMES} | {"xcup_primitives.json"}


def test_delays_rise_with_size(tech):
    for formula in (tech.adder_ns, tech.compare_ns, tech.mux_ns, tech.gate_ns):
        delays = [formula(size) for size in range(1, 33)]
        assert delays == sorted(delays)
        assert delays[-1] > 0
    assert tech.multiplier_ns(8, 8) > tech.multiplier_ns(8, 4) > tech.adder_ns(4)
    assert tech.register_ns > tech.launch_ns > 0


def test_areas_rise_with_size(tech):
    assert tech.adder_area(8) == tech.adder_area(8, 8) < tech.adder_area(8, 12) < tech.adder_area(12)
    assert tech.register_area(10, 3) > 3 * tech.register_area(10)
    assert tech.mux_area(4, 8) == 7 * tech.mux_area(4) > 0
    assert tech.multiplier_area(8, 8) > tech.adder_area(8) > 0
    assert tech.rom_area(16, 8) > 0
    assert tech.compare_area(8) > 0
    assert tech.constant_area(8) >= 0
    assert (tech.area_unit == "LUT") == (tech.nand2_area == 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.adder_ns(0), "overlap_bits must be 1 or more, not 0"),
        (lambda t: t.mux_ns(0), "inputs must be 1 or more, not 0"),
        (lambda t: t.register_area(4, 2), "a register has 1 or 3 copies, not 2"),
    ],
)
def test_impossible_sizes_are_named(call, message):
    with pytest.raises(BadInputError, match=message):
        call(technology("xcup"))


def test_an_unknown_technology_lists_the_known_ones():
    with pytest.raises(BadInputError, match="no technology 'asap7': choose one of nangate45, osu018, sky130hd, xcup"):
        technology("asap7")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(area_unit="mm2"), "area_unit must be LUT or um2"),
        (lambda c: c["area"].pop("mux"), "area must hold exactly full_adder, half_adder"),
        (lambda c: c["delay_ns"].update(adder=-0.1), "delay_ns.adder must be a number from 0 on, not -0.1"),
        (lambda c: c["delay_ns"].update(setup="fast"), "delay_ns.setup must be a number from 0 on, not 'fast'"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, change, message):
    folder = resources.files("codesign.data") / "technology"
    content = json.loads((folder / "xcup.json").read_text())
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content))
    assert read_technology(path) == technology("xcup")
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BadInputError, match=message):
        read_technology(path)
