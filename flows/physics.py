"""Physics table of the ECON-T encoder: float model, Brevitas model, decoded RTL response, and the chip's baselines."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesign.baselines import ALGORITHMS
from codesign.baselines import reconstruct as baseline
from codesign.data.geometry import HEX_METRIC, LATTICE_XY
from codesign.files import sha256_of, write_json
from codesign.fixed import Fixed, Integers
from codesign.flows.design import EventMetric, Physics
from codesign.frontend.captured import Captured
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
from codesign.models.econt import AutoEncoder, decode, float_model, reconstruct, reconstruct_images
from codesign.models.normalise import normalise, power_of_two_below
from codesign.report import PhysicsRow

Reals = NDArray[np.float64]
LINKS = 5  # 16 latents of 9 bits and the 9-bit module sum need 153 of the 160 bits of five links
RADIUS = float(HEX_METRIC.max())  # half pitches; at least half of the largest distance, so that it is a metric
EMD_EVENTS = 1000
VALUES, EVENTS = "physics.json", "events.json"
UNITS = {
    "emd_shape": "half pitches",
    f"emd_energy, R = {RADIUS:.2f} half pitches": "ADC counts",
    "energy response": "",
    "centroid shift": "half pitches",
    "RMS difference": "half pitches",
    "zero fraction": "",
}


def encoder_physics(model: AutoEncoder, captured: Captured, charges: Integers) -> Physics:
    """Return the function that turns the encoder's latent integers into the physics table.

    Every algorithm sees the same first `EMD_EVENTS` charges (events, 48). A decoded image is normalised; the
    transmitted power of two below the module sum, which the chip sends beside the latents, restores the charge.
    """
    kept = charges[:EMD_EVENTS].astype(np.float64)
    scale = power_of_two_below(kept.sum(axis=1))[:, None]
    (port,) = captured.graph.outputs

    def rows(outputs: Mapping[str, Integers], folder: Path) -> tuple[PhysicsRow, ...]:
        codes = outputs[port.node][: len(kept)]
        latents = port.decode(codes)
        responses = {
            "float model": reconstruct(float_model(model), kept) * scale,
            "Brevitas model": reconstruct_images(model, captured.model_input(normalise(kept))) * scale,
            "RTL response": decode(model, latents) * scale,
        }
        for algorithm in ALGORITHMS:
            responses[f"{algorithm}, {LINKS} links"] = baseline(algorithm, charges[: len(kept)], LINKS)
        values = {name: _metrics(kept, response) for name, response in responses.items()}
        _write(folder, values)
        _write_events(
            folder, charges[: len(kept)], responses["RTL response"], codes, captured.graph.types[port.node].fixed
        )
        digest = sha256_of(folder / VALUES)
        return tuple(
            _row(name, metric, summarise(numbers), digest)
            for metric in UNITS
            for name, metrics in values.items()
            for numbers in [metrics[metric]]
        )

    return rows


def encoder_distance(model: AutoEncoder, captured: Captured, charges: Integers) -> EventMetric:
    """Return the shape distance of what latent integers decode to, one number for each pair of latents and event."""
    (port,) = captured.graph.outputs

    def of(outputs: Mapping[str, Integers], events: Integers) -> Reals:
        return emd_shape(charges[events], decode(model, port.decode(outputs[port.node])), HEX_METRIC)

    return EventMetric("EMD of shapes", UNITS["emd_shape"], of)


def _write(folder: Path, values: Mapping[str, Mapping[str, Reals]]) -> None:
    """Keep every number of every event."""
    write_json(
        folder / VALUES,
        {name: {metric: _plain(numbers) for metric, numbers in by.items()} for name, by in values.items()},
    )


def _write_events(folder: Path, charges: Integers, decoded: Reals, codes: Integers, latent: Fixed) -> None:
    """Keep what can be drawn of every event: charges and decoded (events, 48), the integers of the latents."""
    content = {"charges": charges.tolist(), "decoded": decoded.tolist(), "latents": codes.tolist()}
    write_json(folder / EVENTS, content | {"latent_bits": latent.width, "latent_signed": latent.signed})


def _plain(numbers: Reals) -> list[float | None]:
    return [None if np.isnan(number) else float(number) for number in numbers]


def _metrics(reference: Reals, response: Reals) -> dict[str, Reals]:
    return dict(
        zip(
            UNITS,
            (
                emd_shape(reference, response, HEX_METRIC),
                emd_energy(reference, response, HEX_METRIC, RADIUS),
                energy_response(reference, response),
                centroid_shift(reference, response, LATTICE_XY),
                rms_difference(reference, response, LATTICE_XY),
                zero_fraction(response),
            ),
            strict=True,
        )
    )


def _row(name: str, metric: str, summary: Summary, digest: str) -> PhysicsRow:
    numbers = {"value": summary.mean} | {key: getattr(summary, key) for key in ("median", "low68", "high68")}
    known = {key: None if np.isnan(value) else value for key, value in numbers.items()}
    return PhysicsRow.model_validate(
        {
            "name": name,
            "metric": metric,
            "unit": UNITS[metric],
            "count": summary.count,
            "excluded": summary.excluded,
            "source": VALUES,
            "sha256": digest,
            **known,
        }
    )
