"""The shipped models: loadable, and on detector data no worse than the best third-party model."""

from pathlib import Path

import numpy as np
import pytest

from codesign import models
from codesign.data.load import load_charges
from codesign.data.shower import generate
from codesign.models.compare import compare, load_model
from codesign.models.econt import AutoEncoder
from codesign.train.econt import held_out_rows

SHIPPED = Path(models.__file__).parent
THIRD_PARTY = ("qall", "qr4_qi4_qinp8", "qr3_qi3_qinp6", "qr2_qi4_qinp4")
TEST_FRACTION = 0.2


@pytest.fixture(scope="module")
def held_out(shared_data):
    """The rows that the training of `econt_cms` left out, by sample; a row in both samples counts for the first."""
    file = shared_data / "econt" / "econt_trigger_cells.npz"
    ttbar, eportrx = (load_charges(Path(f"{file}:{name}_calq")) for name in ("ttbar", "eportrx"))
    charges = np.concatenate([ttbar, eportrx])
    rows = held_out_rows(charges, TEST_FRACTION)
    return {"ttbar": charges[rows[rows < len(ttbar)]], "eportrx": charges[rows[rows >= len(ttbar)]]}


def _means(paths, samples):
    found = compare({path.stem: load_model(path) for path in paths}, samples)
    assert all(result.distance.excluded == 0 for result in found)
    return {(result.model, result.sample): result.distance.mean for result in found}


def test_held_out_rows_are_in_no_training_row(held_out, shared_data):
    file = shared_data / "econt" / "econt_trigger_cells.npz"
    charges = load_charges(Path(f"{file}:ttbar_calq+eportrx_calq"))
    test = {row.tobytes() for sample in held_out.values() for row in sample}
    kept = [row for row in charges if row.tobytes() not in test]
    distinct = len(np.unique(charges, axis=0))
    assert len(test) == round(TEST_FRACTION * distinct)
    assert len(np.unique(np.array(kept), axis=0)) == distinct - len(test)


@pytest.mark.slow
def test_the_shipped_encoders_are_no_worse_than_any_third_party_model(held_out, shared_data):
    ours = [SHIPPED / "econt_cms.safetensors", SHIPPED / "econt.safetensors"]
    assert all(load_model(path).architecture.weight_bits == 6 for path in ours)
    theirs = [shared_data / "models" / f"econt_brevitas_{name}.npz" for name in THIRD_PARTY]
    means = _means([*ours, *theirs], held_out)
    for sample in held_out:
        best = min(means[path.stem, sample] for path in theirs)
        assert all(means[path.stem, sample] <= best for path in ours)


def test_the_default_model_reconstructs_unseen_generated_images():
    model, unseen = load_model(SHIPPED / "econt.safetensors"), {"generated": generate(500, seed=987)}
    untrained = AutoEncoder(model.architecture).eval()
    good, bad = (result.distance.mean for result in compare({"ours": model, "untrained": untrained}, unseen))
    assert good < 0.6 < 2 * good < bad
