"""Reads an ONNX file into nodes in topological order and constant tensors. Nothing in the file is trusted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx.defs import OpSchema, SchemaError

from codesign.errors import BadInputError
from codesign.frontend.qonnx_tensors import Array, checked_size, tensor_array

MAX_FILE_BYTES = 1 << 30
STANDARD_DOMAINS = ("", "ai.onnx")
QONNX_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
_INT, _TEXT = onnx.AttributeProto.INT, onnx.AttributeProto.STRING
_QUANT_ATTRIBUTES = {"signed": _INT, "narrow": _INT, "rounding_mode": _TEXT}
# Operators of QONNX: number of inputs, and the types of the attributes.
QONNX_OPERATORS: Mapping[str, tuple[tuple[int, ...], Mapping[str, int]]] = {
    "Quant": ((4,), _QUANT_ATTRIBUTES),
    "IntQuant": ((4,), _QUANT_ATTRIBUTES),
    "BipolarQuant": ((2,), {}),
    "Trunc": ((5, 6), _QUANT_ATTRIBUTES),
}


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One operation: its name (or that of its first output), operator, names of tensors, attributes, and opset."""

    path: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    opset: int

    def option(self, name: str, default: Any = None) -> Any:
        """Return an attribute, text as `str` and lists as tuples."""
        return self.attributes.get(name, default)

    def error(self, reason: str) -> BadInputError:
        """Return the error that names this node."""
        return BadInputError(f"node '{self.path}': {reason}")


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A checked model with one input of `input_shape` (without the batch axis, whose size in the file is `batch`)."""

    nodes: tuple[OnnxNode, ...]
    tensors: Mapping[str, Array]
    input: str
    input_shape: tuple[int, ...]
    batch: int
    outputs: tuple[str, ...]

    def readers(self, name: str) -> tuple[OnnxNode, ...]:
        """Return the nodes that read tensor `name`."""
        return tuple(node for node in self.nodes if name in node.inputs)


def read_model(path: Path) -> OnnxModel:
    """Return the model of an ONNX file; `BadInputError` in one line for anything that is not right with it."""
    proto = _parsed(path)
    graph = proto.graph
    if graph.sparse_initializer:
        raise BadInputError(f"'{path.name}': sparse initialisers are not supported; store them dense")
    folder = path.parent.resolve()
    tensors = {tensor.name: tensor_array(tensor, folder) for tensor in graph.initializer}
    opsets = _opsets(proto, path)
    nodes = tuple(_node(node, opsets) for node in graph.node)
    inputs = [value for value in graph.input if value.name not in tensors]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise BadInputError(f"'{path.name}': the model must read one tensor, not {len(inputs)} ({names})")
    batch, shape = _input_shape(inputs[0])
    outputs = tuple(value.name for value in graph.output)
    ordered = _ordered(nodes, {*tensors, inputs[0].name}, outputs, path)
    return OnnxModel(ordered, tensors, inputs[0].name, shape, batch, outputs)


def _parsed(path: Path) -> onnx.ModelProto:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BadInputError(f"'{path}' has {size} bytes; at most {MAX_FILE_BYTES} are read")
        proto: onnx.ModelProto = onnx.ModelProto.FromString(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"cannot read '{path}': {error.strerror or error}") from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"'{path}' is no ONNX model, or is damaged") from error
    if not _is_text(proto):
        raise BadInputError(f"'{path}' is no ONNX model, or is damaged: a name is no UTF-8 text")
    if not proto.graph.node:
        raise BadInputError(f"'{path}' is no ONNX model, or is damaged: it holds no nodes")
    return proto


def _is_text(message: Message) -> bool:
    """Whether every text in `message` is one; protobuf leaves what is not UTF-8 as bytes."""
    for field, value in message.ListFields():
        values = [value] if isinstance(value, str | bytes | Message) else value
        if field.type == FieldDescriptor.TYPE_STRING and not all(isinstance(one, str) for one in values):
            return False
        if field.type == FieldDescriptor.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
    return True


def _opsets(proto: onnx.ModelProto, path: Path) -> Mapping[str, int]:
    """Return the version of every operator set; the standard one must be known to the installed onnx."""
    opsets = {entry.domain: entry.version for entry in proto.opset_import}
    standard = opsets.get("", opsets.get("ai.onnx", 0))
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= standard <= newest:
        raise BadInputError(f"'{path.name}': opset {standard} of ONNX must be 1 to {newest}")
    return {**opsets, **dict.fromkeys(STANDARD_DOMAINS, standard)}


def _node(proto: onnx.NodeProto, opsets: Mapping[str, int]) -> OnnxNode:
    path = proto.name or (proto.output[0] if proto.output else proto.op_type) or "?"
    attributes = {one.name: _attribute(one, path) for one in proto.attribute}
    node = OnnxNode(
        path, proto.op_type, tuple(proto.input), tuple(proto.output), attributes, opsets.get(proto.domain, 1)
    )
    if not node.outputs or not node.outputs[0]:
        raise node.error("has no output")
    types = {one.name: int(one.type) for one in proto.attribute}
    if proto.domain in STANDARD_DOMAINS:
        _check_standard(node, types)
    elif proto.domain in QONNX_DOMAINS:
        _check_qonnx(node, types)
    else:
        known = ", ".join(repr(domain) for domain in (STANDARD_DOMAINS[0], *QONNX_DOMAINS))
        raise node.error(f"domain '{proto.domain}' of {node.kind} is not supported; use one of {known}")
    return node


def _attribute(proto: onnx.AttributeProto, path: str) -> Any:
    if proto.type in (onnx.AttributeProto.TENSOR,):
        return tensor_array(proto.t, None)
    if proto.type in (_INT, onnx.AttributeProto.FLOAT, _TEXT, onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS):
        value = onnx.helper.get_attribute_value(proto)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if not np.all(np.isfinite(value)):
            raise BadInputError(f"node '{path}': attribute '{proto.name}' holds NaN or infinity")
        return value if isinstance(value, int | float) else tuple(value)
    raise BadInputError(f"node '{path}': attribute '{proto.name}' is neither number, text, list of numbers nor tensor")


def _check_standard(node: OnnxNode, types: Mapping[str, int]) -> None:
    """Check attributes and number of inputs against the operator's definition in the model's opset."""
    try:
        schema: OpSchema = onnx.defs.get_schema(node.kind, node.opset, "")
    except SchemaError as error:
        raise node.error(f"opset {node.opset} of ONNX has no operator '{node.kind}'") from error
    types_: Mapping[str, Any] = {name: one.type for name, one in schema.attributes.items()}
    known = {name: int(type_.value) for name, type_ in types_.items()}
    _check_attributes(node, types, known, f"{node.kind} of opset {node.opset}")
    missing = [name for name, one in schema.attributes.items() if one.required and name not in types]
    if missing:
        raise node.error(f"{node.kind} of opset {node.opset} needs attribute '{missing[0]}'")
    if not schema.min_input <= len(node.inputs) <= schema.max_input:
        raise node.error(f"{node.kind} takes {schema.min_input} to {schema.max_input} inputs, not {len(node.inputs)}")


def _check_qonnx(node: OnnxNode, types: Mapping[str, int]) -> None:
    if node.kind not in QONNX_OPERATORS:
        raise node.error(f"QONNX operator '{node.kind}' is not supported; use one of {', '.join(QONNX_OPERATORS)}")
    counts, known = QONNX_OPERATORS[node.kind]
    _check_attributes(node, types, known, node.kind)
    missing = [name for name in ("signed", "narrow") if node.kind.endswith("Quant") and name in set(known) - set(types)]
    if missing:
        raise node.error(f"{node.kind} needs attribute '{missing[0]}'")
    if len(node.inputs) not in counts or not all(node.inputs):
        raise node.error(f"{node.kind} takes {' or '.join(map(str, counts))} inputs, not {len(node.inputs)}")


def _check_attributes(node: OnnxNode, types: Mapping[str, int], known: Mapping[str, int], owner: str) -> None:
    for name, type_ in types.items():
        if name not in known:
            raise node.error(f"{owner} has no attribute '{name}'; it has {', '.join(sorted(known)) or 'none'}")
        if type_ != known[name]:
            wanted, found = (onnx.AttributeProto.AttributeType.Name(one) for one in (known[name], type_))
            raise node.error(f"attribute '{name}' must be of type {wanted}, not {found}")


def _input_shape(value: onnx.ValueInfoProto) -> tuple[int, tuple[int, ...]]:
    """Return the size of the batch axis (1 if it is dynamic) and the shape of one sample."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        raise BadInputError(f"input '{value.name}' must be a tensor of known shape")
    sizes = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in value.type.tensor_type.shape.dim]
    if len(sizes) < 2:
        raise BadInputError(f"input '{value.name}' must have a batch axis and at least one more, not {len(sizes)} axes")
    if min(sizes[1:]) < 1 or sizes[0] < 0:
        axis = next(i for i, size in enumerate(sizes) if size < (i > 0))
        raise BadInputError(f"input '{value.name}': size of axis {axis} is dynamic; fix it, only the batch may vary")
    checked_size(sizes[1:], f"input '{value.name}'")
    return sizes[0] or 1, tuple(sizes[1:])


def _ordered(
    nodes: tuple[OnnxNode, ...], given: set[str], outputs: tuple[str, ...], path: Path
) -> tuple[OnnxNode, ...]:
    """Return the nodes in topological order (that of the file where it is one)."""
    made = Counter(name for node in nodes for name in node.outputs if name)
    twice = [name for name, count in made.items() if count > 1 or name in given]
    if twice:
        raise BadInputError(f"'{path.name}': tensor '{twice[0]}' is defined twice")
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    order = nx.DiGraph()
    order.add_nodes_from(range(len(nodes)))
    for index, node in enumerate(nodes):
        for name in filter(None, node.inputs):
            if name in maker:
                order.add_edge(maker[name], index)
            elif name not in given:
                raise node.error(f"reads '{name}', which no node, input or initialiser defines")
    missing = [name for name in outputs if name not in maker]
    if missing or not outputs:
        raise BadInputError(f"'{path.name}': no node computes output '{missing[0] if missing else ''}'")
    try:
        return tuple(nodes[index] for index in nx.lexicographical_topological_sort(order))
    except nx.NetworkXUnfeasible as error:
        raise BadInputError(f"'{path.name}': its nodes read each other in a cycle") from error
