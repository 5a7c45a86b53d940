"""The power estimate against OpenSTA on the same netlist and the same toggles."""

import random
import shutil
import subprocess

import pytest

from codesign.flows.gate_simulation import simulate
from codesign.flows.liberty import read_liberty
from codesign.flows.liberty_text import read_text
from codesign.flows.netlist import load_netlist
from codesign.flows.power import estimate_power
from codesign.flows.yosys import synthesise_asic
from tests.flows.conftest import LIBRARIES
from tests.flows.liberty_zoo import HEAD, flip_flop, gates, library
from tests.flows.opensta_power import opensta_power_mw, port_switching_mw

pytestmark = pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA is not installed: apt install opensta")
CLOCK_NS = 25.0
# OpenSTA takes the supply from operating conditions only.
CONDITIONS = """nom_process : 1; nom_temperature : 25; operating_conditions (typical) { process : 1; temperature : 25;
  voltage : 1.0; } default_operating_conditions : typical; """
THRESHOLDS = "".join(
    [f"{side}_threshold_pct_{edge} : 50; " for side in ("input", "output") for edge in ("rise", "fall")]
    + [f"slew_lower_threshold_pct_{edge} : 20; slew_upper_threshold_pct_{edge} : 80; " for edge in ("rise", "fall")]
)
ENERGY = """internal_power () { related_pin : "{pin}"; rise_power (scalar) { values ("0.003"); }
      fall_power (scalar) { values ("0.001"); } }"""
# Energies that depend on nothing, so that both methods have to give the same.
CELLS = gates(each_input=ENERGY).replace("area : 2;", "area : 2; cell_leakage_power : 7;") + flip_flop()
POWERED = library(CELLS, THRESHOLDS + CONDITIONS + HEAD)


def stated_twice():
    """OpenSTA 2.0 says twice the internal power of constant energies: rise and fall are charged to every transition."""
    version = subprocess.run(["sta", "-version"], capture_output=True, text=True, check=False).stdout
    return 2.0 if version.startswith("2.0") else 1.0


def powers(make_rtl, cache, folder, library_path, model, other_model=None):
    """Own estimate and OpenSTA's, as internal, switching and leakage power; optionally of other toggles."""
    netlist = load_netlist(synthesise_asic(make_rtl(), library_path, cache, CLOCK_NS).netlist_json, "mac")
    cells, rng = read_liberty(library_path), random.Random(11)
    data = [rng.getrandbits(12) for _ in range(1000)]
    stimulus = {"in_valid": [1] * len(data), "in_data": data}
    activity, other = (
        simulate(netlist, cells, stimulus, setup={"rst": [1, 1]}, delay_model=one, warm_up_cycles=4)
        for one in (model, other_model or model)
    )
    own = estimate_power(netlist, cells, activity, clock_ns=CLOCK_NS).whole
    from_ports = port_switching_mw(netlist, cells, activity, CLOCK_NS)
    text = read_text(library_path)
    sta = opensta_power_mw(folder, netlist, text, cells, other, clock_ns=CLOCK_NS)
    return (own.internal_mw, own.switching_mw - from_ports, own.leakage_mw), (sta[0] / stated_twice(), *sta[1:])


@pytest.fixture
def powered(tmp_path):
    path = tmp_path / "powered.lib"
    path.write_text(POWERED)
    return path


@pytest.mark.parametrize("model", ["zero", "unit"])
def test_where_energies_are_constants_both_methods_agree(make_rtl, build_cache, tmp_path, powered, model):
    own, sta = powers(make_rtl, build_cache, tmp_path, powered, model)
    assert min(own) > 0
    # What is left is the rounding of OpenSTA's single precision and of our powers to 1 pW.
    assert own[1:] == pytest.approx(sta[1:], rel=1e-4)
    # OpenSTA weighs the energies of a gate's inputs by the probability that the other input lets a change through,
    # which for all changes of an output does not add up to 1.
    assert own[0] == pytest.approx(sta[0], rel=0.1)


def test_other_toggles_are_noticed(make_rtl, build_cache, tmp_path, powered):
    """Negative control: toggles with glitches do not pass for those without."""
    own, sta = powers(make_rtl, build_cache, tmp_path, powered, "zero", "unit")
    assert own[0] < 0.9 * sta[0] and own[1] < 0.9 * sta[1]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["zero", "unit"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_foundry_library_differs_in_internal_power_alone(make_rtl, build_cache, tmp_path, liberty_dir, model, name):
    """OpenSTA takes the slew that it works out at every pin, the estimate one slew of 0.1 ns for all."""
    own, sta = powers(make_rtl, build_cache, tmp_path, liberty_dir / f"{name}.lib.gz", model)
    assert own[1:] == pytest.approx(sta[1:], rel=2e-4)
    assert own[0] == pytest.approx(sta[0], rel=0.1)
