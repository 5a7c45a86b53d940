import numpy as np
import pytest
import torch

from codesign.data.geometry import HEX_METRIC
from codesign.errors import BadInputError
from codesign.metrics import emd_shape
from codesign.models.econt import Architecture, reconstruct
from codesign.models.published import load_published
from codesign.models.quantisers import threshold

# Mean emd_shape on the first ROWS distinct rows of each stored sample: (ttbar, ePortRX).
ROWS = 800
MEAN_EMD = {
    "econt_brevitas_qall": (0.641872708, 1.101595375),
    "econt_brevitas_qr2_qi4_qinp4": (1.324898894, 1.655439539),
    "econt_brevitas_qr3_qi3_qinp6": (1.045695166, 1.342972828),
    "econt_brevitas_qr4_qi4_qinp8": (0.771712850, 1.132234514),
}
QALL = "econt_brevitas_qall"
THRESHOLD = "act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value"


@pytest.fixture
def arrays(shared_data):
    with np.load(shared_data / "models" / f"{QALL}.npz") as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("name", MEAN_EMD)
def test_a_stored_model_reconstructs_the_stored_data(shared_data, name):
    # In float64, where rounding errors decide no tie between two codes, the figures hold on every machine.
    model = load_published(shared_data / "models" / f"{name}.npz").double()
    with np.load(shared_data / "econt" / "econt_trigger_cells.npz") as data:
        samples = [data[f"{sample}_calq"][data[f"{sample}_unique_rows"][:ROWS]] for sample in ("ttbar", "eportrx")]
    means = [float(np.mean(emd_shape(calq, reconstruct(model, calq), HEX_METRIC))) for calq in samples]
    assert means == pytest.approx(MEAN_EMD[name], abs=1e-8)


def test_architecture_and_thresholds_are_those_of_the_file(shared_data, arrays):
    model = load_published(shared_data / "models" / f"{QALL}.npz")
    bits = model.architecture
    assert (bits.input_bits, bits.weight_bits, bits.activation_bits, bits.latent_bits) == (11, 6, 12, 10)
    assert threshold(model.encoder.latent).item() == arrays[f"encoder.qlinear_act.{THRESHOLD}"]
    narrow = load_published(shared_data / "models" / "econt_brevitas_qr2_qi4_qinp4.npz").architecture
    assert (narrow.input_bits, narrow.weight_bits, narrow.activation_bits, narrow.latent_bits) == (4, None, 2, 4)


CONV = "encoder.qconv.weight"
DAMAGE = {
    "missing": (lambda a: a.pop(CONV), "'encoder.conv.weight' is missing"),
    "unknown": (lambda a: a.update({"encoder.more.weight": np.ones(3)}), "'encoder.more.weight' is unknown"),
    "shape": (lambda a: a.update({CONV: np.ones((8, 1, 5, 5), np.float32)}), "must have the shape"),
    "nan": (lambda a: a.update({CONV: np.full((8, 1, 3, 3), np.nan, np.float32)}), "NaN or infinity"),
    "integers": (lambda a: a.update({CONV: np.ones((8, 1, 3, 3), np.int64)}), "must have the type"),
    "text": (lambda a: a.update({CONV: np.array(["a"])}), "is not a complete npz archive of numbers"),
    "pickled": (lambda a: a.update({CONV: np.array([{}], dtype=object)}), "is not a complete npz archive of numbers"),
    "duplicate": (lambda a: a.update({f"input_quant.{THRESHOLD}": np.float32(1)}), "which it should repeat"),
    "threshold": (lambda a: a.update({f"encoder.qrelu.{THRESHOLD}": np.float32(0)}), "is a threshold of zero"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_is_refused_in_one_line(arrays, tmp_path, damage):
    change, message = DAMAGE[damage]
    change(arrays)
    path = tmp_path / "x_qall.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadInputError, match=message) as caught:
        load_published(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, 10, 3000])
def test_a_truncated_model_is_refused(shared_data, tmp_path, size):
    path = tmp_path / "x_qall.npz"
    path.write_bytes((shared_data / "models" / f"{QALL}.npz").read_bytes()[:size])
    with pytest.raises(BadInputError, match="is not a complete npz archive of numbers"):
        load_published(path)


def test_an_unnamed_width_needs_an_architecture(arrays, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadInputError, match="the name tells no bit widths"):
        load_published(path)
    architecture = Architecture(input_signed=True, bias_quantised=False)
    assert load_published(path, architecture).architecture == architecture
    with pytest.raises(BadInputError, match=r"'encoder\.conv_norm\.bias' is missing"):
        load_published(path, Architecture(input_signed=True, batch_norm=True))


def test_torch_pickles_are_refused(tmp_path):
    path = tmp_path / "model_qall.pth"
    torch.save({"encoder.qconv.weight": torch.ones(1)}, path)
    with pytest.raises(BadInputError, match="is a pickle file"):
        load_published(path)
