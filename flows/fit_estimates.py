"""Fit the constants of estimates to measured points: `python -m codesign.flows.fit_estimates xcup --rows FILE`.

Errors are those of points whose shape of network the constants were not fitted to: each shape is left out in turn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from codesign.delay import Areas, Technology, technology
from codesign.errors import BadInputError
from codesign.estimate_model import ENERGY_TERMS, ESTIMATED, EstimateModel, energy_terms, estimate, read_model
from codesign.estimate_range import Range, sizes
from codesign.files import read_json, write_json, write_text
from codesign.flows.estimate_points import EstimatePoint, estimate_points
from codesign.graph import Graph
from codesign.quick_estimate import STYLES, QuickEstimator, Style, parts
from codesign.schedule import Schedule

# Constants of an area formula that the points tell apart; the others stay those of the technology.
FITTED: Mapping[Style, tuple[str, ...]] = {
    "wired": ("full_adder", "half_adder"),
    "scaling": ("full_adder", "compare"),
    "fused": ("full_adder", "compare"),
    "sums": ("full_adder", "half_adder", "mux"),
    "tables": ("full_adder", "mux", "rom_bit"),
}
# Pull of a constant to the technology's own, as the relative error of a point that a change by itself counts as.
PULL = 0.05
FEWEST_POINTS = 60
DATA = Path(__file__).parents[1] / "data" / "estimates"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """A point, its graph and schedule, and the row that was measured."""

    point: EstimatePoint
    graph: Graph
    schedule: Schedule
    row: Mapping[str, Any]

    @property
    def protected_bits(self) -> int:
        """Register bits that stand three times."""
        return 0 if self.point.tmr == "none" else int(self.row["register_bits"])


def read_samples(path: Path) -> list[Sample]:
    """Return the points that have a row in `path`; `BadInputError` if they are too few."""
    rows = {row["point"]: row for row in read_json(path)}
    chosen = [point for point in estimate_points() if point.name in rows]
    if len(chosen) < FEWEST_POINTS:
        raise BadInputError(f"{path} has {len(chosen)} of at least {FEWEST_POINTS} points: measure more")
    graphs = [(point, point.graph) for point in chosen]
    return [Sample(point, graph, point.schedule(graph), rows[point.name]) for point, graph in graphs]


def area_terms(sample: Sample, start: Technology) -> Floats:
    """Return what the area of a sample is linear in: each fitted constant, register bits, protected bits."""
    names = sorted({name for of_style in FITTED.values() for name in of_style})
    found: dict[tuple[Style, str], float] = {}
    for name in names:
        only = replace(start, areas=replace(_nothing(), **{name: 1.0}))
        estimator = QuickEstimator(sample.graph, only, 1)
        for part in parts(dict.fromkeys(STYLES, estimator), sample.schedule):
            found[part.style, name] = found.get((part.style, name), 0.0) + part.logic
    logic = [found.get((style, name), 0.0) for style in STYLES for name in FITTED[style]]
    return np.array([*logic, sample.row["register_bits"], sample.protected_bits], dtype=float)


def _nothing() -> Areas:
    return Areas(**{field.name: 0.0 for field in fields(Areas)})


def rest_area(sample: Sample, start: Technology) -> float:
    """Return the area of the constants that are not fitted."""
    estimators = {
        style: QuickEstimator(
            sample.graph, replace(start, areas=replace(start.areas, **dict.fromkeys(FITTED[style], 0.0))), 1
        )
        for style in STYLES
    }
    return sum(part.logic for part in parts(estimators, sample.schedule))


def fit_areas(samples: Sequence[Sample], start: Technology) -> tuple[dict[Style, Areas], float, float]:
    """Return the areas by style, that of a register bit, and that of a protected one on top."""
    first = [getattr(start.areas, name) for style in STYLES for name in FITTED[style]]
    first += [start.areas.register, 2 * start.areas.register + start.areas.voter]
    terms = np.stack([area_terms(sample, start) for sample in samples])
    wanted = np.array([sample.row["area"] - rest_area(sample, start) for sample in samples])
    scale = np.array([sample.row["area"] for sample in samples])
    found = _pulled(terms / scale[:, None], wanted / scale, np.array(first))
    constants = iter(found[:-2].tolist())
    areas = {style: replace(start.areas, **{name: next(constants) for name in FITTED[style]}) for style in STYLES}
    return areas, float(found[-2]), float(found[-1])


def _pulled(terms: Floats, wanted: Floats, first: Floats) -> Floats:
    """Least squares, none negative, each constant pulled to its `first` value where that is above zero."""
    known = first > 0
    pull = PULL * np.sqrt(len(wanted)) * np.diag(1 / np.where(known, first, 1.0))[known]
    ones = np.full(known.sum(), PULL * np.sqrt(len(wanted)))
    found: Floats
    found, _ = nnls(np.vstack([terms, pull]), np.concatenate([wanted, ones]))
    return found


def fit_energies(samples: Sequence[Sample], model: EstimateModel) -> dict[str, float]:
    """Return pJ by energy term; nothing where no power was measured."""
    if samples[0].row["power_mw"] is None:
        return {}
    terms, wanted = [], []
    for sample in samples:
        found = list(parts(model.estimators(sample.graph), sample.schedule))
        point, row = sample.point, sample.row
        bits, leaking = row["flip_flop_bits"], row["area"] * point.clock_ns
        of = energy_terms(sample.graph, sample.schedule, found, point.events, flip_flop_bits=bits, leaking=leaking)
        terms.append([of[name] for name in ENERGY_TERMS])
        wanted.append(row["power_mw"] * point.clock_ns)
    scale = np.array(wanted)
    constants, _ = nnls(np.array(terms) / scale[:, None], np.ones(len(scale)))
    return dict(zip(ENERGY_TERMS, constants.tolist(), strict=True))


def fit(samples: Sequence[Sample], start: Technology) -> EstimateModel:
    """Return the model of all samples, without errors."""
    areas, register, protected = fit_areas(samples, start)
    model = EstimateModel(start, areas, register, protected, {}, {}, _ranges(samples), len(samples))
    return replace(model, energies=fit_energies(samples, model))


def _ranges(samples: Sequence[Sample]) -> dict[str, Range]:
    numbers: dict[str, list[float]] = {"clock_ns": [sample.point.clock_ns for sample in samples]}
    for sample in samples:
        for _, of in sizes(sample.graph, sample.schedule):
            for key, value in of.items():
                numbers.setdefault(key, []).append(value)
    return {key: Range(min(values), max(values)) for key, values in numbers.items()}


def predicted(sample: Sample, model: EstimateModel) -> dict[str, float]:
    """Return the relative errors of a sample: estimated / measured - 1."""
    point, row = sample.point, sample.row
    found = estimate(sample.graph, sample.schedule, model, tmr=point.tmr, clock_ns=point.clock_ns, events=point.events)
    errors = {
        "area": found.area / row["area"] - 1,
        "register bits": found.register_bits / row["register_bits"] - 1,
    }
    if found.power_mw is not None:
        errors["power"] = found.power_mw / row["power_mw"] - 1
    return errors


def left_out(samples: Sequence[Sample], start: Technology, say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Return the errors of every point, by name, from constants that were not fitted to its shape."""
    errors = {}
    for shape in sorted({sample.point.shape.name for sample in samples}):
        model = fit([sample for sample in samples if sample.point.shape.name != shape], start)
        for sample in samples:
            if sample.point.shape.name == shape:
                errors[sample.point.name] = predicted(sample, model)
        say(f"without {shape}: {summary(errors)}")
    return errors


def summary(errors: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return median, 95th percentile and largest magnitude of the errors of each quantity, in per cent."""
    kinds = next(iter(errors.values()))
    values = {kind: 100 * np.abs([of[kind] for of in errors.values()]) for kind in kinds}
    return {
        kind: {
            "median": round(float(np.median(of)), 1),
            "p95": round(float(np.quantile(of, 0.95)), 1),
            "largest": round(float(of.max()), 1),
        }
        for kind, of in values.items()
    }


def record(model: EstimateModel, errors: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return the content of the file of constants."""

    def short(value: float) -> float:
        return float(f"{value:.5g}")

    return {
        "technology": model.technology.name,
        "areas": {
            style: {field.name: short(getattr(areas, field.name)) for field in fields(Areas)}
            for style, areas in model.areas.items()
        },
        "register_area": short(model.register_area),
        "protected_area": short(model.protected_area),
        "energies_pj": {name: short(value) for name, value in model.energies.items()},
        "errors_percent": summary(errors),
        "ranges": {key: [one.low, one.high] for key, one in model.ranges.items()},
        "points": model.points,
    }


def table(samples: Sequence[Sample], errors: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Return every point as a row of a Markdown table."""
    has_power = samples[0].row["power_mw"] is not None
    names = ["point", f"area {unit}", "error %", "register bits", "error %"]
    names += ["power mW", "error %"] if has_power else []
    lines = [
        "# Calibration points of the estimates",
        "",
        "Written by `python -m codesign.flows.fit_estimates`. Errors: estimated / measured - 1, the constants fitted",
        "without the point's shape of network.",
        "",
        f"| {' | '.join(names)} |",
        "|---" * len(names) + "|",
    ]
    for sample in samples:
        row, of = sample.row, errors[sample.point.name]
        cells = [sample.point.name, f"{row['area']:.0f}", f"{100 * of['area']:+.1f}"]
        cells += [f"{row['register_bits']}", f"{100 * of['register bits']:+.1f}"]
        cells += [f"{row['power_mw']:.3f}", f"{100 * of['power']:+.1f}"] if has_power else []
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("name", type=click.Choice(ESTIMATED))
@click.option("--rows", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=DATA, show_default=True)
@click.option("--table", "table_file", type=click.Path(dir_okay=False, path_type=Path), help="Markdown of all points.")
def main(name: str, rows: Path, output: Path, table_file: Path | None) -> None:
    """Fit the estimates of technology NAME to measured rows and write its file."""
    start, samples = technology(name), read_samples(rows)
    errors = left_out(samples, start, click.echo)
    content = record(fit(samples, start), errors)
    read_model(content)
    write_json(output / f"{name}.json", content)
    if table_file:
        write_text(table_file, table(samples, errors, start.area_unit))


if __name__ == "__main__":
    main()
