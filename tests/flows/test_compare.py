"""`codesign compare` on the folders of runs."""

import json

import pytest

from codesign.cli import execute
from tests.flows.run_zoo import run_zoo


@pytest.fixture
def runs(tmp_path):
    """Two runs, the second of which has three times the area."""
    for name, vectors in (("one", 1), ("two", 3)):
        run_zoo(tmp_path, tag=name, vectors=vectors)
    return [str(tmp_path / name) for name in ("one", "two")]


def test_differences_are_a_table_and_no_failure(runs, capsys):
    assert execute(["compare", *runs]) == 0
    out = capsys.readouterr().out
    assert "design__instance__area" in out and "worse" in out and "REGRESSION" not in out
    assert execute(["compare", runs[0], runs[0], "--threshold", "*=0"]) == 0
    assert "no difference" in capsys.readouterr().out


def test_a_regression_above_the_threshold_fails(runs, capsys):
    assert execute(["compare", *runs, "--threshold", "design__*=5"]) == 1
    assert "REGRESSION" in capsys.readouterr().out
    assert execute(["compare", *reversed(runs), "--threshold", "design__*=5"]) == 0
    assert execute(["compare", *runs, "--threshold", "design__*=1000"]) == 0
    assert execute(["compare", runs[0], runs[0], runs[1], "--threshold", "design__*=5"]) == 1


def test_the_comparison_as_json(runs, capsys):
    assert execute(["compare", *runs, "--threshold", "design__instance__area=3", "--json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)["differences"][runs[1]]
    areas = {one["name"]: (one["first"], one["other"], one["percent"], one["regression"]) for one in found}
    assert areas["design__instance__area"] == (102, 106, pytest.approx(100 * 4 / 102), True)
    assert err == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a complete JSON file"),
        ("[1]", "holds no metrics"),
        ('{"a": {"value": 1}}', "holds no metrics"),
        ('{"a": {"value": "1", "unit": "", "step": "", "file": "", "sha256": null}}', "a is '1', which is no number"),
    ],
)
def test_damaged_metrics_are_refused(runs, content, message, tmp_path, capsys):
    (tmp_path / "two" / "metrics.json").write_text(content)
    assert execute(["compare", *runs]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and out == ""


def test_a_folder_that_is_no_run_and_a_single_one_are_refused(runs, tmp_path, capsys):
    assert execute(["compare", runs[0], str(tmp_path)]) == 2
    assert "holds no metrics.json: codesign run writes one" in capsys.readouterr().err
    assert execute(["compare", runs[0]]) == 2
    assert "two runs or more" in capsys.readouterr().err
