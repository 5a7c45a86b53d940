"""Random flips, one by one, in the flip-flops of the real tmr_register under Verilator, against the formulas."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from codesign.accumulated import Period, ever_wrong, failures_per_s, vote_wrong
from codesign.files import replace_directory, write_text
from codesign.flows.process import Command, run_tool
from codesign.sim.verilator import MAKE_VARIABLES, verilate

TEMPLATES = Path(__file__).resolve().parents[2] / "rtl_templates"
WIDTH, TOLERANCE, WANTED = 64, 0.10, 4000
# Before a clock edge come all flips of its period, in order. Voting and feedback are the register's own.
HARNESS = r"""
#include "Vtop.h"
#include "Vtop___024root.h"
#include <cstdint>
#include <cstdio>

static Vtop top;
static uint64_t stored, was_wrong, at_end, ever, periods, unhealed;

static void edge() {
    const uint64_t before = top.q;
    at_end += __builtin_popcountll(before ^ stored);
    top.clk = 1; top.eval();
    top.clk = 0; top.eval();
    unhealed += top.err || top.q != before;
    stored = top.q; was_wrong = 0; ++periods;
}

int main(int, char** argv) {
    FILE* flips = fopen(argv[1], "rb");
    top.clk = 0; top.en = 1; top.rst = 0; top.d = 0x5a5a0ff0123489abULL; top.eval();
    edge();
    top.en = 0; top.d = 0; top.eval();
    stored = top.q; at_end = periods = unhealed = 0;
    uint32_t flip[3];  // period, copy, bit
    while (fread(flip, sizeof flip, 1, flips) == 1) {
        while (periods < flip[0]) edge();
        if (flip[1] > 2) break;  // the end
        uint64_t* copies[3] = {&top.rootp->tmr_register__DOT__triplicated__DOT__qA,
                               &top.rootp->tmr_register__DOT__triplicated__DOT__qB,
                               &top.rootp->tmr_register__DOT__triplicated__DOT__qC};
        *copies[flip[1]] ^= 1ULL << flip[2];
        top.eval();
        const uint64_t newly = (top.q ^ stored) & ~was_wrong;
        was_wrong |= newly;
        ever += __builtin_popcountll(newly);
    }
    printf("%llu %llu %llu %llu\n", (unsigned long long)periods, (unsigned long long)at_end,
           (unsigned long long)ever, (unsigned long long)unhealed);
}
"""


@pytest.fixture(scope="module")
def register_program(build_cache: Path) -> Path:
    """The register with a harness that flips what a file says; built once per content."""
    sources = [TEMPLATES / name for name in ("tmr_register.v", "tmr_register_full.v", "majority_voter.v")]
    text = HARNESS + "".join(source.read_text() for source in sources) + " ".join(MAKE_VARIABLES)
    target = build_cache.resolve() / f"upset-register-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def make(folder: Path) -> None:
        harness = write_text(folder / "main.cpp", HARNESS)
        parameters = [f"-GWIDTH={WIDTH}", "-GTMR=1"]
        names = ["--top-module", "tmr_register", "--prefix", "Vtop", "-o", "register"]
        arguments = ["-cc", "--exe", "-Mdir", str(folder), *names, *parameters, "--public-flat-rw", "-Wno-fatal"]
        verilate([*arguments, str(harness), *map(str, sources)], folder, folder / "verilator.log")
        command = ["make", "-s", "-C", str(folder), "-f", "Vtop.mk", *MAKE_VARIABLES]
        run_tool(Command("make", command, {}), folder, folder / "make.log", 600)

    if not target.exists():
        replace_directory(target, make)
    return target / "register"


def simulated(program: Path, upsets: np.ndarray, folder: Path, seed: int) -> tuple[int, int]:
    """Flip at `upsets` expected flips per copy in each period; bits with a wrong majority at the end, at any time."""
    rng = np.random.default_rng(seed)
    period = np.repeat(np.arange(len(upsets)), rng.poisson(3 * WIDTH * upsets))
    places = rng.integers(0, 3 * WIDTH, len(period))
    flips = np.stack([period, places // WIDTH, places % WIDTH], axis=1)
    np.concatenate([flips, [[len(upsets), 3, 0]]]).astype("<u4").tofile(folder / "flips.bin")
    run_tool(Command("register", [str(program), str(folder / "flips.bin")], {}), folder, folder / "counts.txt", 600)
    periods, at_end, ever, unhealed = map(int, (folder / "counts.txt").read_text().split())
    assert (periods, unhealed) == (len(upsets), 0)  # every edge leaves three equal copies: the majority
    return at_end, ever


@pytest.mark.parametrize("upsets", [0.003, 0.02, 0.15])
def test_the_register_fails_as_often_as_the_formulas_say(register_program: Path, tmp_path: Path, upsets: float):
    periods = int(WANTED / WIDTH / vote_wrong(upsets, 1.0))
    at_end, ever = simulated(register_program, np.full(periods, upsets), tmp_path, seed=8)
    assert at_end > 0.8 * WANTED
    assert at_end / (periods * WIDTH) == pytest.approx(float(vote_wrong(upsets, 1.0)), rel=TOLERANCE)
    assert ever / (periods * WIDTH) == pytest.approx(float(ever_wrong(upsets, 1.0)), rel=TOLERANCE)
    assert at_end / (periods * WIDTH) != pytest.approx(float(vote_wrong(upsets, 1.25)), rel=TOLERANCE)


def test_a_gated_clock_lets_upsets_accumulate(register_program: Path, tmp_path: Path):
    upsets = np.tile([0.01] * 8 + [0.08], 2400)  # half of the time without a clock edge for eight cycles
    _, ever = simulated(register_program, upsets, tmp_path, seed=9)
    expected = failures_per_s(0.01, (Period(1.0, 0.5), Period(8.0, 0.5))) * 2400 * 16 * WIDTH
    assert ever > 2500 and ever == pytest.approx(expected, rel=TOLERANCE)
