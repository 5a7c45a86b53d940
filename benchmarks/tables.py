"""Markdown tables of the side-by-side rows."""

from collections.abc import Iterable, Sequence

from benchmarks.rows import OWN, Row

TITLES = {
    "xcup": "UltraScale+, LUT",
    "nangate45": "NanGate45, NAND2 equivalents",
    "sky130hd": "sky130 hd, NAND2 equivalents",
    "osu018": "OSU 0.18 um, NAND2 equivalents",
}
CLOCK_NS = {"xcup": 5.0, "nangate45": 25.0, "sky130hd": 25.0, "osu018": 25.0}


def table(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; None is an empty cell."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows)


def side_by_side(rows: Iterable[Row]) -> str:
    """Return all tables of the benchmark as Markdown."""
    order = list(TITLES)
    every = sorted(rows, key=lambda one: (order.index(one.case[0]), *one.case[1:], not one.is_own, one.area))
    parts = ["### At equal clock and no more cycles", _verdicts(every)]
    for name, title in TITLES.items():
        if any(one.point.technology == name for one in every):
            parts += [f"### {title}", _technology([one for one in every if one.point.technology == name])]
    parts += ["### Generation and simulation", _effort(every)]
    versions = sorted({f"{name} {number}" for row in every for name, number in row.versions.items()})
    return "\n\n".join([*parts, f"Versions: {', '.join(versions)}."]) + "\n"


def races(here: Iterable[Row]) -> tuple[tuple[float, Row], ...]:
    """Return the clocks at which one case is compared, each with the smallest row of another flow that runs at it.

    First the clock of the technology; then, for each peer at each latency cutoff, the clock that it reaches itself.
    """
    timed = [one for one in here if not one.is_own and one.path_ns < float("inf")]
    target = CLOCK_NS[timed[0].point.technology] if timed else 0.0
    fast = [one for one in timed if one.path_ns <= target]
    found = [(target, min(fast, key=lambda one: one.area))] if fast else []
    return (*found, *((one.path_ns, one) for one in timed if one.point.flow != "plain"))


def matched(here: Iterable[Row], clock_ns: float, cycles: int) -> Row | None:
    """Return this flow's smallest row that runs at `clock_ns` with at most `cycles` of latency."""
    fit = (one for one in here if one.is_own and one.path_ns <= clock_ns and one.latency_cycles <= cycles)
    return min(fit, key=lambda one: one.area, default=None)


def by_case(rows: Iterable[Row]) -> dict[tuple[str, str, str, bool], list[Row]]:
    """Return the rows that compare with each other."""
    cases: dict[tuple[str, str, str, bool], list[Row]] = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    return cases


def _verdicts(every: Sequence[Row]) -> str:
    lines: list[Sequence[object]] = []
    for here in by_case(every).values():
        for clock_ns, peer in races(here) if any(one.is_own for one in here) else ():
            own = matched(here, clock_ns, peer.latency_cycles)
            lines.append([*_case(peer), f"{clock_ns:.2f}", *_pair(peer, own)])
    header = ("technology", "network", "rounding", "registers", "clock ns", "peer", "cycles", "area")
    return table((*header, OWN, "cycles", "area", "ratio"), lines)


def _case(one: Row) -> tuple[str, str, str, str]:
    technology, network, rounding, triplicated = one.case
    return technology, network, rounding, "x3" if triplicated else "x1"


def _name(one: Row) -> str:
    known = {OWN: f"{OWN}, planned for {one.point.option:g} ns", "plain": "plain"}
    return known.get(one.point.flow, f"{one.point.flow}, cutoff {one.point.option:g}")


def _pair(peer: Row, own: Row | None) -> tuple[object, ...]:
    left = _name(peer), peer.latency_cycles, peer.area
    if own is None:
        return *left, "none of the points", None, None, None
    return *left, f"planned for {own.point.option:g} ns", own.latency_cycles, own.area, f"{own.area / peer.area:.2f}"


def _technology(every: Sequence[Row]) -> str:
    lines = []
    for one in every:
        best = min((o for o in every if o.case == one.case and not o.is_own), key=lambda o: o.area, default=None)
        if one.synthesis:
            path, latency = f"{one.path_ns:.2f}", f"{one.path_ns * one.latency_cycles:.1f}"
            ratio = f"{one.area / best.area:.2f}" if best else None
            numbers = path, latency, one.area, ratio, one.synthesis.flip_flops
        else:
            numbers = None, None, f"did not end in {one.unfinished_s:g} s", None, None
        checked = one.simulation.events if one.simulation else None
        lines.append([*_case(one)[1:], _name(one), one.latency_cycles, *numbers, checked])
    header = ("network", "rounding", "registers", "flow", "cycles", "longest path ns", "latency ns", "area")
    return table((*header, "over smallest peer", "flip-flops", "events checked"), lines)


def _effort(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        if not row.point.triplicated and row.point.technology == "xcup":
            seen = (row.simulation.build_s, row.simulation.events_per_s) if row.simulation else (None, None)
            point = row.point.network, row.point.rounding, _name(row)
            lines.append([*point, row.generation_s, row.peak_mib, row.emulation_per_s, *seen])
    header = ("generation, CPU s", "peak MiB", "emulated inferences/s", "Verilator build s", "cocotb cycles/s")
    return table(("network", "rounding", "flow", *header), lines)
