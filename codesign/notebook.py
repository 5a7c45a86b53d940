"""Small tables for notebooks: a dataflow graph, and the verdict of a run."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from codesign.graph import Graph
from codesign.page.files import PAGE, RunFolder
from codesign.page.tables import headline_figures
from codesign.page.text import TIMES
from codesign.page.verdict import verdict


def graph_html(graph: Graph, title: str, reuse: Mapping[str, int]) -> str:
    """Return the nodes that depend on an input as a table; `reuse`: factors by node, as far as they are chosen."""
    rows = []
    for node in graph.nodes:
        if node.name not in graph.static:
            value = graph.types[node.name]
            shape = TIMES.join(map(str, value.shape))
            rows.append(
                (node.name, node.op.kind, shape, str(value.fixed), str(value.bits), str(reuse.get(node.name, "")))
            )
    return _table(title, ("node", "operator", "shape", "format", "bits", "reuse"), rows)


def report_html(run: RunFolder) -> str:
    """Return verdict, limits and the first figures of a run as a table, with a link to its page if there is one."""
    found = verdict(run)
    limits = [(card.name, card.value, f"{card.word}, limit {card.limit}") for card in found.cards]
    figures = [(name, cell.text, "") for name, cell in headline_figures(run)]
    equality = [(row.name, f"{row.equal} of {row.total}", "values equal") for row in run.report.equality]
    title = f"{run.report.design.name}: {found.headline}. {found.detail}"
    page = run.folder / PAGE
    link = f'<p><a href="{escape(page.as_posix())}">{escape(PAGE)}</a></p>' if page.exists() else ""
    return _table(title, ("", "value", ""), [*limits, *figures, *equality]) + link


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    caption = f"<caption>{escape(title)}</caption>"
    return f"<table>{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
