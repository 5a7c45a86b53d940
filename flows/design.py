"""A design of the flow: its name, its budget, and how it binds to a model and data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.frontend.captured import Captured
from codesign.graph import Graph
from codesign.options import Architecture, RunOptions
from codesign.report import PhysicsRow


@dataclass(frozen=True)
class Case:
    """One setting of the programmable parameters, and outputs known from elsewhere (events, first elements)."""

    name: str
    parameters: Mapping[str, Integers] = field(default_factory=dict)
    golden: Mapping[str, Integers] = field(default_factory=dict)


@dataclass(frozen=True)
class Exactness:
    """Integer graph against a reference: values compared and differing; float32 differences, unexplained."""

    vectors: int
    values: int
    mismatches: int
    float32_differences: int
    float32_unexplained: int
    text: str
    reference: str = "Brevitas model in float64"


class Check(Protocol):
    """Compares the graph with the model it came from, on corners and `count` random inputs."""

    def __call__(self, count: int, *, quiet: bool = True) -> Exactness:
        """Return what was compared; a bar shows the progress unless `quiet`."""
        ...


class Physics(Protocol):
    """Turns the outputs of one case (events, *shape) into rows of the physics table."""

    def __call__(self, outputs: Mapping[str, Integers], folder: Path) -> tuple[PhysicsRow, ...]:
        """Return the rows; what they were computed from goes into `folder`."""
        ...


@dataclass(frozen=True)
class EventMetric:
    """A number for every event that grows as the outputs get worse: `of(outputs, events)`.

    Row k of `outputs` (rows, *shape) is what the design could answer to event number events[k] of the bound inputs; NaN
    where an event has no value.
    """

    name: str
    unit: str
    of: Callable[[Mapping[str, Integers], Integers], NDArray[np.float64]]


@dataclass(frozen=True)
class Bound:
    """A design bound to model and data: graph, events by input name, cases, registers; what to check it against.

    `architecture` and `engines` (by number of rows): how rows are worked on unless the user says otherwise. `captured`:
    what real numbers mean at the inputs and inside, where a front end made the graph; `model_sha256`: see `RunOptions`.
    """

    graph: Graph
    inputs: Mapping[str, Integers]
    cases: tuple[Case, ...] = (Case("model"),)
    cuts: tuple[str, ...] | None = None
    files: tuple[Path, ...] = ()
    check: Check | None = None
    physics: Physics | None = None
    metric: EventMetric | None = None
    architecture: Architecture = "nodes"
    engines: Mapping[int, int] = field(default_factory=dict)
    captured: Captured | None = None
    model_sha256: str | None = None


@dataclass(frozen=True)
class Design:
    """One entry of `flows/designs`: `vectors` events are simulated unless the user says otherwise."""

    name: str
    title: str
    clock_ns: float
    constraints: tuple[str, ...]
    vectors: int
    bind: Callable[[RunOptions], Bound]


def refuse_options(options: RunOptions, *names: str) -> None:
    """Raise `BadInputError` for an option in `names` that was given: what a design has no use for is no silence."""
    for name in names:
        if getattr(options, name) is not None:
            raise BadInputError(f"design '{options.design}' has no use for --{name.replace('_', '-')}; leave it out")


def case_named(bound: Bound, name: str | None) -> Case:
    """Return the case of that name, the first without a name; `BadInputError` for one that the design does not have."""
    names = [case.name for case in bound.cases]
    if name is not None and name not in names:
        raise BadInputError(f"--case {name!r}: the design has {', '.join(names)}")
    return bound.cases[0 if name is None else names.index(name)]
