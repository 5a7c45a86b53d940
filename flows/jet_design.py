"""Designs of networks of jet constituents: what they have in common.

The input port carries the constituents (n, 3), hardest first, as integers of the model's first quantiser, or numbers of
`--input-format`; the output port the five accumulators of the last layer, in the order g, q, W, Z, t; the largest wins.
"""

from codesign.data.jet_files import Jets, generated_constituents, load_constituents
from codesign.data.jets import CLASSES
from codesign.fixed import Fixed
from codesign.flows.classifier_physics import classifier_physics
from codesign.flows.design import Bound, Design, refuse_options
from codesign.flows.model_check import checker, shipped_checkpoint
from codesign.frontend import brevitas
from codesign.models.checkpoint import load_checkpoint
from codesign.models.jet_layers import FEATURES
from codesign.models.jet_networks import family, float_model, scores
from codesign.options import RunOptions

EMBEDDED_SEED = 11  # other jets than any that a model was trained on (training uses other seeds)
VECTORS = 2000


def jet_design(network: str, title: str) -> Design:
    """Return the design of `network`, one of `codesign.models.jet_networks.NETWORKS`."""

    def bind(options: RunOptions) -> Bound:
        """Bind to a model and jets; defaults are the shipped checkpoint and the embedded generator."""
        refuse_options(options, "weight_bits", "rounding", "drop_bits")
        return _bound(network, options)

    return Design(
        name=f"{network}_jets",
        title=title,
        clock_ns=5.0,
        constraints=("latency <= 160 ns",),
        vectors=VECTORS,
        bind=bind,
    )


def _bound(network: str, options: RunOptions) -> Bound:
    path = options.model or shipped_checkpoint(f"{network}_jets")
    # In float64 the model is the reference of the integer graph.
    model = load_checkpoint(path, family(network)).double()
    count = model.architecture.constituents
    input_type = Fixed.parse(options.input_format) if options.input_format else None
    captured = brevitas.capture(model.network, (count, FEATURES), input_type=input_type, name=f"{network}_jets")
    jets = _jets(options, count)
    x = model.normalise(jets.features)
    given = captured.model_input(x)
    references = {"float model": scores(float_model(model), given), "Brevitas model": scores(model, given)}
    return Bound(
        captured.graph,
        {captured.input: captured.quantise_input(x)},
        files=(path,) if options.data is None else (path, options.data),
        check=checker(captured, model.network),
        physics=classifier_physics(references, captured.graph.outputs[0], jets.labels, CLASSES),
        captured=captured,
    )


def _jets(options: RunOptions, count: int) -> Jets:
    if options.data is None:
        return generated_constituents(options.vectors or VECTORS, EMBEDDED_SEED, count)
    return load_constituents(options.data, count).take(slice(options.vectors))
