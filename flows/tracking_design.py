"""What the designs of the interaction network share: model, graphs padded to a size, what they are checked against."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codesign.data.tracking import Padded, SectorGraphs, generated_graphs, load_graphs, pad
from codesign.errors import BadInputError
from codesign.flows.design import Bound, Design, refuse_options
from codesign.flows.model_check import graph_checker, shipped_checkpoint
from codesign.flows.tracking_physics import tracking_physics
from codesign.frontend.brevitas import capture_graph_network
from codesign.frontend.inputs import Given, IndexInput, RealInput
from codesign.models.checkpoint import load_checkpoint
from codesign.models.insert import calibrated_formats
from codesign.models.interaction_network import (
    EDGE_FEATURES,
    FAMILY,
    NODE_FEATURES,
    InteractionNetwork,
    float_model,
    load_published,
    scores,
    union,
    with_formats,
)
from codesign.options import Architecture, RunOptions

EMBEDDED_SEED = 23  # other graphs than any that a model was trained on (training uses other seeds)
# Quantisers for a published model, which has none: bits of each value, whose point the graphs choose. The sigmoid's
# input lies in -8..8, beyond which a score of 8 bits is 0 or 1.
VALUE_BITS: Mapping[str, int] = {"node": 8, "edge": 8, "message": 8, "total": 10, "state": 8}
LOGIT = "s8.4"


@dataclass(frozen=True)
class Network:
    """An interaction network of `hidden` units on graphs of `nodes` and `edges`, and how its rows are worked on.

    `engines`: how many work on each number of rows. `checkpoint`: name of the shipped model.
    """

    nodes: int
    edges: int
    architecture: Architecture
    engines: Mapping[int, int]
    hidden: int = 8
    checkpoint: str = "interaction_network"

    @property
    def inputs(self) -> dict[str, Given]:
        """The ports, in the order of the model's arguments."""
        index = IndexInput(self.edges, self.nodes)
        node, edge = RealInput((self.nodes, NODE_FEATURES)), RealInput((self.edges, EDGE_FEATURES))
        return {"x": node, "edge_attr": edge, "sender": index, "receiver": index}


def network_design(name: str, network: Network, constraints: tuple[str, ...], vectors: int) -> Design:
    """Return the design of `network` at 200 MHz, the clock of the FPGA firmware of Elabd et al.

    It binds a model (`--model`: checkpoint, or npz of a published model) to sector graphs (`--data`: npz); defaults are
    the shipped checkpoint and the embedded generator. Graphs are padded and truncated to the size of the network.
    """
    size = f"{network.nodes} nodes and {network.edges} edges, {network.hidden} hidden units, {network.architecture}"

    def bind(options: RunOptions) -> Bound:
        return bind_network(network, options, vectors)

    return Design(name, f"Interaction network for tracking: {size}", 5.0, constraints, vectors, bind)


def bind_network(network: Network, options: RunOptions, vectors: int) -> Bound:
    """Bind a network to the model and the graphs of `options`, by default `vectors` generated graphs."""
    refuse_options(options, "weight_bits", "input_format", "rounding", "drop_bits")
    path = options.model or shipped_checkpoint(network.checkpoint)
    given = load_graphs(options.data) if options.data else generated_graphs(options.vectors or vectors, EMBEDDED_SEED)
    graphs = given.take(slice(options.vectors or vectors))
    stored = _load(path, network)
    model = stored
    if not stored.architecture.formats:
        model = with_formats(stored, fitted_formats(stored, graphs)).double()
    captured = capture_graph_network(model, network.inputs, name=options.design)
    padded = pad(_normalised(stored, graphs), network.nodes, network.edges)
    references = {"float model": scores(float_model(model).double(), graphs), "Brevitas model": scores(model, graphs)}
    if model is not stored:
        references["Brevitas model as published"] = scores(stored, graphs)
    return Bound(
        captured.graph,
        captured.quantise_inputs(driver_inputs(padded)),
        files=(path, *([options.data] if options.data else [])),
        check=graph_checker(captured, model, network.edges),
        physics=tracking_physics(references, captured.graph.outputs[0], graphs, padded),
        architecture=network.architecture,
        engines=network.engines,
        captured=captured,
    )


def _load(path: Path, network: Network) -> InteractionNetwork:
    # In float64 the model is the reference of the integer graph.
    model = (load_published(path) if path.suffix == ".npz" else load_checkpoint(path, FAMILY)).double()
    hidden = model.architecture.hidden
    if hidden != network.hidden:
        raise BadInputError(f"{path} has {hidden} hidden units; this design has {network.hidden}: choose another model")
    return model


def _normalised(model: InteractionNetwork, graphs: SectorGraphs) -> SectorGraphs:
    x, edge_attr = model.normalise(graphs.x, graphs.edge_attr)
    return replace(graphs, x=x, edge_attr=edge_attr)


def fitted_formats(model: InteractionNetwork, graphs: SectorGraphs) -> dict[str, str]:
    """Return formats for the values of a published `model`, which quantises none of them: `VALUE_BITS`, `LOGIT`."""
    fitted = calibrated_formats(model, VALUE_BITS, union(model, graphs))
    return {**{name: str(fixed) for name, fixed in fitted.items()}, "logit": LOGIT}


def driver_inputs(padded: Padded) -> dict[str, Any]:
    """Return the inputs of the network by name."""
    return {"x": padded.x, "edge_attr": padded.edge_attr, "sender": padded.sender, "receiver": padded.receiver}
