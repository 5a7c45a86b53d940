"""Write a benchmark model with a peer generator; runs in the peers' own environment, which has no codesign.

Usage: python peers.py da4ml|alkaid model.json half_up|half_even cutoff folder
Prints one JSON line: generation time, peak memory, emulation throughput, files.
"""

import importlib
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np


def main(peer: str, model: str, rounding: str, cutoff: str, folder: str) -> None:
    """Generate Verilog into `folder`."""
    started = time.perf_counter()
    content = json.loads(Path(model).read_text())
    trace, codegen = importlib.import_module(f"{peer}.trace"), importlib.import_module(f"{peer}.codegen")
    array = trace.FixedVariableArrayInput if peer == "da4ml" else trace.FVArrayInput
    options = {"hard_dc": 2}
    hardware = trace.HWConfig(1, -1, float(cutoff))
    shape = (8, 8, 1) if "K" in content else (len(content["layers"][0]["W"][0]),)
    given = array(shape, hwconf=hardware, solver_options=options)
    signed = int("K" not in content and bool(content["in_signed"]))
    data = given.quantize(signed, 8 - signed, 0)
    out = encoder(data, content, rounding) if "K" in content else mlp(data, content["layers"], rounding)
    logic = (trace.comb_trace if peer == "da4ml" else trace.trace)(given, out)
    target = Path(folder)
    codegen.RTLModel(
        logic, prj_name="peer", path=target, flavor="verilog", latency_cutoff=float(cutoff), print_latency=False
    ).write()
    seconds = time.perf_counter() - started
    vectors = np.random.default_rng(0).integers(-128 * signed, 128 * (2 - signed), (20000, int(np.prod(shape))))
    started = time.perf_counter()
    logic.predict(vectors.astype(np.float64))
    rate = len(vectors) / (time.perf_counter() - started)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    files = sorted(str(path.relative_to(target)) for path in target.rglob("*.v"))
    print(json.dumps({"generation_s": seconds, "peak_mib": memory, "emulation_per_s": rate, "files": files}))


def activation(total: object, shift: int, bits: int, rounding: str) -> object:
    """Scale, round and clip to unsigned bits."""
    mode = "RND" if rounding == "half_up" else "RND_CONV"
    return (total * 2.0**-shift).quantize(0, bits, 0, overflow_mode="SAT", round_mode=mode)


def mlp(data: object, layers: list[dict], rounding: str) -> object:
    """Dense layers; the last one gives the accumulator."""
    for k, layer in enumerate(layers):
        data = data @ np.array(layer["W"], dtype=np.float64).T + np.array(layer["b"], dtype=np.float64)
        if k + 1 < len(layers):
            data = activation(data, layer["shift"], layer["bits"], rounding)
    return data


def encoder(image: object, content: dict, rounding: str) -> object:
    """Convolution 3x3 stride 2 with a border of one zero, then dense."""
    kernel, maps = np.array(content["K"], dtype=np.float64).reshape(8, 9), []
    for row in range(4):
        for column in range(4):
            taps = [(a, b) for a in range(3) for b in range(3)]
            inside = [k for k, (a, b) in enumerate(taps) if 0 <= 2 * row + a - 1 < 8 and 0 <= 2 * column + b - 1 < 8]
            places = [(2 * row + taps[k][0] - 1) * 8 + 2 * column + taps[k][1] - 1 for k in inside]
            window = image.reshape(64)[np.array(places)]
            total = window @ kernel[:, inside].T + np.array(content["kb"], dtype=np.float64)
            maps.append(activation(total, content["s1"], 8, rounding))
    stacked = np.stack([np.array(list(one), dtype=object) for one in maps])  # (positions, filters)
    flat = type(maps[0])(stacked.T.reshape(128), maps[0].solver_options)
    total = flat @ np.array(content["W"], dtype=np.float64).T + np.array(content["b"], dtype=np.float64)
    return activation(total, content["s2"], content["out_bits"], rounding)


if __name__ == "__main__":
    main(*sys.argv[1:])
