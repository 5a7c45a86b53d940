"""The measurements of emulation and emission: what they run is right, and tables say what was measured."""

import numpy as np
import pytest

from benchmarks.emission import perceptron, square_layers
from benchmarks.emulation import Row, plain_numpy, table, timed
from benchmarks.models import Layer, Model
from codesign.fixed import Fixed


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_plain_numpy_rounds_half_to_even(shift):
    layer = Layer(np.array([[1]]), np.array([0]), shift, 4)
    values = np.arange(-40, 100)
    got = plain_numpy(Model("m", Fixed(8, 0, True), (1,), (layer,)), values[:, None])
    assert got[:, 0].tolist() == [min(max(round(int(value) / 2**shift), 0), 15) for value in values]


@pytest.mark.parametrize("weights", [1, 1_000, 192, 1_000_000])
def test_square_layers_have_at_least_the_weights_asked_for(weights):
    width = square_layers(weights)[0]
    assert 3 * width**2 >= weights > 3 * (width - 8) ** 2 - 1


def test_perceptron_has_the_layers_asked_for():
    shapes = [tuple(one.shape) for name, one in perceptron((3, 5, 2)).named_parameters() if name.endswith(".weight")]
    assert shapes == [(5, 3), (2, 5)]


def test_every_method_is_timed_on_its_own_events():
    seen = []
    methods = {name: (seen.append, np.full(2, k)) for k, name in enumerate("ab")}
    assert set(timed(methods, 3)) == {"a", "b"}
    assert [int(data[0]) for data in seen] == [0, 1, 0, 1, 0, 1]


def test_ratio_is_against_the_first_row_of_the_network():
    lines = table([Row("n", "ours", 400.0, 2.5, True), Row("n", "peer", 100.0, None, False)]).splitlines()
    assert lines[2:4] == ["| n | ours | 400 | 1.000 | 2.50 | yes |", "| n | peer | 100 | 0.250 |  | no |"]
