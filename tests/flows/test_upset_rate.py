"""`codesign upset-rate` on the folder of a run: the file it leaves, the table, what the user must give."""

import json
from pathlib import Path

import pytest

from codesign.accumulated import small_rate
from codesign.cli import execute
from codesign.errors import BadInputError
from codesign.files import write_json
from codesign.flows.upset_rate import parse_nodes
from codesign.upset_rate import Campaign

MANIFEST = {"tmr": "registers", "clock_ns": 25.0, "register_bits": 1000, "latency_cycles": 4, "ii_cycles": 1}
OUTCOMES = {"masked": 400, "corrected_flagged": 600, "corrected_unflagged": 0, "wrong_output": 0, "never_healed": 0}
CAMPAIGN = {"targets": 3000, "injections": 1000, "exhaustive": False, "outcomes": OUTCOMES}
GIVEN = ("--cross-section-cm2", "1e-14", "--flux-per-cm2-s", "1e7")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    write_json(tmp_path / "03-compile" / "rtl" / "manifest.json", MANIFEST)
    voter = CAMPAIGN | {"targets": 7, "outcomes": OUTCOMES | {"masked": 0, "wrong_output": 400}}
    write_json(tmp_path / "inject" / "seu.json", {"campaigns": {"registers": CAMPAIGN}, "transients": {"voter": voter}})
    return tmp_path


def rate(folder: Path, *more: str) -> dict:
    assert execute(["upset-rate", str(folder), *GIVEN, *more]) == 0
    return json.loads((folder / "upset-rate" / "upset_rate.json").read_text())


def test_the_table_and_the_file_say_the_same(run_folder: Path, capsys: pytest.CaptureFixture[str]):
    result = rate(run_folder)["result"]
    out = capsys.readouterr().out
    assert f"{result['high']:.4g}" in out and "365.25" not in out
    assert "3.15576e+07 live seconds" in out and "0 failures of 1000 injections, sampled" in out
    assert "clock and reset" in out and "confidence" in out
    accumulated = next(part for part in result["contributions"] if part["name"] == "accumulated, registers")
    assert accumulated["expected"] == pytest.approx(1000 * small_rate(1e-7, 25e-9) / 25e-9 * 365.25 * 86400)


def test_healing_live_time_and_gating_count(run_folder: Path):
    once = rate(run_folder)["result"]["contributions"][0]["expected"]
    assert rate(run_folder, "--healing-cycles", "40")["result"]["contributions"][0]["expected"] == pytest.approx(
        40 * once
    )
    assert rate(run_folder, "--live-seconds", "3155760")["result"]["contributions"][0]["expected"] == pytest.approx(
        once / 10
    )
    gated = rate(run_folder, "--gated-cycles", "1001", "--gated-fraction", "0.5")["result"]["contributions"][0]
    assert gated["expected"] == pytest.approx(501 * once)


def test_memories_heal_within_the_latency_unless_told_otherwise(run_folder: Path):
    write_json(run_folder / "03-compile" / "rtl" / "manifest.json", MANIFEST | {"memory_bits": 1000})
    own = {part["name"]: part["expected"] for part in rate(run_folder)["result"]["contributions"]}
    assert own["accumulated, memories"] == pytest.approx(4 * own["accumulated, registers"])
    told = rate(run_folder, "--memory-healing-cycles", "8")["result"]["contributions"]
    assert told[1]["expected"] == pytest.approx(8 * own["accumulated, registers"])


def test_a_design_without_triplication_has_no_triples(run_folder: Path):
    write_json(run_folder / "03-compile" / "rtl" / "manifest.json", MANIFEST | {"tmr": "none"})
    assert [part["name"] for part in rate(run_folder)["result"]["contributions"]] == ["single, registers"]


@pytest.mark.parametrize("left_out", [0, 2])
def test_cross_section_and_flux_have_no_default(run_folder: Path, left_out: int, capsys: pytest.CaptureFixture[str]):
    given = [*GIVEN[:left_out], *GIVEN[left_out + 2 :]]
    assert execute(["upset-rate", str(run_folder), *given]) == 2
    assert GIVEN[left_out] in capsys.readouterr().err


def test_a_run_without_a_campaign_is_refused(run_folder: Path, capsys: pytest.CaptureFixture[str]):
    (run_folder / "inject" / "seu.json").write_text("{}")
    assert execute(["upset-rate", str(run_folder), *GIVEN]) == 2
    assert "codesign inject" in capsys.readouterr().err
    (run_folder / "inject" / "seu.json").unlink()
    assert execute(["upset-rate", str(run_folder), *GIVEN]) == 2


def test_transients_take_their_probability_from_the_campaign(run_folder: Path):
    parts = {p["name"]: p for p in rate(run_folder, "--transients", "voter=1e-12*50")["result"]["contributions"]}
    year_s = 365.25 * 86400
    assert parts["transients, voter"]["expected"] == pytest.approx(0.4 * 50 * 1e-12 * 1e7 * year_s)
    assert "transients, voter" not in {p["name"] for p in rate(run_folder)["result"]["contributions"]}


def test_transients_are_read_and_wrong_ones_refused():
    voters = Campaign("voter", 7, 10, 1, 0, exhaustive=True)
    clock, voter = parse_nodes(["clock=2e-10*40", "voter=1e-12"], [voters])
    assert (clock.count, clock.cross_section_cm2, voter.count) == (40, 2e-10, 7)
    for wrong in ("clock", "clock=2e-10*", "=1*2", "clock=x*2", "clock=1e-10*0"):
        with pytest.raises(BadInputError, match=r"NAME=CM2\*COUNT|at least one node"):
            parse_nodes([wrong], [])
    with pytest.raises(BadInputError, match="known from the campaign are voter"):
        parse_nodes(["clock=2e-10"], [voters])
    with pytest.raises(BadInputError, match="more than once"):
        parse_nodes(["clock=1e-10*1", "clock=2e-10*1"], [])
