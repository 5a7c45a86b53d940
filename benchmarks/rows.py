"""Rows of the side-by-side benchmark: what was measured, on which Verilog, with which versions; kept as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.generate import Generated, Point
from benchmarks.simulate import Simulation
from benchmarks.synthesis import Synthesis
from codesign.files import read_json, write_json

OWN = "codesign"


@dataclass(frozen=True)
class Row:
    """Measurements of one point; `unfinished_s`: the seconds after which its synthesis was stopped."""

    point: Point
    verilog_sha256: str
    versions: Mapping[str, str]
    latency_cycles: int
    generation_s: float
    peak_mib: float
    emulation_per_s: float | None
    predicted_path_ns: float | None
    simulation: Simulation | None = None
    synthesis: Synthesis | None = None
    unfinished_s: float | None = None

    @classmethod
    def of(cls, point: Point, made: Generated) -> "Row":
        """Return the row of freshly generated Verilog: nothing is synthesised yet."""
        rate = None if made.emulation_per_s is None else round(made.emulation_per_s)
        numbers = made.latency_cycles, round(made.generation_s, 2), round(made.peak_mib), rate
        return cls(point, made.sha256, made.versions, *numbers, made.predicted_path_ns)

    @property
    def case(self) -> tuple[str, str, str, bool]:
        """What has to be equal for two rows to compare."""
        point = self.point
        return point.technology, point.network, point.rounding, point.triplicated

    @property
    def is_own(self) -> bool:
        """Whether it is this flow's."""
        return self.point.flow == OWN

    @property
    def area(self) -> float:
        """LUTs or NAND2 equivalents; infinite where synthesis did not end."""
        return self.synthesis.area if self.synthesis else float("inf")

    @property
    def path_ns(self) -> float:
        """Longest path; infinite where it is not known."""
        known = self.synthesis.path_ns if self.synthesis else None
        return float("inf") if known is None else known


def read_rows(path: Path) -> dict[Point, Row]:
    """Return the rows of an earlier run by point; none if there is no file."""
    if not path.exists():
        return {}
    return {row.point: row for row in map(_row, read_json(path))}


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows in the order of their points."""
    ordered = sorted(rows, key=lambda row: tuple(map(str, vars(row.point).values())))
    write_json(path, [asdict(row) for row in ordered])


def _row(content: dict[str, Any]) -> Row:
    simulation, synthesis = content["simulation"], content["synthesis"]
    return Row(
        **{
            **content,
            "point": Point(**content["point"]),
            "simulation": Simulation(**simulation) if simulation else None,
            "synthesis": Synthesis(**synthesis) if synthesis else None,
        }
    )
