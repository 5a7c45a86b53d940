"""The Python API: conversion, exact prediction and trace, the flow of the command line, tables for notebooks."""

import dataclasses
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint, Int8WeightPerTensorFixedPoint
from torch import nn

import codesign
from codesign import api
from codesign.errors import BadInputError
from codesign.flows.model_check import shipped_checkpoint
from codesign.flows.run import compile_design
from codesign.frontend.inputs import IndexInput, RealInput
from codesign.models.checkpoint import load_checkpoint
from codesign.models.interaction_network import FAMILY
from codesign.options import python_options
from codesign.report import Constraint, Design, Equality, Quantity, Report, write_report
from tests.frontend.qonnx_text import QUANT, model_of, write


class Small(nn.Module):
    """6 -> 4 -> 2, on a grid of 1/8 so that every value is exact in any float format."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        torch.manual_seed(seed)
        activation = {"act_quant": Int8ActPerTensorFixedPoint, "scaling_impl_type": "const", "scaling_init": 16.0}
        weights = {"weight_quant": Int8WeightPerTensorFixedPoint, "bias": False}
        self.first = qnn.QuantIdentity(**activation)
        self.fc1 = qnn.QuantLinear(6, 4, **weights)
        self.middle = qnn.QuantIdentity(**activation)
        self.fc2 = qnn.QuantLinear(4, 2, **weights)
        self.last = qnn.QuantIdentity(**activation)

    def forward(self, x):
        return self.last(self.fc2(self.middle(self.fc1(self.first(x)))))


@pytest.fixture(scope="module")
def small():
    return Small().eval()


@pytest.fixture(scope="module")
def events():
    return np.random.default_rng(2).uniform(-20, 20, (50, 6))


@pytest.fixture(scope="module")
def hardware(small, events):
    return codesign.api.convert(small, input_shape=(6,), inputs=events, tag="tiny", reuse={"fc1": 2})


def test_the_prediction_is_that_of_the_model(small, events, hardware):
    (found,) = hardware.predict(events).values()
    with torch.no_grad():
        expected = small.double()(torch.from_numpy(events))
    expected = getattr(expected, "value", expected)
    assert np.array_equal(found.real, expected.numpy())
    assert np.array_equal(found.integers, hardware.graph.evaluate(hardware.inputs)[hardware.graph.outputs[0].node])


def test_integers_are_those_of_the_port_and_reals_are_quantised(events, hardware):
    reals, integers = hardware.predict(events), hardware.predict(hardware.inputs)
    assert all(np.array_equal(reals[name].integers, integers[name].integers) for name in reals)
    moved = hardware.predict(events + 1.0)
    assert any((reals[name].integers != moved[name].integers).any() for name in reals)


def test_the_trace_holds_every_moving_node_and_means_what_the_modules_give(small, events, hardware):
    trace = hardware.trace(events)
    assert list(trace) == [node.name for node in hardware.graph.nodes if node.name not in hardware.graph.static]
    for name, expected in hardware.graph.evaluate(hardware.inputs).items():
        assert name not in trace or np.array_equal(trace[name].integers, expected)
    with torch.no_grad():
        first = small.double().fc1(small.first(torch.from_numpy(events)))
    assert np.array_equal(trace["fc1"].real, getattr(first, "value", first).numpy())


def test_two_traces_part_at_the_node_that_was_changed(small, events, hardware):
    changed = Small().eval()
    with torch.no_grad():
        changed.fc2.weight[0, 0] *= -1
    other = api.convert(changed, input_shape=(6,)).trace(events)
    found = api.differences(hardware.trace(events), other)
    assert found[0].node == "fc2"
    assert 0 < found[0].differing <= found[0].values == 100
    assert found[0].largest > 0
    assert api.differences(other, other) == ()


def test_traces_of_strangers_are_refused(events, hardware):
    trace = hardware.trace(events)
    with pytest.raises(BadInputError, match="no node in common"):
        api.differences(trace, {})
    with pytest.raises(BadInputError, match="has shapes"):
        api.differences(trace, hardware.trace(events[:3]))


def test_compile_is_the_step_of_the_command_line(hardware, tmp_path):
    block = hardware.compile(tmp_path / "tiny")
    assert block.folder == tmp_path / "tiny" / "03-compile" / "rtl"
    assert (block.folder / f"{block.top}.v").is_file()
    assert block.ii_cycles == 2
    assert block.register_bits > 0
    before = (block.folder / "manifest.json").stat().st_mtime_ns
    assert hardware.compile(tmp_path / "tiny") == block
    assert (block.folder / "manifest.json").stat().st_mtime_ns == before, "a step that is right is kept"


def test_another_model_in_the_same_folder_is_compiled_again(hardware, tmp_path):
    hardware.compile(tmp_path / "tiny")
    other = api.convert(Small(seed=5).eval(), input_shape=(6,), tag="tiny", reuse={"fc1": 2})
    assert other.bound.model_sha256 != hardware.bound.model_sha256
    block = other.compile(tmp_path / "tiny")
    assert other.graph.digest in (block.folder / "manifest.json").read_text()


def test_weights_that_round_to_the_same_integers_are_another_model(small, hardware):
    moved = Small().eval()
    with torch.no_grad():
        moved.fc1.weight += 1e-7
    other = api.convert(moved, input_shape=(6,), tag="tiny")
    assert other.graph.digest == hardware.graph.digest
    assert other.bound.model_sha256 != hardware.bound.model_sha256


def test_a_shipped_design_gives_the_block_of_the_command_line(tmp_path):
    design = api.convert("jet_tagger", vectors=20, reuse={"*": 8}, output=tmp_path, tag="python")
    assert {"fc1", "fc2"} <= set(design.trace(design.inputs))
    block = design.compile()
    compile_design(dataclasses.replace(design.options, tag="command"))
    files = [tmp_path / tag / "03-compile" / "rtl" / "manifest.json" for tag in ("python", "command")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert block.ii_cycles == 8


def test_an_onnx_file_is_converted(tmp_path):
    text = f"q = {QUANT} (x, half, zero, b4) m = MatMul (q, w) y = {QUANT} (m, quarter, zero, b8)"
    path = write(model_of(text, (3,), {"w": np.array([[0.5], [-0.5], [1.0]])}), tmp_path)
    design = api.convert(path)
    (found,) = design.predict(np.array([[1.0, 0.5, 2.0], [0.0, 1.0, 0.0]])).values()
    assert found.real.tolist() == [[2.25], [-0.5]]
    assert design.options.model == path


def test_a_graph_network_is_converted():
    model = load_checkpoint(shipped_checkpoint("interaction_network"), FAMILY).double()
    index = IndexInput(6, 4)
    shape = {"x": RealInput((4, 3)), "edge_attr": RealInput((6, 4)), "sender": index, "receiver": index}
    design = api.convert(model, input_shape=shape, vectors=5)
    assert {name: one.integers.shape for name, one in design.predict(design.inputs).items()} == {
        "sigmoid": (5, 6, 1),
        "index_fault": (5, 1),
    }
    assert design.bound.check(30).mismatches == 0
    with pytest.raises(BadInputError, match="by name, in a mapping"):
        design.predict(np.zeros((5, 4, 3)))


@pytest.mark.slow
def test_a_module_runs_through_the_whole_flow(hardware, tmp_path):
    assert all(row.equal == row.total > 0 for row in hardware.verify(tmp_path / "tiny").equality)
    run = hardware.build(tmp_path / "tiny", check_vectors=200, constraints="latency <= 100 ns")
    names = [row.name for row in run.report.equality]
    assert any("Brevitas model" in name for name in names)
    assert run.report.constraints[0].met
    assert run.folder == tmp_path / "tiny"
    html = run._repr_html_()
    assert "Meets its budget" in html
    assert 'href="' in html
    assert (tmp_path / "tiny" / "report.html").is_file()
    assert hardware.report(tmp_path / "tiny").report == run.report


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        ("no_such_design", {}, "is no .onnx file and no design: deep_sets_jets"),
        (3, {}, "must be a Brevitas module"),
        ("module", {}, "a module needs input_shape"),
        ("jet_tagger", {"input_shape": (16,)}, "knows its inputs"),
        ("module", {"input_shape": (6,), "model": "x.npz"}, "names the checkpoint of a shipped design"),
        ("module", {"input_shape": (6,), "data": "x.npz"}, "has no use for --data"),
        ("module", {"input_shape": (6,), "inputs": np.zeros((2, 5))}, "must have shape"),
        ("file.onnx", {"input_shape": (6,)}, "leave input_shape out"),
    ],
)
def test_what_cannot_be_converted_is_refused(small, model, given, words):
    with pytest.raises(BadInputError, match=words) as caught:
        api.convert(small if model == "module" else model, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 5)), "must have shape"),
        (np.full((2, 6), np.nan), "NaN or infinite"),
        (np.full((2, 6), 1000), "must lie in"),
        ({"y": np.zeros((2, 6))}, "the inputs are"),
        (np.array([["a"] * 6]), "numbers"),
    ],
)
def test_events_that_do_not_fit_are_refused(hardware, x, words):
    with pytest.raises(BadInputError, match=words):
        hardware.predict(x)


def test_options_are_those_of_a_run():
    given = {"reuse": {"a": 2, "*": 4}, "engines": {56: 8}, "liberty": "l.lib", "constraints": "ii <= 5 ns", "tag": "t"}
    assert python_options(given) == {
        "reuse": (("a", 2), ("*", 4)),
        "engines": ((56, 8),),
        "liberty": Path("l.lib"),
        "constraints": ("ii <= 5 ns",),
        "tag": "t",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"reuze": {}}, "no option 'reuze'"),
        ({"model_sha256": "0"}, "no option 'model_sha256'"),
        ({"reuse": {"a": 0}}, "must be a whole number from 1"),
        ({"tmr": "twice"}, "--tmr must be one of"),
        ({"clock_ns": 0}, "clock_ns must be a number above 0"),
        ({"vectors": 1.5}, "vectors must be a whole number above 0"),
        ({"architecture": "round"}, "architecture must be one of nodes"),
        ({"tag": "../up"}, "--tag"),
    ],
)
def test_options_that_the_command_line_refuses_are_refused(given, words):
    with pytest.raises(BadInputError, match=words):
        python_options(given)


def test_another_option_captures_again_only_where_it_concerns_the_model(hardware):
    assert hardware.with_options(clock_ns=3.0).bound is hardware.bound
    coarse = hardware.with_options(input_format="s12.4")
    assert coarse.graph.digest != hardware.graph.digest
    assert str(coarse.graph.types[coarse.graph.inputs[0].node].fixed) == "s12.4"


def test_a_notebook_shows_the_graph(hardware):
    html = hardware._repr_html_()
    assert "<td>fc1</td><td>dense</td><td>4</td>" in html
    assert "<th>reuse</th>" in html
    assert html.count("<tr>") == 1 + sum(node.name not in hardware.graph.static for node in hardware.graph.nodes)


def small_report(folder: Path, equal: int) -> api.RunReport:
    clock = Quantity(value=5.0, unit="ns", kind="predicted", source="manifest.json")
    report = Report(
        design=Design(name="a<b", top="top", tmr="registers", clock=clock),
        constraints=(Constraint(name="latency", limit=20.0, unit="ns", value=10.0, met=equal == 4),),
        equality=(Equality(name="RTL = graph", equal=equal, total=4, source="equality.json"),),
    )
    write_report(report, folder)
    return api.RunReport(folder, report)


def test_a_notebook_shows_the_verdict(tmp_path):
    good, bad = small_report(tmp_path / "good", 4), small_report(tmp_path / "bad", 3)
    assert "Meets its budget" in good._repr_html_()
    assert "Misses its budget" in bad._repr_html_()
    assert "<td>3 of 4</td>" in bad._repr_html_()
    assert "a&lt;b" in good._repr_html_()
    assert "href" not in good._repr_html_(), "no link to a page that is not there"
    (tmp_path / "good" / "report.html").write_text("")
    assert f'href="{(tmp_path / "good" / "report.html").as_posix()}"' in good._repr_html_()


def test_a_run_without_a_report_has_none(hardware, tmp_path):
    with pytest.raises(BadInputError, match=r"report\.json"):
        hardware.report(tmp_path / "nothing")


def test_the_package_knows_nothing_else():
    with pytest.raises(AttributeError, match="no attribute 'apy'"):
        codesign.apy  # noqa: B018
