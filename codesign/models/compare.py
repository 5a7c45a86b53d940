"""Models side by side: the shape distance of what each reconstructs from the same rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesign.data.geometry import HEX_METRIC
from codesign.metrics import Summary, emd_shape, summarise
from codesign.models.checkpoint import load_checkpoint
from codesign.models.econt import FAMILY, AutoEncoder, reconstruct
from codesign.models.published import load_published


@dataclass(frozen=True)
class Comparison:
    """One model on one sample of rows."""

    model: str
    sample: str
    distance: Summary


def load_model(path: Path) -> AutoEncoder:
    """Return the model of a checkpoint (safetensors) or of a third-party archive (npz), in evaluation mode."""
    return load_published(path) if path.suffix == ".npz" else load_checkpoint(path, FAMILY)


def compare(models: Mapping[str, AutoEncoder], samples: Mapping[str, NDArray[np.int64]]) -> tuple[Comparison, ...]:
    """Return the summary of `emd_shape` for every model on every sample (rows, 48), in half trigger-cell pitches."""
    return tuple(
        Comparison(name, sample, summarise(emd_shape(charges, reconstruct(model, charges), HEX_METRIC)))
        for name, model in models.items()
        for sample, charges in samples.items()
    )
