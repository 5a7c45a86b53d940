"""Markdown tables of the side-by-side rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.rows import Row

TITLES = {
    "xcup": "UltraScale+, LUT",
    "nangate45": "NanGate45, NAND2 equivalents",
    "sky130hd": "sky130 hd, NAND2 equivalents",
    "osu018": "OSU 0.18 um, NAND2 equivalents",
}
CLOCK_NS = {"xcup": 5.0, "nangate45": 25.0, "sky130hd": 25.0, "osu018": 25.0}
OWN = "codesign"


@dataclass(frozen=True)
class Result:
    """One row in one technology: area in LUTs or NAND2 equivalents, flip-flops, longest path (None: not timed)."""

    row: Row
    technology: str
    area: float
    flip_flops: int
    path_ns: float | None

    @property
    def case(self) -> tuple[str, str, str, bool]:
        """What has to be equal for two results to compare."""
        point = self.row.point
        return self.technology, point.network, point.rounding, point.triplicated

    @property
    def is_own(self) -> bool:
        """Whether it is this flow's."""
        return self.row.point.flow == OWN

    @property
    def name(self) -> str:
        """Flow and option."""
        point = self.row.point
        return {OWN: f"{OWN}, {point.option} cuts a layer", "plain": "plain"}.get(
            point.flow, f"{point.flow}, cutoff {point.option}"
        )

    def fits(self, clock_ns: float | None, cycles: int) -> bool:
        """Whether it runs at that clock with no more than `cycles`."""
        return None not in (clock_ns, self.path_ns) and self.path_ns <= clock_ns and self.row.latency_cycles <= cycles


def results(rows: Iterable[Row]) -> tuple[Result, ...]:
    """Return every synthesised result, ordered by technology and case."""
    found = [one for row in rows for one in _results(row)]
    order = list(TITLES)
    return tuple(sorted(found, key=lambda one: (order.index(one.technology), *one.case[1:], not one.is_own, one.area)))


def _results(row: Row) -> Iterator[Result]:
    if row.fpga:
        yield Result(row, "xcup", row.fpga.luts, row.fpga.flip_flops, row.fpga.critical_path_ns)
    for name, cells in row.asic.items():
        yield Result(row, name, cells.nand2_equivalents, cells.flip_flops, cells.critical_path_ns)


def table(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; None is an empty cell."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows)


def side_by_side(rows: Sequence[Row]) -> str:
    """Return all tables of the benchmark as Markdown."""
    every = results(rows)
    parts = ["### At equal clock and no more cycles", _verdicts(every)]
    for name, title in TITLES.items():
        if any(one.technology == name for one in every):
            parts += [f"### {title}", _technology([one for one in every if one.technology == name])]
    parts += ["### Generation and simulation", _effort(rows)]
    stopped = [f"{row.point.flow} on {row.point.network}, {row.point.rounding}: synthesis for {name} did not end in "
               f"{limit:g} s" for row in rows for name, limit in row.unfinished.items()]  # fmt: skip
    versions = sorted({f"{name} {number}" for row in rows for name, number in row.versions.items()})
    return "\n\n".join([*parts, *stopped, f"Versions: {', '.join(versions)}."]) + "\n"


def pairs(every: Sequence[Result], clock_ns: float | None) -> Iterator[tuple[Result, Result | None]]:
    """Yield the smallest peer of every case that runs at `clock_ns`, and this flow's smallest with no more cycles.

    Without a clock it is that of the peer itself: its longest path.
    """
    for case in dict.fromkeys(one.case for one in every):
        here = [one for one in every if one.case == case and one.path_ns is not None]
        peers = [one for one in here if not one.is_own and (clock_ns is None or one.path_ns <= clock_ns)]
        if not peers or not any(one.is_own for one in here):
            continue
        peer = min(peers, key=lambda one: one.area)
        limit = peer.path_ns if clock_ns is None else clock_ns
        own = [one for one in here if one.is_own and one.fits(limit, peer.row.latency_cycles)]
        yield peer, min(own, key=lambda one: one.area, default=None)


def _verdicts(every: Sequence[Result]) -> str:
    lines: list[Sequence[object]] = []
    for technology, target in CLOCK_NS.items():
        here = [one for one in every if one.technology == technology]
        for clock_ns in (target, None):
            for peer, own in pairs(here, clock_ns):
                lines.append([*_case(peer), clock_ns or f"{peer.path_ns:.2f}", *_pair(peer, own)])
    header = ("technology", "network", "rounding", "registers", "clock ns", "smallest peer", "cycles", "area")
    return table((*header, "codesign", "cycles", "area", "ratio"), lines)


def _case(one: Result) -> tuple[str, str, str, str]:
    technology, network, rounding, triplicated = one.case
    return technology, network, rounding, "x3" if triplicated else "x1"


def _pair(peer: Result, own: Result | None) -> tuple[object, ...]:
    left = peer.name, peer.row.latency_cycles, round(peer.area)
    if own is None:
        return *left, "none of the points", None, None, None
    cuts = f"{own.row.point.option} cuts a layer"
    return *left, cuts, own.row.latency_cycles, round(own.area), f"{own.area / peer.area:.2f}"


def _technology(every: Sequence[Result]) -> str:
    lines = []
    for one in every:
        peers = [other.area for other in every if other.case == one.case and not other.is_own]
        ratio = f"{one.area / min(peers):.2f}" if peers else None
        path = None if one.path_ns is None else f"{one.path_ns:.2f}"
        latency = None if one.path_ns is None else f"{one.path_ns * one.row.latency_cycles:.1f}"
        numbers = one.row.latency_cycles, path, latency, round(one.area), ratio, one.flip_flops
        lines.append([*_case(one)[1:], one.name, *numbers])
    header = ("network", "rounding", "registers", "flow", "cycles", "longest path ns", "latency ns", "area")
    return table((*header, "over smallest peer", "flip-flops"), lines)


def _effort(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        if not row.point.triplicated and row.point.fabric == "lut":
            seen = (row.simulation.build_s, row.simulation.events_per_s) if row.simulation else (None, None)
            point = row.point.network, row.point.rounding, f"{row.point.flow} {row.point.option}"
            lines.append([*point, row.generation_s, row.peak_mib, row.emulation_per_s, *seen])
    header = ("generation s", "peak MiB", "emulated inferences/s", "Verilator build s", "cocotb cycles/s")
    return table(("network", "rounding", "flow and option", *header), lines)
