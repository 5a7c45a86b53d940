"""Lowers the calls of graph networks: rows chosen and summed by an index, and the index itself."""

import operator
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import isfinite, prod
from typing import Any, Literal

import numpy as np
import torch
from torch import fx

from codesign.errors import BadInputError
from codesign.frontend.affine import check_quantised, reshaped, scaled
from codesign.frontend.quantise import moved, settled
from codesign.frontend.site import Handler, Site
from codesign.frontend.values import Builder, Value, common_channels, leading, spread, with_shape
from codesign.ops.global_pool import GlobalPool
from codesign.ops.multiply import Multiply
from codesign.ops.segment_sum import SegmentSum
from codesign.ops.slice import Slice
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
    return _sliced(builder, site, chosen if isinstance(chosen, tuple) else (chosen,))


def _sliced(builder: Builder, site: Site, parts: tuple[Any, ...]) -> Value:
    """x[:, :, 1:3]: slices of the axes behind the first, which is the batch or the rows."""
    value = settled(site.value, site.path, "[...]")
    is_plain = all(isinstance(part, slice) and part.step is None for part in parts)
    if not is_plain or parts[0] != slice(None) or len(parts) > len(value.shape) + site.leading:
        raise BadInputError(f"'{site.path}': [...] takes an index of rows, or slices of the axes behind the first")
    for axis, part in enumerate(parts[site.leading :]):
        start, stop, _ = part.indices(value.shape[axis])
        if (start, stop) != (0, value.shape[axis]):
            assert value.node is not None
            node = builder.add(site.path, Slice(axis, start, stop), value.node)
            elements = np.arange(prod(value.shape)).reshape(value.shape)
            value = moved(value, node, np.take(elements, range(start, stop), axis=axis))
    return value


def _taken(builder: Builder, site: Site, chosen: Any) -> Value:
    value = settled(site.value, site.path, "it")
    index = _index(builder, site, chosen, value.shape[0])
    if any(value.offset):
        raise BadInputError(f"'{site.path}': the null row is zero, so the rows need a quantiser without zero point")
    assert value.node is not None
    node = builder.add(site.path, Take(), value.node, index)
    return replace(_like_rows_of(builder, site.path, value, node), spare_row=None)


def _like_rows_of(builder: Builder, path: str, value: Value, node: str, times: int = 1) -> Value:
    """Return what `node` means, whose rows mean what every row of `value` means, or the sum of `times` such rows."""
    shape = builder.types[node].shape
    meaning = [with_shape(one, value.shape) for one in (value.scale, value.offset, value.magnitude)]
    if any((one != one[:1]).any() for one in meaning):
        raise BadInputError(f"'{path}': its rows differ in scale; quantise them per tensor")
    scale, offset, magnitude = (leading(np.broadcast_to(one[:1], shape)) for one in meaning)
    channels = common_channels(scale, offset, magnitude)
    offset, magnitude = (tuple(times * one for one in spread(each, channels)) for each in (offset, magnitude))
    return replace(value, node=node, shape=shape, scale=spread(scale, channels), offset=offset, magnitude=magnitude)


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
    return builder.constant(f"{site.path}.index", np.where(values < 0, values + rows, values))


def summed(builder: Builder, site: Site) -> Value:
    """index_add, scatter_add of rows onto zeros, one segment a row; a last row for the null index may be cut off."""
    base, chosen, source = (site.option(at, name, None) for at, name in ((0, "input"), (2, "index"), (3, "source")))
    if site.call.node.kwargs.get("alpha", 1) != 1 or site.axis(1, "dim", len(site.shape)) != 0:
        raise BadInputError(f"'{site.path}': rows are summed along the first axis behind the batch, without alpha")
    arguments = dict(zip(site.call.operands, zip(site.tracked, site.arguments, strict=True), strict=True))
    onto, zeros = arguments[base]
    value = arguments[source][0] if source in arguments else None
    if onto is not None or bool(zeros.any()) or value is None:
        raise BadInputError(f"'{site.path}': sum the rows of a value of the model, onto zeros")
    tracked = arguments[chosen][0] if chosen in arguments else None
    rows = site.shape[0]
    segments = rows if tracked is None or tracked.rows is None else tracked.rows
    if rows not in (segments, segments + 1):
        raise BadInputError(f"'{site.path}': the index names {segments} rows, but {rows} are summed to")
    value = settled(value, site.path, "it")
    index = _index(builder, site, chosen, segments)
    if any(value.offset):
        raise BadInputError(f"'{site.path}': sums of rows need a quantiser without zero point before them")
    assert value.node is not None
    node = builder.add(site.path, SegmentSum(segments), value.node, index)
    result = _like_rows_of(builder, site.path, value, node)
    return replace(result, direct=False, spare_row="sums" if rows > segments else None)


def pooled(mode: Literal["sum", "mean", "max"]) -> Handler:
    """Return the handler of sum, mean, amax over the rows of an event: the first axis behind the batch."""

    def handler(builder: Builder, site: Site) -> Value:
        value = settled(site.value, site.path, mode)
        if not site.leading or len(value.shape) < 2 or site.axis(1, "dim", len(value.shape)) != 0:
            raise BadInputError(f"'{site.path}': {mode} goes over the rows: the first axis behind a batch axis")
        if min(value.scale) <= 0:
            raise BadInputError(f"'{site.path}': {mode} needs positive scales")
        assert value.node is not None
        node = builder.add(site.path, GlobalPool("max" if mode == "max" else "sum"), value.node)
        times = 1 if mode == "max" else value.shape[0]
        result = replace(_like_rows_of(builder, site.path, value, node, times), direct=False)
        if mode == "mean":
            result = scaled(result, (Fraction(1, value.shape[0]),))
        return reshaped(builder, f"{site.path}.row", result, site.shape)

    return handler


def multiplied(builder: Builder, site: Site) -> Value:
    """Product of two values, element by element, or of a value and a number."""
    if len(site.tracked) == 1 and len(site.values) == 1:
        factor = next(one for one in site.call.node.args if not isinstance(one, fx.Node))
        if not isinstance(factor, int | float) or not isfinite(factor) or factor == 0:
            raise BadInputError(f"'{site.path}': a product needs two values of the model, or a number that is not 0")
        return scaled(settled(site.value, site.path, "a product"), (Fraction(factor),))
    if None in site.tracked:
        raise BadInputError(f"'{site.path}': a product needs two values of the model, or a number that is not 0")
    left, right = (settled(value, site.path, "a product") for value in site.values)
    for value in (left, right):
        check_quantised(value, site.path)
        if len(set(value.scale)) > 1 or any(value.offset):
            raise BadInputError(f"'{site.path}': a product needs one scale without zero point; quantise per tensor")
    node = builder.add(site.path, Multiply(), str(left.node), str(right.node))
    shape = builder.types[node].shape
    scale = (left.scale[0] * right.scale[0],)
    return Value(node, shape, scale, (Fraction(0),), (0.0,), quantised=True)


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
    "sum": pooled("sum"),
    torch.sum: pooled("sum"),
    "mean": pooled("mean"),
    torch.mean: pooled("mean"),
    "amax": pooled("max"),
    torch.amax: pooled("max"),
    operator.mul: multiplied,
    torch.mul: multiplied,
    "mul": multiplied,
    torch.scatter_add: summed,
}
INDEX_HANDLERS: Mapping[Any, Handler] = dict.fromkeys(
    ("long", "contiguous", "unsqueeze", "view", "reshape", "expand", "expand_as", torch.unsqueeze, torch.reshape),
    same_index,
)
