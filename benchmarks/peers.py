"""Write a benchmark model with a peer generator; runs in the peers' own environment, which has no codesign.

Usage: python peers.py da4ml|alkaid model.json half_up|half_even cutoff folder
Writes Verilog below `folder`; with `inputs.npy` there, also `outputs.npy` of the peer's own emulator. Prints one JSON
line: top, sources, latency, processor time of generation, peak memory, emulation throughput, version.
"""

import importlib
import json
import re
import resource
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

REPEAT_S = 1.0


def main(peer: str, model: str, rounding: str, cutoff: str, folder: str) -> None:
    """Generate Verilog into `folder` and print what was measured."""
    content, target = json.loads(Path(model).read_text(encoding="utf-8")), Path(folder)
    # Importing is not timed: for no generator here.
    trace, codegen = importlib.import_module(f"{peer}.trace"), importlib.import_module(f"{peer}.codegen")
    started = time.process_time()
    logic = traced(peer, trace, content, rounding, float(cutoff))
    codegen.RTLModel(
        logic, prj_name="peer", path=target, flavor="verilog", latency_cutoff=float(cutoff), print_latency=False
    ).write()
    seconds = time.process_time() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    stages = without_input_register(target / "src" / "peer.v")
    sources = [str(path.relative_to(target)) for path in sorted(target.rglob("*.v")) if path.stem != "lookup_table"]
    said = {"top": "peer", "sources": sources, "latency_cycles": stages, "generation_s": seconds, "peak_mib": memory}
    rate = emulated(logic, target) if (target / "inputs.npy").exists() else None
    print(json.dumps({**said, "emulation_per_s": rate, "versions": {peer: metadata.version(peer)}}))


def traced(peer: str, trace: Any, content: dict[str, Any], rounding: str, cutoff: float) -> Any:
    """Return the combinational logic of the model as the peer solves it."""
    array = trace.FixedVariableArrayInput if peer == "da4ml" else trace.FVArrayInput
    is_encoder = "K" in content
    shape = (8, 8, 1) if is_encoder else (len(content["layers"][0]["W"][0]),)
    given = array(shape, hwconf=trace.HWConfig(1, -1, cutoff), solver_options={"hard_dc": 2})
    signed = int(not is_encoder and bool(content["in_signed"]))
    data = given.quantize(signed, 8 - signed, 0)
    activate = half_even_by_hand if peer == "da4ml" and rounding == "half_even" else by_quantiser(rounding)
    out = encoder(data, content, activate) if is_encoder else mlp(data, content["layers"], activate)
    return (trace.comb_trace if peer == "da4ml" else trace.trace)(given, out)


def by_quantiser(rounding: str) -> Any:
    """Scale, round and clip to unsigned bits by the peer's own quantiser."""
    mode = "RND" if rounding == "half_up" else "RND_CONV"

    def activate(total: Any, shift: int, bits: int) -> Any:
        return (total * 2.0**-shift).quantize(0, bits, 0, overflow_mode="SAT", round_mode=mode)

    return activate


def half_even_by_hand(total: Any, shift: int, bits: int) -> Any:
    """Half up, then the lowest bit is cleared at a tie: da4ml 0.6.0 has no rounding to even.

    At a tie all fraction bits of the sum with half are zero. A sum above the range saturates, tie or not.
    """
    kept = []
    for one in total * 2.0**-shift + 0.5:
        near = one.quantize(0, bits, 0, overflow_mode="SAT", round_mode="TRN")
        untied = one.quantize(0, 0, shift, overflow_mode="WRAP").unary_bit_op("any")
        over = one.kif[1] - bits
        if over > 0:
            untied = untied | one.quantize(0, one.kif[1] + one.kif[0], -bits, overflow_mode="WRAP").unary_bit_op("any")
        low = near.quantize(0, 1, 0, overflow_mode="WRAP")
        high = near.quantize(0, bits, -1, overflow_mode="WRAP")
        kept.append(high + (low & untied))
    return type(total)(np.array(kept, dtype=object), total.solver_options)


def mlp(data: Any, layers: list[dict[str, Any]], activate: Any) -> Any:
    """Dense layers; the last one gives the accumulator."""
    for k, layer in enumerate(layers):
        data = data @ np.array(layer["W"], dtype=np.float64).T + np.array(layer["b"], dtype=np.float64)
        if k + 1 < len(layers):
            data = activate(data, layer["shift"], layer["bits"])
    return data


def encoder(image: Any, content: dict[str, Any], activate: Any) -> Any:
    """Convolution 3x3 stride 2 with a border of one zero, then dense."""
    kernel, maps = np.array(content["K"], dtype=np.float64).reshape(8, 9), []
    for row in range(4):
        for column in range(4):
            taps = [(a, b) for a in range(3) for b in range(3)]
            inside = [k for k, (a, b) in enumerate(taps) if 0 <= 2 * row + a - 1 < 8 and 0 <= 2 * column + b - 1 < 8]
            places = [(2 * row + taps[k][0] - 1) * 8 + 2 * column + taps[k][1] - 1 for k in inside]
            window = image.reshape(64)[np.array(places)]
            total = window @ kernel[:, inside].T + np.array(content["kb"], dtype=np.float64)
            maps.append(activate(total, content["s1"], 8))
    stacked = np.stack([np.array(list(one), dtype=object) for one in maps])  # (positions, filters)
    flat = type(maps[0])(stacked.T.reshape(128), maps[0].solver_options)
    total = flat @ np.array(content["W"], dtype=np.float64).T + np.array(content["b"], dtype=np.float64)
    return activate(total, content["s2"], content["out_bits"])


def without_input_register(path: Path) -> int:
    """Take the register behind the input port out of the top level and return the number of stages left.

    Every flow then starts at its input port and ends in a register, so that cycles and flip-flops compare.
    """
    text = path.read_text(encoding="utf-8")
    (name,) = re.findall(r"^ *(\w+)(?:\[[^\]]*\])? <= model_inp(?:\[[^\]]*\])?;\n", text, re.MULTILINE)
    text = re.sub(rf"^ *{name}(?:\[[^\]]*\])? <= model_inp.*\n", "", text, flags=re.MULTILINE)
    text, found = re.subn(
        rf"^( *)reg( \[[^\]]*\])? {name};", rf"\1wire\2 {name} = model_inp;", text, flags=re.MULTILINE
    )
    assert found == 1, f"{path}: no register {name}"
    path.write_text(text, encoding="utf-8")
    return len(re.findall(r"^ *\w+(?:\[[^\]]*\])? <= ", text, re.MULTILINE))


def emulated(logic: Any, folder: Path) -> float:
    """Write what the peer's emulator makes of inputs.npy; return its inferences per second over about a second."""
    vectors = np.load(folder / "inputs.npy").astype(np.float64)
    np.save(folder / "outputs.npy", np.rint(logic.predict(vectors)).astype(np.int64))
    started, passes = time.perf_counter(), 0
    while time.perf_counter() - started < REPEAT_S:
        logic.predict(vectors)
        passes += 1
    return passes * len(vectors) / (time.perf_counter() - started)


if __name__ == "__main__":
    main(*sys.argv[1:])
