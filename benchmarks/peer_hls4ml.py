"""Compile hls4ml's C++ emulation of a QONNX model; runs in the peers' own environment, which has no codesign.

Usage: python peer_hls4ml.py model.onnx folder
Reads integer inputs from folder/inputs.npy, writes what the compiled model makes of them to folder/outputs.npy, and
prints one JSON line: conversion and compilation time, inferences per second, versions.
"""

import json
import sys
import time
from importlib import metadata
from pathlib import Path

import hls4ml
import numpy as np
import onnx
from onnx import numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
from qonnx.transformation.gemm_to_matmul import GemmToMatMul
from qonnx.util.cleanup import cleanup_model

REPEAT_S = 2.0


def main(path: str, folder: str) -> None:
    """Convert, compile, run and print."""
    target = Path(folder)
    before, after = scales(onnx.load(path))
    started = time.perf_counter()
    model = cleanup_model(ModelWrapper(path))
    if any(node.op_type == "Conv" for node in model.graph.node):
        model = model.transform(ConvertToChannelsLastAndClean())
    model = cleanup_model(model.transform(GemmToMatMul()))
    config = hls4ml.utils.config_from_onnx_model(
        model, granularity="name", backend="Vitis", default_precision="fixed<32,16>"
    )
    hls = hls4ml.converters.convert_from_onnx_model(
        model, output_dir=str(target / "hls"), backend="Vitis", io_type="io_parallel", hls_config=config
    )
    converted = time.perf_counter() - started
    started = time.perf_counter()
    hls.compile()
    compiled = time.perf_counter() - started
    events = np.ascontiguousarray(np.load(target / "inputs.npy") * before, dtype=np.float32)
    np.save(target / "outputs.npy", np.asarray(hls.predict(events), np.float64).reshape(len(events), -1) / after)
    started, passes = time.perf_counter(), 0
    while time.perf_counter() - started < REPEAT_S:
        hls.predict(events)
        passes += 1
    rate = passes * len(events) / (time.perf_counter() - started)
    versions = {name: metadata.version(name) for name in ("hls4ml", "qonnx")}
    said = {"conversion_s": converted, "compile_s": compiled, "emulation_per_s": rate, "versions": versions}
    print(json.dumps(said))


def scales(model: onnx.ModelProto) -> tuple[float, float]:
    """Return the real value of one input step and of one output step."""
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    makers = {node.output[0]: node for node in model.graph.node}
    last = makers[model.graph.output[0].name]

    def step(name: str) -> float:
        return float(constants[makers[name].input[1]])

    first = next(node for node in model.graph.node if node.input[0] == model.graph.input[0].name)
    after = step(last.output[0]) if last.op_type == "Quant" else step(last.input[0]) * step(last.input[1])
    return step(first.output[0]), after


if __name__ == "__main__":
    main(*sys.argv[1:])
