"""Read a graph back from the canonical JSON that `Graph.to_json` writes."""

import json
from collections.abc import Mapping
from typing import Any

from codesign.errors import BadInputError
from codesign.fixed import Fixed
from codesign.graph import Graph, Node, Op, Port
from codesign.ranges import frozen


def graph_from_json(text: str, operators: Mapping[str, type[Op]]) -> Graph:
    """Return the graph of `to_json`; `BadInputError` for an unknown operator or a damaged text."""
    try:
        content = json.loads(text)
        nodes = tuple(_node_from(entry, operators) for entry in content["nodes"])
        inputs, outputs = (tuple(_port_from(entry) for entry in content[key]) for key in ("inputs", "outputs"))
        return Graph(content["name"], nodes, inputs, outputs)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise BadInputError(f"not a graph file: {error}") from error


def _node_from(entry: Mapping[str, Any], operators: Mapping[str, type[Op]]) -> Node:
    fields = dict(entry["op"])
    kind = fields.pop("kind")
    if kind not in operators:
        raise BadInputError(f"unknown operator '{kind}'; known are {', '.join(sorted(operators))}")
    return Node(
        entry["name"],
        operators[kind](**{key: _value_from(value) for key, value in fields.items()}),
        tuple(entry["operands"]),
    )


def _port_from(entry: Mapping[str, Any]) -> Port:
    return Port(entry["node"], tuple(entry["scale"]), tuple(entry["offset"]))


def _value_from(value: Any) -> Any:
    if isinstance(value, dict) and "array" in value:
        return frozen(value["array"]).reshape(value["shape"])
    if isinstance(value, dict):
        return Fixed(**value)
    return tuple(_value_from(item) for item in value) if isinstance(value, list) else value
