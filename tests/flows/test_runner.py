"""Runs of a flow: what is kept and what runs again, kills at any moment, the steps that options choose."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from codesign.errors import BadInputError, VerificationError
from codesign.flows.run_folder import Step
from codesign.report import Sections
from tests.flows import run_zoo as zoo
from tests.flows.run_zoo import FLOW, NUMBER, content, run_zoo

FILES = ("manifest.json", "metrics.json", "metrics.csv")


def ran(folder: Path) -> list[str]:
    """Steps whose log was written by the last run; the logs are emptied."""
    logs = sorted((folder / "zoo").glob("*/log.txt"))
    found = [log.parent.name for log in logs if " runs: " in log.read_text()]
    for log in logs:
        log.write_text("")
    return found


def manifest(folder: Path) -> dict:
    return json.loads((folder / "zoo" / "manifest.json").read_text())


def test_every_step_leaves_its_records_and_the_run_its_manifest(tmp_path):
    run_zoo(tmp_path, vectors=3)
    step = manifest(tmp_path)["steps"]["02-second"]
    assert step["command"]["step"] == "second" and step["command"]["options"] == {"clock_ns": None}
    assert step["inputs"][f"01-first/{NUMBER}"] == manifest(tmp_path)["steps"]["01-first"]["outputs"][NUMBER]
    assert step["metrics"]["design__instance__area"]["value"] == 6
    assert "the number is 6" in (tmp_path / "zoo" / "02-second" / "log.txt").read_text()
    assert json.loads((tmp_path / "zoo" / "02-second" / "runtime.json").read_text())["wall_s"] >= 0
    assert str(tmp_path) not in (tmp_path / "zoo" / "manifest.json").read_text()


def test_what_is_right_is_kept_and_what_an_option_changes_runs_again(tmp_path):
    run_zoo(tmp_path)
    assert ran(tmp_path) == ["01-first", "02-second", "04-last"]
    run_zoo(tmp_path)
    assert ran(tmp_path) == []
    run_zoo(tmp_path, clock_ns=5.0)
    assert ran(tmp_path) == ["02-second", "04-last"]
    run_zoo(tmp_path, clock_ns=5.0, constraints=("ii <= 25 ns",))
    assert ran(tmp_path) == ["04-last"]


def test_the_run_of_another_design_is_replaced_only_when_asked_for(tmp_path):
    flow = (replace(FLOW[0], options=("design", *FLOW[0].options)), *FLOW[1:])
    run_zoo(tmp_path, flow, tag="zoo")
    kept = content(tmp_path / "zoo")
    with pytest.raises(BadInputError, match=r"holds a run of design 'zoo': give another --tag, or --overwrite"):
        run_zoo(tmp_path, flow, design="other", tag="zoo")
    assert content(tmp_path / "zoo") == kept
    (tmp_path / "zoo" / "01-first" / "command.json").write_text("{")
    run_zoo(tmp_path, flow, tag="zoo")
    assert content(tmp_path / "zoo") == kept
    run_zoo(tmp_path, flow, design="other", tag="zoo", overwrite=True)
    assert manifest(tmp_path)["steps"]["01-first"]["command"]["options"]["design"] == "other"


def test_the_log_says_why_a_step_ran(tmp_path):
    run_zoo(tmp_path)
    run_zoo(tmp_path, clock_ns=5.0)
    assert "options clock_ns changed" in (tmp_path / "zoo" / "02-second" / "log.txt").read_text()
    assert "input 02-second/" in (tmp_path / "zoo" / "04-last" / "log.txt").read_text()


def test_a_file_of_the_user_counts_by_its_content_wherever_it_lies(tmp_path):
    one, other = tmp_path / "model.npz", tmp_path / "elsewhere" / "model.npz"
    other.parent.mkdir()
    one.write_text("weights")
    other.write_text("weights")
    run_zoo(tmp_path, model=one)
    ran(tmp_path)
    run_zoo(tmp_path, model=other)
    assert ran(tmp_path) == []
    other.write_text("other weights")
    run_zoo(tmp_path, model=other)
    assert "01-first" in ran(tmp_path)


@pytest.mark.parametrize(
    ("file", "again"),
    [
        (f"02-second/{NUMBER}", ["02-second"]),
        ("02-second/metrics.json", ["02-second"]),
        ("02-second/outputs.json", ["02-second"]),
        ("02-second/inputs.json", ["02-second"]),
        ("02-second/command.json", ["02-second"]),
        ("04-last/sections.json", ["04-last"]),
        ("02-second/log.txt", []),
    ],
)
@pytest.mark.parametrize("damage", ["change", "truncate", "remove"])
def test_a_damaged_result_is_noticed_and_its_step_runs_again(tmp_path, file, again, damage):
    run_zoo(tmp_path)
    before = content(tmp_path)
    ran(tmp_path)
    path = tmp_path / "zoo" / file
    if damage == "remove":
        path.unlink()
    else:
        path.write_text("" if damage == "truncate" else path.read_text().replace("2", "3") + " ")
    run_zoo(tmp_path)
    assert ran(tmp_path) == again
    assert content(tmp_path) == before


def test_a_file_that_does_not_belong_to_a_step_is_noticed(tmp_path):
    run_zoo(tmp_path)
    ran(tmp_path)
    (tmp_path / "zoo" / "01-first" / "more.json").write_text("{}")
    run_zoo(tmp_path)
    assert ran(tmp_path) == ["01-first"]
    assert not (tmp_path / "zoo" / "01-first" / "more.json").exists()


def test_damaged_files_of_the_run_are_written_again(tmp_path):
    run_zoo(tmp_path)
    before = content(tmp_path)
    for name in FILES:
        (tmp_path / "zoo" / name).write_text("nonsense")
    run_zoo(tmp_path)
    assert content(tmp_path) == before


def test_a_failed_step_leaves_no_manifest_and_its_files_for_a_look(tmp_path):
    def fail(work):
        (work.folder / "seen.txt").write_text("half")
        raise VerificationError("the numbers differ")

    run_zoo(tmp_path)
    broken = tuple(Step("second", ("first",), (), fail) if step.name == "second" else step for step in FLOW)
    with pytest.raises(VerificationError, match="the numbers differ"):
        run_zoo(tmp_path, broken)
    folder = tmp_path / "zoo"
    assert not any((folder / name).exists() for name in (*FILES, "02-second", "04-last"))
    assert (folder / "01-first").exists()
    assert (folder / "02-second.unfinished" / "seen.txt").read_text() == "half"
    assert "failed: the numbers differ" in (folder / "02-second.unfinished" / "log.txt").read_text()
    run_zoo(tmp_path)
    assert not (folder / "02-second.unfinished").exists()


def test_runs_in_two_folders_and_at_two_times_have_the_same_manifest(tmp_path):
    run_zoo(tmp_path / "one")
    run_zoo(tmp_path / "other")
    assert content(tmp_path / "one") == content(tmp_path / "other")


def test_a_run_killed_at_any_file_operation_goes_on_to_the_same_manifest(tmp_path):
    """Kills at drawn operations, some of them several times in the same run before it may end."""
    run_zoo(tmp_path / "whole")
    expected, drawn, kills = content(tmp_path / "whole"), random.Random(7), 0
    command = (sys.executable, zoo.__file__)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        for number in range(16):
            folder = tmp_path / f"killed{number}"
            for _ in range(drawn.randrange(1, 4)):
                print(drawn.randrange(1, 260), folder, file=server.stdin, flush=True)
                code = int(server.stdout.readline())
                assert code in (0, -9)
                kills += code == -9
            run_zoo(folder)
            assert content(folder) == expected, number
        server.stdin.close()
    assert kills > 12


def test_steps_are_chosen_and_those_before_must_be_there(tmp_path):
    with pytest.raises(
        BadInputError, match=r"step 'second' needs step 'first' of .*, but it was not run yet: begin with"
    ):
        run_zoo(tmp_path, first_step="second")
    run_zoo(tmp_path, last_step="first")
    assert ran(tmp_path) == ["01-first"]
    run_zoo(tmp_path, only_step="second")
    assert ran(tmp_path) == ["02-second"]
    run_zoo(tmp_path, first_step="second", overwrite=True)
    assert ran(tmp_path) == ["02-second", "04-last"]
    with pytest.raises(
        BadInputError, match=r"needs step 'first' .* but options vectors changed: begin with --from first"
    ):
        run_zoo(tmp_path, only_step="second", vectors=5)
    (tmp_path / "zoo" / "01-first" / NUMBER).write_text("{}")
    with pytest.raises(BadInputError, match=rf"needs step 'first' .* but output {NUMBER} changed"):
        run_zoo(tmp_path, only_step="second")


def test_a_step_that_was_run_with_other_options_takes_what_hung_on_it_along(tmp_path):
    run_zoo(tmp_path)
    run_zoo(tmp_path, vectors=9, last_step="first")
    assert sorted(manifest(tmp_path)["steps"]) == ["01-first"]
    assert not (tmp_path / "zoo" / "04-last").exists()


def test_steps_that_the_options_leave_out_go_when_all_are_run(tmp_path):
    liberty = tmp_path / "cells.lib"
    liberty.write_text("library")
    run_zoo(tmp_path, liberty=liberty)
    assert "03-third" in manifest(tmp_path)["steps"]
    run_zoo(tmp_path, last_step="second")
    assert "03-third" in manifest(tmp_path)["steps"]
    run_zoo(tmp_path)
    assert "03-third" not in manifest(tmp_path)["steps"]


def test_overwriting_all_steps_removes_the_cache(tmp_path):
    run_zoo(tmp_path)
    (tmp_path / "zoo" / "cache" / "old.json").write_text("{}")
    run_zoo(tmp_path, only_step="last", overwrite=True)
    assert (tmp_path / "zoo" / "cache" / "old.json").exists()
    run_zoo(tmp_path, overwrite=True)
    assert not (tmp_path / "zoo" / "cache" / "old.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_step": "nothing"}, "--from 'nothing': no such step; choose one of first, second, third, last"),
        ({"last_step": "third"}, "--to third: this step needs --liberty"),
        ({"only_step": "last", "first_step": "first"}, "give it alone"),
        ({"first_step": "last", "last_step": "first"}, "--from last comes after --to first"),
    ],
)
def test_a_choice_of_steps_that_cannot_be_is_refused(tmp_path, options, message):
    with pytest.raises(BadInputError, match=message):
        run_zoo(tmp_path, **options)


def test_work_begun_ahead_is_waited_for_and_not_begun_for_what_is_kept(tmp_path):
    events = []

    class Ahead:
        def __enter__(self):
            events.append("begin")
            return lambda: events.append("wait")

        def __exit__(self, *error):
            events.append("end")

    def last(work):
        events.append("last")
        return Sections()

    flow = (*FLOW[:2], Step("last", ("first",), (), last, ahead=lambda work: Ahead()))
    run_zoo(tmp_path, flow)
    assert events == ["begin", "wait", "last", "end"]
    events.clear()
    run_zoo(tmp_path, flow)
    assert events == []
