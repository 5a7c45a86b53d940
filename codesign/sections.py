"""Sections of a report that several steps of a run fill: put together, and moved between folders."""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel

from codesign.report import Comparison, Sections

Part = TypeVar("Part", bound=BaseModel)


def merged(parts: Iterable[Sections]) -> Sections:
    """Return all parts as one: tables are joined, comparisons filled up; of a single number the last one counts."""
    fields: dict[str, Any] = {}
    for part in parts:
        for name in part.model_fields_set:
            fields[name] = _joined(fields.get(name), getattr(part, name))
    return Sections(**fields)


def _joined(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return first if second is None else second
    if isinstance(second, tuple):
        return (*first, *second)
    if isinstance(second, Comparison):
        return Comparison(predicted=second.predicted or first.predicted, measured=second.measured or first.measured)
    return second


def in_folder(part: Part, folder: str) -> Part:
    """Return `part` with every source named as seen from one level above `folder`, in which it lies."""
    return type(part).model_validate(_moved(part.model_dump(exclude_unset=True), folder))


def _moved(value: Any, folder: str) -> Any:
    if isinstance(value, dict):
        own = {"source": f"{folder}/{value['source']}"} if isinstance(value.get("source"), str) else {}
        return {key: _moved(inner, folder) for key, inner in value.items()} | own
    if isinstance(value, list | tuple):
        return [_moved(inner, folder) for inner in value]
    return value
