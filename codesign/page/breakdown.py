"""Where area and power go: by node of the dataflow graph, and by kind."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from codesign.page.drawing import Drawing, diagram_style, finished
from codesign.page.files import RunFolder
from codesign.page.nodes import AREA_KEYS, POWER_KEYS, divided
from codesign.page.text import UNITS, Cell, Table, table, with_unit, word
from codesign.report import Quantity, Resources

REST = "rest"
AREA = AREA_KEYS[0]
SEQUENTIAL = "of it flip-flops"
POWER_KINDS = ("internal", "switching", "leakage")
COLOURS = {
    "logic": "#7fb0ff",
    "flip-flops": "#f8b45a",
    "internal": "#7fb0ff",
    "switching": "#f8b45a",
    "leakage": "#b9a3d6",
    REST: "#c4c8ce",
}
LEAST_LABELLED = 0.09
KIND_INCHES = 0.42
BAR_INCHES = 0.3
WIDTH_INCHES = 9.4


def breakdown_drawings(run: RunFolder) -> tuple[Drawing, ...]:
    """Return area and power by node, split by kind where the tool run tells; nothing where no run tells of nodes."""
    wanted = (("area", AREA_KEYS, (SEQUENTIAL,)), ("power", POWER_KEYS, POWER_KINDS))
    drawings = []
    for what, keys, kinds in wanted:
        found = divided(run, keys)
        if found is not None:
            part, key = found
            drawings.append(_by_node(what, part, key, kinds))
    return tuple(drawings)


def kinds_of(part: Resources) -> dict[str, float]:
    """Return a total by kind: logic and flip-flops of an area; internal, switching and leakage of a power."""
    quantities = part.quantities
    if AREA in quantities and SEQUENTIAL in quantities:
        flip_flops = float(quantities[SEQUENTIAL].value)
        return {"logic": quantities[AREA].value - flip_flops, "flip-flops": flip_flops}
    return {kind: float(quantities[kind].value) for kind in POWER_KINDS if kind in quantities}


def kinds_drawing(run: RunFolder) -> Drawing | None:
    """Return every area and power split by kind, each bar 100 %; None where no tool run tells kinds apart."""
    report = run.report
    rows = [(f"Area {_total(p, AREA)}\n{p.name}", kinds_of(p)) for p in report.area]
    rows += [(f"Power {_total(p, POWER_KEYS[0])}\n{p.name}", kinds_of(p)) for p in report.power]
    rows = [(name, parts) for name, parts in rows if sum(parts.values()) > 0]
    if not rows:
        return None
    with diagram_style():
        figure = Figure(figsize=(WIDTH_INCHES, 0.3 + KIND_INCHES * len(rows)), layout="constrained")
        axes = figure.subplots()
        for row, (_, parts) in enumerate(rows):
            _shares(axes, row, parts)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.set_xlim(0, 1)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return finished(figure, "by_kind", "Area and power by kind", _kinds_in_words(rows))


def _total(part: Resources, key: str) -> str:
    found = part.quantities.get(key)
    return with_unit(found.value, found.unit) if found else ""


def _shares(axes: Any, row: int, parts: Mapping[str, float]) -> None:
    start, total = 0.0, sum(parts.values())
    for name, value in parts.items():
        share = value / total
        axes.barh(row, share, left=start, height=0.62, color=COLOURS[name], edgecolor="white")
        if share >= LEAST_LABELLED:
            axes.text(start + share / 2, row, f"{name} {share:.0%}", ha="center", va="center", size=8, color="#1b1f24")
        start += share


def _kinds_in_words(rows: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    found = []
    for name, parts in rows:
        shares = ", ".join(f"{kind} {value / sum(parts.values()):.0%}" for kind, value in parts.items())
        found.append(f"{name}: {shares}".replace("\n", ", "))
    return ". ".join(found) + "."


def operator_table(run: RunFolder) -> Table | None:
    """Area and power by kind of operator, summed over its nodes; None where no tool run tells of nodes."""
    kinds = {node.name: node.op.kind for node in run.graph.nodes}
    sums: dict[str, dict[str, Cell]] = {}
    heads = []
    for keys in (AREA_KEYS, POWER_KEYS):
        found = divided(run, keys)
        if found is None:
            continue
        part, key = found
        heads.append(f"{key}: {part.name}")
        for kind, value in _by_kind(part, key, kinds).items():
            first = next(q[key] for q in part.nodes.values() if key in q)
            cell = Cell(with_unit(value, first.unit), run.link(first.source, first.sha256), is_number=True)
            sums.setdefault(kind, {})[heads[-1]] = cell
    rows = [[word(kind), *(cells.get(head, word("-")) for head in heads)] for kind, cells in sums.items()]
    return table("By kind of operator", ("operator", *heads), rows)


def _by_kind(part: Resources, key: str, kinds: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for node, quantities in part.nodes.items():
        if key in quantities:
            found[kinds.get(node, REST)] += quantities[key].value
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _by_node(what: str, part: Resources, key: str, kinds: Sequence[str]) -> Drawing:
    values = {node: q[key] for node, q in part.nodes.items() if key in q}
    unit = next(iter(values.values())).unit
    with diagram_style():
        figure = Figure(figsize=(WIDTH_INCHES, 1.1 + BAR_INCHES * len(values)), layout="constrained")
        axes = figure.subplots()
        for row, (node, found) in enumerate(values.items()):
            _bar(axes, row, found.value, _split(found.value, part.nodes[node], kinds, what))
            share = found.value / part.quantities[key].value if part.quantities[key].value else 0
            label = f"{with_unit(found.value, unit)} ({share:.0%})"
            axes.annotate(label, (found.value, row), (5, 0), textcoords="offset points", va="center", size=8)
        axes.set_yticks(range(len(values)), list(values), fontsize=8)
        axes.set_ylim(len(values) - 0.4, -0.6)
        axes.set_xlim(0, 1.25 * max(found.value for found in values.values()) or 1)
        axes.set_xlabel(f"{key} [{UNITS.get(unit, unit)}]" if unit else key, fontsize=8.5)
        axes.tick_params(axis="x", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=8, frameon=False, loc="lower right")
        alt = f"{key} by node: " + ", ".join(f"{n} {with_unit(q.value, unit)}" for n, q in values.items()) + "."
        return finished(figure, f"{what}_by_node", f"{what.capitalize()} by node ({part.name})", alt)


def _split(total: float, quantities: Mapping[str, Quantity], kinds: Sequence[str], what: str) -> dict[str, float]:
    """The parts of a bar by kind, and what no kind claims."""
    parts = {kind.removeprefix("of it "): float(quantities[kind].value) for kind in kinds if kind in quantities}
    left = total - sum(parts.values())
    return parts | ({"logic" if what == "area" else REST: left} if left > 1e-9 * total else {})


def _bar(axes: Any, row: int, total: float, parts: Mapping[str, float]) -> None:
    start, known = 0.0, axes.get_legend_handles_labels()[1]
    for name in (name for name in COLOURS if name in parts):
        axes.barh(row, parts[name], left=start, height=0.7, color=COLOURS[name], label=None if name in known else name)
        start += parts[name]
    if not parts:
        axes.barh(row, total, height=0.7, color=COLOURS["logic"])
