"""Simulate an emitted design: build it once, then run the one testbench on a stimulus."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from cocotb_tools.runner import get_runner

from codesign.errors import VerificationError
from codesign.files import read_json, replace_directory
from codesign.packing import Words
from codesign.sim.exchange import PHASES, Measured, Plan, read_measured, read_words, watched, write_stimulus
from codesign.sim.verilator import build


@dataclass(frozen=True)
class Response:
    """Packed results by phase (all events back to back, some with gaps, some after a reset), and what was measured."""

    phases: dict[str, Words]
    measured: Measured


def simulate(  # noqa: PLR0917 - a simulation has this many independent inputs
    rtl_dir: Path,
    events: Words,
    plan: Plan,
    run_dir: Path,
    cache_dir: Path,
    parameters: bytes = b"",
    *,
    advance: Callable[[int], None] = lambda count: None,
) -> Response:
    """Run the design in `rtl_dir` on `events` and return its response; `run_dir` is replaced as a whole.

    `advance` is told how many events more are done, now and then while the simulation runs.

    Raises `VerificationError` when the testbench fails (latency or interval other than the manifest says, an
    event without a result), `ToolFailedError` when the simulation cannot be built.
    """
    manifest = read_json(rtl_dir / "manifest.json")
    program = build(rtl_dir, manifest["sources"], manifest["top"], cache_dir)
    replace_directory(run_dir, lambda fresh: write_stimulus(fresh, manifest, events, plan, parameters))
    with watched(run_dir, advance):
        run_bench(program, manifest["top"], "codesign.sim.testbench", run_dir, plan.seed)
    if not (run_dir / "measured.json").exists():
        raise VerificationError(f"the testbench measured nothing: see {run_dir}")
    return Response({name: read_words(run_dir / f"{name}.npy") for name in PHASES}, read_measured(run_dir))


def run_bench(  # noqa: PLR0917
    program: Path, top: str, module: str, run_dir: Path, seed: int = 1, tests: str = ""
) -> None:
    """Run the cocotb tests of `module` (those whose names hold `tests`) on a built simulation, in `run_dir`.

    Raises `VerificationError` if one fails.
    """
    log = run_dir.resolve() / "simulation.log"
    try:
        results = get_runner("verilator").test(
            test_module=module,
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=program,
            test_dir=run_dir.resolve(),
            results_xml=str(run_dir.resolve() / "results.xml"),
            plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{seed}"],
            log_file=log,
            test_filter=tests or None,
        )
    except SystemExit as error:
        raise VerificationError(f"the testbench failed ({_assertion(log)}): see {log}") from error
    if list(ElementTree.parse(results).iter("failure")):
        raise VerificationError(f"the testbench failed ({_assertion(log)}): see {log}")


def _assertion(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    found = [line.strip() for line in lines if "AssertionError" in line or "Error:" in line]
    return found[-1][:200] if found else "no assertion in the log"
