"""Two small benchmark models as their JSON, and what they compute, in exact fractions."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

MLP = {
    "name": "tiny-mlp",
    "in_bits": 4,
    "in_signed": True,
    "layers": [
        {"W": [[3, -5, 1], [-2, 7, 4]], "b": [1, -3], "shift": 2, "bits": 3},
        {"W": [[5, -6], [0, 0], [1, 2]], "b": [2, 9, -4], "shift": 0, "bits": 0},
    ],
}
_DRAWN = np.random.default_rng(3)
ENCODER = {
    "name": "tiny_encoder",
    "K": _DRAWN.integers(-31, 32, (8, 3, 3)).tolist(),
    "kb": _DRAWN.integers(-50, 50, 8).tolist(),
    "s1": 5,
    "W": _DRAWN.integers(-31, 32, (16, 128)).tolist(),
    "b": _DRAWN.integers(-500, 500, 16).tolist(),
    "s2": 6,
    "out_bits": 9,
}


def write_model(content: dict, folder: Path) -> Path:
    """Write a model's JSON file."""
    path = folder / f"{content['name']}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def mlp_results(inputs: np.ndarray, rounding: str) -> np.ndarray:
    """MLP on inputs (events, 3): its last accumulators."""
    first, last = MLP["layers"]
    hidden = activated(inputs @ np.array(first["W"]).T + np.array(first["b"]), first["shift"], first["bits"], rounding)
    return hidden @ np.array(last["W"]).T + np.array(last["b"])


def encoder_results(images: np.ndarray, rounding: str) -> np.ndarray:
    """ENCODER on images (events, 8, 8), filter by filter."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    maps = [[[one(padded, k, 2 * r, 2 * c) for c in range(4)] for r in range(4)] for k in range(8)]
    flat = np.moveaxis(np.array(maps), -1, 0).reshape(len(images), 128)
    hidden = activated(flat, ENCODER["s1"], 8, rounding)
    total = hidden @ np.array(ENCODER["W"]).T + np.array(ENCODER["b"])
    return activated(total, ENCODER["s2"], ENCODER["out_bits"], rounding)


def one(padded: np.ndarray, k: int, row: int, column: int) -> np.ndarray:
    """Accumulators of filter `k` at one position."""
    window = padded[:, row : row + 3, column : column + 3]
    return (window * np.array(ENCODER["K"][k])).sum((1, 2)) + ENCODER["kb"][k]


def activated(total: np.ndarray, shift: int, bits: int, rounding: str) -> np.ndarray:
    """Scale, round and clip in fractions: Python's round() rounds ties to even."""

    def single(value: int) -> int:
        real = Fraction(int(value), 1 << shift)
        near = round(real) if rounding == "half_even" else (real + Fraction(1, 2)).__floor__()
        return min(max(near, 0), (1 << bits) - 1)

    return np.vectorize(single, otypes=[np.int64])(total)
