"""Per-channel constants of operators that work row by row: the same constants for another number of rows."""

import numpy as np

from codesign.fixed import Integers


def channels_for_rows(constants: Integers, of: int, rows: int) -> Integers | None:
    """Return per-channel `constants` (channels, ...) of a value with `of` rows as those of a value with `rows` rows.

    Channel c of an element is its index divided by (size / channels), so all rows share the constants if there is one
    channel, or if the channels of every row are alike. None if they are not.
    """
    if len(constants) == 1:
        return constants
    if len(constants) % of:
        return None
    blocks = constants.reshape(of, -1, *constants.shape[1:])
    if (blocks != blocks[:1]).any():
        return None
    return np.asarray(np.concatenate([blocks[0]] * rows), dtype=np.int64)
