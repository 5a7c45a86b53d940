"""The stored third-party encoders: integer graph == Brevitas in float64 on every value, >= 100 000 random inputs."""

import numpy as np
import pytest
import torch

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend.brevitas import capture, quantise_weights
from codesign.frontend.exactness import check_exactness
from codesign.frontend.vectors import corner_inputs, random_inputs
from codesign.models.published import load_published

NAMES = ("qall", "qr2_qi4_qinp4", "qr3_qi3_qinp6", "qr4_qi4_qinp8")


def encoder(shared_data, name):
    model = load_published(shared_data / "models" / f"econt_brevitas_{name}.npz").encoder
    return model if name == "qall" else quantise_weights(model, 6)


def compare(model, input_type, count):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    captured = capture(model, (1, 8, 8), input_type=input_type)
    inputs = np.concatenate([corner_inputs(captured), random_inputs(captured, count, seed=2)])
    report = check_exactness(captured, model, inputs)
    torch.set_num_threads(threads)
    return report


@pytest.mark.parametrize("input_type", [None, Fixed(8, 7)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_corners_are_exact(shared_data, name, input_type):
    report = compare(encoder(shared_data, name), input_type, 1000)
    assert report.is_exact, report.summary()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_100_000_random_inputs_and_all_corners_are_exact(shared_data, name, record_property):
    report = compare(encoder(shared_data, name), None, 100_000)
    record_property("exactness", report.summary())
    assert report.is_exact, report.summary()
    assert report.vectors > 100_000


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_other_weight_widths_are_exact(shared_data, bits, per_channel):
    model = load_published(shared_data / "models" / "econt_brevitas_qr4_qi4_qinp8.npz").encoder
    report = compare(quantise_weights(model, bits, per_channel=per_channel), None, 1000)
    assert report.is_exact, report.summary()


def test_float_weights_are_refused_until_a_width_is_named(shared_data):
    model = load_published(shared_data / "models" / "econt_brevitas_qr4_qi4_qinp8.npz").encoder
    with pytest.raises(BadInputError, match="'conv': weights are float; name a bit width for them with weight_bits"):
        capture(model, (1, 8, 8))


def test_same_bytes_every_time(shared_data):
    digests = {capture(encoder(shared_data, "qall"), (1, 8, 8)).graph.digest for _ in range(2)}
    assert len(digests) == 1
