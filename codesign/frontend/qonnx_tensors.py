"""Reads tensors of ONNX files: known element types, bounded sizes, finite numbers, external data beside the model."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from codesign.errors import BadInputError

Array = NDArray[Any]

MAX_ELEMENTS = 1 << 26
_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
_INTEGERS = (
    TensorProto.BOOL, TensorProto.INT4, TensorProto.UINT4, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16,
    TensorProto.UINT16, TensorProto.INT32, TensorProto.UINT32, TensorProto.INT64, TensorProto.UINT64,
)  # fmt: skip


def checked_size(shape: Sequence[int], owner: str) -> tuple[int, ...]:
    """Return `shape` if it has no negative axis and at most `MAX_ELEMENTS` elements."""
    if any(size < 0 for size in shape):
        raise BadInputError(f"{owner}: shape {tuple(shape)} has a negative axis")
    if prod(shape) > MAX_ELEMENTS:
        raise BadInputError(f"{owner} has {prod(shape)} elements; at most {MAX_ELEMENTS} are read")
    return tuple(shape)


def checked_finite(array: Array, owner: str) -> Array:
    """Return `array` unless it holds NaN or infinity."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadInputError(f"{owner} holds NaN or infinity")
    return array


def tensor_array(tensor: TensorProto, folder: Path | None) -> Array:
    """Return the values: floats as float64 (exact), integers in their own type.

    `folder` is where external data may lie; None if it may not be external. `BadInputError` names the tensor.
    """
    owner = f"tensor '{tensor.name}'"
    checked_size(tensor.dims, owner)
    if tensor.data_type not in (*_FLOATS, *_INTEGERS):
        name = onnx.helper.tensor_dtype_to_string(tensor.data_type) if tensor.data_type in _names() else "unknown"
        raise BadInputError(f"{owner}: element type {name} is not supported; use floats or integers")
    if tensor.data_location == TensorProto.EXTERNAL:
        tensor = _with_external_data(tensor, folder, owner)
    try:
        array = np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, OverflowError) as error:
        raise BadInputError(f"{owner} is damaged: its data do not fill shape {tuple(tensor.dims)}") from error
    if tensor.data_type in (TensorProto.INT4, TensorProto.UINT4):
        array = array.astype(np.int8 if tensor.data_type == TensorProto.INT4 else np.uint8)
    return checked_finite(array.astype(np.float64) if tensor.data_type in _FLOATS else array, owner)


def _names() -> Sequence[int]:
    return list(TensorProto.DataType.values())


def _with_external_data(tensor: TensorProto, folder: Path | None, owner: str) -> TensorProto:
    """Return a copy of `tensor` that holds its data; the file must lie in `folder`, links resolved."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    path = Path(location)
    if folder is None or not location or path.is_absolute() or ".." in path.parts or "\\" in location:
        raise BadInputError(f"{owner}: external data '{location}' must be a path inside of the model's folder")
    target = (folder / path).resolve()
    if not target.is_relative_to(folder):
        raise BadInputError(f"{owner}: external data '{location}' leads out of the model's folder")
    itemsize = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    wanted = prod(tensor.dims) * itemsize
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", wanted))
        if offset < 0 or length != wanted or not target.is_file():
            raise ValueError
        with target.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) != wanted:
            raise ValueError
    except (OSError, ValueError, OverflowError) as error:
        raise BadInputError(f"{owner}: external data '{location}' must be a file with its {wanted} bytes") from error
    return TensorProto(name=tensor.name, data_type=tensor.data_type, dims=list(tensor.dims), raw_data=data)
