"""Message passing in the form of PyTorch Geometric, rewritten in operations on rows so that it can be captured."""

import inspect
from types import MethodType
from typing import Any

from torch import Tensor, nn

from codesign.errors import BadInputError
from codesign.frontend.record import copied
from codesign.models.rows import segment_sum, take

SUMS = ("add", "sum")


def as_rows(network: nn.Module) -> nn.Module:
    """Return a module of x, edge_attr, sender, receiver that calls a copy of network(x, edge_index, edge_attr).

    `network` is a `torch_geometric.nn.MessagePassing` with `message` (arguments x_i, x_j, edge_attr), sums as its
    aggregation, and `update`. Its `edge_index` is the pair (sender, receiver); the index N names no node. Raises
    `BadInputError` for a module without `message`, and for another aggregation.
    """
    if not callable(getattr(network, "message", None)) or not callable(getattr(network, "propagate", None)):
        raise BadInputError(f"{type(network).__name__} is no MessagePassing: it needs message and propagate")
    aggregation = getattr(network, "aggr", None)
    if aggregation not in SUMS:
        raise BadInputError(f"{type(network).__name__} aggregates by {aggregation!r}; use one of {', '.join(SUMS)}")
    twin: Any = copied(network)
    # An attribute of the instance: PyTorch Geometric generates `propagate` anew for every class.
    twin.propagate = MethodType(_propagate, twin)
    return _Rows(twin)


class _Rows(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, edge_attr: Tensor, sender: Tensor, receiver: Tensor) -> Any:
        return self.network(x, (sender, receiver), edge_attr)


def _propagate(network: Any, edge_index: tuple[Tensor, Tensor], size: Any = None, **values: Any) -> Any:
    """Return the update of every node: messages along the edges, added up where they arrive.

    It takes the place of `MessagePassing.propagate`, which looks into its arguments and cannot be traced.
    """
    source, target = edge_index if network.flow == "source_to_target" else edge_index[::-1]
    ends = {"_i": target, "_j": source}
    of_nodes = []

    def value(name: str) -> Any:
        if name in values:
            return values[name]
        base, end = name[:-2], ends.get(name[-2:])
        if end is None or base not in values:
            raise BadInputError(f"message and update read '{name}', which propagate is not given")
        of_nodes.append(values[base])
        return take(values[base], end)

    messages = network.message(**{name: value(name) for name in inspect.signature(network.message).parameters})
    if not of_nodes:
        raise BadInputError("message must read a value of nodes, such as x_j, which says how many nodes there are")
    sums = segment_sum(messages, target, of_nodes[0].shape[0])
    own = list(inspect.signature(network.update).parameters)[1:]
    return network.update(sums, **{name: value(name) for name in own})
