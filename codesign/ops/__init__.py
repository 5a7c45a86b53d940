"""The operators, one file each; this table is all that a new operator adds here."""

from codesign.graph import Op
from codesign.ops.add import Add
from codesign.ops.argmax import ArgMax
from codesign.ops.compare import Compare
from codesign.ops.concat import Concat
from codesign.ops.conv1d import Conv1d
from codesign.ops.conv2d import Conv2d
from codesign.ops.dense import Dense
from codesign.ops.gather import Gather
from codesign.ops.global_pool import GlobalPool
from codesign.ops.lookup import Lookup
from codesign.ops.max_pool import MaxPool
from codesign.ops.multiply import Multiply
from codesign.ops.normalise import Normalise
from codesign.ops.pack_float import PackFloat
from codesign.ops.requantise import Requantise
from codesign.ops.reshape import Reshape
from codesign.ops.segment_max import SegmentMax
from codesign.ops.segment_mean import SegmentMean
from codesign.ops.segment_sum import SegmentSum
from codesign.ops.select import Select
from codesign.ops.slice import Slice
from codesign.ops.sources import Constant, Input, Parameter
from codesign.ops.take import Take
from codesign.ops.threshold import Threshold
from codesign.ops.top_k import TopK
from codesign.ops.transpose import Transpose
from codesign.ops.unpack_float import UnpackFloat

OPERATORS: dict[str, type[Op]] = {
    operator.kind: operator
    for operator in (
        Add,
        ArgMax,
        Compare,
        Concat,
        Constant,
        Conv1d,
        Conv2d,
        Dense,
        Gather,
        GlobalPool,
        Input,
        Lookup,
        MaxPool,
        Multiply,
        Normalise,
        PackFloat,
        Parameter,
        Requantise,
        Reshape,
        SegmentMax,
        SegmentMean,
        SegmentSum,
        Select,
        Slice,
        Take,
        Threshold,
        TopK,
        Transpose,
        UnpackFloat,
    )
}

__all__ = [
    "OPERATORS",
    "Add",
    "ArgMax",
    "Compare",
    "Concat",
    "Constant",
    "Conv1d",
    "Conv2d",
    "Dense",
    "Gather",
    "GlobalPool",
    "Input",
    "Lookup",
    "MaxPool",
    "Multiply",
    "Normalise",
    "PackFloat",
    "Parameter",
    "Requantise",
    "Reshape",
    "SegmentMax",
    "SegmentMean",
    "SegmentSum",
    "Select",
    "Slice",
    "Take",
    "Threshold",
    "TopK",
    "Transpose",
    "UnpackFloat",
]
