"""Embedded generator of hadronic jets of five classes, for training and demonstration without any data file.

A toy with the leading effects of jet substructure, each jet independent, momenta in GeV:
1. prongs: g and q are one massless parton; W and Z decay to two quarks, t to b W and W to two quarks, each decay
   isotropic in its rest frame, masses with Breit-Wigner widths (Particle Data Group), then boosted to the jet's pT;
2. radiation: every prong emits a Poisson number of soft, collinear gluons, uniform in the Lund plane of ln(1/angle)
   and ln(kt), with density 2 alpha_s C / pi (leading logarithms; Dreyer, Salam and Soyez, JHEP 12 (2018) 064). C is
   3 for a gluon, 4/3 for a quark; the angle reaches up to the distance of the nearest other prong (angular ordering);
3. fragmentation: every parton becomes 1 + Poisson(`HADRONS_PER_LOG` ln(pT / 1 GeV)) hadrons with exponentially
   distributed shares and transverse momenta of `HADRON_KT_GEV`;
4. soft particles of the underlying event and pile-up at uniform positions;
5. a detector: relative momentum and position resolutions; the `CONSTITUENTS` particles of highest pT are kept.
Secondary emissions, a running coupling and colour connections are left out: accuracies on these jets say that a model
works, not how well it would do at a collider.
"""

import numpy as np
from numpy.typing import NDArray

from codesign.errors import BadInputError

Reals = NDArray[np.float64]
CLASSES = ("g", "q", "W", "Z", "t")
CONSTITUENTS = 16
BLOCK = 512
MAX_COUNT = 10_000_000
PT_GEV = (800.0, 1200.0)
JET_RADIUS = 0.8
MASS_GEV = {"W": 80.4, "Z": 91.2, "t": 172.5, "b": 4.8}
WIDTH_GEV = {"W": 2.1, "Z": 2.5, "t": 1.4}
ALPHA_S = 0.16
COLOUR = {"g": 3.0, "q": 4.0 / 3.0}
KT_CUT_GEV = 1.0
LARGEST_FRACTION = 0.5  # an emission is the softer of the two
HADRONS_PER_LOG = 1.0
HADRON_KT_GEV = 0.4
SOFT_PARTICLES = 8.0
SOFT_PT_GEV = 0.8
MOMENTUM_RESOLUTION = 0.08
ANGLE_RESOLUTION = 0.006


def generate(count: int, seed: int) -> tuple[Reals, NDArray[np.int64]]:
    """Return `count` jets (count, 16, 3) and their classes (count,), numbers in `CLASSES`.

    A constituent is pT [GeV], eta and phi relative to the jet axis; rows fall in pT and are filled up with zeros. The
    same seed gives the same jets, and fewer jets are the first ones of more. `BadInputError` on a count outside
    1..10 million or a negative seed.
    """
    if not 1 <= count <= MAX_COUNT:
        raise BadInputError(f"the number of jets must lie in 1..{MAX_COUNT}, got {count}")
    if seed < 0:
        raise BadInputError(f"the seed must not be negative, got {seed}")
    blocks = [_block(seed, index) for index in range(-(-count // BLOCK))]
    jets, labels = (np.concatenate(parts)[:count] for parts in zip(*blocks, strict=True))
    return jets, labels


def _block(seed: int, index: int) -> tuple[Reals, NDArray[np.int64]]:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))
    labels = rng.integers(len(CLASSES), size=BLOCK)
    jets = np.zeros((BLOCK, CONSTITUENTS, 3))
    for label, name in enumerate(CLASSES):
        chosen = np.flatnonzero(labels == label)
        jets[chosen] = _detected(rng, _particles(rng, name, len(chosen)))
    return jets, labels


def _particles(rng: np.random.Generator, name: str, count: int) -> Reals:
    """Particles (count, n, 3) of jets of class `name`; absent ones have pT 0."""
    pt = rng.uniform(*PT_GEV, count)
    prongs = _prongs(rng, name, pt)
    distance = np.linalg.norm(prongs[:, :, None, 1:] - prongs[:, None, :, 1:], axis=-1)
    distance[:, np.arange(prongs.shape[1]), np.arange(prongs.shape[1])] = JET_RADIUS
    reach = np.minimum(distance.min(axis=2), JET_RADIUS)
    colour = COLOUR["g" if name == "g" else "q"]
    parts = [_radiated(rng, prongs[:, k], reach[:, k], colour) for k in range(prongs.shape[1])]
    hadrons = _hadrons(rng, np.concatenate(parts, axis=1))
    return np.concatenate([hadrons, _soft(rng, count)], axis=1)


def _prongs(rng: np.random.Generator, name: str, pt: Reals) -> Reals:
    """Hard partons (count, prongs, 3) of jets with transverse momenta `pt` (count,)."""
    if name in COLOUR:
        return np.stack([pt, np.zeros_like(pt), np.zeros_like(pt)], axis=1)[:, None]
    mass = _mass(rng, name, len(pt))
    jet = np.stack([np.hypot(pt, mass), pt, np.zeros_like(pt), np.zeros_like(pt)], axis=1)
    if name != "t":
        return _coordinates(np.stack(_decay(rng, jet, np.zeros_like(pt), np.zeros_like(pt)), axis=1))
    boson, bottom = _decay(rng, jet, _mass(rng, "W", len(pt)), np.full_like(pt, MASS_GEV["b"]))
    return _coordinates(np.stack([*_decay(rng, boson, np.zeros_like(pt), np.zeros_like(pt)), bottom], axis=1))


def _mass(rng: np.random.Generator, name: str, count: int) -> Reals:
    """Breit-Wigner masses, cut at five widths, so that every decay stays possible."""
    offset = np.clip(0.5 * np.tan(np.pi * (rng.random(count) - 0.5)), -5.0, 5.0)
    return np.asarray(MASS_GEV[name] + WIDTH_GEV[name] * offset)


def _decay(rng: np.random.Generator, parent: Reals, first: Reals, second: Reals) -> tuple[Reals, Reals]:
    """Isotropic two-body decay: four-momenta (E, px, py, pz) of daughters with masses `first` and `second`."""
    mass2 = parent[:, 0] ** 2 - (parent[:, 1:] ** 2).sum(axis=1)
    mass = np.sqrt(mass2)
    momentum = np.sqrt((mass2 - (first + second) ** 2) * (mass2 - (first - second) ** 2)) / (2 * mass)
    cosine, angle = rng.uniform(-1.0, 1.0, len(mass)), rng.uniform(0.0, 2 * np.pi, len(mass))
    sine = np.sqrt(1.0 - cosine**2)
    axis = np.stack([cosine, sine * np.cos(angle), sine * np.sin(angle)], axis=1) * momentum[:, None]
    daughters = [(np.hypot(first, momentum), axis), (np.hypot(second, momentum), -axis)]
    left, right = (_boosted(energy, vector, parent, mass) for energy, vector in daughters)
    return left, right


def _boosted(energy: Reals, vector: Reals, parent: Reals, mass: Reals) -> Reals:
    """Lorentz boost of (energy, vector) from the rest frame of `parent` to the laboratory."""
    flight = parent[:, 1:] / mass[:, None]
    gamma = parent[:, 0] / mass
    along = (vector * flight).sum(axis=1)
    boosted = vector + flight * (along / (1.0 + gamma) + energy)[:, None]
    return np.concatenate([(gamma * energy + along)[:, None], boosted], axis=1)


def _coordinates(momenta: Reals) -> Reals:
    """Transverse momentum, eta, phi (..., 3) of four-momenta; the jet flies along x, where both angles are 0."""
    px, py, pz = momenta[..., 1], momenta[..., 2], momenta[..., 3]
    pt = np.hypot(px, py)
    return np.stack([pt, np.arcsinh(pz / pt), np.arctan2(py, px)], axis=-1)


def _radiated(rng: np.random.Generator, prong: Reals, reach: Reals, colour: float) -> Reals:
    """What a prong (count, 3) became: its emissions inside the angle `reach` (count,), and what is left of it.

    In the Lund plane x = ln(reach / angle), y = ln(kt / cut) the emissions fill a triangle: kt is the fraction times
    the angle times pT, so y <= ln(fraction limit * reach * pT / cut) - x.
    """
    side = np.log(np.maximum(LARGEST_FRACTION * reach * prong[:, 0] / KT_CUT_GEV, 1.0))
    emissions = rng.poisson(2.0 * ALPHA_S * colour / np.pi * side**2 / 2.0)
    shape = (len(prong), max(int(emissions.max(initial=0)), 1))
    exists = np.arange(shape[1]) < emissions[:, None]
    low, high = np.sort(rng.random((2, *shape)), axis=0)  # uniform in the triangle low <= high
    angle = reach[:, None] * np.exp(-side[:, None] * low)
    kt = KT_CUT_GEV * np.exp(side[:, None] * (1.0 - high))
    pt = np.where(exists, kt / angle, 0.0)
    turn = rng.uniform(0.0, 2 * np.pi, shape)
    gluons = np.stack([pt, prong[:, 1:2] + angle * np.cos(turn), prong[:, 2:3] + angle * np.sin(turn)], axis=-1)
    # Emissions that together would leave less than nothing share what there is.
    share = np.minimum(1.0, 0.9 * prong[:, 0] / np.maximum(pt.sum(axis=1), 1e-9))
    gluons[..., 0] *= share[:, None]
    left = prong.copy()
    left[:, 0] -= gluons[..., 0].sum(axis=1)
    return np.concatenate([left[:, None], gluons], axis=1)


def _hadrons(rng: np.random.Generator, partons: Reals) -> Reals:
    """Hadrons (count, n, 3) of partons (count, m, 3); a parton without momentum has none."""
    number = 1 + rng.poisson(HADRONS_PER_LOG * np.log(np.maximum(partons[..., 0], 1.0)))
    shape = (*number.shape, int(number.max(initial=1)))
    share = np.where(np.arange(shape[-1]) < number[..., None], rng.standard_exponential(shape), 0.0)
    pt = partons[..., :1] * share / share.sum(axis=-1, keepdims=True)
    kt, turn = HADRON_KT_GEV * rng.standard_exponential(shape), rng.uniform(0.0, 2 * np.pi, shape)
    angle = kt / np.maximum(pt, HADRON_KT_GEV)
    position = partons[..., None, 1:] + np.stack([angle * np.cos(turn), angle * np.sin(turn)], axis=-1)
    return np.concatenate([pt[..., None], position], axis=-1).reshape(len(partons), -1, 3)


def _soft(rng: np.random.Generator, count: int) -> Reals:
    number = rng.poisson(SOFT_PARTICLES, count)
    shape = (count, max(int(number.max(initial=0)), 1))
    pt = np.where(np.arange(shape[1]) < number[:, None], SOFT_PT_GEV * rng.standard_exponential(shape), 0.0)
    distance, turn = JET_RADIUS * np.sqrt(rng.random(shape)), rng.uniform(0.0, 2 * np.pi, shape)
    return np.stack([pt, distance * np.cos(turn), distance * np.sin(turn)], axis=-1)


def _detected(rng: np.random.Generator, particles: Reals) -> Reals:
    """Smear, drop what left the jet, keep the hardest `CONSTITUENTS` in falling order."""
    count, found = particles.shape[:2]
    smeared = particles.copy()
    smeared[..., 0] *= np.exp(MOMENTUM_RESOLUTION * rng.standard_normal((count, found)))
    smeared[..., 1:] += ANGLE_RESOLUTION * rng.standard_normal((count, found, 2))
    smeared[np.hypot(smeared[..., 1], smeared[..., 2]) > JET_RADIUS] = 0.0
    smeared[smeared[..., 0] == 0.0] = 0.0  # no position where there is no particle
    padded = np.concatenate([smeared, np.zeros((count, CONSTITUENTS, 3))], axis=1)
    order = np.argsort(-padded[..., 0], axis=1, kind="stable")[:, :CONSTITUENTS]
    return np.take_along_axis(padded, order[..., None], axis=1)
