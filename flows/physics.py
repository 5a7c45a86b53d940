"""Physics table of the ECON-T encoder: float model, Brevitas model and decoded RTL response beside the chip's baselines."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from codesign.baselines import ALGORITHMS
from codesign.baselines import reconstruct as baseline
from codesign.data.geometry import HEX_METRIC, LATTICE_XY
from codesign.fixed import Integers
from codesign.flows.design import Physics
from codesign.frontend.brevitas import Captured
from codesign.metrics import (
    Summary,
    centroid_shift,
    emd_energy,
    emd_shape,
    energy_response,
    rms_difference,
    summarise,
    zero_fraction,
)
from codesign.models.econt import AutoEncoder, decode, float_model, reconstruct
from codesign.models.normalise import power_of_two_below
from codesign.report import EmdRow

Reals = NDArray[np.float64]
LINKS = 5  # 16 latents of 9 bits and the 9-bit module sum need 153 of the 160 bits of five links
RADIUS = float(HEX_METRIC.max())  # half pitches; at least half of the largest distance, so that it is a metric
EMD_EVENTS = 1000


def encoder_physics(model: AutoEncoder, captured: Captured, charges: Integers) -> Physics:
    """Return the function that turns the encoder's latent integers into the physics table.

    Every algorithm sees the same first `EMD_EVENTS` charges (events, 48). A decoded image is normalised; the
    transmitted power of two below the module sum, which the chip sends beside the latents, restores the charge.
    """
    kept = charges[:EMD_EVENTS].astype(np.float64)
    scale = power_of_two_below(kept.sum(axis=1))[:, None]
    (port,) = captured.graph.outputs

    def rows(outputs: Mapping[str, Integers]) -> tuple[EmdRow, ...]:
        latents = port.decode(outputs[port.node][: len(kept)])
        responses = {
            "float model": reconstruct(float_model(model), kept) * scale,
            "Brevitas model": reconstruct(model, kept) * scale,
            "RTL response": decode(model, latents) * scale,
        }
        for algorithm in ALGORITHMS:
            responses[f"{algorithm}, {LINKS} links"] = baseline(algorithm, charges[: len(kept)], LINKS)
        return tuple(row for name, response in responses.items() for row in _rows(name, kept, response))

    return rows


def _rows(name: str, reference: Reals, response: Reals) -> tuple[EmdRow, ...]:
    metrics = (
        ("emd_shape", "half pitches", emd_shape(reference, response, HEX_METRIC)),
        (f"emd_energy, R = {RADIUS:.2f} half pitches", "ADC counts", emd_energy(reference, response, HEX_METRIC, RADIUS)),
        ("energy response", "", energy_response(reference, response)),
        ("centroid shift", "half pitches", centroid_shift(reference, response, LATTICE_XY)),
        ("RMS difference", "half pitches", rms_difference(reference, response, LATTICE_XY)),
        ("zero fraction", "", zero_fraction(response)),
    )
    return tuple(_row(name, metric, unit, summarise(values)) for metric, unit, values in metrics)


def _row(name: str, metric: str, unit: str, summary: Summary) -> EmdRow:
    numbers = {key: getattr(summary, key) for key in ("mean", "median", "low68", "high68")}
    known = {key: None if np.isnan(value) else value for key, value in numbers.items()}
    return EmdRow.model_validate(
        {
            "name": name,
            "metric": metric,
            "unit": unit,
            "count": summary.count,
            "excluded": summary.excluded,
            "source": "physics.json",
            **known,
        }
    )
