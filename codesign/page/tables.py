"""The tables of the page: numbers of the report by section, each linked to its file."""

from collections.abc import Sequence
from dataclasses import replace

from codesign.page.files import GRAPH, MANIFEST, REPORT, RunFolder
from codesign.page.nodes import NodeView, absent
from codesign.page.text import Cell, Table, count, quantity, shown, table, word
from codesign.report import Comparison, Equality, PhysicsRow, Quantity, Resources

MISSING = "-"


def headline_figures(run: RunFolder) -> list[tuple[str, Cell]]:
    """The few numbers that everyone asks for first, by name; those that are not there are left out."""
    report = run.report
    found: list[tuple[str, Quantity | None]] = [
        ("Clock period", report.design.clock),
        ("Latency", report.latency_cycles.best),
        ("Initiation interval", report.initiation_interval_cycles.best),
        ("Throughput", report.throughput),
        ("Cell area", largest(report.area, "cell area")),
        ("NAND2 equivalents", largest(report.area, "NAND2 equivalents")),
        ("Power", largest(report.power, "total")),
        ("Energy per inference", largest(report.power, "energy per inference")),
        ("LUT", largest(report.fpga, "LUT")),
        ("Flip-flops", report.registers.after_synthesis if report.registers else None),
    ]
    figures = [(name, quantity(run, value)) for name, value in found if value is not None]
    equal, total = (sum(getattr(row, key) for row in report.equality) for key in ("equal", "total"))
    if total:
        text = f"all {shown(total)}" if equal == total else f"{shown(equal)} of {shown(total)}"
        mark = "good" if equal == total else "bad"
        link = run.link(report.equality[-1].source, report.equality[-1].sha256)
        figures.append(("Values bit-exact", Cell(text, link, is_number=True, mark=mark)))
    return figures


def largest(parts: Sequence[Resources], key: str) -> Quantity | None:
    """Return the largest of several figures for the same thing, as the verdict takes it; None if there is none."""
    found = [part.quantities[key] for part in parts if key in part.quantities]
    return max(found, key=lambda q: q.value, default=None)


def timing_table(run: RunFolder) -> Table | None:
    """Latency and interval as the schedule predicts and as simulation measures them."""
    report = run.report
    pairs: list[tuple[str, Comparison]] = [
        ("Latency", report.latency_cycles),
        ("Latency", report.latency),
        ("Initiation interval", report.initiation_interval_cycles),
        ("Initiation interval", report.initiation_interval),
    ]
    rows = [
        [word(name), quantity(run, pair.predicted), quantity(run, pair.measured)] for name, pair in pairs if pair.best
    ]
    return table("Latency and interval", ("", "predicted", "measured"), rows)


def node_table(run: RunFolder, nodes: Sequence[NodeView]) -> Table | None:
    """All numbers of the dataflow graph and of its schedule."""
    graph, manifest = run.link(GRAPH), run.link(MANIFEST)
    is_measured = any(node.area or node.power for node in nodes)
    area, power = absent(node.area for node in nodes), absent(node.power for node in nodes)
    rows = []
    for node in nodes:
        slot = node.slot
        cycles = (slot.start, slot.latency_cycles, slot.ii_cycles) if slot else None
        rows.append(
            [
                word(node.name),
                word(node.kind),
                Cell(node.value, graph),
                count(node.bits, graph),
                count(node.reuse, manifest),
                *([quantity(run, node.area, area), quantity(run, node.power, power)] if is_measured else []),
                *([count(number, manifest) for number in cycles] if cycles else [word(MISSING)] * 3),
                Cell("; ".join(node.parameters) or MISSING, graph if node.parameters else None),
            ]
        )
    measured = ("area", "power") if is_measured else ()
    head = ("node", "operator", "result", "bits", "reuse", *measured, "start", "latency", "busy", "parameters")
    note = "s9 is a signed number of 9 bits, u8 an unsigned one of 8. Start, latency and busy are in clock cycles."
    note += " Sums count with the requantisation that reads them." if is_measured else ""
    note += "" if is_measured else " Area and power by node were not measured."
    return table("Nodes of the dataflow graph", head, rows, note)


def resource_table(run: RunFolder, title: str, parts: Sequence[Resources]) -> Table | None:
    """All tool runs of one section side by side, their methods below."""
    names = list(dict.fromkeys(name for part in parts for name in part.quantities))
    rows = [[word(name), *(_of(run, part, name) for part in parts)] for name in names]
    same = len({part.name for part in parts}) == 1
    note = " ".join(part.method if same and len(parts) == 1 else f"{part.name}: {part.method}." for part in parts)
    return table(title, ("", *(part.name for part in parts)), rows, note)


def _of(run: RunFolder, part: Resources, name: str) -> Cell:
    found = part.quantities.get(name)
    if found is None:
        return word(MISSING)
    cell = quantity(run, found)
    title = f"{found.kind}, {cell.link.title}" if cell.link else found.kind
    return replace(cell, link=replace(cell.link, title=title) if cell.link else None)


def physics_table(run: RunFolder) -> Table | None:
    """Models in rows, figures of merit in columns: the mean, or the figure of the sample with its error."""
    rows = run.report.physics
    metrics = list(dict.fromkeys((row.metric, row.unit) for row in rows))
    models = list(dict.fromkeys(row.name for row in rows))
    by_place = {(row.name, row.metric): row for row in rows}
    head = ("model", *(f"{metric} [{unit}]" if unit else metric for metric, unit in metrics))
    body = [[word(model), *(_merit(run, by_place.get((model, metric))) for metric, _ in metrics)] for model in models]
    return table(
        "Figures of merit", head, body, "Means over the events; ± one standard deviation where a figure has it."
    )


def _merit(run: RunFolder, row: PhysicsRow | None) -> Cell:
    if row is None or row.value is None:
        return word(MISSING)
    error = "" if row.error is None else f" ± {row.error:.4f}"
    return Cell(f"{row.value:.4f}{error}", run.link(row.source, row.sha256), is_number=True)


def spread_table(run: RunFolder) -> Table | None:
    """Median and central 68 % of the metrics with one value an event."""
    rows = [row for row in run.report.physics if row.median is not None]
    body = [
        [
            word(row.name),
            word(f"{row.metric} [{row.unit}]" if row.unit else row.metric),
            *(
                Cell(MISSING if value is None else f"{value:.4f}", run.link(row.source, row.sha256), is_number=True)
                for value in (row.value, row.median, row.low68, row.high68)
            ),
            count(row.count, run.link(row.source, row.sha256)),
            count(row.excluded, run.link(row.source, row.sha256)),
        ]
        for row in rows
    ]
    head = ("model", "metric", "mean", "median", "16 %", "84 %", "events", "excluded")
    return table("Spread over the events", head, body)


def equality_table(run: RunFolder) -> Table | None:
    """Stages that must agree without tolerance."""
    return table("Equality without tolerance", ("stages", "equal values", "verdict"), [
        [
            word(row.name),
            Cell(f"{shown(row.equal)} of {shown(row.total)}", run.link(row.source, row.sha256), is_number=True),
            _equal(row),
        ]
        for row in run.report.equality
    ])  # fmt: skip


def _equal(row: Equality) -> Cell:
    return word("equal", "good") if row.equal == row.total > 0 else word("differs", "bad")


def register_table(run: RunFolder) -> Table | None:
    """Register bits declared, expected in the netlist and found."""
    found = run.report.registers
    if found is None:
        return None
    right = found.after_synthesis is not None and found.after_synthesis.value == found.expected.value
    verdict = (
        word("as expected", "good") if right else word("not counted" if not found.after_synthesis else "differs", "bad")
    )
    rows = [
        [word("declared in the Verilog"), quantity(run, found.declared), word("")],
        [word("expected in the netlist"), quantity(run, found.expected), word("")],
        [word("after synthesis"), quantity(run, found.after_synthesis), verdict],
    ]
    return table(f"Register bits (tmr {run.report.design.tmr})", ("", "bits", ""), rows)


def provenance_tables(run: RunFolder) -> list[Table]:
    """Tools, and files with their hashes."""
    report = run.report
    tools = [[word(name), Cell(version, run.link(REPORT))] for name, version in sorted(report.tool_versions.items())]
    files = [[Cell(name, run.link(name, digest)), Cell(digest)] for name, digest in sorted(report.hashes.items())]
    found = (
        table("Tools", ("tool", "version"), tools),
        table("Files and their SHA-256", ("file", "SHA-256"), files),
    )
    return [one for one in found if one]
