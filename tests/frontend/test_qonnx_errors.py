"""What the QONNX front end refuses: one line that names the file, node or tensor and the rule."""

import os

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from codesign.errors import BadInputError
from codesign.frontend.qonnx import capture
from tests.frontend.qonnx_text import QUANT, UNSIGNED, model_of, write

W34 = np.arange(12).reshape(4, 3) / 8.0 - 0.5
IMAGE = (2, 5, 6)
KERNEL = np.ones((2, 2, 3, 3))
IN = f"q = {QUANT} (x, half, zero, b4)"
DENSE = f"{IN} y = MatMul (q, w)"
BIPOLAR = "qonnx.custom_op.general.BipolarQuant"

# nodes, shape, tensors, pattern, and the opset if it is not 13
NODES = {
    "unknown operator": (
        f"{IN} h = MatMul (q, w) y = Sin (h)",
        (4,),
        {"w": W34},
        r"^node '.*': Sin is not supported; use one of Add, ",
    ),
    "no operator": (f"{IN} y = Sine (q)", (4,), {}, r"opset 13 of ONNX has no operator 'Sine'$"),
    "domain": (
        "y = ai.other.Quant (x)",
        (4,),
        {},
        r"domain 'ai.other' of Quant is not supported; use one of '', 'qonnx",
    ),
    "qonnx operator": (
        "y = qonnx.custom_op.general.FloatQuant (x)",
        (4,),
        {},
        r"QONNX operator 'FloatQuant' is not supp",
    ),
    "attribute": (
        f"{IN} y = Relu <slope = 1> (q)",
        (4,),
        {},
        r"Relu of opset 13 has no attribute 'slope'; it has none$",
    ),
    "attribute of another opset": (
        f"{IN} y = Squeeze <axes = [1]> (q)",
        (1, 4),
        {},
        r"Squeeze of opset 13 has no attribute",
    ),
    "attribute type": (
        f"{IN} y = Flatten <axis = 1.5> (q)",
        (4,),
        {},
        r"attribute 'axis' must be of type INT, not FLOAT$",
    ),
    "attribute missing": (f"{IN} y = Concat (q, q)", (4,), {}, r"Concat of opset 13 needs attribute 'axis'$"),
    "attribute of Quant missing": (
        "y = qonnx.custom_op.general.Quant <signed = 1> (x, half, zero, b4)",
        (4,),
        {},
        r"^node '.*': Quant needs attribute 'narrow'$",
    ),
    "number of inputs": (f"{IN} y = Add (q)", (4,), {}, r"Add takes 2 to 2 inputs, not 1$"),
    "inputs of Quant": (f"y = {QUANT} (x, half, zero)", (4,), {}, r"Quant takes 4 inputs, not 3$"),
    "cycle": (
        f"{IN} a = Add (q, c) c = Add (a, q) y = Add (c, q)",
        (4,),
        {},
        r"^'model.onnx': its nodes read each other in a cycle$",
    ),
    "missing initialiser": (DENSE, (4,), {}, r"^node '.*': reads 'w', which no node, input or initialiser defines$"),
    "defined twice": (f"{IN} q = Relu (x) y = Relu (q)", (4,), {}, r"^'model.onnx': tensor 'q' is defined twice$"),
    "no output": (f"{IN} z = Relu (q)", (4,), {}, r"no node computes output 'y'$"),
    "NaN": (DENSE, (4,), {"w": np.full((4, 3), np.nan)}, r"^tensor 'w' holds NaN or infinity$"),
    "constant arithmetic": (
        f"{IN} c = Div (w, zero) y = MatMul (q, c)",
        (4,),
        {"w": W34},
        r"^node '.*': its result holds NaN or infinity$",
    ),
    "real input": ("y = MatMul (x, w)", (4,), {"w": W34}, r"^node '.*': its input is not quantised; put a quantiser"),
    "real input scaled": (
        f"a = Mul (x, odd) y = {QUANT} (a, odd, zero, b4)",
        (4,),
        {},
        r"the input is scaled before its quantiser; give input_type$",
    ),
    "real input bipolar": (f"y = {BIPOLAR} (x, half)", (4,), {}, r"it reads the real-valued input; give input_type$"),
    "not quantised": (
        f"{IN} h = MatMul (q, w) y = MatMul (h, u)",
        (4,),
        {"w": W34, "u": W34[:3]},
        "its input is not quantised",
    ),
    "float weights": (DENSE, (4,), {"w": np.full((4, 3), 0.1)}, r"its weights are float; quantise them \(Quant, Bip"),
    "weights on the left": (f"{IN} y = MatMul (w, q)", (4,), {"w": W34.T}, "constant weights on the left"),
    "weights that do not fit": (
        DENSE,
        (5,),
        {"w": W34},
        r"weights \(inputs, outputs\) \(4, 3\) do not fit a value of shape",
    ),
    "two products": (f"{IN} y = Mul (q, q)", (4,), {}, "Mul of two values is not supported"),
    "difference": (f"{IN} y = Sub (q, q)", (4,), {}, "Sub of two values is not supported"),
    "division by a value": (f"{IN} y = Div (half, q)", (4,), {}, "Div is supported by a constant only"),
    "division by zero": (f"{IN} y = Div (q, zero)", (4,), {}, "Div by zero"),
    "times zero": (f"{IN} y = Mul (q, zero)", (4,), {}, "Mul by zero loses the value"),
    "constant of another shape": (
        f"{IN} y = Add (q, w)",
        (4,),
        {"w": W34},
        r"does not broadcast over \(4,\)|differs along",
    ),
    "constant along the batch": (f"{IN} y = Add (q, w)", (3,), {"w": W34}, r"differs along the batch$"),
    "scales of addends": (
        f"{IN} h = MatMul (q, w) a = {QUANT} (h, odd, zero, b4) y = Add (q, a)",
        (3,),
        {"w": W34[:3]},
        r"scales of the addends differ; share one quantiser between them$",
    ),
    "scale is computed": (f"{IN} y = {QUANT} (q, q, zero, b4)", (4,), {}, "operand 1 of Quant must be constant"),
    "scale is negative": (f"{IN} y = {QUANT} (q, s, zero, b4)", (4,), {"s": -0.5}, "its scale must be positive"),
    "bit width": (
        f"{IN} y = {QUANT} (q, half, zero, b)",
        (4,),
        {"b": 4.5},
        r"one whole number from 1 to 62, not \[4.5\]",
    ),
    "bit width per channel": (f"{IN} y = {QUANT} (q, half, zero, b)", (4,), {"b": np.full(4, 3.0)}, "one whole number"),
    "rounding": (
        f"{IN} y = {QUANT.replace('ROUND', 'DPU')} (q, half, zero, b4)",
        (4,),
        {},
        "rounding mode DPU is not supp",
    ),
    "one bit with zero point": (f"{IN} y = {QUANT} (q, half, half, b1)", (4,), {}, "one signed bit with a zero point"),
    "weights around a fraction": (
        f"{IN} c = {QUANT} (w, half, odd, b4) y = MatMul (q, c)",
        (4,),
        {"w": W34},
        "zero point of constants must be whole",
    ),
    "weight scale per input": (
        f"{IN} c = {QUANT} (w, s, zero, b4) y = MatMul (q, c)",
        (4,),
        {"w": W34, "s": np.arange(1.0, 5.0).reshape(4, 1)},
        "scale of its weights must be one, or one an output channel",
    ),
    "data scale per channel": (
        f"q = {QUANT} (x, s, zero, b4) y = Conv (q, w)",
        IMAGE,
        {"w": KERNEL, "s": np.array([0.5, 0.25]).reshape(1, 2, 1, 1)},
        "its input has a scale per channel; quantise it per tensor$",
    ),
    "padding of binary data": (
        f"{IN} h = {BIPOLAR} (q, half) y = Conv <pads = [1, 1, 1, 1]> (h, w)",
        IMAGE,
        {"w": KERNEL},
        "padding needs data with an integer zero point, not -0.5",
    ),
    "QuantizeLinear alone": (
        "y = QuantizeLinear (x, half)",
        (4,),
        {},
        "output 'y' does not depend on the input, or lacks",
    ),
    "integers used": (
        "q = QuantizeLinear (x, half) y = Relu (q)",
        (4,),
        {},
        "must be a value, not integers without a Deq",
    ),
    "DequantizeLinear alone": (
        f"{IN} y = DequantizeLinear (q, half)",
        (4,),
        {},
        "DequantizeLinear must follow QuantizeLin",
    ),
    "zero point per channel": (
        "q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z)",
        (2, 3),
        {"s": np.array([0.5, 0.25]), "z": np.array([0, 1], np.int8)},
        "a zero point per channel is not supported for activations",
    ),
    "Clip to fractions": (
        "a = QuantizeLinear (x, half) b = Clip (a, zero, odd) y = DequantizeLinear (b, half)",
        (4,),
        {},
        "must be a range of integers",
    ),
    "Clip of values": (f"{IN} y = Clip (q, zero, half)", (4,), {}, r"Clip to 0.0..0.5 is not supported"),
    "groups": (f"{IN} y = Conv <group = 2> (q, w)", IMAGE, {"w": KERNEL}, "convolution needs data"),
    "pads": (
        f"{IN} y = Conv <pads = [1, 1]> (q, w)",
        IMAGE,
        {"w": KERNEL},
        r"pads must be 4 numbers of 0 or more, not \(1, 1\)",
    ),
    "strides": (
        f"{IN} y = Conv <strides = [0, 1]> (q, w)",
        IMAGE,
        {"w": KERNEL},
        "strides must be 2 numbers of 1 or more",
    ),
    "auto_pad": (
        f'{IN} y = Conv <auto_pad = "HALF"> (q, w)',
        IMAGE,
        {"w": KERNEL},
        "auto_pad must be NOTSET, VALID, SAME",
    ),
    "kernel too large": (
        f"{IN} y = Conv (q, w)",
        (2, 2, 2),
        {"w": KERNEL},
        "kernel .* is larger than the padded image",
    ),
    "bias": (f"{IN} y = Conv (q, w, b)", IMAGE, {"w": KERNEL, "b": np.ones(3)}, "bias must hold 1 or 2 numbers, not 3"),
    "ceil_mode": (f"{IN} y = MaxPool <kernel_shape = [2, 2], ceil_mode = 1> (q)", IMAGE, {}, "without ceil_mode"),
    "pool of a vector": (f"{IN} y = GlobalAveragePool (q)", (4,), {}, "pooling needs images"),
    "indices of a pool": (
        f"{IN} m, i = MaxPool <kernel_shape = [2, 2]> (q) y = Relu (i)",
        IMAGE,
        {},
        "its second output 'i' is not supported",
    ),
    "ReduceMean of channels": (
        f"{IN} y = ReduceMean <axes = [1, 2]> (q)",
        IMAGE,
        {},
        "over all axes behind the channels",
    ),
    "Concat of the batch": (
        f"{IN} y = Concat <axis = 0> (q, q)",
        (4,),
        {},
        "axis 0 must be one behind the batch of 2 axes",
    ),
    "Concat of a constant": (
        f"{IN} y = Concat <axis = 1> (q, w)",
        (4,),
        {"w": W34[:1]},
        "must be a value, not a constant",
    ),
    "Concat of shapes": (
        f"{IN} r = MaxPool <kernel_shape = [2, 2]> (q) y = Concat <axis = 1> (q, r)",
        IMAGE,
        {},
        "do not join along axis 0",
    ),
    "ArgMax of scales": (
        f"q = {QUANT} (x, s, zero, b4) y = ArgMax <axis = 1> (q)",
        (2,),
        {"s": [[0.5, 0.25]]},
        "ArgMax needs one positive scale",
    ),
    "last of equals": (
        f"{IN} y = ArgMax <axis = 1, select_last_index = 1> (q)",
        (4,),
        {},
        "select_last_index is not supp",
    ),
    "Softmax inside": (
        f"{IN} h = MatMul (q, w) s = Softmax (h) y = {UNSIGNED} (s, half, zero, b4)",
        (4,),
        {"w": W34},
        "only at the end",
    ),
    "Softmax of another axis": (
        f"{IN} s = Softmax <axis = 2> (q) y = ArgMax <axis = 1> (s)",
        (2, 3),
        {},
        "only at the end, where software computes it, or before its ArgMax",
    ),
    "batch moved": (f"{IN} y = Transpose <perm = [1, 0]> (q)", (4,), {}, "moves the batch axis"),
    "perm": (f"{IN} y = Transpose <perm = [0, 0]> (q)", (4,), {}, "perm must hold every axis 0 to 1 once"),
    "batch lost": (
        f"{IN} y = Reshape (q, s)",
        (4,),
        {"s": np.array([4])},
        r"result \(4,\) has lost the batch axis; keep axis 0$",
    ),
    "reshape": (f"{IN} y = Reshape (q, s)", (4,), {"s": np.array([1, 5])}, r"cannot reshape \(1, 4\) to \(1, 5\)$"),
    "pad mode": (
        f'{IN} y = Pad <mode = "edge"> (q, s)',
        IMAGE,
        {"s": np.ones(8, np.int64)},
        "only constant zero padding",
    ),
    "pad value": (
        f"{IN} y = Pad (q, s, half)",
        IMAGE,
        {"s": np.ones(8, np.int64)},
        "only zeros around rows and columns",
    ),
    "pad of channels": (f"{IN} y = Pad (q, s)", IMAGE, {"s": np.ones(8, np.int64)}, "only rows and columns of images"),
    "training": (
        f"{IN} h = MatMul (q, w) y = BatchNormalization <training_mode = 1> (h, s, s, s, s)",
        (4,),
        {"w": W34, "s": np.ones(3)},
        "in training mode",
        15,
    ),
    "fold of an operator": (
        f"{IN} c = Sin (w) y = MatMul (q, c)",
        (4,),
        {"w": W34},
        "Sin of constants is not supported; fold it",
    ),
    "output of constants": (f"{IN} y = Mul (half, half)", (4,), {}, "output 'y' does not depend on the input"),
    "blow-up": (
        f"{IN} c = Mul (w, u) y = MatMul (q, c)",
        (4,),
        {"w": np.ones((9000, 1)), "u": np.ones(9000)},
        "has 81000000 elements; at most 67108864",
    ),
    "empty operand": (f"{IN} y = {QUANT} (q, s, zero, b4)", (4,), {"s": np.zeros(0)}, "operand 1 of Quant is empty"),
    "quantiser of another shape": (
        f"{IN} c = {QUANT} (w, s, zero, b4) y = MatMul (q, c)",
        (4,),
        {"w": W34, "s": np.ones(5)},
        r"Quant of constants of shapes \(4, 3\), \(5,\), \(\), \(\) is not possible",
    ),
    "huge padding": (
        f"{IN} y = Conv <pads = [4000000, 0, 0, 4000000]> (q, w)",
        IMAGE,
        {"w": KERNEL},
        "its padded image has .* elements; at most 67108864",
    ),
    "huge padding node": (
        f"{IN} y = Pad (q, s)",
        IMAGE,
        {"s": np.array([0, 0, 5000, 0, 0, 0, 0, 0])},
        "at most 4096 rows or columns of padding",
    ),
    "huge kernel": (
        f"{IN} y = AveragePool <kernel_shape = [100000, 100000]> (q)",
        IMAGE,
        {},
        "its kernel has 10000000000 elements",
    ),
    "input scale too large": (
        f"a = Mul (x, s) y = {QUANT} (a, big, zero, b4)",
        (4,),
        {"s": 2.0**-1000, "big": 2.0**1000},
        "the scale of its quantiser is too large or too small$",
    ),
    "numbers too large": (
        f"{IN} h = Mul (q, s) y = Mul (h, s)",
        (4,),
        {"s": 1e300},
        "its numbers are too large or too small",
    ),
}


def refused(path):
    """Capture a file that must be refused, and return the one line."""
    with pytest.raises(BadInputError) as caught:
        capture(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("case", NODES)
def test_one_line_names_the_node_and_the_rule(tmp_path, case):
    nodes, shape, tensors, pattern, *opset = NODES[case]
    path = write(model_of(nodes, shape, tensors, opset=(*opset, 13)[0]), tmp_path)
    with pytest.raises(BadInputError, match=pattern) as caught:
        capture(path)
    assert "\n" not in str(caught.value)


def plain():
    return model_of(DENSE, (4,), {"w": W34})


def changed(change):
    model = plain()
    change(model)
    return model


def first_dim(model):
    return model.graph.input[0].type.tensor_type.shape.dim


def no_shape(model):
    model.graph.input[0].type.tensor_type.ClearField("shape")


def of_type(model, name, data_type):
    (tensor,) = (one for one in model.graph.initializer if one.name == name)
    tensor.data_type = data_type


def huge(model):
    (tensor,) = (one for one in model.graph.initializer if one.name == "w")
    del tensor.dims[:]
    tensor.dims.extend([1 << 20, 1 << 20])


MODELS = {
    "dynamic shape": (lambda m: setattr(first_dim(m)[1], "dim_param", "n"), r"size of axis 1 is dynamic; fix it"),
    "one axis": (lambda m: first_dim(m).pop(), r"must have a batch axis and at least one more, not 1 axes$"),
    "no shape": (no_shape, r"^input 'x' must be a tensor of known shape$"),
    "huge input": (lambda m: setattr(first_dim(m)[1], "dim_value", 1 << 40), r"at most 67108864 are read$"),
    "two inputs": (
        lambda m: m.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4])),
        r"^'model.onnx': the model must read one tensor, not 2 \(x, z\)$",
    ),
    "no opset": (lambda m: m.opset_import.pop(0), r"^'model.onnx': opset 0 of ONNX must be 1 to \d+$"),
    "future opset": (lambda m: setattr(m.opset_import[0], "version", 999), r"opset 999 of ONNX must be 1 to"),
    "oversized tensor": (huge, r"^tensor 'w' has 1099511627776 elements; at most 67108864 are read$"),
    "data missing": (
        lambda m: m.graph.initializer[0].ClearField("raw_data"),
        r"is damaged: its data do not fill shape",
    ),
    "text tensor": (lambda m: of_type(m, "w", TensorProto.STRING), r"element type .*STRING is not supported"),
    "unknown type": (lambda m: of_type(m, "w", 99), r"element type unknown is not supported"),
    "sparse": (lambda m: m.graph.sparse_initializer.add(), r"sparse initialisers are not supported"),
    "subgraph": (
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("g", m.graph)),
        r"attribute 'g' is neither number, text",
    ),
    "attribute NaN": (
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("g", float("nan"))),
        r"attribute 'g' holds NaN or infinity",
    ),
    "no outputs of a node": (lambda m: m.graph.node[0].output.pop(), r"has no output$"),
    "no nodes": (lambda m: m.graph.ClearField("node"), r"is no ONNX model, or is damaged: it holds no nodes$"),
}


@pytest.mark.parametrize("case", MODELS)
def test_one_line_names_what_is_wrong_with_the_file(tmp_path, case):
    change, pattern = MODELS[case]
    path = write(changed(change), tmp_path)
    with pytest.raises(BadInputError, match=pattern) as caught:
        capture(path)
    assert "\n" not in str(caught.value)


def test_the_batch_alone_may_be_dynamic(tmp_path):
    captured = capture(write(changed(lambda m: setattr(first_dim(m)[0], "dim_param", "batch")), tmp_path))
    assert captured.graph.types[captured.input].shape == (4,)


def test_files_that_are_no_models(tmp_path):
    assert "cannot read" in refused(tmp_path / "missing.onnx")
    assert "cannot read" in refused(tmp_path)
    for content in (b"", b"not a model", os.urandom(300), b"\x00" * 100):
        path = tmp_path / "garbage.onnx"
        path.write_bytes(content)
        assert "is no ONNX model, or is damaged" in refused(path)


def test_a_name_that_is_no_text(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(plain().SerializeToString().replace(b"MatMul", b"Mat\xff\xfel"))
    assert refused(path).endswith("is damaged: a name is no UTF-8 text")


def external(model, location, **entries):
    """Move the weights of a model to an external file, by name only."""
    (tensor,) = (one for one in model.graph.initializer if one.name == "w")
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return data


def test_external_data_beside_the_model_are_read(tmp_path):
    model = plain()
    data = external(model, "weights/data.bin", offset=8, length=12 * 8)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "data.bin").write_bytes(b"\x00" * 8 + data)
    inside = capture(write(plain(), tmp_path, "inside.onnx"))
    assert capture(write(model, tmp_path)).graph.digest == inside.graph.digest


@pytest.mark.parametrize(
    "location", ["../data.bin", "/etc/passwd", "sub/../../data.bin", "..\\data.bin", "", "C:\\data"]
)
def test_external_data_must_lie_in_the_folder(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    model = plain()
    (tmp_path / "data.bin").write_bytes(external(model, location))
    assert refused(write(model, folder)).endswith("must be a path inside of the model's folder")


def test_external_data_through_a_link_must_lie_in_the_folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    model = plain()
    (tmp_path / "data.bin").write_bytes(external(model, "link.bin"))
    (folder / "link.bin").symlink_to(tmp_path / "data.bin")
    assert refused(write(model, folder)).endswith("external data 'link.bin' leads out of the model's folder")


@pytest.mark.parametrize(
    "entries", [{"offset": -1}, {"offset": 1}, {"length": 7}, {"length": "x"}, {"offset": 1 << 70}]
)
def test_external_data_must_be_whole(tmp_path, entries):
    model = plain()
    (tmp_path / "data.bin").write_bytes(external(model, "data.bin", **entries))
    assert refused(write(model, tmp_path)).endswith("must be a file with its 96 bytes")


def test_external_data_that_are_missing(tmp_path):
    model = plain()
    external(model, "data.bin")
    assert refused(write(model, tmp_path)).endswith("must be a file with its 96 bytes")


CONV = (
    f"{IN} c = Conv <pads = [1, 1, 1, 1]> (q, w, b) r = Relu (c) a = {UNSIGNED} (r, odd, zero, b4) "
    f"m = MaxPool <kernel_shape = [2, 2]> (a) f = Flatten (m) d = MatMul (f, u) y = Softmax (d)"
)
SOUND = model_of(CONV, (2, 3, 3), {"w": KERNEL, "b": np.array([0.5, 0.1]), "u": np.ones((8, 2))}).SerializeToString()


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.data())
def test_damaged_files_give_one_line_or_a_graph(tmp_path_factory, data):
    """Truncated, with bytes changed, or with bytes cut out: never anything but a `BadInputError` of one line."""
    content = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "end"]))
        if kind == "change":
            content[place] = data.draw(st.integers(0, 255))
        else:
            del content[place : place + data.draw(st.integers(1, 8)) if kind == "cut" else max(place, 10)]
    path = tmp_path_factory.mktemp("damaged") / "model.onnx"
    path.write_bytes(bytes(content))
    try:
        captured = capture(path)
    except BadInputError as error:
        assert "\n" not in str(error)
    else:
        assert captured.graph.outputs


def test_the_sound_file_is_captured(tmp_path):
    """Negative control of the damage: the file that it starts from is fine."""
    path = tmp_path / "model.onnx"
    path.write_bytes(SOUND)
    assert capture(path).notes
    assert onnx.load(path).graph.node
    assert numpy_helper.to_array(onnx.load(path).graph.initializer[0]).size
