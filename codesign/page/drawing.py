"""A figure in the style of the field, as SVG for the page and as PNG and PDF for papers; same input, same bytes."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.figure import Figure

from codesign.files import write_with

DPI = 200
PLOT_INCHES = (6.4, 4.6)
# The sizes of the style are made for a figure of 10 inches.
SCALE = 0.47
SIZES = ("font.size", "axes.linewidth", *(f"{axis}tick.{kind}.size" for axis in "xy" for kind in ("major", "minor")))
COMMON: dict[str, Any] = {
    "svg.hashsalt": "codesign",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "text.usetex": False,
}
# Drawings of text, not of data: real text in the SVG, so that it can be read aloud, found and followed.
DIAGRAM: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
} | COMMON


@dataclass(frozen=True)
class Drawing:
    """A finished figure: `alt` says in words what it shows; `svg` stands in the page, the others in files."""

    name: str
    caption: str
    alt: str
    svg: str
    png: bytes
    pdf: bytes
    width_px: int


@contextmanager
def plot_style() -> Iterator[None]:
    """Draw what is inside in the style of CMS, in its colours that colour-blind readers can tell apart."""
    style: dict[Any, Any] = dict(mplhep.style.CMS)
    style |= {key: style[key] * SCALE for key in SIZES} | COMMON
    with mpl.rc_context(style | {"svg.fonttype": "path", "axes.unicode_minus": True}):
        yield


@contextmanager
def diagram_style() -> Iterator[None]:
    """Draw what is inside with text that stays text."""
    style: dict[Any, Any] = DIAGRAM
    with mpl.rc_context(style):
        yield


def finished(figure: Figure, name: str, caption: str, alt: str) -> Drawing:
    """Return the figure in all three formats; to be called inside of its style."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, not for every format
    formats = {kind: _saved(figure, kind) for kind in ("svg", "png", "pdf")}
    width_px = round(figure.get_figwidth() * 96)
    svg = _inline(formats["svg"].decode("utf-8"), name)
    return Drawing(name, caption, alt, svg, formats["png"], formats["pdf"], width_px)


def write_drawing(drawing: Drawing, folder: Path) -> None:
    """Write the PNG and the PDF, each whole or not at all."""
    for kind, content in (("png", drawing.png), ("pdf", drawing.pdf)):
        _write_bytes(folder / f"{drawing.name}.{kind}", content)


def _write_bytes(path: Path, content: bytes) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    write_with(path, write)


def _saved(figure: Figure, kind: str) -> bytes:
    """Without dates and versions, which would differ from one day or machine to another."""
    nothing: dict[str, Any] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    nothing["pdf"] = {"CreationDate": None, "Creator": None, "Producer": None}
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=DPI, metadata=nothing[kind])
    return stream.getvalue()


def _inline(svg: str, name: str) -> str:
    """Return the SVG element alone, its ids made its own: several of them stand in one page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<image\b[^>]*?) id="[^"]*"', r"\1", svg)  # made of the content: two colour bars have the same
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", svg)
    # The size comes from the style sheet of the page, the proportions from the view box.
    head, rest = svg.split(">", 1)
    return re.sub(r' (?:width|height)="[^"]*"', "", head) + ">" + rest
