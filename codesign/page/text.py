"""Numbers as a reader wants them, and tables of cells that link to the file a number came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from codesign.page.files import Link, RunFolder
from codesign.report import Quantity

THIN = "\u202f"  # narrow no-break space between groups of three digits
UNITS = {"um2": "µm²", "mm2": "mm²", "events/us": "events/µs", "us": "µs", "uW": "µW"}
PLURALS = {"cycles": "cycle"}
TIMES = " \N{MULTIPLICATION SIGN} "
NOT_KNOWN = "not measured"
# Of a node, where cells were counted by node: it is wiring, or is counted with the node that reads it.
NO_CELLS = "no cells of its own"


@dataclass(frozen=True)
class Cell:
    """Text of a table's cell; a number has the link to its file."""

    text: str
    link: Link | None = None
    is_number: bool = False
    mark: str = ""  # a word for its colour: good, bad, open


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of a row is its header."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def shown(value: float) -> str:
    """Return whole numbers and large ones in groups of three digits, others with four significant digits."""
    if float(value).is_integer() or abs(value) >= 1e4:
        return f"{round(value):,}".replace(",", THIN).replace("-", "\u2212")
    text = f"{value:.4g}"
    return text.replace("-", "\u2212")


def with_unit(value: float, unit: str) -> str:
    """Return the number and its unit."""
    if unit == "um2" and abs(value) >= 1e4:
        value, unit = value / 1e6, "mm2"
    if unit in PLURALS and value == 1:
        unit = PLURALS[unit]
    return f"{shown(value)}{THIN}{UNITS.get(unit, unit)}".rstrip(THIN)


def word(text: str, mark: str = "") -> Cell:
    """A cell of words."""
    return Cell(text, mark=mark)


def count(value: float, link: Link) -> Cell:
    """A cell of a plain number from a file."""
    return Cell(shown(value), link, is_number=True)


def quantity(run: RunFolder, found: Quantity | None, absent: str = NOT_KNOWN) -> Cell:
    """A cell of a number of the report with its unit, or what is said where it is absent."""
    if found is None:
        return Cell(absent, mark="open" if absent == NOT_KNOWN else "")
    return Cell(with_unit(found.value, found.unit), run.link(found.source, found.sha256), is_number=True)


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]], note: str = "") -> Table | None:
    """A table, or None where it would have no row."""
    return Table(caption, tuple(head), tuple(map(tuple, rows)), note) if rows else None
