"""Write a benchmark model with this flow, in a process of its own like the peers, and print the same JSON line.

Usage: python -m benchmarks.ours model.json half_up|half_even none|registers cuts lut|cells folder
`cuts` is the number of pipeline cuts inside the adders of every layer.
"""

import json
import resource
import sys
import time
from pathlib import Path

from benchmarks.generate import Fabric
from benchmarks.models import Rounding, load_bench
from codesign import __version__
from codesign.rtl import Tmr, emit, write_rtl
from codesign.schedule import schedule


def main(model: Path, rounding: Rounding, tmr: Tmr, cuts: int, fabric: Fabric, folder: Path) -> None:
    """Generate Verilog into `folder` and print what was measured."""
    started = time.perf_counter()
    graph = load_bench(model, rounding)
    products = [node.name for node in graph.nodes if node.op.kind in ("dense", "conv2d")]
    plan = schedule(graph, inner_cuts=dict.fromkeys(products, cuts))
    rtl = emit(graph, plan, tmr=tmr, clock_ns=25.0, fabric=fabric)
    write_rtl(rtl, folder)
    seconds = time.perf_counter() - started
    said = {
        "top": graph.name,
        "sources": rtl.manifest["sources"],
        "latency_cycles": plan.latency_cycles,
        "generation_s": seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "emulation_per_s": None,
        "versions": {"codesign": __version__},
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5], Path(sys.argv[6]))  # type: ignore[arg-type]
