"""Geometry of the 48 trigger cells of an HGCAL low-density module, computed by rule.

A module is a hexagon of three rhombi of 4 x 4 trigger cells, one per readout chip. Cell `t` of rhombus `t // 16` has
the row `t % 16 // 4` and column `t % 4`; this is the "CALQ" order of the trigger-cell data. Sources: CMS-TDR-019 (the
HGCAL technical design report) for the module, the public ECON-T emulator and Ecoder for the order of cells and pixels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

CELLS = 48
RHOMBUS_CELLS = 16
IMAGE_SIDE = 8
IMAGE_PIXELS = IMAGE_SIDE * IMAGE_SIDE
HALF_PITCH_CM = 1.2084
# The drawing places the rhombi half a half-pitch apart from one regular lattice; see `lattice_xy`.
SEAM_SHIFT = ((0.0, 0.0), (0.0, -0.5), (np.sqrt(3) / 4, -0.25))


def _frozen(values: Any, dtype: Any) -> NDArray[Any]:
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


def _uv_of_cell(cell: int) -> tuple[int, int]:
    rhombus, row, column = cell // 16, cell % 16 // 4, cell % 4
    if rhombus == 0:
        return 7 - column, 4 + row
    if rhombus == 1:
        return 1 + row + column, column
    return 3 - row, 6 - row - column


def _pixel_of_cell(cell: int) -> int:
    """Row-major pixel of a cell: the rhombi fill the quadrants top right, top left and bottom left."""
    u, v = _uv_of_cell(cell)
    row, column = ((7 - u, v), (4 - u + v, v), (4 + v - u, u))[cell // RHOMBUS_CELLS]
    return IMAGE_SIDE * row + column


def lattice_xy(uv: IntArray) -> FloatArray:
    """Centres (48, 2) in half pitches of cells at hexagon coordinates `uv` (48, 2), in CALQ order.

    Inside a rhombus the cells lie on one triangular lattice, x = sqrt(3) (v - 4), y = 2 u - v - 10. The three rhombi
    are shifted against each other by half a half-pitch along 120 degree directions, so neighbours over a seam are
    sqrt(13)/2 = 1.803 half pitches apart instead of 2.
    """
    u, v = uv[:, 0], uv[:, 1]
    lattice = np.stack([np.sqrt(3) * (v - 4), 2.0 * u - v - 10.0], axis=1)
    return np.asarray(lattice + np.repeat(np.array(SEAM_SHIFT), RHOMBUS_CELLS, axis=0))


def _distances(xy: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(xy[:, None, :] - xy[None, :, :], axis=-1))


def _arrange() -> list[int]:
    """Cell shown in each of the 64 pixels; the empty quadrant repeats the third rhombus and is masked."""
    arrange = [0] * IMAGE_PIXELS
    for cell in range(CELLS):
        arrange[_pixel_of_cell(cell)] = cell
    for cell in range(2 * RHOMBUS_CELLS, CELLS):
        local = cell - 2 * RHOMBUS_CELLS
        arrange[IMAGE_SIDE * (4 + local // 4) + 7 - local % 4] = cell
    return arrange


def _supercells() -> list[tuple[int, int, int, int]]:
    """All 36 2 x 2 groups of neighbouring cells: tiles, shifted tiles (rows, columns, both), then the three seams."""
    starts = ([(0, 0), (0, 2), (2, 0), (2, 2)], [(1, 0), (1, 2)], [(0, 1), (2, 1)], [(1, 1)])
    inside = [
        (first, first + 1, first + 4, first + 5)
        for group in starts
        for rhombus in range(3)
        for row, column in group
        for first in [RHOMBUS_CELLS * rhombus + 4 * row + column]
    ]
    edges = (((0, 1, 2, 3), (31, 27, 23, 19)), ((3, 7, 11, 15), (35, 34, 33, 32)), ((16, 17, 18, 19), (47, 43, 39, 35)))
    seams = [(a[i], a[i + 1], b[i + 1], b[i]) for a, b in edges for i in range(3)]
    return inside + seams


def _supercell_weights(supercells: IntArray) -> FloatArray:
    """Weight (36,): the mean over the 4 members of the share each of them gives to one of its supercells.

    The share is 1 / (number of supercells the cell is in), with one exception of the published telescope loss: the
    three cells at the centre of the module, each in 3 supercells, count 1/4 + 1/3 instead of 1/3.
    """
    share = 1.0 / np.bincount(supercells.ravel(), minlength=CELLS)
    share[[3, 19, 35]] += 1 / 4
    return np.asarray(share[supercells].mean(axis=1))


TC_UV: IntArray = _frozen([_uv_of_cell(cell) for cell in range(CELLS)], np.int64)
"""Hexagon coordinates (u, v) of each cell, (48, 2)."""
LATTICE_XY: FloatArray = _frozen(lattice_xy(TC_UV), np.float64)
"""Cell centres in half trigger-cell pitches, (48, 2)."""
HEX_XY: FloatArray = _frozen(LATTICE_XY * HALF_PITCH_CM, np.float64)
"""Cell centres in cm, (48, 2), cell 0 at the origin."""
HEX_METRIC: FloatArray = _frozen(_distances(LATTICE_XY), np.float64)
"""Ground distance of the energy mover's distance in half trigger-cell pitches, (48, 48)."""
REMAP_8X8: IntArray = _frozen([_pixel_of_cell(cell) for cell in range(CELLS)], np.int64)
"""Pixel (row-major, 0..63) of each cell, (48,)."""
ARRANGE_8X8: IntArray = _frozen(_arrange(), np.int64)
"""Cell shown in each pixel before masking, (64,)."""
MASK_8X8: IntArray = _frozen(np.isin(np.arange(IMAGE_PIXELS), REMAP_8X8), np.int64)
"""1 where a pixel shows a cell, 0 in the empty quadrant (rows 4-7, columns 4-7), (64,)."""
AE_IMAGE_INDEX: IntArray = _frozen(np.cumsum(MASK_8X8)[REMAP_8X8] - 1, np.int64)
"""Position of each cell in the list of 48 filled pixels, the input order of the chip's autoencoder, (48,)."""
SUPERCELLS: IntArray = _frozen(_supercells(), np.int64)
"""Members of the 36 overlapping 2 x 2 supercells of the telescope loss, (36, 4)."""
SUPERCELL_WEIGHTS: FloatArray = _frozen(_supercell_weights(SUPERCELLS), np.float64)
"""Weights of the supercells in the telescope loss, (36,)."""


def to_image(calq48: NDArray[Any]) -> NDArray[Any]:
    """Arrange cells (n, 48) as images (n, 1, 8, 8) of the same dtype; the empty quadrant is 0."""
    if calq48.ndim != 2 or calq48.shape[1] != CELLS:
        raise BadInputError(f"trigger cells must have the shape (n, 48), got {calq48.shape}")
    pixels = np.where(MASK_8X8.astype(bool), calq48[:, ARRANGE_8X8], np.zeros((), calq48.dtype))
    return pixels.reshape(-1, 1, IMAGE_SIDE, IMAGE_SIDE)


def from_image(image: NDArray[Any]) -> NDArray[Any]:
    """Read cells (n, 48) from images (n, 1, 8, 8) or (n, 64); pixels of the empty quadrant are ignored."""
    if image.shape[1:] not in ((1, IMAGE_SIDE, IMAGE_SIDE), (IMAGE_PIXELS,)):
        raise BadInputError(f"images must have the shape (n, 1, 8, 8) or (n, 64), got {image.shape}")
    cells: NDArray[Any] = image.reshape(-1, IMAGE_PIXELS)[:, REMAP_8X8]
    return cells
