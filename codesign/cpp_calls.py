"""How every operator is called in C++: the template, its arguments, and the constants that it reads.

One function an operator. Sums are of the narrower of 32 and 64 bits that holds every number on the way: `largest` of
`FloatForm` bounds every product and partial sum, in any order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codesign.errors import BadInputError
from codesign.fixed import Integers
from codesign.float_form import FloatForm
from codesign.graph import Op, TensorType, Wiring
from codesign.ops.compare import Compare
from codesign.ops.conv1d import Conv1d, as_rows
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.elementwise import joint_shape, port_sizes
from codesign.ops.global_pool import GlobalPool
from codesign.ops.max_pool import MaxPool
from codesign.ops.requantise import Requantise
from codesign.ops.threshold import Threshold
from codesign.ranges import frozen

INT32, INT64 = "std::int32_t", "std::int64_t"
_END = {INT32: 1 << 31, INT64: 1 << 63}


@dataclass(frozen=True)
class Call:
    """A template of `cpp_templates` (file and function), its arguments with their names, constants behind operands."""

    template: str
    arguments: Mapping[str, str | int] = field(default_factory=dict)
    constants: Mapping[str, Integers] = field(default_factory=dict)


def operator_call(op: Op, *operands: TensorType) -> Call:
    """Return the call of an operator; `BadInputError` if it has no C++ form or needs more than 64 bits."""
    if op.kind not in _CALLS:
        raise BadInputError(f"no C++ form of operator '{op.kind}': add it to codesign/cpp_calls.py")
    return _CALLS[op.kind](op, *operands)


def _sum_type(op: FloatForm, *operands: TensorType, more: int = 0) -> str:
    """The narrowest type of sums; `more` is what rounding adds."""
    largest = op.largest(*operands) + more
    for name, end in _END.items():
        if largest < end:
            return name
    raise BadInputError(f"sums of up to {largest:.3g} do not fit 64 bits: use fewer bits")


def _left(bits: int, sum_type: str) -> int:
    """A left shift; only 0 can be shifted by more, as sums fit their type."""
    return min(bits, _END[sum_type].bit_length() - 2)


def _right(bits: int, sum_type: str) -> int:
    """A right shift; beyond, every number gives 0 or -1 all the same."""
    return min(bits, _END[sum_type].bit_length() - 1)


def _repeats(op: Op, letters: str, *operands: TensorType) -> dict[str, str | int]:
    joint = joint_shape(op.kind, *operands)
    sizes = [port_sizes(letter, one, joint) for letter, one in zip(letters, operands, strict=True)]
    return {f"{c.lower()}_repeat": one[f"{c}_REPEAT"] for c, one in zip(letters, sizes, strict=True)}


def _add(op: Any, *operands: TensorType) -> Call:
    sums = _sum_type(op, *operands)
    shifts = {"left_shift": _left(op.left_shift, sums), "right_shift": _left(op.right_shift, sums)}
    return Call("add", {"Sum": sums, **_repeats(op, "AB", *operands), **shifts})


def _multiply(op: Any, *operands: TensorType) -> Call:
    return Call("multiply", {"Sum": _sum_type(op, *operands), **_repeats(op, "AB", *operands)})


def _compare(op: Compare, *operands: TensorType) -> Call:
    return Call("compare", {"relation": f"op::Relation::{op.relation}", **_repeats(op, "AB", *operands)})


def _select(op: Op, *operands: TensorType) -> Call:
    return Call("select", _repeats(op, "CAB", *operands))


def _concat(op: Any, left: TensorType, right: TensorType) -> Call:
    return Call("concat", {"rows": int(np.prod(left.shape[: op.axis], dtype=np.int64))})


def _rewire(op: Op, *operands: TensorType) -> Call:
    how = op.rtl(1, *operands)
    assert isinstance(how, Wiring)
    return Call("rewire", constants={"index": frozen(how.index)})


def _dense(op: Dense, *operands: TensorType) -> Call:
    sums = _sum_type(op, *operands)
    shifts = {"truncate": _right(op.truncate, sums), "bias_shift": _left(op.bias_shift, sums)}
    return Call("dense", {"Sum": sums, **shifts})


def _conv1d(op: Conv1d, *operands: TensorType) -> Call:
    return _conv2d(op.as_2d, *as_rows(*operands))


def _conv2d(op: Conv2d, data: TensorType, weight: TensorType, bias: TensorType) -> Call:
    sums = _sum_type(op, data, weight, bias)
    out_rows, out_columns = op.out_size(data, weight)
    return Call(
        "conv2d",
        {
            "Sum": sums,
            **_image(data),
            **_kernel((weight.shape[2], weight.shape[3]), op.stride, op.padding),
            "out_rows": out_rows,
            "out_columns": out_columns,
            "groups": op.groups,
            "pad_value": op.pad_value,
            "truncate": _right(op.truncate, sums),
            "bias_shift": _left(op.bias_shift, sums),
        },
    )


def _image(data: TensorType) -> dict[str, int]:
    return dict(zip(("channels", "rows", "columns"), data.shape, strict=True))


def _kernel(kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int, int, int]) -> dict[str, int]:
    names = ("kernel_rows", "kernel_columns", "stride_rows", "stride_columns", "pad_top", "pad_left")
    return dict(zip(names, (*kernel, *stride, padding[0], padding[2]), strict=True))


def _max_pool(op: MaxPool, data: TensorType) -> Call:
    rows, columns = op.out_size(data)
    sizes = {**_image(data), **_kernel(op.kernel, op.stride, op.padding)}
    return Call("max_pool", {**sizes, "out_rows": rows, "out_columns": columns})


def _requantise(op: Requantise, data: TensorType) -> Call:
    sums = _sum_type(op, data, more=1 << op.shift)
    low, high = op.clip
    half_even = str(op.rounding == "half_even").lower()
    constants = {"multiplier": frozen(op.multiplier), "addend": frozen(op.addend)}
    arguments: dict[str, str | int] = {"Sum": sums, "shift": op.shift, "half_even": half_even, "low": low, "high": high}
    return Call("requantise", arguments, constants)


def _threshold(op: Threshold, data: TensorType) -> Call:
    constants = {"thresholds": op.thresholds, "falling": frozen([int(falls) for falls in op.falling])}
    return Call("threshold", {"base": op.base}, constants)


def _lookup(op: Any, data: TensorType) -> Call:
    return Call("lookup", {"low": op.operand.low}, {"table": op.entries})


def _rows(data: TensorType) -> dict[str, str | int]:
    return {"rows": data.size // data.shape[-1]}


def _argmax(op: Op, data: TensorType) -> Call:
    return Call("argmax", _rows(data))


def _top_k(op: Any, data: TensorType) -> Call:
    return Call("top_k", {**_rows(data), "positions": str(op.positions).lower()})


def _global_pool(op: GlobalPool, data: TensorType) -> Call:
    return Call("global_sum", {"Sum": _sum_type(op, data)}) if op.mode == "sum" else Call("global_max")


def _take(op: Op, data: TensorType, index: TensorType) -> Call:
    return Call("take", {"rows": data.shape[0]})


def _segment_sum(op: Any, *operands: TensorType) -> Call:
    return Call("segment_sum", {"Sum": _sum_type(op, *operands), "segments": op.segments})


def _segment_max(op: Any, *operands: TensorType) -> Call:
    return Call("segment_max", {"segments": op.segments})


def _segment_mean(op: Any, *operands: TensorType) -> Call:
    return Call("segment_mean", {"segments": op.segments, "frac": op.frac})


def _normalise(op: Any, *operands: TensorType) -> Call:
    return Call("normalise", {"frac": op.frac})


def _pack_float(op: Any, data: TensorType) -> Call:
    return Call("pack_float", {"mantissa_bits": op.mantissa_bits})


def _unpack_float(op: Any, code: TensorType) -> Call:
    return Call("unpack_float", {"mantissa_bits": op.mantissa_bits, "drop": op.drop, "half": str(op.half).lower()})


_CALLS: Mapping[str, Callable[..., Call]] = {
    "add": _add,
    "argmax": _argmax,
    "compare": _compare,
    "concat": _concat,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "dense": _dense,
    "gather": _rewire,
    "global_pool": _global_pool,
    "lookup": _lookup,
    "max_pool": _max_pool,
    "multiply": _multiply,
    "normalise": _normalise,
    "pack_float": _pack_float,
    "requantise": _requantise,
    "reshape": _rewire,
    "segment_max": _segment_max,
    "segment_mean": _segment_mean,
    "segment_sum": _segment_sum,
    "select": _select,
    "slice": _rewire,
    "take": _take,
    "threshold": _threshold,
    "top_k": _top_k,
    "transpose": _rewire,
    "unpack_float": _unpack_float,
}
