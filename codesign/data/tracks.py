"""Embedded generator of tracking sector graphs, for training and demonstration without any data file.

A toy of a pixel detector with the layers of the TrackML challenge (Amrouche et al., The Tracking Machine Learning
Challenge: Accuracy Phase, 2019), one event at a time, lengths in mm, a solenoid field of 2 T:
1. tracks: a Poisson number, with a mean that fluctuates, of charged particles from the beam line, transverse momentum
   above 2 GeV falling as pT^-`PT_POWER`, uniform in pseudorapidity and azimuth, helices of radius pT / (0.3 B);
2. hits: where a helix crosses a barrel cylinder or an end-cap disc of its side, with displaced modules, hit
   resolution and `HIT_EFFICIENCY`; and a Poisson number of noise hits, uniform on the layers;
3. a sector: hits within +-pi/8 of azimuth, on one side in z;
4. edges: pairs on adjacent layers whose azimuth slope is below `MAX_PHI_SLOPE` and whose line meets the beam within
   `MAX_Z0_MM`. Such an edge is true if both hits are of one particle.
Material, secondary particles and shared hits are left out: areas under the curve of these graphs say that a model
works, not how well it would do at a collider.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError

Reals = NDArray[np.float64]
Whole = NDArray[np.int64]
MAX_COUNT = 1_000_000
BARREL_RADII_MM = (32.0, 72.0, 116.0, 172.0)
BARREL_HALF_LENGTH_MM = 495.0
DISCS_Z_MM = (600.0, 700.0, 820.0, 960.0, 1100.0, 1300.0, 1500.0)
DISC_RADII_MM = (30.0, 176.0)
MODULE_SHIFT_MM = 2.0
LAYERS = len(BARREL_RADII_MM) + len(DISCS_Z_MM)
SECTOR_RAD = np.pi / 8
MIN_PT_GEV = 2.0
PT_POWER = 3.5
CURVATURE_RADIUS_MM_PER_GEV = 1000.0 / (0.3 * 2.0)
MAX_ETA = 4.0
VERTEX_MM = 5.5
TRACKS = 16.0  # on average, in the sector and its surroundings, which tracks may leave and enter
TRACK_SHAPE = 8.0  # of the gamma distribution of their number: events differ more than a Poisson number does
PHI_SPREAD_RAD = SECTOR_RAD * 1.2
NOISE_HITS = 2.0
HIT_EFFICIENCY = 0.97
PHI_RESOLUTION_MM = 0.02
Z_RESOLUTION_MM = 0.1
MAX_PHI_SLOPE = 6e-4  # rad / mm
MAX_Z0_MM = 15_000.0


@dataclass(frozen=True, eq=False)
class Sector:
    """One graph: `x` (N, 3), `edge_index` (2, E) as (sender, receiver), `edge_attr` (E, 4), `y` (E,) 0 or 1.

    x = (r / 1 m, phi / (pi/8), z / 1 m); edge_attr = differences (receiver - sender) of x, and dR = sqrt(d eta^2 +
    d phi^2) with phi in rad.
    """

    x: Reals
    edge_index: Whole
    edge_attr: Reals
    y: Whole


@dataclass(frozen=True)
class _Hits:
    """Hits (n,): radius [mm], azimuth [rad], z [mm], layer, particle (-1: noise)."""

    r: Reals
    phi: Reals
    z: Reals
    layer: Whole
    particle: Whole

    def take(self, rows: NDArray[np.bool_] | Whole) -> "_Hits":
        return _Hits(self.r[rows], self.phi[rows], self.z[rows], self.layer[rows], self.particle[rows])


def generate(count: int, seed: int) -> tuple[Sector, ...]:
    """Return `count` sector graphs; the same seed gives the same graphs, fewer graphs are the first ones of more.

    `BadInputError` on a count outside 1..1 million or a negative seed.
    """
    if not 1 <= count <= MAX_COUNT:
        raise BadInputError(f"the number of sector graphs must lie in 1..{MAX_COUNT}, got {count}")
    if seed < 0:
        raise BadInputError(f"the seed must not be negative, got {seed}")
    return tuple(_sector(np.random.Generator(np.random.PCG64([seed, index]))) for index in range(count))


def edge_features(x: Reals, edge_index: Whole) -> Reals:
    """Return the edge features (E, 4) of hits `x` (N, 3) and edges (2, E); see `Sector`."""
    sender, receiver = x[edge_index[0]], x[edge_index[1]]
    difference = receiver - sender
    eta = np.arcsinh(receiver[:, 2] / receiver[:, 0]) - np.arcsinh(sender[:, 2] / sender[:, 0])
    return np.column_stack([difference, np.hypot(eta, difference[:, 1] * SECTOR_RAD)])


def _sector(rng: np.random.Generator) -> Sector:
    side = rng.choice([-1.0, 1.0])
    hits = _joined(_track_hits(rng, side), _noise_hits(rng, side))
    hits = hits.take((np.abs(hits.phi) < SECTOR_RAD) & (side * hits.z > 0))
    # The order in which a detector is read out: by layer, then anywhere on it.
    hits = hits.take(np.lexsort((rng.random(len(hits.r)), hits.layer)))
    edge_index = _edges(hits)
    x = np.column_stack([hits.r / 1000.0, hits.phi / SECTOR_RAD, hits.z / 1000.0])
    particle = hits.particle[edge_index]
    y = ((particle[0] == particle[1]) & (particle[0] >= 0)).astype(np.int64)
    return Sector(x, edge_index, edge_features(x, edge_index), y)


def _track_hits(rng: np.random.Generator, side: float) -> _Hits:
    """Hits of all tracks: rows (tracks, layers), of which those outside of the layer's extent are left out."""
    count = rng.poisson(TRACKS * rng.gamma(TRACK_SHAPE) / TRACK_SHAPE)
    pt = MIN_PT_GEV * (1.0 - rng.random(count)) ** (-1.0 / (PT_POWER - 1.0))
    turn = rng.choice([-1.0, 1.0], count) / (2.0 * pt * CURVATURE_RADIUS_MM_PER_GEV)
    phi0, slope = rng.uniform(-PHI_SPREAD_RAD, PHI_SPREAD_RAD, count), side * np.sinh(rng.uniform(0, MAX_ETA, count))
    z0 = rng.normal(0.0, VERTEX_MM, count)
    r = _crossing_radius(rng, side, slope, z0, np.abs(turn))
    bend = np.arcsin(np.clip(turn[:, None] * r, -1.0, 1.0))
    phi = phi0[:, None] + bend + rng.normal(0.0, PHI_RESOLUTION_MM, r.shape) / r
    z = z0[:, None] + slope[:, None] * bend / turn[:, None] + rng.normal(0.0, Z_RESOLUTION_MM, r.shape)
    particle, layer = np.meshgrid(np.arange(count), np.arange(LAYERS), indexing="ij")
    found = _inside(r, z, layer) & (rng.random(r.shape) < HIT_EFFICIENCY)
    return _Hits(r, phi, z, layer, particle).take(found)


def _crossing_radius(rng: np.random.Generator, side: float, slope: Reals, z0: Reals, turn: Reals) -> Reals:
    """Radius (tracks, layers) at which a helix meets each layer; out of every layer where a disc is never met."""
    shift = rng.uniform(-MODULE_SHIFT_MM, MODULE_SHIFT_MM, (len(slope), LAYERS))
    barrel = np.array(BARREL_RADII_MM) + shift[:, : len(BARREL_RADII_MM)]
    path = (side * np.array(DISCS_Z_MM) + shift[:, len(BARREL_RADII_MM) :] - z0[:, None]) / slope[:, None]
    angle = turn[:, None] * path
    disc = np.where((path > 0) & (angle < np.pi / 2), np.sin(angle) / turn[:, None], 2 * DISC_RADII_MM[1])
    return np.concatenate([barrel, np.maximum(disc, 1.0)], axis=1)


def _inside(r: Reals, z: Reals, layer: Whole) -> NDArray[np.bool_]:
    on_disc = (r >= DISC_RADII_MM[0]) & (r <= DISC_RADII_MM[1])
    return np.where(layer < len(BARREL_RADII_MM), np.abs(z) <= BARREL_HALF_LENGTH_MM, on_disc)


def _noise_hits(rng: np.random.Generator, side: float) -> _Hits:
    count = rng.poisson(NOISE_HITS)
    layer = rng.integers(LAYERS, size=count)
    places = np.array([*BARREL_RADII_MM, *DISCS_Z_MM])[layer]
    in_barrel = layer < len(BARREL_RADII_MM)
    r = np.where(in_barrel, places, rng.uniform(*DISC_RADII_MM, count))
    z = side * np.where(in_barrel, rng.uniform(0.0, BARREL_HALF_LENGTH_MM, count), places)
    return _Hits(r, rng.uniform(-SECTOR_RAD, SECTOR_RAD, count), z, layer, np.full(count, -1))


def _joined(first: _Hits, second: _Hits) -> _Hits:
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return _Hits(*(np.concatenate(pair) for pair in pairs))


def _adjacent() -> NDArray[np.bool_]:
    """Which layer (row) is followed by which (column): the next of its kind, and any cylinder by the first disc."""
    follows = np.eye(LAYERS, k=1, dtype=bool)
    follows[: len(BARREL_RADII_MM), len(BARREL_RADII_MM)] = True
    return follows


FOLLOWS = _adjacent()


def _edges(hits: _Hits) -> Whole:
    """Edges (2, E) from inner to outer hit, in the order of their senders."""
    sender, receiver = np.nonzero(FOLLOWS[hits.layer[:, None], hits.layer[None]])
    dr = hits.r[receiver] - hits.r[sender]
    dr = np.where(dr == 0, np.finfo(np.float64).eps, dr)
    z0 = hits.z[sender] - hits.r[sender] * (hits.z[receiver] - hits.z[sender]) / dr
    steep = np.abs(hits.phi[receiver] - hits.phi[sender]) > MAX_PHI_SLOPE * np.abs(dr)
    kept = ~steep & (np.abs(z0) <= MAX_Z0_MM)
    return np.stack([sender[kept], receiver[kept]])
