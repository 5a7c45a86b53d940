"""Markdown tables of the side-by-side rows."""

from collections.abc import Callable, Sequence

from benchmarks.rows import Row

NOT_ENDED = "did not end in {:g} s"


def table(header: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; None is an empty cell."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows)


def side_by_side(rows: Sequence[Row]) -> str:
    """Return all tables of the benchmark."""
    ordered = sorted(rows, key=lambda row: tuple(vars(row.point).values()))
    parts = ["### UltraScale+", _fpga(ordered), "### Standard cells, NAND2 equivalents", _asic(ordered)]
    parts += ["### Generation and simulation", _effort(ordered)]
    versions = {f"{name} {number}" for row in rows for name, number in row.versions.items()}
    return "\n\n".join([*parts, f"Versions: {', '.join(sorted(versions))}."]) + "\n"


def _name(row: Row) -> tuple[str, str, str, str]:
    point = row.point
    words = {"codesign": f"{point.option} cuts a layer", "plain": ""}
    option = words.get(point.flow, f"cutoff {point.option}")
    return point.network, point.rounding, f"{point.flow} {option}".strip(), "x3" if point.triplicated else ""


def ratio(row: Row, rows: Sequence[Row], measure: Callable[[Row], float | None]) -> str:
    """Return `measure` of the row over the best peer's on the same network, rounding and registers; "" without one."""
    same = (row.point.network, row.point.rounding, row.point.triplicated)
    peers = [
        value
        for other in rows
        if other.point.flow != "codesign"
        and (other.point.network, other.point.rounding, other.point.triplicated) == same
        and (value := measure(other))
    ]
    own = measure(row)
    return f"{own / min(peers):.2f}" if own and peers else ""


def _fpga(rows: Sequence[Row]) -> str:
    def luts(row: Row) -> float | None:
        return row.fpga.luts if row.fpga else None

    lines = []
    for row in rows:
        if row.fpga:
            counts = (row.fpga.luts, ratio(row, rows, luts), row.fpga.flip_flops, row.fpga.carry_cells)
        elif "xcup" in row.unfinished:
            counts = (NOT_ENDED.format(row.unfinished["xcup"]), "", "", "")
        else:
            continue
        lines.append([*_name(row), row.latency_cycles, *counts])
    return table(("network", "rounding", "flow", "registers", "cycles", "LUT", "ratio", "FF", "carry"), lines)


def _asic(rows: Sequence[Row]) -> str:
    names = sorted({name for row in rows for name in row.asic})
    lines = []
    for row in rows:
        if row.asic:
            cells: list[object] = []
            for name in names:
                cells += _cells(row, rows, name)
            lines.append([*_name(row), row.latency_cycles, *cells])
    header = [cell for name in names for cell in (name, "ratio")]
    return table(("network", "rounding", "flow", "registers", "cycles", *header), lines)


def _cells(row: Row, rows: Sequence[Row], library: str) -> tuple[object, object]:
    def area(one: Row) -> float | None:
        return one.asic[library].nand2_equivalents if library in one.asic else None

    if library in row.unfinished:
        return NOT_ENDED.format(row.unfinished[library]), ""
    return area(row), ratio(row, rows, area)


def _effort(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        seen = (row.simulation.build_s, row.simulation.events_per_s) if row.simulation else (None, None)
        lines.append([*_name(row), row.generation_s, row.peak_mib, row.emulation_per_s, *seen])
    header = ("generation s", "peak MiB", "emulated inferences/s", "Verilator build s", "cocotb cycles/s")
    return table(("network", "rounding", "flow", "registers", *header), lines)
