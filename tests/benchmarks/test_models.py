import numpy as np
import pytest

from benchmarks.models import load_bench
from codesign.errors import BadInputError
from tests.benchmarks.small import ENCODER, MLP, encoder_results, mlp_results, write_model


def all_inputs() -> np.ndarray:
    """Every input of the small MLP."""
    return np.stack(np.meshgrid(*[np.arange(-8, 8)] * 3), axis=-1).reshape(-1, 3)


@pytest.mark.parametrize("rounding", ["half_up", "half_even"])
def test_an_mlp_is_its_formula(tmp_path, rounding):
    graph = load_bench(write_model(MLP, tmp_path), rounding)
    inputs = all_inputs()
    assert np.array_equal(graph.evaluate({"x": inputs})[graph.outputs[0].node], mlp_results(inputs, rounding))


@pytest.mark.parametrize("rounding", ["half_up", "half_even"])
def test_an_encoder_is_its_formula(tmp_path, rounding):
    graph = load_bench(write_model(ENCODER, tmp_path), rounding)
    images = np.random.default_rng(5).integers(0, 256, (40, 8, 8))
    got = graph.evaluate({"x": images[:, None]})[graph.outputs[0].node]
    assert np.array_equal(got, encoder_results(images, rounding))


def test_the_roundings_differ_at_ties(tmp_path):
    path, inputs = write_model(MLP, tmp_path), all_inputs()
    up, even = (load_bench(path, rounding).evaluate({"x": inputs})["layer2"] for rounding in ("half_up", "half_even"))
    assert (up != even).any()
    assert not np.array_equal(up, mlp_results(inputs, "half_even"))


@pytest.mark.parametrize("text", ["{", "{}", '{"layers": []}', '{"layers": 3}'])
def test_a_file_that_is_no_model_is_one_line(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=r"bad\.json is no benchmark model"):
        load_bench(path, "half_up")


def test_an_unknown_rounding_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"rounding must be one of .*, not 'up'"):
        load_bench(write_model(MLP, tmp_path), "up")
