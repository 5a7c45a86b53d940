"""A design of a model that Python gives, beside those that come with the package: it runs through the same flow."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.flows.design import Bound, Check, Design, refuse_options
from codesign.flows.model_check import checker, graph_checker
from codesign.frontend.captured import Captured
from codesign.frontend.convert import InputShape, capture_model, content_sha256, random_events
from codesign.graph import Graph
from codesign.options import RunOptions

CLOCK_NS, VECTORS = 5.0, 2000
EMBEDDED_SEED = 11
Events = ArrayLike | Mapping[str, ArrayLike]


def model_design(name: str, model: Any, input_shape: InputShape | None, events: Events | None = None) -> Design:
    """Return the design of a Brevitas module, or without a `model` of the ONNX file that the options name.

    It is simulated on `events`, (events, *shape) of the one input or by input as `integers_of` takes them, or on random
    ones. It has no constraints and no figures of merit of its own.
    """

    def bind(options: RunOptions) -> Bound:
        refuse_options(options, "data", "rounding", "drop_bits", "case")
        input_type = Fixed.parse(options.input_format) if options.input_format else None
        source = options.model if model is None else model
        captured, module = capture_model(source, input_shape, input_type, options.weight_bits, name)
        if events is None:
            inputs = random_events(captured, options.vectors or VECTORS, EMBEDDED_SEED)
        else:
            given = integers_of(captured.graph, captured, events)
            inputs = {key: values[: options.vectors] for key, values in given.items()}
        return Bound(
            captured.graph,
            inputs,
            files=() if options.model is None else (options.model,),
            check=None if module is None else _checker(captured, module),
            captured=captured,
            model_sha256=None if module is None else content_sha256(captured, module),
        )

    return Design(name, f"{name}, given in Python", CLOCK_NS, (), VECTORS, bind)


def integers_of(graph: Graph, captured: Captured | None, events: Events) -> dict[str, Integers]:
    """Return the integers of the input ports, (events, *shape) by input, for numbers of the same shapes.

    Integers (and indices) are those of the port as they are; real numbers are quantised as the front end says. Raises
    `BadInputError` for an input that is missing or unknown, a wrong shape, NaN, and reals where no front end was.
    """
    names = [port.node for port in graph.inputs]
    if not isinstance(events, Mapping):
        if len(names) > 1:
            raise BadInputError(f"give the values of the inputs {', '.join(names)} by name, in a mapping")
        events = {names[0]: events}
    if sorted(events) != sorted(names):
        raise BadInputError(
            f"values are given for {', '.join(events) or 'no input'}; the inputs are {', '.join(names)}"
        )
    return {name: _integers(graph, captured, name, np.asarray(events[name])) for name in names}


def _integers(graph: Graph, captured: Captured | None, name: str, values: NDArray[Any]) -> Integers:
    form = None if captured is None else captured.forms[name]
    if values.dtype.kind in "iu" and (form is None or form.rows is None):
        return values.astype(np.int64)
    if values.dtype.kind not in "iuf":
        raise BadInputError(f"input '{name}' takes real or whole numbers, not {values.dtype}")
    if form is None:
        raise BadInputError(f"input '{name}' takes integers of {graph.types[name].fixed}, not {values.dtype}")
    return form.integers(name, values, graph.types[name].shape)


def _checker(captured: Captured, module: Any) -> Check:
    if captured.has_batch_axis:
        return checker(captured, module)
    lengths = [captured.graph.types[name].size for name, form in captured.forms.items() if form.rows is not None]
    return graph_checker(captured, module, max(lengths, default=1))
