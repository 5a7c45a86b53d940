"""Fit the closed formula of shared adders to solved matrices: `python -m codesign.flows.fit_adders`.

The matrices are random and seeded; every second one is fitted to, the others give the errors that the file states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np

from codesign.adder_solver import solve
from codesign.critical_path import Sums
from codesign.files import write_json
from codesign.fixed import Fixed, Integers
from codesign.quick_adders import RATIOS, sizes, unshared_adders
from codesign.ranges import Interval
from codesign.unsigned_form import Fabric

SEED, MATRICES, LARGEST = 5, 560, 900
FEWEST_ADDERS = 3
OUTPUT = Path(__file__).parents[1] / "data" / "estimates" / "adders.json"


@dataclass(frozen=True, eq=False)
class Sample:
    """A matrix, the bits of its operands, and the natural logarithms of its ratios in each fabric."""

    matrix: Integers
    data_bits: int
    ratios: dict[Fabric, tuple[float, float, float]]


def draw(rng: np.random.Generator) -> tuple[Integers, int, bool]:
    """Return a random matrix of 3..48 rows, 4..64 columns and 3..9 bits, bits of its operands, and their sign."""
    while True:
        rows, columns = (int(np.exp(rng.uniform(np.log(low), np.log(high)))) for low, high in ((3, 48), (4, 64)))
        if rows * columns <= LARGEST:
            break
    high = (1 << (int(rng.integers(3, 10)) - 1)) - 1
    uniform = rng.integers(-high, high + 1, (rows, columns))
    normal = np.rint(np.clip(rng.normal(0, high / 2.5, (rows, columns)), -high, high)).astype(np.int64)
    matrix = np.where(
        rng.random((rows, columns)) < rng.choice([0, 0.2, 0.5, 0.8]), 0, (uniform, normal)[rng.integers(2)]
    )
    return matrix, int(rng.integers(3, 11)), bool(rng.integers(2))


def solved(matrix: Integers, data_bits: int, *, signed: bool) -> Sample:
    """Solve a matrix in every fabric."""
    bounds = Interval.of(Fixed(data_bits, 0, signed), (matrix.shape[1],))
    ratios = {}
    for fabric in get_args(Fabric):
        graph = solve(matrix, bounds, fabric)
        overlap, columns = (sum(column) for column in zip(*Sums.of(graph, bounds, 0, fabric).columns, strict=True))
        adders = len(graph.adders)
        found = (adders / unshared_adders(matrix), columns / adders, overlap / columns)
        ratios[fabric] = tuple(np.log(found).tolist())
    return Sample(matrix, data_bits, ratios)


def fit(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return constants by fabric and ratio, and the errors on the samples that were not fitted to, in per cent."""
    terms = np.stack([sizes(sample.matrix, sample.data_bits) for sample in samples])
    constants: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for fabric in get_args(Fabric):
        constants[fabric], errors[fabric] = {}, {}
        for k, ratio in enumerate(RATIOS):
            wanted = np.array([sample.ratios[fabric][k] for sample in samples])
            fitted, *_ = np.linalg.lstsq(terms[::2], wanted[::2])
            left = 100 * np.abs(np.expm1(terms[1::2] @ fitted - wanted[1::2]))
            constants[fabric][ratio] = [float(f"{value:.6g}") for value in fitted]
            errors[fabric][ratio] = {
                "median": round(float(np.median(left)), 1),
                "p95": round(float(np.quantile(left, 0.95)), 1),
            }
    return {"constants": constants, "errors_percent": errors, "matrices": len(samples)}


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=OUTPUT)
def main(output: Path) -> None:
    """Solve random matrices and write the constants."""
    rng = np.random.default_rng(SEED)
    drawn = [draw(rng) for _ in range(MATRICES)]
    kept = [one for one in drawn if unshared_adders(one[0]) >= FEWEST_ADDERS]
    samples = [solved(matrix, bits, signed=signed) for matrix, bits, signed in kept]
    found = fit(samples)
    write_json(output, found)
    click.echo(found["errors_percent"])


if __name__ == "__main__":
    main()
