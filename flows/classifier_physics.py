"""Physics table of a classifier: accuracy and area under the ROC curve of each class, for models and RTL response."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesign.classification import Figure, accuracy, one_vs_rest_auc
from codesign.files import sha256_of, write_json
from codesign.fixed import Integers
from codesign.flows.design import Physics
from codesign.graph import Port
from codesign.report import PhysicsRow

Reals = NDArray[np.float64]
VALUES = "physics.json"
RESPONSE = "RTL response"


def classifier_physics(
    models: Mapping[str, Reals], port: Port, labels: NDArray[np.int64], classes: tuple[str, ...]
) -> Physics:
    """Return the function that turns the integers of output `port` into the physics table.

    `models`: scores (events, classes) by model, of the same events, whose classes are `labels` (events,).
    """

    def rows(outputs: Mapping[str, Integers], folder: Path) -> tuple[PhysicsRow, ...]:
        scores = {**models, RESPONSE: port.decode(outputs[port.node])}
        content = {name: values.tolist() for name, values in scores.items()}
        write_json(folder / VALUES, {"labels": labels.tolist(), "classes": list(classes), "scores": content})
        digest = sha256_of(folder / VALUES)
        return tuple(
            _row(name, metric, figure, len(labels), digest)
            for name, values in scores.items()
            for metric, figure in _figures(values, labels, classes).items()
        )

    return rows


def _figures(scores: Reals, labels: NDArray[np.int64], classes: tuple[str, ...]) -> dict[str, Figure]:
    areas = {f"AUC {name}": one_vs_rest_auc(scores, labels, label) for label, name in enumerate(classes)}
    return {"accuracy": accuracy(scores, labels), **areas}


def _row(name: str, metric: str, figure: Figure, events: int, digest: str) -> PhysicsRow:
    value, error = (None if np.isnan(number) else number for number in (figure.value, figure.error))
    return PhysicsRow(
        name=name, metric=metric, unit="", count=events, value=value, error=error, source=VALUES, sha256=digest
    )
