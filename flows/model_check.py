"""What the designs that come from a trained model share: the shipped checkpoint, and the check of the graph."""

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from codesign.flows.design import Check, Exactness
from codesign.flows.progress import progress_bar
from codesign.frontend.captured import Captured
from codesign.frontend.exactness import ExactnessReport, check_exactness
from codesign.frontend.vectors import corner_graphs, corner_inputs, random_graphs, random_inputs


def shipped_checkpoint(name: str) -> Path:
    """Return the checkpoint of that name that comes with the package."""
    return Path(str(resources.files("codesign.models") / f"{name}.safetensors"))


def checker(captured: Captured, model: Any) -> Check:
    """Return the function that compares graph and Brevitas module on all corners and that many random inputs."""

    def check(count: int, *, quiet: bool = True) -> Exactness:
        inputs = np.concatenate([corner_inputs(captured), random_inputs(captured, count, seed=1)])
        with progress_bar("vectors compared", len(inputs), quiet=quiet) as advance:
            return _exactness(check_exactness(captured, model, inputs, advance=advance))

    return check


def graph_checker(captured: Captured, model: Any, edges: int) -> Check:
    """Return the function that compares graph and Brevitas module on corners and random graphs of `edges` edges each.

    The count it takes is of edges: the network is evaluated once for each of them.
    """

    def check(count: int, *, quiet: bool = True) -> Exactness:
        corners, random = corner_graphs(captured), random_graphs(captured, -(-count // edges), seed=1)
        inputs = {name: np.concatenate([corners[name], random[name]]) for name in corners}
        with progress_bar("graphs compared", len(inputs[captured.input]), quiet=quiet) as advance:
            return _exactness(check_exactness(captured, model, inputs, batch=256, advance=advance))

    return check


def _exactness(report: ExactnessReport) -> Exactness:
    return Exactness(
        report.vectors,
        report.total_values,
        report.total_mismatches,
        len(report.float32_ties),
        report.unexplained,
        report.summary(),
    )
