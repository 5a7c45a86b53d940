"""Put the page of a run together and write it with its figures; the same folder gives the same bytes."""

from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from codesign.files import replace_directory, write_text
from codesign.page.breakdown import breakdown_drawings, kinds_drawing, operator_table
from codesign.page.dataflow import dataflow_drawing
from codesign.page.drawing import Drawing, write_drawing
from codesign.page.files import FIGURES, PAGE, REPORT, RunFolder
from codesign.page.nodes import node_views
from codesign.page.pareto import pareto_drawing, pareto_table
from codesign.page.physics import physics_drawings
from codesign.page.radiation import rate_table, upset_table
from codesign.page.tables import (
    equality_table,
    headline_figures,
    node_table,
    physics_table,
    provenance_tables,
    register_table,
    resource_table,
    spread_table,
    timing_table,
)
from codesign.page.text import Table
from codesign.page.timing_chart import timing_drawing
from codesign.page.verdict import verdict


@dataclass(frozen=True)
class Section:
    """A part of the page: what is drawn and tabled, and tables that are folded away; `empty` says why it has none."""

    id: str
    title: str
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()
    note: str = ""
    empty: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.drawings or self.tables or self.folded)


def write_page(folder: Path) -> Path:
    """Write `report.html` and the figures of the run in `folder`; return the path of the page.

    Raises `BadInputError` where the folder has no report or a file of the run is damaged.
    """
    run = RunFolder(folder)
    parts = sections(run)
    replace_directory(folder / FIGURES, partial(_write_figures, parts))
    return write_text(folder / PAGE, page_html(run, parts))


def _write_figures(parts: tuple["Section", ...], target: Path) -> None:
    for drawing in (drawing for part in parts for drawing in part.drawings):
        write_drawing(drawing, target)


def sections(run: RunFolder) -> tuple[Section, ...]:
    """Return all sections of the page in order, the empty ones too."""
    nodes = node_views(run)
    return (
        _resources(run),
        Section(
            "dataflow",
            "Dataflow graph",
            (dataflow_drawing(run, nodes),),
            _present(node_table(run, nodes)),
            note="Boxes are shaded by their part of the area; edges carry their width in bits.",
        ),
        Section(
            "schedule",
            "Schedule",
            (timing_drawing(run.manifest, [node.name for node in nodes]),),
            _present(timing_table(run)),
            note=CHART_NOTE,
        ),
        _physics(run),
        _radiation(run),
        Section(
            "tradeoff",
            "Trade-off",
            _present(pareto_drawing(run)),
            _present(pareto_table(run)),
            empty="No other run of this design lies beside this one, so there is no sweep to compare.",
        ),
        Section("verification", "Verification", tables=_present(equality_table(run), register_table(run))),
        Section("provenance", "Provenance", folded=tuple(provenance_tables(run))),
    )


CHART_NOTE = (
    "Dark bars run from the first operand to the result, light ones as long as the node is busy; hatched nodes are "
    "logic within the cycle. Grey is the next event, the red line the latency of the design."
)


def _resources(run: RunFolder) -> Section:
    report = run.report
    shown = (("Area", report.area), ("Power", report.power), ("FPGA", report.fpga), ("Static timing", report.timing))
    tables = [resource_table(run, title, parts) for title, parts in shown]
    return Section(
        "resources",
        "Area and power",
        _present(kinds_drawing(run), *breakdown_drawings(run)),
        _present(*tables),
        _present(operator_table(run)),
        note="" if report.power else "Power was not measured: give a standard-cell library with --liberty.",
    )


def _physics(run: RunFolder) -> Section:
    return Section(
        "physics",
        "Physics performance",
        physics_drawings(run),
        _present(physics_table(run)),
        _present(spread_table(run)),
        empty="This run has no physics table: its data has no labels, or the design has no metric.",
    )


def _radiation(run: RunFolder) -> Section:
    return Section(
        "radiation",
        "Radiation",
        tables=_present(upset_table(run), rate_table(run)),
        empty="No upsets were injected: codesign inject writes the table, codesign upset-rate the failures per chip.",
    )


def _present(*found: Any) -> tuple[Any, ...]:
    return tuple(one for one in found if one is not None)


def page_html(run: RunFolder, parts: tuple[Section, ...]) -> str:
    """Return the page as HTML; every text from the run is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_packaged("report.html.j2"))
    return template.render(
        run=run,
        report=run.report,
        report_link=run.link(REPORT),
        style=Markup(_packaged("report.css")),
        verdict=verdict(run),
        figures=headline_figures(run),
        sections=parts,
        markup=Markup,
        folder=FIGURES,
    )


def _packaged(name: str) -> str:
    return (resources.files("codesign.page") / name).read_text(encoding="utf-8")
