"""Whole designs: the triplicated Verilog equals that without triplication, also under upsets of single copies."""

import threading
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from codesign.flows import yosys_scripts as scripts
from codesign.flows.design import Design
from codesign.flows.netlist import read_module
from codesign.flows.planning import compile_bound
from codesign.flows.proofs.edit import Module
from codesign.flows.proofs.step import make_step, prove_step
from codesign.flows.proofs.templates import elaborate
from codesign.flows.rtl_input import read_rtl
from codesign.flows.yosys_job import run_job
from codesign.options import TMR_MODES, RunOptions, TmrMode
from codesign.rtl import write_rtl

SOLVER = "abc+sat"
TIMEOUT_S = 3600.0
_ONE_TRACE = threading.Lock()  # torch.fx traces one model at a time
MODES: tuple[TmrMode, ...] = tuple(mode for mode in TMR_MODES if mode != "none")


@dataclass(frozen=True)
class DesignCase:
    """One proof: a design of the project at one reuse factor, in one mode."""

    design: str
    mode: TmrMode
    reuse: int = 1

    @property
    def is_extra(self) -> bool:
        """True for all but two proofs."""
        return self.design != "econt" or self.mode not in ("registers", "full")

    @property
    def parameters(self) -> tuple[tuple[str, int], ...]:
        """What the table shows."""
        return (("reuse", self.reuse),)

    @property
    def name(self) -> str:
        """Return design, mode and reuse as one word each."""
        return f"{self.design} {self.mode} reuse={self.reuse}"


def cases() -> tuple[DesignCase, ...]:
    """Return every proof of a whole design."""
    designs = (("econt", 1), ("jet_tagger", 1), ("jet_tagger", 4), ("econt_chip", 1))
    return tuple(DesignCase(name, mode, reuse) for name, reuse in designs for mode in MODES)


def prove_design(case: DesignCase, work_dir: Path) -> tuple[int, bool, float]:
    """Return the bits stored once, whether the proof holds, and the seconds of the question."""
    design: Design = import_module(f"codesign.flows.designs.{case.design}").DESIGN
    reuse = () if case.reuse == 1 else (("*", case.reuse),)
    options = RunOptions(design=case.design, output=work_dir, vectors=1, reuse=reuse, tmr="none")
    with _ONE_TRACE:
        bound = design.bind(options)
    folders = []
    for tmr in ("none", case.mode):
        rtl = compile_bound(bound, replace(options, tmr=tmr), design.clock_ns)
        folders.append(write_rtl(rtl, work_dir / "rtl" / f"{case.design}-{case.mode}-{case.reuse}-{tmr}"))
    return prove_rtl(folders[0], folders[1], work_dir)


def prove_rtl(golden: Path, upset: Path, work_dir: Path) -> tuple[int, bool, float]:
    """Prove emitted Verilog `upset`, triplicated, against `golden`, emitted without."""
    step = make_step(_flat(golden, work_dir), _flat(upset, work_dir))
    return step.bits, *prove_step(step, work_dir, TIMEOUT_S)


def _flat(folder: Path, work_dir: Path) -> Module:
    rtl = read_rtl(folder)
    script = f"{scripts.read([path.name for path in rtl.sources])}\n{elaborate(rtl.top, {}, 'flat.json')}"
    files = {path.name: path for path in (*rtl.sources, *rtl.tables)}
    return read_module(run_job(script, "elaborate", files, work_dir, TIMEOUT_S) / "flat.json", rtl.top)
