"""Quantisers that a model lacks: where the user names a format for a value, a Brevitas quantiser is inserted."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.frontend import read
from codesign.frontend.record import Call, trace
from codesign.models.quantisers import best_fixed, fixed_quantiser


def insert_quantisers(model: nn.Module, formats: Mapping[str, Fixed]) -> nn.Module:
    """Return a copy of `model`, evaluation mode, whose values named in `formats` are rounded to these formats.

    A value goes by its module path, its argument name or its torch.fx name, as in the errors of `capture`; the
    quantiser behind value `r1.fc3` is the module `r1_fc3_quant`, and the result is the reference of the integer graph.
    Raises `BadInputError` for a value that the model does not have.
    """
    traced = trace(model, _dtype(model))
    nodes = {call.path: call.node for call in traced.calls if call.node.op != "output"}
    graph = traced.module.graph
    for path, fixed in formats.items():
        if path not in nodes:
            raise BadInputError(f"the model has no value '{path}'; its values are {', '.join(nodes)}")
        name = f"{path.replace('.', '_')}_quant"
        traced.module.add_module(name, fixed_quantiser(fixed).to(_dtype(model)).eval())
        with graph.inserting_after(nodes[path]):
            quantiser = graph.call_module(name, (nodes[path],))
        nodes[path].replace_all_uses_with(quantiser)
        quantiser.args = (nodes[path],)
    traced.module.recompile()
    return traced.module


def calibrated_formats(model: nn.Module, bits: Mapping[str, int], inputs: Sequence[Tensor]) -> dict[str, Fixed]:
    """Return for each value the format of bits[value] bits with the least mean squared error on `inputs` of the model.

    Values are named as for `insert_quantisers`; so are errors.
    """
    met: dict[str, Fixed] = {}
    names: list[str] = []

    def observe(call: Call, arguments: tuple[Any, ...], result: Any) -> None:
        names.append(call.path)
        if call.path in bits:
            met[call.path] = best_fixed(read.value_of(result), bits[call.path])

    trace(model, torch.float64).run([one.double() if one.is_floating_point() else one for one in inputs], observe)
    for path in bits:
        if path not in met:
            raise BadInputError(f"the model has no value '{path}'; its values are {', '.join(names)}")
    return {path: met[path] for path in bits}


def _dtype(model: nn.Module) -> torch.dtype:
    return next((one.dtype for one in model.parameters() if one.is_floating_point()), torch.float32)
