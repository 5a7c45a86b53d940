"""Registers over APB against the emitted RTL: transfers, errors, and a fault that is found."""

import json
from pathlib import Path

import pytest

from codesign.errors import VerificationError
from codesign.files import replace_directory, write_json, write_text
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.run import run_bench
from codesign.sim.verilator import build
from tests.sim.test_i2c import GRAPH


def run(folder: Path, cache: Path, replaced: tuple[str, str, str] | None = None) -> None:
    rtl_dir = write_rtl(emit(GRAPH, schedule(GRAPH), tmr="registers", clock_ns=25.0, bus="apb"), folder / "rtl")
    if replaced:
        file, old, new = replaced
        text = (rtl_dir / file).read_text()
        assert old in text
        write_text(rtl_dir / file, text.replace(old, new))
    manifest = json.loads((rtl_dir / "manifest.json").read_text())
    replace_directory(folder / "run", lambda fresh: write_json(fresh / "manifest.json", manifest))
    run_bench(build(rtl_dir, manifest["sources"], "weights", cache), "weights", "apb_bench", folder / "run")


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator's Python finds the bench."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def test_registers_over_apb(tmp_path, build_cache):
    run(tmp_path, build_cache)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pwrite ? write_ok : read_ok", "read_ok"),
        ("access & ~(pwrite", "1'b0 & ~(pwrite"),
        ("access  = psel & penable", "access  = psel | (psel & penable)"),
        ("access  = psel & penable", "access  = penable | (psel & penable)"),
    ],
)
def test_a_fault_is_found(old, new, tmp_path, build_cache):
    with pytest.raises(VerificationError, match="testbench failed"):
        run(tmp_path, build_cache, ("apb_slave.v", old, new))
