import numpy as np
import ot
import pytest
import torch

from codesign.data.geometry import HEX_METRIC, SUPERCELL_WEIGHTS, SUPERCELLS, from_image, to_image
from codesign.models.emd_loss import EmdLoss
from codesign.models.telescope import TelescopeLoss


def _cells(seed, rows=6):
    return np.random.default_rng(seed).gamma(0.5, 0.03, (rows, 48))


def _image(cells, **options):
    return torch.tensor(to_image(cells), **options)


def _telescope(prediction, truth):
    total = 0.0
    for p, t in zip(prediction, truth, strict=True):
        cells = [(p[i] - t[i]) ** 2 * max(p[i], t[i]) for i in range(48)]
        supers = []
        for members, weight in zip(SUPERCELLS, SUPERCELL_WEIGHTS, strict=True):
            a, b = sum(p[i] for i in members), sum(t[i] for i in members)
            supers.append(weight * (a - b) ** 2 * max(a, b))
        groups = []
        for rhombus in range(3):
            a, b = p[16 * rhombus : 16 * rhombus + 16].sum(), t[16 * rhombus : 16 * rhombus + 16].sum()
            groups.append((a - b) ** 2 * max(a, b))
        total += 4 * np.mean(cells) + 2 * np.mean(supers) + np.mean(groups)
    return total / len(truth)


def test_telescope_loss_is_the_formula():
    p, t = _cells(1), _cells(2)
    loss = TelescopeLoss().double()(_image(p), _image(t))
    assert float(loss) == pytest.approx(_telescope(p, t), rel=1e-6)


def test_telescope_loss_ignores_the_empty_quadrant_and_is_zero_for_equal_images():
    image = _image(_cells(3), dtype=torch.float32)
    other = image.clone()
    other[:, :, 4:, 4:] = 7.0
    assert float(TelescopeLoss()(other, image)) == 0.0
    other[:, :, 0, 0] += 0.1
    assert float(TelescopeLoss()(other, image)) > 0.0


def test_emd_loss_is_the_mean_exact_transport_cost():
    p, t = _cells(4), _cells(5)
    expected = np.mean([ot.emd2(a / a.sum(), b / b.sum(), HEX_METRIC) for a, b in zip(p, t, strict=True)])
    assert float(EmdLoss()(_image(p), _image(t))) == pytest.approx(expected, rel=1e-9)


def test_emd_gradient_is_the_slope_of_the_cost():
    p, t = _cells(6, rows=1) + 0.01, _cells(7, rows=1) + 0.01
    image = _image(p, requires_grad=True)
    EmdLoss()(image, _image(t)).backward()
    gradient = from_image(image.grad.numpy())[0]
    for cell in (0, 13, 25, 47):
        step = np.zeros_like(p)
        step[0, cell] = 1e-7
        high, low = (float(EmdLoss()(_image(p + sign * step), _image(t))) for sign in (1, -1))
        assert gradient[cell] == pytest.approx((high - low) / 2e-7, rel=1e-4, abs=1e-5)
