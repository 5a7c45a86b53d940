"""The jet tagger 16-64-32-32-5, from a Brevitas checkpoint or a QONNX file.

The input port carries the integers of the model's first quantiser (or numbers of `--input-format`), the output port the
five accumulators of the last layer, in the order g, q, W, Z, t; the largest wins.
"""

from pathlib import Path

from codesign.data.jet_files import Jets, generated_jets, load_jets
from codesign.data.jets import CLASSES
from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.flows.classifier_physics import classifier_physics
from codesign.flows.design import Bound, Design, refuse_options
from codesign.flows.model_check import checker, shipped_checkpoint
from codesign.frontend import brevitas, qonnx
from codesign.frontend.captured import Captured
from codesign.frontend.vectors import random_inputs
from codesign.models.checkpoint import load_checkpoint
from codesign.models.jet_tagger import FAMILY, WIDTHS, float_model, scores
from codesign.options import RunOptions

EMBEDDED_SEED = 11  # other jets than any that a model was trained on (training uses other seeds)


def bind(options: RunOptions) -> Bound:
    """Bind the tagger to a model and jets; defaults are the shipped checkpoint and the embedded generator."""
    refuse_options(options, "weight_bits", "rounding", "drop_bits")
    path = options.model or shipped_checkpoint("jet_tagger")
    bound = _bind_qonnx if path.suffix == ".onnx" else _bind_brevitas
    return bound(path, options)


def _bind_brevitas(path: Path, options: RunOptions) -> Bound:
    # In float64 the model is the reference of the integer graph.
    model = load_checkpoint(path, FAMILY).double()
    captured = brevitas.capture(model.classifier, WIDTHS[:1], input_type=_input_type(options), name="jet_tagger")
    jets = _jets(options) or generated_jets(options.vectors or DESIGN.vectors, EMBEDDED_SEED)
    x = model.normalise(jets.features)
    given = captured.model_input(x)
    references = {"float model": scores(float_model(model), given), "Brevitas model": scores(model, given)}
    return Bound(
        captured.graph,
        {captured.input: captured.quantise_input(x)},
        files=_files(path, options),
        check=checker(captured, model.classifier),
        physics=classifier_physics(references, captured.graph.outputs[0], jets.labels, CLASSES),
        captured=captured,
    )


def _bind_qonnx(path: Path, options: RunOptions) -> Bound:
    """The file knows no normalisation: it reads the features of the data file as they are, or random ones without."""
    captured = qonnx.capture(path, input_type=_input_type(options), name="jet_tagger")
    _check_shapes(path, captured)
    jets = _jets(options)
    x = random_inputs(captured, options.vectors or DESIGN.vectors, EMBEDDED_SEED) if jets is None else jets.features
    port = captured.graph.outputs[0]
    return Bound(
        captured.graph,
        {captured.input: captured.quantise_input(x)},
        files=_files(path, options),
        physics=None if jets is None else classifier_physics({}, port, jets.labels, CLASSES),
        captured=captured,
    )


def _check_shapes(path: Path, captured: Captured) -> None:
    graph = captured.graph
    found = graph.types[captured.input].shape, tuple(graph.types[port.node].shape for port in graph.outputs)
    if found != (WIDTHS[:1], (WIDTHS[-1:],)):
        raise BadInputError(
            f"{path} maps {found[0]} to {', '.join(map(str, found[1]))}; a jet tagger maps 16 features to 5 scores"
        )


def _input_type(options: RunOptions) -> Fixed | None:
    return Fixed.parse(options.input_format) if options.input_format else None


def _jets(options: RunOptions) -> Jets | None:
    return None if options.data is None else load_jets(options.data).take(slice(options.vectors))


def _files(path: Path, options: RunOptions) -> tuple[Path, ...]:
    return (path,) if options.data is None else (path, options.data)


DESIGN = Design(
    name="jet_tagger",
    title="Jet tagger 16-64-32-32-5 from a Brevitas checkpoint or a QONNX file",
    clock_ns=5.0,
    constraints=("ii <= 25 ns", "latency <= 100 ns"),
    vectors=2000,
    bind=bind,
)
