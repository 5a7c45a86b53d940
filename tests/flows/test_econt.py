"""The Brevitas encoder as a design: the shipped model, third-party models, and what must be refused."""

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from codesign.data.shower import generate
from codesign.errors import BadInputError
from codesign.flows.designs.econt import DESIGN, with_cells
from codesign.frontend.brevitas import capture
from codesign.graph_json import graph_from_json
from codesign.models.compare import load_model
from codesign.ops import OPERATORS
from codesign.options import RunOptions
from codesign.rtl import emit
from codesign.schedule import schedule

SHIPPED = Path(str(resources.files("codesign.models") / "econt.safetensors"))


def bind(tmp_path, **options):
    return DESIGN.bind(RunOptions("econt", tmp_path, vectors=20, **options))


@pytest.mark.parametrize("option", [{"rounding": "half"}, {"drop_bits": 1}])
def test_how_codes_are_read_means_nothing_without_data(option, tmp_path):
    with pytest.raises(BadInputError, match="give --data too"):
        bind(tmp_path, **option)


def test_the_shipped_encoder_takes_two_cycles_and_reads_48_cells(tmp_path):
    bound = bind(tmp_path)
    plan = schedule(bound.graph, cuts=bound.cuts)
    assert (plan.latency_cycles, plan.ii_cycles) == (2, 1)
    assert bound.graph.types["cells"].shape == (48,)
    assert bound.graph.types["latent"].shape == (16,)


def test_the_graph_equals_the_model_on_corners_and_random_inputs(tmp_path):
    exactness = bind(tmp_path).check(500)
    assert exactness.values > 100_000
    assert exactness.mismatches == exactness.float32_unexplained == 0


def test_wiring_the_cells_changes_no_value(tmp_path):
    captured = capture(load_model(SHIPPED).encoder, (1, 8, 8), name="econt")
    graph = with_cells(captured.graph, captured.input)
    bound = bind(tmp_path)
    image = graph.evaluate(bound.inputs)
    direct = captured.graph.evaluate({captured.input: image[captured.input]})
    np.testing.assert_array_equal(image["latent"], direct["latent"])
    assert np.count_nonzero(image[captured.input]) == np.count_nonzero(bound.inputs["cells"])


def test_the_same_model_and_options_give_the_same_bytes(tmp_path):
    first, second = (emit(b.graph, schedule(b.graph), tmr="registers", clock_ns=25.0) for b in [bind(tmp_path)] * 2)
    again = bind(tmp_path).graph
    assert first == second
    assert emit(again, schedule(again), tmr="registers", clock_ns=25.0).files == first.files


def test_the_graph_survives_json(tmp_path):
    graph = bind(tmp_path).graph
    assert graph_from_json(graph.to_json(), OPERATORS).digest == graph.digest


def test_the_physics_of_the_response_is_that_of_the_model(tmp_path):
    bound = bind(tmp_path)
    rows = bound.physics(bound.graph.evaluate(bound.inputs), tmp_path)
    means = {row.name: row.value for row in rows if row.metric == "emd_shape"}
    assert means["RTL response"] == pytest.approx(means["Brevitas model"], rel=1e-6)  # float32 decoder, other batches
    assert (tmp_path / "physics.json").is_file()
    events = json.loads((tmp_path / "events.json").read_text())
    assert np.shape(events["charges"]) == np.shape(events["decoded"]) == (len(events["latents"]), 48)
    np.testing.assert_array_equal(
        events["latents"], bound.graph.evaluate(bound.inputs)["latent"][: len(events["latents"])]
    )
    assert events["latent_bits"] == bound.graph.types["latent"].fixed.width


def test_float_weights_need_a_named_width(tmp_path, shared_data):
    model = shared_data / "models" / "econt_brevitas_qr4_qi4_qinp8.npz"
    with pytest.raises(BadInputError, match="'conv': weights are float; name a bit width"):
        bind(tmp_path, model=model)
    assert bind(tmp_path, model=model, weight_bits=6).graph.types["conv.weight"].fixed.width == 6
    with pytest.raises(BadInputError, match="no float weights"):
        bind(tmp_path, weight_bits=6)


def test_an_input_format_puts_the_quantiser_into_the_hardware(tmp_path):
    bound = bind(tmp_path, input_format="u8.7")
    assert str(bound.graph.types["cells"].fixed) == "u8.7"
    assert "input_quant" in bound.graph.types
    assert bound.check(100).mismatches == 0
    with pytest.raises(BadInputError, match=r"must be like u8\.7"):
        bind(tmp_path, input_format="8.7")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.pt", b"\x80\x04", "pickle"),
        ("model.safetensors", b"garbage", "safetensors"),
        ("model.npz", b"PK\x03\x04", "npz"),
    ],
)
def test_damaged_and_dangerous_models_are_refused_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=message) as caught:
        bind(tmp_path, model=path)
    assert "\n" not in str(caught.value)


def test_data_is_read_by_path_and_bad_data_refused(tmp_path):
    good, bad = tmp_path / "good.npz", tmp_path / "bad.npz"
    np.savez(good, calq=generate(30, seed=1))
    np.savez(bad, calq=np.full((3, 48), np.nan))
    assert bind(tmp_path, data=good).inputs["cells"].shape == (20, 48)
    with pytest.raises(BadInputError, match="NaN"):
        bind(tmp_path, data=bad)
    with pytest.raises(BadInputError, match="no file"):
        bind(tmp_path, data=tmp_path / "nowhere.npz")
