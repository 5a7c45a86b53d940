"""A real run, killed with SIGKILL again and again at drawn moments, ends in the manifest of one that never was."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codesign.files import read_json, sha256_of

KILLS = 5
PROGRAM = """
import pathlib, runpy, sys
from codesign.flows import run
from codesign.options import RunOptions
test = runpy.run_path(sys.argv[1])
run.load_design = lambda _: test["design"](test["small"]())
run.run_design(RunOptions("tiny", pathlib.Path(sys.argv[2]), quiet=True))
"""


def start(folder: Path) -> subprocess.Popen:
    command = (sys.executable, "-c", PROGRAM, str(Path(__file__).with_name("test_run.py")), str(folder))
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def prepared(folder: Path, build_cache: Path) -> Path:
    (folder / "tiny" / "cache").mkdir(parents=True)
    (folder / "tiny" / "cache" / "simulator").symlink_to(build_cache)
    return folder


@pytest.mark.slow
def test_a_run_killed_at_drawn_moments_ends_in_the_same_manifest(tmp_path, build_cache):
    drawn, whole = random.Random(11), prepared(tmp_path / "whole", build_cache)
    assert start(whole).wait() == 0
    # The first run may have built the simulator, which the later ones find in the cache: a second one is timed.
    again = prepared(tmp_path / "again", build_cache)
    began = time.monotonic()
    assert start(again).wait() == 0
    seconds = time.monotonic() - began
    killed, codes = prepared(tmp_path / "killed", build_cache), []
    for _ in range(KILLS):
        process = start(killed)
        try:
            codes.append(process.wait(drawn.uniform(0.2, 0.6) * seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            codes.append(process.wait())
    assert codes.count(-9) >= 2 and set(codes) <= {0, -9}
    assert start(killed).wait() == 0
    for name in ("manifest.json", "metrics.json", "metrics.csv", "report.json", "report.txt"):
        assert (killed / "tiny" / name).read_bytes() == (whole / "tiny" / name).read_bytes()
    metrics = read_json(killed / "tiny" / "metrics.json")
    assert {one["sha256"] for one in metrics.values()} == {
        sha256_of(killed / "tiny" / one["file"]) for one in metrics.values()
    }
