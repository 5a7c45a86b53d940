"""The jet tagger as a design: shipped checkpoint, data files, reuse, physics, and what must be refused."""

import numpy as np
import pytest

from codesign.data.jet_features import features
from codesign.data.jet_files import generated_jets
from codesign.data.jets import CLASSES, generate
from codesign.errors import BadInputError
from codesign.flows.designs.jet_tagger import DESIGN
from codesign.flows.model_check import shipped_checkpoint
from codesign.flows.run import verify_design
from codesign.graph_json import graph_from_json
from codesign.models.checkpoint import load_checkpoint
from codesign.models.jet_tagger import FAMILY, Architecture, JetTagger, with_normalisation
from codesign.ops import OPERATORS
from codesign.options import RunOptions
from codesign.schedule import reusable, schedule
from codesign.train.jet_tagger import wrong_fraction
from tests.frontend.qonnx_reference import Reference

QONNX = "jet_tagger_qkeras_6bit.onnx"
LOGITS = "Add_3_out0"  # what the softmax at the end of the file reads
REUSE = (1, 2, 4, 8, 16, 32)


def bind(tmp_path, **options):
    return DESIGN.bind(RunOptions("jet_tagger", tmp_path, **{"vectors": 300} | options))


@pytest.fixture(scope="module")
def bound(tmp_path_factory):
    return bind(tmp_path_factory.mktemp("bound"))


def test_the_shipped_tagger_beats_guessing_by_far():
    model = load_checkpoint(shipped_checkpoint("jet_tagger"), FAMILY)
    assert wrong_fraction(model, generated_jets(2000, seed=99)) < 0.37  # guessing: 0.8


def test_the_graph_equals_the_model_on_corners_and_random_inputs(bound):
    exactness = bound.check(300)
    assert exactness.values > 100_000
    assert exactness.mismatches == exactness.float32_unexplained == 0


def test_the_graph_is_the_network_and_survives_json(bound):
    types = bound.graph.types
    assert [types[name].size for name in ("x", "fc1", "fc2", "fc3", "fc4")] == [16, 64, 32, 32, 5]
    assert {types[f"fc{k}.weight"].fixed.width for k in (1, 2, 3, 4)} == {6}
    assert graph_from_json(bound.graph.to_json(), OPERATORS).digest == bound.graph.digest


@pytest.mark.parametrize("reuse", REUSE)
def test_every_layer_takes_the_reuse_factor_and_the_interval_is_that_factor(bound, reuse):
    plan = schedule(bound.graph, {"*": reuse})
    assert {plan.slots[name].reuse for name in reusable(bound.graph)} == {reuse}
    assert plan.ii_cycles == reuse


def test_one_reuse_factor_for_all_names_the_node_where_it_is_illegal(bound):
    with pytest.raises(BadInputError, match=r"node 'fc1': reuse factor must be one of \(1, 2, .*\), not 3"):
        schedule(bound.graph, {"*": 3})
    with pytest.raises(BadInputError, match=r"node 'fc4': reuse factor must be one of \(1, 2, .*\), not 64"):
        schedule(bound.graph, {"*": 64})
    plan = schedule(bound.graph, {"*": 64, "fc4": 32})
    assert (plan.slots["fc1"].reuse, plan.slots["fc4"].reuse) == (64, 32)


def test_the_physics_of_the_response_is_that_of_the_model(bound, tmp_path):
    rows = bound.physics(bound.graph.evaluate(bound.inputs), tmp_path)
    values = {(row.name, row.metric): row.value for row in rows}
    metrics = ["accuracy", *(f"AUC {name}" for name in CLASSES)]
    assert len(values) == 3 * len(metrics)
    rtl, model, floating = (
        [values[name, metric] for metric in metrics] for name in ("RTL response", "Brevitas model", "float model")
    )
    assert rtl[0] == model[0] > 0.5
    # Equal integers may differ in the last bit of the model's float64, where they then do not count half.
    assert rtl == pytest.approx(model, abs=2e-4)
    assert rtl != pytest.approx(floating, abs=2e-4)
    assert (tmp_path / "physics.json").is_file()


def test_a_wrong_response_shows_in_the_physics(bound, tmp_path):
    outputs = bound.graph.evaluate(bound.inputs)
    (port,) = bound.graph.outputs
    rolled = {port.node: np.roll(outputs[port.node], 1, axis=1)}
    accuracy = next(row.value for row in bound.physics(rolled, tmp_path) if row.name == "RTL response")
    assert accuracy < 0.3


def test_jets_are_read_from_a_file_and_the_input_may_be_a_format(bound, tmp_path):
    jets, labels = generate(50, seed=1)
    np.savez(tmp_path / "jets.npz", x=jets, y=np.eye(5)[labels])
    options = {"data": tmp_path / "jets.npz", "input_format": "s10.7", "vectors": 40}
    given = bind(tmp_path, **options)
    assert given.inputs["x"].shape == (40, 16)
    assert str(given.graph.types["x"].fixed) == "s10.7"
    assert given.check(50).mismatches == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_bits": 6}, "design 'jet_tagger' has no use for --weight-bits"),
        ({"rounding": "half"}, "has no use for --rounding"),
        ({"model": shipped_checkpoint("econt")}, "is no checkpoint of `codesign train jet_tagger`"),
        ({"data": shipped_checkpoint("econt")}, "is no complete npz file"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, options, message):
    with pytest.raises(BadInputError, match=message) as caught:
        bind(tmp_path, **options)
    assert "\n" not in str(caught.value)


@pytest.fixture
def qonnx_jets(tmp_path, shared_data):
    """Features of the stored jets, each brought to its own median and spread, as a tagger of ready features reads."""
    constituents = [np.load(shared_data / "jets" / f"{name}_test_16const.npy") for name in "xy"]
    raw = features(constituents[0].astype(np.float64))
    normalised = with_normalisation(JetTagger(Architecture()), raw).normalise(raw)
    np.savez(tmp_path / "features.npz", x=normalised, y=constituents[1])
    return {"data": tmp_path / "features.npz", "input_format": "s16.10", "model": shared_data / "models" / QONNX}


def test_the_qonnx_tagger_equals_its_file_on_stored_jets_and_random_vectors(tmp_path, qonnx_jets):
    reference = Reference(qonnx_jets["model"])
    for options in (qonnx_jets, {**qonnx_jets, "data": None}):
        found = bind(tmp_path, **options)
        (port,) = found.graph.outputs
        results = found.graph.evaluate(found.inputs)
        expected = reference(np.ldexp(found.inputs["global_in"].astype(np.float64), -10))
        np.testing.assert_array_equal(port.decode(results[port.node]), expected[LOGITS])
        assert (found.physics is None) == (options["data"] is None)


def test_a_qonnx_file_of_another_shape_or_without_an_input_format_is_refused(tmp_path, shared_data):
    with pytest.raises(BadInputError, match="a jet tagger maps 16 features to 5 scores"):
        bind(tmp_path, model=shared_data / "models" / "tfc_1w2a.onnx")
    with pytest.raises(BadInputError, match="quantis"):
        bind(tmp_path, model=shared_data / "models" / QONNX)


@pytest.mark.slow
def test_the_rtl_of_the_qonnx_tagger_equals_the_graph(tmp_path, qonnx_jets):
    options = RunOptions("jet_tagger", tmp_path, **qonnx_jets, reuse=(("*", 8),), vectors=100)
    assert "1250/1250 values equal" in verify_design(options).text


@pytest.mark.slow
@pytest.mark.parametrize(("design", "reuse"), [("jet_tagger", 1), ("jet_tagger", 32), ("econt", 2)])
def test_the_rtl_equals_the_graph_at_the_promised_latency(design, reuse, tmp_path):
    text = verify_design(RunOptions(design, tmp_path, reuse=(("*", reuse),), vectors=100)).text
    assert f"initiation interval {reuse}" in text
    equal, total = text.split(" values equal")[0].rpartition(" ")[2].split("/")
    assert equal == total and int(total) > 0
