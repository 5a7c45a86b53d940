"""`codesign damage` on the ECON-T encoder with few events: what it writes, that it goes on, that it bites."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from codesign.cli import execute
from codesign.flows import damage as flow
from codesign.flows.damage import damage_design, prepare
from codesign.options import RunOptions


@pytest.fixture
def few_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = flow.weight_bits
    monkeypatch.setattr(flow, "weight_bits", lambda graph: tuple(b for b in whole(graph) if b.element < 3))


@pytest.fixture
def result(few_bits: None, tmp_path: Path) -> dict:
    damage_design(RunOptions("econt", tmp_path, vectors=8))
    return json.loads((tmp_path / "econt" / "damage" / "damage.json").read_text())


def test_bits_are_ranked_by_the_change_of_the_distance(result: dict, tmp_path: Path):
    changes = [row["mean_change"] for row in result["ranked"]]
    assert changes == sorted(changes, reverse=True) and len(changes) == result["bits"] == 3 * (6 + 14 + 6 + 14)
    assert result["metric"] == {"name": "EMD of shapes", "unit": "half pitches", "has_decoder": True}
    assert result["events"] == 8 and 0.3 < result["without_flip"]["mean"] < 0.8
    assert result["all_sign_bits"]["mean_change"] > max(0.5, changes[0])
    assert (tmp_path / "econt" / "damage" / "damage.png").stat().st_size > 1000
    silent = [row for row in result["ranked"] if row["events_changed"] == 0]
    assert silent and all(row["mean_change"] == row["quantile_90_change"] == row["error"] == 0 for row in silent)


def test_high_bits_do_more_damage_than_low_ones(result: dict):
    def mean(bit: int) -> float:
        rows = [r for r in result["ranked"] if r["parameter"].endswith("weight") and r["bit"] == bit]
        return float(np.mean([row["mean_change"] for row in rows]))

    assert mean(5) > 5 * abs(mean(0))


def test_blocks_that_are_done_are_not_computed_again(few_bits: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    options = RunOptions("econt", tmp_path, vectors=8)
    text = damage_design(options).text
    monkeypatch.setattr(flow.Work, "measure", lambda self, start: pytest.fail("computed again"))
    assert damage_design(options).text == text
    with pytest.raises(pytest.fail.Exception, match="computed again"):
        damage_design(RunOptions("econt", tmp_path, vectors=7))


def test_a_design_without_a_decoder_gives_the_change_of_its_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = flow.weight_bits
    monkeypatch.setattr(flow, "weight_bits", lambda graph: tuple(b for b in whole(graph) if b.element == 1))
    text = damage_design(RunOptions("econt_chip", tmp_path, vectors=5, case="random_1")).text
    content = json.loads((tmp_path / "econt_chip" / "damage" / "damage.json").read_text())
    assert "no decoder belongs to this design" in text and "random_1" in text
    assert content["metric"]["unit"] == "LSB" and not content["metric"]["has_decoder"]
    assert content["without_flip"]["mean"] == 0.0 and content["all_sign_bits"]["mean_change"] > 1.0


def test_all_weights_are_flipped(tmp_path: Path):
    work = prepare(RunOptions("econt", tmp_path, vectors=2))
    assert len(work.bits) == 72 * 6 + 8 * 14 + 2048 * 6 + 16 * 14


def test_an_unknown_case_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert execute(["damage", "econt_chip", "--case", "none", "--vectors", "2", "--output", str(tmp_path)]) == 2
    assert "random_0, random_1" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path: Path):
    options = RunOptions("econt", tmp_path, vectors=2 * flow.BLOCK_EVENTS)
    work = prepare(options)
    damage_design(options)
    folder = tmp_path / "econt" / flow.FOLDER / flow.BLOCKS / work.key()[:16]
    kept = flow._read(folder / f"events_{flow.BLOCK_EVENTS:06d}.npz")
    here = dataclasses.replace(work, bits=work.bits[::40]).measure(flow.BLOCK_EVENTS)
    assert np.array_equal(kept.changed[::40], here.changed)
    assert np.allclose(kept.flipped[::40], here.flipped, rtol=0, atol=1e-5)  # the decoder's float32, in other batches
