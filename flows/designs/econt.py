"""The ECON-T encoder: a trained Brevitas autoencoder's encoder as fully parallel, triplicated hardware.

The input port carries the 48 trigger cells as integers of the model's first quantiser; the 16 image pixels
without a cell are constant zero and cost nothing.
"""

from dataclasses import replace
from typing import cast

import numpy as np

from codesign.data.geometry import ARRANGE_8X8, CELLS, MASK_8X8, from_image
from codesign.data.load import data_file, load_charges
from codesign.data.shower import DROP_BITS, generate
from codesign.errors import BadInputError
from codesign.fixed import Fixed, Integers
from codesign.flows.design import Bound, Design
from codesign.flows.model_check import checker, shipped_checkpoint
from codesign.flows.physics import encoder_distance, encoder_physics
from codesign.frontend.brevitas import capture, float_layers, quantise_weights
from codesign.graph import Graph, Node
from codesign.models.compare import load_model
from codesign.models.econt import AutoEncoder
from codesign.models.normalise import normalise
from codesign.ops import Gather, Input
from codesign.options import RunOptions

IMAGE = (1, 8, 8)
EMBEDDED_SEED = 11  # other events than any that a model was trained on (training uses other seeds)
CELLS_INPUT = "cells"


def bind(options: RunOptions) -> Bound:
    """Bind the encoder to a model and events; defaults are the shipped checkpoint and the embedded generator."""
    path = options.model or shipped_checkpoint("econt")
    model = load_model(path)
    if options.weight_bits is not None:
        model = cast(AutoEncoder, quantise_weights(model, _weight_bits(model, options.weight_bits)))
    captured = capture(model.encoder, IMAGE, input_type=_input_type(options), name="econt")
    charges = _charges(options)
    integers = captured.quantise_input(normalise(charges))
    driven = captured
    inputs = {captured.input: integers}
    if not captured.quantise_input(np.zeros((1, *IMAGE))).any():
        graph, form = with_cells(captured.graph, captured.input), captured.forms[captured.input]
        driven = replace(captured, graph=graph, forms={CELLS_INPUT: form})
        inputs = {CELLS_INPUT: from_image(integers)}
    files = (path, *([data_file(options.data)] if options.data else []))
    return Bound(
        driven.graph,
        inputs,
        files=files,
        check=checker(captured, model.encoder),
        physics=encoder_physics(model, captured, charges),
        metric=encoder_distance(model, captured, charges),
        captured=driven,
    )


def with_cells(graph: Graph, image: str) -> Graph:
    """Return `graph` with the 48 cells as input; input `image` becomes wiring, with zeros where no cell is."""
    fixed = graph.types[image].fixed
    index = tuple(int(cell) if used else -1 for cell, used in zip(ARRANGE_8X8, MASK_8X8, strict=True))
    nodes = [Node(CELLS_INPUT, Input((CELLS,), fixed))]
    for node in graph.nodes:
        nodes.append(Node(image, Gather(index, IMAGE), (CELLS_INPUT,)) if node.name == image else node)
    port = replace(graph.inputs[0], node=CELLS_INPUT)
    return Graph(graph.name, tuple(nodes), (port,), graph.outputs)


def _weight_bits(model: AutoEncoder, bits: int) -> dict[str, int]:
    """Every float layer of the encoder; the decoder stays float, it runs outside the detector."""
    layers = [f"encoder.{path}" for path in float_layers(model.encoder)]
    if not layers:
        raise BadInputError("--weight-bits: the encoder has no float weights; leave the option out")
    return dict.fromkeys(layers, bits)


def _input_type(options: RunOptions) -> Fixed | None:
    return Fixed.parse(options.input_format) if options.input_format else None


def _charges(options: RunOptions) -> Integers:
    count = options.vectors or DESIGN.vectors
    if options.data is None:
        if options.rounding is not None or options.drop_bits is not None:
            raise BadInputError("--rounding and --drop-bits say how codes in a data file are read: give --data too")
        return generate(count, seed=EMBEDDED_SEED)
    drop = DROP_BITS if options.drop_bits is None else options.drop_bits
    charges = load_charges(options.data, rounding=options.rounding, drop=drop)
    return charges[: options.vectors]


DESIGN = Design(
    name="econt",
    title="ECON-T encoder from a Brevitas model",
    clock_ns=25.0,
    constraints=("ii <= 25 ns", "latency <= 100 ns", "area <= 4 mm2", "power <= 100 mW"),
    vectors=2000,
    bind=bind,
)
