"""Embedded generator of HGCAL-like module images, for training and demonstration without any data file.

Shower model of one module and bunch crossing, per image independent:
1. soft pile-up: every cell gets a gamma-distributed charge (many small deposits add up);
2. showers: a Poisson number of them, at uniform positions on the module. The energy falls exponentially, with a
   power-law tail for a fraction of the showers. The lateral profile is a sum of two exponentials in the distance,
   core and halo (the form of Acosta et al., Nucl. Instrum. Meth. A 316 (1992) 184), sampled at the cell centres;
3. a log-normal gain of the module (layer and radius) and an exponential slope of random direction over the module
   (occupancy falls with the distance from the beam);
4. the chip's 4E3M code with 3 dropped bits, decoded with half of the last place: values lie on the lattice of the
   detector data. Code 0 then reads as a charge of 4, so no image is empty.
The constants below were fitted to occupancy, cell spectrum, module sum, largest cell and neighbour correlation of a
simulated ttbar sample with pile-up; `compare_figure` shows how well they agree.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.data.codes import decode, encode
from codesign.data.geometry import CELLS, HEX_METRIC, LATTICE_XY
from codesign.errors import BadInputError
from codesign.files import write_with

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# Energies are in units of the linear charge, lengths in half trigger-cell pitches.
SHOWERS_PER_MODULE = 13.2
MEAN_ENERGY = 450.0
TAIL_FRACTION = 0.11
TAIL_START = 410.0
TAIL_INDEX = 1.38
ENERGY_LIMIT = 300_000.0
CORE_FRACTION = 0.884
CORE_RADIUS = 0.53
HALO_RADIUS = 3.14
SOFT_CHARGE = 251.0
SOFT_SHAPE = 0.88
GAIN_SIGMA = 0.126
SLOPE_PER_HALF_PITCH = 0.023
DROP_BITS = 3
BLOCK = 1024
OCCUPANCY_THRESHOLD = 300
MAX_COUNT = 10_000_000


@dataclass(frozen=True)
class Comparison:
    """Agreement of two samples; all numbers are 0 for equal samples."""

    occupancy_ks: float
    """Kolmogorov-Smirnov distance of the number of cells above `OCCUPANCY_THRESHOLD`."""
    charge_ks: float
    """Kolmogorov-Smirnov distance of the cell charge."""
    charge_wasserstein_log2: float
    """First Wasserstein distance of log2(1 + cell charge), in powers of two."""
    correlation_difference: float
    """Largest difference of the mean correlation of log2(1 + charge) of two cells, over the cell distances."""


def generate(count: int, seed: int) -> IntArray:
    """Return `count` module images (count, 48): linear charges in CALQ order.

    The same seed gives the same images on every machine with the pinned numpy, and fewer images are the first ones of
    more. `BadInputError` on a count outside 1..10 million or a negative seed.
    """
    if not 1 <= count <= MAX_COUNT:
        raise BadInputError(f"the number of images must lie in 1..{MAX_COUNT}, got {count}")
    if seed < 0:
        raise BadInputError(f"the seed must not be negative, got {seed}")
    blocks = [_block(seed, index) for index in range(-(-count // BLOCK))]
    return np.concatenate(blocks)[:count]


def _block(seed: int, index: int) -> IntArray:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))
    charge = SOFT_CHARGE / SOFT_SHAPE * rng.standard_gamma(SOFT_SHAPE, (BLOCK, CELLS))
    charge += _showers(rng)
    charge *= _gain(rng)
    codes = encode(charge.astype(np.int64), drop=DROP_BITS)
    return decode(codes, rounding="half", drop=DROP_BITS)


def _showers(rng: np.random.Generator) -> FloatArray:
    """Charge (BLOCK, 48) of a Poisson number of showers in each image."""
    profiles = _profiles()
    showers = rng.poisson(SHOWERS_PER_MODULE, BLOCK)
    charge = np.zeros((BLOCK, CELLS))
    for index in range(int(showers.max())):
        energy = np.where(index < showers, _energy(rng), 0.0)
        charge += energy[:, None] * profiles[rng.integers(len(profiles), size=BLOCK)]
    return charge


def _energy(rng: np.random.Generator) -> FloatArray:
    exponential = MEAN_ENERGY * rng.standard_exponential(BLOCK)
    tail = np.minimum(TAIL_START * (1.0 - rng.random(BLOCK)) ** (-1.0 / TAIL_INDEX), ENERGY_LIMIT)
    return np.where(rng.random(BLOCK) < TAIL_FRACTION, tail, exponential)


def _profiles() -> FloatArray:
    """Fraction of the energy (768, 48) seen in each cell, for 16 impact points on each of the 48 cells."""
    grid = np.array([-0.75, -0.25, 0.25, 0.75])
    offsets = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    impacts = (LATTICE_XY[:, None, :] + offsets).reshape(-1, 2)
    distance = np.linalg.norm(impacts[:, None, :] - LATTICE_XY, axis=-1)
    cell_area = 2.0 * np.sqrt(3.0)
    core = CORE_FRACTION * np.exp(-distance / CORE_RADIUS) / (2 * np.pi * CORE_RADIUS**2)
    halo = (1.0 - CORE_FRACTION) * np.exp(-distance / HALO_RADIUS) / (2 * np.pi * HALO_RADIUS**2)
    # rounded, so that the last bit of a machine's exp cannot change an image
    return np.asarray(np.round(cell_area * (core + halo), 9))


def _gain(rng: np.random.Generator) -> FloatArray:
    """Gain (BLOCK, 48) of each cell: one factor per module times a slope in a random direction."""
    module = GAIN_SIGMA * rng.standard_normal(BLOCK)
    angle = 2 * np.pi * rng.random(BLOCK)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ (LATTICE_XY - LATTICE_XY.mean(axis=0)).T
    return np.asarray(np.round(np.exp(module[:, None] + SLOPE_PER_HALF_PITCH * along), 9))


def compare(generated: IntArray, reference: IntArray) -> Comparison:
    """Compare two samples (n, 48) of linear charges: occupancy, cell spectrum, correlation of neighbours."""
    logs = np.log2(1.0 + generated), np.log2(1.0 + reference)
    levels = np.linspace(0.0, 1.0, 1001)
    quantiles = [np.quantile(log, levels) for log in logs]
    correlations = [correlation_by_distance(sample)[1] for sample in (generated, reference)]
    return Comparison(
        occupancy_ks=_ks(_occupancy(generated), _occupancy(reference)),
        charge_ks=_ks(generated.ravel(), reference.ravel()),
        charge_wasserstein_log2=float(np.abs(quantiles[0] - quantiles[1]).mean()),
        correlation_difference=float(np.abs(correlations[0] - correlations[1]).max()),
    )


def correlation_by_distance(charges: IntArray) -> tuple[FloatArray, FloatArray]:
    """Distance of cell pairs in half pitches (0.5 wide bins up to 10), mean correlation of log2(1 + charge) in the bin.

    `BadInputError` when a cell has the same charge in every image: its correlation is undefined.
    """
    logs = np.log2(1.0 + charges)
    if not (logs.std(axis=0) > 0).all():
        raise BadInputError(
            "a trigger cell never changes in the sample, its correlation is undefined: give more images"
        )
    correlation, bins = np.corrcoef(logs.T), np.round(2 * HEX_METRIC).astype(int)
    used = [b for b in np.unique(bins) if 0 < b <= 20]
    return np.array(used) / 2.0, np.array([correlation[bins == b].mean() for b in used])


def _occupancy(charges: IntArray) -> IntArray:
    return np.asarray((charges > OCCUPANCY_THRESHOLD).sum(axis=1))


def _ks(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Largest difference of the two empirical distribution functions."""
    grid = np.union1d(first, second)
    steps = [np.searchsorted(np.sort(sample), grid, side="right") / sample.size for sample in (first, second)]
    return float(np.abs(steps[0] - steps[1]).max())


def compare_figure(generated: IntArray, reference: IntArray, path: Path) -> Comparison:
    """Draw occupancy, cell spectrum and neighbour correlation of both samples to `path`; return the distances."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 3.8), layout="constrained")
    axes = figure.subplots(1, 3)
    for charges, label, style in ((reference, "reference", "step"), (generated, "generator", "stepfilled")):
        _draw(axes, charges, label, style)
    for axis in axes:
        axis.tick_params(direction="in", top=True, right=True, which="both")
        axis.legend(frameon=False)
    write_with(path, lambda temporary: figure.savefig(temporary, dpi=150, metadata={}))
    return compare(generated, reference)


def _draw(axes: Any, charges: IntArray, label: str, style: str) -> None:
    look = {"histtype": style, "density": True, "label": label, "color": "black" if style == "step" else "tab:orange"}
    alpha = 1.0 if style == "step" else 0.5
    axes[0].hist(_occupancy(charges), bins=np.arange(-0.5, CELLS + 1), alpha=alpha, **look)
    axes[0].set(xlabel=f"trigger cells above {OCCUPANCY_THRESHOLD}", ylabel="fraction of images")
    axes[1].hist(np.log2(1.0 + charges.ravel()), bins=np.arange(2.0, 16.0, 0.5), alpha=alpha, log=True, **look)
    axes[1].set(xlabel="log2(1 + cell charge)", ylabel="density")
    axes[2].plot(*correlation_by_distance(charges), "o" if style == "step" else "-", label=label, color=look["color"])
    axes[2].set(xlabel="distance of two cells [half pitches]", ylabel="correlation of log2(1 + charge)")
