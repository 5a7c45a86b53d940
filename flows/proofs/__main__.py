"""`python -m codesign.flows.proofs`: run every proof, print a table, write proofs.json; code 1 if any does not hold."""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from codesign.errors import CodesignError
from codesign.files import write_json
from codesign.flows.proofs import designs, sby, templates
from codesign.flows.proofs.designs import DesignCase, prove_design
from codesign.flows.proofs.sby import DISPROVEN, PROVEN
from codesign.flows.proofs.templates import Case, prove_case

_COLUMNS = f"{'proof':<14} {'mode':<18} {'bits':>5} {'k':>2} {'solver':<7} {'seconds':>7}  {'verdict':<9}  parameters"


@dataclass(frozen=True)
class Row:
    """One line of the table; `seconds` is the wall time of the proof when it was run."""

    proof: str
    mode: str
    parameters: str
    bits: int
    k: int
    solver: str
    seconds: float
    verdict: str
    note: str

    @property
    def holds(self) -> bool:
        """True if nothing is to be said against the proof."""
        return not self.note


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proofs that the command line names; return the exit code."""
    options = _parser().parse_args(arguments)
    every: tuple[Case | DesignCase, ...] = (*templates.cases(), *designs.cases())
    kept = [case for case in every if not (options.quick and case.is_extra)]
    chosen = [case for case in kept if re.search(options.only, case.name)]
    print(_COLUMNS)
    with ThreadPoolExecutor(options.jobs) as pool:
        rows = [_show(row) for row in pool.map(lambda case: _row(case, options.out), chosen)]
    write_json(options.out / "proofs.json", {"proofs": [asdict(row) for row in rows]})
    failures = [row for row in rows if not row.holds]
    print(f"{len(rows) - len(failures)} of {len(rows)} proofs hold: {options.out / 'proofs.json'}")
    return 1 if failures or not rows else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m codesign.flows.proofs", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/proofs"), help="folder of results and kept jobs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="proofs at a time")
    parser.add_argument("--only", default="", help="regular expression that a proof's name must match")
    parser.add_argument("--quick", action="store_true", help="one set of parameters, two designs")
    return parser


def _row(case: Case | DesignCase, work_dir: Path) -> Row:
    try:
        return _template_row(case, work_dir) if isinstance(case, Case) else _design_row(case, work_dir)
    except CodesignError as error:
        name = case.template if isinstance(case, Case) else case.design
        return Row(name, case.mode, _given(case), 0, 0, "", 0.0, "error", str(error))


def _given(case: Case | DesignCase) -> str:
    return ",".join(f"{key}={value}" for key, value in case.parameters)


def _template_row(case: Case, work_dir: Path) -> Row:
    bits, found = prove_case(case, template_sources(), work_dir)
    note = ""
    if not found.holds:
        note = found.failed or ("not inductive" if found.reached else "an upset has no effect")
    return Row(case.template, case.mode, _given(case), bits, found.k, sby.SOLVER, found.wall_s, found.verdict, note)


def _design_row(case: DesignCase, work_dir: Path) -> Row:
    bits, holds, seconds = prove_design(case, work_dir)
    verdict, note = (PROVEN, "") if holds else (DISPROVEN, "the step has a counterexample")
    return Row(case.design, case.mode, _given(case), bits, 1, designs.SOLVER, seconds, verdict, note)


def _show(row: Row) -> Row:
    cells = (
        f"{row.proof:<14} {row.mode:<18} {row.bits:>5} {row.k:>2} {row.solver:<7} {row.seconds:>7.1f}  {row.verdict:<9}"
    )
    print(f"{cells}  {row.parameters}{'  ' * bool(row.note)}{row.note}", flush=True)
    return row


def template_sources() -> dict[str, Path]:
    """Return the Verilog templates, by file name."""
    return dict(_templates())


def _templates() -> Iterator[tuple[str, Path]]:
    for entry in sorted(resources.files("codesign.rtl_templates").iterdir(), key=lambda found: found.name):
        if entry.name.endswith(".v"):
            yield entry.name, Path(str(entry))


if __name__ == "__main__":
    sys.exit(main())
