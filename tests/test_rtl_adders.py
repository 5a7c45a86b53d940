"""The Verilog of shared adders: proven equal to the plain products by SAT, and simulated with pipeline cuts inside."""

import re

import numpy as np
import pytest

from codesign.errors import ToolFailedError
from codesign.fixed import Fixed
from codesign.flows.yosys_job import run_job
from codesign.graph import Graph, Node, Port, Products, TensorType
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.sources import Constant, Input
from codesign.rtl import emit, write_rtl
from codesign.rtl_adders import AddersModule
from codesign.schedule import schedule
from tests.ops.check_op import Bench, check_response, check_text, random_values

RNG = np.random.default_rng(3)


def products_of(op, data, *constants):
    """Shared adders of an operator with constant operands, and the types of its operand and result."""
    operands = (data, *(Constant(np.array(values)).result() for values in constants))
    how = op.rtl(1, *operands)
    assert isinstance(how, Products)
    return how, data, op.result(*operands)


def plain_module(how, data, result):
    """The same products written out, one at a time, without any sharing: the reference of the proof."""
    width, rows = 40, []
    for o, (row, start) in enumerate(zip(how.matrix, how.start, strict=True)):
        terms = [
            f"(({width}'sd{abs(w)} * {'-' if w < 0 else ''}x{i}) >>> {how.truncate})" for i, w in enumerate(row) if w
        ]
        sign = "-" if start < 0 else ""
        rows.append(
            f"wire signed [{width - 1}:0] y{o} = {' + '.join([f'{sign}{width}' + f'sd{abs(start)}', *terms])};".replace(
                "40sd", "40'sd"
            )
        )
        rows.append(f"assign y[{o * result.fixed.width} +: {result.fixed.width}] = y{o}[{result.fixed.width - 1}:0];")
    signed, bits = data.fixed.signed, data.fixed.width
    inputs = []
    for i in range(data.size):
        slice_ = f"x[{(i + 1) * bits - 1}:{i * bits}]"
        extended = f"$signed({slice_})" if signed else f"$signed({{1'b0, {slice_}}})"
        inputs.append(f"wire signed [{width - 1}:0] x{i} = {extended};")
    ports = f"input wire [{data.bits - 1}:0] x, output wire [{result.bits - 1}:0] y"
    return "\n".join([f"module plain ({ports});", *inputs, *rows, "endmodule\n"])


CASES = {
    "dense": products_of(
        Dense(), TensorType.full((3,), Fixed(4, 0, True)), [[3, -5, 0], [7, 1, -2], [0, 0, 4]], [4, -1, 0]
    ),
    "unsigned": products_of(Dense(), TensorType.full((2,), Fixed(5, 0, False)), [[-11, 13], [22, -26]], [0, 0]),
    "truncated": products_of(
        Dense(truncate=2), TensorType.full((3,), Fixed(4, 0, True)), [[3, -5, 3], [3, 1, -2]], [1, 2]
    ),
    "conv": products_of(
        Conv2d(padding=(1, 0, 1, 0), pad_value=2),
        TensorType.full((1, 2, 2), Fixed(4, 0, False)),
        [[[[3, -5], [1, 7]]], [[[0, 6], [-2, 1]]]],
        [1, -3],
    ),
}


def prove(tmp_path, shared, plain):
    (tmp_path / "shared.v").write_text(shared)
    (tmp_path / "plain.v").write_text(plain)
    script = (
        "read_verilog shared.v plain.v\nproc\nmiter -equiv -flatten -make_assert shared plain both\n"
        "hierarchy -top both\nopt -full\nsat -verify -prove-asserts both\n"
    )
    files = {name: tmp_path / name for name in ("shared.v", "plain.v")}
    run_job(script, "sat", files, tmp_path / "work", 120)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fabric"), [("dense", "lut"), ("unsigned", "cells"), ("truncated", "cells"), ("conv", "lut")]
)
def test_sat_proves_shared_adders_equal_to_plain_products(name, fabric, tmp_path):
    how, data, result = CASES[name]
    prove(tmp_path, AddersModule("shared", how, data, result, fabric=fabric).text, plain_module(how, data, result))


@pytest.mark.slow
def test_sat_sees_one_wrong_constant(tmp_path):
    how, data, result = CASES["dense"]
    text = AddersModule("shared", how, data, result).text
    wrong = re.sub(r"y0 = (-?\d+'sd\d*)(\d)", lambda found: f"y0 = {found[1]}{9 - int(found[2])}", text, count=1)
    assert wrong != text
    with pytest.raises(ToolFailedError):
        prove(tmp_path, wrong, plain_module(how, data, result))


def mlp(name):
    weight = RNG.integers(-31, 32, (6, 8))
    nodes = (
        Node("x", Input((8,), Fixed(5, 0, True))),
        Node("w", Constant(weight)),
        Node("b", Constant(RNG.integers(-50, 50, 6))),
        Node("fc", Dense(), ("x", "w", "b")),
    )
    return Graph(name, nodes, (Port("x"),), (Port("fc"),))


@pytest.mark.parametrize(
    ("cuts", "tmr", "fabric"), [(1, "registers", "cells"), (2, "none", "lut"), (3, "registers", "lut")]
)
def test_cut_adders_have_the_declared_latency_and_every_value(cuts, tmr, fabric, tmp_path, build_cache):
    graph = mlp(f"cut{cuts}_{tmr}")
    plan = schedule(graph, inner_cuts={"fc": cuts})
    assert (plan.latency_cycles, plan.ii_cycles) == (cuts + 1, 1)
    rtl_dir = write_rtl(emit(graph, plan, tmr=tmr, clock_ns=5.0, fabric=fabric), tmp_path / "rtl")
    how = graph.by_name["fc"].op.rtl(1, *graph.operand_types("fc"))
    text, types = (rtl_dir / f"{graph.name}_fc_adders.v").read_text(), (graph.types["x"], graph.types["fc"])
    assert (
        sum(map(int, re.findall(r"WIDTH \((\d+)\)", text)))
        == AddersModule("m", how, *types, cuts=cuts, fabric=fabric).register_bits
        > 0
    )
    check_text(graph, plan, rtl_dir, tmp_path / "lint", cuts={"fc": cuts})
    bench = Bench(tmp_path, build_cache)
    check_response(graph, plan, rtl_dir, bench, random_values(graph, bench.events, 1))


def test_an_input_with_zero_weights_is_not_read():
    how, data, result = products_of(Dense(), TensorType.full((2,), Fixed(4, 0, True)), [[0, 3]], [0])
    assert "x0" not in AddersModule("m", how, data, result).text
