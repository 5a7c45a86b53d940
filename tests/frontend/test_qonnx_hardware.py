"""Graphs of ONNX files through simulation of their Verilog: every value of every event equals the file's own."""

from pathlib import Path

import numpy as np
import pytest

from codesign.frontend.qonnx import capture
from codesign.frontend.vectors import random_inputs
from codesign.rtl import emit, write_rtl
from codesign.schedule import schedule
from codesign.sim.exchange import PHASES, Plan
from codesign.sim.run import simulate
from codesign.verify import decode_words, stimulus
from tests.frontend.qonnx_reference import Reference
from tests.frontend.qonnx_text import QUANT, UNSIGNED, model_of, write

RANDOM = np.random.default_rng(11)
TRUNC = "qonnx.custom_op.general.Trunc"
IN = f"q = {QUANT} (x, half, zero, b4)"
MODELS = {
    "image": (
        f"{IN} c = Conv <group = 2, pads = [1, 1, 1, 1]> (q, w) r = Relu (c) a = {UNSIGNED} (r, odd, zero, b4) "
        f"m = MaxPool <kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 0]> (a) "
        f"g = AveragePool <kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 0]> (q) "
        f"h = {QUANT} (g, quarter, zero, b4) j = Concat <axis = 1> (m, h) p = {QUANT} (j, half, zero, b4) "
        f"f = Flatten (p) d = MatMul (f, u) b = Add (d, n) y = ArgMax <axis = 1> (b)",
        (2, 4, 4),
        {
            "w": RANDOM.integers(-3, 4, (4, 1, 3, 3)) / 4.0,
            "u": RANDOM.integers(-3, 4, (24, 5)) / 4.0,
            "n": [0.3, -0.1, 0.0, 0.37, 0.46],
        },
    ),
    "vector": (
        f"{IN} a = MatMul (q, w) c = QuantizeLinear (a, half, z) d = DequantizeLinear (c, half, z) "
        f"e = Add (d, q) g = qonnx.custom_op.general.BipolarQuant (e, half) v = Reshape (g, square) "
        f"t = Transpose <perm = [0, 2, 1]> (v) k = Reshape (t, line) h = MatMul (k, w) "
        f'i = {TRUNC} <rounding_mode = "FLOOR"> (h, eighth, zero, b8, b6) y = Sub (i, odd)',
        (4,),
        {
            "w": RANDOM.integers(-7, 8, (4, 4)) / 8.0,
            "z": np.int8(3),
            "eighth": 0.125,
            "square": np.array([1, 2, 2]),
            "line": np.array([1, 4]),
        },
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_verilog_equals_the_file(tmp_path: Path, build_cache: Path, name):
    path = write(model_of(*MODELS[name]), tmp_path)
    captured = capture(path, name=name)
    graph = captured.graph
    rtl_dir = write_rtl(emit(graph, schedule(graph, {}), tmr="registers", clock_ns=25.0), tmp_path / "rtl")
    real = random_inputs(captured, 200, 3)
    events = stimulus(graph, {captured.input: captured.quantise_input(real)})
    how = Plan(gap_events=len(events), reset_events=8)
    response = simulate(rtl_dir, events, how, tmp_path / "run", build_cache)
    (port,) = graph.outputs
    steps = (Reference(path)(real)["y"].reshape(len(real), -1) - np.array(port.offset)) / np.array(port.scale)
    assert np.abs(steps - np.rint(steps)).max() < 1e-9
    assert len(np.unique(steps)) > 2
    for phase in PHASES:
        got = decode_words(graph, response.phases[phase])[port.node]
        assert np.array_equal(got.reshape(len(got), -1), np.rint(steps)[: len(got)])
