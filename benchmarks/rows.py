"""Rows of the side-by-side benchmark: what was measured, on which Verilog, with which versions; kept as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.generate import Generated, Point
from benchmarks.simulate import Simulation
from benchmarks.synthesis import Asic, Fpga
from codesign.files import read_json, write_json


@dataclass(frozen=True)
class Row:
    """Measurements of one point; `unfinished` holds the seconds after which the synthesis for a target was stopped."""

    point: Point
    verilog_sha256: str
    versions: Mapping[str, str]
    latency_cycles: int
    generation_s: float
    peak_mib: float
    emulation_per_s: float | None
    simulation: Simulation | None = None
    fpga: Fpga | None = None
    asic: Mapping[str, Asic] = field(default_factory=dict)
    unfinished: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, point: Point, made: Generated) -> "Row":
        """Return the row of freshly generated Verilog: nothing is synthesised yet."""
        rate = None if made.emulation_per_s is None else round(made.emulation_per_s)
        numbers = made.latency_cycles, round(made.generation_s, 2), round(made.peak_mib), rate
        return cls(point, made.sha256, made.versions, *numbers)


def read_rows(path: Path) -> dict[Point, Row]:
    """Return the rows of an earlier run by point; none if there is no file."""
    if not path.exists():
        return {}
    return {row.point: row for row in map(_row, read_json(path))}


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows in the order of their points."""
    ordered = sorted(rows, key=lambda row: tuple(vars(row.point).values()))
    write_json(path, [asdict(row) for row in ordered])


def _row(content: dict[str, Any]) -> Row:
    return Row(
        **{
            **content,
            "point": Point(**content["point"]),
            "simulation": Simulation(**content["simulation"]) if content["simulation"] else None,
            "fpga": Fpga(**content["fpga"]) if content["fpga"] else None,
            "asic": {name: Asic(**value) for name, value in content["asic"].items()},
        }
    )
