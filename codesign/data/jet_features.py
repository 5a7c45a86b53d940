"""Sixteen substructure features of a jet, from the momenta of its constituents.

The set follows Coleman et al., JINST 13 (2018) T01003, and Duarte et al., JINST 13 (2018) P07027, whose jet tagger has
16 inputs; two of their columns repeat others, and the groomed mass needs a clustering sequence: in their place are the
two ratios of N-subjettiness and the plain jet mass. With z_i the share of constituent i in the sum of transverse
momenta, and R_ij the distance in eta and phi:

- `multiplicity` of constituents with z_i > 0.02 (the number of all is cut off by the input), and
  `sum_z_log_z` = sum_i z_i ln z_i;
- energy correlations e2(b) = sum_{i<j} z_i z_j R_ij^b, e3(b) = sum_{i<j<k} z_i z_j z_k (R_ij R_ik R_jk)^b, and of them
  C1(b) = e2(b), C2(b) = e3(b) / e2(b)^2 (Larkoski, Salam and Thaler, JHEP 06 (2013) 108),
  D2(b) = e3(b) / e2(b)^3 (Larkoski, Moult and Neill, JHEP 12 (2014) 009);
- M2(b) = 1e3(b) / e2(b) and N2(b) = 2e3(b) / e2(b)^2, where 1e3 and 2e3 take the smallest angle of a triple and the
  smallest product of two of its angles (Moult, Necib and Thaler, JHEP 12 (2016) 153);
- `mass` [GeV] of the sum of all constituents, taken as massless;
- `tau21`, `tau32` with tau_N = sum_i z_i min_k R_ik over N axes (Thaler and Van Tilburg, JHEP 03 (2011) 015); axes are
  those N constituents that make it smallest.
A ratio whose denominator is 0 (a single constituent) is 0.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
NAMES = (
    "multiplicity", "sum_z_log_z", "C1_0", "C1_1", "C1_2", "C2_1", "C2_2", "D2_1", "D2_2", "M2_1", "M2_2", "N2_1",
    "N2_2", "mass", "tau21", "tau32",
)  # fmt: skip
BLOCK = 256
COUNTED_SHARE = 0.02
MAX_AXES = 3
NO_AXIS = 1e3  # farther than any constituent


def features(jets: Reals) -> Reals:
    """Return the features (n, 16), in the order of `NAMES`, of jets (n, constituents, 3): pT [GeV], eta, phi.

    Constituents with pT 0 do not count; an empty jet has features 0.
    """
    parts = [_features(jets[start : start + BLOCK]) for start in range(0, len(jets), BLOCK)]
    return np.concatenate(parts) if parts else np.zeros((0, len(NAMES)))


def _features(jets: Reals) -> Reals:
    pt = jets[..., 0]
    z = _ratio(pt, pt.sum(axis=1, keepdims=True))
    distance = np.linalg.norm(jets[:, :, None, 1:] - jets[:, None, :, 1:], axis=-1)
    correlations = _correlations(z, distance)
    found = {
        "multiplicity": (z > COUNTED_SHARE).sum(axis=1),
        "sum_z_log_z": (z * np.log(np.where(z > 0, z, 1.0))).sum(axis=1),
        **correlations,
        "mass": _mass(jets),
        **_subjettiness_ratios(z, distance),
    }
    return np.stack([found[name] for name in NAMES], axis=1).astype(np.float64)


def _correlations(z: Reals, distance: Reals) -> dict[str, Reals]:
    pairs = np.array(list(combinations(range(z.shape[1]), 2)))
    i, j, k = np.array(list(combinations(range(z.shape[1]), 3))).T
    pair_weight, pair_angle = z[:, pairs[:, 0]] * z[:, pairs[:, 1]], distance[:, pairs[:, 0], pairs[:, 1]]
    weight = z[:, i] * z[:, j] * z[:, k]
    angles = np.sort(np.stack([distance[:, i, j], distance[:, i, k], distance[:, j, k]]), axis=0)
    found = {"C1_0": pair_weight.sum(axis=1)}
    for beta in (1, 2):
        small, middle, large = angles**beta
        e2 = (pair_weight * pair_angle**beta).sum(axis=1)
        e3, one, two = ((weight * term).sum(axis=1) for term in (small * middle * large, small, small * middle))
        found[f"C1_{beta}"] = e2
        found[f"C2_{beta}"], found[f"D2_{beta}"] = _ratio(e3, e2**2), _ratio(e3, e2**3)
        found[f"M2_{beta}"], found[f"N2_{beta}"] = _ratio(one, e2), _ratio(two, e2**2)
    return found


def _mass(jets: Reals) -> Reals:
    """Mass of the sum: m^2 = sum_{i<j} 2 pT_i pT_j (cosh(eta_i - eta_j) - cos(phi_i - phi_j))."""
    pt, eta, phi = jets[..., 0], jets[..., 1], jets[..., 2]
    angular = np.cosh(eta[:, :, None] - eta[:, None]) - np.cos(phi[:, :, None] - phi[:, None])
    return np.asarray(np.sqrt(np.maximum((pt[:, :, None] * pt[:, None] * angular).sum(axis=(1, 2)), 0.0)))


def _subjettiness_ratios(z: Reals, distance: Reals) -> dict[str, Reals]:
    usable, taus = np.where(z[:, None] > 0, distance, NO_AXIS), []  # an absent constituent is no axis
    for count in range(1, MAX_AXES + 1):
        axes = np.array(list(combinations(range(z.shape[1]), count)))  # (choices, count)
        nearest = usable[:, :, axes].min(axis=3)  # (jets, constituents, choices)
        taus.append((z[:, None] @ nearest)[:, 0].min(axis=1))
    return {"tau21": _ratio(taus[1], taus[0]), "tau32": _ratio(taus[2], taus[1])}


def _ratio(numerator: Reals, denominator: Reals) -> Reals:
    # Below the rounding error of a sum of 560 terms a denominator is no more than noise.
    return np.asarray(np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 1e-14))
