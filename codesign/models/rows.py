"""Graph networks in plain PyTorch: rows lead, there is no batch axis, an index vector names rows.

An index equal to the number of rows names the null row of padding: it reads zeros, and nothing is written to it. A
batch of events is their disjoint union, as PyTorch Geometric batches graphs: rows joined, the indices of each event
moved by the rows before it, and the null index moved to the end of the whole.
"""

from torch import Tensor
from torch.nn import functional


def take(rows: Tensor, index: Tensor) -> Tensor:
    """Return row index[m] of `rows` (N, F) for every m: (M, F); index N gives zeros."""
    return functional.pad(rows, (0, 0, 0, 1)).index_select(0, index)


def segment_sum(values: Tensor, index: Tensor, segments: int) -> Tensor:
    """Return the sum of the `values` (M, F) of every index: (segments, F); index `segments` is left out."""
    sums = values.new_zeros(segments + 1, values.shape[1])
    return sums.index_add(0, index, values)[:segments]
