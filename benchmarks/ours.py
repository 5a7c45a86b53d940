"""Write a benchmark model with this flow, in a process of its own like the peers, and print the same JSON line.

Usage: python -m benchmarks.ours model.json half_up|half_even none|registers technology clock_ns cycles folder
Cuts and registers are those of least estimated area in that technology at that clock, with at most `cycles` of latency
("None" is no limit) and an interval of one cycle.
"""

import json
import resource
import sys
import time
from pathlib import Path

from benchmarks.models import Rounding, load_bench
from codesign import __version__
from codesign.delay import technology
from codesign.optimise import Limits, optimise
from codesign.rtl import emit, write_rtl


def main(model: Path, rounding: Rounding, tmr: str, name: str, clock_ns: float, limits: Limits, folder: Path) -> None:
    """Generate Verilog into `folder` and print what was measured."""
    started = time.process_time()
    graph, tech = load_bench(model, rounding), technology(name)
    choice = optimise(graph, tech, clock_ns, limits=limits, copies=3 if tmr == "registers" else 1)
    rtl = emit(graph, choice.schedule, tmr=tmr, clock_ns=clock_ns, fabric=tech.fabric)
    write_rtl(rtl, folder)
    seconds = time.process_time() - started
    said = {
        "top": graph.name,
        "sources": rtl.manifest["sources"],
        "latency_cycles": choice.schedule.latency_cycles,
        "generation_s": seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "emulation_per_s": None,
        "predicted_path_ns": choice.path.ns,
        "versions": {"codesign": __version__},
    }
    print(json.dumps(said))


if __name__ == "__main__":
    model, rounding, tmr, name, clock_ns, cycles, folder = sys.argv[1:]
    limits = Limits(latency_cycles=None if cycles == "None" else int(cycles))
    main(Path(model), rounding, tmr, name, float(clock_ns), limits, Path(folder))  # type: ignore[arg-type]
