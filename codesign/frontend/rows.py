"""Lowers the calls of graph networks: rows chosen and summed by an index, and the index itself."""

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import fx

from codesign.errors import BadInputError
from codesign.frontend.quantise import settled
from codesign.frontend.site import Handler, Site
from codesign.frontend.values import Builder, Value
from codesign.ops.segment_sum import SegmentSum
from codesign.ops.take import Take

NULL_ROW = (0, 0, 0, 1)  # as functional.pad names one row of zeros behind the others


def with_null_row(builder: Builder, site: Site) -> Value:
    """Rows (N, F) with a row of zeros behind them, which the null index names."""
    return replace(settled(site.value, site.path, "it"), spare_row="zeros")


def select(builder: Builder, site: Site) -> Value:
    """index_select along the rows."""
    value = site.value
    if site.axis(1, "dim", len(value.shape)) != 0:
        raise BadInputError(f"'{site.path}': index_select chooses rows only: the first axis behind the batch")
    return _taken(builder, site, site.option(2, "index", None))


def item(builder: Builder, site: Site) -> Value:
    """x[index], and the slice that drops the spare row of a sum by index."""
    value, chosen = site.value, site.option(1, "key", None)
    if value.spare_row == "sums":
        is_rest = isinstance(chosen, slice) and chosen.start is None and chosen.step is None
        if not is_rest or site.shape != value.shape:
            raise BadInputError(f"'{site.path}': of a sum with a row for the null index, take [:{value.shape[0]}]")
        return replace(value, spare_row=None)
    if isinstance(chosen, fx.Node) and not site.leading:
        return _taken(builder, site, chosen)
    raise BadInputError(f"'{site.path}': [...] is supported with an index of rows only")


def _taken(builder: Builder, site: Site, chosen: Any) -> Value:
    value = settled(site.value, site.path, "it")
    index = _index(builder, site, chosen, value.shape[0])
    if any(value.offset):
        raise BadInputError(f"'{site.path}': the null row is zero, so the rows need a quantiser without zero point")
    if len(set(value.scale)) > 1:
        raise BadInputError(f"'{site.path}': choosing rows needs one scale; quantise them per tensor")
    assert value.node is not None
    node = builder.add(site.path, Take(), value.node, index)
    return replace(value, node=node, shape=builder.types[node].shape, spare_row=None)


def _index(builder: Builder, site: Site, chosen: Any, rows: int) -> str:
    """Return the node of the index that an fx argument stands for, which names `rows` rows."""
    at = site.call.operands.index(chosen) if chosen in site.call.operands else None
    tracked = None if at is None else site.tracked[at]
    if tracked is not None:
        if tracked.rows != rows:
            named = "no rows" if tracked.rows is None else f"one of {tracked.rows} rows"
            raise BadInputError(f"'{site.path}': the index '{tracked.node}' names {named}, but there are {rows}")
        assert tracked.node is not None
        return tracked.node
    if at is None or not site.leading:
        raise BadInputError(f"'{site.path}': the index must be an input of the model")
    values = np.asarray(site.arguments[at].numpy(), dtype=np.int64)
    return builder.constant(f"{site.path}.index", values % rows)


def summed(builder: Builder, site: Site) -> Value:
    """index_add, scatter_add of rows onto zeros, one segment a row; a last row for the null index may be cut off."""
    base, chosen, source = (site.option(at, name, None) for at, name in ((0, "input"), (2, "index"), (3, "source")))
    if site.call.node.kwargs.get("alpha", 1) != 1 or site.axis(1, "dim", 2) != 0 or site.leading:
        raise BadInputError(f"'{site.path}': rows are summed along axis 0, without alpha")
    arguments = dict(zip(site.call.operands, zip(site.tracked, site.arguments, strict=True), strict=True))
    onto, zeros = arguments[base]
    value = arguments[source][0] if source in arguments else None
    if onto is not None or bool(zeros.any()) or value is None:
        raise BadInputError(f"'{site.path}': sum the rows of a value of the model, onto zeros")
    tracked = arguments[chosen][0] if chosen in arguments else None
    segments = len(zeros) if tracked is None or tracked.rows is None else tracked.rows
    if len(zeros) not in (segments, segments + 1):
        raise BadInputError(f"'{site.path}': the index names {segments} rows, but {len(zeros)} are summed to")
    value = settled(value, site.path, "it")
    index = _index(builder, site, chosen, segments)
    if any(value.offset) or len(set(value.scale)) > 1:
        raise BadInputError(f"'{site.path}': sums of rows need one scale without zero point; quantise them per tensor")
    assert value.node is not None
    node = builder.add(site.path, SegmentSum(segments), value.node, index)
    shape = builder.types[node].shape
    return replace(value, node=node, shape=shape, direct=False, spare_row="sums" if len(zeros) > segments else None)


def same_index(builder: Builder, site: Site) -> Value:
    """An index as it is, or one column of it for every feature."""
    value = site.value
    if site.shape[:1] != value.shape or len(site.shape) > 2:
        raise BadInputError(f"'{site.path}': an index of rows can be given a feature axis behind it, nothing else")
    return value


# Calls that read of a tensor its shape and type alone: their result is a constant.
CONSTANTS = frozenset({"new_zeros", "new_ones", torch.zeros_like, torch.ones_like})
# What may read a value with a row for the null index behind its rows.
READERS_OF_SPARE_ROWS: Mapping[str, tuple[Any, ...]] = {
    "zeros": ("index_select", torch.index_select, operator.getitem),
    "sums": (operator.getitem,),
}
ROW_HANDLERS: Mapping[Any, Handler] = {
    "index_select": select,
    torch.index_select: select,
    operator.getitem: item,
    "index_add": summed,
    torch.index_add: summed,
    "scatter_add": summed,
    torch.scatter_add: summed,
}
INDEX_HANDLERS: Mapping[Any, Handler] = dict.fromkeys(
    ("long", "contiguous", "unsqueeze", "view", "reshape", "expand", "expand_as", torch.unsqueeze, torch.reshape),
    same_index,
)
