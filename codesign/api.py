"""Python API: `convert` a model, then `compile`, `predict`, `trace`, `verify`, `build` and `report` it.

Everything runs through the functions of the command line, with the same options, in the same folder of a run
(docs/runs.md): what either has done, the other keeps. Nothing is remembered but what was passed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.cli_options import design_names
from codesign.errors import BadInputError
from codesign.files import read_json
from codesign.fixed import Integers
from codesign.flows.design import Bound, Design, case_named
from codesign.flows.flow import BINDING_OPTIONS, FLOW, MANIFEST, RTL
from codesign.flows.model_design import Events, integers_of, model_design
from codesign.flows.run import compile_design, load_design, run_design, verify_design
from codesign.flows.run_folder import StepFolder, place_of
from codesign.frontend.convert import InputShape
from codesign.graph import Graph
from codesign.notebook import graph_html, report_html
from codesign.options import RunOptions, parse_tag, python_options
from codesign.page.files import RunFolder
from codesign.predict import Predictor, compile_graph
from codesign.report import Report, Sections, render_text
from codesign.schedule import checked_reuse

DEFAULTS: Mapping[str, Any] = {"output": Path("runs"), "quiet": True}


@dataclass(frozen=True, eq=False)
class Values:
    """Values (events, *shape) of one node: the integers of the hardware, and the real numbers that they mean.

    `real` is None at a node between two quantisers, for which the front end knows no real meaning.
    """

    integers: Integers
    real: NDArray[np.float64] | None


Trace = Mapping[str, Values]


@dataclass(frozen=True)
class Block:
    """An emitted block: the folder of its Verilog, and what its manifest says. Register bits before triplication."""

    folder: Path
    top: str
    latency_cycles: int
    ii_cycles: int
    register_bits: int


@dataclass(frozen=True)
class RunReport:
    """The report in the folder of a run; a notebook shows its verdict, `print` all of it."""

    folder: Path
    report: Report

    def __str__(self) -> str:
        return render_text(self.report)

    def _repr_html_(self) -> str:
        return report_html(RunFolder(self.folder))


@dataclass(frozen=True, eq=False)
class HardwareModel:
    """A design bound to its model and events, and the options that it is built with."""

    design: Design
    options: RunOptions
    bound: Bound

    @property
    def graph(self) -> Graph:
        """The integer dataflow graph."""
        return self.bound.graph

    @property
    def inputs(self) -> Mapping[str, Integers]:
        """The events that it is verified on: integers (events, *shape) by input."""
        return self.bound.inputs

    @cached_property
    def _predictor(self) -> Predictor:
        return compile_graph(self.graph)

    def with_options(self, **options: Any) -> "HardwareModel":
        """Return the same with other options; the model is captured again if they concern it."""
        changed = replace(self.options, **python_options(options))
        asked = any(getattr(changed, name) != getattr(self.options, name) for name in BINDING_OPTIONS)
        return HardwareModel(self.design, changed, self.design.bind(changed) if asked else self.bound)

    def predict(self, x: Events) -> dict[str, Values]:
        """Return the outputs by name for events `x`, (events, *shape) of the one input or by input: what the RTL gives.

        Real numbers are quantised as the input port says, integers are the port's own. `BadInputError` for a wrong
        shape, NaN, or integers out of the port's range.
        """
        outputs = self._predictor(self._operands(x))
        return {port.node: Values(outputs[port.node], port.decode(outputs[port.node])) for port in self.graph.outputs}

    def trace(self, x: Events) -> dict[str, Values]:
        """Return the values of every node that depends on an input, in the order of the graph; `x` as in `predict`."""
        results = self._predictor.trace(self._operands(x))
        moving = [node.name for node in self.graph.nodes if node.name not in self.graph.static]
        return {name: self._values(name, results[name].astype(np.int64)) for name in moving}

    def compile(self, folder: str | Path | None = None) -> Block:
        """Emit and lint the Verilog, into the run folder `folder` (default: output/tag): `codesign compile`."""
        options = self._options(folder)
        compile_design(options, self._design())
        rtl = options.run_folder / place_of(FLOW, "compile") / RTL
        manifest = read_json(rtl.parent / MANIFEST)
        names = ("top", "latency_cycles", "ii_cycles", "register_bits")
        return Block(rtl, **{name: manifest[name] for name in names})

    def verify(self, folder: str | Path | None = None) -> Sections:
        """Simulate the Verilog on `inputs`: `codesign verify`; `VerificationError` at the first value that differs.

        Returns the measured latency and interval, and how many values were compared.
        """
        options = self._options(folder)
        verify_design(options, self._design())
        return StepFolder(options.run_folder / place_of(FLOW, "verify")).sections()

    def build(self, folder: str | Path | None = None, **options: Any) -> RunReport:
        """Run the whole flow, with changed `options` if any: `codesign run`; what is there already is kept."""
        if options:
            return self.with_options(**options).build(folder)
        run_design(self._options(folder), self._design())
        return self.report(folder)

    def report(self, folder: str | Path | None = None) -> RunReport:
        """Return the report of an earlier `build`; `BadInputError` if there is none."""
        path = self._options(folder).run_folder
        return RunReport(path, RunFolder(path).report)

    def _repr_html_(self) -> str:
        return graph_html(self.graph, self.design.title, self._reuse())

    def _operands(self, x: Events) -> dict[str, Integers]:
        given = integers_of(self.graph, self.bound.captured, x)
        return {**given, **case_named(self.bound, self.options.case).parameters}

    def _values(self, name: str, integers: Integers) -> Values:
        for port in (*self.graph.inputs, *self.graph.outputs):
            if port.node == name:
                return Values(integers, port.decode(integers))
        captured = self.bound.captured
        found = [] if captured is None else [one for one in captured.node_of.values() if one.node == name]
        return Values(integers, found[0].decode(integers) if found else None)

    def _options(self, folder: str | Path | None) -> RunOptions:
        """The options of a run in `folder`."""
        options = replace(self.options, model_sha256=self.bound.model_sha256)
        if folder is None:
            return options
        path = Path(folder)
        return replace(options, output=path.parent, tag=parse_tag(path.name))

    def _design(self) -> Design:
        """The design that binds to what is bound already."""
        return replace(self.design, bind=lambda options: self.bound)

    def _reuse(self) -> Mapping[str, int]:
        """Reuse factors by node, as far as they are known before a schedule chooses them."""
        chosen_later = self.options.technology or (self.options.architecture or self.bound.architecture) != "nodes"
        return dict(self.options.reuse) if chosen_later else checked_reuse(self.graph, dict(self.options.reuse))


def convert(
    model: Any, /, *, input_shape: InputShape | None = None, inputs: Events | None = None, **options: Any
) -> HardwareModel:
    """Return the hardware model of a Brevitas module, an ONNX file (QONNX or QCDQ), or a design that is shipped.

    `model`: a module in evaluation mode with the `input_shape` of one event (or, for a graph network, `RealInput` and
    `IndexInput` by argument name); the path of a .onnx file; or the name of a shipped design, for which `model=` and
    `data=` in the options name a checkpoint and a data file. `inputs`: events to verify it on, as `predict` takes
    them; default: random ones. `options` are the fields of `codesign.options.RunOptions`, such as
    reuse={"fc1": 4}, clock_ns=5.0, tmr="full"; `tag` also names the module's block. Raises `BadInputError`.
    """
    chosen = {**DEFAULTS, **python_options(options)}
    if isinstance(model, str) and model in design_names():
        if input_shape is not None or inputs is not None:
            raise BadInputError(f"design '{model}' knows its inputs; leave input_shape and inputs out, or give data=")
        design = load_design(model)
    else:
        design, chosen = _own_design(model, input_shape, inputs, chosen)
    asked = RunOptions(design.name, **chosen)
    return HardwareModel(design, asked, design.bind(asked))


def _own_design(
    model: Any, input_shape: InputShape | None, inputs: Events | None, chosen: dict[str, Any]
) -> tuple[Design, dict[str, Any]]:
    """The design of a module or of a file, and the options with that file as its model."""
    if chosen.get("model") is not None:
        raise BadInputError("model= names the checkpoint of a shipped design; give a model of your own alone")
    if isinstance(model, str | Path):
        path = Path(model)
        if path.suffix != ".onnx":
            raise BadInputError(f"model {str(model)!r} is no .onnx file and no design: {', '.join(design_names())}")
        name = _identifier(chosen.get("tag") or path.stem)
        return model_design(name, None, input_shape, inputs), {**chosen, "model": path}
    name = _identifier(chosen.get("tag") or type(model).__name__)
    return model_design(name, model, input_shape, inputs), chosen


def _identifier(text: str) -> str:
    """The name of a Verilog module, from that of a file, a class or a run."""
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
    return name if name[0].isalpha() or name[0] == "_" else f"m{name}"


@dataclass(frozen=True)
class Difference:
    """How many values of a node differ between two traces, and by how much at most (real numbers where known)."""

    node: str
    differing: int
    values: int
    largest: float


def differences(left: Trace, right: Trace) -> tuple[Difference, ...]:
    """Return the nodes at which two traces of the same events differ, the first to differ first.

    Real values are compared where both know them, else integers. Nodes that one of them lacks are left out.
    `BadInputError` if the traces have no node in common, or values of another shape.
    """
    common = [name for name in left if name in right]
    if not common:
        raise BadInputError(f"the traces have no node in common: {', '.join(left)} and {', '.join(right)}")
    compared = [_difference(name, left[name], right[name]) for name in common]
    return tuple(one for one in compared if one.differing)


def _difference(name: str, left: Values, right: Values) -> Difference:
    if left.integers.shape != right.integers.shape:
        raise BadInputError(f"node '{name}' has shapes {left.integers.shape} and {right.integers.shape}")
    is_real = left.real is not None and right.real is not None
    distance = np.abs(left.real - right.real if is_real else left.integers - right.integers)  # type: ignore[operator]
    return Difference(name, int(np.count_nonzero(distance)), distance.size, float(distance.max(initial=0)))
