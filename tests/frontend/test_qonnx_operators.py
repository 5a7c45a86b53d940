"""Every ONNX operator of the QONNX front end, against the file's evaluation in float64."""

import numpy as np
import pytest

from codesign.frontend.qonnx import capture
from codesign.frontend.qonnx_lower import HANDLERS
from codesign.frontend.vectors import corner_inputs, random_inputs
from tests.frontend.qonnx_reference import Reference, report_of
from tests.frontend.qonnx_text import QUANT, UNSIGNED, model_of, write

RANDOM = np.random.default_rng(5)
W34 = RANDOM.integers(-7, 8, (4, 3)) / 8.0
KERNEL = RANDOM.integers(-3, 4, (4, 2, 3, 3)) / 4.0
LINES = RANDOM.integers(-3, 4, (4, 1, 3)) / 4.0
IN, OUT = f"q = {QUANT} (x, half, zero, b4)", f"y = {QUANT} (v, odd, zero, b6)"
IMAGE_OUT = f"y = {QUANT} (v, odd, zero, b8)"
DENSE = f"{IN} h = MatMul (q, w)"
VECTOR, IMAGE, LINE = (4,), (2, 5, 6), (2, 7)
TRUNC = "qonnx.custom_op.general.Trunc"


def quant(rounding, signed=1, narrow=0):
    return f'qonnx.custom_op.general.Quant <signed = {signed}, narrow = {narrow}, rounding_mode = "{rounding}">'


# name: nodes, shape of the input, tensors
MODELS = {
    **{
        f"rounding_{mode}": (f"{DENSE} y = {quant(mode)} (h, half, zero, b4)", VECTOR, {"w": W34})
        for mode in ("ROUND", "half_even", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "ROUND_TO_ZERO")
    },
    "input_rounding": (f"y = {quant('HALF_UP')} (x, half, zero, b4)", VECTOR, {}),
    "simple_ratio_of_scales": (f"{DENSE} y = {QUANT} (h, third, zero, b4)", VECTOR, {"w": W34, "third": 1 / 3}),
    "narrow": (f"{DENSE} y = {quant('ROUND', 1, 1)} (h, quarter, zero, b4)", VECTOR, {"w": W34}),
    "narrow_unsigned": (f"{DENSE} y = {quant('ROUND', 0, 1)} (h, quarter, zero, b4)", VECTOR, {"w": W34}),
    "zero_point": (f"{DENSE} y = {UNSIGNED} (h, quarter, z, b4)", VECTOR, {"w": W34, "z": 5.0}),
    "fractional_zero_point": (f"{DENSE} y = {QUANT} (h, odd, z, b4)", VECTOR, {"w": W34, "z": 0.3}),
    "scale_per_channel": (f"{DENSE} y = {QUANT} (h, s, zero, b4)", VECTOR, {"w": W34, "s": [[0.5, 0.3, 0.7]]}),
    "quantised_weights": (
        f"{IN} u = {QUANT} (w, s, zero, b4) v = MatMul (q, u) {OUT}",
        VECTOR,
        {"w": RANDOM.normal(size=(4, 3)), "s": [[0.2, 0.3, 0.1]]},
    ),
    "int_quant": (f"{DENSE} y = {QUANT.replace('Quant', 'IntQuant')} (h, half, zero, b4)", VECTOR, {"w": W34}),
    "bipolar": (
        f"{DENSE} a = qonnx.custom_op.general.BipolarQuant (h, odd) v = MatMul (a, u) {OUT}",
        VECTOR,
        {"w": W34, "u": W34[:3]},
    ),
    "one_signed_bit": (f"{DENSE} y = {QUANT} (h, half, zero, b1)", VECTOR, {"w": W34}),
    "one_unsigned_bit": (f"{DENSE} y = {UNSIGNED} (h, half, zero, b1)", VECTOR, {"w": W34}),
    "bipolar_weights": (
        f"{IN} u = qonnx.custom_op.general.BipolarQuant (w, odd) v = MatMul (q, u) {OUT}",
        VECTOR,
        {"w": RANDOM.normal(size=(4, 3))},
    ),
    "trunc": (
        f'{DENSE} y = {TRUNC} <rounding_mode = "FLOOR"> (h, s, zero, b8, b4)',
        VECTOR,
        {"w": W34, "s": 1 / 16},
    ),
    "trunc_round": (
        f'{DENSE} y = {TRUNC} <rounding_mode = "ROUND"> (h, s, z, b8, b6)',
        VECTOR,
        {"w": W34, "s": 1 / 16, "z": 4.0},
    ),
    "trunc_with_scale": (
        f'{DENSE} y = {TRUNC} <rounding_mode = "FLOOR", signed = 1, narrow = 1> (h, s, zero, b8, half, b4)',
        VECTOR,
        {"w": W34, "s": 1 / 16},
    ),
    "trunc_of_a_coarser_grid": (
        f'{DENSE} y = {TRUNC} <rounding_mode = "FLOOR"> (h, odd, zero, b6, b4)',
        VECTOR,
        {"w": W34},
    ),
    "gemm": (
        f"{IN} v = Gemm <alpha = 0.5, beta = 2.0, transB = 1> (q, w, b) {OUT}",
        VECTOR,
        {"w": W34.T, "b": [0.5, -1.0, 0.1]},
    ),
    "gemm_without_bias": (f"{IN} v = Gemm (q, w) {OUT}", VECTOR, {"w": W34}),
    "bias_behind": (f"{DENSE} v = Add (b, h) {OUT}", VECTOR, {"w": W34, "b": [0.5, -1.0, 0.25]}),
    "bias_that_is_read_twice": (
        f"{DENSE} a = Add (h, b) c = {QUANT} (h, half, zero, b4) d = {QUANT} (a, half, zero, b4) v = Add (c, d) {OUT}",
        VECTOR,
        {"w": W34, "b": [0.5, -1.0, 0.25]},
    ),
    "bias_quantised": (
        f"{IN} c = {QUANT} (b, s, zero, b8) v = Gemm (q, w, c) {OUT}",
        VECTOR,
        {"w": W34, "b": [0.3, -1.2, 0.9], "s": 1 / 16},
    ),
    "arithmetic": (
        f"{DENSE} a = Mul (h, m) c = Sub (a, half) d = Div (c, odd) e = Sub (half, d) f = Neg (e) v = Add (f, m) {OUT}",
        VECTOR,
        {"w": W34, "m": [0.5, -1.0, 0.3]},
    ),
    "batch_norm": (
        f"{DENSE} v = BatchNormalization <epsilon = 0.001> (h, g, b, m, s) {OUT}",
        VECTOR,
        {"w": W34, "g": [1.5, -0.5, 0.0], "b": [0.1, 0.2, 0.3], "m": [0.5, 0.0, -1.0], "s": [0.9, 1.1, 2.0]},
    ),
    "relu": (f"{DENSE} v = Relu (h) y = {UNSIGNED} (v, odd, zero, b4)", VECTOR, {"w": W34}),
    "relu_then_shape": (
        f"{DENSE} r = Relu (h) u = Unsqueeze (r, axes) t = Transpose <perm = [0, 2, 1]> (u) v = Squeeze (t, axes2) "
        f"{OUT}",
        VECTOR,
        {"w": W34, "axes": np.array([2]), "axes2": np.array([1])},
    ),
    "relu_of_clip": (f"{DENSE} v = Clip (h, zero) {OUT}", VECTOR, {"w": W34}),
    "scaled_input": (f"a = Mul (x, half) c = Sub (a, half) y = {QUANT} (c, quarter, zero, b4)", VECTOR, {}),
    "skip": (f"{IN} m = MatMul (q, w) a = {QUANT} (m, quarter, zero, b6) v = Add (q, a) {OUT}", (3,), {"w": W34[:3]}),
    "conv": (
        f"{IN} v = Conv <pads = [1, 0, 2, 1], strides = [2, 1]> (q, w, b) {IMAGE_OUT}",
        IMAGE,
        {"w": KERNEL, "b": [0.5, 0.0, -0.3, 1.0]},
    ),
    "conv_bias_behind": (
        f"{IN} c = Conv (q, w) v = Add (c, b) {IMAGE_OUT}",
        IMAGE,
        {"w": KERNEL, "b": np.array([0.5, 0.0, -0.25, 1.0]).reshape(1, 4, 1, 1)},
    ),
    "conv_sum_per_column": (
        f"{IN} c = Conv (q, w) v = Add (c, b) {IMAGE_OUT}",
        IMAGE,
        {"w": KERNEL, "b": np.array([0.5, 0.0, -0.25, 1.0])},
    ),
    "conv_dilated": (f"{IN} v = Conv <dilations = [2, 1]> (q, w) {IMAGE_OUT}", IMAGE, {"w": KERNEL}),
    "conv_same_upper": (
        f'{IN} v = Conv <auto_pad = "SAME_UPPER", strides = [2, 2]> (q, w) {IMAGE_OUT}',
        IMAGE,
        {"w": KERNEL},
    ),
    "conv_same_lower": (f'{IN} v = Conv <auto_pad = "SAME_LOWER"> (q, w) {IMAGE_OUT}', IMAGE, {"w": KERNEL[:, :, :2]}),
    "conv_depthwise": (f"{IN} v = Conv <group = 2> (q, w) {IMAGE_OUT}", IMAGE, {"w": KERNEL[:, :1]}),
    "conv_zero_point": (
        f"q = {UNSIGNED} (x, half, z, b4) v = Conv <pads = [1, 1, 1, 1]> (q, w) {IMAGE_OUT}",
        IMAGE,
        {"w": KERNEL, "z": 6.0},
    ),
    "conv_line": (
        f"{IN} v = Conv <group = 2, pads = [1, 2], strides = [2], dilations = [2]> (q, w) {IMAGE_OUT}",
        LINE,
        {"w": LINES},
    ),
    "pad": (
        f"{IN} p = Pad (q, pads) v = Conv (p, w) {IMAGE_OUT}",
        IMAGE,
        {"w": KERNEL, "pads": np.array([0, 0, 1, 2, 0, 0, 0, 1])},
    ),
    "pad_then_pool": (
        f"{IN} p = Pad (q, pads) v = MaxPool <kernel_shape = [2, 2]> (p) {IMAGE_OUT}",
        IMAGE,
        {"pads": np.array([0, 0, 1, 0, 0, 0, 0, 1])},
    ),
    "max_pool": (
        f"{IN} y = MaxPool <kernel_shape = [3, 2], strides = [2, 1], pads = [1, 1, 1, 0]> (q)",
        IMAGE,
        {},
    ),
    "max_pool_line": (f"{IN} y = MaxPool <kernel_shape = [3], strides = [2], pads = [1, 1]> (q)", LINE, {}),
    "average_pool": (
        f"{IN} v = AveragePool <kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 1]> (q) {IMAGE_OUT}",
        IMAGE,
        {},
    ),
    "average_pool_counts_padding": (
        f"{IN} v = AveragePool <kernel_shape = [2, 2], pads = [1, 1, 1, 1], count_include_pad = 1> (q) {IMAGE_OUT}",
        IMAGE,
        {},
    ),
    "average_pool_zero_point": (
        f"q = {UNSIGNED} (x, half, z, b4) v = AveragePool <kernel_shape = [2, 2], pads = [1, 1, 0, 0]> (q) {IMAGE_OUT}",
        IMAGE,
        {"z": 6.0},
    ),
    "average_pool_line": (f"{IN} v = AveragePool <kernel_shape = [2]> (q) {IMAGE_OUT}", LINE, {}),
    "global_average_pool": (f"{IN} v = GlobalAveragePool (q) {IMAGE_OUT}", IMAGE, {}),
    "reduce_mean": (f"{IN} v = ReduceMean <axes = [2, -1], keepdims = 0> (q) {OUT}", IMAGE, {}),
    "flatten": (f"{IN} v = Flatten (q) {OUT}", IMAGE, {}),
    "reshape_with_zero": (f"{IN} v = Reshape (q, s) {OUT}", IMAGE, {"s": np.array([0, 3, -1])}),
    "shape_of_the_input": (
        f"c = Constant <value = int64[1] {{-1}}> () n = Constant <value = int64 {{0}}> () s = Shape (x) "
        f"b = Gather (s, n) u = Unsqueeze (b, n) "
        f" t = Concat <axis = 0> (u, c) q = {QUANT} (x, half, zero, b4) v = Reshape (q, t) {OUT}",
        IMAGE,
        {},
    ),
    "transpose": (
        f"{IN} t = Transpose <perm = [0, 2, 3, 1]> (q) f = Flatten (t) v = MatMul (f, w) {OUT}",
        (2, 2, 3),
        {"w": RANDOM.integers(-3, 4, (12, 3)) / 2.0},
    ),
    "transpose_channels": (
        f"q = {QUANT} (x, s, zero, b4) t = Transpose <perm = [0, 2, 1, 3]> (q) y = {QUANT} (t, odd, zero, b6)",
        (2, 2, 3),
        {"s": np.array([0.5, 0.3]).reshape(1, 2, 1, 1)},
    ),
    "concat": (
        f"{DENSE} a = {UNSIGNED} (h, half, zero, b4) c = {QUANT} (h, odd, zero, b6) v = Concat <axis = 1> (q, a, c) "
        f"{OUT}",
        VECTOR,
        {"w": W34},
    ),
    "concat_columns": (
        f"{IN} m = MaxPool <kernel_shape = [1, 2]> (q) v = Concat <axis = -1> (q, m) {IMAGE_OUT}",
        IMAGE,
        {},
    ),
    "argmax": (
        f"{DENSE} v = Add (h, b) y = ArgMax <axis = 1, keepdims = 1> (v)",
        VECTOR,
        {"w": W34, "b": [0.3, 0.1, -0.7]},
    ),
    "argmax_without_axis": (f"{DENSE} y = ArgMax <axis = -1, keepdims = 0> (h)", VECTOR, {"w": W34}),
    "argmax_of_channels": (f"{IN} y = ArgMax <axis = 1, keepdims = 0> (q)", (3, 2, 2), {}),
    "softmax_then_argmax": (
        f"{DENSE} p = Softmax <axis = 1> (h) y = ArgMax <axis = 1, keepdims = 1> (p)",
        VECTOR,
        {"w": W34},
    ),
    "identity": (f"{IN} a = Identity (q) y = Dropout (a)", VECTOR, {}),
    "constants": (
        f"{IN} a = Transpose (w) c = Mul (a, two) d = Div (c, two) e = Pow (two, half) k = Sqrt (two) "
        f"l = Sub (e, k) m = Add (d, l) n = Reshape (m, s) o = Cast <to = 11> (n) v = MatMul (q, o) {OUT}",
        VECTOR,
        {"w": W34.T, "two": 2.0, "s": np.array([4, -1])},
    ),
    "qcdq": (
        f"a = QuantizeLinear (x, half, z) c = Clip (a, lo, hi) q = DequantizeLinear (c, half, z) v = MatMul (q, w) "
        f"{OUT}",
        VECTOR,
        {"w": W34, "z": np.int8(0), "lo": np.int8(-7), "hi": np.int8(7)},
    ),
    "qcdq_odd_zero_point": (
        "a = QuantizeLinear (x, half, z) q = DequantizeLinear (a, half, z) h = MatMul (q, w) "
        "e = QuantizeLinear (h, quarter, z) y = DequantizeLinear (e, quarter, z)",
        VECTOR,
        {"w": W34, "z": np.uint8(131)},
    ),
    "qcdq_other_scale": (
        f"a = QuantizeLinear (x, half) q = DequantizeLinear (a, odd, z) v = MatMul (q, w) {OUT}",
        VECTOR,
        {"w": W34, "z": np.uint8(3)},
    ),
    "qcdq_weights": (
        f"{IN} a = QuantizeLinear <axis = 0> (w, s, z) c = Clip (a, lo, hi) u = DequantizeLinear <axis = 0> (c, s, z) "
        f"v = Conv (q, u) {IMAGE_OUT}",
        IMAGE,
        {
            "w": RANDOM.normal(size=(4, 2, 2, 2)),
            "s": np.array([0.1, 0.2, 0.3, 0.4]),
            "z": np.zeros(4, np.int8),
            "lo": np.int8(-7),
            "hi": np.int8(7),
        },
    ),
    "qcdq_integer_weights": (
        f"{IN} u = DequantizeLinear (w, odd, z) v = MatMul (q, u) {OUT}",
        VECTOR,
        {"w": RANDOM.integers(-9, 9, (4, 3)).astype(np.int8), "z": np.int8(2)},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_graph_equals_the_file(tmp_path, name):
    nodes, shape, tensors = MODELS[name]
    path = write(model_of(nodes, shape, tensors), tmp_path)
    captured = capture(path)
    inputs = np.concatenate([corner_inputs(captured, 32)[-50:], random_inputs(captured, 60, 3)])
    report = report_of(captured, path, inputs)
    assert report.total_mismatches == 0, report.summary()
    assert report.is_explained, report.summary()
    (port,) = captured.graph.outputs
    results = captured.graph.evaluate({captured.input: captured.quantise_input(inputs)})
    expected = Reference(path)(inputs)["y"] if "keepdims = 0> (h)" not in nodes else None
    if expected is not None and captured.notes == ():
        # Both in float64; the reference multiplies by scales before it adds.
        assert np.allclose(port.decode(results[port.node]), expected, rtol=0, atol=1e-9)


def test_every_operator_is_here():
    used = {word for nodes, _, _ in MODELS.values() for word in nodes.replace("custom_op.general.", " ").split()}
    assert set(HANDLERS) - used == {"LogSoftmax", "Sigmoid"}
