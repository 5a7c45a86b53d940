"""Graphs of freshly built models over the grid of quantisers equal the models on every value of every node."""

import numpy as np
import pytest
import torch

from codesign.fixed import Fixed
from codesign.frontend.brevitas import capture
from codesign.frontend.exactness import check_exactness
from codesign.frontend.vectors import corner_inputs, random_inputs
from tests.frontend.zoo import choice, small

SEEDS = range(90)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("seed", SEEDS)
def test_graph_equals_the_model(seed):
    model = small(seed)
    input_type = (None, Fixed(6, 4, True))[seed % 2]
    captured = capture(model, (2, 5, 5), input_type=input_type)
    inputs = np.concatenate([corner_inputs(captured, 64), random_inputs(captured, 300, seed)])
    report = check_exactness(captured, model, inputs)
    assert report.is_explained, report.summary()
    if choice(seed).rounding == "round":  # FLOOR and CEIL have a boundary at exact zero, where float64 is noise
        assert report.is_exact, report.summary()


def test_the_grid_has_every_kind():
    choices = [choice(seed) for seed in SEEDS]
    for name, count in {"weights": 6, "activation": 5, "bias": 6, "padding": 4, "rounding": 4}.items():
        assert len({getattr(one, name) for one in choices}) == count
